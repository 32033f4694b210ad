"""The skeleton of an MVN character, and its poses on it.

In MVN's T-pose no segment is turned, so the way from a joint to the next is the same in every pose,
seen from the segment that it lies on: any pose shows the skeleton. What MVN says of the T-pose
itself is exact, where that is streamed ("scale"); a pose differs by how far joints gave way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from understudy.bridge.protocols import axes, mvn
from understudy.bridge.protocols.mvn_scale import Scale
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

ROLES: dict[str, str] = {
    "Pelvis": "hips",
    "L5": "spine",
    "T12": "chest",
    "T8": "upper_chest",
    "Neck": "neck",
    "Head": "head",
    **{
        f"{side}{part}": f"{side.lower()}_{role}"
        for side in ("Left", "Right")
        for part, role in (
            *(("Shoulder", "shoulder"), ("UpperArm", "upper_arm"), ("Forearm", "lower_arm")),
            *(("Hand", "hand"), ("UpperLeg", "upper_leg"), ("LowerLeg", "lower_leg")),
            *(("Foot", "foot"), ("Toe", "toes")),
        )
    },
}
# Between the joint of a toe and the ground.
_SOLE_M = 0.02
# An offset that is shorter was not sent; pelvis and L5 may be at one place.
NOWHERE_M = 1e-4


def _standard() -> dict[str, Array]:
    """Offsets of our performer's, for what comes without any."""
    own, world = roles(PERFORMER), PERFORMER.rest_globals[0]
    own |= {"chest": PERFORMER.index("Spine1"), "upper_chest": PERFORMER.index("Spine2")}
    at = {name: world[own[role]] for name, role in ROLES.items()}
    at["L3"] = (at["L5"] + at["T12"]) / 2.0
    for name, above in mvn.HANDS.items():
        along = 0.0 if name.endswith("Carpus") else 0.03
        at[name] = at[above] + np.array([along if name.startswith("Left") else -along, 0.0, 0.0])
    return {n: at[n] - at[above] if above else at[n] for n, above in mvn.PARENTS.items()}


STANDARD = _standard()


def parents(names: tuple[str, ...]) -> list[int]:
    """Of each the nearest above it that is there."""
    found = []
    for name in names:
        above = mvn.PARENTS[name]
        while above and above not in names:
            above = mvn.PARENTS[above]
        found.append(names.index(above) if above else -1)
    return found


def places(scale: Scale, unit: float) -> dict[str, Array]:
    """Segments of a streamed T-pose by name, in our axes and metres; of some MVN have blanks."""
    said, _ = axes.from_z_up(scale.places * unit, rotation.identity(len(scale.places)))
    known = {name.lower(): name for name in mvn.PARENTS}
    plain = [name.replace(" ", "").replace("_", "").lower() for name in scale.names]
    return {known[name]: at for name, at in zip(plain, said, strict=True) if name in known}


def skeleton(body: mvn.Body, tpose: dict[str, Array]) -> tuple[Skeleton, bool]:
    """A body's skeleton, and whether any of it is guessed.

    tpose is what was streamed of it, or nothing. A pose without a pelvis has one added.
    """
    names = body.names if body.names[0] == "Pelvis" else ("Pelvis", *body.names)
    above = parents(names)
    row = {name: i for i, name in enumerate(body.names)}
    guessed = names != body.names
    offsets: list[Array] = []
    for name, parent in zip(names, above, strict=True):
        up = names[parent] if parent >= 0 else ""
        offset: Array = np.zeros(3)
        if name in tpose and up in tpose:
            offset = tpose[name] - tpose[up]
        elif body.local and name in row:
            offset = body.positions[row[name]]
        elif name in row and up in row and body.seen[row[up]]:
            way = body.positions[row[name]] - body.positions[row[up]]
            offset = rotation.rotate(rotation.conjugate(body.rotations[row[up]]), way)
        offsets.append(offset)
    if np.abs(np.array(offsets[1:])).max(initial=0.0) < NOWHERE_M:  # rotations alone
        offsets = [STANDARD[name] for name in names]
        guessed = True
    rest = np.array(offsets)
    rest[0] = 0.0
    made = Skeleton(names, np.array(above), rest, tips=_tips(names))
    lowest = float(made.rest_globals[0][:, 1].min())
    legs = any(name.endswith("Foot") for name in names)
    rest[0, 1] = _SOLE_M - lowest if legs else STANDARD["Pelvis"][1]
    if "Pelvis" in tpose and tpose["Pelvis"][1] > 0.1:
        rest[0, 1] = tpose["Pelvis"][1]
    given = {ROLES[name]: j for j, name in enumerate(names) if name in ROLES}
    return Skeleton(names, np.array(above), rest, tips=_tips(names), given_roles=given), guessed


def _tips(names: tuple[str, ...]) -> Array:
    """Where head, hands and toes end, as our performer's."""
    own = roles(PERFORMER)
    tips = np.full((len(names), 3), np.nan)
    for j, name in enumerate(names):
        if name == "Head" or name.endswith("Toe") or (name.endswith("Hand") and len(names) < 40):
            tips[j] = PERFORMER.tips[own[ROLES[name]]]
    return tips


@lru_cache(maxsize=64)
def _rows(of: Skeleton, names: tuple[str, ...]) -> np.ndarray:
    """(N,) joints of these names."""
    rows = np.array([of.names.index(name) for name in names])
    rows.setflags(write=False)
    return rows


def pose(of: Skeleton, body: mvn.Body) -> tuple[Array, Array, Array | None]:
    """A body on a skeleton that has its segments: positions and rotations, local, and seen."""
    rows = _rows(of, body.names)
    seen = np.zeros(len(of), bool)
    seen[rows] = body.seen
    positions, rotations = of.rest_positions.copy(), rotation.identity(len(of))
    if body.local:
        placed = np.abs(body.positions).max(axis=-1) > NOWHERE_M
        positions[rows[placed]] = body.positions[placed]
        rotations[rows] = body.rotations
    else:
        world_p, world_r = positions.copy(), rotations.copy()
        world_p[rows], world_r[rows] = body.positions, body.rotations
        for j in np.flatnonzero(~seen):  # stands where its parent has it
            if (up := of.parents[j]) >= 0:
                world_r[j] = world_r[up]
                world_p[j] = world_p[up] + rotation.rotate(world_r[up], of.rest_positions[j])
        placed = np.abs(world_p).max() > NOWHERE_M
        local_p, rotations = of.locals(world_p, world_r)
        if placed:
            positions = local_p
    return positions, rotations, None if seen.all() else seen
