"""Stages found by mDNS, with nothing but what Blender has: byte by byte, and a real one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.clients.blender.addon import stages
from understudy.runtime.core import discovery, ports


def name(text: str) -> bytes:
    return b"".join(bytes([len(word)]) + word.encode() for word in text.split(".")) + b"\0"


def answer(kind: str = "stage", keys: str = "") -> bytes:
    """What zeroconf answers: the instance's name once, and pointers to it."""
    head = struct.pack(">6H", 0, 0x8400, 0, 1, 0, 3)
    kinds = name(stages.TYPE)
    label = b"\x0dstage on set1"
    ptr = kinds + struct.pack(">2HIH", stages.PTR, 1, 120, len(label) + 2) + label + b"\xc0\x0c"
    instance = struct.pack(">H", 0xC000 | (12 + len(kinds) + 10))
    srv = struct.pack(">3H", 0, 0, 5570) + name("set1.local")
    words = b"".join(
        bytes([len(word)]) + word for word in (f"kind={kind}".encode(), f"keys={keys}".encode())
    )
    return (
        head + ptr
        + instance + struct.pack(">2HIH", stages.SRV, 0x8001, 120, len(srv)) + srv
        + instance + struct.pack(">2HIH", stages.TXT, 0x8001, 120, len(words)) + words
        + name("set1.local") + struct.pack(">2HIH", stages.A, 0x8001, 120, 4) + bytes([10, 0, 0, 5])
    )  # fmt: skip


def test_a_stage_is_read_with_its_port_and_whether_it_asks_for_keys():
    found = stages.stages([(answer(), "10.0.0.5"), (answer("monitor"), "10.0.0.6")])
    assert found == [stages.Stage("stage on set1", "tcp://10.0.0.5:5570", False)]
    assert stages.stages([(answer(keys="1"), "10.0.0.5")])[0].keys


def test_the_question_asks_for_our_service():
    assert stages.question()[12:] == name(stages.TYPE) + bytes([0, 12, 0x80, 1])


@given(st.binary(max_size=200) | st.integers(0, 150).map(lambda n: answer()[:n]))
def test_bad_bytes_find_nobody_and_harm_nothing(data):
    assert isinstance(stages.stages([(data, "10.0.0.5")]), list)
    loop = answer()[:12] + b"\xc0\x0c" * 20
    assert stages.stages([(loop, "10.0.0.5")]) == []


@pytest.mark.slow
def test_a_stage_that_announces_itself_is_found_from_here():
    there = [address for _, address in ports.cards() if not address.startswith("127.")]
    if not there:
        pytest.skip("no card but loopback")
    with discovery.Announcement("stage", f"tcp://{there[0]}:5570", keys="1") as told:
        for _ in range(8):
            found = [one for one in stages.look(1.0) if one.name == told.name]
            if found or told.trouble:
                break
    if told.trouble:
        pytest.skip(f"no multicast here: {told.trouble}")
    assert found and found[0].keys and found[0].address == f"tcp://{there[0]}:5570"
