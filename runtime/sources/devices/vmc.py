"""VMC as a source: a body with its fingers, a face, a camera and trackers, from one sender.

The body streams on the sender's own skeleton, which its first whole frame shows; until then it
stands as our performer, and nobody has to guess whether the port is the wrong one.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, field

from understudy.bridge.protocols import ProtocolError, vmc
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint, SensorSize
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.playout import Playout
from understudy.runtime.sources.sender_clock import SenderClock
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

from .vmc_skeleton import NOWHERE_M, skeleton

PORT = vmc.MARIONETTE_PORT
KINDS = (Kind.BODY, Kind.FACE, Kind.CAMERA, Kind.PROP)
# A sender may leave messages out now and then, and a datagram gets lost: a bone keeps its place for
# so many frames before it counts as not seen.
KEPT_FRAMES = 2
# The bones of a new sender are known when a frame brings none that the one before had not.
LEARNING_FRAMES = 30
# Offsets that differ by less are the same skeleton; by more for so long, it is another avatar.
SAME_M, OTHER_M, OTHER_FRAMES = 1e-3, 0.02, 30
# After a silence a sender may be joined in the middle of a frame; so many are waited for.
JOINING_FRAMES = 3
LONGEST_DELAY_S = 1.0
# Of what comes at once after a way was blocked the newest few frames are read: a tick has no time
# for a second of them. A sender of 120 Hz with a face sends 28 KB in a tick of 30 Hz.
MOST_BYTES = 32_000


class Options(Table, frozen=True, kw_only=True):
    """What a VMC source takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "vmc"
    delay_s: Annotated[
        float,
        Meta(
            ge=0.0,
            le=LONGEST_DELAY_S,
            description="poses are shown so much later, interpolated: late ones are in time too",
            extra={"unit": "seconds"},
        ),
    ] = field(default=0.0, name="delay")
    camera: Annotated[str, Meta(description="the camera's name (the sender's)")] = ""
    sensor: Annotated[
        SensorSize, Meta(description="the camera's sensor, which VMC does not say")
    ] = SensorSize()


class VmcSource:
    """One performer: see `packet.MotionSource`; besides its face, cameras and props."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "vmc"
        self.reception = Reception(receiver)
        self.skeleton: Skeleton = PERFORMER
        self.face = Face()
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        self._seen_cameras, self._seen_props = TrackedObjects[Camera](), TrackedObjects[Prop]()
        self._sensor_mm = options.sensor.mm
        self._delay_s = options.delay_s
        self._gatherer, self._clock = Accumulator(), SenderClock()
        self._playout = Playout()
        self.frames = self.dropped = 0
        self._peer: tuple = ()
        self._known = False  # whether the skeleton is the sender's that is followed
        self._learned: frozenset[str] = frozenset()
        self._candidates: frozenset[str] = frozenset()
        self._learning = self._joining = self._off = 0
        self._names: tuple[str, ...] = ()
        self._from, self._to = np.zeros(0, int), np.zeros(0, int)

    @property
    def silence(self) -> str:
        """Why nothing comes; "" while something does."""
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        """When its newest datagram came."""
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that came since the last poll."""
        packets = []
        for datagram in self._newest(self.reception.poll(now_s)):
            for performance in self._feed(datagram):
                taken_s = self._clock.captured_s(performance.time_s, datagram.arrived_ns * 1e-9)
                self._look(performance, datagram.arrived_ns, now_s)
                if packet := self._packet(performance, taken_s):
                    packets.append(packet)
        tick_s = self.reception.receiver.tick_ns * 1e-9
        for packet in packets:
            packet.tick_s = tick_s
        if self._delay_s:
            for packet in packets:
                self._playout.add(packet)
            shown = self._playout.at(tick_s - self._delay_s)
            packets = [shown] if shown is not None else []
        self.face.advance(now_s)
        self.cameras = self._seen_cameras.judged(now_s, self.silence)
        self.props = self._seen_props.judged(now_s, self.silence)
        return packets

    def _newest(self, datagrams: list[Datagram]) -> list[Datagram]:
        """As many of the newest as a tick has time for."""
        size, first = 0, len(datagrams)
        while first and size + len(datagrams[first - 1].data) <= MOST_BYTES:
            first -= 1
            size += len(datagrams[first].data)
        self.dropped += first
        return datagrams[first:]

    def _feed(self, datagram: Datagram) -> list[vmc.Performance]:
        """The frames that a datagram completes."""
        reception = self.reception
        if not reception.may_follow(datagram):
            return []
        goes_on = reception.sender() == datagram.peer
        # Half a frame of long ago must not be taken for half of this one.
        gatherer = self._gatherer if goes_on else Accumulator()
        try:
            done = gatherer.feed(datagram.data)
        except ProtocolError as error:
            reception.damage(datagram, error)
            return []
        if not gatherer.messages:  # OSC of somebody else
            return []
        if not goes_on:
            self._gatherer, self._clock = gatherer, SenderClock()
            self._joining = JOINING_FRAMES
            if datagram.peer != self._peer:
                self._known, self._candidates, self._learning = False, frozenset(), 0
            self._peer = datagram.peer
        reception.follow(datagram)
        self.frames += len(done)
        return done

    def _look(self, performance: vmc.Performance, arrived_ns: int, now_s: float) -> None:
        """Face, camera and trackers."""
        self.face.take_named(performance.curves, now_s)
        if (camera := performance.camera) and _is_turn(camera.rotation):
            half_rad = math.radians(min(max(camera.fov_deg, 0.1), 179.0)) / 2.0
            focal_mm = 0.5 * self._sensor_mm[1] / math.tan(half_rad)
            self._seen_cameras.see(
                Camera(
                    self.endpoint.options.camera or camera.name or "Camera",
                    camera.position,
                    rotation.normalize(camera.rotation),
                    focal_mm,
                    self._sensor_mm,
                    capture_ns=arrived_ns,
                ),
                now_s,
            )
        for device in performance.devices:
            if _is_turn(device.rotation):
                turn = rotation.normalize(device.rotation)
                name = device.serial or device.kind
                thing = Prop(name, device.position, turn, capture_ns=arrived_ns)
                self._seen_props.see(thing, now_s)

    def _packet(self, performance: vmc.Performance, captured_s: float) -> Packet | None:
        """The pose on the skeleton; None as long as that is not known."""
        if not performance.names:
            return None
        self._learn(performance)
        if not self._known:
            return None
        if performance.names != self._names:
            self._names = performance.names
            index = {name: j for j, name in enumerate(self.skeleton.names)}
            known = [name in index for name in self._names]
            self._from = np.flatnonzero(known)
            self._to = np.array([index[self._names[i]] for i in self._from], int)
        positions = self.skeleton.rest_positions.copy()
        rotations = self.skeleton.rest_rotations.copy()
        came = performance.positions[self._from]
        placed = np.abs(came).max(axis=-1) > NOWHERE_M
        positions[self._to[placed]] = came[placed]
        turns = performance.rotations[self._from]
        lengths = np.sqrt((turns * turns).sum(axis=-1))
        sound = lengths > 0.5
        rotations[self._to[sound]] = turns[sound] / lengths[sound, None]
        seen = np.zeros(len(self.skeleton), bool)
        fresh = np.array(performance.ages)[self._from] <= KEPT_FRAMES
        seen[self._to] = fresh & sound
        if "Hips" not in self._learned:  # a root that nobody sends stays, and is no loss
            seen[0] = True
        if performance.root is not None and _is_turn(performance.root[1]):
            at, turn = performance.root[0], rotation.normalize(performance.root[1])
            positions[0] = at + rotation.rotate(turn, positions[0])
            rotations[0] = rotation.multiply(turn, rotations[0])
        if self._joining:
            self._joining = 0 if seen.all() else self._joining - 1
            if self._joining:
                return None
        if not seen.any():
            return None
        return Packet(captured_s, positions, rotations, None if seen.all() else seen)

    # Which skeleton it is.

    def _learn(self, performance: vmc.Performance) -> None:
        """Takes the skeleton from a sender's first whole frame, and again when it is another."""
        names = frozenset(performance.names) & frozenset(vmc.BONES)
        if self._known and names <= self._learned and not self._is_other(performance):
            return
        fresh = all(age <= KEPT_FRAMES for age in performance.ages)
        whole = names == self._candidates and fresh
        self._candidates = names
        self._learning += 1
        if not names or (not whole and self._learning < LEARNING_FRAMES):
            return
        found = skeleton(performance)
        if not _same(found, self.skeleton):
            self.skeleton = found
        self._known, self._learned, self._candidates = True, names, frozenset()
        self._learning, self._off, self._names = 0, 0, ()

    def _is_other(self, performance: vmc.Performance) -> bool:
        """Whether its bones have been elsewhere for long enough to be another avatar's."""
        if performance.names != self._names or len(self._to) < 2:
            return False
        came = performance.positions[self._from]
        off = np.abs(came - self.skeleton.rest_positions[self._to]).max(axis=-1)
        off[(self._to == 0) | (np.abs(came).max(axis=-1) <= NOWHERE_M)] = 0.0
        self._off = self._off + 1 if off.max() > OTHER_M else 0
        return self._off > OTHER_FRAMES

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """What it has now."""
        return [
            Stream(Kind.BODY, self, known=self._known),
            Stream(Kind.FACE, self.face),
            *(Stream(Kind.CAMERA, camera, camera.name) for camera in self.cameras),
            *(Stream(Kind.PROP, prop, prop.name) for prop in self.props),
        ]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "frames": self.frames,
            "ignored": self._gatherer.ignored,
            "dropped": self.dropped,
        }

    def close(self) -> None:
        self.reception.close()


def _is_turn(q: Array) -> bool:
    return bool(np.dot(q, q) > 0.25)


def _same(a: Skeleton, b: Skeleton) -> bool:
    return a.names == b.names and bool(np.abs(a.rest_positions - b.rest_positions).max() < SAME_M)


SOURCE = VmcSource
