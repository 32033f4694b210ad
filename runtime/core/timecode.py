"""SMPTE timecode at integer and 1000/1001 rates, drop-frame included, over the `timecode` library.

A tick is not a timecode frame: the stage runs at 60 or 120 Hz while timecode counts 23.976 to 60.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from timecode.timecode import Timecode

from .errors import UnderstudyError

NEAR_FRAMES = 1e-4
# name -> exact rate
RATES: dict[str, Fraction] = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}


@lru_cache(maxsize=64)
def rate(name: str) -> Fraction:
    """The exact rate of a name such as "29.97" or "29.97df"."""
    key = name.lower().removesuffix("ndf").removesuffix("df")
    if key not in RATES:
        raise UnderstudyError(f"Timecode rate {name!r} is unknown; known are {', '.join(RATES)}.")
    if is_drop_frame(name) and key not in ("29.97", "59.94"):
        raise UnderstudyError(f"Drop-frame exists at 29.97 and 59.94 only, not at {key}.")
    return RATES[key]


def named(numerator: int, denominator: int, drop_frame: bool) -> str:
    """The name of an exact rate, as the wire and takes have it; raises UnderstudyError."""
    exact = Fraction(numerator, max(denominator, 1))
    for name, known in RATES.items():
        if known == exact:
            return name + "df" * drop_frame
    raise UnderstudyError(f"There is no timecode of {exact} frames a second.")


def is_drop_frame(name: str) -> bool:
    return name.lower().endswith("df") and not name.lower().endswith("ndf")


@lru_cache(maxsize=256)  # a stage asks for each some times, at every tick
def label(frame: int, name: str) -> str:
    """The timecode label of frame number `frame` >= 0; drop-frame labels have a ';'."""
    exact = rate(name)
    if frame < 0:
        raise UnderstudyError(f"Timecode counts from frame 0, {frame} is before it.")
    day = round(86400 * round(exact))
    frame %= day if not is_drop_frame(name) else day - 2592 * (2 if exact > 30 else 1)
    key = name.lower().removesuffix("ndf").removesuffix("df")
    tc = Timecode(key, frames=frame + 1, force_non_drop_frame=not is_drop_frame(name))
    return str(tc)


def frame_number(text: str, name: str) -> int:
    """The frame number >= 0 of a label such as "01:00:00;02"."""
    rate(name)
    key = name.lower().removesuffix("ndf").removesuffix("df")
    try:
        tc = Timecode(key, text, force_non_drop_frame=not is_drop_frame(name))
    except Exception:
        raise UnderstudyError(f"{text!r} is not a timecode at {name}; write HH:MM:SS:FF.") from None
    frame = int(tc.frames) - 1
    # The library counts on from 00:00:00:99, and from labels that drop-frame leaves out.
    if re.findall(r"\d+", text) != re.findall(r"\d+", label(frame, name)):
        raise UnderstudyError(f"{text!r} is no label at {name}: that frame or time does not exist.")
    return frame


def at_time(seconds: float, name: str) -> str:
    """The label of the frame that is on at `seconds` since frame 0."""
    exact = rate(name)
    frames = seconds * exact.numerator / exact.denominator
    frame = int(frames)
    # Where a frame begins, a float may be a bit short of it, and only there.
    if abs(frames - round(frames)) < NEAR_FRAMES:
        frame = int(Fraction(seconds).limit_denominator(10**9) * exact)
    return label(frame, name)
