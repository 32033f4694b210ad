"""Poses, subjects and frames: what flows from the sources to the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from .rotation import Array
from .skeleton import Skeleton

# A subject's or camera's name, or a point in the world, metres; "": nothing.
Sight = str | list[float]


@dataclass(slots=True)
class Pose:
    """One pose of one skeleton: positions (J, 3) in metres, rotations (J, 4), local to the parent.

    The root's are the world's. Joints other than the root keep their rest position as a rule, but
    mocap may move any of them.
    """

    positions: Array
    rotations: Array

    @staticmethod
    def rest(skeleton: Skeleton) -> Pose:
        """A copy of the skeleton's rest pose."""
        return Pose(skeleton.rest_positions.copy(), skeleton.rest_rotations.copy())

    def copy(self) -> Pose:
        return Pose(self.positions.copy(), self.rotations.copy())


class State(IntEnum):
    """Who moves a subject, a camera or a prop at this tick."""

    LIVE = 0  # its source
    TAKEOVER = 1  # the network, because the source is silent; subjects only
    HOLD = 2  # nobody: the last pose or place is held
    LOST = 3  # nobody, and for longer than the user's limit


# Beyond this an expected error says only that nothing is known.
MOST_TRUSTED_M = 1.0


def trust(uncertainty_m: float, decimals: int = 0) -> str:
    """How far a network trusts itself, in words: "±4 cm", "over 1 m"; "" for who is live."""
    if not uncertainty_m > 0.0:
        return ""
    if uncertainty_m > MOST_TRUSTED_M:
        return f"over {MOST_TRUSTED_M:g} m"
    return f"±{max(1.0 if decimals == 0 else 0.0, 100.0 * uncertainty_m):.{decimals}f} cm"


@dataclass(slots=True)
class Intent:
    """What a performer is asked to do, in world axes (+X left of a body that faces +Z).

    travel       (2,) wished velocity as a fraction of full speed, along world x and z, length <= 1
    facing       (2,) wished facing along world x and z; zero: face the way of travel
    look         (2,) way to look along world x and z; zero: at look_at
    look_at      a point in the world, or a subject's or camera's name; "": what it was told before
    hand_at      a point (x, y, z) in the world for the hand of a take that reaches; (): its own
    buttons      names held down, of core/buttons.py
    capture_ns   monotonic time at which the device was read
    """

    travel: Array = field(default_factory=lambda: np.zeros(2))
    facing: Array = field(default_factory=lambda: np.zeros(2))
    buttons: frozenset[str] = frozenset()
    capture_ns: int = 0
    look: Array = field(default_factory=lambda: np.zeros(2))
    look_at: Sight = ""
    hand_at: tuple[float, ...] = ()


@dataclass(slots=True)
class Subject:
    """One character in a frame.

    contacts    (C, 2) joint index and how firmly it is planted, 0..1
    trajectory  (N, 4) the root's path to come, past first: x, z, facing x, facing z, world axes
    uncertainty_m  the network's own estimate, in metres, of how far the joints that it moves lie
                   from where the source would have them, the mean over the body; 0 when live
    joint_uncertainty_m  (J,) the same of each joint; empty when live, or where nobody knows
    curves      (K,) a value for each of the skeleton's curve_names, mostly 0..1
    capture_ns  monotonic time at which its newest input was read; 0: not known
    """

    name: str
    skeleton: Skeleton
    pose: Pose
    state: State = State.LIVE
    reason: str = ""
    intent: Intent | None = None
    contacts: Array = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    trajectory: Array = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    uncertainty_m: float = 0.0
    curves: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    capture_ns: int = 0
    joint_uncertainty_m: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def character(self) -> str:
        """The name of the character that it is; "": none."""
        return self.skeleton.character


@dataclass(slots=True)
class Camera:
    """A camera of the scene: looks along its own -Z with +Y up, lens and sensor in millimetres.

    focus_m is the distance in focus and iris the f-number; 0 where nobody knows. state, reason and
    capture_ns are as a Subject's: HOLD is a camera that stays where it was last seen.
    """

    name: str
    position: Array
    rotation: Array
    focal_mm: float = 35.0
    sensor_mm: tuple[float, float] = (36.0, 24.0)
    focus_m: float = 0.0
    iris: float = 0.0
    state: State = State.LIVE
    reason: str = ""
    capture_ns: int = 0


@dataclass(slots=True)
class Prop:
    """A rigid thing: a position (3,) and a rotation (4,) in the world; the rest as a Camera's."""

    name: str
    position: Array
    rotation: Array
    state: State = State.LIVE
    reason: str = ""
    capture_ns: int = 0


@dataclass(slots=True)
class Frame:
    """Everything that one tick publishes. Times are monotonic nanoseconds of the stage's machine.

    capture_ns is when the oldest input of this tick was read, publish_ns when the frame was handed
    to the socket. `stats` holds the stage's own figures: late and skipped ticks, ms a stage.
    received_ns is set by a subscriber, on its own machine's clock; 0 on the stage.
    """

    sequence: int
    capture_ns: int
    publish_ns: int
    rate_num: int
    rate_den: int
    timecode: str
    subjects: list[Subject]
    stats: dict[str, float] = field(default_factory=dict)
    cameras: list[Camera] = field(default_factory=list)
    props: list[Prop] = field(default_factory=list)
    received_ns: int = 0
