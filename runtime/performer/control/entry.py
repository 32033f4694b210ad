"""Entry: the network's body vector from poses alone, so that it can go on from anyone's motion.

Two poses a tick apart tell place and speed; contacts are told by height and speed, and the gait's
phase by how the ankles pass each other.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .layout import BODY, CONTACTS, PHASE, POSE, RATE, RATE_HZ, TRAVEL

Known = tuple[Array, Array]  # world hips (3,) and local rotations (J, 4), the hips' in the world
# Over the height of a standing foot, and metres a second: lower and slower is planted.
LIFTED_M = 0.035
PLANTED_MPS = 0.55
DOUBLE_STEP_RAD_S = 5.8  # of the phase, at a walk
STEPS_MPS = 0.25
FASTEST_MPS = 4.5
FASTEST_RAD_S = 4.0
# The pelvis turns to and fro with each step: of what it turns, so much is the body's.
TURN_SHARE = 0.4
LYING_M = 0.6


def is_upright(pose: Known) -> bool:
    """Whether the network can go on from it: on its feet, more or less."""
    up = rotation.rotate(pose[1][0], np.array([0.0, 1.0, 0.0]))[1]
    return bool(LYING_M < pose[0][1] < 1.4 and up > 0.5)


def body(pose: Known, before: Known, start: Array) -> tuple[Array, Array, float]:
    """Body (280,), root (2,) and yaw of a pose and the one of 1/60 s before.

    start (280,) is the network's standing body: where its hips are over its root.
    """
    out = np.zeros(BODY)
    roots, yaws, poses = [], [], []
    for hips, turns in (before, pose):
        yaw = float(rotation.yaw(turns[0]))
        offset = rotation.rotate(rotation.from_yaw(yaw), start[:3].astype(float))
        roots.append(hips[[0, 2]] - offset[[0, 2]])
        yaws.append(yaw)
    turn = TURN_SHARE * float((yaws[1] - yaws[0] + np.pi) % (2.0 * np.pi) - np.pi)
    yaw = yaws[1]
    for (hips, turns), root, heading in zip((before, pose), roots, (yaw - turn, yaw), strict=True):
        back = rotation.from_yaw(-heading)
        local = turns.copy()
        local[0] = rotation.multiply(back, local[0])
        away = rotation.rotate(back, hips - np.array([root[0], 0.0, root[1]]))
        poses.append(np.concatenate([away, rotation.to_6d(local).reshape(-1)]))
    out[POSE], out[RATE] = poses[1], poses[1] - poses[0]
    step = (roots[1] - roots[0]) * RATE_HZ
    c, s = np.cos(yaw), np.sin(yaw)
    local_step = np.array([c * step[0] - s * step[1], s * step[0] + c * step[1]])
    size = float(np.hypot(*local_step))
    local_step *= min(1.0, FASTEST_MPS / max(size, 1e-6))
    out[TRAVEL] = *local_step, np.clip(turn * RATE_HZ, -FASTEST_RAD_S, FASTEST_RAD_S)

    now = legs.forward(pose[0], pose[1])[0]
    past = legs.forward(before[0], before[1])[0]
    points, was = now[:, 2:4], past[:, 2:4]
    speed = np.linalg.norm((points - was)[..., [0, 2]], axis=-1) * RATE_HZ
    low = points[..., 1] < np.array([legs.ANKLE_M, legs.TOE_M]) + LIFTED_M
    out[CONTACTS] = (low & (speed < PLANTED_MPS)).reshape(4)
    out[PHASE] = _phase(now[:, 2], past[:, 2], yaw, out[TRAVEL], speed)
    return out, roots[1], yaw


def _phase(ankles: Array, before: Array, yaw: float, travel: Array, speed: Array) -> Array:
    """(3,) cosine, sine and amount of the gait's phase, from ankles (2, 3) of two ticks.

    At the left foot's mid-stance the left ankle passes the right one backward, as the body sees it.
    """
    back = rotation.from_yaw(-yaw)
    apart = rotation.rotate(back, ankles[0] - ankles[1])
    rate = (apart - rotation.rotate(back, before[0] - before[1])) * RATE_HZ
    way = np.array([travel[0], travel[1]])
    size = float(np.hypot(*way))
    if size < STEPS_MPS and speed.min(axis=-1).max() < 0.3:
        return np.array([1.0, 0.0, 0.0])
    way = way / max(size, 1e-6) if size > STEPS_MPS else np.array([0.0, 1.0])
    d, v = apart[[0, 2]] @ way, rate[[0, 2]] @ way
    sine, cosine = -d * DOUBLE_STEP_RAD_S, -v
    length = max(float(np.hypot(sine, cosine)), 1e-6)
    return np.array([cosine / length, sine / length, 1.0])


def world_velocity(body: Array, yaw: float) -> Array:
    """(2,) the root's velocity in the world, m/s."""
    x, z = body[TRAVEL][:2]
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([c * x + s * z, -s * x + c * z])


def pose(body: Array, root: Array, yaw: float) -> Known:
    """The pose of a body (280,) whose root is at (2,) and looks to yaw."""
    facing = rotation.from_yaw(yaw)
    hips = rotation.rotate(facing, body[:3].astype(float))
    turns = rotation.from_6d(body[POSE][3:].reshape(-1, 6).astype(float))
    turns[0] = rotation.multiply(facing, turns[0])
    return hips + np.array([root[0], 0.0, root[1]]), turns


def rates(last: Known, before: Known) -> Known:
    """How a pose moves: its hips (3,) in m/s and its joints (J, 3) in rad/s."""
    turn = rotation.multiply(last[1], rotation.conjugate(before[1]))
    return (last[0] - before[0]) * RATE_HZ, rotation.to_rotation_vector(turn) * RATE_HZ
