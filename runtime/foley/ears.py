"""Where a sound is, as the picture's camera hears it: left and right, near and far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera
from understudy.runtime.core.rotation import Array

# Nearer than this nothing gets louder.
NEAREST_M = 0.8
# What the ear that is turned away still hears.
LEAK = 0.25
# Who stands in front of the stage, where there is no camera.
STALLS = (0.0, 1.6, 5.0)


@dataclass(frozen=True)
class Ears:
    """A place (3,) and a look (4,): along its own -Z with +Y up."""

    position: tuple[float, float, float] = STALLS
    look: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)

    @staticmethod
    def of(camera: Camera) -> Ears:
        """Those of a camera."""
        x, y, z = map(float, camera.position)
        a, b, c, d = map(float, camera.rotation)
        return Ears((x, y, z), (a, b, c, d))

    def gains(self, at: Array | tuple[float, float, float]) -> tuple[float, float]:
        """How loud each ear, left and right, hears what sounds at a place (3,): 1 at a metre."""
        away = np.asarray(at, float) - np.array(self.position)
        far = float(np.linalg.norm(away))
        side = 0.0
        if far > 1e-6:
            look = rotation.conjugate(np.array(self.look))
            side = float(rotation.rotate(look, away)[0]) / far
        angle = 0.25 * np.pi * (1.0 + side)
        loud = 1.0 / max(far, NEAREST_M)
        left, right = (max(float(one), LEAK) for one in (np.cos(angle), np.sin(angle)))
        return loud * left, loud * right
