"""Frames out, to any number of subscribers, none of which can make the stage wait."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import zmq

from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

from .security import address as addresses
from .security.access import AccessControl, ConnectionMonitor, readable
from .security.rights import LISTEN
from .wire.encoder import FrameEncoder, encode_skeletons
from .wire.envelope import SKELETONS
from .wire.events import MOST, encode_events

# Messages kept for one subscriber before its next ones are dropped; the kernel keeps some more.
QUEUE = 32
SKELETON_PERIOD_NS = 2_000_000_000
# What a subscriber may say goes unread beyond this many words a tick, so that none can flood it.
EVENTS_A_TICK = 256


class Publisher:
    """An XPUB socket that sends frames, and the skeletons they need before they are needed.

    published, bytes   what was sent so far
    subscriptions      topics subscribed to so far, renewals included
    malformed          words from subscribers that were no subscriptions
    connections               those who came, and those turned away
    """

    def __init__(
        self,
        address: str = addresses.PUBLISH,
        insecure: bool = False,
        context: zmq.Context | None = None,
        access: AccessControl | None = None,
    ) -> None:
        """access: asks every subscriber for a key that may listen. It brings its own context."""
        self.subscriptions = 0
        self.malformed = 0
        self.bytes = 0
        self._encoder = FrameEncoder(secrets.randbits(64))
        self._skeletons: dict[int, Skeleton] = {}
        self._skeleton_message = b""
        self._skeletons_due_ns = 0
        context = access.context if access is not None else context or zmq.Context.instance()
        self._socket: zmq.Socket = context.socket(zmq.XPUB)
        self._socket.linger = 0
        self._socket.sndhwm = QUEUE
        self._socket.rcvhwm = EVENTS_A_TICK
        self._socket.setsockopt(zmq.MAXMSGSIZE, 1024)  # of what subscribers say
        # Without it only the first of several equal subscriptions is told, and the second late
        # joiner would wait for the skeletons.
        self._socket.xpub_verbose = True
        addresses.notice_the_dead(self._socket)
        self.connections = ConnectionMonitor(self._socket, access, LISTEN)
        try:
            self.address = addresses.bind(
                self._socket, address, insecure, "publisher", access is not None
            )
        except BaseException:
            self.close()
            raise

    @property
    def published(self) -> int:
        return self._encoder.published

    @property
    def held(self) -> int:
        """Subjects, cameras and props that were held because their numbers were not finite."""
        return self._encoder.held

    def publish(self, frame: Frame) -> None:
        """Sends the frame to whoever listens now. Never waits."""
        message = self._encoder.encode(frame)
        skeletons = {s.skeleton.id: s.skeleton for s in frame.subjects}
        if skeletons.keys() != self._skeletons.keys():
            self._skeletons = skeletons
            self._skeleton_message = encode_skeletons(skeletons.values())
            self._skeletons_due_ns = 0
            # libzmq hands this to every connection before anything else. Skeletons that are sent
            # when a subscription is read come too late for one that slips in behind the reading.
            self._socket.setsockopt(zmq.XPUB_WELCOME_MSG, self._skeleton_message)
        self.connections.poll()
        joined = self._read_subscriptions()
        now_ns = time.monotonic_ns()
        if (joined or now_ns >= self._skeletons_due_ns) and self._skeletons:
            self._send(self._skeleton_message)
            self._skeletons_due_ns = now_ns + SKELETON_PERIOD_NS
        self._send(message)

    def tell(self, events: Sequence[Event], sequence: int) -> None:
        """Sends what happened at a tick to whoever listens now. Never waits."""
        now_ns = time.monotonic_ns()
        for at in range(0, len(events), MOST):
            part = events[at : at + MOST]
            self._send(encode_events(part, self._encoder.session, sequence, now_ns))

    def _send(self, message: bytes) -> None:
        try:
            self._socket.send(message, zmq.NOBLOCK)
            self.bytes += len(message)
        except zmq.Again:  # XPUB drops instead of refusing; this costs nothing to be sure of
            pass

    def _read_subscriptions(self) -> bool:
        """Whether somebody asked for skeletons since the last tick."""
        joined = False
        for _ in range(EVENTS_A_TICK):
            if not readable(self._socket):
                break
            event = self._socket.recv(zmq.NOBLOCK)
            if event[:1] == b"\x01":
                self.subscriptions += 1
                joined = joined or SKELETONS.startswith(event[1:])
            elif event[:1] != b"\x00":
                self.malformed += 1
        return joined

    def close(self) -> None:
        self.connections.close()
        self._socket.close()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
