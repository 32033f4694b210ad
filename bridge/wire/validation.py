"""What may cross the wire, finite numbers and unit quaternions, and what is sent instead of others.

The encoder finds out in passing, while it writes; only then does anything here run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from understudy.runtime.core.pose import Camera, Frame, Pose, Prop, State, Subject
from understudy.runtime.core.rotation import Array

Thing = TypeVar("Thing", Subject, Camera, Prop)
Placed = TypeVar("Placed", Camera, Prop)

REASON = "its numbers are not finite"
# A shorter quaternion is no rotation that somebody meant.
LEAST_NORM = 1e-3


def mended(frame: Frame, last: Frame | None) -> tuple[Frame, int]:
    """A frame that may be sent, and how many of its things had to be held.

    Rotations are normalised. A thing whose place or pose is not finite keeps the one it has in
    `last`, the frame that was sent before, or its rest, and is HOLD; what else of it is not finite
    is 0.
    """
    before = last or Frame(0, 0, 0, 0, 0, "", [])
    subjects = [_subject(s, _named(before.subjects, s.name)) for s in frame.subjects]
    cameras = [_placed(c, _named(before.cameras, c.name)) for c in frame.cameras]
    props = [_placed(p, _named(before.props, p.name)) for p in frame.props]
    things: list[Subject | Camera | Prop] = [*subjects, *cameras, *props]
    held = sum(thing.reason == REASON for thing in things)
    return replace(frame, subjects=subjects, cameras=cameras, props=props), held


def _named(things: list[Thing], name: str) -> Thing | None:
    return next((thing for thing in things if thing.name == name), None)


def _subject(subject: Subject, last: Subject | None) -> Subject:
    positions, rotations = _single(subject.pose.positions), _unit(subject.pose.rotations)
    one = replace(
        subject,
        contacts=_or_zero(subject.contacts),
        trajectory=_or_zero(subject.trajectory),
        curves=_or_zero(subject.curves),
        joint_uncertainty_m=_or_zero(subject.joint_uncertainty_m),
        uncertainty_m=float(_or_zero(subject.uncertainty_m)),
    )
    if (wish := subject.intent) is not None:
        travel, facing = _or_zero(wish.travel), _or_zero(wish.facing)
        one = replace(one, intent=replace(wish, travel=travel, facing=facing))
    if rotations is not None and np.isfinite(positions).all():
        return replace(one, pose=Pose(positions, rotations))
    same = last is not None and last.skeleton.id == subject.skeleton.id
    pose = last.pose if last is not None and same else Pose.rest(subject.skeleton)
    return replace(one, pose=pose, state=State.HOLD, reason=REASON)


def _placed(thing: Placed, last: Placed | None) -> Placed:
    position, rotation = _single(thing.position), _unit(thing.rotation)
    if isinstance(thing, Camera):
        lens = (thing.focal_mm, *thing.sensor_mm, thing.focus_m, thing.iris)
        focal, width, height, focus, iris = _or_zero(lens).tolist()
        thing = replace(thing, focal_mm=focal, sensor_mm=(width, height), focus_m=focus, iris=iris)
    if rotation is not None and np.isfinite(position).all():
        return replace(thing, position=position, rotation=rotation)
    if last is not None:
        position, rotation = last.position, last.rotation
    else:
        position, rotation = np.zeros(3), np.array((0.0, 0.0, 0.0, 1.0))
    return replace(thing, position=position, rotation=rotation, state=State.HOLD, reason=REASON)


def _single(numbers: object) -> Array:
    """As float32, in which a large number may be infinite."""
    return np.asarray(numbers).astype(np.float32)


def _or_zero(numbers: object) -> Array:
    """(..) as float32, with 0 for what is not finite."""
    single = _single(numbers)
    return np.where(np.isfinite(single), single, np.float32(0))


def _unit(rotations: Array) -> Array | None:
    """(.., 4) normalised; None where one of them has no direction."""
    single = _single(rotations).astype(np.float64)
    norms = np.linalg.norm(single, axis=-1, keepdims=True)
    if not (norms > LEAST_NORM).all() or not np.isfinite(norms).all():
        return None
    return single / norms
