"""Places on a body as others see them: 33 landmarks, and eight trackers with a head's."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import landmarks, trackers
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Frame
from understudy.runtime.outputs.body import Added, body
from understudy.runtime.sources.devices.landmarks_body import ROW
from understudy.runtime.sources.devices.trackers_body import PLACES

Offset = tuple[float, float, float]
_NONE: Offset = (0.0, 0.0, 0.0)
_OURS, _AT = roles(PERFORMER), PERFORMER.rest_globals[0]


def _sides(left: dict[str, tuple[str, Offset]]) -> dict[str, tuple[str, Offset]]:
    """The same of both sides; x is away from the middle."""
    return {
        f"{side}_{name}": (f"{side}_{role}", (x * way[0], way[1], way[2]))
        for side, x in (("left", 1.0), ("right", -1.0))
        for name, (role, way) in left.items()
    }


def _toes() -> Offset:
    """From an ankle to the toes' ball, as high as the heel."""
    way = _AT[_OURS["left_toes"]] - _AT[_OURS["left_foot"]]
    return float(way[0]), -0.05, float(way[2]) - 0.05


# Landmark -> bone, and how far from its joint in a T-pose.
LANDMARKS: dict[str, tuple[str, Offset]] = {
    "nose": ("head", (0.0, 0.08, 0.1)),
    **_sides(
        {
            "shoulder": ("upper_arm", _NONE), "elbow": ("lower_arm", _NONE),
            "wrist": ("hand", _NONE), "hip": ("upper_leg", _NONE),
            "knee": ("lower_leg", _NONE), "ankle": ("foot", _NONE),
            "heel": ("foot", (0.0, -0.05, -0.05)), "foot_index": ("foot", _toes()),
            "index": ("hand", (0.1, 0.0, 0.0)), "pinky": ("hand", (0.09, 0.0, -0.04)),
            "thumb": ("hand", (0.04, 0.0, 0.04)),
        }
    ),
}  # fmt: skip
LANDMARKS |= {
    name: ("head", (x, y, z))
    for side, sign in (("left", 1.0), ("right", -1.0))
    for name, x, y, z in (
        (f"{side}_ear", 0.07 * sign, 0.08, 0.0),
        *((f"{side}_eye", 0.03 * sign, 0.1, 0.08), (f"mouth_{side}", 0.03 * sign, 0.03, 0.08)),
        (f"{side}_eye_inner", 0.015 * sign, 0.1, 0.085),
        (f"{side}_eye_outer", 0.045 * sign, 0.1, 0.075),
    )
}
TRACKERS = {
    "hips": "hips", "left_foot": "left_foot", "right_foot": "right_foot",
    "left_knee": "left_lower_leg", "right_knee": "right_lower_leg", "chest": "upper_chest",
    "left_elbow": "left_lower_arm", "right_elbow": "right_lower_arm",
}  # fmt: skip


def _first(frame: Frame, wanted: list[str]) -> Added:
    """The first actor's bones of these roles, in the room."""
    one = frame.subjects[0]
    shape = body(one.skeleton)
    return shape.whole(shape.added(one.pose), wanted)


class LandmarksSimulator:
    """A camera that finds 33 points on the first actor; the middle of the hips is the origin."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        rows = np.array([ROW[name] for name in LANDMARKS])
        bones, ways = zip(*LANDMARKS.values(), strict=True)
        there = _first(frame, list(bones))
        found = np.zeros((landmarks.COUNT, 3))
        found[rows] = there.positions + rotation.rotate(there.rotations, np.array(ways))
        found -= (found[ROW["left_hip"]] + found[ROW["right_hip"]]) / 2.0
        said = landmarks.Landmarks(found, np.ones(landmarks.COUNT), 1.0 + time_s)
        return [landmarks.encode(said)]


class TrackersSimulator:
    """SlimeVR's server: eight trackers and the head of the first actor, in one bundle."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        there = _first(frame, [*(TRACKERS[name] for name in PLACES), "head"])
        names = [*map(str, range(1, len(PLACES) + 1)), trackers.HEAD]
        said = trackers.Trackers(
            dict(zip(names, there.positions, strict=True)),
            dict(zip(names, there.rotations, strict=True)),
        )
        return [trackers.encode(said)]
