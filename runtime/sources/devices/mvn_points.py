"""A body out of MVN's points: segments that hang together, each laid where its points are.

Points are what markers on a body would show. MVN says of the T-pose where each lies on its segment;
many segments have one alone, so no segment can be placed by itself. All are turned together until
their points lie where they came (Gauss-Newton over the turns of all segments and the place of the
pelvis). What no point tells, such as the turn of a bone about a single one, stays as the segment
above has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from understudy.bridge.protocols import axes, mvn
from understudy.bridge.protocols.mvn_scale import Point
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

# So many steps at most, until one moves no point further: what is left goes by its square.
# A frame begins where the last ended.
STEPS, ENOUGH_M, FIRST_STEPS = 5, 3e-4, 30
# By how much less a turn away from the segment above counts than a point, in metres a radian: at
# least this, and by so much more as points are off where a stiff body has them.
STAYS_M, STAYS_MORE = 1e-4, 6.0
SMOOTH = 0.1  # share of a frame in how far off they are
FEWEST = 8
NONE = rotation.identity()


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
        self._origins = np.zeros((count, count, 3))
        for n in range(count):
            segment = n
            while (up := above[segment]) >= 0:
                self._origins[n, up] = tpose[self.names[segment]] - tpose[self.names[up]]
                segment = up
        pairs = np.array([(n, up) for n, up in enumerate(above) if up >= 0]).reshape(-1, 2)
        self._one, self._up = pairs.T
        # (pairs, S): by how much further each turns than the one above it.
        self._further = np.eye(count)[self._one] - np.eye(count)[self._up]
        self._stays = np.kron(self._further.T @ self._further, np.eye(3))
        self._off_m = self._stepped_m = 0.0  # of points in the mean, of the frame's last step
        self._turns = rotation.identity(count)
        self._at: Array = np.zeros(3)
        self._laid = False

    def known(self, numbers: Array) -> int:
        """How many of these points are on a segment that is known."""
        return sum(int(number) in self._row for number in numbers)

    def body(self, numbers: Array, places: Array) -> mvn.Body | None:
        """The pose in which points of these numbers are at places (N, 3), in our axes and metres.

        None where too few are known. Segments without any point near them are seen too: they hang
        between others, or as the one above them does.
        """
        there = [(self._row[int(n)], i) for i, n in enumerate(numbers) if int(n) in self._row]
        if len(there) < FEWEST:
            return None
        rows, came = np.array(there).T
        ways, wanted = self._ways[rows], places[came]
        if not self._laid:
            self._turns, self._at = _standing(ways, wanted)
            self._laid = True
            self._settle(ways, wanted, FIRST_STEPS)
            self._off_m = self._stepped_m
        self._settle(ways, wanted, STEPS)
        self._off_m += SMOOTH * (self._stepped_m - self._off_m)
        turned = rotation.rotate(self._turns[None], self._origins).sum(axis=1)
        seen = np.ones(len(self.names), bool)
        return mvn.Body(self.names, self._at + turned, self._turns.copy(), seen)

    def _settle(self, ways: Array, wanted: Array, steps: int) -> None:
        for _ in range(steps):
            if self._step(ways, wanted) < ENOUGH_M:
                return

    def _step(self, ways: Array, wanted: Array) -> float:
        """One step; how far the point moves that moves furthest, in metres."""
        count, points = len(self.names), len(ways)
        turned = np.einsum("sij,psj->psi", rotation.to_matrix(self._turns), ways)
        off = wanted - self._at - turned.sum(axis=1)
        self._stepped_m = float(np.sqrt((off**2).mean()))
        stays = max(STAYS_M, STAYS_MORE * self._off_m) ** 2
        # A point moves by w x v, where v is what a segment adds and w by how much that turns.
        moves = np.zeros((points, 3, count, 3))
        x, y, z = turned[..., 0], turned[..., 1], turned[..., 2]
        moves[:, 0, :, 1], moves[:, 0, :, 2] = z, -y
        moves[:, 1, :, 0], moves[:, 1, :, 2] = -z, x
        moves[:, 2, :, 0], moves[:, 2, :, 1] = y, -x
        size = 3 * count
        whole = np.zeros((3 * points, size + 3))
        whole[:, :size] = moves.reshape(3 * points, size)
        whole[:, size:] = np.tile(np.eye(3), (points, 1))
        normal, right = whole.T @ whole, whole.T @ off.reshape(-1)
        # Each stays as the one above it.
        undone = rotation.conjugate(self._turns[self._one])
        away = rotation.to_rotation_vector(rotation.multiply(self._turns[self._up], undone))
        normal[:size, :size] += stays * self._stays
        right[:size] += stays * (self._further.T @ away).reshape(-1)
        step = np.linalg.solve(normal + 1e-12 * np.eye(size + 3), right)
        turns = step[:size].reshape(count, 3)
        longest = float(np.abs(turns).max())
        if longest > 0.7:  # a linear step beyond this is none
            step, turns = step * (0.7 / longest), turns * (0.7 / longest)
        self._turns = rotation.normalize(
            rotation.multiply(rotation.from_rotation_vector(turns), self._turns)
        )
        self._at = self._at + step[size:]
        return float(np.abs(whole @ step).max())


def _standing(ways: Array, wanted: Array) -> tuple[Array, Array]:
    """Turns (S, 4) and the pelvis' place (3,) of the T-pose laid over the points (Kabsch)."""
    rest = ways.sum(axis=1)
    middle, there = rest.mean(axis=0), wanted.mean(axis=0)
    u, _, v = np.linalg.svd((rest - middle).T @ (wanted - there))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(v.T @ u.T))])
    turn = rotation.from_matrix(v.T @ flip @ u.T)
    turns = np.tile(turn, (ways.shape[1], 1))
    return turns, there - rotation.rotate(turn, middle)
