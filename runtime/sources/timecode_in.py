"""Timecode from outside: as sound (LTC), by MIDI or by Art-Net, chased by the stage's own clock.

`ltc://` is the first audio input of this machine, `ltc://NAME` another (package sounddevice);
`mtc://` the first MIDI input, `mtc://NAME` another (mido and python-rtmidi); `artnet://0.0.0.0`
what comes by UDP. Labels name a rate only roughly: 30 of a desk is 29.97 on a stage of 29.97.
"""

from __future__ import annotations

import queue
import time
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from understudy.bridge.protocols import ProtocolError, artnet, ltc, mtc
from understudy.runtime.core import timecode
from understudy.runtime.core.chase import Chase, Lock
from understudy.runtime.core.errors import UnderstudyError

from .datagrams import Port, at
from .endpoint import LOOPBACK, Endpoint
from .midi import MidiInput

SCHEMES = ("ltc", "mtc", "artnet")
# What a sound's speed may differ from its rate's before it is another rate's.
OFF = 0.03
SAMPLE_RATE, BLOCK = 48000, 480


class Said(NamedTuple):
    """A label of a rate, and when its frame began on the monotonic clock."""

    label: str
    rate: str
    began_s: float


class Ears(Protocol):
    """Where labels come from. fault: what is wrong with what comes, "" for nothing."""

    where: str
    fault: str

    def poll(self, now_s: float) -> list[Said]: ...

    def close(self) -> None: ...


class ArtNetEars:
    """Labels by UDP."""

    def __init__(self, host: str, port: int) -> None:
        text = f"artnet://{host}:{port}"
        self._port = Port(Endpoint(text, "artnet", host or LOOPBACK, port, None))
        self.where, self.fault = self._port.where, ""

    def poll(self, now_s: float) -> list[Said]:
        found = []
        for datagram in self._port.poll(now_s):
            try:
                said = artnet.decode(datagram.data)
            except ProtocolError as error:
                self.fault = f"{at(datagram.peer)}: {error}"
                continue
            if said is not None:
                self.fault = ""
                found.append(Said(said.label, said.rate, 1e-9 * datagram.arrived_ns))
        return found

    def close(self) -> None:
        self._port.close()


class MidiEars:
    """Labels by MIDI's quarter frames and whole labels."""

    def __init__(self, name: str) -> None:
        self._input = MidiInput(name, "mtc")
        self.where, self.fault = self._input.where, ""
        self._quarters = mtc.Quarters()

    def poll(self, now_s: float) -> list[Said]:
        found = []
        for data, at_s in self._input.poll():
            try:
                said = self.feed(data)
            except ProtocolError as error:
                self.fault = str(error)
                continue
            if said is not None:
                self.fault = ""
                label, frames = said
                exact = timecode.rate(label.rate)
                found.append(Said(label.label, label.rate, at_s - float(frames / exact)))
        return found

    def feed(self, data: list[int]) -> tuple[artnet.Timecode, Fraction] | None:
        """A label, and how many frames ago it began."""
        if data[:1] == [mtc.QUARTER] and len(data) == 2:
            said = self._quarters.feed(data[1])
            return (said, Fraction(7, 4)) if said is not None else None
        whole = mtc.full(bytes(data))
        return (whole, Fraction(0)) if whole is not None else None

    def close(self) -> None:
        self._input.close()


class SoundEars:
    """Labels as sound, from an audio input."""

    def __init__(self, name: str, rate: str) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise UnderstudyError(
                f"ltc:// needs the package sounddevice and PortAudio: {error}."
            ) from None
        self.where, self.fault, self._rate = f"audio {name or 'input'}", "", rate
        self._decoder = ltc.Decoder(SAMPLE_RATE)
        self._blocks: queue.SimpleQueue[tuple[Any, float]] = queue.SimpleQueue()
        self._began_s: float | None = None
        self._count = 0
        try:
            self._stream = sounddevice.InputStream(
                SAMPLE_RATE, BLOCK, name or None, 1, callback=self._take
            )
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise UnderstudyError(f"ltc://{name} cannot be listened to: {error}.") from None

    def _take(self, block: Any, count: int, times: Any, status: Any) -> None:
        at_s = time.monotonic() - (times.currentTime - times.inputBufferAdcTime)
        self._blocks.put((block[:, 0].copy(), at_s))

    def poll(self, now_s: float) -> list[Said]:
        found = []
        while not self._blocks.empty():
            block, at_s = self._blocks.get()
            # The soonest block tells when the first sample was; the rest came late.
            first_s = at_s - self._count / SAMPLE_RATE
            self._began_s = first_s if self._began_s is None else min(self._began_s, first_s)
            self._began_s += 1e-6  # and another clock is followed
            self._count += len(block)
            found += self.labels(self._decoder.feed(block), self._began_s)
        return found

    def labels(self, frames: list[ltc.Frame], began_s: float) -> list[Said]:
        """Frames of a sound that began at a time, as labels; wound ones are passed over."""
        found = []
        exact = float(timecode.rate(self._rate))
        for frame in frames:
            if abs(frame.rate_hz / exact - 1.0) > OFF:
                self.fault = (
                    f"it runs at {frame.rate_hz:.2f} frames a second, and --timecode is "
                    f"{self._rate}"
                )
                continue
            self.fault = ""
            if not frame.backwards:
                found.append(Said(frame.label, self._rate, began_s + frame.at / SAMPLE_RATE))
        return found

    def close(self) -> None:
        self._stream.close()


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
            "notice": self.notice,
        }

    def close(self) -> None:
        self.ears.close()


def check(line: str) -> None:
    """Raises the sentence about a line that is none; opens nothing."""
    scheme, mark, _ = line.partition("://")
    if not mark or scheme not in SCHEMES:
        raise UnderstudyError(f"{line!r} is no timecode; write ltc://, mtc:// or artnet://0.0.0.0.")


def _open(line: str, rate: str) -> Ears:
    check(line)
    scheme, _, place = line.partition("://")
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
