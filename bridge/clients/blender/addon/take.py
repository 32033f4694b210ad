"""A take: frames as they came, turned into tracks over seconds and marks. No bpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from understudy.bridge.wire.decoder import Origin, UnknownSkeleton, decode_frame
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .receiver import Recorded


@dataclass(frozen=True, eq=False)
class Body:
    """A subject's track: times_s (T,), positions (T, J, 3), rotations (T, J, 4), curves (T, K).

    left_out counts frames on another skeleton than most of its frames had.
    """

    skeleton: Skeleton
    times_s: Array
    positions: Array
    rotations: Array
    curves: Array
    left_out: int


@dataclass(frozen=True, eq=False)
class Thing:
    """A camera's or a prop's track: times_s (T,), positions (T, 3), rotations (T, 4).

    lens (T, 5) of a camera: focal length, sensor width and height in mm, focus in m, f-number.
    """

    times_s: Array
    positions: Array
    rotations: Array
    lens: Array | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to be found on the timeline."""

    time_s: float
    text: str


@dataclass(frozen=True, eq=False)
class Take:
    """Tracks by name, over seconds since the first frame; the timecode is the first frame's."""

    timecode: str = ""
    rate: tuple[int, int] = (0, 1)
    frames: int = 0
    bodies: dict[str, Body] = field(default_factory=dict)
    cameras: dict[str, Thing] = field(default_factory=dict)
    props: dict[str, Thing] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)


def assemble(recorded: Sequence[Recorded], skeletons: Mapping[int, Skeleton]) -> Take:
    """The take of these frames; what cannot be read is left out."""
    frames: list[Frame] = []
    origins: list[Origin] = []
    for one in recorded:
        try:
            frame, origin = decode_frame(one.message, skeletons)
        except (WireError, UnknownSkeleton):
            continue
        frame.received_ns = one.received_ns
        frames.append(frame)
        origins.append(origin)
    if not frames:
        return Take()
    times_s = times(frames, [origin.session for origin in origins])
    subjects: dict[str, list[tuple[float, Subject]]] = {}
    cameras: dict[str, list[tuple[float, Camera]]] = {}
    props: dict[str, list[tuple[float, Prop]]] = {}
    for time_s, frame in zip(times_s.tolist(), frames):
        for subject in frame.subjects:
            subjects.setdefault(subject.name, []).append((time_s, subject))
        for camera in frame.cameras:
            cameras.setdefault(camera.name, []).append((time_s, camera))
        for prop in frame.props:
            props.setdefault(prop.name, []).append((time_s, prop))
    return Take(
        frames[0].timecode,
        (frames[0].rate_num, frames[0].rate_den),
        len(frames),
        {name: _body(seen) for name, seen in subjects.items()},
        {name: _camera(seen) for name, seen in cameras.items()},
        {name: _thing(seen) for name, seen in props.items()},
        _marks(times_s, frames, origins),
    )


def times(frames: Sequence[Frame], sessions: Sequence[int]) -> Array:
    """(T,) seconds since the first frame, ever growing.

    Capture time, or publishing time where a pad fell silent and its stamp stands still. A stage
    that was restarted, perhaps with another clock, goes on where its frames arrived.
    """
    out: list[Array] = []
    begin = 0
    for end in range(1, len(frames) + 1):
        if end < len(frames) and sessions[end] == sessions[begin]:
            continue
        part = frames[begin:end]
        stamps = np.array([f.capture_ns for f in part], np.int64)
        if np.any(np.diff(stamps) <= 0):
            stamps = np.array([f.publish_ns for f in part], np.int64)
        seconds = np.maximum.accumulate((stamps - stamps[0]) / 1e9)
        if out:
            gap_s = (part[0].received_ns - frames[begin - 1].received_ns) / 1e9
            seconds += out[-1][-1] + max(gap_s, 1e-3)
        out.append(seconds)
        begin = end
    return np.concatenate(out)


def _body(seen: list[tuple[float, Subject]]) -> Body:
    usual, _ = Counter(subject.skeleton.id for _, subject in seen).most_common(1)[0]
    kept = [(t, s) for t, s in seen if s.skeleton.id == usual]
    skeleton = kept[0][1].skeleton
    empty = np.zeros(len(skeleton.curve_names), np.float32)
    return Body(
        skeleton,
        np.array([t for t, _ in kept]),
        np.array([s.pose.positions for _, s in kept]),
        np.array([s.pose.rotations for _, s in kept]),
        np.array([s.curves if len(s.curves) == len(empty) else empty for _, s in kept]),
        len(seen) - len(kept),
    )


def _thing(seen: Sequence[tuple[float, Camera | Prop]], lens: Array | None = None) -> Thing:
    return Thing(
        np.array([t for t, _ in seen]),
        np.array([thing.position for _, thing in seen]),
        np.array([thing.rotation for _, thing in seen]),
        lens,
    )


def _camera(seen: list[tuple[float, Camera]]) -> Thing:
    lens = [(c.focal_mm, *c.sensor_mm, c.focus_m, c.iris) for _, c in seen]
    return _thing(seen, np.array(lens))


def _marks(times_s: Array, frames: list[Frame], origins: list[Origin]) -> list[Mark]:
    """Start, stop, restarts of the stage, and where a subject's state changed."""
    several = len({subject.name for frame in frames for subject in frame.subjects}) > 1
    marks = [Mark(float(times_s[0]), f"START {frames[0].timecode}")]
    states: dict[str, str] = {}
    for i, frame in enumerate(frames):
        if i and origins[i].session != origins[i - 1].session:
            marks.append(Mark(float(times_s[i]), f"RESTART {frame.timecode}"))
        for subject in frame.subjects:
            state = subject.state.name
            if states.setdefault(subject.name, "LIVE" if i == 0 else state) != state:
                who = f"{subject.name} " if several else ""
                marks.append(Mark(float(times_s[i]), f"{who}{state} {frame.timecode}"))
            states[subject.name] = state
    return [*marks, Mark(float(times_s[-1]), f"STOP {frames[-1].timecode}")]
