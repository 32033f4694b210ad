"""What the tests hand to the harness and get back."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import numpy as np

from understudy.bridge.protocols import vmc
from understudy.bridge.protocols.vmc_packer import DIALECTS, Packer
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

PARENTS = {
    "Spine": "Hips",
    "Chest": "Spine",
    "UpperChest": "Chest",
    "Neck": "UpperChest",
    "Head": "Neck",
    "Jaw": "Head",
}
for side in ("Left", "Right"):
    chain = ("Hips", *(side + part for part in ("UpperLeg", "LowerLeg", "Foot", "Toes")))
    PARENTS |= dict(zip(chain[1:], chain, strict=False))
    arm = ("Shoulder", "UpperArm", "LowerArm", "Hand")
    chain = ("UpperChest", *(side + part for part in arm))
    PARENTS |= dict(zip(chain[1:], chain, strict=False))
    PARENTS[side + "Eye"] = "Head"
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little"):
        parts = ("Proximal", "Intermediate", "Distal")
        chain = (side + "Hand", *(side + finger + part for part in parts))
        PARENTS |= dict(zip(chain[1:], chain, strict=False))


def packed(p: vmc.Performance, dialect: str = "godot", size: int = 1472) -> list[bytes]:
    return Packer(DIALECTS[dialect], size).pack(p)


def text(datagrams: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in datagrams]


def rows(names: Sequence[str], parents: Sequence[int], at: Array, turned: Array) -> list[list]:
    """World rests (J, 3) and (J, 4) as the harness's rows, local to the parents."""
    told = []
    for j, (name, above) in enumerate(zip(names, map(int, parents), strict=True)):
        p, q = np.asarray(at[j], float), np.asarray(turned[j], float)
        if above >= 0:
            undo = rotation.conjugate(np.asarray(turned[above], float))
            p, q = rotation.rotate(undo, p - at[above]), rotation.multiply(undo, q)
        told.append([name, above, *map(float, p), *map(float, q)])
    return told


def miss(got: list[list], at: Array, turned: Array) -> tuple[Array, Array]:
    """How far off the bones are: metres (J,) and radians (J,)."""
    p = np.array([one[0] for one in got])
    q = rotation.normalize(np.array([one[1] for one in got]))
    off = rotation.multiply(rotation.conjugate(q), rotation.normalize(np.asarray(turned, float)))
    angle = 2.0 * np.arctan2(np.linalg.norm(off[..., :3], axis=-1), np.abs(off[..., 3]))
    return np.linalg.norm(p - at, axis=-1), angle


def random_turns(count: int, seed: int) -> Array:
    return rotation.normalize(np.random.default_rng(seed).normal(size=(count, 4)))


def worlds(names: Sequence[str], turns: Array) -> dict[str, Array]:
    """Bone -> product of the rotations from the hips down to it; absent bones are passed over."""
    added: dict[str, Array] = {}
    local = dict(zip(names, turns, strict=True))
    for name in ("Hips", *PARENTS):
        if name in local:
            above = PARENTS.get(name)
            while above is not None and above not in added:
                above = PARENTS.get(above)
            added[name] = (
                rotation.multiply(added[above], local[name]) if above else np.asarray(local[name])
            )
    return added
