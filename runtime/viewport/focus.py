"""What the camera follows, from the poses of a frame."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .camera import Camera, Focus, Lens, fov_of_lens

# Subjects farther apart than this are not all brought into one picture: the lead is followed.
TOGETHER_M = 3.5


def heading(skeleton: Skeleton, world_p: Array, world_r: Array) -> float:
    """The way a body faces: across its hips where it has some, else its root's +Z."""
    role = roles(skeleton)
    left, right = role.get("left_upper_leg"), role.get("right_upper_leg")
    if left is None or right is None:
        return float(rotation.yaw(world_r[0]))
    across = world_p[left] - world_p[right]
    return float(np.arctan2(-across[2], across[0]))


def size_m(skeleton: Skeleton) -> float:
    """How tall a skeleton stands, whatever its rest pose: twice a humanoid's leg and a bit."""
    world_p = skeleton.rest_globals[0]
    role = roles(skeleton)
    leg = [role.get(f"left_{part}") for part in ("upper_leg", "lower_leg", "foot")]
    if all(j is not None for j in leg):
        steps = np.diff(world_p[np.array(leg, int)], axis=0)
        return 2.1 * float(np.linalg.norm(steps, axis=1).sum())
    return float(np.clip(np.ptp(world_p[:, 1]), 0.2, 30.0)) if len(skeleton) > 1 else 1.0


def focus_of(frame: Frame, lead: int = 0, scope: str = "near", tall_m: float = 0.0) -> Focus | None:
    """The lead's head and heading, and the middle and size of whom the camera follows.

    scope   near: the lead and who stands around it; one: only the lead; all: everybody and props
    tall_m  how tall the lead is, where its mesh tells; 0: as tall as its skeleton says
    """
    if not frame.subjects:
        return None
    lead %= len(frame.subjects)
    feet: list[Array] = []
    for subject in frame.subjects:
        hips = roles(subject.skeleton).get("hips", 0)
        at = subject.pose.positions[0] if hips == 0 else _hips(subject, hips)
        feet.append(np.asarray(at, float) * [1.0, 0.0, 1.0])
    subject = frame.subjects[lead]
    world_p, world_r = subject.skeleton.globals(
        np.asarray(subject.pose.positions, float), np.asarray(subject.pose.rotations, float)
    )
    if not np.all(np.isfinite(world_p)):
        return None
    role = roles(subject.skeleton)
    head = role.get("head", int(np.argmax(world_p[:, 1])))
    tall = tall_m or size_m(subject.skeleton)
    ground = feet[lead]
    spots = np.array(feet)
    near = np.linalg.norm(spots - ground, axis=1) < (2.0 * TOGETHER_M if scope == "near" else 1e-9)
    middle = 0.5 * (spots[near].min(0) + spots[near].max(0))
    radius = float(np.linalg.norm(spots[near] - middle, axis=1).max())
    if radius > TOGETHER_M:
        middle, radius = ground, 0.0
    # The upper body's lift counts half: a jump is seen as a jump, a stair is still followed.
    lift = max(0.0, float(world_p[:, 1].min()))
    rest_r = subject.skeleton.rest_globals[1][head]
    center = middle + np.array([0.0, 0.53 * tall + 0.5 * lift, 0.0])
    points = world_p
    if scope == "all":
        points = _everywhere(frame)
        center = 0.5 * (points.min(0) + points.max(0))
    return Focus(
        ground=ground,
        heading_rad=heading(subject.skeleton, world_p, world_r),
        head=world_p[head],
        head_rotation=rotation.multiply(world_r[head], rotation.conjugate(rest_r)),
        center=center,
        radius_m=0.62 * tall + radius,
        points=np.concatenate(
            [points, points + np.array([0.0, 0.3, 0.0])]
        ),  # and a name over each head
    )


def focus_point(frame: Frame, lens: Lens, lead: int = 0) -> Array | None:
    """(3,) what a lens is focused on, the lead's head where it says nobody.

    None where it says a distance, or where there is nobody of that name, or no such joint.
    """
    name, _, joint = lens.focus.partition("/")
    subjects = frame.subjects
    if not subjects or lens.focus_m:
        return None
    subject = subjects[lead % len(subjects)]
    if name:
        subject = next((one for one in subjects if one.name == name), subject)
        if subject.name != name:
            return None
    world_p, _ = subject.skeleton.globals(
        np.asarray(subject.pose.positions, float), np.asarray(subject.pose.rotations, float)
    )
    if joint:
        if joint not in subject.skeleton.names:
            return None
        return np.asarray(world_p[subject.skeleton.names.index(joint)])
    head = roles(subject.skeleton).get("head", int(np.argmax(world_p[:, 1])))
    return np.asarray(world_p[head])


def _everywhere(frame: Frame) -> Array:
    """(N, 3) joints of all subjects, and all props."""
    points = [np.asarray(prop.position, float)[None] for prop in frame.props]
    for subject in frame.subjects:
        world_p, _ = subject.skeleton.globals(
            np.asarray(subject.pose.positions, float), np.asarray(subject.pose.rotations, float)
        )
        points.append(world_p)
    joints = np.concatenate(points)
    return joints[np.all(np.isfinite(joints), axis=1)]


def _hips(subject, joint: int) -> Array:
    world_p, _ = subject.skeleton.globals(
        np.asarray(subject.pose.positions, float), np.asarray(subject.pose.rotations, float)
    )
    return world_p[joint]


def overview(
    low: Array, high: Array, size: tuple[int, int], yaw_rad: float, focal_mm: float = 35.0
) -> Camera:
    """A fixed camera that has the box low (3,) .. high (3,) in its picture."""
    middle = 0.5 * (low + high)
    camera = Camera(middle + np.array([0.0, 0.0, 1.0]), middle, fov_of_lens(focal_mm), *size)
    radius = 0.5 * float(np.linalg.norm(high - low))
    half = 0.5 * camera.fov_y_rad
    narrow = min(half, float(np.arctan(np.tan(half) * camera.aspect)))
    away = 0.92 * radius / np.sin(narrow)
    pitch = 0.22
    camera.position = middle + away * np.array(
        [np.sin(yaw_rad) * np.cos(pitch), np.sin(pitch), np.cos(yaw_rad) * np.cos(pitch)]
    )
    return camera
