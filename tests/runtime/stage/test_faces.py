"""Who wears a face: values, names, and the skeleton's identity."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.sources.face import Face
from understudy.runtime.stage.faces import Wearer


def wearing(**values: float) -> Face:
    face = Face(tuple(values))
    face.values = face.shown = np.float32(list(values.values()))
    return face


def subjects(count: int) -> list[Subject]:
    return [Subject(f"s{i}", PERFORMER, Pose.rest(PERFORMER)) for i in range(count)]


def test_curves_go_to_whom_they_are_meant_for_and_the_skeleton_is_the_same_at_every_tick():
    wearer, (seat,) = Wearer(), subjects(1)
    face = wearing(jawOpen=0.5, eyeBlinkLeft=1.0)
    wearer.put_on(seat, [face])
    dressed = seat.skeleton
    assert dressed.curve_names == ("jawOpen", "eyeBlinkLeft") and dressed.names == PERFORMER.names
    np.testing.assert_array_equal(seat.curves, np.float32([0.5, 1.0]))
    for again in (dressed, PERFORMER):  # as a stage leaves it, and as Live writes it anew
        seat.skeleton = again
        wearer.put_on(seat, [face])
        assert seat.skeleton is dressed
    face.take_named({"tongueOut": 0.25}, 0.0)
    face.shown = face.values
    wearer.put_on(seat, [face])
    assert seat.skeleton.curve_names[-1] == "tongueOut"
    assert seat.skeleton.id != dressed.id


def test_a_phone_s_curves_count_before_those_of_the_body_s_sender():
    (seat,) = subjects(1)
    body, phone = wearing(Joy=0.25, jawOpen=0.1), wearing(jawOpen=0.9, mouthClose=0.5)
    Wearer().put_on(seat, [body, phone])
    assert dict(zip(seat.skeleton.curve_names, seat.curves, strict=True)) == {
        "Joy": np.float32(0.25),
        "jawOpen": np.float32(0.9),
        "mouthClose": np.float32(0.5),
    }


def test_a_face_of_which_nothing_came_yet_changes_nothing():
    (seat,) = subjects(1)
    Wearer().put_on(seat, [Face()])
    assert seat.skeleton is PERFORMER
