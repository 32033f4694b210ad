"""Events on the wire: back as they were, and damage refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.wire.envelope import WireError
from understudy.bridge.wire.events import decode_events, encode_events, publish_ns
from understudy.runtime.core.event import KINDS, Event

words = st.text(max_size=12)
reals = st.floats(-1e3, 1e3, width=32)
times = st.integers(-(2**62), 2**62)
events = st.builds(
    Event,
    *(st.sampled_from(KINDS), words, words, words, words, words, words),
    st.tuples(reals, reals, reals),
    st.tuples(reals, reals, reals),
    *(reals, reals, reals, times, st.integers(0, 2**63)),
)


@given(st.lists(events, max_size=5), st.integers(0, 2**64 - 1), times)
def test_comes_back_as_it_was(told: list[Event], session: int, at_ns: int) -> None:
    message = encode_events(told, session, 7, at_ns)
    assert decode_events(message) == (told, session)
    assert publish_ns(message) == at_ns


@given(st.data())
def test_damage_is_a_sentence_or_leaves_finite_numbers(data: st.DataObject) -> None:
    """Every byte flipped, and every cut: WireError, or events that may be used."""
    whole = encode_events([Event("step", "ann", "left_toe", "floor", speed_mps=0.4)] * 2, 3, 7, 9)
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, max(len(broken) - 1, 0)), max_size=4)):
        if at < len(broken):
            broken[at] ^= data.draw(st.integers(1, 255))
    try:
        told, _ = decode_events(bytes(broken))
    except WireError:
        return
    assert all(event.sound for event in told)


def test_a_number_that_is_none_is_refused() -> None:
    message = encode_events([Event("hit", speed_mps=float(np.float32(3.5)))], 1, 1, 1)
    broken = message.replace(np.float32(3.5).tobytes(), np.float32("nan").tobytes())
    assert broken != message
    with pytest.raises(WireError, match="finite"):
        decode_events(broken)
