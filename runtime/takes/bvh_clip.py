"""From a BVH file's hierarchy and channel values to a clip in metres, +Y up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.joint_map import with_roles
from understudy.runtime.core.roles import guess, is_part, missing
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import rest

from . import placement
from .bvh_hierarchy import Hierarchy
from .bvh_motion import Motion
from .clip import Clip, Raw
from .placement import Placement
from .rest_pose import with_rest

# Frames that are turned from angles to quaternions at once: what they take in between stays small.
_AT_ONCE = 512
TINY = 1e-6


@dataclass(frozen=True)
class Given:
    """What a user decides of a file; None is guessed. See `bvh.read`."""

    unit_m: float | None = None
    up: str | None = None
    rest: int | str | None = None
    roles: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.up is not None and self.up not in placement.AXES:
            raise UnderstudyError(
                f"The vertical axis {self.up!r} is unknown; it is one of "
                f"{', '.join(placement.AXES)}."
            )
        if self.unit_m is not None and not (np.isfinite(self.unit_m) and self.unit_m > 0.0):
            raise UnderstudyError(f"A unit of {self.unit_m} m is no length; it must be above 0.")


@np.errstate(over="ignore", invalid="ignore")  # values that are finite and absurd
def make_clip(path: Path, tree: Hierarchy, motion: Motion, given: Given) -> Clip:
    """The clip of a file's hierarchy and motion; what is not given is guessed and noted."""
    notes = [*tree.notes, *motion.notes]
    file_offsets, tips = np.array(tree.offsets, float), np.array(tree.tips, float)
    positions, rotations = _local(tree, file_offsets, motion.values)
    offsets = _bones(tree, file_offsets, positions, notes)
    skeleton = Skeleton(tuple(tree.names), np.array(tree.parents), offsets, tips=tips)
    skeleton = with_roles(skeleton, given.roles, path.name)
    boneless = len(offsets) > 1 and not np.abs(offsets[1:]).max() > TINY**2
    if boneless and guess(skeleton).roles:  # a crane may turn about one point, a body not
        raise UnderstudyError(
            f"{path.name} has no skeleton: every OFFSET is zero, and no position channel says how "
            "long a bone is. Export it with bone lengths."
        )
    seen = placement.sight(skeleton, positions, rotations)
    if given.roles is None and _is_beast(skeleton, seen.world):
        skeleton = replace(skeleton, given_roles={})
        notes.append("Its spine lies level over its legs in most frames, so it is no humanoid.")
    notes += [*guess(skeleton).notes, *_incomplete(skeleton)]

    up = given.up
    if up is None:
        up, said = placement.guess_up(skeleton, seen)
        notes += said
    scale = placement.root_scale(skeleton, seen, up)
    if scale != 1.0:
        notes.append(
            f"The root's positions are {1.0 / scale:g} times too large for the skeleton's OFFSETs, "
            f"as if in another unit; they are multiplied by {scale:g}."
        )
    turn = placement.turn_of(up)
    if scale != 1.0 or up != "Y":
        positions[:, 0] = rotation.rotate(turn, positions[:, 0] * scale)
        rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
        offsets = offsets.copy()
        offsets[0] = rotation.rotate(turn, offsets[0] * scale)
    low, high = seen.heights(up)
    unit_m = given.unit_m
    if unit_m is None:
        unit_m, note = placement.guess_unit(skeleton, high - low, high * scale)
        notes.append(note)
    positions *= unit_m
    origin = placement.far_origin(positions[:, 0], low * scale * unit_m)
    if origin.any():
        positions[:, 0] -= origin
        far_km = float(np.linalg.norm(origin)) / 1000.0
        notes.append(f"The motion lies {far_km:,.1f} km from the origin; it is brought there.")
    for array in (positions, rotations):
        array.setflags(write=False)  # a changed copy then differs from what `raw` describes
    clip = Clip(
        replace(skeleton, rest_positions=offsets * unit_m, tips=tips * unit_m),
        positions,
        rotations,
        motion.frame_time_s,
        path.stem,
        tuple(tree.channels),
        unit_m,
        tuple(notes),
        Raw(motion.values, file_offsets, tips, positions, rotations),
        Placement(up, turn, scale, origin),
    )
    bare = rest.stood(clip.skeleton, clip.placement.turn)
    return with_rest(clip, given.rest, bare, "The pose of zero angles")


def _incomplete(skeleton: Skeleton) -> list[str]:
    """What a body that is partly known lacks."""
    found = guess(skeleton).roles
    lacks = missing(found)
    if not lacks or len(found) < 4:
        return []
    legs = [role for role in lacks if role.endswith(("_leg", "_foot")) or role == "hips"]
    does = "that part does not move on another skeleton"
    if legs:
        does = "it plays on its own skeleton, and what is there of it is taken over"
        if not is_part(found):
            does = "it plays on its own skeleton and nothing takes over for it"
    return [f"No joint is known as {', '.join(lacks)}: {does}; --map names joints."]


def _local(tree: Hierarchy, offsets: Array, values: Array) -> tuple[Array, Array]:
    """Local positions (T, J, 3) in file units and rotations (T, J, 4) of channel values (T, C)."""
    spun: dict[str, tuple[list[int], list[list[int]]]] = {}
    moved: list[tuple[int, int, int]] = []
    column = 0
    for joint, names in enumerate(tree.channels):
        order, columns = "", []
        for name in names:
            if name.endswith("position"):
                moved.append((joint, "XYZ".index(name[0]), column))
            else:
                order += name[0]
                columns.append(column)
            column += 1
        if order:
            joints, picks = spun.setdefault(order, ([], []))
            joints.append(joint)
            picks.append(columns)
    positions = np.array(np.broadcast_to(offsets, (len(values), *offsets.shape)))
    for joint, axis, column in moved:
        positions[:, joint, axis] = values[:, column]
    rotations = np.empty((len(values), len(offsets), 4))
    turned = {joint for joints, _ in spun.values() for joint in joints}
    rotations[:, [j for j in range(len(offsets)) if j not in turned]] = (0.0, 0.0, 0.0, 1.0)
    varies = (values != values[0]).any(axis=0)
    for order, (joints, picks) in spun.items():
        at = np.array(picks)
        # A rig has many joints that never turn: twists, fingers, ends.
        turning = varies[at].any(axis=1)
        still = [j for j, turns in zip(joints, turning, strict=True) if not turns]
        first = rotation.from_euler(np.deg2rad(values[0][at[~turning]]), order)
        rotations[:, still] = first
        moving = [j for j, turns in zip(joints, turning, strict=True) if turns]
        for start in range(0, len(values), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            angles = np.deg2rad(values[part][:, at[turning]])
            rotations[part, moving] = rotation.from_euler(angles, order)
    return positions, rotations


def _bones(tree: Hierarchy, offsets: Array, positions: Array, notes: list[str]) -> Array:
    """(J, 3) offsets, from the position channels where the hierarchy's are zero.

    Position channels that are zero themselves beside a real OFFSET move the joint from there:
    positions are changed then.
    """
    channels = [[n for n in names if n.endswith("position")] for names in tree.channels]
    placed = [j for j in range(1, len(offsets)) if len(channels[j]) == 3]
    if not placed:
        return offsets
    middle = np.median(positions[:: max(1, len(positions) // 60), placed], axis=0)
    written = np.linalg.norm(offsets[placed], axis=1)
    lengths = np.linalg.norm(middle, axis=1)
    size = max(float(written.max()), float(lengths.max()))
    if size <= 0.0:
        return offsets
    bare = (written < TINY * size) & (lengths > TINY * size)
    if bare.any():
        offsets = offsets.copy()
        offsets[np.array(placed)[bare]] = middle[bare]
        notes.append(
            f"The OFFSETs of {int(bare.sum())} joints are zero; their bones are as long as the "
            "position channels say."
        )
    if (written > TINY * size).any() and (np.abs(positions[:, placed]) < TINY * size).all():
        positions[:, placed] += offsets[placed]
        notes.append("Position channels of zero count from the joints' OFFSETs.")
    return offsets


def _is_beast(skeleton: Skeleton, world: Array) -> bool:
    """Whether a body with a human's names goes on all fours, in its rest pose too."""
    role = guess(skeleton).roles
    if missing(role) or "hips" not in role:
        return False
    top = role.get("neck", role.get("head"))
    if top is None or rest.stands(skeleton, skeleton.rest_globals[0]):
        return False
    feet = world[:, [role["left_foot"], role["right_foot"]]].mean(axis=1)
    hands = world[:, [role["left_hand"], role["right_hand"]]].mean(axis=1)
    arms = world[:, [role["left_upper_arm"], role["right_upper_arm"]]].mean(axis=1)
    hips = world[:, role["hips"]]
    spine, leg = rotation.normalize(world[:, top] - hips), rotation.normalize(feet - hips)
    arm = rotation.normalize(hands - arms)
    level = np.abs(np.sum(spine * leg, axis=-1)) < 0.6
    return bool(np.median(level & (np.sum(arm * leg, axis=-1) > 0.8)) > 0.5)
