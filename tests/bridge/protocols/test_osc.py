"""OSC: the specification's own examples, python-osc as a peer, and bytes gone bad."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from understudy.bridge.protocols import ProtocolError, osc

# "Open Sound Control Specification 1.0", examples at the end.
FREQUENCY = bytes.fromhex("2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000")
FOO = bytes.fromhex(
    "2f666f6f00000000" "2c69697366660000" "000003e8" "ffffffff" "68656c6c6f000000"
    "3f9df3b6" "40b5b22d"
)  # fmt: skip


def test_the_specifications_examples_read():
    assert osc.decode(FREQUENCY) == [("/oscillator/4/frequency", (440.0,))]
    ((address, said),) = osc.decode(FOO)
    assert address == "/foo"
    assert said[:3] == (1000, -1, "hello")
    assert said[3:] == pytest.approx((1.234, 5.678))


def test_the_specifications_examples_written():
    assert osc.encode("/oscillator/4/frequency", 440.0) == FREQUENCY
    assert osc.encode("/foo", 1000, -1, "hello", 1.234, 5.678) == FOO


def test_a_bundle_of_python_osc_reads_here_and_ours_reads_there():
    builder = OscBundleBuilder(IMMEDIATELY)
    message = OscMessageBuilder("/a/b")
    for value in (1, 2.5, "drei", True, False, b"\1\2\3"):
        message.add_arg(value)
    builder.add_content(message.build())
    inner = OscBundleBuilder(IMMEDIATELY)
    inner.add_content(OscMessageBuilder("/in/side").build())
    builder.add_content(inner.build())
    assert osc.decode(builder.build().dgram) == [
        ("/a/b", (1, 2.5, "drei", True, False, b"\1\2\3")),
        ("/in/side", ()),
    ]
    ours = osc.bundle([osc.encode("/x", 1, 0.5, "zwei"), osc.encode("/y")])
    theirs = OscBundle(ours)
    assert [(m.address, m.params) for m in theirs] == [("/x", [1, 0.5, "zwei"]), ("/y", [])]


arguments = st.lists(
    st.integers(-(2**31), 2**31 - 1)
    | st.floats(width=32, allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20),
    max_size=8,
)


@given(arguments)
def test_what_is_written_reads_the_same_here_and_there(said):
    data = osc.encode("/some/where", *said)
    assert osc.decode(data) == [("/some/where", tuple(said))]
    assert OscMessage(data).params == said


def test_values_that_osc_has_no_room_for_are_refused():
    for value in (2**31, 1e39, "zero\0byte"):
        with pytest.raises(ProtocolError):
            osc.encode("/a", value)


def test_bundles_without_end_are_refused():
    data = osc.encode("/a")
    for _ in range(40):
        data = osc.bundle([data])
    with pytest.raises(ProtocolError, match="nested"):
        osc.decode(data)


GOLDEN = [FREQUENCY, FOO, osc.bundle([FREQUENCY, FOO, osc.bundle([FOO])])]


@given(mutations(GOLDEN) | st.binary(max_size=200))
def test_bad_bytes_are_one_sentence(data):
    survives(osc.decode, data)


@pytest.mark.parametrize("length", [0x7FFFFFFF, -1, 2**31 - 4])
def test_a_promise_of_gigabytes_allocates_nothing(length):
    claim = struct.pack(">i", length)
    takes_little(osc.decode, b"#bundle\0" + bytes(8) + claim + b"/a\0\0")
    takes_little(osc.decode, b"/a\0\0,b\0\0" + claim + b"abcd")
    takes_little(osc.decode, b"/a\0\0," + b"i" * 60_003)
