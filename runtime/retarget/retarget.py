"""Retargeting by rest pose and joint roles.

Both skeletons are brought into the same T-pose first: body axes from hips, legs and head, then each
limb bone turned the least way onto its T-pose direction. What a joint's world rotation adds to that
T-pose is carried over, so any rest pose, axis convention and joint orientation will do.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.kinematics import doubling, lineage, world_rotations
from understudy.runtime.core.roles import is_part, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import ground
from .drivers import drivers, straightened
from .rest import LEAN_RAD, UPRIGHT, angle, axes, trunk

# role -> (role at the bone's end, direction in the T-pose)
_LIMBS: dict[str, tuple[str, tuple[float, float, float]]] = {
    f"{side}_{part}": (f"{side}_{end}", (x * sign, y, 0.0))
    for side, sign in (("left", 1.0), ("right", -1.0))
    for part, end, x, y in (
        ("upper_leg", "lower_leg", 0.0, -1.0),
        ("lower_leg", "foot", 0.0, -1.0),
        ("upper_arm", "lower_arm", 1.0, 0.0),
        ("lower_arm", "hand", 1.0, 0.0),
    )
}
# A long clip's height above the ground is measured on so many of its frames.
LEVEL_FRAMES = 2000
PIECE = 1024  # frames
_SHOULDERS = ("left_shoulder", "right_shoulder", "left_upper_arm", "right_upper_arm")
_NEEDED = ("hips", "left_upper_leg", "right_upper_leg", "left_lower_leg", "left_foot")


class NotHumanoid(UnderstudyError):
    """The skeleton's joints do not tell hips, legs and a chest or head."""


def t_pose(skeleton: Skeleton) -> tuple[Array, Array]:
    """World positions (J, 3) and rotations (J, 4) of the skeleton in a T-pose that faces +Z."""
    role = roles(skeleton)
    missing = [r for r in _NEEDED if r not in role]
    if missing or not ({"head", "neck", "upper_chest", "chest"} & role.keys()):
        raise not_humanoid(skeleton, missing)
    top = role.get("head", role.get("neck", role.get("upper_chest", role.get("chest", 0))))
    return _posed(skeleton, role, _body_alignment(skeleton.rest_globals[0], role, top))


def t_pose_of_part(skeleton: Skeleton) -> tuple[Array, Array]:
    """The same of a part of a body: a head with its neck, a trunk with arms, hips with legs.

    It stands at rest as its source says; arms or legs tell which way it faces.
    """
    role = roles(skeleton)
    if not is_part(role):
        raise not_humanoid(skeleton, ["head"])
    rows = axes(skeleton.rest_globals[0], role) if "hips" in role else None
    return _posed(
        skeleton, role, rotation.identity() if rows is None else rotation.from_matrix(rows)
    )


def t_pose_of_any(skeleton: Skeleton) -> tuple[Array, Array]:
    """The same of a body, or of a part of one."""
    try:
        return t_pose(skeleton)
    except NotHumanoid:
        return t_pose_of_part(skeleton)


def not_humanoid(skeleton: Skeleton, missing: list[str]) -> NotHumanoid:
    return NotHumanoid(
        f"The skeleton of {len(skeleton)} joints is no humanoid that we know: no joint is "
        f"named like {', '.join(missing) or 'a chest, neck or head'}; it has "
        f"{', '.join(skeleton.names[:6])} ..."
    )


def _posed(skeleton: Skeleton, role: dict[str, int], body: Array) -> tuple[Array, Array]:
    """The T-pose of a skeleton that body (4,) stands up to face +Z."""
    rest_p, rest_r = skeleton.rest_globals
    upright = _upright(rotation.rotate(body, rest_p), role)
    align = np.broadcast_to(body, (len(skeleton), 4)).copy()
    joint_role = {joint: name for name, joint in role.items()}
    for j in range(len(skeleton)):
        name, parent = joint_role.get(j), int(skeleton.parents[j])
        if parent >= 0:
            align[j] = align[parent]
        if name is not None and name in upright:
            align[j] = rotation.multiply(upright[name], body)
        if name in _LIMBS and _LIMBS[name][0] in role:
            end, direction = _LIMBS[name]
            bone = rotation.rotate(align[j], rest_p[role[end]] - rest_p[j])
            align[j] = rotation.multiply(rotation.between(bone, np.array(direction)), align[j])
        elif name in ("left_foot", "right_foot"):
            # Soles are flat at rest however far the legs are spread: only the heading is turned.
            align[j] = body
            toe = role.get(name.replace("foot", "toes"))
            if toe is not None:
                ahead = rotation.rotate(body, rest_p[toe] - rest_p[j])
                turn = -np.arctan2(ahead[0], ahead[2])
                align[j] = rotation.multiply(rotation.from_yaw(turn), body)
    world_r = rotation.multiply(align, rest_r)
    local_r = skeleton.locals(rest_p, world_r)[1]
    positions = skeleton.rest_positions.copy()
    return skeleton.globals(positions, local_r)[0], world_r


def _body_alignment(rest_p: Array, role: dict[str, int], top: int) -> Array:
    """(4,) rotation that stands the rest pose up along +Y, its left along +X."""
    rows = axes(rest_p, role)
    if rows is None:
        up = rotation.normalize(rest_p[top] - rest_p[role["hips"]])
        left = rest_p[role["left_upper_leg"]] - rest_p[role["right_upper_leg"]]
        left = rotation.normalize(left - np.dot(left, up) * up)
        rows = np.stack([left, up, np.cross(left, up)])
    return rotation.from_matrix(rows)


def _upright(world: Array, role: dict[str, int]) -> dict[str, Array]:
    """Role -> (4,) turn of a trunk that leans at rest (J, 3) by more than skeletons do.

    Else a body that is drawn leaning would stand straight on a target, and lose its lean in motion.
    """
    spine = trunk(world, role)
    if spine is None or angle(spine, UPRIGHT) <= LEAN_RAD:
        return {}
    turn = rotation.between(spine, np.array(UPRIGHT))
    turns = {name: turn for name in ("spine", "chest", "upper_chest", *_SHOULDERS) if name in role}
    # A head that is held level over a leaning trunk is level; one that leans with it is not.
    level = rotation.identity()
    if {"neck", "head"} <= role.keys():
        neck = rotation.normalize(world[role["head"]] - world[role["neck"]])
        usual = np.array([0.0, 0.98, 0.2])
        level = turn if np.dot(rotation.rotate(turn, neck), usual) > np.dot(neck, usual) else level
    return turns | {name: level for name in ("neck", "head") if name in role}


class Retarget:
    """Carries poses from one humanoid skeleton to another.

    lift_m is added to the height of the target's hips; `level` measures it from a clip. scale is
    the ratio of the legs, by which all travel is scaled so that steps fit the strides. offset
    changes the target's T-pose: world rotations (K, 4) in and out.
    """

    def __init__(
        self, source: Skeleton, target: Skeleton, offset: Callable[[Array], Array] | None = None
    ) -> None:
        self.source, self.target = source, target
        self.lift_m = 0.0
        source_p, source_r = t_pose(source)
        self.target_p, self.target_r = t_pose(target)
        self.source_role, self.target_role = roles(source), roles(target)
        self.scale = _leg_m(self.target_p, self.target_role) / _leg_m(source_p, self.source_role)
        self._clearance = ground.clearances(target, target.rest_globals[0])
        self.driven = drivers(source, target)
        if self.driven.fingers:
            self.target_r = straightened(target, self.target_r)
            source_r = straightened(source, source_r)
        self.source_p, self.source_r = source_p, source_r
        if offset is not None:
            self.target_r = offset(self.target_r)
        used = np.union1d(self.driven.first, self.driven.second)
        used = np.union1d(used[used >= 0], list(self.source_role.values()))
        self._carriers, self.rows = _carriers(source, used.tolist())
        parents = self._carriers.parents
        self._steps, self.lineage = doubling(parents), lineage(parents)
        self._above = np.where(parents < 0, len(parents), parents)
        row = np.full(len(source) + 1, len(self.rows))  # the last: nobody
        row[self.rows] = np.arange(len(self.rows))
        self.row = row
        self._first, self._second = row[self.driven.first], row[self.driven.second]
        self._mixed = np.flatnonzero(self.driven.mix > 0.0)
        self._mix = self.driven.mix[self._mixed][:, None]
        self._second = self._second[self._mixed]
        undo = np.concatenate([rotation.conjugate(source_r), rotation.identity(1)])
        one, other = (
            quaternion.right(rotation.multiply(undo[joints], self.target_r))
            for joints in (self.driven.first, self.driven.second)
        )
        self._into_first, self._into_second = one, other[self._mixed]
        self._parents = np.maximum(target.parents, 0)
        hips = self.target_role["hips"]
        self._over, at = [], int(target.parents[hips])  # what carries the hips
        while at >= 0:
            self._over.append(at)
            at = int(target.parents[at])
        self._over.reverse()
        # What stands above the hips and follows nobody, as a root does, is where it is at rest.
        still = not (self.driven.first[self._over] >= 0).any()
        self._root_to_hips = self._hung(self.target_r) if self._over and still else None

    def source_world(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """World positions (..., C, 3) and rotations (..., C + 1, 4) of what is carried over.

        The joints are those of `row`; the last rotation is the identity.
        """
        bones, world_r = self.source_bones(positions, rotations)
        return np.asarray(self.lineage @ bones), world_r

    def source_bones(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """The same with the way (..., C, 3) to each joint from the one above it."""
        world_r = world_rotations(rotations.take(self.rows, axis=-2), self._steps)
        above = world_r.take(self._above, axis=-2)
        return quaternion.rotate(above, positions.take(self.rows, axis=-2)), world_r

    def turned(self, source_r: Array) -> Array:
        """World rotations (..., K, 4) of the target, out of those of `source_world`."""
        out = quaternion.before(source_r.take(self._first, axis=-2), self._into_first)
        if len(self._mixed):
            one = out.take(self._mixed, axis=-2)
            other = quaternion.before(source_r.take(self._second, axis=-2), self._into_second)
            out[..., self._mixed, :] = quaternion.slerp(one, other, self._mix)
        return out

    def travelled(self, source_p: Array) -> Array:
        """Where the target's hips (..., 3) come to be, before `lift_m`."""
        return source_p[..., self.row[self.source_role["hips"]], :] * self.scale

    def local(self, world_r: Array, hips: Array) -> tuple[Array, Array]:
        """Local positions (..., K, 3) and rotations (..., K, 4) of world rotations and hips.

        A root above the hips goes along on the ground, as engines have it.
        """
        turned = quaternion.relative(world_r.take(self._parents, axis=-2), world_r)
        turned[..., 0, :] = world_r[..., 0, :]
        moved = np.empty((*world_r.shape[:-1], 3))
        moved[...] = self.target.rest_positions
        joint = self.target_role["hips"]
        if not self._over:
            moved[..., 0, :] = hips
            return moved, quaternion.unit(turned)
        still = self.target.rest_globals[0][joint]
        moved[..., 0, ::2] += (hips - still)[..., ::2]
        way, back = self._root_to_hips or self._hung(world_r)
        moved[..., joint, :] = ((hips - moved[..., 0, :] - way)[..., None, :] @ back)[..., 0, :]
        return moved, quaternion.unit(turned)

    def _hung(self, world_r: Array) -> tuple[Array, Array]:
        """From the root to what carries the hips, (..., 3), and what undoes its turn, (..., 3, 3).

        world_r (..., K, 4); a row times the matrix is turned back.
        """
        rest, way = self.target.rest_positions, np.zeros((*world_r.shape[:-2], 3))
        for above, joint in pairwise(self._over):
            way = way + quaternion.rotate(world_r[..., above, :], rest[joint])
        return way, quaternion.matrices(world_r[..., self._over[-1], :])

    def apply(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """Local positions (..., K, 3) and rotations (..., K, 4) of the target.

        positions (..., J, 3) and rotations (..., J, 4) are the source's, local to the parent.
        """
        source_p, source_r = self.source_world(positions, rotations)
        hips = self.travelled(source_p)
        hips[..., 1] += self.lift_m
        moved, turned = self.local(self.turned(source_r), hips)
        return moved.astype(positions.dtype, copy=False), turned.astype(rotations.dtype, copy=False)

    def level(self, positions: Array, rotations: Array) -> float:
        """Sets lift_m so that the feet of a clip (T, J, ...) stand on the ground; returns it."""
        self.lift_m = 0.0
        moved, turned = self.apply(positions, rotations)
        world_p = self.target.globals(moved, turned)[0]
        self.lift_m = -ground.standing_m(self.target, world_p, self._clearance)
        return self.lift_m

    def grounded(
        self,
        positions: Array,
        rotations: Array,
        rate_hz: float,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Array, Array]:
        """`apply` for a whole clip (T, J, ...): levelled, and no foot goes through the floor.

        A clip of an hour goes through in pieces, so that it needs no memory beyond what comes out.
        progress is told how many frames of how many are done.
        """
        count, reach = len(rotations), ground.reach(rate_hz)
        some = slice(None, None, max(1, count // LEVEL_FRAMES))
        self.level(positions[some], rotations[some])
        moved = np.empty((count, len(self.target), 3), positions.dtype)
        turned = np.empty((count, len(self.target), 4), rotations.dtype)
        for start in range(0, count, PIECE):
            stop = min(start + PIECE, count)
            first = max(start - reach, 0)
            piece = slice(first, min(stop + reach, count))
            piece_p, piece_r = self.apply(positions[piece], rotations[piece])
            kept = ground.keep_above(
                self.target, piece_p, piece_r, self._clearance, self.target_r, rate_hz
            )
            own = slice(start - first, stop - first)
            moved[start:stop], turned[start:stop] = piece_p[own], kept[own]
            if progress is not None:
                progress(stop, count)
        return moved, turned


def _leg_m(world_p: Array, role: dict[str, int]) -> float:
    """Height of the hips above the ankles in the T-pose, in metres."""
    return float(world_p[role["hips"], 1] - world_p[role["left_foot"], 1])


def _carriers(skeleton: Skeleton, joints: list[int]) -> tuple[Skeleton, np.ndarray]:
    """The joints and all above them as a skeleton of their own, and which (K,) they are."""
    keep: set[int] = set()
    for joint in joints:
        while joint >= 0 and joint not in keep:
            keep.add(joint)
            joint = int(skeleton.parents[joint])
    at = np.array(sorted(keep))
    row = {int(j): k for k, j in enumerate(at)}
    parents = [row.get(int(skeleton.parents[j]), -1) for j in at]
    names = tuple(skeleton.names[j] for j in at)
    return Skeleton(names, np.array(parents), skeleton.rest_positions[at]), at
