"""Frames and skeletons for the outputs' tests."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Pose, Prop, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs import target
from understudy.runtime.outputs.sender import KNOWN

# Half a turn about +Y makes a camera, which looks along its own -Z, look forward.
FORWARD = rotation.from_yaw(np.pi)


def to(line: str, **extra) -> target.Target:
    return target.parse(line, KNOWN, extra)


def posed(skeleton: Skeleton, seed: int = 0) -> Pose:
    """Every joint turned a little, the root moved."""
    rng = np.random.default_rng(seed)
    pose = Pose.rest(skeleton)
    turns = rotation.from_rotation_vector(rng.normal(scale=0.4, size=(len(skeleton), 3)))
    pose.rotations = rotation.multiply(pose.rotations, turns)
    pose.positions[0] += rng.normal(scale=0.5, size=3)
    return pose


def frame(
    skeleton: Skeleton = PERFORMER,
    sequence: int = 1,
    subjects: tuple[str, ...] = ("Ann",),
    timecode: str = "01:02:03:04",
    rate: tuple[int, int] = (25, 1),
) -> Frame:
    return Frame(
        sequence=sequence,
        capture_ns=1_000_000_000,
        publish_ns=1_000_000_000,
        rate_num=rate[0],
        rate_den=rate[1],
        timecode=timecode,
        subjects=[Subject(name, skeleton, posed(skeleton, i)) for i, name in enumerate(subjects)],
        cameras=[
            Camera("A", np.array([-1.0, 1.5, 2.0]), FORWARD, 35.0, (36.0, 24.0), 4.0, 2.8),
            Camera("B", np.array([0.0, 3.0, 0.0]), FORWARD, 50.0),
        ],
        props=[Prop("sword", np.array([1.0, 1.0, 0.0]), rotation.identity())],
    )


def with_fingers(names: tuple[str, ...], bent: bool = False) -> Skeleton:
    """The performer with fingers of these names on its left hand, in one chain each."""
    joints, parents = list(PERFORMER.names), list(PERFORMER.parents)
    positions = list(PERFORMER.rest_positions)
    last: dict[str, int] = {}
    for name in names:
        finger = name.rstrip("0123456789")
        parents.append(last.get(finger, PERFORMER.index("LeftHand")))
        last[finger] = len(joints)
        joints.append(name)
        positions.append(np.array([0.03, 0.0, 0.0]))
    return Skeleton(tuple(joints), np.array(parents), np.array(positions))


def turned_at_rest(skeleton: Skeleton, seed: int = 1) -> Skeleton:
    """The same body, but every joint's own axes lie anyhow: as in most characters."""
    rng = np.random.default_rng(seed)
    own = rotation.from_rotation_vector(rng.normal(size=(len(skeleton), 3)))
    world_p, world_r = skeleton.rest_globals
    local_p, local_r = skeleton.locals(world_p, rotation.multiply(world_r, own))
    return Skeleton(skeleton.names, skeleton.parents, local_p, local_r)


def part_of_performer(*gone: str) -> Skeleton:
    """The performer without joints whose names hold any of these words."""
    keep = [j for j, name in enumerate(PERFORMER.names) if not any(word in name for word in gone)]
    new = {old: k for k, old in enumerate(keep)}
    parents = np.array([new.get(int(PERFORMER.parents[j]), -1) for j in keep])
    rest = PERFORMER.rest_positions[keep].copy()
    rest[parents < 0] = PERFORMER.rest_globals[0][keep][parents < 0]
    return Skeleton(tuple(PERFORMER.names[j] for j in keep), parents, rest)


HALF = part_of_performer("Leg", "Foot", "Toe")
HEAD = part_of_performer("Leg", "Foot", "Toe", "Hips", "Spine", "Shoulder", "Arm", "Hand")
