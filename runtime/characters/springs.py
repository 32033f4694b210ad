"""Spring bones in motion: verlet integration by VRM's own rules (VRMC_springBone 1.0, "Algorithm").

A bone's end keeps its way, is drawn back to where it rests and down by gravity, keeps its length,
and is pushed out of colliders. Joints of one depth are solved at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .character import Character

STEP_S = 1 / 60
MOST_STEPS = 3  # a slower picture does not swing further
JUMP_S, JUMP_M = 0.5, 1.0  # a rest or a leap after which bones hang still


class _Level(NamedTuple):
    """Joints of one depth, and which of them are springs; spring: the springs' rows."""

    joints: np.ndarray
    swinging: np.ndarray
    spring: np.ndarray


class Springs:
    """What swings on one character, for any number of subjects; each has a `State`."""

    def __init__(self, character: Character) -> None:
        springs, skeleton = character.springs, character.skeleton
        self._skeleton = skeleton
        self.count = len(springs)
        if not self.count:
            return
        self._joint = np.array([s.joint for s in springs])
        tail = np.array([s.tail for s in springs])
        length = np.linalg.norm(tail, axis=1)
        self._length = np.maximum(length, 1e-4)
        self._axis = np.where(length[:, None] > 1e-4, tail / self._length[:, None], [0.0, 1.0, 0.0])
        self._stiff = np.array([s.stiffness for s in springs])[:, None]
        self._keep = 1.0 - np.array([s.drag for s in springs])[:, None]
        self._pull = np.array([s.gravity for s in springs])
        self._radius = np.array([s.radius_m for s in springs])
        self._colliders = character.colliders
        self._hits = np.zeros((self.count, len(character.colliders)), bool)
        for k, spring in enumerate(springs):
            self._hits[k, list(spring.colliders)] = True
        self._levels = self._order()

    def _order(self) -> list[_Level]:
        """All joints that move with a spring, by depth."""
        parents = self._skeleton.parents
        moved = np.zeros(len(parents), bool)
        moved[self._joint] = True
        for j in range(1, len(parents)):
            moved[j] |= moved[parents[j]]
        row = np.full(len(parents), -1)
        row[self._joint] = np.arange(self.count)
        out = []
        for level in self._skeleton.depths:
            mine = level[moved[level]]
            if len(mine):
                swinging = row[mine] >= 0
                out.append(_Level(mine, swinging, row[mine[swinging]]))
        return out

    def swing(
        self, state: State, world_p: Array, world_r: Array, time_s: float
    ) -> tuple[Array, Array]:
        """World positions (J, 3) and rotations (J, 4) with the springs as they are at a time."""
        if not self.count:
            return world_p, world_r
        local = self._skeleton.locals(world_p, world_r)
        dt_s = time_s - state.time_s
        root = world_p[0]
        if state.tail is None or not 0.0 <= dt_s <= JUMP_S or (
            np.linalg.norm(root - state.root) > JUMP_M
        ):  # fmt: skip
            state.tail = state.before = world_p[self._joint] + self._length[:, None] * (
                rotation.rotate(world_r[self._joint], self._axis)
            )
            state.left_s, dt_s = 0.0, 0.0
        state.time_s, state.root = time_s, root.copy()
        state.left_s += dt_s
        steps = min(int(state.left_s / STEP_S + 1e-6), MOST_STEPS)
        state.left_s = min(state.left_s - steps * STEP_S, STEP_S)
        balls = self._balls(world_p, world_r)
        out_p, out_r = world_p.copy(), world_r.copy()
        for _ in range(max(steps, 1)):
            self._step(state, local, balls, out_p, out_r, STEP_S if steps else 0.0)
        return out_p, out_r

    def _balls(self, world_p: Array, world_r: Array) -> list[tuple[Array, Array, float]]:
        """Where colliders are: begin (3,), end (3,) and radius."""
        out = []
        for one in self._colliders:
            turn, at = world_r[one.joint], world_p[one.joint]
            begin = at + rotation.rotate(turn, np.array(one.at))
            end = begin if one.tail is None else at + rotation.rotate(turn, np.array(one.tail))
            out.append((begin, end, one.radius_m))
        return out

    def _step(
        self, state: State, local: tuple[Array, Array], balls: list[tuple[Array, Array, float]],
        out_p: Array, out_r: Array, dt_s: float,
    ) -> None:  # fmt: skip
        """One step into out_p (J, 3) and out_r (J, 4); with dt_s 0 bones only keep their ends."""
        assert state.tail is not None and state.before is not None
        tail = state.tail.copy()
        for joints, swinging, spring in self._levels:
            parent = self._skeleton.parents[joints]
            out_p[joints] = out_p[parent] + rotation.rotate(out_r[parent], local[0][joints])
            rest = rotation.multiply(out_r[parent], local[1][joints])
            out_r[joints] = rest
            if not len(spring):
                continue
            at, hang, length = out_p[joints[swinging]], rest[swinging], self._length[spring, None]
            axis = rotation.rotate(hang, self._axis[spring])
            to = tail[spring]
            if dt_s:
                to = to + (to - state.before[spring]) * self._keep[spring]
                to = to + dt_s * (self._stiff[spring] * axis + self._pull[spring])
            to = at + length * rotation.normalize(to - at)
            for k, (begin, end, radius_m) in enumerate(balls):
                if self._hits[spring, k].any():
                    to = self._pushed(to, at, length, spring, k, begin, end, radius_m)
            tail[spring] = to
            turn = rotation.between(axis, rotation.normalize(to - at))
            out_r[joints[swinging]] = rotation.multiply(turn, hang)
        if dt_s:
            state.before, state.tail = state.tail, tail

    def _pushed(
        self, to: Array, at: Array, length: Array, spring: np.ndarray, k: int,
        begin: Array, end: Array, radius_m: float,
    ) -> Array:  # fmt: skip
        """Ends (S, 3) out of a collider, their bones as long as before."""
        along = end - begin
        size = float(along @ along)
        t = np.clip((to - begin) @ along / size, 0.0, 1.0)[:, None] if size > 1e-12 else 0.0
        away = to - (begin + t * along)
        gap = np.linalg.norm(away, axis=1)
        reach = radius_m + self._radius[spring]
        inside = self._hits[spring, k] & (gap < reach) & (gap > 1e-9)
        if not inside.any():
            return to
        out = to + away / np.maximum(gap, 1e-9)[:, None] * (reach - gap)[:, None]
        out = at + length * rotation.normalize(out - at)
        return np.where(inside[:, None], out, to)


class State:
    """How one subject's springs swing now."""

    def __init__(self) -> None:
        self.tail: Array | None = None
        self.before: Array | None = None
        self.root: Array = np.zeros(3)
        self.time_s = self.left_s = 0.0
