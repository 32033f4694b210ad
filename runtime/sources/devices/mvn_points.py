"""A body out of MVN's points: segments that hang together, each laid where its points are.

Points are what markers on a body would show. MVN says of the T-pose where each lies on its segment;
many segments have one alone, so no segment can be placed by itself. All are turned together until
their points lie where they came (Gauss-Newton over the turns of all segments and the place of the
pelvis). What no point tells, such as the turn of a bone about a single one, stays as the segment
above has it.

A frame begins where the last two lead, so that a step or two are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from understudy.bridge.protocols import axes, mvn
from understudy.bridge.protocols.mvn_scale import Point
from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

# So many steps at most, until one moves no point further: what is left goes by its square.
STEPS, ENOUGH_M, FIRST_STEPS = 5, 1e-3, 30
# By how much less a turn away from the segment above counts than a point, in metres a radian: at
# least this, and by so much more as points are off where a stiff body has them.
STAYS_M, STAYS_MORE = 1e-4, 6.0
# So much is added where no point tells how a step would go.
LEAST = 1e-12
SMOOTH = 0.1  # share of a frame in how far off they are
FEWEST = 8
NONE = rotation.identity()
# A linear step beyond this many radians is none.
LONGEST_RAD = 0.7
# The cross product of a and b is the sum over j and k of _CROSS[i, j, k] a[j] b[k].
_CROSS = np.zeros((3, 3, 3))
_CROSS[(0, 1, 2), (1, 2, 0), (2, 0, 1)] = 1.0
_CROSS[(0, 1, 2), (2, 0, 1), (1, 2, 0)] = -1.0
_AXIAL = _CROSS.transpose(1, 2, 0).reshape(9, 3).copy()
_ASIDE = _CROSS.transpose(1, 0, 2).reshape(3, 9).copy()
_ONE = np.eye(3)


@dataclass(frozen=True)
class _Lying:
    """Points that come together: which of what comes, and what segments add to where they are.

    came (N,), ways (N, 3S), by_segment (S, N, 3)
    """

    came: np.ndarray
    ways: Array
    by_segment: Array


class PointsBody:
    """Which points lie on which segments, and the pose that was found last."""

    def __init__(
        self, tpose: Mapping[str, Array], points: Iterable[Point], unit: float, each: int = 256
    ) -> None:
        """tpose: places of segments in our axes; unit: metres in one of the points'.

        each: what the number of a segment is times in that of a point that comes, 256 or 100.
        """
        self.names = tuple(name for name in mvn.BODY if name in tpose)
        row = {name: n for n, name in enumerate(self.names)}
        above = [row.get(mvn.SEGMENTS[name], -1) for name in self.names]
        own = {
            each * p.segment + p.number: (
                row[name],
                unit * axes.from_z_up(np.array(p.place), NONE)[0],
            )
            for p in points
            if 1 <= p.segment <= len(mvn.BODY) and (name := mvn.BODY[p.segment - 1]) in row
        }
        self._row = {number: n for n, number in enumerate(own)}
        count = len(self.names)
        # What each segment adds to where a point is, in the segment's own axes.
        self._ways = np.zeros((len(own), count, 3))
        for n, (segment, place) in enumerate(own.values()):
            self._ways[n, segment] = place
            while (up := above[segment]) >= 0:
                self._ways[n, up] = tpose[self.names[segment]] - tpose[self.names[up]]
                segment = up
        # The same of the origins of segments.
        origins = np.zeros((count, count, 3))
        for n in range(count):
            segment = n
            while (up := above[segment]) >= 0:
                origins[n, up] = tpose[self.names[segment]] - tpose[self.names[up]]
                segment = up
        self._origins = origins.reshape(count, 3 * count)
        pairs = np.array([(n, up) for n, up in enumerate(above) if up >= 0]).reshape(-1, 2)
        self._one, self._up = pairs.T
        # (pairs, S): by how much further each turns than the one above it.
        self._further = np.eye(count)[self._one] - np.eye(count)[self._up]
        self._stays = self._further.T @ self._further
        self._off_m = self._stepped_m = 0.0  # of points in the mean, of the frame's last step
        self._turns = rotation.identity(count)
        self._matrices: Array = np.tile(np.eye(3), (count, 1))  # (3S, 3), each transposed
        self._at: Array = np.zeros(3)
        self._laid = False
        self._numbers = b""
        self._lying: _Lying | None = None
        self._before: tuple[Array, Array] = self._turns, self._at

    def known(self, numbers: Array) -> int:
        """How many of these points are on a segment that is known."""
        return sum(int(number) in self._row for number in numbers)

    def body(self, numbers: Array, places: Array) -> mvn.Body | None:
        """The pose in which points of these numbers are at places (N, 3), in our axes and metres.

        None where too few are known. Segments without any point near them are seen too: they hang
        between others, or as the one above them does.
        """
        if (lying := self._those(numbers)) is None:
            return None
        wanted = places.take(lying.came, axis=0)
        if not self._laid:
            turns, self._at = _standing(lying.by_segment.swapaxes(0, 1), wanted)
            self._turn(turns)
            self._laid = True
            self._settle(lying, wanted, FIRST_STEPS)
            self._off_m = self._stepped_m
            self._before = self._turns, self._at
        self._go_on()
        self._settle(lying, wanted, STEPS)
        self._off_m += SMOOTH * (self._stepped_m - self._off_m)
        seen = np.ones(len(self.names), bool)
        at = self._at + self._origins @ self._matrices
        return mvn.Body(self.names, at, self._turns.copy(), seen)

    def _those(self, numbers: Array) -> _Lying | None:
        """The points that are known of these numbers; None for too few."""
        said = numbers.tobytes()
        if said != self._numbers:
            there = [(self._row[int(n)], i) for i, n in enumerate(numbers) if int(n) in self._row]
            self._numbers, self._lying = said, None
            if len(there) >= FEWEST:
                rows, came = np.array(there).T
                ways = self._ways[rows]
                by_segment = np.ascontiguousarray(ways.swapaxes(0, 1))
                self._lying = _Lying(came, ways.reshape(len(ways), -1), by_segment)
        return self._lying

    def _turn(self, turns: Array) -> None:
        self._turns = turns
        self._matrices = quaternion.matrices(quaternion.conjugate(turns)).reshape(-1, 3)

    def _go_on(self) -> None:
        """Moves on as from the frame before the last to the last."""
        turns, at = self._before
        self._before = self._turns, self._at
        further = quaternion.multiply(self._turns, quaternion.conjugate(turns))
        self._turn(quaternion.multiply(further, self._turns))
        self._at = 2.0 * self._at - at

    def _settle(self, lying: _Lying, wanted: Array, steps: int) -> None:
        """Steps until points lie still."""
        stays = max(STAYS_M, STAYS_MORE * self._off_m) ** 2
        off = wanted - (self._at + lying.ways @ self._matrices)
        for _ in range(steps):
            self._stepped_m = float(np.sqrt(np.add.reduce(off * off, None) / off.size))
            self._step(lying, off, stays)
            before, off = off, wanted - (self._at + lying.ways @ self._matrices)
            if np.maximum.reduce(np.abs(off - before), None) < ENOUGH_M:
                return

    def _step(self, lying: _Lying, off: Array, stays: float) -> None:
        """One step that brings points nearer that are off (N, 3)."""
        count, points = len(self.names), len(off)
        size = 3 * count
        # What segments add to where points are, by axes and segments, how far they are off, and
        # ones: all sums over points that a step needs are products of these.
        factors = np.empty((points, size + 4))
        added = lying.by_segment @ self._matrices.reshape(count, 3, 3)
        factors[:, :size].reshape(points, 3, count)[...] = added.transpose(1, 2, 0)
        factors[:, size:-1] = off
        factors[:, -1] = 1.0
        sums = factors.T @ factors
        # A point moves by w x v, where v is what a segment adds and w by how much that turns:
        # (a x)^T (b x) = (a . b) 1 - b a^T, of every two segments.
        four = sums[:size, :size].reshape(3, count, 3, count)
        normal = np.empty((size + 3, size + 3))
        turning = normal[:size, :size].reshape(3, count, 3, count)
        np.negative(four.transpose(2, 1, 0, 3), turning)
        alike = four[0, :, 0] + four[1, :, 1] + four[2, :, 2] + stays * self._stays
        for axis in range(3):
            turning[axis, :, axis] += alike
        aside = _by_axes(sums[:size, -1].reshape(3, count).T @ _ASIDE).reshape(size, 3)
        normal[:size, size:], normal[size:, :size] = aside, aside.T
        normal[size:, size:] = points * _ONE
        normal.reshape(-1)[:: size + 4] += LEAST
        pulls = sums[:size, size:-1].reshape(3, count, 3).swapaxes(0, 1).reshape(count, 9)
        # Each stays as the one above it.
        undone = quaternion.conjugate(self._turns.take(self._one, axis=0))
        away = quaternion.multiply(self._turns.take(self._up, axis=0), undone)
        away = np.copysign(2.0 * stays, away[:, 3:]) * away[:, :3]
        right = np.concatenate([
            (pulls @ _AXIAL + self._further.T @ away).T.reshape(-1), sums[size:-1, -1]
        ])  # fmt: skip
        step = np.linalg.solve(normal, right)
        turn = np.empty((count, 4))
        turn[:, :3] = 0.5 * step[:size].reshape(3, count).T
        turn[:, 3] = 1.0
        longest = float(np.maximum.reduce(np.abs(step[:size])))
        if longest > LONGEST_RAD:
            turn[:, :3] *= LONGEST_RAD / longest
        self._turn(quaternion.unit(quaternion.multiply(turn, self._turns)))
        self._at = self._at + step[size:]


def _by_axes(rows: Array) -> Array:
    """(3, S, 3) of (S, 9)."""
    return rows.reshape(-1, 3, 3).swapaxes(0, 1)


def _standing(ways: Array, wanted: Array) -> tuple[Array, Array]:
    """Turns (S, 4) and the pelvis' place (3,) of the T-pose laid over the points (Kabsch)."""
    rest = ways.sum(axis=1)
    middle, there = rest.mean(axis=0), wanted.mean(axis=0)
    u, _, v = np.linalg.svd((rest - middle).T @ (wanted - there))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(v.T @ u.T))])
    turn = rotation.from_matrix(v.T @ flip @ u.T)
    turns = np.tile(turn, (ways.shape[1], 1))
    return turns, there - rotation.rotate(turn, middle)
