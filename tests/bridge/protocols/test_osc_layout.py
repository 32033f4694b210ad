"""Packets that are laid out as those before: the same messages, by one step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.runtime.simulators.test_device import clip
from understudy.bridge.protocols import ProtocolError, osc, vmc
from understudy.bridge.protocols.osc_layout import Layouts
from understudy.runtime.simulators.device import DEVICES, Performance

FRAMES = [DEVICES["vmc"].made().datagrams(Performance(clip()).frame(n), n / 60.0) for n in range(3)]


def learned(packet: bytes) -> Layouts:
    layouts = Layouts()
    layouts.learn(packet, vmc.read(packet)[0])
    return layouts


def test_the_next_frame_of_a_stream_is_read_as_the_one_before():
    for first, second in zip(FRAMES[0], FRAMES[1], strict=True):
        found = learned(first).read(second)
        assert found == vmc.read(second)[0] and found


def test_a_name_a_whole_number_or_a_type_that_is_another_is_read_anew():
    for one in (
        osc.encode("/VMC/Ext/Bone/Pos", "Hipz", *[0.5] * 7),
        osc.encode("/VMC/Ext/Bone/Pox", "Hips", *[0.5] * 7),
        osc.encode("/VMC/Ext/Bone/Pos", "Hips", *[0.5] * 6, 1),
        osc.encode("/VMC/Ext/Bone/Pos", "Hips", *[0.5] * 6, float("nan")),
        osc.encode("/VMC/Ext/Bone/Pos", "Hips", *[0.5] * 6, float("inf")),
    ):
        known = learned(osc.encode("/VMC/Ext/Bone/Pos", "Hips", *[0.25] * 7))
        assert known.read(one) is None
    assert learned(osc.encode("/VMC/Ext/OK", 1)).read(osc.encode("/VMC/Ext/OK", 0)) is None


@given(st.data())
def test_whatever_comes_it_says_what_reading_says_or_nothing(data):
    packet = data.draw(st.sampled_from(FRAMES[0]))
    other = data.draw(mutations([packet, *FRAMES[1]]))
    found = learned(packet).read(other)
    if found is None:
        return
    try:
        wanted, fault = vmc.read(other)
    except ProtocolError as error:
        raise AssertionError(f"read what is none: {error}") from None
    assert fault == "" and len(found) == len(wanted)
    for one, two in zip(found, wanted, strict=True):
        assert one.address == two.address and len(one.arguments) == len(two.arguments)
        assert all(a == b or np.isclose(a, b) for a, b in zip(one.arguments, two.arguments))
