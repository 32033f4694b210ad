"""The skeleton of a NatNet model, and its poses on it.

Motive says of each bone where it is in its parent while the actor stands in a T-pose, in which no
bone is turned. A pose is that of the room or that of the parent, as Motive is set; which of both
the places of the bones tell, since no bone leaves its joint.
"""

from __future__ import annotations

import re

import numpy as np

from understudy.bridge.protocols import ProtocolError, natnet
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

# Motive's own names of bones, behind the skeleton's; others are recognised by their words.
ROLES: dict[str, str] = {
    "Hip": "hips",
    "Ab": "spine",
    "Chest": "chest",
    "Neck": "neck",
    "Head": "head",
    **{
        f"{side[0].upper()}{part}": f"{side}_{role}"
        for side in ("left", "right")
        for part, role in (
            *(("Shoulder", "shoulder"), ("UArm", "upper_arm"), ("FArm", "lower_arm")),
            *(("Hand", "hand"), ("Thigh", "upper_leg"), ("Shin", "lower_leg")),
            *(("Foot", "foot"), ("Toe", "toes")),
        )
    },
}
# Bones further than this from where their parents have them are those of the room.
JOINT_M = 0.03
_SOLE_M = 0.02
# Above the hips in the direction that is no longer up: the stream's Z is.
_LIES_M = 0.3
_UP = rotation.from_axis_angle(np.array([1.0, 0.0, 0.0]), -np.pi / 2)


def upright(positions: Array, rotations: Array, z_up: bool) -> tuple[Array, Array]:
    """Positions (..., 3) and rotations (..., 4) in our axes, of a stream whose Z may be up."""
    if not z_up:
        return positions, rotations
    turned = rotation.multiply(rotation.multiply(_UP, rotations), rotation.conjugate(_UP))
    return rotation.rotate(_UP, positions), turned


class Figure:
    """A model with its skeleton; bones in the order of its joints.

    lies  its head is above its hips along Z: the stream has Z up, and nobody said so
    """

    def __init__(self, model: natnet.Model, z_up: bool = False) -> None:
        order = _parents_first(model)
        number = {one: i for i, one in enumerate(model.ids)}
        above = [order.index(number[model.parents[i]]) if at else -1 for at, i in enumerate(order)]
        prefix = f"{model.name}_"
        names = [model.bones[i].removeprefix(prefix) for i in order]
        if len(set(names)) != len(names):
            raise ProtocolError(f"NatNet's {model.name!r} has two bones of one name.")
        rest, turns = upright(model.positions[order], model.rotations[order], z_up)
        rest = rest.copy()
        rest[0] = 0.0
        made = Skeleton(tuple(names), np.array(above), rest, turns)
        at = made.rest_globals[0]
        rest[0, 1] = _SOLE_M - float(at[:, 1].min())
        tall, deep = np.abs(at).max(axis=0)[1:]
        self.lies = bool(deep > _LIES_M and deep > 2.0 * tall)
        own = {re.sub(r"\W", "", name): j for j, name in enumerate(names)}
        given = {role: own[name] for name, role in ROLES.items() if name in own}
        self.model, self.z_up = model, z_up
        self._known: tuple[bytes, np.ndarray, np.ndarray] | None = None
        self.joint = {model.ids[i] & 0xFFFF: j for j, i in enumerate(order)}
        self.skeleton = Skeleton(
            tuple(names), np.array(above), rest, turns, _tips(names),
            given_roles=given if "hips" in given and "head" in given else None,
        )  # fmt: skip

    def _rows(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which rows are bones of it, and their joints; the same in every frame."""
        key = ids.tobytes()
        if self._known is None or self._known[0] != key:
            numbers = (ids & 0xFFFF).tolist()
            rows = np.array([i for i, one in enumerate(numbers) if one in self.joint], int)
            joints = np.array([self.joint[numbers[i]] for i in rows], int)
            self._known = key, rows, joints
        return self._known[1], self._known[2]

    def pose(self, said: natnet.Bodies) -> tuple[Array, Array, Array | None] | None:
        """Positions and rotations, local, and seen; None where nothing of it was seen."""
        of = self.skeleton
        rows, joints = self._rows(said.ids)
        seen = np.zeros(len(of), bool)
        seen[joints] = said.valid[rows]
        if not seen.any():
            return None
        at, turns = upright(said.positions[rows], said.rotations[rows], self.z_up)
        positions, rotations = of.rest_positions.copy(), of.rest_rotations.copy()
        below = seen[joints] & (joints > 0)
        apart = np.abs(at[below] - positions[joints[below]]).max(initial=0.0)
        if below.any() and apart < JOINT_M:  # in their parents
            positions[joints], rotations[joints] = at, turns
        else:
            world_p, world_r = positions.copy(), rotations.copy()
            world_p[joints], world_r[joints] = at, turns
            for j in np.flatnonzero(~seen):  # stands where its parent has it
                if (up := of.parents[j]) >= 0:
                    world_r[j] = rotation.multiply(world_r[up], of.rest_rotations[j])
                    world_p[j] = world_p[up] + rotation.rotate(world_r[up], of.rest_positions[j])
            positions, rotations = of.locals(world_p, world_r)
        return positions, rotations, None if seen.all() else seen


def _parents_first(model: natnet.Model) -> list[int]:
    """Bones in the order of a skeleton: one root, every other after its parent."""
    if len(set(model.ids)) != len(model.ids):
        raise ProtocolError(f"NatNet's {model.name!r} has two bones of one number.")
    number = {one: i for i, one in enumerate(model.ids)}
    order = [i for i, up in enumerate(model.parents) if up not in number or up == model.ids[i]]
    if len(order) != 1:
        raise ProtocolError(f"NatNet's {model.name!r} has {len(order)} roots, and should have one.")
    for i in order:
        order += [
            j for j, up in enumerate(model.parents) if up == model.ids[i] and j != order[0]
        ]  # grows while it is gone through
    if len(order) != len(model.ids):
        raise ProtocolError(f"NatNet's {model.name!r} has bones that hang on one another.")
    return order


def _tips(names: list[str]) -> Array:
    """Where head, hands and toes end, as our performer's."""
    own = roles(PERFORMER)
    tips = np.full((len(names), 3), np.nan)
    fingers = len(names) > 30
    for j, name in enumerate(names):
        role = ROLES.get(name, "")
        if role == "head" or role.endswith("toes") or (role.endswith("hand") and not fingers):
            tips[j] = PERFORMER.tips[own[role]]
    return tips
