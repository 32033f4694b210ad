"""Faders and buttons: a MIDI controller, or a tablet that sends OSC.

    midi://            the first MIDI input; midi://nanoKONTROL one whose name has that in it
    osc://0.0.0.0:9001 what comes by UDP

Each has a name: "cc 16", "note 36", "pitch", "program 3", with " channel 2" behind it beyond the
first channel; of OSC its address, "/1/fader1", of an argument behind the first with its number,
"/3/xy 2".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from understudy.bridge.protocols import ProtocolError, osc
from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Port
from understudy.runtime.sources.endpoint import LOOPBACK, Endpoint
from understudy.runtime.sources.midi import MidiInput

SCHEMES = ("midi", "osc")
PORT = 9001
MOST_ARGUMENTS, LONGEST = 8, 128


class Moved(NamedTuple):
    """A fader or button, and where it is: MIDI's 0 to 1, of OSC the number that was sent."""

    control: str
    value: float


class Faders(Protocol):
    """Where they are. fault: what is wrong with what comes, "" for nothing."""

    where: str
    fault: str

    def poll(self, now_s: float) -> list[Moved]: ...

    def close(self) -> None: ...


def of_midi(data: Sequence[int]) -> Moved | None:
    """What a MIDI message moves; None of one that moves nothing, such as a clock's."""
    if not data or not 0x80 <= data[0] < 0xF0 or any(not 0 <= byte < 128 for byte in data[1:]):
        return None
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    behind = f" channel {channel + 1}" if channel else ""
    match kind, len(data):
        case 0xB0, 3:
            return Moved(f"cc {data[1]}{behind}", data[2] / 127.0)
        case 0x90, 3:
            return Moved(f"note {data[1]}{behind}", data[2] / 127.0)
        case 0x80, 3:
            return Moved(f"note {data[1]}{behind}", 0.0)
        case 0xE0, 3:
            return Moved(f"pitch{behind}", (data[1] + 128 * data[2]) / 16383.0)
        case 0xC0, 2:
            return Moved(f"program {data[1]}{behind}", 1.0)
    return None


def of_osc(data: bytes) -> list[Moved]:
    """What a datagram of OSC moves: each number in it; a message without any is a press."""
    found = []
    for said in osc.decode(data):
        if len(said.address) > LONGEST:
            raise ProtocolError(f"An OSC address of a fader has {LONGEST} letters at most.")
        numbers = [
            (n, float(value))
            for n, value in enumerate(said.arguments[:MOST_ARGUMENTS], 1)
            if isinstance(value, int | float) and math.isfinite(value)
        ]
        if not said.arguments:
            found += [Moved(said.address, 0.0), Moved(said.address, 1.0)]
        found += [Moved(said.address if n == 1 else f"{said.address} {n}", v) for n, v in numbers]
    return found


class MidiFaders:
    """A MIDI controller."""

    def __init__(self, name: str) -> None:
        self._input = MidiInput(name, "midi")
        self.where, self.fault = self._input.where, ""

    def poll(self, now_s: float) -> list[Moved]:
        """What was moved since the last poll."""
        found = [of_midi(data) for data, _ in self._input.poll()]
        return [moved for moved in found if moved is not None]

    def close(self) -> None:
        self._input.close()


class OscFaders:
    """Whoever sends OSC to a port."""

    def __init__(self, host: str, port: int) -> None:
        text = f"osc://{host}:{port}"
        self._port = Port(Endpoint(text, "osc", host or LOOPBACK, port, None))
        self.where, self.fault = self._port.where, ""

    def poll(self, now_s: float) -> list[Moved]:
        """What was moved since the last poll."""
        found: list[Moved] = []
        for datagram in self._port.poll(now_s):
            try:
                found += of_osc(datagram.data)
                self.fault = ""
            except ProtocolError as error:
                self.fault = f"{datagram.peer[0]}: {error}"
        return found

    def close(self) -> None:
        self._port.close()


class _NoOptions(Table, frozen=True, kw_only=True):
    """A line of faders has a place alone."""


class _Osc:
    PORT, Options = PORT, _NoOptions


def check(line: str) -> url.Url | None:
    """The place of an OSC line, None of a MIDI one; raises the sentence about one that is none."""
    scheme, mark, _ = line.partition("://")
    if not mark or scheme not in SCHEMES:
        raise UnderstudyError(
            f"{line!r} is no controller; write midi://, midi://NAME or osc://0.0.0.0:{PORT}."
        )
    return (
        url.parse(line, url.Kind("controller", "from"), {"osc": _Osc}) if scheme == "osc" else None
    )


def opened(line: str) -> Faders:
    """The faders of a line."""
    place = check(line)
    if place is None:
        return MidiFaders(line.partition("://")[2])
    return OscFaders(place.host, place.port or PORT)
