"""Camera bookmarks, and the way to one."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from understudy.runtime.core.rotation import Array

from .camera import Camera

GLIDE_S = 0.7


class Bookmark(msgspec.Struct):
    """Where a camera stood, and its lens."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    focal_mm: float = 38.0


@dataclass
class Glide:
    """A camera on its way to a bookmark: it begins and ends at rest.

    begin, end  position (3,) and target (3,) in metres, and focal length in mm
    """

    begin: tuple[Array, Array, float]
    end: tuple[Array, Array, float]
    gone_s: float = 0.0

    def move(self, camera: Camera, dt_s: float) -> float:
        """Moves the camera on; gives its focal length in mm."""
        self.gone_s += dt_s
        share = min(self.gone_s / GLIDE_S, 1.0)
        share *= share * (3.0 - 2.0 * share)
        camera.position = self.begin[0] + share * (self.end[0] - self.begin[0])
        camera.target = self.begin[1] + share * (self.end[1] - self.begin[1])
        return self.begin[2] + share * (self.end[2] - self.begin[2])

    @property
    def is_there(self) -> bool:
        """Whether it has arrived."""
        return self.gone_s >= GLIDE_S
