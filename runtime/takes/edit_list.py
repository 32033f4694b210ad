"""A take as an editor has it: which picture from which timecode to which.

There is one event for the take, or one for each live cut between its cameras. Numbers of frames are
those of the timecode's own rate, which is not the stage's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError

from .take_motion import Motion

# A timecode that is further than this from the stage's clock was set while the take ran.
DRIFT_FRAMES = 2


@dataclass(frozen=True)
class Event:
    """Frames start .. stop - 1 since midnight; camera is "" where no cut says which."""

    camera: str
    start: int
    stop: int


@dataclass(frozen=True)
class EditList:
    """rate_name is the timecode's, as "29.97df"; markers are frames since midnight and texts."""

    rate_name: str
    events: list[Event]
    markers: list[tuple[int, str]]
    notes: list[str]

    @property
    def rate(self) -> Fraction:
        return timecode.rate(self.rate_name)


def edit_list(motion: Motion) -> EditList:
    """The events and markers of a take, in timecode."""
    if not len(motion):
        raise UnderstudyError(
            f"{motion.name} holds nobody and nothing that an edit list could show."
        )
    if not motion.timecode_rate or not motion.start_timecode:
        raise UnderstudyError(
            f"{motion.name} has no timecode, which an edit list is made of; export glb or usd."
        )
    numbers, notes = _numbers(motion)
    stop = int(numbers[-1]) + 1
    cuts: dict[int, str] = {}  # of cuts within one frame the last counts
    for cut in motion.cuts:
        cuts[int(numbers[max(0, cut.tick - motion.first)])] = cut.text
    begin = int(numbers[0])
    starts = sorted({begin, *cuts})
    events = [
        Event(cuts.get(start, ""), start, following)
        for start, following in zip(starts, [*starts[1:], stop], strict=True)
    ]
    markers = [(int(numbers[m.tick - motion.first]), m.text) for m in motion.markers]
    return EditList(motion.timecode_rate, events, markers, notes)


def _numbers(motion: Motion) -> tuple[np.ndarray, list[str]]:
    """(T,) the timecode's frame at every row; it runs on over midnight."""
    name = motion.timecode_rate
    a_row = timecode.rate(name) / Fraction(motion.rate_hz).limit_denominator(100_000)
    start = timecode.frame_number(motion.start_timecode, name)
    day = _day(name)
    counted = np.array([start + floor(row * a_row) for row in range(len(motion))])
    said = counted.copy()
    known, last = 0, start
    for row in range(len(motion)):
        label = motion.timecodes.get(motion.first + row)
        if label is None:  # a gap: it ran on
            said[row] = last + floor((row - known) * a_row)
            continue
        number = timecode.frame_number(label, name)
        number += day * round((counted[row] - number) / day)
        said[row] = last = number
        known = row
    if (np.abs(said - counted) > DRIFT_FRAMES).any() or (np.diff(said) < 0).any():
        note = (
            f"The timecode of {motion.name} jumped while it was recorded: frames are counted from "
            f"{motion.start_timecode}."
        )
        return counted, [note]
    return said, []


def _day(name: str) -> int:
    """Frames from midnight to midnight."""
    last = round(timecode.rate(name)) - 1
    mark = ";" if timecode.is_drop_frame(name) else ":"
    return timecode.frame_number(f"23:59:59{mark}{last:02}", name) + 1
