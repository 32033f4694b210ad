"""Triggers: what Vicon, OptiTrack, Xsens, Rokoko and Live Link Face say, and whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, capture, osc
from understudy.bridge.protocols.capture import Capture

# In the form that each of them documents.
START = b"""<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<CaptureStart>
 <Name VALUE="12A_003"/><Notes VALUE="she waits"/><Description VALUE=""/>
 <DatabasePath VALUE="C:/Shots/Day 1"/><TimeCode VALUE="10:00:00:12"/><Delay VALUE="33"/>
 <PacketID VALUE="27"/><HostName VALUE="shogun"/><ProcessID VALUE="1201"/>
</CaptureStart>\0"""
STOP = b'<CaptureStop RESULT="SUCCESS"><Name VALUE="12A_003"/><PacketID VALUE="28"/></CaptureStop>'
CANCEL = b'<CaptureStop RESULT="CANCEL"><Name Value="a"/></CaptureStop>'
DONE = b'<CaptureComplete RESULT="SUCCESS"><Name VALUE="12A_003"/></CaptureComplete>'
PHONE = osc.encode("/RecordStart", "12A", 3)
GOLDEN = [START, STOP, CANCEL, DONE, PHONE, osc.encode("/RecordStop")]


def test_each_says_what_it_means():
    said = capture.decode(START)
    assert said == Capture(True, "12A_003", None, "10:00:00:12", "she waits", "", "27")
    assert capture.decode(STOP) == Capture(False, "12A_003", packet="28")
    assert capture.decode(CANCEL) == Capture(False, "a", failed=True)
    assert capture.decode(PHONE) == Capture(True, "12A", 3)
    assert capture.decode(osc.encode("/RecordStop")) == Capture(False)
    assert capture.decode(DONE) is None and capture.decode(osc.encode("/Slate", "x")) is None


@pytest.mark.parametrize(
    ("name", "shot", "take"),
    [
        ("12A_003", "12A", 3),
        ("12A_T004", "12A", 4),
        ("walk take 12", "walk", 12),
        ("Robin-Shot.Take05", "Robin-Shot", 5),
        ("walk", "walk", None),
        ("007", "007", None),
        ("", "", None),
        ("x_0", "x_0", None),
    ],
)
def test_a_name_is_a_shot_and_a_number(name, shot, take):
    assert Capture(True, name).shot == (shot, take)


@pytest.mark.parametrize(
    "said",
    [
        Capture(True, 'a "b" & <c>_002', None, "01:02:03:04", "n", "d", "5"),
        Capture(False, "a", packet="6", failed=True),
    ],
)
def test_what_is_sent_comes_back(said):
    assert capture.decode(capture.encode_xml(said)) == said


def test_osc_carries_shot_and_number():
    heard = capture.decode(capture.encode_osc(Capture(True, "12A_003")))
    assert heard == Capture(True, "12A", 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<CaptureStart>", "cannot be read"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><CaptureStart/>', "declares"),
        (b"<" + b"a" * 20_000, "up to"),
        (b"", "."),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        capture.decode(data)


@given(mutations(GOLDEN) | st.binary(max_size=80))
def test_bad_bytes_are_one_sentence(data):
    survives(capture.decode, data)
