"""Sounds of the user's own: STRUCK_BY_NUMBER.wav in a folder, such as wood_rubber_1.wav."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.sources.voice import read

from .materials import MATERIALS
from .score import Samples
from .voices import BLOCK

LONGEST_S = 10.0


def load(folder: Path) -> Samples:
    """Those of a folder, by what is struck and by what; "" is anything."""
    if not folder.is_dir():
        raise UnderstudyError(f"{shown(folder)} is no folder of sounds.")
    found: Samples = {}
    for path in sorted(folder.glob("*.[wW][aA][vV]")):
        words = [word for word in path.stem.lower().split("_") if not word.isdigit()]
        if not words or len(words) > 2 or any(word not in MATERIALS for word in words):
            raise UnderstudyError(
                f"{shown(path)} does not say what it is; name it STRUCK_BY_NUMBER.wav, "
                f"such as wood_rubber_1.wav, of {', '.join(MATERIALS)}."
            )
        sound = read(path, RATE_HZ)
        if len(sound) > LONGEST_S * RATE_HZ:
            raise UnderstudyError(
                f"{shown(path)} lasts {len(sound) / RATE_HZ:.1f} s; it may last {LONGEST_S:g}."
            )
        padded = np.concatenate([sound, np.zeros(3 * BLOCK)]).astype(np.float32)
        found.setdefault((words[0], words[1] if len(words) == 2 else ""), []).append(padded)
    if not found:
        raise UnderstudyError(f"{shown(folder)} has no .wav file.")
    return found
