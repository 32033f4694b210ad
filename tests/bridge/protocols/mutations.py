"""Good bytes gone bad: cut, flipped, swapped, stretched, with lengths that promise too much."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from understudy.bridge.protocols import ProtocolError

# What a decoder may take beyond the datagram itself; the interpreter's own noise included.
MOST_BYTES = 2 << 20


@st.composite
def mutations(draw: st.DrawFn, golden: list[bytes]) -> bytes:
    """One of the datagrams, changed a few times over."""
    data = bytearray(draw(st.sampled_from(golden)))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 6)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del data[at:]
            case 3:
                del data[at : at + draw(st.integers(1, 16))]
            case 4:
                data[at:at] = draw(st.binary(min_size=1, max_size=16))
            case 5:  # a length or a count that promises everything
                data[at : at + 4] = draw(st.sampled_from([b"\x7f\xff\xff\xff", b"\xff" * 4]))
            case 6:
                data += data[at : at + draw(st.integers(1, 64))]
    return bytes(data)


def survives(decode: Callable[[bytes], Any], data: bytes) -> None:
    """A value or the one error; anything else is a bug."""
    try:
        decode(data)
    except ProtocolError as error:
        assert str(error).endswith("."), error
        assert "\n" not in str(error)


def takes_little(decode: Callable[[bytes], Any], data: bytes) -> None:
    """`survives`, and the memory it takes on the way is bounded."""
    tracemalloc.start()
    try:
        survives(decode, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES, f"{peak} bytes for a datagram of {len(data)}"
