"""Offline: recorded motion sent through `Takeover` as if it were live, with losses.

Each frame of a clip becomes a packet at its own time, less the joints that are lost, with the delay
of its way; the stage ticks once a frame. Nothing of a frame is known before it has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array

from .takeover import Takeover


@dataclass(slots=True)
class OfflineInput:
    """What one subject's mocap does: positions (T, J, 3), rotations (T, J, 4), local.

    seen (T, J) bool; delays_s (T,) from capture to arrival.
    """

    positions: Array
    rotations: Array
    seen: np.ndarray
    delays_s: Array | None = None


@dataclass(slots=True)
class OfflineOutput:
    """What went out: arrays over the frames, each with the tick at which it was shown."""

    positions: Array
    rotations: Array
    states: np.ndarray
    uncertainty_m: Array
    reasons: list[str] = field(default_factory=list)

    def live(self) -> np.ndarray:
        """(T,) bool: frames that are the source's own."""
        return self.states == State.LIVE


def run_offline(
    takeover: Takeover, parts: Sequence[OfflineInput], rate_hz: float
) -> list[OfflineOutput]:
    """What each subject shows at every frame; all parts of one length start at time 0."""
    frames = max(len(part.positions) for part in parts)
    out = [
        OfflineOutput(
            np.empty_like(part.positions, float),
            np.empty_like(part.rotations, float),
            np.zeros(len(part.positions), int),
            np.zeros(len(part.positions)),
        )
        for part in parts
    ]
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(frames)]
    for i, part in enumerate(parts):
        for frame in np.flatnonzero(part.seen.any(axis=1)).tolist():
            late_s = 0.0 if part.delays_s is None else float(part.delays_s[frame])
            tick = int(np.ceil(frame + late_s * rate_hz - 1e-6))
            if tick < frames:
                arrivals[tick].append((i, frame))
    for n in range(frames):
        for i, k in arrivals[n]:
            part = parts[i]
            seen = None if part.seen[k].all() else part.seen[k]
            takeover.arrive(i, k / rate_hz, part.positions[k], part.rotations[k], seen)
        takeover.step(n / rate_hz)
        for i, (body, shown) in enumerate(zip(takeover.bodies, out, strict=True)):
            if n < len(shown.states):
                shown.positions[n], shown.rotations[n] = body.positions, body.rotations
                shown.states[n] = int(body.state)
                shown.uncertainty_m[n] = takeover.uncertainty_m[i]
                shown.reasons.append(body.reason)
    return out
