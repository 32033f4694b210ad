"""Blends: when a joint's motion is handed from one source to another, the difference fades away.

What is shown is the new motion plus an offset that begins with the difference of the two, of place
and of speed, and ends after a set time, exactly: a polynomial of the fifth degree whose place,
speed and acceleration are nothing at its end (Flash and Hogan 1985; Bollo, "Inertialization", GDC
2018). A further blend under way is added to what is left of the offset, acceleration kept.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

# Times of a hand-over: as long as its push stays gentle, within these.
SHORTEST_S, LONGEST_S = 0.06, 0.5
# But that of a place, a root's, goes no faster than this on its way.
GLIDES_MPS, PEAK, GLIDES_S = 1.2, 1.875, 1.2
GENTLE_MPS2, BRISK_MPS2 = 4.0, 25.0
PUSH_MPS, BRAKE_S = 8.0, 0.12
# Speeds may differ by what a joint's speed changes by itself at any time; to carry that over would
# lead away from the new motion before it leads back.
EASY_MPS = 0.3
# Places that differ by no more than this are as good as one.
SMALL_M = 0.002
GONE_MPS = 0.1
# How far a turn of a joint takes what hangs on it.
ARM_M = 0.4


def durations_s(place_m: Array, speed_mps: Array, push_mps2: float) -> Array:
    """How long hand-overs over some metres and metres a second take."""
    need = np.sqrt(5.8 * place_m / push_mps2) + np.minimum(speed_mps / PUSH_MPS, BRAKE_S)
    return np.clip(need, SHORTEST_S, LONGEST_S)


class FadingOffset:
    """Offsets (rows, width), each row a polynomial of time until its own end; zero from there."""

    def __init__(self, rows: int, width: int) -> None:
        self._terms = np.zeros((6, rows, width))
        self._from_s = np.zeros(rows)
        self.end_s = np.full(rows, -np.inf)

    def at(self, rows: np.ndarray, time_s: Array | float) -> tuple[Array, Array, Array]:
        """Offset, its speed and acceleration, each (n, width), of rows (n,) at times (n,)."""
        s = (time_s - self._from_s[rows])[:, None]
        c0, c1, c2, c3, c4, c5 = self._terms[:, rows]
        on = (time_s < self.end_s[rows])[:, None]
        x = c0 + s * (c1 + s * (c2 + s * (c3 + s * (c4 + s * c5))))
        v = c1 + s * (2 * c2 + s * (3 * c3 + s * (4 * c4 + s * 5 * c5)))
        a = 2 * c2 + s * (6 * c3 + s * (12 * c4 + s * 20 * c5))
        return np.where(on, x, 0.0), np.where(on, v, 0.0), np.where(on, a, 0.0)

    def place(self, rows: np.ndarray, time_s: Array | float) -> Array:
        """Offset (n, width) of rows (n,) at times (n,)."""
        s = (time_s - self._from_s[rows])[:, None]
        c0, c1, c2, c3, c4, c5 = self._terms[:, rows]
        x = c0 + s * (c1 + s * (c2 + s * (c3 + s * (c4 + s * c5))))
        return np.where((time_s < self.end_s[rows])[:, None], x, 0.0)

    def plan(
        self,
        rows: np.ndarray,
        time_s: Array | float,
        x: Array,
        v: Array,
        a: Array,
        end_s: Array | float,
    ) -> None:
        """Rows go from place x, speed v and acceleration a (n, width) now to nothing at end_s."""
        end = np.broadcast_to(end_s, (len(rows),))
        b = np.maximum(end - time_s, 1e-3)[:, None]
        self._terms[:, rows] = (
            x,
            v,
            0.5 * a,
            -(20 * x + 12 * v * b + 3 * a * b * b) / (2 * b**3),
            (30 * x + 16 * v * b + 3 * a * b * b) / (2 * b**4),
            -(12 * x + 6 * v * b + a * b * b) / (2 * b**5),
        )
        self._from_s[rows] = time_s
        self.end_s[rows] = end

    def take(self, rows: np.ndarray, other: FadingOffset) -> None:
        """Rows become those of another, in order."""
        self._terms[:, rows] = other._terms
        self._from_s[rows], self.end_s[rows] = other._from_s, other.end_s


def _metres(x: Array) -> Array:
    """(n,) about how far offsets (n, 6), or their speeds, are for what hangs on the joints."""
    place, turn = np.square(x[:, :3]).sum(-1), np.square(x[:, 3:]).sum(-1)
    return np.sqrt(place) + ARM_M * np.sqrt(turn)


def _excess(x: Array, free: float) -> Array:
    """(n,) the share of x (n,) that is over what is free."""
    return np.maximum(1.0 - free / np.maximum(x, 1e-12), 0.0)


class PoseBlend:
    """What is shown less what is aimed at, of every joint of `count` bodies."""

    def __init__(self, count: int, joints: int) -> None:
        self._count, self._joints = count, joints
        self._offset = FadingOffset(count * joints, 6)

    def reset(self, i: int, joints: int) -> None:
        """Body i begins anew, with so many joints."""
        if joints > self._joints:
            old, self._offset = self._offset, FadingOffset(self._count * joints, 6)
            kept = (np.arange(self._count)[:, None] * joints + np.arange(self._joints)).reshape(-1)
            self._offset.take(kept, old)
            self._joints = joints
        self._offset.end_s[i * self._joints : (i + 1) * self._joints] = -np.inf

    def under_way(self, time_s: Array) -> np.ndarray:
        """(count, joints) bool, joints whose offset is not gone at times (count,)."""
        return np.asarray(self._offset.end_s.reshape(self._count, -1) > time_s[:, None])

    def fading(self, i: int, time_s: float) -> np.ndarray:
        """(joints,) bool, the same of body i."""
        return np.asarray(self._offset.end_s.reshape(self._count, -1)[i] > time_s)

    def jump(
        self,
        i: int,
        joints: np.ndarray,
        time_s: float,
        dt_s: float,
        old: tuple[tuple[Array, Array], tuple[Array, Array]],
        new: tuple[tuple[Array, Array], tuple[Array, Array]],
        push_mps2: float = GENTLE_MPS2,
        free_m: float = SMALL_M,
    ) -> None:
        """Joints (n,) of body i aim at new instead of old; each is two poses, of time_s and of

        dt_s before. They are shown where they were, but for free_m, and go on at the same speed.
        """
        rows = i * self._joints + joints
        x, v, a = self._offset.at(rows, time_s)
        (p1, q1), (p0, q0) = ((p[joints], q[joints]) for p, q in old)
        (r1, s1), (r0, s0) = ((p[joints], q[joints]) for p, q in new)
        shift, shift_before = p1 - r1, p0 - r0
        turn_before = rotation.to_rotation_vector(quaternion.multiply(q0, quaternion.conjugate(s0)))
        turn = rotation.to_rotation_vector(quaternion.multiply(q1, quaternion.conjugate(s1)))
        shown = quaternion.multiply(rotation.from_rotation_vector(x[:, 3:]), q1)
        whole = rotation.to_rotation_vector(quaternion.multiply(shown, quaternion.conjugate(s1)))
        rate = np.concatenate([shift - shift_before, turn - turn_before], axis=-1) / dt_s
        x = np.concatenate([x[:, :3] + shift, whole], axis=-1)
        x *= _excess(_metres(x), free_m)[:, None]
        v = v + rate * _excess(_metres(rate), EASY_MPS)[:, None]
        lasts_s = durations_s(_metres(x), _metres(v), push_mps2)
        place_m = np.sqrt(np.square(x[:, :3]).sum(-1))
        glides_s = np.minimum(PEAK * place_m / GLIDES_MPS, GLIDES_S)
        ends = time_s + np.maximum(lasts_s, glides_s)
        ends = np.maximum(self._offset.end_s[rows], ends)
        gone = (_metres(x) == 0.0) & (_metres(v) < GONE_MPS)
        ends[gone] = time_s
        self._offset.plan(rows, time_s, x, v, a, ends)

    def apply(
        self,
        bodies: np.ndarray,
        blending: np.ndarray,
        time_s: Array,
        positions: Array,
        rotations: Array,
    ) -> None:
        """Adds the offsets of blending joints (n, J) to the poses of bodies (n,), in place.

        positions are (n, J, 3), rotations (n, J, 4), time_s (n,).
        """
        row, joint = np.nonzero(blending)
        x = self._offset.place(bodies[row] * self._joints + joint, time_s[row])
        positions[row, joint] += x[:, :3]
        turn = rotation.from_rotation_vector(x[:, 3:])
        rotations[row, joint] = quaternion.unit(quaternion.multiply(turn, rotations[row, joint]))
