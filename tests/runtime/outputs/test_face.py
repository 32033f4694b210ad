"""Face curves in the words of each receiver."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from tests.runtime.outputs.things import frame, to
from understudy.bridge.protocols import livelinkface, rokoko
from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.bridge.protocols.vmc import VRM1_NAMES
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs import face
from understudy.runtime.outputs.sender import KNOWN, Output


def wearing(values: dict[str, float], skeleton: Skeleton = PERFORMER, name: str = "Ann"):
    """A subject with these curves."""
    named = replace(skeleton, curve_names=tuple(values))
    curves = np.array(list(values.values()), np.float32)
    return Subject(name, named, Pose.rest(named), curves=curves)


def shown(*subjects: Subject):
    said = frame()
    said.subjects = list(subjects)
    return said


def encoded(line: str, said) -> list[bytes]:
    one = to(line)
    return KNOWN[one.scheme].OUTPUT(one).datagrams(said, 0.0)


def as_live_link(said, line: str = "livelinkface://h") -> dict[str, float]:
    (data,) = encoded(line, said)
    return dict(zip(livelinkface.CURVES, livelinkface.decode(data).curves.tolist(), strict=True))


def as_vmc(said, blend: str) -> dict[str, float]:
    ears = Accumulator()
    (heard,) = [p for d in encoded(f"vmc://h?blend={blend}", said) for p in ears.feed(d)]
    return heard.curves


def test_a_foreign_reader_hears_the_face_through_real_sockets():
    values = {name: i / 60 for i, name in enumerate(ARKIT)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(20)
        with closing(Output(to(f"livelinkface://127.0.0.1:{ears.getsockname()[1]}"))) as output:
            output.offer(shown(wearing(values)), 0.0)
            output.send_due(0.0)
        ok, heard = PyLiveLinkFace.decode(ears.recv(4096))
    assert ok and heard.name == "Ann"
    for name, value in values.items():
        there = getattr(FaceBlendShape, name[0].upper() + name[1:])
        assert heard.get_blendshape(there) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("spelled", [str.lower, str.upper, lambda n: n[0].upper() + n[1:]])
def test_names_are_found_in_any_case(spelled):
    heard = as_live_link(shown(wearing({spelled("jawOpen"): 0.75, "antennaLeft": 1.0})))
    assert heard["jawOpen"] == 0.75
    assert sum(map(abs, heard.values())) == pytest.approx(0.75)


def test_the_head_turns_by_its_curves_or_else_by_the_pose():
    one = wearing({"jawOpen": 0.5, "headYaw": 0.25})
    one.pose.rotations[PERFORMER.index("Head")] = rotation.from_yaw(0.5)
    assert as_live_link(shown(one))["headYaw"] == 0.25
    one.curves[1] = 0.0  # a phone that sends no turn sends zeros
    assert as_live_link(shown(one))["headYaw"] == pytest.approx(0.5 / np.pi)


def test_a_face_without_a_body_is_sent():
    alone = Skeleton(("head",), np.array([-1]), np.zeros((1, 3)))
    bob = wearing({"jawOpen": 0.5}, alone, "Bob")
    ann = Subject("Ann", PERFORMER, Pose.rest(PERFORMER))
    assert as_live_link(shown(ann, bob))["jawOpen"] == 0.5  # who has a face comes first
    assert as_live_link(shown(ann, bob), "livelinkface://h?subject=Ann")["jawOpen"] == 0.0
    (data,) = encoded("livelinkface://h", shown(ann, bob))
    assert livelinkface.decode(data).subject == "Bob"


def test_vmc_sends_names_as_they_are_unless_told():
    said = shown(wearing({"browInnerUp": 0.25, "Fcl_ALL_Joy": 0.5}))
    assert as_vmc(said, "names") == {"browInnerUp": 0.25, "Fcl_ALL_Joy": 0.5}
    assert as_vmc(said, "perfectsync") == {"BrowInnerUp": 0.25, "Fcl_ALL_Joy": 0.5}
    said = shown(wearing({"BROWINNERUP": 0.25}))
    assert as_vmc(said, "arkit") == {"browInnerUp": 0.25}


def test_arkit_becomes_the_clips_that_every_vrm_has():
    shapes = dict.fromkeys(ARKIT, 0.0) | {
        "jawOpen": 0.5, "eyeBlinkLeft": 1.0, "mouthSmileLeft": 1.0, "mouthSmileRight": 0.5,
    }  # fmt: skip
    heard = as_vmc(shown(wearing(shapes)), "vrm0")
    assert heard["A"] == 0.5 and heard["Blink_L"] == 1.0 and heard["Blink_R"] == 0.0
    assert heard["Joy"] == 0.75
    assert heard.keys() <= VRM1_NAMES.keys()
    heard = as_vmc(shown(wearing(shapes)), "vrm1")
    assert heard["aa"] == 0.5 and heard["happy"] == 0.75
    assert heard.keys() <= set(VRM1_NAMES.values())


def test_clips_are_renamed_and_say_it_better_than_what_is_made_of_shapes():
    said = shown(wearing({"A": 0.125, "jawOpen": 0.5, "blinkLeft": 0.25, "Tail": 1.0}))
    assert as_vmc(said, "vrm0") == {"A": 0.125, "Blink_L": 0.25, "Tail": 1.0}
    assert as_vmc(said, "vrm1") == {"aa": 0.125, "blinkLeft": 0.25, "Tail": 1.0}


def test_nobody_without_a_face_gets_one():
    said = shown(Subject("Ann", PERFORMER, Pose.rest(PERFORMER)))
    assert all(as_vmc(said, blend) == {} for blend in face.BLENDS)
    (data,) = encoded("rokoko://h", said)
    (actor,) = json.loads(data)["scene"]["actors"]
    assert actor["meta"]["hasFace"] is False and "face" not in actor


def test_rokoko_has_faces_in_hundredths_with_an_id():
    said = shown(wearing({"JawOpen": 0.3333, "Joy": 1.0}), wearing({"A": 1.0}, name="Bob"))
    (data,) = encoded("rokoko://h", said)
    ann, bob = json.loads(data)["scene"]["actors"]
    assert ann["meta"]["hasFace"] is True
    assert ann["face"].pop("faceId") == "Ann"
    assert list(ann["face"]) == list(ARKIT)
    assert ann["face"]["jawOpen"] == 33.33 and ann["face"]["mouthClose"] == 0.0
    assert bob["meta"]["hasFace"] is False  # VRM's clips are none of its shapes
    heard = rokoko.decode(data).actors
    assert heard[0].face["jawOpen"] == pytest.approx(0.3333) and heard[1].face == {}


@given(
    names=st.lists(st.sampled_from([*ARKIT, *VRM1_NAMES, "x", "Jawopen"]), unique=True),
    value=st.floats(0.0, 1.0, width=32),
    blend=st.sampled_from(face.BLENDS),
)
def test_whatever_curves_there_are_values_stay_in_bounds(names, value, blend):
    one = wearing(dict.fromkeys(names, value))
    said = face.blend(one, blend)
    assert all(0.0 <= v <= 1.0 for v in said.values())
    assert face.curves(one).shape == (61,) and np.isfinite(face.curves(one)).all()
