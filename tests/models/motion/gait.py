"""A small walking figure of our own, for tests that need motion and no mocap."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.ik import legs
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

RATE_HZ = 60.0


def walk(seconds: float, speed: float, cadence_hz: float = 0.9, stand_s: float = 0.0) -> Clip:
    """Stands for a while, then walks along +z: planted feet stay exactly where they are."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    moving = np.clip((t - stand_s) / 0.5, 0.0, 1.0)
    z = np.cumsum(speed * moving) / RATE_HZ
    phase = np.cumsum(cadence_hz * moving) / RATE_HZ
    hips = np.stack([0 * t, 0.93 + 0.01 * np.sin(4 * np.pi * phase), z], -1)
    rotations = rotation.identity((len(t), len(PERFORMER)))
    rotations[:, legs.LEGS[:, 1]] = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.3)
    rotations[:, legs.LEGS[:, 0]] = rotation.from_axis_angle([1.0, 0.0, 0.0], -0.15)
    for name, sign in (("LeftArm", -1.0), ("RightArm", 1.0)):
        down = rotation.from_axis_angle([0.0, 0.0, 1.0], sign * 1.3)
        swing = rotation.from_axis_angle(
            [1.0, 0.0, 0.0], -sign * 0.4 * np.sin(2 * np.pi * phase) * moving
        )
        rotations[:, PERFORMER.index(name)] = rotation.multiply(swing, down)
    p, r = legs.forward(hips, rotations)
    ankle = np.empty((len(t), 2, 3))
    stride = speed / cadence_hz
    for side, shift in enumerate((0.0, 0.5)):
        cycle = (phase + shift) % 1.0
        swinging = np.clip((cycle - 0.6) / 0.4, 0.0, 1.0)
        smooth = swinging * swinging * (3 - 2 * swinging)
        along = np.where(cycle < 0.6, 0.3 - cycle, -0.3 + 0.6 * smooth) * stride
        ankle[:, side, 0] = 0.095 - 0.19 * side
        ankle[:, side, 1] = legs.ANKLE_M + 0.12 * np.sin(np.pi * swinging) * moving
        ankle[:, side, 2] = z + along * moving
    legs.reach(hips, rotations, p, r, ankle, np.tile([0.0, 0, 0, 1], (len(t), 2, 1)))
    places = np.repeat(PERFORMER.rest_positions[None], len(t), 0)
    places[:, 0] = hips
    return Clip(PERFORMER, places, rotations, 1 / RATE_HZ, name=f"walk{speed:.1f}", unit_m=0.01)


def folder(path: Path) -> Path:
    """A folder of three takes: a start, a walk and a slower one."""
    path.mkdir(parents=True, exist_ok=True)
    bvh.write(path / "start.bvh", walk(4.0, 1.2, stand_s=1.0))
    bvh.write(path / "walk.bvh", walk(3.0, 1.3))
    bvh.write(path / "slow.bvh", walk(3.0, 0.9, 0.8))
    return path
