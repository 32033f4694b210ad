"""Reasons: what in the past the network's prediction hung on, by finite differences.

The past is changed a little, one part of the body at one moment, and the network runs on from
there: how far the prediction moves is how much it hung on that. All changes are one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

from .network import RATE_HZ, Understudy

PARTS: dict[str, tuple[str, ...]] = {
    "hips' turn": ("Hips",),
    "trunk": ("Spine", "Spine1", "Spine2"),
    "head": ("Neck", "Head"),
    "left arm": ("LeftShoulder", "LeftArm", "LeftForeArm"),
    "right arm": ("RightShoulder", "RightArm", "RightForeArm"),
    "left leg": ("LeftUpLeg", "LeftLeg", "LeftFoot"),
    "right leg": ("RightUpLeg", "RightLeg", "RightFoot"),
}
PLACE = "hips' place"
NAMES = (PLACE, *PARTS)
WATCHED = 45  # ticks
PAST, EVERY = 30, 2  # of which the last are changed, so many together
CHANGE_RAD, CHANGE_M = np.radians(2.0), 0.01
AXES = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Reasons:
    """What the network made of a past.

    hips (K, 3), rotations (K, 22, 4) the prediction; error_m (K, 22) what it expects to be off;
    hung_m (N, M): how far joints are moved in the mean, ticks 1 to K, by a change of 2 degrees, or
    1 cm, of a part (`NAMES`) at a moment; past_s (M,) when that is, before the drop.
    """

    hips: Array
    rotations: Array
    error_m: Array
    contacts: Array
    hung_m: Array
    past_s: Array


def reasons(hips: Array, rotations: Array, ticks: int, weights: str | None = None) -> Reasons:
    """Of a past, hips (T, 3) in the world and local rotations (T, 22, 4), a row a tick: what the
    network predicts for so many ticks, and what that hung on."""
    hips, rotations = hips[-WATCHED:], rotations[-WATCHED:]
    moments = np.arange(min(PAST, len(hips) - 2) // EVERY) * EVERY
    rows = [(part, int(m), axis) for part in NAMES for m in moments for axis in AXES]
    at = np.repeat(hips[None], 1 + len(rows), 0)
    turns = np.repeat(rotations[None], 1 + len(rows), 0)
    for k, (part, moment, axis) in enumerate(rows, start=1):
        some = slice(len(hips) - moment - EVERY, len(hips) - moment)
        if part == PLACE:
            facing = rotation.from_yaw(rotation.yaw(rotations[-1, 0]))
            at[k, some] += rotation.rotate(facing, CHANGE_M * np.array(axis))
            continue
        change = rotation.from_axis_angle(np.array(axis), CHANGE_RAD)
        for name in PARTS[part]:
            j = PERFORMER.index(name)
            turns[k, some, j] = rotation.multiply(turns[k, some, j], change)
    with Understudy(len(at), weights, "cpu") as network:  # type: ignore[arg-type]
        whole = np.ones((len(at), len(PERFORMER)), bool)
        for t in range(len(hips)):
            network.step(at[:, t], turns[:, t], whole)
        out = []
        for _ in range(ticks):
            network.step(at[:, -1], turns[:, -1], ~whole)
            out.append([a.copy() for a in (network.hips, network.rotations)])
            out[-1] += [network.error_m[0].copy(), network.contacts[0].copy()]
    found_p, found_r = (np.stack([row[k] for row in out]) for k in (0, 1))
    positions = np.broadcast_to(PERFORMER.rest_positions, (*found_r.shape[:-1], 3)).copy()
    positions[..., 0, :] = found_p
    world = PERFORMER.globals(positions, found_r)[0]
    moved_m = np.linalg.norm(world[:, 1:] - world[:, :1], axis=-1).mean((0, 2))
    hung_m = moved_m.reshape(len(NAMES), len(moments), len(AXES)).mean(-1)
    return Reasons(
        found_p[:, 0],
        found_r[:, 0],
        np.stack([row[2] for row in out]),
        np.stack([row[3] for row in out]),
        hung_m,
        (moments + 0.5 * (EVERY - 1)) / RATE_HZ,
    )
