"""A take's sound as one WAV, a channel for each sound, on the clock of the other exports."""

from __future__ import annotations

import datetime
from contextlib import suppress
from pathlib import Path

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError

from . import broadcast_wave, take_sound
from .broadcast_wave import Origin
from .take_motion import Motion, description


def ready() -> None:
    """It needs no other package."""


def write(path: Path, motion: Motion) -> list[str]:
    """Writes it; row 0 of the other exports is its first sample."""
    found = take_sound.channels(motion.files, motion.first, len(motion) / motion.rate_hz)
    if not found:
        raise UnderstudyError(
            f"{motion.name} holds no sound: record one with --voice, or with --sound microphone."
        )
    broadcast_wave.write(path, found, _origin(motion))
    return []


def _origin(motion: Motion) -> Origin:
    slate = {name: str(value) for name, value in description(motion)["slate"].items()}
    begun = ("", "")
    with suppress(KeyError, ValueError, OSError, OverflowError):
        then = datetime.datetime.fromtimestamp(int(motion.facts["begun_ns"]) / 1e9)
        begun = (f"{then:%Y-%m-%d}", f"{then:%H:%M:%S}")
    name, label = motion.timecode_rate, motion.start_timecode
    try:
        exact, frame = timecode.rate(name), timecode.frame_number(label, name)
    except UnderstudyError:
        return Origin(begun=begun, slate=slate)
    return Origin(
        float(frame / exact), begun, slate, f"{exact.numerator}/{exact.denominator}",
        timecode.is_drop_frame(name),
    )  # fmt: skip
