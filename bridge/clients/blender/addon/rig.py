"""Which joint moves which bone of an armature, and how. No bpy.

An armature with the stream's own skeleton takes its pose as it is, positions included, whatever the
rolls and lengths of its bones. Any other takes, for each bone that a joint is found for, the
joint's turn in the world against its rest, and the hips' place scaled by the hips' height.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from understudy.runtime.core import humanoid, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import IDENTITY, Skeleton

from . import space

# An armature whose joints lie this close to the stream's is the same skeleton: float32 and room.
SAME_M = 5e-4
# Rigify's metarigs call the whole column a spine, from the hips up to the head.
_RIGIFY = {
    "hips": "spine",
    "spine": "spine.001",
    "chest": "spine.002",
    "upper_chest": "spine.003",
    "neck": "spine.004",
    "head": "spine.006",
}
# Limbs whose direction at rest may differ from rig to rig (T-pose, A-pose), and where each ends.
_LIMBS = {
    f"{side}_{part}": f"{side}_{end}"
    for side in ("left", "right")
    for part, end in (
        ("upper_leg", "lower_leg"),
        ("lower_leg", "foot"),
        ("upper_arm", "lower_arm"),
        ("lower_arm", "hand"),
    )
}


@dataclass(frozen=True, eq=False)
class Rig:
    """An armature at rest: B bones, parents (B,) with -1 for roots, in the armature's own space.

    positions (B, 3) heads, rotations (B, 4); turns (B,) whether a bone inherits its parent's
    rotation; moves (B,) whether it has a location of its own (connected bones have none).
    """

    names: tuple[str, ...]
    parents: np.ndarray
    positions: Array
    rotations: Array
    turns: np.ndarray
    moves: np.ndarray

    @cached_property
    def local(self) -> tuple[Array, Array]:
        """Positions (B, 3) and rotations (B, 4) at rest as seen from the parent at rest."""
        free = (self.parents < 0)[:, None]
        back = rotation.conjugate(self.rotations[self.parents])
        below = rotation.rotate(back, self.positions - self.positions[self.parents])
        turned = rotation.multiply(back, self.rotations)
        return np.where(free, self.positions, below), np.where(free, self.rotations, turned)

    def ancestors(self, bone: int) -> list[int]:
        """The bones above, nearest first."""
        path = []
        while (bone := int(self.parents[bone])) >= 0:
            path.append(bone)
        return path

    @cached_property
    def roles(self) -> dict[str, int]:
        """Role -> bone, of a humanoid; armatures may have several roots, a skeleton has one."""
        order = sorted(range(len(self.names)), key=lambda b: len(self.ancestors(b)))
        place = {bone: i + 1 for i, bone in enumerate(order)} | {-1: 0}
        parents = [-1, *(place[int(self.parents[b])] for b in order)]
        names = ("\0", *(self.names[b] for b in order))
        tree = Skeleton(names, np.array(parents), np.zeros((len(names), 3)))
        found = {role: order[j - 1] for role, j in humanoid.roles(tree).items() if j}
        if set(_RIGIFY.values()) <= set(self.names):
            found |= {role: self.names.index(name) for role, name in _RIGIFY.items()}
        return found


@dataclass(frozen=True, eq=False)
class Binding:
    """Bones (D,) that joints (D,) drive, of which `placed` (D,) are moved too; made by `bind`.

    same      the armature has the stream's skeleton
    missing   names of joints that drive no bone
    stuck     names of bones that should move and have no location of their own
    """

    rig: Rig
    skeleton: Skeleton
    joints: np.ndarray
    bones: np.ndarray
    placed: np.ndarray
    offsets: Array  # (D, 4) a bone at rest as seen from its joint
    axes: Array  # (4,) the stage's axes to the armature's
    scale: float
    same: bool
    missing: tuple[str, ...]
    stuck: tuple[str, ...]

    @cached_property
    def _walked(self) -> list[int]:
        """Bones that are not set, or not moved, above ones that are; parents first."""
        driven, moved = set(self.bones.tolist()), set(self.bones[self.placed].tolist())
        above = {a for bone in driven for a in self.rig.ancestors(bone)} - driven
        above |= {a for bone in moved for a in self.rig.ancestors(bone)} - moved
        return sorted(above, key=lambda bone: len(self.rig.ancestors(bone)))

    @cached_property
    def _in_step(self) -> tuple[Array, Array] | None:
        """Where bones hang as joints do, the pose needs no world: turns (D, 4) and shifts (D, 3).

        With O a bone's offset and R, r its local rest, what is above both cancels out:
        rotation = (Op R)^-1 q O, location = (Op R)^-1 (p - Op r).
        """
        above = dict(zip(self.joints.tolist(), self.bones.tolist()))
        wanted = [above.get(int(self.skeleton.parents[j]), -1) for j in self.joints]
        inherits = bool(np.all(self.rig.turns[self.bones]))
        if not (self.same and inherits and wanted == self.rig.parents[self.bones].tolist()):
            return None
        # The last row stands for the parent of a root.
        offsets = np.concatenate([np.empty((len(self.rig.names), 4)), [IDENTITY]])
        offsets[self.bones] = self.offsets
        parent = offsets[self.rig.parents[self.bones]]
        local_p, local_r = self.rig.local
        turns = rotation.conjugate(rotation.multiply(parent, local_r[self.bones]))
        return turns, rotation.rotate(parent, local_p[self.bones])

    def solve(
        self, positions: Array, rotations: Array, held_p: Array, held_r: Array
    ) -> tuple[Array, Array]:
        """Locations (..., B, 3) and rotations (..., B, 4) of all bones against their rest.

        positions (..., J, 3) and rotations (..., J, 4) are a pose as it came. Bones that no joint
        drives keep held_p (B, 3) and held_r (B, 4).
        """
        positions, rotations = space.positions(positions), space.rotations(rotations)
        lead, count, moved = rotations.shape[:-2], len(self.rig.names), self.bones[self.placed]
        out_p = np.array(np.broadcast_to(held_p, (*lead, count, 3)))
        out_r = np.array(np.broadcast_to(held_r, (*lead, count, 4)))
        if self._in_step is not None:
            turns, shifts = self._in_step
            turned = rotation.multiply(rotations[..., self.joints, :], self.offsets)
            out_r[..., self.bones, :] = rotation.multiply(turns, turned)
            shift = rotation.rotate(turns, positions[..., self.joints, :] - shifts)
            out_p[..., moved, :] = shift[..., self.placed, :]
            return out_p, out_r
        world_p, world_r = self.skeleton.globals(positions, rotations)
        at, turn = np.zeros((*lead, count, 3)), np.zeros((*lead, count, 4))
        aim = rotation.multiply(self.axes, world_r[..., self.joints, :])
        turn[..., self.bones, :] = rotation.multiply(aim, self.offsets)
        goal = world_p[..., self.joints[self.placed], :]
        at[..., moved, :] = self.scale * rotation.rotate(self.axes, goal)
        for bone in self._walked:
            from_p, from_r = self._at_rest_below(np.array([bone]), at, turn)
            if bone not in self.bones:
                turn[..., [bone], :] = rotation.multiply(from_r, held_r[[bone]])
            if bone not in moved:
                shift = held_p[[bone]] * self.rig.moves[[bone]][:, None]
                at[..., [bone], :] = from_p + rotation.rotate(from_r, shift)
        from_p, from_r = self._at_rest_below(self.bones, at, turn)
        back = rotation.conjugate(from_r)
        out_r[..., self.bones, :] = rotation.multiply(back, turn[..., self.bones, :])
        shift = at[..., moved, :] - from_p[..., self.placed, :]
        out_p[..., moved, :] = rotation.rotate(back[..., self.placed, :], shift)
        return out_p, out_r

    def _at_rest_below(self, bones: np.ndarray, at: Array, turn: Array) -> tuple[Array, Array]:
        """Where bones (N,) would be at rest below the pose that their parents have."""
        parents = self.rig.parents[bones]
        free = (parents < 0)[:, None]
        turns = np.where(free, IDENTITY, turn[..., parents, :])
        local_p, local_r = self.rig.local
        places = np.where(free, 0.0, at[..., parents, :])
        turned = rotation.multiply(turns, local_r[bones])
        inherits = self.rig.turns[bones][:, None]
        return (
            places + rotation.rotate(turns, local_p[bones]),
            np.where(inherits, turned, self.rig.rotations[bones]),
        )


def bind(rig: Rig, skeleton: Skeleton) -> Binding:
    """Finds the bone for each joint, and what is between both at rest."""
    roles = humanoid.roles(skeleton)
    pairs = _pairs(rig, skeleton, roles)
    joints, bones = np.array([*pairs], int), np.array([*pairs.values()], int)
    missing = tuple(name for j, name in enumerate(skeleton.names) if j not in pairs)
    rest_p, rest_r = skeleton.rest_globals
    rest_p, rest_r = space.positions(rest_p), space.rotations(rest_r)
    apart = np.linalg.norm(rest_p[joints] - rig.positions[bones], axis=-1)
    same = not missing and bool(np.all(apart < SAME_M))
    axes, scale, align = np.array(IDENTITY), 1.0, rotation.identity(len(joints))
    placed = np.full(len(joints), same)
    if not same:
        axes = _axes(rig)
        scale = _scale(rig, axes, roles, pairs, rest_p)
        align = _align(rig, axes, roles, pairs, rest_p)
        placed = joints == roles.get("hips", 0)
    stuck = () if same else tuple(rig.names[b] for b in bones[placed & ~rig.moves[bones]])
    bone_rest = rotation.multiply(rotation.conjugate(axes), rig.rotations[bones])
    offsets = rotation.multiply(
        rotation.multiply(rotation.conjugate(rest_r[joints]), align), bone_rest
    )
    placed &= rig.moves[bones]
    return Binding(rig, skeleton, joints, bones, placed, offsets, axes, scale, same, missing, stuck)


def _plain(name: str) -> str:
    return re.sub(r"^.*[:|]", "", name).lower()


def _pairs(rig: Rig, skeleton: Skeleton, roles: dict[str, int]) -> dict[int, int]:
    """Joint -> bone: by name, by its role in a humanoid, by name without prefix and case.

    Roles before likeness: what Rigify calls a spine is the hips.
    """
    exact = {name: b for b, name in enumerate(rig.names)}
    alike = {_plain(name): b for name, b in reversed(exact.items())}
    role = {joint: name for name, joint in roles.items()}
    pairs: dict[int, int] = {}
    for find in (
        lambda j: exact.get(skeleton.names[j]),
        lambda j: rig.roles.get(role.get(j, "")),
        lambda j: alike.get(_plain(skeleton.names[j])),
    ):
        for j in range(len(skeleton)):
            bone = find(j) if j not in pairs else None
            if bone is not None and bone not in pairs.values():
                pairs[j] = bone
    return dict(sorted(pairs.items()))


def _axes(rig: Rig) -> Array:
    """(4,) the turn from +Z up, facing -Y to how the armature stands in its own space.

    Files of other programs lie on their back in there and are stood up by their object.
    """
    at = {role: rig.positions[bone] for role, bone in rig.roles.items()}
    if not {"hips", "head", "left_upper_leg", "right_upper_leg"} <= at.keys():
        return np.array(IDENTITY)
    up = _nearest_axis(at["head"] - at["hips"])
    left = _nearest_axis(at["left_upper_leg"] - at["right_upper_leg"])
    if up @ left:
        return np.array(IDENTITY)
    return rotation.from_matrix(np.stack([left, np.cross(up, left), up], -1))


def _nearest_axis(v: Array) -> Array:
    axis = np.zeros(3)
    largest = int(np.argmax(np.abs(v)))
    axis[largest] = np.sign(v[largest])
    return axis


def _scale(
    rig: Rig, axes: Array, roles: dict[str, int], pairs: dict[int, int], rest_p: Array
) -> float:
    """The armature's size against the skeleton's: hips over toes, or over feet, both at rest."""
    toes = [roles[r] for r in ("left_toes", "right_toes") if roles.get(r) in pairs]
    feet = toes or [roles[r] for r in ("left_foot", "right_foot") if roles.get(r) in pairs]
    hips = roles.get("hips")
    if hips not in pairs or not feet:
        return 1.0
    stood = rotation.rotate(rotation.conjugate(axes), rig.positions)[:, 2]
    theirs = float(np.mean([rest_p[hips, 2] - rest_p[f, 2] for f in feet]))
    ours = float(np.mean([stood[pairs[hips]] - stood[pairs[f]] for f in feet]))
    return ours / theirs if min(ours, theirs) > 1e-6 else 1.0


def _align(
    rig: Rig, axes: Array, roles: dict[str, int], pairs: dict[int, int], rest_p: Array
) -> Array:
    """(D, 4) from the direction of each limb of the rig at rest to the skeleton's; else nothing."""
    stood = rotation.rotate(rotation.conjugate(axes), rig.positions)
    align = rotation.identity(len(pairs))
    order = list(pairs)
    for begin, end in _LIMBS.items():
        a, b = roles.get(begin), roles.get(end)
        if a in pairs and b in pairs:
            ours = stood[pairs[b]] - stood[pairs[a]]
            align[order.index(a)] = rotation.between(ours, rest_p[b] - rest_p[a])
    return align
