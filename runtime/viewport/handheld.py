"""A camera on a shoulder: how it wanders, as sums of sines that have no common period.

Most of the wandering is slow; what is quick is a tremor of some hertz and much smaller, so that the
spectrum falls with about the square of the frequency, as shoulder-held footage has it.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array, normalize

from .camera import UP, Camera

# Root mean square over time at full strength: along each axis in metres, of the view in radians.
WANDERS_M, TURNS_RAD = 0.006, np.radians(0.35)
_HZ = np.array([0.13, 0.29, 0.47, 0.83, 1.51, 2.9, 5.3])
_SHARE = 1.0 / (1.0 + (_HZ / 0.35) ** 2)
_SHARE /= np.sqrt(0.5 * np.sum(_SHARE**2))
# Of each axis its own beat: two of place beside the view's way, one along it; three of the view.
_PHASE = np.random.default_rng(41).uniform(0.0, 2.0 * np.pi, (6, len(_HZ)))
_BEAT = 1.0 + 0.07 * np.arange(6)[:, None]


def wander(time_s: float) -> Array:
    """(6,) right, up and back, and pan, tilt and roll, each of unit root mean square."""
    return np.asarray((_SHARE * np.sin(2.0 * np.pi * _HZ * _BEAT * time_s + _PHASE)).sum(1))


def hold(camera: Camera, strength: float, time_s: float) -> None:
    """Moves a camera as somebody who carries it would; strength 0 is a tripod, 1 a shoulder."""
    if strength <= 0.0:
        return
    off = strength * wander(time_s)
    to_world = camera.to_world
    right, up, back = to_world[:3, 0], to_world[:3, 1], to_world[:3, 2]
    away = float(np.linalg.norm(camera.target - camera.position))
    place = WANDERS_M * (off[0] * right + off[1] * up + 0.5 * off[2] * back)
    pan, tilt, roll = TURNS_RAD * off[3:] * (1.0, 1.0, 0.4)
    camera.position = camera.position + place
    camera.target = camera.target + place + away * (np.tan(pan) * right + np.tan(tilt) * up)
    if abs(back @ UP) < 0.99:
        camera.up = normalize(UP + np.tan(roll) * right)
