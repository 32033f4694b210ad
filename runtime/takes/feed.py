"""What a recorder hears of its stage: frames, events, and what came in at each tick."""

from __future__ import annotations

from pathlib import Path

import zmq

from understudy.bridge.security import address as addresses
from understudy.bridge.security.access import take
from understudy.bridge.security.handshake import Handshake
from understudy.bridge.subscriber import LARGEST_MESSAGE
from understudy.bridge.wire.envelope import EVENTS, FRAME, INPUTS, SKELETONS, SOUND

# What waits in ZeroMQ while a disk is slow: half a minute at 120 Hz.
QUEUE = 4096


class Feed:
    """Two sockets, of frames, and of inputs and sound; a take has none of these without it."""

    def __init__(self, address: str, inputs: str = "", key: Path | None = None) -> None:
        self.has_inputs = bool(inputs)
        self._sockets: list[zmq.Socket] = []
        self._handshakes: list[Handshake] = []
        self._poller = zmq.Poller()
        # Inputs first: those of a tick are sent before its frame.
        for where, topics in ((inputs, (INPUTS, SOUND)), (address, (FRAME, SKELETONS, EVENTS))):
            if where:
                self._connect(where, topics, key)

    def _connect(self, where: str, topics: tuple[bytes, ...], key: Path | None) -> None:
        socket: zmq.Socket = zmq.Context.instance().socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = QUEUE
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.reconnect_ivl = 20
        addresses.notice_the_dead(socket)
        for topic in topics:
            socket.subscribe(topic)
        self._sockets.append(socket)
        self._handshakes.append(Handshake(socket, where, key))
        self._poller.register(socket, zmq.POLLIN)

    def turn(self) -> None:
        """Follows how the sockets are received."""
        for handshake in self._handshakes:
            handshake.poll()

    def wait(self, most_ms: int) -> None:
        """Until something came."""
        self._poller.poll(most_ms)

    def next(self) -> bytes | None:
        """The next message; None when all that came was given."""
        for socket in self._sockets:
            if (message := take(socket)) is not None:
                return message
        return None

    @property
    def greeted(self) -> bool:
        """Whether the stage has let both in."""
        return all(handshake.greeted for handshake in self._handshakes)

    @property
    def gone(self) -> bool:
        """Whether the stage is not there any more; then all that it sent can be read."""
        return not any(handshake.connected for handshake in self._handshakes)

    @property
    def trouble(self) -> str:
        """Why it does not; "" where nothing is known."""
        return next((one.trouble for one in self._handshakes if one.trouble), "")

    def close(self) -> None:
        for handshake, socket in zip(self._handshakes, self._sockets, strict=True):
            handshake.close()
            socket.close()
