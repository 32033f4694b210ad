"""A stage's timecode, out: as sound (LTC), by MIDI (MTC) and by Art-Net.

    ltc://            the first audio output; ltc://NAME another; ltc:///takes/ltc.wav a file
    mtc://            the first MIDI output; mtc://NAME another
    artnet://HOST     by UDP; a broadcast address reaches all

The loop says at every tick what time of its day it is; threads and the sound card take it from
there, so that no tick waits. Where the loop says nothing for half a second, or a device is gone,
that is a state: labels run on at the pace that they had, and the stage says so.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from understudy.bridge.protocols import artnet
from understudy.runtime.core import timecode, url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.typed import Table

from .timecode_day import Day, State
from .timecode_ways import ArtNetOut, MidiOut, SoundOut, WavOut, Way

SCHEMES = ("ltc", "mtc", "artnet")


class TimecodeOut:
    """All ways out of a stage's timecode."""

    def __init__(self, lines: list[str], rate: str) -> None:
        self._day = Day()
        self._news: dict[str, str] = {}
        self._ways: list[Way] = []
        with contextlib.ExitStack() as undo:
            for line in lines:
                self._ways.append(_opened(line, self._day, rate))
                undo.callback(self._ways[-1].close)
            self._undo = undo.pop_all()

    def tick(self, day_s: float, tick_s: float) -> None:
        """It is day_s of the stage's day."""
        if self._ways:
            self._day.tick(day_s, tick_s)

    def states(self) -> dict[str, State]:
        """How each way stands, by where it goes."""
        now = self._day.state(time.monotonic())
        return {way.where: State.GONE if way.trouble else now for way in self._ways}

    def news(self) -> list[str]:
        """What has changed since it was asked last, for people."""
        told = []
        for way, state in zip(self._ways, self.states().values(), strict=True):
            said = f"timecode to {way.where}: {way.trouble or state}"
            if self._news.get(way.where) != said:
                self._news[way.where] = said
                told.append(said)
        return told

    def figures(self) -> list[dict[str, Any]]:
        """For `stats`."""
        return [
            {"where": way.where, "state": str(state), "trouble": way.trouble, **way.figures()}
            for way, state in zip(self._ways, self.states().values(), strict=True)
        ]

    def close(self) -> None:
        self._undo.close()


class _NoOptions(Table, frozen=True, kw_only=True):
    """A line of timecode has a place alone."""


class _ArtNet:
    PORT, Options = artnet.PORT, _NoOptions


def check(line: str, rate: str) -> None:
    """Raises the sentence about a line that is none; opens nothing."""
    scheme, mark, place = line.partition("://")
    if not mark or scheme not in SCHEMES:
        raise UnderstudyError(
            f"{line!r} is no way for timecode; write ltc://, ltc:///FILE.wav, mtc:// or "
            "artnet://HOST."
        )
    if scheme == "artnet" and not _art_net(line).host:
        raise UnderstudyError(f"{line!r} names no host; write artnet://HOST.")
    if timecode.rate(rate) > 30:
        raise UnderstudyError(f"{line!r}: timecode goes out at 30 frames a second at most.")
    if scheme == "ltc" and place.startswith("/") and not place.lower().endswith(".wav"):
        raise UnderstudyError(f"{line!r}: a file of timecode is a .wav.")


def _art_net(line: str) -> url.Url:
    return url.parse(line, url.Kind("timecode", "to"), {"artnet": _ArtNet})


def _opened(line: str, day: Day, rate: str) -> Way:
    check(line, rate)
    scheme, _, place = line.partition("://")
    if scheme == "artnet":
        said = _art_net(line)
        return ArtNetOut(day, rate, said.host, said.port or artnet.PORT)
    if scheme == "mtc":
        return MidiOut(day, rate, place)
    if place.lower().endswith(".wav"):
        return WavOut(day, rate, Path(place))
    return SoundOut(day, rate, place)
