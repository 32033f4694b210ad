"""A take with everything in it, and what every reader of its exports has to find.

Two subjects, one with fingers, a turned rest pose and a face, one that comes late; a camera that
moves and zooms; a prop; a marker and cuts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import SIZE
from understudy.runtime.core import rotation, timecode
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.sound import DECODER
from understudy.runtime.takes.take_file import TakeWriter

CURVES = ("jawOpen", "eyeBlinkLeft", "mouthSmileRight")
EVENTS = (
    ("cut", {"camera": "A cam", "sequence": 0}),
    ("marker", {"text": "he turns", "sequence": 30}),
    ("cut", {"camera": "B cam", "sequence": 45}),
)
NEAR_M, NEAR_DEG = 1e-4, 0.05


def with_fingers() -> Skeleton:
    """The performer with two joints a finger; every joint's own axes are turned at rest."""
    names, parents = list(PERFORMER.names), PERFORMER.parents.tolist()
    world = PERFORMER.rest_globals[0].tolist()
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        hand = names.index(f"{side}Hand")
        for number, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            at = np.add(world[hand], (0.05 * x, 0.0, 0.04 - 0.02 * number))
            for part in (1, 2):
                parents.append(hand if part == 1 else len(names) - 1)
                names.append(f"{side}Hand{finger}{part}")
                world.append(np.add(at, (0.04 * x * part, 0.0, 0.0)).tolist())
    rng = np.random.default_rng(5)
    turned = rotation.normalize(rng.normal(size=(len(names), 4)))
    flat = Skeleton(tuple(names), np.array(parents), np.zeros((len(names), 3)))
    positions, rotations = flat.locals(np.array(world), turned)
    return Skeleton(flat.names, flat.parents, positions, rotations, curve_names=CURVES)


ANN = with_fingers()


@dataclass
class Shoot:
    """The take's file, its frames, and the ticks that are its rows."""

    path: Path
    frames: list[Frame]
    rate_hz: float
    rate_name: str

    def world(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Joints in the world at every row: (T, J, 3) and (T, J, 4)."""
        poses, skeleton, early = [], None, 0
        for frame in self.frames:
            found = [s for s in frame.subjects if s.name == name]
            if found:
                skeleton = found[0].skeleton
                poses.append(found[0].pose)
            elif not poses:
                early += 1
            else:
                poses.append(poses[-1])
        assert skeleton is not None
        poses = [poses[0]] * early + poses
        positions, rotations = (
            np.array([np.asarray(getattr(p, what), np.float32) for p in poses], np.float64)
            for what in ("positions", "rotations")
        )
        return skeleton.globals(positions, rotation.normalize(rotations))

    def curves(self) -> np.ndarray:
        """(T, 3) of ann's face."""
        return np.array([frame.subjects[0].curves for frame in self.frames], float)

    def rigid(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, 3) and rotations (T, 4) of the only camera or prop ("cameras", "props")."""
        things = [getattr(frame, kind)[0] for frame in self.frames]
        return np.array([t.position for t in things]), np.array([t.rotation for t in things])

    def lens(self) -> np.ndarray:
        """(T, 5) as in `take_motion.Rigid`."""
        cameras = [frame.cameras[0] for frame in self.frames]
        return np.array([(c.focal_mm, *c.sensor_mm, c.focus_m, c.iris) for c in cameras])


def _pose(skeleton: Skeleton, tick: int, seed: int) -> Pose:
    rng = np.random.default_rng(seed)
    axes = rotation.normalize(rng.normal(size=(len(skeleton), 3)))
    swing = 0.6 * np.sin(0.13 * tick + rng.uniform(0, 6, len(skeleton)))
    pose = Pose.rest(skeleton)
    turn = rotation.from_axis_angle(axes, swing)
    pose.rotations = rotation.multiply(pose.rotations, turn)
    spin = rotation.from_yaw(0.05 * tick)  # over half a turn and on
    pose.rotations[0] = rotation.multiply(spin, pose.rotations[0])
    pose.positions[0] += (0.01 * tick, 0.02 * np.sin(0.3 * tick), 0.013 * tick)
    return pose


def shoot(
    path: Path,
    rate_name: str = "23.976",
    rate_hz: float = 60.0,
    frames: int = 90,
    late: int = 25,
    start_s: float = 3600.0,
    names: tuple[str, str] = ("ann", "ben"),
    events: Sequence[tuple[str, dict]] = EVENTS,
    sound: Callable[[int], Iterable[bytes]] | None = None,
) -> Shoot:
    """Records it; ben comes at row `late`, the timecode runs from `start_s` since midnight.

    sound  gives messages of what was heard from a time on; then ticks are as long as they are
    """
    exact, found = timecode.rate(rate_name), []
    step_ns = 1000 if sound is None else round(1e9 / rate_hz)
    for tick in range(frames):
        curves = np.array([0.5 + 0.5 * np.sin(0.2 * tick + k) for k in range(3)], np.float32)
        subjects = [Subject(names[0], ANN, _pose(ANN, tick, 1), State.LIVE, curves=curves)]
        if tick >= late:
            subjects.append(Subject(names[1], PERFORMER, _pose(PERFORMER, tick, 2), State.LIVE))
        camera = Camera(
            "A cam",
            np.array([0.02 * tick, 1.5, 4.0 - 0.01 * tick]),
            rotation.from_euler(np.array([0.01 * tick, -0.1, 0.05]), "YXZ"),
            focal_mm=24.0 + 0.5 * tick,
            sensor_mm=(25.34, 14.25),
            focus_m=2.0 + 0.01 * tick,
            iris=2.8,
        )
        ball = Prop("ball", np.array([0.1, 1.0 + 0.01 * tick, 0.3]), rotation.from_yaw(0.3 * tick))
        found.append(
            Frame(
                tick, tick * step_ns, tick * step_ns, exact.numerator, exact.denominator,
                timecode.at_time(float(start_s + Fraction(tick) / Fraction(rate_hz)), rate_name),
                subjects, cameras=[camera], props=[ball],
            )
        )  # fmt: skip
    facts = {
        "rate_hz": str(rate_hz), "timecode_rate": rate_name, "slate": "12A_T003",
        "slate_scene": "12A", "slate_take": "3",
    }  # fmt: skip
    writer, encoder = TakeWriter(path, facts, "", 10**18), FrameEncoder(7)
    writer.add(encode_skeletons([ANN, PERFORMER]), 0, 0, 1)
    writer.event(0, 1, "record", published=0, present=list(names))
    heard = deque(sorted(sound(0), key=at_ns) if sound is not None else ())
    for number, frame in enumerate(found):
        while heard and at_ns(heard[0]) <= frame.publish_ns:
            writer.add(heard[0], at_ns(heard.popleft()), 0, frame.publish_ns + 1)
        writer.add(encoder.encode(frame), frame.publish_ns, number, frame.publish_ns + 1)
        writer.keep(frame.publish_ns)
    for one in heard:
        writer.add(one, at_ns(one), 0, found[-1].publish_ns + 1)
    for what, said in events:
        writer.event(1, 2, what, **said)
    writer.finish({"frames": str(frames)})
    return Shoot(path, found, rate_hz, rate_name)


def at_ns(message: bytes) -> int:
    """When a piece of sound was heard; 0 for what is none."""
    try:
        return DECODER.decode(message[SIZE:]).at_ns
    except msgspec.DecodeError:
        return 0


def apart(found: tuple, expected: tuple) -> tuple[float, float]:
    """The most that places (..., 3) and turns (..., 4) are apart, in metres and degrees."""
    far_m = float(np.abs(np.asarray(found[0]) - expected[0]).max())
    turned = rotation.angle_between(rotation.normalize(np.asarray(found[1])), expected[1])
    return far_m, float(np.rad2deg(turned.max()))


def assert_near(found: tuple, expected: tuple) -> None:
    far_m, far_deg = apart(found, expected)
    assert far_m < NEAR_M and far_deg < NEAR_DEG, (far_m, far_deg)
