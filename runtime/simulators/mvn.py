"""Xsens MVN's network streamer, played: quaternion poses, T-pose and names of every actor."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import mvn
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs.body import Added, Body, body
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.devices.mvn_skeleton import ROLES

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
    """Everybody in a frame, each a character."""

    def __init__(self) -> None:
        self._sample, self._said_s = 0, float("-inf")

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        found: list[bytes] = []
        again = time_s - self._said_s >= EVERY_S
        if again:
            self._said_s = time_s
        for number, one in enumerate(frame.subjects):
            shape = body(one.skeleton)
            said = segments(shape, shape.added(one.pose))
            header = mvn.Header(
                mvn.QUATERNION,
                self._sample,
                time_ms=1 + round(1000 * time_s),
                character=number,
                fingers=len(said.names) - len(mvn.BODY),
            )
            if again:
                found += _still(one.name, one.skeleton, shape, number)
            found += mvn.datagrams(mvn.QUATERNION, header, mvn.items(mvn.QUATERNION, said))
        self._sample += 1
        return found


def _still(name: str, skeleton: Skeleton, shape: Body, number: int) -> list[bytes]:
    """What does not move: the T-pose, and the name."""
    at, _ = t_pose(skeleton)
    straight = Added(at[shape.joints], rotation.identity(len(shape.joints)))
    said = segments(shape, straight)
    places, _ = mvn.to_z_up(said.positions, said.rotations)
    scale = mvn.Scale(said.names[: len(mvn.BODY)], places[: len(mvn.BODY)])
    tpose = mvn.Header(mvn.SCALE, 0, 0, False, len(scale.names), character=number)
    names = mvn.Header(mvn.NAMES, 0, 0, True, 1, character=number)
    return [
        mvn.encode(tpose, mvn.pack_scale(scale)),
        mvn.encode(names, f"name:{name}\n".encode()),
    ]
