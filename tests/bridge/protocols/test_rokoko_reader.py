"""Rokoko's JSON as Studio sends it: v3 and v2, LZ4, fingers, parts of bodies, bytes gone bad."""

from __future__ import annotations

import json
import re

import lz4.frame
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from tests.bridge.protocols.test_rokoko import faced, scene
from understudy.bridge.protocols import ProtocolError, rokoko, rokoko_reader
from understudy.runtime.core import rotation


def bone(w: float, x: float, y: float, z: float, at=(0.0, 1.0, 0.0)) -> dict:
    return {
        "position": dict(zip("xyz", at)),
        "rotation": {"w": w, "x": x, "y": y, "z": z},
    }


# As Studio's T-pose has them (w x y z, from the list of Rokoko's own add-on).
FINGERS = {
    "leftThumbProximal": (-0.0923, -0.56098, -0.70106, 0.43046),
    "leftThumbDistal": (-0.2706, -0.65328, -0.65328, 0.2706),
    "leftIndexMedial": (-0.5, -0.5, -0.5, 0.5),
    "rightThumbProximal": (0.0923, 0.56099, -0.70106, 0.43046),
    "rightLittleDistal": (0.5, 0.5, -0.5, 0.5),
}
BODY = {"hip": bone(1.0, 0.0, 0.0, 0.0, (0.5, 0.9, 0.2)), "spine": bone(0.0, 0.0, 0.0, 1.0)}
V3 = {
    "version": 3.0,
    "fps": 60.0,
    "scene": {
        "timestamp": 12.5,
        "actors": [
            {
                "name": "Ann",
                "color": [1, 2, 3],
                "meta": {"hasGloves": True, "hasBody": True, "hasFace": True},
                "dimensions": {"totalHeight": 1.7, "hipHeight": 0.92},
                "body": BODY | {name: bone(*turn) for name, turn in FINGERS.items()},
                "face": {"faceId": "1", "jawOpen": 50.0, "mouthLeft": -10},
            }
        ],
        "characters": [],
        "props": [{"name": "sword", "color": [0, 0, 0], "type": 2, **bone(1, 0, 0, 0, (1, 2, 3))}],
    },
}
V2 = {
    "version": 2,
    "timestamp": 3.25,
    "playbackTimestamp": 0,
    "props": [],
    "trackers": [],
    "faces": [{"faceId": "x", "profileName": "ann", "version": 1, "timestamp": 7, "jawOpen": 25}],
    "actors": [{"name": "Ann", "id": "7", "profileName": "ann", "isLive": True, **BODY}],
}


def text(data: dict) -> bytes:
    return json.dumps(data).encode()


@pytest.mark.parametrize("packed", [False, True])
def test_version_3_reads_plain_and_packed(packed):
    data = lz4.frame.compress(text(V3)) if packed else text(V3)
    heard = rokoko_reader.read(data)
    (ann,) = heard.performers
    assert (heard.version, heard.time_s, ann.name, ann.hip_height_m) == (3, 12.5, "Ann", 0.92)
    assert ann.bones[:2] == ("hip", "spine") and set(FINGERS) <= set(ann.bones)
    np.testing.assert_allclose(ann.positions[0], (-0.5, 0.9, 0.2))
    # A T-pose adds nothing, of fingers neither.
    assert np.degrees(rotation.angle_between(ann.turns, rotation.identity())).max() < 0.01
    assert ann.face == pytest.approx({"jawOpen": 0.5, "mouthLeft": -0.1}) and ann.gloves
    assert heard.props[0].name == "sword"
    np.testing.assert_allclose(heard.props[0].position, (-1, 2, 3))


@pytest.mark.parametrize("version", [2, "2,5", 3])
def test_version_2_reads_under_both_of_its_numbers(version):
    heard = rokoko_reader.read(text(V2 | {"version": version}))
    (ann,) = heard.performers
    assert (heard.version, heard.time_s, ann.name, ann.bones) == (2, 3.25, "Ann", ("hip", "spine"))
    assert ann.face == {"jawOpen": 0.25}


def test_a_face_of_version_2_without_a_body_is_a_performer():
    heard = rokoko_reader.read(text(V2 | {"actors": []}))
    (alone,) = heard.performers
    assert (alone.name, alone.bones, alone.has_body) == ("ann", (), False)
    assert alone.positions.shape == (0, 3)


def test_what_our_output_sends_reads():
    said = faced()
    (actor,) = rokoko_reader.read(rokoko.encode(said, packed=True)).performers
    assert actor.bones == tuple(b for b in rokoko_reader.PARENTS if b in rokoko.BONES)
    order = [list(rokoko.BONES).index(name) for name in actor.bones]
    np.testing.assert_allclose(actor.positions, said.actors[0].positions[order], atol=1e-4)
    assert actor.face == pytest.approx({"jawOpen": 0.25, "tongueOut": 1.0})


def test_a_bone_that_is_null_is_not_there():
    data = json.loads(text(V3))
    data["scene"]["actors"][0]["body"]["spine"] = None
    (ann,) = rokoko_reader.read(text(data)).performers
    assert "spine" not in ann.bones and "hip" in ann.bones


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "Not Rokoko's JSON"),
        (b'{"version":1,"scene":{}}', "versions 2 and 3"),
        (b'{"version":3}', "has a scene"),
        (lz4.frame.compress(b"x" * 100)[:-8], "cut"),
        (lz4.frame.compress(b"0" * (2 << 20)), "more than"),
        (rokoko_reader.MAGIC + b"\xff" * 20, "LZ4"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        rokoko_reader.read(data)


GOLDEN = [
    text(V3), text(V2), lz4.frame.compress(text(V3)), rokoko.encode(scene(), packed=True),
]  # fmt: skip


@given(mutations(GOLDEN) | st.binary(max_size=80).map(lambda b: rokoko_reader.MAGIC + b))
def test_bad_bytes_are_one_sentence(data):
    survives(rokoko_reader.read, data)


def test_deep_nesting_takes_little():
    takes_little(rokoko_reader.read, b'{"version":3,"trackers":' + b"[" * 50000)


def test_numbers_that_come_as_texts_are_numbers():
    """As rokoko-studio-live-blender's issue 100 has them."""
    data = json.dumps(V3).encode()
    texts = re.sub(rb'"w": (-?[\d.]+)', rb'"w": "\1"', data)
    assert texts != data
    one, two = (rokoko_reader.read(d).performers[0] for d in (data, texts))
    np.testing.assert_array_equal(one.turns, two.turns)
    with pytest.raises(ProtocolError):
        rokoko_reader.read(re.sub(rb'"w": (-?[\d.]+)', rb'"w": "nan"', data, count=1))
