"""Foley of a take: exactly in its places, as fast as it can be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from understudy.runtime.contact.footsteps import Footsteps, Surface
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import STEP, Event
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Frame
from understudy.runtime.takes.broadcast_wave import Origin
from understudy.runtime.takes.take_reader import TakeReader

from .foley import Foley
from .sinks import WavSink

# What rings on when a take ends.
TAIL_S = 1.0
# Frames are heard before blocks of their moment are made.
AHEAD_S = 0.05


def frames(path: Path) -> list[Frame]:
    """Those of a take; it says where there are none."""
    found = [one[0] for one in TakeReader(path).frames() if not isinstance(one, dict)]
    if not found:
        raise UnderstudyError(f"{shown(path)} holds no frame, so there is nothing to be heard.")
    return found


def events(path: Path, shown_frames: Sequence[Frame], surface: Surface) -> tuple[list[Event], bool]:
    """What happened in a take, by time, and whether its steps had to be found in its poses."""
    reader = TakeReader(path)
    told = list(reader.happened())
    found = not any(event.kind == STEP for event in told)
    if found:
        told += _steps(shown_frames, reader.rate_hz, surface)
    return sorted(told, key=lambda event: event.time_ns), found


def _steps(shown_frames: Sequence[Frame], rate_hz: float, surface: Surface) -> Iterator[Event]:
    before = shown_frames[0].sequence - 1
    with Footsteps(surface=surface) as footsteps:
        for frame in shown_frames:
            dt_s = max(frame.sequence - before, 1) / rate_hz
            yield from footsteps.step(frame.subjects, frame.publish_ns * 1e-9, dt_s)
            before = frame.sequence


def write(shown_frames: Sequence[Frame], told: Sequence[Event], foley: Foley, wav: WavSink) -> None:
    """Has all of it heard, into a file whose first sample is the first frame."""
    waiting = list(reversed(told))
    foley.began_s = shown_frames[0].publish_ns * 1e-9
    for frame in shown_frames:
        at_s = frame.publish_ns * 1e-9
        foley.frame(frame, at_s)
        while waiting and waiting[-1].time_ns * 1e-9 <= at_s + AHEAD_S:
            foley.happened([waiting.pop()])
        while foley.until_s < at_s:
            wav.write(foley.block())
    foley.happened(reversed(waiting))
    end_s = shown_frames[-1].publish_ns * 1e-9 + TAIL_S
    while foley.until_s < end_s:
        wav.write(foley.block())


def origin(frame: Frame, slate: str = "") -> Origin:
    """When a file begins whose first sample is of this frame: by its timecode."""
    words = {"scene": slate} if slate else {}
    if not frame.timecode or not frame.rate_den:
        return Origin(slate=words)
    exact = f"{frame.rate_num}/{frame.rate_den}"
    drop = ";" in frame.timecode
    try:
        name = timecode.named(frame.rate_num, frame.rate_den, drop)
        at = timecode.frame_number(frame.timecode, name) * frame.rate_den / frame.rate_num
    except UnderstudyError:
        return Origin(slate=words)
    return Origin(at, ("", ""), words, exact, drop)
