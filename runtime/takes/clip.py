"""A clip: one skeleton's motion over time, and what can be told from it alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .placement import Placement
from .surroundings import Surroundings

# Frame times are written with five to eight digits: 0.0083333 is 120 Hz, 0.016667 is 60.
_RATES_HZ = (*(float(n) for n in range(1, 1001)), *(n * 1000 / 1001 for n in (24, 30, 60, 120)))


@dataclass(frozen=True, eq=False)
class Clip:
    """Motion of one skeleton, in metres, +Y up.

    positions     (T, J, 3) local to the parent, the root's in the world
    rotations     (T, J, 4) local to the parent
    frame_time_s  seconds between frames, as the file says
    channels      for each joint its channel names in the file's order; () where it has none
    unit_m        metres in one unit of the file
    notes         what the reader guessed or repaired, each a sentence
    placement     how the file's root was turned, scaled and moved to get here
    around        the face, cameras and props of a scene file; None where there are none
    raw           (T, C) channel values of the file, for as long as positions and rotations are
                  the very arrays that were read: `write` then gives the same values back
    """

    skeleton: Skeleton
    positions: Array
    rotations: Array
    frame_time_s: float
    name: str = ""
    channels: tuple[tuple[str, ...], ...] = ()
    unit_m: float = 0.01
    notes: tuple[str, ...] = ()
    raw: Raw | None = None
    placement: Placement = field(default_factory=Placement)
    around: Surroundings | None = None

    def __len__(self) -> int:
        return len(self.rotations)

    @property
    def rate_hz(self) -> float:
        """Frames per second; the even rate that the frame time rounds, where there is one."""
        rate = 1.0 / self.frame_time_s
        near = min(_RATES_HZ, key=lambda r: abs(r - rate))
        return near if abs(near - rate) < 1.5e-4 * rate else rate

    @property
    def duration_s(self) -> float:
        return len(self) * self.frame_time_s

    def cut(self, start: int, stop: int | None = None) -> Clip:
        """Frames start .. stop - 1."""
        part = slice(start, stop)
        return replace(
            self, positions=self.positions[part], rotations=self.rotations[part], raw=None,
            around=None if self.around is None else self.around.cut(part),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Raw:
    """A file's channel values (T, C) beside the file's offsets and the arrays made from them."""

    values: Array
    offsets: Array
    tips: Array
    positions: Array
    rotations: Array

    def is_of(self, clip: Clip) -> bool:
        """Whether the clip's motion is still the one that was read."""
        return clip.positions is self.positions and clip.rotations is self.rotations


def has_tpose_first_frame(clip: Clip) -> bool:
    """Whether frame 0 is a calibration pose that the motion then jumps away from.

    It must be apart from frame 1 by far more than frames are apart later on, and look like a
    calibration pose: most joints at zero, or the arms level and the legs straight down.
    """
    if len(clip) < 4:
        return False
    step = _steps_rad(clip)
    if step[0] < np.deg2rad(1.5) or step[0] < 5.0 * np.median(step[1:]):
        return False
    still = rotation.angle_between(clip.rotations[0], rotation.identity(clip.rotations.shape[1]))
    return bool(np.mean(still < 1e-3) > 0.6) or _is_tpose(clip)


def _is_tpose(clip: Clip) -> bool:
    role = roles(clip.skeleton)
    world = clip.skeleton.globals(clip.positions[0], clip.rotations[0])[0]
    level, plumb = [], []
    for side in ("left", "right"):
        if {f"{side}_upper_arm", f"{side}_hand"} <= role.keys():
            arm = world[role[f"{side}_hand"]] - world[role[f"{side}_upper_arm"]]
            level.append(abs(rotation.normalize(arm)[1]) < 0.35)
        if {f"{side}_upper_leg", f"{side}_foot"} <= role.keys():
            leg = world[role[f"{side}_foot"]] - world[role[f"{side}_upper_leg"]]
            plumb.append(rotation.normalize(leg)[1] < -0.85)
    return bool(level and plumb and all(level) and all(plumb))


def _steps_rad(clip: Clip) -> Array:
    """(N,) mean angle over the joints from frame to frame, in the first second or so."""
    early = clip.rotations[:121]
    return rotation.angle_between(early[:-1], early[1:]).mean(axis=-1)


def calibration_frames(clip: Clip) -> int:
    """How many frames a T-pose at the start spoils: resampled files ring for some frames after."""
    if not has_tpose_first_frame(clip):
        return 0
    step = _steps_rad(clip)
    calm = step <= 4.0 * np.median(step[1:]) + 1e-3
    settled = np.flatnonzero(calm[1:-1] & calm[2:])  # two calm steps: ringing passes zero at times
    return min(int(settled[0]) + 1 if len(settled) else 1, 12, len(clip) - 1)


def without_tpose(clip: Clip) -> Clip:
    """The clip less its calibration frames, if it begins with any."""
    frames = calibration_frames(clip)
    return clip.cut(frames) if frames else clip
