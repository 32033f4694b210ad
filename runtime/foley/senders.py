"""Events to whoever has a sampler of their own: OSC over UDP, and MIDI notes."""

from __future__ import annotations

import socket
from typing import Any

from understudy.bridge.protocols import osc
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import CUE, LIFT, Event
from understudy.runtime.sources.midi import opened_output

from .materials import MATERIALS
from .score import FULL_MPS

ADDRESS = "/understudy/event"
# General MIDI's percussion channel; a note a material, from low C on.
CHANNEL, FIRST_NOTE = 9, 36
NOTES = {name: FIRST_NOTE + k for k, name in enumerate(MATERIALS)}


def message(event: Event, in_s: float) -> bytes:
    """/understudy/event KIND WHO PART ON MATERIAL ON_MATERIAL X Y Z SPEED SLIP IN: metres, m/s, and
    in how many seconds it is."""
    return osc.encode(
        ADDRESS, event.kind, event.who, event.part, event.on, event.material, event.on_material,
        *map(float, event.position), float(event.speed_mps), float(event.slip_mps), in_s,
    )  # fmt: skip


class OscSender:
    """To HOST:PORT."""

    def __init__(self, to: str) -> None:
        host, _, port = to.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise UnderstudyError(f"--osc is {to!r}; give HOST:PORT, such as 127.0.0.1:9000.")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to = host, int(port)

    def send(self, event: Event, now_s: float) -> None:
        """What cannot be sent is lost, as everything is that goes over UDP."""
        try:
            self._socket.sendto(message(event, event.time_ns * 1e-9 - now_s), self._to)
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()


class MidiSender:
    """A note for each event that sounds, its velocity by speed; the port by a part of its name."""

    def __init__(self, name: str) -> None:
        self._out: Any
        self._out, self.where = opened_output(name, "midi")

    def send(self, event: Event, now_s: float) -> None:
        """At once: MIDI knows no later."""
        if event.kind in (LIFT, CUE):
            return
        import mido

        note = NOTES.get(event.on_material.lower(), FIRST_NOTE)
        loud = min(max(event.speed_mps, event.slip_mps) / FULL_MPS, 1.0)
        velocity = round(20 + 107 * loud)
        self._out.send(mido.Message("note_on", channel=CHANNEL, note=note, velocity=velocity))

    def close(self) -> None:
        self._out.close()
