"""iFacialMocap and Facemotion3d: the developers' pages' own form, both marks, bytes gone bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, ifacialmocap
from understudy.bridge.protocols.livelinkface import ARKIT, CURVES

# The form of ifacialmocap.com/for-developer, and of facemotion3d.net's page.
FIRST = (
    b"mouthSmile_R-20|eyeLookOut_L-0|mouthLeft-5|jawOpen-25|eyeBlink_L-100|browInnerUp-7|"
    b"=head#9.0,-18.0,3.6,0.1,0.2,-0.3|rightEye#1.8,-3.6,0|leftEye#0,0,0|"
)
SECOND = (
    b"mouthSmile_R&20.5|mouthLeft&-5|jawOpen&25|hapihapi&3|"
    b"=head#9.0,-18.0,3.6,0.1,0.2,-0.3|rightEye#1.8,-3.6,0|leftEye#0,0,0|___iFacialMocap"
)


def named(data: bytes) -> dict[str, float]:
    curves = ifacialmocap.decode(data).curves
    return {n: v for n, v in zip(CURVES, curves.tolist(), strict=True) if v}


def test_version_1_reads():
    assert named(FIRST) == pytest.approx({
        "mouthSmileRight": 0.2, "mouthLeft": 0.05, "jawOpen": 0.25, "eyeBlinkLeft": 1.0,
        "browInnerUp": 0.07, "headYaw": 0.1, "headPitch": 0.05, "headRoll": -0.02,
        "rightEyeYaw": 0.02, "rightEyePitch": 0.01,
    })  # fmt: skip
    assert ifacialmocap.decode(FIRST).head_place == (0.1, 0.2, -0.3)


def test_version_2_has_signs_and_what_is_unknown_is_counted():
    assert named(SECOND)["mouthLeft"] == pytest.approx(-0.05)
    assert named(SECOND)["mouthSmileRight"] == pytest.approx(0.205)
    assert ifacialmocap.decode(SECOND).unknown == 1


def test_long_names_read_too():
    assert named(b"eyeBlinkLeft-50|jawOpen&25|") == {"eyeBlinkLeft": 0.5, "jawOpen": 0.25}


@given(st.lists(st.floats(-1, 1, width=32), min_size=61, max_size=61))
def test_a_face_comes_back(values):
    said = dict(zip(CURVES, values, strict=True))
    heard = ifacialmocap.decode(ifacialmocap.encode(said))
    assert heard.unknown == 0
    assert dict(zip(CURVES, heard.curves.tolist(), strict=True)) == pytest.approx(said, abs=1e-5)


def test_version_1_holds_whole_percents():
    heard = ifacialmocap.decode(ifacialmocap.encode({"jawOpen": 0.256, "headYaw": 0.1}, 1))
    assert heard.curves[CURVES.index("jawOpen")] == pytest.approx(0.26)
    assert len(ARKIT) == 52


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "this has none"),
        (b"hello|world", "this has none"),
        (b"jawOpen-x|", "a number in each"),
        (b"jawOpen&nan|", "a number in each"),
        (b"=head#1,2|", "three angles"),
        (b"\xff\xfe", "UTF-8"),
        (b"|" * 500, "fields"),
        (b"a" * 20000, "bytes"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        ifacialmocap.decode(data)


@given(mutations([FIRST, SECOND]))
def test_bad_bytes_are_one_sentence(data):
    survives(ifacialmocap.decode, data)
