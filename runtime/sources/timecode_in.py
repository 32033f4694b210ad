"""Timecode from outside: sound (LTC), MIDI, Art-Net, OpenTrackIO, chased by the stage's own clock.

`ltc://` is the first audio input of this machine, `ltc://NAME` another (package sounddevice);
`mtc://` the first MIDI input, `mtc://NAME` another (mido and python-rtmidi); `artnet://0.0.0.0`
what comes by UDP; `opentrackio://multicast` what a camera's tracking says. Labels name a rate only
roughly: 30 of a desk is 29.97 on a stage of 29.97.
"""

from __future__ import annotations

import time
from typing import Any

from understudy.bridge.protocols import artnet
from understudy.runtime.core import timecode
from understudy.runtime.core.chase import Chase, Lock
from understudy.runtime.core.errors import UnderstudyError

from . import endpoint
from .devices import opentrackio
from .timecode_ears import ArtNetEars, Ears, MidiEars, OpenTrackIOEars, Said, SoundEars

SCHEMES = ("ltc", "mtc", "artnet", "opentrackio")


class TimecodeIn:
    """A stage's timecode from outside."""

    def __init__(self, line: str, rate: str, ears: Ears | None = None) -> None:
        self._rate = rate
        self.ears = ears or _open(line, rate)
        self.chase = Chase(1.0 / float(timecode.rate(rate)))
        self.wrong = 0
        self.shown_s = 0.0  # seconds since midnight at the last tick
        self._start_s = self._now_s = float("inf")
        self._lock = Lock.WAITS
        self._news = ""

    def tick(self, now_s: float) -> str:
        """The label at a tick of the stage; "" before any came."""
        self._start_s = min(self._start_s, time.monotonic() - now_s)
        for said in self.ears.poll(now_s):
            try:
                self.chase.heard(self.seconds(said), said.began_s)
            except UnderstudyError:
                self.wrong += 1
        self._now_s = self._start_s + now_s
        shown_s = self.chase.at(self._now_s)
        self.shown_s = shown_s or 0.0
        return "" if shown_s is None else timecode.at_time(shown_s, self._rate)

    def seconds(self, said: Said) -> float:
        """A label as seconds since midnight."""
        rate = said.rate
        near = {"30": "29.97", "24": "23.976"}.get(rate)
        if near is not None and self._rate.lower().removesuffix("ndf") == near:
            rate = near
        text = said.label if timecode.is_drop_frame(rate) else said.label.replace(";", ":")
        return float(timecode.frame_number(text, rate) / timecode.rate(rate))

    @property
    def notice(self) -> str:
        """What a crew should know of it now; it changes only when that does."""
        lock = self.chase.lock(self._now_s)
        fault = f": {self.ears.fault}" if self.ears.fault else ""
        if lock is Lock.WAITS:
            return f"timecode: nothing has come on {self.ears.where} yet, so time of day{fault}"
        if lock is Lock.FREE:
            return f"timecode: nothing comes on {self.ears.where}, so it runs free{fault}"
        return f"timecode: locked to {self.ears.where}{fault}"

    def news(self) -> str:
        """The notice where it has changed, else ""."""
        if (said := self.notice) == self._news:
            return ""
        self._news = said
        return said

    def figures(self) -> dict[str, Any]:
        """For `stats`."""
        return {
            "where": self.ears.where,
            "lock": str(self.chase.lock(self._now_s)),
            "error_ms": round(1e3 * self.chase.error_s, 2),
            "drift_ppm": round(self.chase.drift, 1),
            "jumps": self.chase.jumps,
            "phase_ms": self.phase_ms,
            "notice": self.notice,
        }

    @property
    def phase_ms(self) -> float | None:
        """How long before the last tick a frame of the other began; None: nobody knows.

        A stage cannot be locked to a camera by software: this is what is left between the two.
        """
        if self.chase.lock(self._now_s) is not Lock.LOCKED:
            return None
        frame_s = self.ears.frame_s or 1.0 / float(timecode.rate(self._rate))
        return round(1e3 * (self.shown_s % frame_s), 2)

    def close(self) -> None:
        self.ears.close()


def check(line: str) -> None:
    """Raises the sentence about a line that is none; opens nothing."""
    scheme, mark, _ = line.partition("://")
    if not mark or scheme not in SCHEMES:
        raise UnderstudyError(
            f"{line!r} is no timecode; write ltc://, mtc://, artnet://0.0.0.0 or "
            "opentrackio://multicast."
        )
    if scheme == "opentrackio":
        _camera(line)


def _camera(line: str) -> endpoint.Endpoint:
    return endpoint.parse(line, {"opentrackio": opentrackio})


def _open(line: str, rate: str) -> Ears:
    check(line)
    scheme, _, place = line.partition("://")
    if scheme == "opentrackio":
        return OpenTrackIOEars(_camera(line), rate)
    if scheme == "ltc":
        return SoundEars(place, rate)
    if scheme == "mtc":
        return MidiEars(place)
    host, colon, port = place.rpartition(":")
    if not colon:
        host, port = place, str(artnet.PORT)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise UnderstudyError(f"{line!r} has no port; write artnet://0.0.0.0:{artnet.PORT}.")
    return ArtNetEars(host, int(port))
