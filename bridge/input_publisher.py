"""What came in at each tick, out to recorders: on a socket of its own, on this machine alone.

Whoever listens to frames gets none of it: packets of suits and phones are no business of a tablet
at the other end of the house, and would be as much again on its wire.
"""

from __future__ import annotations

import contextlib

import zmq

from .security import address as addresses
from .security.access import AccessControl, ConnectionMonitor
from .security.rights import RECORD
from .wire.envelope import INPUTS, SOUND, seal

# A recorder that waits for a disk: some seconds of ticks, and of sound.
QUEUE = 4096
ANYWHERE = "tcp://127.0.0.1:*"


class InputPublisher:
    """A PUB socket on a free port; `address` is where recorders find it."""

    def __init__(self, context: zmq.Context, access: AccessControl | None = None) -> None:
        self._socket: zmq.Socket = context.socket(zmq.PUB)
        self._socket.linger = 0
        self._socket.sndhwm = QUEUE
        self._socket.setsockopt(zmq.MAXMSGSIZE, 1024)  # of what subscribers say
        addresses.notice_the_dead(self._socket)
        self.connections = ConnectionMonitor(self._socket, access, RECORD)
        try:
            self.address = addresses.bind(
                self._socket, ANYWHERE, False, "inputs", access is not None
            )
        except BaseException:
            self.close()
            raise

    def publish(self, message: bytes) -> None:
        """Sends what came in at a tick. Never waits."""
        self.connections.poll()
        self._send(seal(INPUTS) + message)

    def sound(self, message: bytes) -> None:
        """Sends some sound that was heard. Never waits."""
        self._send(seal(SOUND) + message)

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(zmq.Again):  # PUB drops instead; this costs nothing to be sure of
            self._socket.send(message, zmq.NOBLOCK)

    def close(self) -> None:
        self.connections.close()
        self._socket.close()
