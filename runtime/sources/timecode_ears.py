"""Where timecode from outside is heard: a UDP port, MIDI, a sound input, a camera's tracking."""

from __future__ import annotations

import queue
import time
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from understudy.bridge.protocols import ProtocolError, artnet, ltc, mtc
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as packet
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError

from .datagrams import SILENT_S, Port, at
from .devices import opentrackio
from .endpoint import LOOPBACK, Endpoint
from .midi import MidiInput

# What a sound's speed may differ from its rate's before it is another rate's.
OFF = 0.03
SAMPLE_RATE, BLOCK = 48000, 480
_READ = {packet.Encoding.JSON: ot.from_json, packet.Encoding.CBOR: ot.from_cbor}


class Said(NamedTuple):
    """A label of a rate, and when its frame began on the monotonic clock."""

    label: str
    rate: str
    began_s: float


class Ears(Protocol):
    """Where labels come from.

    fault    what is wrong with what comes, "" for nothing
    frame_s  between two frames of whoever sends, where that is told; 0: nobody knows
    """

    where: str
    fault: str
    frame_s: float

    def poll(self, now_s: float) -> list[Said]: ...

    def close(self) -> None: ...


class ArtNetEars:
    """Labels by UDP."""

    def __init__(self, host: str, port: int) -> None:
        text = f"artnet://{host}:{port}"
        self._port = Port(Endpoint(text, "artnet", host or LOOPBACK, port, None))
        self.where, self.fault, self.frame_s = self._port.where, "", 0.0

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
        self.where, self.fault, self.frame_s = self._input.where, "", 0.0
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
        self.frame_s = 0.0
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


class OpenTrackIOEars:
    """Labels of a camera's tracking, one a sample; the first sender is followed."""

    def __init__(self, endpoint: Endpoint, rate: str) -> None:
        group, card = opentrackio.multicast(endpoint)
        self._port = Port(endpoint, group, card)
        self.where, self.fault, self.frame_s = self._port.where, "", 0.0
        self._only, self._rate = endpoint.options.source, rate
        self._joiner, self._peer = packet.Reassembler(), ()
        self._heard_s = float("-inf")

    def poll(self, now_s: float) -> list[Said]:
        found = []
        for datagram in self._port.poll(now_s):
            if datagram.peer != self._peer:
                if now_s - self._heard_s <= SILENT_S:
                    continue
                self._joiner, self._peer = packet.Reassembler(), datagram.peer
            self._heard_s = now_s
            try:
                whole = self._joiner.feed(datagram.data, 1e-9 * datagram.arrived_ns)
                sample = _READ[whole[0]](whole[1], []) if whole is not None else None
                said = self._said(sample, 1e-9 * datagram.arrived_ns) if sample else None
            except ProtocolError as error:
                self.fault = f"{at(datagram.peer)}: {error}"
                continue
            found += [said] if said is not None else []
        return found

    def _said(self, sample: ot.Sample, arrived_s: float) -> Said | None:
        if self._only and sample.source_number not in (None, self._only):
            return None
        timing = sample.timing or ot.Timing()
        if timing.sample_rate is not None and timing.sample_rate.num:
            self.frame_s = timing.sample_rate.denom / timing.sample_rate.num
        said = timing.timecode
        if said is None:
            self.fault = f"{at(self._peer)} says no timecode in its samples"
            return None
        rate = self._rate
        if (named := said.rate()) is not None:
            rate = _name(Fraction(named.num, named.denom))
            if not rate:
                raise ProtocolError(f"a timecode of {named.num}/{named.denom} is none of SMPTE's.")
        self.fault = ""
        mark = ";" if timecode.is_drop_frame(rate) else ":"
        label = f"{said.hours:02}:{said.minutes:02}:{said.seconds:02}{mark}{said.frames:02}"
        return Said(label, rate, arrived_s)

    def close(self) -> None:
        self._port.close()


def _name(rate: Fraction) -> str:
    """A rate's name; OpenTrackIO's 29.97 and 59.94 are drop-frame. "" of one that is none."""
    name = next((name for name, exact in timecode.RATES.items() if exact == rate), "")
    return f"{name}df" if name in ("29.97", "59.94") else name
