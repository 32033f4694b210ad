"""Xsens MVN's network streamer, played: quaternion poses, T-pose and names of every actor."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import axes, mvn, mvn_scale
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs.body import Added, Body, body
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.devices.mvn_skeleton import ROLES

from . import mvn_markers

# Where our roles have no word: between the two around it.
_BETWEEN = {"L3": ("L5", "T12")}
# How often what does not move is said again.
EVERY_S = 1.0


def _finger_role(name: str) -> str:
    """LeftThumbProximal -> left_thumb_proximal"""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def segments(shape: Body, added: Added) -> mvn.Body:
    """A body's segments, in our axes; fingers where it has all of them."""
    named = list(ROLES)
    whole = shape.whole(added, [ROLES[name] for name in named])
    at: dict[str, Array] = dict(zip(named, whole.positions, strict=True))
    turn: dict[str, Array] = dict(zip(named, whole.rotations, strict=True))
    for name, (below, above) in _BETWEEN.items():
        at[name], turn[name] = (at[below] + at[above]) / 2.0, turn[below]
    names = mvn.BODY
    phalanges = [n for n in mvn.FINGERS if not n.endswith(("Carpus", "Metacarpal"))]
    if all(_finger_role(name) in shape.index for name in phalanges):
        names += mvn.FINGERS
        for name in mvn.FINGERS:
            hand = f"{'Left' if name.startswith('Left') else 'Right'}Hand"
            bone = shape.index.get(_finger_role(name))
            turn[name] = turn[hand] if bone is None else added.rotations[bone]
            at[name] = at[hand] if bone is None else added.positions[bone]
    seen = np.ones(len(names), bool)
    places, turns = np.array([at[n] for n in names]), np.array([turn[n] for n in names])
    return mvn.Body(names, places, turns, seen)


class MvnSimulator:
    """Everybody in a frame, each a character; points: as the markers of a body, not as segments."""

    def __init__(self, points: bool = False) -> None:
        self._sample, self._said_s = 0, float("-inf")
        self._kind = mvn.POINTS if points else mvn.QUATERNION

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        found: list[bytes] = []
        again = time_s - self._said_s >= EVERY_S
        if again:
            self._said_s = time_s
        for number, one in enumerate(frame.subjects):
            shape = body(one.skeleton)
            said = segments(shape, shape.added(one.pose))
            header = mvn.Header(
                self._kind,
                self._sample,
                time_ms=1 + round(1000 * time_s),
                character=number,
                fingers=len(said.names) - len(mvn.BODY),
            )
            if again:
                found += _still(one.name, one.skeleton, shape, number)
            points = self._kind == mvn.POINTS
            if again and points:
                found.append(_markers(number))
            items = mvn_markers.items(said) if points else mvn.items(self._kind, said)
            found += mvn.datagrams(self._kind, header, items)
        self._sample += 1
        return found


def _still(name: str, skeleton: Skeleton, shape: Body, number: int) -> list[bytes]:
    """What does not move: the T-pose, and the name."""
    at, _ = t_pose(skeleton)
    straight = Added(at[shape.joints], rotation.identity(len(shape.joints)))
    said = segments(shape, straight)
    places, _ = axes.to_z_up(said.positions, said.rotations)
    scale = mvn_scale.Scale(said.names[: len(mvn.BODY)], places[: len(mvn.BODY)])
    tpose = mvn.Header(mvn.SCALE, 0, 0, False, len(scale.names), character=number)
    names = mvn.Header(mvn.NAMES, 0, 0, True, 1, character=number)
    return [
        mvn.encode(tpose, mvn_scale.pack_scale(scale)),
        mvn.encode(names, f"name:{name}\n".encode()),
    ]


def _markers(number: int) -> bytes:
    """Where the points lie on their segments."""
    points = mvn_scale.Scale((), np.zeros((0, 3)), mvn_markers.POINTS)
    header = mvn.Header(mvn.SCALE, 0, 1, True, len(points.points), character=number)
    return mvn.encode(header, mvn_scale.pack_scale(points))
