"""Damaged messages of every kind: refused or read, never a crash, a hang or growth."""

from __future__ import annotations

import importlib.util
import os
import re
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator

import msgspec
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.bridge import ControlServer
from understudy.bridge.control import REQUESTS_A_TICK
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame, decode_skeletons
from understudy.bridge.wire.envelope import WireError

from .golden import FRAMES, KNOWN, REQUESTS, SKELETONS, is_finite

PATIENCE_S = 20.0
# Ten minutes by default; a quick look needs fewer.
FUZZ_SECONDS = float(os.environ.get("UNDERSTUDY_FUZZ_SECONDS", "600"))
WORDS = [0, 1, 4, 8, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FC00000, 0x7F800000]


@st.composite
def damaged(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """A sound message with a few bytes or words of another kind; perhaps cut, grown or spliced."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                data[at : at + 4] = struct.pack("<I", draw(st.sampled_from(WORDS)))
            case 2:
                del data[at : at + draw(st.integers(1, 64))]
            case 3:
                other = draw(st.sampled_from(sound))
                data[at:] = other[draw(st.integers(0, len(other))) :]
            case 4:
                data[at:at] = draw(st.binary(max_size=16))
    return bytes(data)


def survived(message: bytes) -> bool:
    """Whether the message could be read; anything but our own errors fails the test."""
    try:
        if message[:4] == b"SKEL":
            decode_skeletons(message)
        else:
            assert is_finite(decode_frame(message, KNOWN)[0])
    except (WireError, UnknownSkeleton):
        return False
    return True


def test_the_golden_messages_are_sound():
    assert all(survived(message) for message in FRAMES + SKELETONS)


@given(damaged(FRAMES + SKELETONS))
@settings(max_examples=1000, deadline=None)
def test_a_damaged_message_raises_nothing_but_our_own_errors(message):
    survived(message)


@given(st.lists(damaged(FRAMES + SKELETONS), min_size=20, max_size=20))
@settings(max_examples=5, deadline=None)
def test_damaged_messages_leave_no_memory_behind(messages):
    for message in messages:
        survived(message)  # what is kept once, such as layouts of tables, is no growth
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            for message in messages:
                survived(message)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()


class Wire:
    """A control server and a raw peer of it."""

    def __init__(self) -> None:
        self.server = ControlServer("tcp://127.0.0.1:*")
        self.peer = zmq.Context.instance().socket(zmq.DEALER)
        self.peer.linger = 0
        self.peer.connect(self.server.address)

    def read(self, count: int) -> list:
        """Polls as a stage does, until so many more were counted."""
        server, asked = self.server, []
        until = server.requests + server.malformed + count
        deadline = time.monotonic() + PATIENCE_S
        while server.requests + server.malformed < until:
            assert time.monotonic() < deadline, "the server hangs"
            asked += server.poll()
        return asked

    def close(self) -> None:
        self.peer.close()
        self.server.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    one = Wire()
    yield one
    one.close()


@given(st.lists(st.lists(damaged(REQUESTS), min_size=1, max_size=3), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_damaged_requests_over_the_socket_are_counted_and_a_sound_one_is_answered(wire, requests):
    assert len(requests) < REQUESTS_A_TICK
    for parts in requests:
        wire.peer.send_multipart(parts)
    for request in wire.read(len(requests)):
        # What reads as a request is one: its reply can be sent.
        wire.server.reply(request, error="not now")
    wire.peer.send(msgspec.msgpack.encode({"op": "ping", "number": 4711}))
    wire.read(1)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert wire.peer.poll(max(0.0, deadline - time.monotonic()) * 1e3), "no answer"
        # One part, or two where the request looked like a REQ socket's.
        reply = msgspec.msgpack.decode(wire.peer.recv_multipart()[-1])
        if reply["number"] == 4711 and not reply["error"]:
            break
        assert reply["error"] or reply["op"] in ("hello", "ping")
    assert reply["result"]["stage_ns"] > 0


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="no atheris: pip install atheris"
)
def test_atheris_finds_no_crash_no_slow_input_and_no_growth(root, tmp_path):
    """Coverage-guided, in a child: libFuzzer ends it on a crash, a hang or too much memory."""
    corpus, artefacts = tmp_path / "corpus", tmp_path / "artefacts"
    corpus.mkdir()
    artefacts.mkdir()
    options = (
        *("-timeout=30", "-rss_limit_mb=512", "-max_len=4096", "-print_final_stats=1"),
        f"-max_total_time={FUZZ_SECONDS:.0f}",
        f"-artifact_prefix={artefacts}/",
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.bridge.wire.fuzz_target", str(corpus), *options],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=FUZZ_SECONDS + 240,
    )
    found = [file.read_bytes().hex() for file in artefacts.iterdir()]
    assert (done.returncode, found) == (0, []), done.stderr[-4000:]
    begin, end = (
        int(re.search(rf"{word}.*rss: (\d+)Mb", done.stderr)[1]) for word in ("INITED", "DONE")
    )
    assert end - begin < 100, f"{begin} MB became {end} MB"
    runs = int(re.search(r"number_of_executed_units: (\d+)", done.stderr)[1])
    slowest_s = int(re.search(r"slowest_unit_time_sec: +(\d+)", done.stderr)[1])
    assert slowest_s <= 1
    assert runs > 100 * FUZZ_SECONDS
    print(f"{runs} inputs in {FUZZ_SECONDS:.0f} s, {begin} to {end} MB")
