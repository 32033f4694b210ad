"""A head from another device, a face that is later, and the flag that says so."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from understudy.runtime.cli.session_options import _subject
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Prop, State
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.stage import heads
from understudy.runtime.stage.faces import Later
from understudy.runtime.stage.heads import TRACKER, TrackedHead
from understudy.runtime.stage.parts import Assembly, HeadPart, Part
from understudy.runtime.stage.session import SubjectTable, check_subject

HEAD = PERFORMER.index("Head")
NOD = rotation.from_axis_angle(np.array([1.0, 0.0, 0.0]), 0.4)


def packet(turn: np.ndarray, neck: np.ndarray | None = None) -> Packet:
    rotations = rotation.identity(len(PERFORMER))
    rotations[HEAD] = turn
    if neck is not None:
        rotations[PERFORMER.parents[HEAD]] = neck
    return Packet(0.0, PERFORMER.rest_positions.copy(), rotations)


def world(one: Packet) -> np.ndarray:
    return PERFORMER.globals(one.positions, one.rotations)[1][HEAD]


def test_the_head_looks_where_the_device_does_however_the_neck_is_bent():
    body = packet(rotation.identity(), neck=rotation.from_yaw(0.3))
    shown = heads.with_head(body, PERFORMER, heads.looks(packet(NOD), PERFORMER))
    np.testing.assert_allclose(world(shown), NOD, atol=1e-9)
    np.testing.assert_array_equal(shown.positions, body.positions)
    others = [j for j in range(len(PERFORMER)) if j != HEAD]
    np.testing.assert_array_equal(shown.rotations[others], body.rotations[others])


def test_axes_of_the_other_skeleton_are_of_no_account():
    turned = rotation.from_yaw(1.1)
    other = Skeleton(("Neck", "Head"), np.array([-1, 0]), np.zeros((2, 3)), np.array([turned, NOD]))
    at_rest = Packet(0.0, other.rest_positions.copy(), other.rest_rotations.copy())
    np.testing.assert_allclose(heads.looks(at_rest, other), (0, 0, 0, 1), atol=1e-9)


def test_an_hmds_room_is_turned_and_a_silent_one_is_not_seen():
    assembly = Assembly(Part("suit"), None, HeadPart("hmd", heading_deg=90.0))
    other, body = SimpleNamespace(skeleton=PERFORMER), SimpleNamespace(skeleton=PERFORMER)
    assert not assembly.plain
    assembly.turn_head(0.0, other, [packet(rotation.identity())])
    (shown,) = assembly.packets(0.0, body, [packet(NOD)], None, [])
    np.testing.assert_allclose(world(shown), rotation.from_yaw(math.pi / 2), atol=1e-9)
    (shown,) = assembly.packets(0.5, body, [packet(NOD)], None, [])
    assert not shown.seen[HEAD] and shown.seen.sum() == len(PERFORMER) - 1


def test_a_delay_of_the_head_is_its_own():
    assembly = Assembly(Part("suit"), None, HeadPart("hmd", delay_s=0.1))
    other, body = SimpleNamespace(skeleton=PERFORMER), SimpleNamespace(skeleton=PERFORMER)
    yaws = []
    for n in range(60):
        now_s = n / 60
        one = packet(rotation.from_yaw(now_s))
        one.capture_s = one.tick_s = now_s
        assembly.turn_head(now_s, other, [one])
        (shown,) = assembly.packets(now_s, body, [packet(NOD)], None, [])
        yaws.append(float(rotation.yaw(world(shown))))
    assert yaws[-1] == pytest.approx(59 / 60 - 0.1, abs=1e-3)


@pytest.mark.parametrize("kind", [Kind.PROP, Kind.CAMERA])
def test_a_tracker_or_a_camera_on_a_head_will_do(kind):
    turn = rotation.from_yaw(0.7)
    at = np.array([0.0, 1.7, 0.0])
    if kind is Kind.PROP:
        thing = Prop("hmd", at, turn)
    else:  # looks along its own -Z
        thing = Camera("hmd", at, rotation.multiply(turn, rotation.from_yaw(math.pi)))
    tracked = TrackedHead()
    (one,) = tracked.packets(Stream(kind, thing, "hmd"), 0.0)
    alike = abs(float(heads.looks(one, TRACKER) @ turn))
    assert alike == pytest.approx(1.0)
    thing.state = State.LOST
    assert tracked.packets(Stream(kind, thing, "hmd"), 0.0) == []


def test_a_face_is_shown_so_much_later():
    face = SimpleNamespace(names=("jawOpen",), shown=np.zeros(1, np.float32))
    later = Later(face, 0.1)
    for n in range(60):
        face.shown[0] = n / 60
        later.advance(n / 60)
    assert later.names == ("jawOpen",) and later.shown[0] == pytest.approx(59 / 60 - 0.1, abs=1e-3)


def test_the_flag_says_a_whole_subject():
    table = _subject("ann:body=suit@0.05,hands=gloves/bob,head=hmd@0.02,face=phone@0.1")
    assert isinstance(table, SubjectTable) and table.name == "ann"
    assert table.part("body") == Part("suit", 0.05) and table.part("hands").source == "gloves/bob"
    assert table.part("head") == HeadPart("hmd", 0.02)
    assert table.faces == ["phone"] and table.face_delay_s == 0.1
    assert table.sources == {"suit", "gloves", "hmd", "phone"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ann", "write ann:body"),
        ("ann:feet=suit", "no part"),
        ("ann:body=suit@x", "seconds"),
        ("ann:body=suit@9", "delay_s"),
    ],
)
def test_a_flag_that_cannot_be_is_one_sentence(said, words):
    with pytest.raises(UnderstudyError, match=words):
        _subject(said)


def test_a_head_needs_a_body():
    with pytest.raises(UnderstudyError, match="has head and no body"):
        check_subject(SubjectTable(name="ann", control="pad", head="hmd"), {"pad", "hmd"})
