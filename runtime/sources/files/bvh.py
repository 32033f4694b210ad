"""A motion file as a live source, at the file's own frame rate: BVH, glTF, USD, FBX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from understudy.runtime.core import humanoid, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Pose, Prop
from understudy.runtime.core.progress import Progress
from understudy.runtime.core.roles import roles as roles_of
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import NotHumanoid, Retarget
from understudy.runtime.sources.packet import Packet
from understudy.runtime.takes import motion_file
from understudy.runtime.takes.clip import without_tpose
from understudy.runtime.takes.placement import lift_m
from understudy.runtime.takes.scene_clip import Which

SKELETONS = ("own", "performer")


class BvhSource:
    """Plays a motion file.

    rate      speed: 2 plays twice as fast
    loop      begins again at start_s after stop_s, where the file has its first position: a take is
              shown as it was shot, so that a walk jumps back instead of wandering off the stage
    start_s   first moment that is played, in seconds of the file; a T-pose frame does not count
    stop_s    last moment; the file's end where it is left out
    skeleton  "own": the file's own, every joint of it; "performer": our performer's, to which a
              humanoid is carried over, once, while loading
    target    as "performer", another skeleton; what is no humanoid plays on its own skeleton, and
              `notes` says so
    unit_m, up, rest, roles, frame_time_s   as in `bvh.read`: None is guessed
    progress  as `loading` gives it: from what is done to who is told how far it is
    which     body and animation, of a file that has several

    Between two of the file's frames the pose is interpolated, so that a stage whose rate is no
    multiple of the file's does not stutter; on a frame it is that frame to the bit.
    """

    def __init__(
        self,
        path: Path | str,
        rate: float = 1.0,
        loop: bool = True,
        start_s: float = 0.0,
        stop_s: float | None = None,
        target: Skeleton | None = None,
        unit_m: float | None = None,
        up: str | None = None,
        *,
        skeleton: str = "own",
        rest: int | str | None = None,
        roles: Mapping[str, str] | None = None,
        frame_time_s: float | None = None,
        progress: Callable[[str], Progress | None] = lambda _: None,
        which: Which = motion_file.ANY,
    ) -> None:
        if skeleton not in SKELETONS:
            raise UnderstudyError(
                f"The skeleton {skeleton!r} is unknown; it is one of {', '.join(SKELETONS)}."
            )
        if skeleton == "performer" and target is None:
            target = PERFORMER
        clip = without_tpose(
            motion_file.read(
                path,
                unit_m,
                up,
                rest=rest,
                roles=roles,
                frame_time_s=frame_time_s,
                progress=progress("reading"),
                which=which,
            )
        )
        self.name, self.notes = clip.name, clip.notes
        self.rate_hz, self.rate, self.loop = clip.rate_hz, rate, loop
        end_s = (len(clip) - 1) / clip.rate_hz
        stop_s = end_s if stop_s is None else stop_s
        if not (math.isfinite(rate) and rate > 0.0):
            raise UnderstudyError(f"{clip.name}: playback rate {rate:g}; it must be more than 0.")
        if not 0.0 <= start_s <= stop_s or start_s > end_s:
            raise UnderstudyError(
                f"{clip.name}: playback from {start_s:g} s to {stop_s:g} s; the file has "
                f"{end_s:.3f} s of motion."
            )
        self.start_s, self.stop_s = start_s, min(stop_s, end_s)
        self.skeleton, self._own = clip.skeleton, clip.skeleton
        self.silence = ""
        self._positions, self._rotations = clip.positions, clip.rotations
        self.around = clip.around
        self._lift_m = 0.0
        if target is None:
            self._lift_m = lift_m(clip.skeleton, clip.positions, clip.rotations)
        if self._lift_m:
            self.around = self.around.lifted(self._lift_m) if self.around is not None else None
            self.notes += (f"It was {-self._lift_m:+.2f} m off the ground; it is put on it.",)
        if target is not None:
            try:
                retarget = Retarget(clip.skeleton, target)
            except NotHumanoid as error:
                self.notes = (*self.notes, f"{clip.name} plays on its own skeleton. {error}")
                return
            self._positions, self._rotations = retarget.grounded(
                clip.positions, clip.rotations, clip.rate_hz, progress("carrying over")
            )
            self.skeleton = target

    @property
    def duration_s(self) -> float:
        """Seconds that one pass takes on stage."""
        return (self.stop_s - self.start_s + 1.0 / self.rate_hz) / self.rate

    def joint(self, name: str) -> int:
        """The index of a joint by its name in the file, or on the skeleton that it plays on."""
        if self.skeleton is self._own:
            return humanoid.joint(self.skeleton, name)
        for role, index in roles_of(self._own).items():
            if self._own.names[index] == name and role in roles_of(self.skeleton):
                return roles_of(self.skeleton)[role]
        if name in self.skeleton.names:
            return self.skeleton.names.index(name)
        if name in self._own.names:
            raise UnderstudyError(
                f"{self.name}: the joint {name} moves nothing on the performer's skeleton, which "
                f"has {', '.join(self.skeleton.names)}."
            )
        return self._own.index(name)

    def moment_s(self, time_s: float) -> float | None:
        """Seconds of the file at a time since the source began, or None before and after it.

        One pass lasts one frame longer than from the first frame to the last: each frame is shown
        for its frame time, and the last is not blended into the first.
        """
        if time_s < 0.0:
            return None
        passed_s = time_s * self.rate
        length_s = self.stop_s - self.start_s + 1.0 / self.rate_hz
        if passed_s >= length_s - 1e-9:
            if not self.loop:
                return None
            passed_s %= length_s
        return min(self.start_s + passed_s, self.stop_s)

    def poll(self, now_s: float) -> list[Packet]:
        """The packet of this tick: a file's camera is in step with the stage, as if genlocked."""
        pose = self.sample(now_s)
        if pose is None:
            self.silence = "the file has ended" if now_s >= 0.0 else ""
            return []
        return [Packet(now_s, pose.positions, pose.rotations)]

    def _frame(self, time_s: float) -> tuple[int, float] | None:
        """The frame at a time since the source began, and the share of the way to the next one."""
        moment_s = self.moment_s(time_s)
        if moment_s is None:
            return None
        frame = moment_s * self.rate_hz
        index = round(frame)
        if abs(frame - index) < 1e-6 or index >= len(self._positions) - 1 < frame:
            return min(index, len(self._positions) - 1), 0.0
        return int(frame), frame - int(frame)

    def scene(self, time_s: float) -> tuple[rotation.Array, list[Camera], list[Prop]] | None:
        """Curves (K,), cameras and props at that time; None where there are none, or no more."""
        frame = self._frame(time_s) if self.around is not None else None
        return None if frame is None or self.around is None else self.around.at(*frame)

    def sample(self, time_s: float) -> Pose | None:
        """The pose at a time since the source began, or None when it has ended."""
        frame = self._frame(time_s)
        if frame is None:
            return None
        index, t = frame
        if not t:
            pose = Pose(self._positions[index].copy(), self._rotations[index].copy())
        else:
            after = index + 1
            pose = Pose(
                (1.0 - t) * self._positions[index] + t * self._positions[after],
                rotation.slerp(self._rotations[index], self._rotations[after], np.float64(t)),
            )
        pose.positions[0, 1] += self._lift_m
        return pose

    def close(self) -> None:
        """The file was read whole; nothing is open."""
