"""Frames in, from a stage that runs here or elsewhere, now or later."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from understudy.runtime.core.clock import Histogram
from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

from .security import address as addresses
from .security.access import take
from .security.handshake import Handshake
from .security.keys import Key, read_for_stage
from .wire.decoder import Origin, UnknownSkeleton, decode_skeletons
from .wire.envelope import EVENTS, FRAME, SCHEMA_VERSION, SKELETONS, VersionError, WireError
from .wire.events import decode_events
from .wire.frame_decoder import FrameDecoder

# About a second of frames for a program that falls behind; beyond it frames are lost, and counted.
QUEUE = 128
LARGEST_MESSAGE = 64 << 20
_SKELETONS_KEPT = 4096
# Of those that nobody asks for, the newest.
EVENTS_KEPT = 4096

log = logging.getLogger("understudy.bridge")


@dataclass(slots=True)
class Statistics:
    """What a subscriber has seen.

    frames        frames given out
    lost          frames that the publisher sent and that never came
    passed_over   frames left out for a newer one, in `newest` mode
    unresolved    frames that came before their skeleton; in `newest` mode the last of them waits
    malformed     messages that were none of ours, damaged, or with a number that is not finite
    other_version messages of another schema version
    restarts      how often the publisher began anew
    events        events given out
    lost_events   events that the publisher sent and that never came
    age           from capture to reception
    latency       from publishing to reception
    interval      from one reception to the next

    Ages mean something on the publisher's machine, or with its clock offset.
    """

    frames: int = 0
    lost: int = 0
    passed_over: int = 0
    unresolved: int = 0
    malformed: int = 0
    other_version: int = 0
    restarts: int = 0
    events: int = 0
    lost_events: int = 0
    age: Histogram = field(default_factory=Histogram)
    latency: Histogram = field(default_factory=Histogram)
    interval: Histogram = field(default_factory=Histogram)


class Subscriber:
    """Iterates over the frames of a stage, skeletons resolved.

        for frame in Subscriber("tcp://127.0.0.1:5570"):
            print(frame.sequence, frame.subjects[0].pose.positions[0])

    newest           give only the newest frame: after a pause the next one is fresh
    timeout_s        iteration ends when nothing came for so long; None waits for ever
    clock_offset_ns  publisher's clock minus ours, where it runs on another machine
                     (ControlClient.clock measures it)
    events           also hear what happens: `happened` gives it
    key              for a stage that asks for keys: the file that `understudy keys new` made

    Arrays in a frame are read-only views of the message it came in; copy one to change it.
    """

    def __init__(
        self,
        address: str = addresses.PUBLISH,
        *,
        newest: bool = False,
        timeout_s: float | None = None,
        clock_offset_ns: int = 0,
        context: zmq.Context | None = None,
        key: Key | str | Path | None = None,
        events: bool = False,
    ) -> None:
        self.address = addresses.checked(address)
        self.timeout_s = timeout_s
        self.newest = newest
        self.clock_offset_ns = clock_offset_ns
        self.statistics = Statistics()
        self.skeletons: dict[int, Skeleton] = {}
        self._decoder = FrameDecoder()
        self._origin: Origin | None = None
        self._received_ns = 0
        self._warned = False
        self._waiting: bytes | None = None
        self._key = key if isinstance(key, Key) or key is None else read_for_stage(key)
        self._handshakes: list[Handshake] = []
        self._said = ""
        context = context or zmq.Context.instance()
        # CONFLATE keeps one message, the newest, and keeps it fresh while nobody reads. It allows
        # a single subscription on its socket, so skeletons have one of their own.
        self._frames = self._open(context, FRAME if newest else b"", conflate=newest)
        self._skeletons = self._open(context, SKELETONS) if newest else None
        self._events = self._open(context, EVENTS) if events else None
        self._happened: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._told = 0, 0  # session and number of the last event
        self._poller = zmq.Poller()
        for socket in self._sockets():
            self._poller.register(socket, zmq.POLLIN)
        for handshake in self._handshakes:
            self._poller.register(handshake.events, zmq.POLLIN)

    def _open(self, context: zmq.Context, topic: bytes, conflate: bool = False) -> zmq.Socket:
        socket: zmq.Socket = context.socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = QUEUE
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.reconnect_ivl = 50
        socket.reconnect_ivl_max = 1000
        addresses.notice_the_dead(socket)
        if conflate:
            socket.conflate = True
        socket.subscribe(topic)
        try:
            self._handshakes.append(Handshake(socket, self.address, self._key))
        except BaseException:
            socket.close()
            raise
        return socket

    @property
    def trouble(self) -> str:
        """Why the stage does not let this subscriber in; "" where it does, or is not there."""
        return next((handshake.trouble for handshake in self._handshakes if handshake.trouble), "")

    def _turn(self) -> float:
        """Follows how the sockets are received, says what is new, and when to look again."""
        for handshake in self._handshakes:
            handshake.poll()
        if self.trouble != self._said:
            self._said = self.trouble
            if self._said:
                log.warning("%s", self._said)
        return min(handshake.wait_s for handshake in self._handshakes)

    def _sockets(self) -> list[zmq.Socket]:
        # Skeletons first: whatever waits there may be what the waiting frame needs.
        return [s for s in (self._skeletons, self._events, self._frames) if s is not None]

    def __iter__(self) -> Subscriber:
        return self

    def __next__(self) -> Frame:
        frame = self.receive(self.timeout_s)
        if frame is None:
            raise StopIteration
        return frame

    def receive(self, timeout_s: float | None = 0.0) -> Frame | None:
        """The next frame, or None when none came within `timeout_s` (None: wait for ever)."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._hear()
            message = take(self._skeletons) if self._skeletons is not None else None
            if message is None:
                message = take(self._frames)
            if message is not None:
                frame = self._read(message)
                if frame is None and message[:4] == SKELETONS and self._waiting is not None:
                    # A newer one may have come while the skeletons were on their way.
                    newer = take(self._frames)
                    frame = self._read(newer) if newer is not None else None
                    frame = frame or self._read(self._waiting)
                if frame is not None:
                    self._waiting = None
                    return frame
            again_s = self._turn() if message is None else 0.0
            left = float("inf") if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return None
            if message is None:
                left = min(left, again_s)
                self._poller.poll(None if left == float("inf") else int(left * 1e3) + 1)

    def _read(self, message: bytes) -> Frame | None:
        """Takes one message; gives its frame, if it is one and can be used."""
        received_ns = time.monotonic_ns()
        if message[:4] == EVENTS:  # who wants them has them on a socket of their own
            return None
        try:
            if message[:4] == SKELETONS:
                self._learn(decode_skeletons(message))
                return None
            frame, origin = self._decoder.decode(message, self.skeletons)
        except VersionError as error:
            self.statistics.other_version += 1
            if not self._warned:
                self._warned = True
                log.warning(
                    "The stage at %s sends schema version %d and this program reads %d: "
                    "install the same version of understudy on both sides.",
                    self.address,
                    error.version,
                    SCHEMA_VERSION,
                )
            return None
        except WireError as error:
            self.statistics.malformed += 1
            log.debug("Left out a message of %d bytes: %s.", len(message), error)
            return None
        except UnknownSkeleton as unknown:
            self.statistics.unresolved += message is not self._waiting
            if self.newest:  # skeletons come on another socket, perhaps a moment after their frame
                self._waiting = message
            elif self._origin is not None:  # until the first frame is out nothing is missed
                self._follow(unknown.origin)
            return None
        frame.received_ns = received_ns
        self._follow(origin)
        self._measure(frame)
        return frame

    def happened(self) -> list[Event]:
        """What happened since it was last asked; nothing where `events` is False."""
        self._hear()
        told = list(self._happened)
        self._happened.clear()
        return told

    def _hear(self) -> None:
        """Takes the events that came."""
        while self._events is not None and (message := take(self._events)) is not None:
            try:
                events, session = decode_events(message)
            except VersionError:
                self.statistics.other_version += 1
                continue
            except WireError as error:
                self.statistics.malformed += 1
                log.debug("Left out a message of %d bytes: %s.", len(message), error)
                continue
            for event in events:
                before, number = self._told
                if session == before and number and event.number > number + 1:
                    self.statistics.lost_events += event.number - number - 1
                self._told = session, event.number
                self._happened.append(event)
            self.statistics.events += len(events)

    def _learn(self, skeletons: list[Skeleton]) -> None:
        if len(self.skeletons) + len(skeletons) > _SKELETONS_KEPT:
            self.skeletons.clear()
        for skeleton in skeletons:
            # One object for one skeleton for good, so that others can key their caches by it.
            self.skeletons.setdefault(skeleton.id, skeleton)

    def _follow(self, origin: Origin) -> None:
        """Counts what is missing between the last frame and this one."""
        last, self._origin = self._origin, origin
        if last is None or origin == last:
            return
        if origin.session != last.session or origin.published < last.published:
            self.statistics.restarts += 1
            self._received_ns = 0
            log.warning(
                "The stage at %s was restarted; going on with its new frames.", self.address
            )
            return
        missing = origin.published - last.published - 1
        if self.newest:
            self.statistics.passed_over += missing
        else:
            self.statistics.lost += missing

    def _measure(self, frame: Frame) -> None:
        seen, there_ns = self.statistics, frame.received_ns + self.clock_offset_ns
        seen.frames += 1
        seen.age.add_ns(there_ns - frame.capture_ns)
        seen.latency.add_ns(there_ns - frame.publish_ns)
        if self._received_ns:
            seen.interval.add_ns(frame.received_ns - self._received_ns)
        self._received_ns = frame.received_ns

    def close(self) -> None:
        for handshake in self._handshakes:
            handshake.close()
        for socket in self._sockets():
            socket.close()

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
