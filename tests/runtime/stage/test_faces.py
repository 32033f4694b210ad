"""Who wears a face: values, names, and the skeleton's identity."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.sources.face import Face
from understudy.runtime.stage.faces import Faces


def wearing(**values: float) -> Face:
    face = Face(tuple(values))
    face.values = face.shown = np.float32(list(values.values()))
    return face


def subjects(count: int) -> list[Subject]:
    return [Subject(f"s{i}", PERFORMER, Pose.rest(PERFORMER)) for i in range(count)]


def test_curves_go_to_whom_they_are_meant_for_and_the_skeleton_is_the_same_at_every_tick():
    faces, seats = Faces(), subjects(2)
    face = wearing(jawOpen=0.5, eyeBlinkLeft=1.0)
    faces.wear(1, face)
    faces.put_on(seats)
    assert seats[0].skeleton is PERFORMER and len(seats[0].curves) == 0
    dressed = seats[1].skeleton
    assert dressed.curve_names == ("jawOpen", "eyeBlinkLeft") and dressed.names == PERFORMER.names
    np.testing.assert_array_equal(seats[1].curves, np.float32([0.5, 1.0]))
    for again in (dressed, PERFORMER):  # as a stage leaves it, and as Live writes it anew
        seats[1].skeleton = again
        faces.put_on(seats)
        assert seats[1].skeleton is dressed
    face.take_named({"tongueOut": 0.25}, 0.0)
    face.shown = face.values
    faces.put_on(seats)
    assert seats[1].skeleton.curve_names[-1] == "tongueOut"
    assert seats[1].skeleton.id != dressed.id


def test_a_phone_s_curves_count_before_those_of_the_body_s_sender():
    faces, (seat,) = Faces(), subjects(1)
    faces.wear(0, wearing(Joy=0.25, jawOpen=0.1))
    faces.wear(0, wearing(jawOpen=0.9, mouthClose=0.5))
    faces.put_on([seat])
    assert dict(zip(seat.skeleton.curve_names, seat.curves, strict=True)) == {
        "Joy": np.float32(0.25),
        "jawOpen": np.float32(0.9),
        "mouthClose": np.float32(0.5),
    }


def test_a_face_of_which_nothing_came_yet_changes_nothing():
    faces, (seat,) = Faces(), subjects(1)
    faces.wear(0, Face())
    faces.put_on([seat])
    assert seat.skeleton is PERFORMER
