"""VMC as a source: a body with its fingers, a face, a camera and trackers, from one sender.

The body streams on the sender's own skeleton, which its first whole frame shows; until then it
stands as our performer, and nobody has to guess whether the port is the wrong one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, vmc
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint, SensorSize
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

from .vmc_skeleton import NOWHERE_M, at_rest, lacking, skeleton

PORT = vmc.MARIONETTE_PORT
# Of the calibration state in /OK.
CALIBRATED = 3
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
# VMC's time has 24 bits: beyond 4.5 hours its steps are longer than a wired network's jitter.
LONGEST_S = 16384.0
# A body and its face may come from two programs: each follows its own sender.
BODY, FACE = 0, 1
MOST_SENDERS = 4
# Of what comes at once after a way was blocked the newest few frames are read: a tick has no time
# for a second of them. A sender of 120 Hz with a face sends 28 KB in a tick of 30 Hz.
MOST_BYTES = 32_000


class Options(Table, frozen=True, kw_only=True):
    """What a VMC source takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "vmc"
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()
    camera: Annotated[str, Meta(description="the camera's name (the sender's)")] = ""
    sensor: Annotated[
        SensorSize, Meta(description="the camera's sensor, which VMC does not say")
    ] = SensorSize()


@dataclass(slots=True)
class Moment:
    """What one frame says: a pose, curves by name, cameras and props."""

    packet: Packet | None
    curves: dict[str, float]
    cameras: list[Camera]
    props: list[Prop]


def _between(one: Moment, two: Moment, share: float) -> Moment:
    packet = two.packet
    if one.packet and two.packet:
        packet = interpolation.packets(one.packet, two.packet, share)
    return Moment(
        packet,
        interpolation.curves(one.curves, two.curves, share),
        interpolation.by_name(one.cameras, two.cameras, share),
        interpolation.by_name(one.props, two.props, share),
    )


def _apart(one: Moment, two: Moment) -> float:
    """How far two bodies' poses are apart, in radians and metres."""
    if one.packet is None or two.packet is None:
        return math.inf
    return interpolation.apart(one.packet, two.packet)


class Sender:
    """One program: its frames, its clock, and what is to be shown of it."""

    def __init__(self, delay_s: float | None) -> None:
        self.gatherer = Accumulator()
        self.copies = Copies(unlike=True)
        self.buffer = JitterBuffer[Moment](delay_s, _between, _apart)
        self.heard_s = float("-inf")


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
        self._delay_s = options.delay.seconds
        self._senders: dict[tuple, Sender] = {}
        self._body = Sender(self._delay_s)  # whose bones are followed
        self._state = True, CALIBRATED, 1  # of /OK: loaded, calibration, tracking
        self.frames = self.dropped = self.clamped = 0
        self._peer: tuple = ()
        self._known = False  # whether the skeleton is the sender's that is followed
        self._learned: frozenset[str] = frozenset()
        self._candidates: frozenset[str] = frozenset()
        self._learning = self._joining = self._off = 0
        self._names: tuple[str, ...] = ()
        self._from, self._to = np.zeros(0, int), np.zeros(0, int)
        self._rest, self._still = PERFORMER.rest_rotations, np.zeros(0, int)
        self._lacks: list[str] = []  # parts of the body that its sender never sends

    @property
    def silence(self) -> str:
        """Why nothing comes; "" while something does."""
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        """When its newest datagram came."""
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        for datagram in self._newest(self.reception.poll(now_s)):
            self._feed(datagram, now_s)
        packets = []
        apart, tick_s = self.reception.sender(FACE), self.reception.receiver.tick_ns * 1e-9
        for who, sender in self._senders.items():
            for time_s, moment, newest in sender.buffer.take(tick_s):
                if moment.packet is not None and sender is self._body:
                    packets.append(moment.packet.shown(time_s, tick_s))
                # What was overtaken is news of the motion, but of nothing that shows as it comes.
                if newest:
                    self._look(moment, now_s, with_face=apart in ((), who))
        self.face.advance(now_s)
        self.cameras = self._seen_cameras.judged(now_s, self.silence)
        self.props = self._seen_props.judged(now_s, self.silence)
        self.reception.remarks = delays(
            [sender.buffer for sender in self._senders.values()], "the body and its face are"
        )
        if self._known and self._lacks:
            self.reception.remarks.append(f"it sends no {', no '.join(self._lacks)}: held at rest")
        return packets

    def _newest(self, datagrams: list[Datagram]) -> list[Datagram]:
        """As many of the newest as a tick has time for."""
        size, first = 0, len(datagrams)
        while first and size + len(datagrams[first - 1].data) <= MOST_BYTES:
            first -= 1
            size += len(datagrams[first].data)
        self.dropped += first
        return datagrams[first:]

    def _feed(self, datagram: Datagram, now_s: float) -> None:
        """Takes a datagram: whose is it, and which frames does it complete?"""
        reception = self.reception
        who = reception.who(datagram)
        sender = self._sender(who, now_s)
        heard_before = sender.gatherer.messages
        try:
            done = sender.gatherer.feed(datagram.data)
        except ProtocolError as error:
            reception.damage(datagram, error)
            return
        if sender.gatherer.messages == heard_before:  # OSC of somebody else
            return
        key = BODY if sender.gatherer.bones else FACE
        if key == BODY and reception.sender(FACE) == who:
            reception.forget(FACE)  # it was thought to be a face alone
        if not reception.may_follow(datagram, key):
            return
        if key == BODY:
            sender = self._embody(sender, reception.who(datagram))
        if key == BODY or done:
            reception.follow(datagram, key)
        self.frames += len(done)
        for performance in done:
            arrived_s = datagram.arrived_ns * 1e-9
            if sender.copies.has(
                _fingerprint(performance), arrived_s, sender.buffer.clock.period_s
            ):
                reception.repeated += 1
                continue
            self._state = performance.loaded, performance.calibration, performance.tracking
            said_s = performance.time_s if 0.0 < performance.time_s <= LONGEST_S else None
            sender.buffer.add(said_s, arrived_s, self._moment(performance, datagram))

    def _sender(self, who: tuple, now_s: float) -> Sender:
        """What is known of a sender; half a frame of before a silence is none of now."""
        sender = self._senders.pop(who, None)
        if sender is None or now_s - sender.heard_s > SILENT_S:
            sender = Sender(self._delay_s)
        sender.heard_s = now_s
        self._senders[who] = sender  # who was heard last is the last
        followed = [self.reception.sender(key) for key in (BODY, FACE)]
        for other in list(self._senders)[:-MOST_SENDERS]:
            if other not in followed:
                del self._senders[other]
        return sender

    def _embody(self, sender: Sender, who: tuple) -> Sender:
        """The body is this sender's from now on: another's, or the same by another port."""
        moved = self._peer != who and self._peer[:1] == who[:1] and 0 in (self._peer[1], who[1])
        if moved and self.reception.sender(BODY):
            self._senders[who], self._peer = self._body, who
            return self._body
        if sender is not self._body:
            self._body, self._joining = sender, JOINING_FRAMES
            if who != self._peer:
                self._known, self._candidates, self._learning = False, frozenset(), 0
            self._peer = who
        return sender

    def _moment(self, performance: vmc.Performance, datagram: Datagram) -> Moment:
        """What a frame says, in our words."""
        curves = {}
        for name, value in performance.curves.items():
            curves[name] = min(max(value, -1.0), 1.0)
            self.clamped += curves[name] != value
        cameras = []
        if (camera := performance.camera) and _is_turn(camera.rotation):
            half_rad = math.radians(min(max(camera.fov_deg, 0.1), 179.0)) / 2.0
            cameras = [
                Camera(
                    self.endpoint.options.camera or camera.name or "Camera",
                    camera.position,
                    rotation.normalize(camera.rotation),
                    0.5 * self._sensor_mm[1] / math.tan(half_rad),
                    self._sensor_mm,
                    capture_ns=datagram.arrived_ns,
                )
            ]
        props = [
            Prop(
                device.serial or device.kind,
                device.position,
                rotation.normalize(device.rotation),
                capture_ns=datagram.arrived_ns,
            )
            for device in performance.devices
            if _is_turn(device.rotation)
        ]
        return Moment(self._packet(performance), curves, cameras, props)

    def _look(self, moment: Moment, now_s: float, with_face: bool) -> None:
        """Face, camera and trackers."""
        if with_face:
            self.face.take_named(moment.curves, now_s)
        for camera in moment.cameras:
            self._seen_cameras.see(camera, now_s)
        for prop in moment.props:
            self._seen_props.see(prop, now_s)

    def _packet(self, performance: vmc.Performance) -> Packet | None:
        """The pose on the skeleton, its time still open; None as long as that is not known."""
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
        rotations = self._rest.copy()
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
        if not seen.any():
            return None
        seen[self._still] = True  # what its sender never sends stays, and is no loss
        if performance.root is not None and _is_turn(performance.root[1]):
            at, turn = performance.root[0], rotation.normalize(performance.root[1])
            positions[0] = at + rotation.rotate(turn, positions[0])
            rotations[0] = rotation.multiply(turn, rotations[0])
        if self._joining:
            self._joining = 0 if seen.all() else self._joining - 1
            if self._joining:
                return None
        return Packet(0.0, positions, rotations, None if seen.all() else seen)

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
            self._body.buffer.forget()
        self._known, self._learned, self._candidates = True, names, frozenset()
        self._learning, self._off, self._names = 0, 0, ()
        self._rest = at_rest(self.skeleton, names)
        parts = lacking(names)
        still = {bone for bones in parts.values() for bone in bones} | ({"Hips"} - names)
        index = self.skeleton.index
        self._still = np.array([index(bone) for bone in sorted(still)], int)
        self._lacks = list(parts)

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

    @property
    def quality(self) -> str:
        """What its sender says of how it tracks, where not all is well."""
        loaded, calibration, tracking = self._state
        if not loaded:
            return "no model is loaded there"
        if calibration != CALIBRATED:
            return "not calibrated there"
        return "" if tracking else "tracks badly, as it says"

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "frames": self.frames,
            "ignored": sum(sender.gatherer.ignored for sender in self._senders.values()),
            "dropped": self.dropped,
            "clamped": self.clamped,
            **timing([sender.buffer for sender in self._senders.values()]),
        }

    def close(self) -> None:
        self.reception.close()


def _fingerprint(performance: vmc.Performance) -> tuple:
    """What two frames share only where they are one."""
    root, camera = performance.root, performance.camera
    return (
        performance.time_s,
        performance.positions.tobytes(),
        performance.rotations.tobytes(),
        tuple(performance.curves.values()),
        None if root is None else (root[0].tobytes(), root[1].tobytes()),
        None if camera is None else (camera.position.tobytes(), camera.rotation.tobytes()),
        tuple(device.position.tobytes() for device in performance.devices),
    )


def _is_turn(q: Array) -> bool:
    return bool(np.dot(q, q) > 0.25)


def _same(a: Skeleton, b: Skeleton) -> bool:
    return a.names == b.names and bool(np.abs(a.rest_positions - b.rest_positions).max() < SAME_M)


SOURCE = VmcSource
