"""Random pads: what people do with a gamepad, for the director and for endurance runs."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import STYLE_HALFLIFE_S, spring_step
from understudy.runtime.performer.control.layout import STYLES


class Pad:
    """Random intents for N bodies: what people do with a gamepad."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.rng, self.count = rng, count
        self.left = np.zeros(count)
        self.heading = rng.uniform(-np.pi, np.pi, count)
        self.look = self.heading.copy()
        self.amount = np.zeros(count)
        self.circling = np.zeros(count)
        self.look_turn = np.zeros(count)
        self.run = np.zeros(count, bool)
        self.strafe = np.zeros(count, bool)

    def step(self, dt_s: float) -> tuple[Array, Array, Array, Array]:
        """Travel (N, 2), facing (N, 2), run (N,), strafe (N,) of the next tick."""
        self.left -= dt_s
        for i in np.flatnonzero(self.left <= 0.0):
            self._change(int(i))
        self.heading += self.circling * dt_s
        self.look += self.look_turn * dt_s
        travel = np.stack([np.sin(self.heading), np.cos(self.heading)], -1) * self.amount[:, None]
        facing = np.stack([np.sin(self.look), np.cos(self.look)], -1) * self.strafe[:, None]
        return travel, facing, self.run, self.strafe

    def _change(self, i: int) -> None:
        rng = self.rng
        kind = rng.choice(5, p=[0.18, 0.28, 0.18, 0.28, 0.08])
        self.left[i] = rng.uniform(0.6, 3.5)
        old = self.heading[i] if not self.strafe[i] else self.look[i]
        turn = rng.choice(4, p=[0.3, 0.4, 0.15, 0.15])
        self.heading[i] = (
            old
            + (
                0.0,
                rng.uniform(-np.pi / 2, np.pi / 2),
                np.pi + rng.uniform(-0.3, 0.3),
                rng.uniform(-np.pi, np.pi),
            )[turn]
        )
        if kind == 3:
            # With strafe held people push the stick along its axes, or anywhere.
            way = rng.choice([0.0, np.pi / 2, -np.pi / 2, np.pi, rng.uniform(-np.pi, np.pi)])
            self.heading[i] = old + way
        self.look[i] = old
        full = rng.random() < 0.35
        self.amount[i] = 0.0 if kind in (0, 4) else 1.0 if full else rng.uniform(0.2, 1.0)
        if kind == 2 and not full:
            self.amount[i] = rng.uniform(0.6, 1.0)
        self.circling[i] = rng.uniform(-1.8, 1.8) if rng.random() < 0.3 else 0.0
        self.look_turn[i] = rng.uniform(-1.0, 1.0) if kind == 3 and rng.random() < 0.3 else 0.0
        self.run[i] = kind == 2
        self.strafe[i] = kind in (3, 4)
        if kind == 4:
            self.look[i] = old + rng.uniform(-np.pi, np.pi)


class Sliders:
    """Random styles for N bodies: half of the time neutral, else anywhere, changed now and then."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.left = np.zeros(count)
        self.goal = np.zeros((count, len(STYLES)))
        self.now: Array = np.zeros((count, len(STYLES)))
        self.rate: Array = np.zeros((count, len(STYLES)))

    def step(self, dt_s: float) -> Array:
        """Styles (N, 2) of the next tick, sprung as at run time."""
        self.left -= dt_s
        for i in np.flatnonzero(self.left <= 0.0):
            self.left[i] = self.rng.uniform(2.0, 8.0)
            ends = self.rng.choice([-1.0, 1.0, self.rng.uniform(-1.0, 1.0)], len(STYLES))
            self.goal[i] = ends * (self.rng.random(len(STYLES)) < 0.5)
        self.now, self.rate = spring_step(self.now, self.rate, self.goal, STYLE_HALFLIFE_S, dt_s)
        return self.now
