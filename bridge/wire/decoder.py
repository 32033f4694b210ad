"""Bytes into skeletons and frames, with every length and offset checked before it is followed.

flatc's Python reader checks nothing and makes an object a field. This reader walks the same tables,
raises `WireError` on bytes that do not hold together or on numbers that are not finite, and leaves
arrays where they lie: positions and rotations are read-only views into the message.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from understudy.bridge.wire.buttons import button_names
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Camera, Frame, Intent, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton

from . import envelope
from .envelope import WireError
from .table import Table, finite, root

_DAMAGE = (struct.error, ValueError, IndexError, OverflowError, UnderstudyError, RecursionError)


class UnknownSkeleton(Exception):
    """A sound frame with a subject whose skeleton has not arrived."""

    def __init__(self, skeleton_id: int, received: Origin) -> None:
        super().__init__(f"skeleton {skeleton_id:016x} has not arrived")
        self.skeleton_id = skeleton_id
        self.origin = received


@dataclass(frozen=True, slots=True)
class Origin:
    """Which publisher sent a frame, and how many it had sent before."""

    session: int
    published: int


def decode_skeletons(message: bytes) -> list[Skeleton]:
    """The skeletons of a SKEL message; raises WireError."""
    try:
        return [_skeleton(t) for t in _root(message, envelope.SKELETONS).tables(0)]
    except WireError:
        raise
    except _DAMAGE as error:
        raise WireError(f"a damaged skeleton message: {error}") from None


def decode_frame(message: bytes, skeletons: Mapping[int, Skeleton]) -> tuple[Frame, Origin]:
    """The frame of a FRAM message, its skeletons looked up by id.

    Raises WireError on damage and UnknownSkeleton on a skeleton that is not among these.
    """
    try:
        with np.errstate(invalid="ignore"):  # `finite` multiplies what may not be
            return _frame(_root(message, envelope.FRAME), skeletons)
    except WireError:
        raise
    except _DAMAGE as error:
        raise WireError(f"a damaged frame message: {error}") from None


def _root(message: bytes, topic: bytes) -> Table:
    if envelope.open_envelope(message) != topic:
        raise WireError(f"topic {message[:4]!r}, expected {topic!r}")
    return root(message)


def _skeleton(table: Table) -> Skeleton:
    names = tuple(table.texts(1))
    parents = table.array(2, "<i4")
    arrays = [table.array(field, "<f8") for field in (3, 4, 5)]
    joints = len(names)
    if [len(parents), *map(len, arrays)] != [joints, 3 * joints, 4 * joints, 3 * joints]:
        raise WireError(f"a skeleton of {joints} names whose other fields have other lengths")
    table.spend(parents.nbytes + sum(array.nbytes for array in arrays))
    # Copies: a skeleton outlives its message.
    positions, rotations, tips = (array.copy() for array in arrays)
    curves, character = tuple(table.texts(6)), table.text(7)
    skeleton = Skeleton(
        names, parents.copy(), positions, rotations, tips, curves, character=character
    )
    # The publisher's word is the id: rounding must not make one skeleton two.
    skeleton.__dict__["id"] = table.number(0, "Q")
    return skeleton


def _frame(table: Table, skeletons: Mapping[int, Skeleton]) -> tuple[Frame, Origin]:
    origin = Origin(table.number(1, "Q"), table.number(2, "Q"))
    names, values = table.texts(12), table.array(13, "<f8").tolist()
    if len(names) != len(values):
        raise WireError(f"{len(names)} names of figures and {len(values)} values")
    subjects = [_subject(t, skeletons, origin) for t in table.tables(9)]
    frame = Frame(
        sequence=table.number(0, "Q"),
        capture_ns=table.number(3, "q"),
        publish_ns=table.number(4, "q"),
        rate_num=table.number(6, "I"),
        rate_den=table.number(7, "I"),
        timecode=table.text(5),
        subjects=subjects,
        stats=dict(zip(names, values)),
        cameras=[_camera(t) for t in table.tables(10)],
        props=[_prop(t) for t in table.tables(11)],
    )
    return frame, origin


def _subject(table: Table, skeletons: Mapping[int, Skeleton], origin: Origin) -> Subject:
    skeleton = skeletons.get(table.number(1, "Q"))
    if skeleton is None:
        raise UnknownSkeleton(table.number(1, "Q"), origin)
    joints = len(skeleton.names)
    positions, rotations = table.array(4, "<f4"), table.array(5, "<f4")
    if len(positions) != 3 * joints or len(rotations) != 4 * joints:
        raise WireError(
            f"{len(positions)} position and {len(rotations)} rotation numbers "
            f"for a skeleton of {joints} joints"
        )
    planted, weights = table.array(6, "<u2"), table.array(7, "<f4")
    if len(planted) != len(weights) or (len(planted) and planted.max() >= joints):
        raise WireError("contacts that do not fit the skeleton")
    curves = table.array(10, "<f4")
    if len(curves) not in (0, len(skeleton.curve_names)):
        raise WireError(
            f"{len(curves)} curves for a skeleton of {len(skeleton.curve_names)} curve names"
        )
    doubts = table.array(13, "<f4")
    if len(doubts) not in (0, joints):
        raise WireError(f"{len(doubts)} uncertainties for a skeleton of {joints} joints")
    trajectory = table.array(8, "<f4")
    for floats in (positions, rotations, weights, trajectory, curves, doubts):
        finite(floats)
    contacts = np.empty((len(planted), 2), np.float32)
    contacts[:, 0], contacts[:, 1] = planted, weights
    intent = table.table(9)
    return Subject(
        name=table.text(0),
        skeleton=skeleton,
        pose=Pose(positions.reshape(joints, 3), rotations.reshape(joints, 4)),
        state=State(table.number(2, "B")),
        reason=table.text(3),
        intent=None if intent is None else _intent(intent),
        contacts=contacts,
        trajectory=trajectory.reshape(-1, 4),
        uncertainty_m=table.real(11),
        curves=curves,
        capture_ns=table.number(12, "q"),
        joint_uncertainty_m=doubts,
    )


def _intent(table: Table) -> Intent:
    return Intent(
        table.floats(0, 2),
        table.floats(1, 2),
        button_names(table.number(2, "I")),
        table.number(3, "q"),
    )


def _camera(table: Table) -> Camera:
    return Camera(
        name=table.text(0),
        position=table.floats(1, 3),
        rotation=table.rotation(2),
        focal_mm=table.real(3),
        sensor_mm=(table.real(4), table.real(5)),
        focus_m=table.real(6),
        iris=table.real(7),
        state=State(table.number(8, "B")),
        reason=table.text(9),
        capture_ns=table.number(10, "q"),
    )


def _prop(table: Table) -> Prop:
    return Prop(
        name=table.text(0),
        position=table.floats(1, 3),
        rotation=table.rotation(2),
        state=State(table.number(3, "B")),
        reason=table.text(4),
        capture_ns=table.number(5, "q"),
    )
