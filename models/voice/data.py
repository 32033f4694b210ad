"""Sentences spoken by engines, as what the network hears and what the mouth should do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from understudy.models.voice import visemes
from understudy.models.voice.speech import Said
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources import speech

Voice = tuple[Callable[..., Said], str, float, float]


@dataclass(frozen=True)
class Utterance:
    """heard (T, 2 * BANDS), mouth (T, C), shut (T,) by a p, b or m; told (T,) which phone."""

    heard: Array
    mouth: Array
    shut: np.ndarray
    told: np.ndarray


def sentences(folder: Path) -> list[str]:
    """Plain sentences of the project's own documents, in an order that chance made."""
    found = []
    for path in sorted(folder.glob("*.md")):
        text = re.sub(r"```.*?```|^\s*\|.*?$|^    .*?$", " ", path.read_text(), flags=re.S | re.M)
        for one in re.split(r"(?<=[.:;])\s+", text):
            plain = re.sub(r"[^a-zA-Z,' ]+", " ", one).strip().lower()
            if 5 <= len(plain.split()) <= 14:
                found.append(" ".join(plain.split()))
    unique = sorted(set(found))
    np.random.default_rng(7).shuffle(unique)
    return unique


def spoken(text: str, voice: Voice, rng: np.random.Generator, vary: bool) -> Utterance:
    """One sentence; varied: faster or slower, higher or lower, a longer or shorter throat."""
    engine, name, pitch, _ = voice
    stretch = float(rng.uniform(0.8, 1.2)) if vary else 1.0
    said = engine(text, name, stretch, pitch * (float(rng.uniform(0.85, 1.2)) if vary else 1.0))
    sound, phones = said.sound, said.phones
    if vary:
        up = int(rng.integers(85, 119))
        sound = resample_poly(sound, up, 100)
        phones = [(phone, end * up / 100) for phone, end in phones]
    silence = np.zeros(int(rng.uniform(0.1, 0.4) * speech.RATE_HZ))
    begin = len(silence) / speech.RATE_HZ
    sound = np.concatenate([silence, sound, np.zeros(speech.RATE_HZ // 5)])
    phones = [("pau", begin), *((p, end + begin) for p, end in phones)]
    phones.append(("pau", len(sound) / speech.RATE_HZ))
    heard = speech.frames(sound * (0.3 / max(np.abs(sound).max(), 1e-6)))
    mouth, shut = visemes.curves(phones, len(heard))
    told = visemes.told(phones, len(heard))
    return Utterance(heard, mouth.astype(np.float32), shut, told)


def said_by(
    voices: Sequence[Voice], texts: Sequence[str], each: int, seed: int, vary: bool
) -> list[Utterance]:
    """`each` sentences of every voice, times its share, none twice while they last."""
    rng = np.random.default_rng(seed)
    out, at = [], 0
    for voice in voices:
        count = round(each * voice[3])
        for _ in range(count):
            out.append(spoken(texts[at % len(texts)], voice, rng, vary))
            at += 1
        print(f"  {voice[1]}: {count} sentences", flush=True)
    return out
