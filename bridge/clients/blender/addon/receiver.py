"""The newest frame of a stage, and while a take runs every one of them. No bpy.

Sockets as docs/wire.md has them: one that keeps the newest frame and one for skeletons; a third
keeps all frames, during a take. ZeroMQ's own thread fills them, so a scene that draws slowly loses
nothing of a take, and the stage waits for nobody.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import zmq

from understudy.bridge.security import address as addresses
from understudy.bridge.security.access import take
from understudy.bridge.security.handshake import Handshake
from understudy.bridge.security.keys import Key
from understudy.bridge.wire.decoder import Origin, UnknownSkeleton, decode_frame, decode_skeletons
from understudy.bridge.wire.envelope import (
    FRAME,
    SCHEMA_VERSION,
    SKELETONS,
    VersionError,
    WireError,
)
from understudy.bridge.wire.frame_decoder import FrameDecoder
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

LARGEST_MESSAGE = 64 << 20
# Frames that wait for a scene that stands still: a minute and more at 120 Hz.
TAKE_QUEUE = 10_000
# Of a take in memory; about an hour of one body of 60 joints at 120 Hz.
MOST_TAKE_BYTES = 1 << 30
SILENT_S = 1.0
NEWS_S = 10.0


@dataclass(slots=True)
class Recorded:
    """A frame as it came, and when, on this machine's monotonic clock."""

    received_ns: int
    message: bytes


@dataclass(slots=True)
class Statistics:
    """frames shown, of those the stage sent; lost counts gaps in a take; times in ms."""

    frames: int = 0
    lost: int = 0
    malformed: int = 0
    restarts: int = 0
    version: int = 0
    age_ms: float = 0.0
    latency_ms: float = 0.0
    received_ns: int = 0
    restarted_ns: int = 0
    # (received, published) of the frames shown in the last second or so
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=60))

    def rates_hz(self) -> tuple[float, float]:
        """Frames a second that are sent, and that are shown."""
        if len(self.recent) < 2:
            return 0.0, 0.0
        (t0, n0), (t1, n1) = self.recent[0], self.recent[-1]
        span_s = max(t1 - t0, 1) / 1e9
        return (n1 - n0) / span_s, (len(self.recent) - 1) / span_s


class Receiver:
    """A stage's subscriber that never waits. Raises UnderstudyError where the address is none.

    key  this machine's key, for a stage that asks for one
    """

    def __init__(self, address: str, key: Key | None = None) -> None:
        self._key = key
        self.address = addresses.checked(address)
        self.local = addresses.is_local(self.address)
        self.statistics = Statistics()
        self.skeletons: dict[int, Skeleton] = {}
        self._decoder = FrameDecoder()
        self.take: list[Recorded] = []
        self.take_bytes = 0
        self._since_ns = time.monotonic_ns()
        self._origin: Origin | None = None
        self._taken: Origin | None = None
        self._waiting: bytes | None = None
        self.recording = False
        self._handshakes: list[Handshake] = []
        self._context = zmq.Context()
        try:
            self._frames = self._open(FRAME, conflate=True)
            self._skeletons = self._open(SKELETONS)
            # Connected before it subscribes, so that a take begins when it is asked for.
            self._all = self._open(None, queue=TAKE_QUEUE)
        except BaseException:
            self.close()
            raise

    def _open(self, topic: bytes | None, conflate: bool = False, queue: int = 128) -> zmq.Socket:
        socket: zmq.Socket = self._context.socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = queue
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.reconnect_ivl = 50
        socket.reconnect_ivl_max = 1000
        addresses.notice_the_dead(socket)
        if conflate:  # before connect, and with one subscription only
            socket.conflate = True
        if topic is not None:
            socket.subscribe(topic)
        self._handshakes.append(Handshake(socket, self.address, self._key))
        return socket

    def poll(self) -> Frame | None:
        """The newest frame, where one came since the last call."""
        for handshake in self._handshakes:
            handshake.poll()
        while (message := take(self._skeletons)) is not None:
            self._learn(message)
        if self.recording:
            self._drain()
        message = take(self._frames) or self._waiting
        self._waiting = None
        return None if message is None else self._read(message)

    def _learn(self, message: bytes) -> None:
        try:
            for skeleton in decode_skeletons(message):
                self.skeletons.setdefault(skeleton.id, skeleton)
        except WireError as error:
            self._refuse(error)

    def _read(self, message: bytes) -> Frame | None:
        received_ns = time.monotonic_ns()
        try:
            frame, origin = self._decoder.decode(message, self.skeletons)
        except UnknownSkeleton:  # it comes on the other socket, perhaps a moment later
            self._waiting = message
            return None
        except WireError as error:
            self._refuse(error)
            return None
        frame.received_ns = received_ns
        seen, last = self.statistics, self._origin
        if last is not None and (
            origin.session != last.session or origin.published < last.published
        ):
            seen.restarts += 1
            seen.restarted_ns = received_ns
            seen.recent.clear()
        self._origin = origin
        seen.version = 0
        seen.frames += 1
        seen.received_ns = received_ns
        seen.recent.append((received_ns, origin.published))
        seen.age_ms = (received_ns - frame.capture_ns) / 1e6
        seen.latency_ms = (received_ns - frame.publish_ns) / 1e6
        return frame

    def _refuse(self, error: WireError) -> None:
        if isinstance(error, VersionError):
            self.statistics.version = error.version
        else:
            self.statistics.malformed += 1

    # ------------------------------------------------------------------ takes

    def start_take(self) -> list[Recorded]:
        """From now on every frame is kept, in this list."""
        self.take, self.take_bytes, self._taken = [], 0, None
        self.statistics.lost = 0
        while take(self._all) is not None:  # what was on its way when the last take ended
            pass
        if not self.recording:
            self._all.subscribe(FRAME)
            self.recording = True
        return self.take

    def stop_take(self) -> None:
        """Takes what has come until now, and no more."""
        if self.recording:
            self._drain()
            self._all.unsubscribe(FRAME)
            self.recording = False

    def _drain(self) -> None:
        while self.take_bytes < MOST_TAKE_BYTES and (message := take(self._all)) is not None:
            try:
                origin = decode_frame(message, {})[1]
            except UnknownSkeleton as unknown:  # always: without skeletons it is read no further
                origin = unknown.origin
            except WireError as error:
                self._refuse(error)
                continue
            last, self._taken = self._taken, origin
            if last is not None and origin.session == last.session:
                self.statistics.lost += max(0, origin.published - last.published - 1)
            self.take.append(Recorded(time.monotonic_ns(), message))
            self.take_bytes += len(message)

    # ------------------------------------------------------------------ words

    def sentence(self, now_ns: int | None = None) -> str:
        """What is to be said about the connection; "" where all is well."""
        now_ns = time.monotonic_ns() if now_ns is None else now_ns
        seen = self.statistics
        if seen.version:
            return (
                f"The stage speaks schema version {seen.version}, this add-on version "
                f"{SCHEMA_VERSION}: install the add-on that came with the stage."
            )
        trouble = next(
            (handshake.trouble for handshake in self._handshakes if handshake.trouble), ""
        )
        if trouble:
            return trouble.replace("--key FILE", "a file under Key").replace("--key", "Key")
        if not seen.received_ns:
            if now_ns - self._since_ns < SILENT_S * 1e9:
                return "Connecting ..."
            if seen.malformed:
                return f"What comes from {self.address} is no stage's: is it its publish port?"
            return (
                f"Nothing comes from {self.address}: start `understudy stage` there, or correct "
                "the address. The connection is made as soon as it answers."
            )
        silent_s = (now_ns - seen.received_ns) / 1e9
        if silent_s > SILENT_S:
            return f"The stage is silent for {silent_s:.0f} s; it goes on by itself."
        if seen.restarted_ns and now_ns - seen.restarted_ns < NEWS_S * 1e9:
            return "The stage was restarted; the connection is back."
        if self.take_bytes >= MOST_TAKE_BYTES:
            return "The take is full: stop it to keep what is there."
        return ""

    @property
    def clocks_agree(self) -> bool:
        """Whether ages mean anything: the stage's clock is this machine's."""
        return self.local and -5.0 < self.statistics.latency_ms < 60_000.0

    def close(self) -> None:
        """Closes all sockets and ends ZeroMQ's threads."""
        self.recording = False
        for handshake in self._handshakes:
            handshake.close()
        self._context.destroy(linger=0)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
