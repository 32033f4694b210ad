"""What outputs look for in a frame, and the sentence where it is not there."""

from __future__ import annotations

import re
from fractions import Fraction

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Camera, Frame, Subject


class Absent(UnderstudyError):
    """The frame has nothing for this output. It may come; until then nothing is sent."""


def subject(frame: Frame, name: str) -> Subject:
    """The subject of that name; the first where no name is given."""
    for one in frame.subjects:
        if not name or one.name == name:
            return one
    there = ", ".join(one.name for one in frame.subjects[:8])
    raise Absent(_absent("subject", name, there))


def camera(frame: Frame, name: str) -> Camera:
    """The camera of that name; the first where no name is given."""
    for one in frame.cameras:
        if not name or one.name == name:
            return one
    raise Absent(_absent("camera", name, ", ".join(one.name for one in frame.cameras[:8])))


def _absent(what: str, name: str, there: str) -> str:
    wanted = f"no {what} {name!r}" if name else f"no {what}"
    return f"The stream has {wanted}{f'; it has {there}' if there else ''}."


_LABEL = re.compile(r"(\d+)[:;.](\d+)[:;.](\d+)([:;.])(\d+)")


def timecode(frame: Frame) -> tuple[int, int, int, int, bool, Fraction] | None:
    """Hours, minutes, seconds, frames, drop-frame, rate; None where the frame has no timecode."""
    match = _LABEL.fullmatch(frame.timecode)
    if match is None or not frame.rate_num or not frame.rate_den:
        return None
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    rate = Fraction(frame.rate_num, frame.rate_den)
    return hours, minutes, seconds, frames, match[4] in ";.", rate


def frame_of_day(said: tuple[int, int, int, int, bool, Fraction]) -> int:
    """The number of a timecode's frame since midnight; drop-frame leaves labels out, no frames."""
    hours, minutes, seconds, frames, drop, rate = said
    whole = round(rate)
    number = ((hours * 60 + minutes) * 60 + seconds) * whole + frames
    if drop:
        gone, since = 2 * round(rate / 30), hours * 60 + minutes
        number -= gone * (since - since // 10)
    return number
