"""The controller: from what the pad asks to the path that the body is to follow.

A point on the ground follows the wished velocity and facing through critically damped springs, and
its path to come is the network's control input. The same springs drive the synthetic director that
makes the training data, so what the network meets at run time is what it was trained on.

Springs after Daniel Holden, "Spring-It-On: The Game Developer's Spring-Roll-Call" (2021) and
"Code vs Data Driven Displacement" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array

# Full stick, metres a second. What the training data covers sets them.
WALK_MPS = 2.0
RUN_MPS = 3.6
STRAFE_SIDE_MPS = 0.65
STRAFE_BACK_MPS = 0.95
VELOCITY_HALFLIFE_S = 0.22
FACING_HALFLIFE_S = 0.25
# Beyond this the stick turns the body on the spot instead of only making it look.
DEAD_TRAVEL = 0.05
ADJUST_HALFLIFE_S = 0.2
STYLE_HALFLIFE_S = 0.35  # a slider that jumps is followed so fast
# When the path samples that the network sees lie, seconds ahead.
SAMPLES_S = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
LN2_4 = 2.772588722239781


def wrap(angle_rad: Array) -> Array:
    """(...) the same angles within [-pi, pi)."""
    return (angle_rad + np.pi) % (2.0 * np.pi) - np.pi


def spring_step(
    x: Array, v: Array, goal: Array, halflife_s: float, dt_s: Array | float
) -> tuple[Array, Array]:
    """Position and velocity (...) of a critically damped spring after dt_s, exactly."""
    y = LN2_4 / halflife_s / 2.0
    j0 = x - goal
    j1 = v + j0 * y
    decay = np.exp(-y * dt_s)
    return decay * (j0 + j1 * dt_s) + goal, decay * (v - j1 * y * dt_s)


def velocity_spring(
    x: Array, v: Array, a: Array, goal: Array, halflife_s: float, dt_s: Array | float
) -> tuple[Array, Array, Array]:
    """Position, velocity and acceleration (...) when the velocity is sprung to a goal, exactly."""
    y = LN2_4 / halflife_s / 2.0
    j0 = v - goal
    j1 = a + j0 * y
    decay = np.exp(-y * dt_s)
    position = decay * (-j1 / (y * y) + (-j0 - j1 * dt_s) / y) + j1 / (y * y) + j0 / y
    return (
        position + goal * dt_s + x,
        decay * (j0 + j1 * dt_s) + goal,
        decay * (a - j1 * y * dt_s),
    )


def gather(intents: Sequence[Intent]) -> tuple[Array, Array, Array, Array]:
    """Travel (N, 2), facing (N, 2), run (N,) and strafe (N,) of a list of intents."""
    count = len(intents)
    travel, facing = np.zeros((count, 2)), np.zeros((count, 2))
    run, strafe = np.zeros(count, bool), np.zeros(count, bool)
    for i, intent in enumerate(intents):
        travel[i], facing[i] = intent.travel, intent.facing
        run[i], strafe[i] = "run" in intent.buttons, "strafe" in intent.buttons
    # A broken device must not reach the springs, which would never forget it.
    travel[~np.isfinite(travel)] = 0.0
    facing[~np.isfinite(facing)] = 0.0
    return travel, facing, run, strafe


class Controller:
    """Springs for `count` bodies. Arrays are (count, ...), in world axes, float64.

    position (N, 2) x, z   velocity (N, 2)   yaw_rad (N,)   yaw_rate (N,)
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.position: Array = np.zeros((count, 2))
        self.velocity: Array = np.zeros((count, 2))
        self.acceleration: Array = np.zeros((count, 2))
        self.yaw_rad: Array = np.zeros(count)
        self.yaw_rate: Array = np.zeros(count)
        self.wished_velocity: Array = np.zeros((count, 2))
        self.wished_yaw_rad: Array = np.zeros(count)

    def reset(self, i: int | slice, position: Array | None = None, yaw_rad: float = 0.0) -> None:
        """Puts body i at rest."""
        self.position[i] = 0.0 if position is None else position
        for array in (self.velocity, self.acceleration, self.yaw_rate, self.wished_velocity):
            array[i] = 0.0
        self.yaw_rad[i] = self.wished_yaw_rad[i] = yaw_rad

    def halt(self, who: np.ndarray, position: Array, yaw_rad: Array) -> None:
        """Rests bodies `who` (N,) bool where they are: positions (N, 2), yaws (N,)."""
        self.position[who], self.yaw_rad[who] = position[who], yaw_rad[who]
        self.wished_yaw_rad[who] = yaw_rad[who]
        for array in (self.velocity, self.acceleration, self.yaw_rate, self.wished_velocity):
            array[who] = 0.0

    def wish(self, travel: Array, facing: Array, run: Array, strafe: Array) -> None:
        """Sets wished velocity and facing from sticks (N, 2) and buttons (N,).

        Without strafe the body faces the way it travels; with it, the right stick or the facing it
        had. A right stick alone turns the body on the spot.
        """
        amount = np.sqrt((travel * travel).sum(-1))
        look = np.sqrt((facing * facing).sum(-1)) > 0.3
        moving = amount > DEAD_TRAVEL
        heading = np.arctan2(travel[:, 0], travel[:, 1])
        aimed = np.arctan2(facing[:, 0], facing[:, 1])
        held = strafe | look
        target = np.where(look, aimed, self.wished_yaw_rad)
        target = np.where(moving & ~held, heading, target)
        self.wished_yaw_rad = wrap(target)
        # Sideways and backward people are slower: an ellipse in the wished facing's frame.
        offset = np.where(held, wrap(heading - self.wished_yaw_rad), 0.0)
        ahead, side = np.cos(offset), np.sin(offset)
        forward = np.where(ahead > 0.0, np.where(run, RUN_MPS, WALK_MPS), STRAFE_BACK_MPS)
        forward = np.where(held & (np.abs(side) > 0.5), np.minimum(forward, WALK_MPS), forward)
        full = 1.0 / np.sqrt((ahead / forward) ** 2 + (side / STRAFE_SIDE_MPS) ** 2)
        unit = travel / np.maximum(amount, 1e-6)[:, None]
        speed = np.where(moving, np.minimum(amount, 1.0) * full, 0.0)
        self.wished_velocity = unit * speed[:, None]

    def step(self, dt_s: float) -> None:
        """Moves every body's point on by dt_s."""
        self.position, self.velocity, self.acceleration = velocity_spring(
            self.position,
            self.velocity,
            self.acceleration,
            self.wished_velocity,
            VELOCITY_HALFLIFE_S,
            dt_s,
        )
        goal = self.yaw_rad + wrap(self.wished_yaw_rad - self.yaw_rad)
        self.yaw_rad, self.yaw_rate = spring_step(
            self.yaw_rad, self.yaw_rate, goal, FACING_HALFLIFE_S, dt_s
        )

    def path(self, times_s: Array = SAMPLES_S) -> tuple[Array, Array]:
        """Positions (N, S, 2) and yaws (N, S) at times_s from now, if the wish stays as it is."""
        t = times_s[None, :, None]
        position, _, _ = velocity_spring(
            self.position[:, None],
            self.velocity[:, None],
            self.acceleration[:, None],
            self.wished_velocity[:, None],
            VELOCITY_HALFLIFE_S,
            t,
        )
        goal = self.yaw_rad + wrap(self.wished_yaw_rad - self.yaw_rad)
        yaw, _ = spring_step(
            self.yaw_rad[:, None],
            self.yaw_rate[:, None],
            goal[:, None],
            FACING_HALFLIFE_S,
            times_s[None],
        )
        return position, yaw


def local_path(position: Array, yaw: Array, root: Array, root_yaw: Array) -> Array:
    """(N, S*4) path samples x, z, facing x, facing z in the frame of a root (N, 2), yaw (N,)."""
    c, s = np.cos(root_yaw)[:, None], np.sin(root_yaw)[:, None]
    d = position - root[:, None]
    turned = yaw - root_yaw[:, None]
    out = np.empty((*yaw.shape, 4))
    out[..., 0] = c * d[..., 0] - s * d[..., 1]
    out[..., 1] = s * d[..., 0] + c * d[..., 1]
    out[..., 2], out[..., 3] = np.sin(turned), np.cos(turned)
    return out.reshape(len(root), -1)


def adjust(
    root: Array, yaw: Array, travel: Array, controller: Controller, dt_s: float
) -> tuple[Array, Array]:
    """Root (N, 2) and yaw (N,) drawn towards the controller's point, no faster than feet can hide.

    Holden's "Code vs Data Driven Displacement": a part of the speed that the motion has anyway.
    """
    pull = 1.0 - np.exp(-0.693147 * dt_s / ADJUST_HALFLIFE_S)
    speed = np.sqrt((travel[:, :2] ** 2).sum(-1))
    gap = (controller.position - root) * pull
    length = np.sqrt((gap * gap).sum(-1))
    cap = (0.1 + 0.4 * speed) * dt_s
    gap *= np.minimum(1.0, cap / np.maximum(length, 1e-9))[:, None]
    turn = wrap(controller.yaw_rad - yaw) * pull
    cap = (0.35 + 0.6 * np.abs(travel[:, 2]) + 0.5 * speed) * dt_s
    return root + gap, yaw + np.minimum(np.maximum(turn, -cap), cap)
