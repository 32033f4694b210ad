"""Steps of everybody on a stage, foretold by a network so that a sound can be on time.

One network call a tick for all feet. What comes out are events: `step` some hundredths of a second
before the foot is down, `scuff` while a foot that stands slides, `lift` when it leaves the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from understudy.runtime.core import networks
from understudy.runtime.core.event import FLOOR, LIFT, SCUFF, STEP, Event
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.pose import State, Subject
from understudy.runtime.core.rotation import Array

from .features import FEATURES, MEMORY, PIECES, features, lowest
from .feet import Points, feet
from .foretelling import Foretelling

WEIGHTS = networks.WEIGHTS / "footsteps.onnx"
# How long before a touchdown it is told, by default: what sound needs on an ordinary machine.
LEAD_S = 0.05
# A foot that has stood for so long, is at the floor and goes faster than this along it scuffs; told
# so often.
STOOD_S, AT_FLOOR_M, SCUFF_MPS, SCUFF_EVERY_S = 0.1, 0.02, 0.35, 0.1
# A body that jumps further in a tick begins anew.
JUMP_M = 0.6
# How far the fall of a foot is remembered: the network tells it before the foot is down.
FALL_S = 0.1
STANDS = 0.5


class Surface(NamedTuple):
    """What soles and floor are made of."""

    sole: str = "rubber"
    floor: str = "wood"


USUAL = Surface()


@dataclass(slots=True)
class _Body:
    """Hips (3,), heels and balls (2, 3), their speeds, how low they were; rows: its feet."""

    rows: slice
    points: Points | None = None
    speeds: Points | None = None
    low: Array | None = None


class Footsteps:
    """Hears where everybody's feet are, tick by tick."""

    def __init__(
        self,
        lead_s: float = LEAD_S,
        surface: Surface = USUAL,
        floor: Floor | None = None,
        weights: Path = WEIGHTS,
        provider: str = "cpu",
    ) -> None:
        """lead_s: how long before a touchdown it is told."""
        self.lead_s, self.surface, self._floor = lead_s, surface, floor
        self._network = networks.open_network(weights, provider, kind="footsteps")
        self.provider_name = self._network.provider_name
        self._bodies: dict[str, _Body] = {}
        self._room(4)

    def _room(self, bodies: int) -> None:
        """Memory for so many, of whom nothing is known; those who are there begin anew."""
        count = 2 * bodies
        self._seen = np.zeros((count, FEATURES), np.float32)
        self._memory = np.zeros((count, MEMORY), np.float32)
        self._after = np.zeros_like(self._memory)
        self._chances = np.zeros((count, PIECES + 1), np.float32)
        self._standing = np.zeros((count, 1), np.float32)
        self._run = self._network.bind(
            {"seen": self._seen, "memory": self._memory},
            {
                "chances": self._chances,
                "standing": self._standing,
                "next_memory": self._after,
            },
        )
        self._foretelling = Foretelling(count, self.lead_s)
        self._since_s = np.full(count, np.inf)  # from when on it stands
        self._fall = np.zeros(count)  # how fast each fell of late
        self._falls, self._slips = np.zeros(count), np.zeros(count)
        self._at_floor = np.zeros(count, bool)
        self._scuffed_s = np.full(count, -1.0)
        self._free = [slice(2 * k, 2 * k + 2) for k in reversed(range(bodies))]
        self._bodies.clear()

    def step(self, subjects: Sequence[Subject], now_s: float, dt_s: float) -> list[Event]:
        """What feet do at this tick. now_s is on the clock of the events' time_ns."""
        awake = [s for s in subjects if s.state is not State.LOST and feet(s.skeleton) is not None]
        self._seat([subject.name for subject in awake])
        if not awake:
            return []
        for group in _alike(awake):
            self._look(group, max(dt_s, 1e-4))
        self._run()
        self._memory[:] = self._after
        due_s = self._foretelling.step(self._chances, self._standing[:, 0], now_s, dt_s)
        self._fall *= np.exp(-dt_s / FALL_S)
        # Of most feet there is nothing to tell at a tick.
        stands = self._standing[:, 0] > STANDS
        told = np.isfinite(due_s)
        self._fall = np.maximum(self._fall, self._falls)
        lifts = ~stands & np.isfinite(self._since_s)
        scuffs = stands & (now_s - self._since_s > STOOD_S) & (self._slips > SCUFF_MPS)
        scuffs &= self._at_floor & (now_s - self._scuffed_s > SCUFF_EVERY_S) & ~told
        self._scuffed_s[scuffs] = now_s
        self._since_s = np.where(stands, np.minimum(self._since_s, now_s), np.inf)
        if not (told | scuffs | lifts).any():
            return []
        out = []
        for subject in awake:
            rows = self._bodies[subject.name].rows
            for side, row in enumerate(range(rows.start, rows.stop)):
                kind = STEP if told[row] else SCUFF if scuffs[row] else LIFT if lifts[row] else ""
                if kind:
                    at_s = float(due_s[row]) if told[row] else now_s
                    out.append(self._event(subject, side, kind, at_s, now_s))
        return out

    def _seat(self, names: Sequence[str]) -> None:
        """Whoever comes has rows, and whoever left has none."""
        for name in self._bodies.keys() - set(names):
            self._free.append(self._bodies.pop(name).rows)
        if len(names) > len(self._bodies) + len(self._free):
            self._room(2 * len(names))
        for name in names:
            if name not in self._bodies:
                rows = self._free.pop()
                self._bodies[name] = _Body(rows)
                self._memory[rows] = 0.0
                self._fall[rows], self._since_s[rows] = 0.0, np.inf
                self._foretelling.forget(rows)

    def _look(self, group: Sequence[Subject], dt_s: float) -> None:
        """What the network sees of bodies on one skeleton."""
        build = feet(group[0].skeleton)
        assert build is not None
        points = build.points(
            np.stack([subject.pose.positions for subject in group]),
            np.stack([subject.pose.rotations for subject in group]),
        )
        points = build.over(points, self._floor)
        bodies = [self._bodies[subject.name] for subject in group]
        before = [
            np.stack(
                [body.points[k] if body.points is not None else p for body, p in zip(bodies, now)]
            )
            for k, now in enumerate(points)
        ]
        leaps = np.abs(points[0] - before[0]).max(-1) > JUMP_M
        speeds = [(now - was) / dt_s for now, was in zip(points, before)]
        for one in speeds:
            one[leaps] = 0.0
        low = np.stack([np.full((2, 2), np.inf) if b.low is None else b.low for b in bodies])
        low[leaps] = np.inf
        low = lowest(low, points[1], points[2], dt_s)
        rates = speeds[0], speeds[1], speeds[2]
        told = features(*points, rates, low, np.full(len(group), dt_s))
        # The lower of heel and ball: how fast it falls and slides, and whether it is at the floor.
        heights = np.stack([points[1][..., 1], points[2][..., 1]], -1)
        lower = heights.argmin(-1)[..., None]
        rate = np.where(lower == 1, speeds[2], speeds[1])
        lowest_m = np.take_along_axis(heights, lower, -1)[..., 0]
        slips = np.hypot(rate[..., 0], rate[..., 2])
        at_floor = lowest_m < low.max(-1) + AT_FLOOR_M
        for i, body in enumerate(bodies):
            self._seen[body.rows] = told[i]
            self._falls[body.rows], self._slips[body.rows] = -rate[i, :, 1], slips[i]
            self._at_floor[body.rows] = at_floor[i]
            if leaps[i]:
                self._memory[body.rows] = 0.0
            body.low = low[i]
            body.points = points[0][i], points[1][i], points[2][i]
            body.speeds = speeds[0][i], speeds[1][i], speeds[2][i]

    def _event(
        self, subject: Subject, side: int, kind: str, at_s: float, now_s: float
    ) -> Event:  # fmt: skip
        """What one foot does."""
        body, build = self._bodies[subject.name], feet(subject.skeleton)
        assert build is not None and body.points is not None and body.speeds is not None
        row = body.rows.start + side
        left_s = max(at_s - now_s, 0.0)
        # What will be lower then comes down: the heel of who walks, the ball of who runs.
        heel, ball = (
            float(body.points[k][side, 1] + body.speeds[k][side, 1] * left_s) for k in (1, 2)
        )
        on_toe = ball < heel
        low, speed = body.points[1 + on_toe][side], body.speeds[1 + on_toe][side]
        # A foot that swings stops where it stands.
        x, _, z = (low + 0.5 * left_s * speed) / build.scale
        y = float(self._floor.heights(x, z)) if self._floor is not None else 0.0
        return Event(
            kind,
            subject.name,
            build.parts[side][int(on_toe)],
            FLOOR,
            material=self.surface.sole,
            on_material=self.surface.floor,
            position=(float(x), y, float(z)),
            speed_mps=float(self._fall[row]) / build.scale,
            slip_mps=float(self._slips[row]) / build.scale,
            time_ns=round(at_s * 1e9),
        )

    def close(self) -> None:
        self._network.close()

    def __enter__(self) -> Footsteps:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _alike(subjects: Sequence[Subject]) -> list[list[Subject]]:
    """Subjects by their skeletons, for which feet are found in one go."""
    groups: dict[int, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(subject.skeleton.id, []).append(subject)
    return list(groups.values())
