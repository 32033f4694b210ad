"""What a gap in mocap costs: errors against the truth, four baselines, seams and sliding feet.

Everything is measured on the file's own skeleton, from the world positions of its joints, scaled to
people of 1.7 m by the length of their legs.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.transfer import Transfer

STATURE_M = 1.7
PERFORMER_M = 1.76
BASELINES = ("hold", "damped 0.15 s", "damped 0.5 s", "root coasts")
_HALFLIVES_S = {"damped 0.15 s": 0.15, "damped 0.5 s": 0.5}
# The speed before a gap is told over so long: one frame of 120 Hz mocap is mostly noise.
SPEED_OVER_S = 1.0 / 30.0
SEAM_PERCENTILE = 99.9


def stature_scale(skeleton: Skeleton) -> float:
    """What makes the skeleton's owner 1.7 m tall."""
    return Transfer(skeleton).scale * STATURE_M / PERFORMER_M


def world(skeleton: Skeleton, positions: Array, rotations: Array) -> Array:
    """World positions (..., J, 3) of local positions (..., J, 3) and rotations (..., J, 4)."""
    return skeleton.globals(positions, rotations)[0]


def baselines(
    positions: Array, rotations: Array, start: int, frames: int, rate_hz: float
) -> dict[str, tuple[Array, Array]]:
    """Name -> local positions (frames, J, 3), rotations (frames, J, 4) for a gap at frame start.

    Hold the last pose; go on with its speed, which halves in 0.15 s or 0.5 s; or let the root go on
    for ever at its speed while the body holds.
    """
    last = start - 1
    first = max(0, last - max(1, round(SPEED_OVER_S * rate_hz)))
    span_s = max(last - first, 1) / rate_hz
    speed = (positions[last] - positions[first]) / span_s
    spin = rotation.multiply(rotations[last], rotation.conjugate(rotations[first]))
    spin = rotation.to_rotation_vector(spin) / span_s
    t = (np.arange(frames) + 1.0)[:, None, None] / rate_hz
    held_p = np.repeat(positions[last][None], frames, axis=0)
    held_r = np.repeat(rotations[last][None], frames, axis=0)
    coasting = held_p.copy()
    coasting += t * speed  # of the joint that carries the travel; others do not move in place
    out = {"hold": (held_p, held_r), "root coasts": (coasting, held_r)}
    for name, halflife_s in _HALFLIVES_S.items():
        tau_s = halflife_s / np.log(2.0)
        rolled = tau_s * (1.0 - np.exp(-t / tau_s))
        turn = rotation.from_rotation_vector(rolled * spin)
        out[name] = held_p + rolled * speed, rotation.multiply(turn, held_r)
    return out


def errors_m(truth: Array, guess: Array, hips: int, joints: np.ndarray | None = None) -> Array:
    """(2, T) mean distance of world positions (T, J, 3), in the world and relative to the hips."""
    some = slice(None) if joints is None else joints
    apart = guess[:, some] - truth[:, some]
    body = apart - (guess[:, hips] - truth[:, hips])[:, None]
    return np.stack([np.linalg.norm(x, axis=-1).mean(axis=-1) for x in (apart, body)])


def accelerations(world_p: Array, rate_hz: float) -> Array:
    """(T - 2, J) frame-to-frame accelerations of world positions (T, J, 3), m/s^2."""
    return np.linalg.norm(np.diff(world_p, 2, axis=0), axis=-1) * rate_hz**2


def seam_ratio(
    truth: Array, out: Array, spans: list[tuple[int, int]], rate_hz: float, first: int = 0
) -> float:
    """99.9th percentile of accelerations in frames of spans over the untouched clip's (T, J, 3).

    Of the clip, the frames before `first` do not count: a jump out of a T-pose is no motion.
    """
    push = accelerations(out, rate_hz)
    inside = np.zeros(len(push), bool)
    for start, stop in spans:
        inside[max(start - 2, 0) : stop] = True
    whole = float(np.percentile(accelerations(truth[first:], rate_hz), SEAM_PERCENTILE))
    return float(np.percentile(push[inside], SEAM_PERCENTILE)) / max(whole, 1e-9)
