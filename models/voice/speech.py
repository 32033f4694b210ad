"""Speech with its phones and when each ends, by Debian's flite, festival and espeak-ng.

apt install flite espeak-ng festival festvox-kdlpc16k festvox-us-slt-hts
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources.speech import RATE_HZ

Phones = list[tuple[str, float]]  # name, when it ends in seconds


@dataclass(frozen=True)
class Said:
    """sound (N,) -1..1 at RATE_HZ"""

    sound: Array
    phones: Phones


def read_wav(path: Path) -> Array:
    """(N,) mono at RATE_HZ."""
    with wave.open(str(path)) as file:
        rate, wide = file.getframerate(), file.getnchannels()
        flat = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    mono = flat.reshape(-1, wide).mean(1) / 32768.0
    return resample_poly(mono, RATE_HZ, rate) if rate != RATE_HZ else mono


def _run(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        raise UnderstudyError(f"{words[0]} is not installed: apt install {words[0]}.") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines() or [f"exit status {error.returncode}"]
        raise UnderstudyError(f"{words[0]} failed: {said[-1]}") from None
    return done.stdout


def flite(text: str, voice: str, stretch: float, pitch: float) -> Said:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "a.wav"
        said = _run("flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}",
                    "--setf", f"int_f0_target_mean={pitch:.1f}", "-t", text, "-o", str(out),
                    "-psdur")  # fmt: skip
        return Said(read_wav(out), [(n, float(t)) for n, t in re.findall(r"(\w+):([\d.]+)", said)])


_SCHEME = """(voice_{voice})
(Parameter.set 'Duration_Stretch {stretch})
(set! u (Utterance Text "{text}"))
(utt.synth u)
(mapcar (lambda (s) (format t "%s %f\\n" (item.name s) (item.feat s 'end)))
        (utt.relation.items u 'Segment))
(utt.save.wave u "{out}" 'riff)
"""


def festival(text: str, voice: str, stretch: float, pitch: float) -> Said:
    with tempfile.TemporaryDirectory() as folder:
        out, script = Path(folder) / "a.wav", Path(folder) / "a.scm"
        script.write_text(_SCHEME.format(voice=voice, stretch=stretch, text=text, out=out))
        said = _run("festival", "-b", str(script))
        ends = [(n, float(t)) for n, t in re.findall(r"^(\S+) ([\d.]+)$", said, re.M)]
        return Said(read_wav(out), ends)


class _Event(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("uid", ctypes.c_uint), ("text", ctypes.c_int),
                ("length", ctypes.c_int), ("audio", ctypes.c_int), ("sample", ctypes.c_int),
                ("user", ctypes.c_void_p), ("string", ctypes.c_char * 8))  # fmt: skip


_CALL = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_PHONEME, _END = 7, 0
# espeak's own names -> ARPABET's; the longest that begins a name counts.
ESPEAK = {
    "tS": "ch", "dZ": "jh", "T": "th", "D": "dh", "S": "sh", "Z": "zh", "N": "ng", "n": "n",
    "m": "m", "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "g": "g", "f": "f", "v": "v",
    "s": "s", "z": "z", "h": "hh", "l": "l", "r": "r", "w": "w", "j": "y", "?": "pau",
    "i": "iy", "I": "ih", "E": "eh", "e": "ey", "a": "ae", "aI": "ay", "aU": "aw", "A": "aa",
    "0": "aa", "V": "ah", "O": "ao", "OI": "oy", "o": "ow", "oU": "ow", "U": "uh", "u": "uw",
    "3": "er", "a#": "ax", "@": "ax", "@L": "el", "eI": "ey", "_": "pau",
}  # fmt: skip
_library: ctypes.CDLL | None = None


def espeak(text: str, voice: str, stretch: float, pitch: float) -> Said:
    global _library
    if _library is None:
        try:
            _library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError:
            raise UnderstudyError("espeak-ng is not installed: apt install espeak-ng.") from None
        _library.espeak_Initialize(2, 0, None, 1)  # sound in memory, phoneme events
    rate = _library.espeak_ng_GetSampleRate()
    sound: list[np.ndarray] = []
    starts: list[tuple[str, float]] = []

    def heard(samples, count, events) -> int:
        if count > 0:
            sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        k = 0
        while events[k].type != _END:
            if events[k].type == _PHONEME:
                starts.append(
                    (events[k].string.decode("ascii", "replace"), events[k].sample / rate)
                )
            k += 1
        return 0

    call = _CALL(heard)
    _library.espeak_SetSynthCallback(call)
    _library.espeak_SetVoiceByName(voice.encode())
    _library.espeak_SetParameter(1, int(165 / stretch), 0)
    _library.espeak_SetParameter(3, int(pitch), 0)
    data = text.encode() + b"\0"
    _library.espeak_Synth(data, len(data), 0, 1, 0, 1, None, None)
    mono = np.concatenate(sound) / 32768.0
    ends = [t for _, t in starts[1:]] + [len(mono) / rate]
    phones = [(_arpabet(name), end) for (name, _), end in zip(starts, ends)]
    return Said(resample_poly(mono, RATE_HZ, rate), _held(phones, mono, rate))


STOPS, HUSH_S, QUIET = {"p", "t", "k", "ch"}, 0.005, 0.02


def _held(phones: Phones, sound: Array, rate: float) -> Phones:
    """espeak's stops begin with their burst; the silence before it is theirs, and no vowel's."""
    hop = round(HUSH_S * rate)
    loud = np.abs(sound[: len(sound) // hop * hop]).reshape(-1, hop).max(1)
    quiet = loud < QUIET * max(loud.max(initial=0.0), 1e-9)
    out = list(phones)
    for k in range(1, len(out)):
        name, end = out[k - 1]
        begin = out[k - 2][1] if k > 1 else 0.0
        if out[k][0] not in STOPS or name == "pau":
            continue
        at = min(round(end / HUSH_S), len(quiet))
        while at > 0 and quiet[at - 1] and at * HUSH_S > 0.5 * (begin + end):
            at -= 1
        out[k - 1] = name, min(end, at * HUSH_S)
    return out


def _arpabet(name: str) -> str:
    bare = name.lstrip("',%=|")
    for size in (2, 1):
        if bare[:size] in ESPEAK:
            return ESPEAK[bare[:size]]
    return "pau"


# engine, voice, usual pitch, share: people's voices more than those by formants
TRAINED = (
    (flite, "kal16", 105.0, 1.0), (flite, "awb", 120.0, 1.0), (flite, "slt", 170.0, 1.0),
    (festival, "ked_diphone", 0.0, 0.7),
    (espeak, "en-us+f2", 60.0, 0.3), (espeak, "en-us+m3", 35.0, 0.3),
    (espeak, "en-us+f5", 55.0, 0.2), (espeak, "en-us+m7", 40.0, 0.2),
    (espeak, "en-us+klatt2", 45.0, 0.2), (espeak, "en-us+steph", 60.0, 0.2),
)  # fmt: skip
HELD_OUT = ((flite, "rms", 95.0, 1.0), (festival, "cmu_us_slt_arctic_hts", 0.0, 1.0))
