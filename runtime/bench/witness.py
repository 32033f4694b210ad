"""A subscriber that keeps what a stage sent: which frame when, and a checksum of its bytes."""

from __future__ import annotations

import threading
import time
import zlib
from typing import NamedTuple

import numpy as np
import zmq

from understudy.bridge.security import address as addresses
from understudy.bridge.security.handshake import Handshake
from understudy.bridge.wire.envelope import FRAME, SIZE, open_envelope
from understudy.bridge.wire.table import root

POLL_MS = 50


class Sent(NamedTuple):
    """A frame as it was sent: its tick, when the tick began and when it went out (monotonic ns),
    and a checksum of its bytes."""

    sequence: int
    capture_ns: int
    publish_ns: int
    checksum: int


def sent(message: bytes) -> tuple[int, int, Sent]:
    """Session, number and facts of a FRAM message."""
    open_envelope(message)
    table = root(message)
    tick, capture_ns, publish_ns = table.number(0, "Q"), table.number(3, "q"), table.number(4, "q")
    told = Sent(tick, capture_ns, publish_ns, zlib.crc32(message[SIZE:]))
    return table.number(1, "Q"), table.number(2, "Q"), told


class Witness(threading.Thread):
    """Hears every frame of an address from now on, of one stage after the other.

    sessions  by the stage's own number: its frames by theirs
    """

    def __init__(self, address: str) -> None:
        super().__init__(name="witness", daemon=True)
        self.sessions: dict[int, dict[int, Sent]] = {}
        self._address, self._ending = address, False
        self.start()

    def run(self) -> None:
        socket: zmq.Socket = zmq.Context.instance().socket(zmq.SUB)
        with socket:
            socket.linger, socket.rcvhwm, socket.reconnect_ivl = 0, 0, 20
            addresses.notice_the_dead(socket)
            socket.subscribe(FRAME)
            handshake = Handshake(socket, self._address, None)
            while not self._ending:
                handshake.poll()
                if socket.poll(POLL_MS):
                    session, number, told = sent(socket.recv())
                    self.sessions.setdefault(session, {})[number] = told
            handshake.close()

    @property
    def newest(self) -> dict[int, Sent]:
        """The frames of the stage that began last."""
        return next(reversed(self.sessions.values()), {})

    def wait(self, frames: int, patience_s: float = 60.0) -> bool:
        """Until the newest stage sent so many frames more."""
        begun, until_s = sum(map(len, self.sessions.values())), time.monotonic() + patience_s
        while sum(map(len, self.sessions.values())) < begun + frames:
            if time.monotonic() > until_s:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        self._ending = True
        self.join()


def lateness_ms(frames: list[Sent], rate_hz: float, start_ns: float) -> np.ndarray:
    """(N,) by how much each tick began after its time; start_ns: when tick 0 was due."""
    ticks = np.array([one.sequence for one in frames], np.float64)
    began = np.array([one.capture_ns for one in frames], np.float64)
    return (began - start_ns - ticks * (1e9 / rate_hz)) / 1e6


def start_ns(frames: list[Sent], rate_hz: float) -> float:
    """When tick 0 was due: no tick begins before its time, and some begin in time."""
    return float(min(one.capture_ns - one.sequence * 1e9 / rate_hz for one in frames))
