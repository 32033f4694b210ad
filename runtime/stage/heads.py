"""A head from another device: a body's head turned as that of an HMD or of another tracker.

The device says which way the head looks, in its own room: heading_deg turns that room into the
body's. Where the head is stays the body's own; its neck does not bend.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import Camera, Prop, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Stream

# What has no body of its own: a tracker or a camera on a head.
TRACKER = Skeleton(("head",), np.array([-1]), np.array([[0.0, 1.6, 0.0]]))
_BACK = rotation.from_yaw(math.pi)  # a camera looks along its own -Z


class TrackedHead:
    """A prop or a camera as a motion of one joint."""

    def __init__(self) -> None:
        self.skeleton, self.silence, self.heard_ns = TRACKER, "", 0

    def packets(self, stream: Stream, now_s: float) -> list[Packet]:
        """Where it looks at this tick; nothing where it is not seen."""
        thing: Camera | Prop = stream.of
        self.silence, self.heard_ns = thing.reason, thing.capture_ns
        if thing.state is not State.LIVE:
            return []
        turn = np.asarray(thing.rotation, float)
        if isinstance(thing, Camera):
            turn = rotation.multiply(turn, _BACK)
        at = np.asarray(thing.position, float)
        return [Packet(now_s, at[None], turn[None], tick_s=now_s)]


def looks(packet: Packet, skeleton: Skeleton) -> Array | None:
    """(4,) how a packet's head is turned against its T-pose, in the room; None: not seen."""
    head = 0 if skeleton is TRACKER else roles(skeleton).get("head")
    if head is None or (packet.seen is not None and not packet.seen[head]):
        return None
    _, world = skeleton.globals(packet.positions, packet.rotations)
    rest = skeleton.rest_globals[1][head]
    return rotation.multiply(world[head], rotation.conjugate(rest))


def with_head(packet: Packet, skeleton: Skeleton, turn: Array | None) -> Packet:
    """The packet with its head turned so in the room; None: nobody knows, and it is not seen."""
    head = roles(skeleton).get("head")
    if head is None:
        return packet
    if turn is None:
        seen = np.ones(len(skeleton), bool) if packet.seen is None else packet.seen.copy()
        seen[head] = False
        return replace(packet, seen=seen)
    _, world = skeleton.globals(packet.positions, packet.rotations)
    wanted = rotation.multiply(turn, skeleton.rest_globals[1][head])
    rotations, above = packet.rotations.copy(), int(skeleton.parents[head])
    if above >= 0:
        wanted = rotation.multiply(rotation.conjugate(world[above]), wanted)
    rotations[head] = wanted
    return replace(packet, rotations=rotations)
