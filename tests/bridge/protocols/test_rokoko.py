"""Rokoko JSON v3: the T-pose that Studio sends, what the add-on reads, bytes gone bad."""

from __future__ import annotations

import json

import lz4.frame
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, rokoko
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER

COUNT = len(rokoko.BONES)
NAMES = list(rokoko.BONES)


def scene(turns=None) -> rokoko.Scene:
    still = np.tile(rotation.identity(), (COUNT, 1)) if turns is None else turns
    positions = np.arange(3.0 * COUNT).reshape(COUNT, 3) / 16
    prop = rokoko.Thing("sword", np.array([1.0, 2.0, 3.0]), rotation.from_yaw(0.5))
    return rokoko.Scene(1.25, 60.0, [rokoko.Actor("Ann", positions, still)], [prop])


# w x y z of the T-pose in Studio, as Rokoko's add-on for Blender lists it (its own signs).
STUDIO = {
    "hip": (-1.0, 0.0, 0.0, 0.0),
    "head": (0.0, 0.0, 0.0, -1.0),
    "leftShoulder": (-0.70711, 0.0, 0.0, 0.70711),
    "leftHand": (-0.5, -0.5, -0.5, 0.5),
    "rightShoulder": (0.70711, 0.0, 0.0, 0.70711),
    "rightUpperArm": (0.5, 0.5, -0.5, 0.5),
    "leftUpLeg": (0.70711, 0.0, 0.70711, 0.0),
    "rightLeg": (0.70711, 0.0, -0.70711, 0.0),
    "leftFoot": (0.0, 0.0, 0.70711, -0.70711),
    "rightToe": (0.0, 0.0, -0.70711, 0.70711),
}


def test_a_t_pose_is_studios_t_pose():
    body = json.loads(rokoko.encode(scene()))["scene"]["actors"][0]["body"]
    for bone, (w, x, y, z) in STUDIO.items():
        sent = np.array([body[bone]["rotation"][axis] for axis in "xyzw"])
        assert abs(np.dot(sent, [x, y, z, w])) == pytest.approx(1.0, abs=1e-4), bone


def test_bones_lie_along_their_own_minus_y():
    """So that the reference rotations are those of a body that stands as ours does."""
    world, _ = PERFORMER.rest_globals
    data = json.loads(rokoko.encode(scene()))["scene"]["actors"][0]["body"]
    chains = [
        ("leftUpperArm", "LeftArm", "LeftForeArm"),
        ("rightLowerArm", "RightForeArm", "RightHand"),
        ("leftUpLeg", "LeftUpLeg", "LeftLeg"),
        ("spine", "Spine", "Neck"),
    ]
    for bone, joint, child in chains:
        q = np.array([data[bone]["rotation"][axis] for axis in "xyzw"])
        along = rotation.rotate(q, np.array([0.0, -1.0, 0.0])) * [-1.0, 1.0, 1.0]
        rest = rotation.normalize(world[PERFORMER.index(child)] - world[PERFORMER.index(joint)])
        assert np.dot(along, rest) > 0.99, bone


def test_it_has_what_the_add_on_reads():
    data = json.loads(rokoko.encode(scene()))
    assert str(data["version"]).split(",")[0] == "3"
    assert data["fps"] == 60.0
    assert data["scene"]["timestamp"] == 1.25
    (actor,) = data["scene"]["actors"]
    assert actor["name"] == "Ann"
    assert actor["meta"] == {
        "hasGloves": False, "hasLeftGlove": False, "hasRightGlove": False,
        "hasBody": True, "hasFace": False,
    }  # fmt: skip
    assert actor["dimensions"]["hipHeight"] > 0
    # Left is +X here and -X in Studio.
    assert actor["body"]["spine"]["position"] == {"x": -0.1875, "y": 0.25, "z": 0.3125}
    assert data["scene"]["props"][0]["position"] == {"x": -1.0, "y": 2.0, "z": 3.0}


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=COUNT, max_size=COUNT))
def test_a_body_comes_back(turns):
    said = scene(rotation.from_rotation_vector(np.array(turns)))
    heard = rokoko.decode(rokoko.encode(said))
    assert (heard.time_s, heard.rate_hz, heard.actors[0].name) == (1.25, 60.0, "Ann")
    assert np.allclose(heard.actors[0].positions, said.actors[0].positions, atol=1e-4)
    assert rotation.angle_between(heard.actors[0].turns, said.actors[0].turns).max() < 2e-4
    assert np.allclose(heard.props[0].rotation, said.props[0].rotation, atol=1e-4)


def test_more_than_a_datagram_is_refused():
    many = scene()
    many.actors = many.actors * 40
    with pytest.raises(ProtocolError, match="40 actors"):
        rokoko.encode(many)


def faced() -> rokoko.Scene:
    one = scene()
    one.actors[0].face = {"jawOpen": 0.25, "tongueOut": 1.0}
    return one


def test_a_face_comes_back():
    (actor,) = rokoko.decode(rokoko.encode(faced())).actors[:1]
    assert actor.face == pytest.approx({"jawOpen": 0.25, "tongueOut": 1.0})


GOLDEN = [rokoko.encode(scene()), rokoko.encode(faced())]


@given(mutations(GOLDEN))
def test_bad_bytes_are_one_sentence(data):
    survives(rokoko.decode, data)


def test_an_lz4_frame_holds_the_same_json():
    scene = rokoko.Scene(1.0, 60.0)
    packed = rokoko.encode(scene, packed=True)
    assert packed[:4] == b"\x04\x22\x4d\x18"  # the magic number of an LZ4 frame
    assert lz4.frame.decompress(packed) == rokoko.encode(scene)
