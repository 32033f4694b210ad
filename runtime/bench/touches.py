"""How near the surfaces of hands come on a character while the actor's hands touch."""

from __future__ import annotations

import numpy as np

from understudy.runtime.characters.character import Character
from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.takes.clip import Clip

# Of a person: palms' middles so near each other touch, and a palm so near the middle of a head.
PALMS_M, HEAD_M = 0.06, 0.13
HEAD_UP_M = 0.09
MOST = 8  # frames of a clip


class Surfaces:
    """The vertices of a character's hands and head."""

    def __init__(self, character: Character) -> None:
        self.character = character
        role, carrier = roles(character.skeleton), character.vertex_joints()
        self._own: dict[str, np.ndarray] = {
            name: _below(character.skeleton, role[name])[carrier]
            for name in ("left_hand", "right_hand", "head")
            if name in role
        }

    def apart_m(self, one: str, other: str, positions: Array, rotations: Array) -> float:
        """The least distance of two of them in a pose (J, 3) and (J, 4); NaN where one lacks."""
        from scipy.spatial import cKDTree

        if not {one, other} <= self._own.keys():
            return float("nan")
        skeleton = self.character.skeleton
        at = self.character.vertices(*skeleton.globals(positions, rotations))
        a, b = at[self._own[one]], at[self._own[other]]
        return float(cKDTree(a).query(b)[0].min()) if len(a) and len(b) else float("nan")


def _below(skeleton: Skeleton, joint: int) -> np.ndarray:
    """(J,) whether each joint is this one or hangs on it."""
    out = np.zeros(len(skeleton), bool)
    out[joint] = True
    for j in range(joint + 1, len(skeleton)):
        out[j] |= out[skeleton.parents[j]]
    return out


def moments(clip: Clip) -> list[tuple[str, str, int]]:
    """Frames at which the actor's hands touch each other or the head, at most MOST of each."""
    actor = Fitting(clip.skeleton, Figure(clip.skeleton))
    palms = actor.palms(clip.positions, clip.rotations)
    if palms.shape[1] < 2:
        return []
    size = actor.hands_size
    apart = np.linalg.norm(palms[:, 0] - palms[:, 1], axis=-1)
    found = [("left_hand", "right_hand", np.flatnonzero(apart < PALMS_M * size))]
    role = roles(clip.skeleton)
    if "head" in role:
        world_p, world_r = clip.skeleton.globals(clip.positions, clip.rotations)
        rest_r = actor.retarget.source_r
        up = rotation.rotate(
            rotation.conjugate(rest_r[role["head"]]), np.array([0.0, HEAD_UP_M * size, 0.0])
        )
        middle = world_p[:, role["head"]] + rotation.rotate(
            world_r[:, role["head"]], np.broadcast_to(up, (len(clip), 3))
        )
        far = np.linalg.norm(palms - middle[:, None], axis=-1)
        for number, hand in enumerate(("left_hand", "right_hand")):
            found.append((hand, "head", np.flatnonzero(far[:, number] < HEAD_M * size)))
    return [
        (one, other, int(frame))
        for one, other, frames in found
        for frame in frames[:: max(1, len(frames) // MOST)][:MOST]
    ]
