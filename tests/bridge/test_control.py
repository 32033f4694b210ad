"""The side channel: what is asked, what is answered, what is refused."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from understudy.bridge import ControlClient, ControlServer, requests
from understudy.bridge.control import REQUESTS_A_TICK
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.processes import free_ports

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 20.0


@pytest.fixture
def server() -> Iterator[ControlServer]:
    with ControlServer(ANYWHERE) as one:
        yield one


@contextmanager
def answering(server: ControlServer, **answers) -> Iterator[list]:
    """A stage that polls and gives these answers; the list holds what was asked."""
    asked: list = []
    done = threading.Event()

    def loop() -> None:
        while not done.is_set():
            for request in server.poll():
                asked.append(request)
                if request.op != "pad":
                    server.reply(request, **answers)
            done.wait(0.001)

    stage = threading.Thread(target=loop)
    stage.start()
    try:
        yield asked
    finally:
        done.set()
        stage.join()


@contextmanager
def raw(server: ControlServer, kind: int = zmq.DEALER) -> Iterator[zmq.Socket]:
    with zmq.Context.instance().socket(kind) as socket:
        socket.linger = 0
        socket.connect(server.address)
        yield socket


def collect(server: ControlServer, count: int) -> list:
    """Polls until so many requests were read or refused."""
    asked: list = []
    deadline = time.monotonic() + PATIENCE_S
    while server.requests + server.malformed < count:
        assert time.monotonic() < deadline, "waited in vain"
        asked += server.poll()
    return asked


def test_hello_tells_the_versions(server):
    with answering(server), ControlClient(server.address) as client:
        told = client.hello("test")
    assert told.pop("may") == ["listen", "steer", "record"]
    assert told == {"understudy": "0.1.0", "schema": 1, "control": 1}


def test_ping_and_clock_find_the_stage_clock(server):
    with answering(server), ControlClient(server.address) as client:
        before = time.monotonic_ns()
        assert before <= client.ping() <= time.monotonic_ns()
        clock = client.clock()
        # One machine, one clock: the true offset is 0 and lies within the stated error.
        assert abs(clock.offset_ns) <= clock.error_ns


def test_a_pad_arrives_whole_and_unanswered(server):
    with ControlClient(server.address) as client:
        deadline = time.monotonic() + PATIENCE_S
        while not client.send_pad((0.5, -1), (0, 0.25), {"run", "jump"}, 1.5, 77, "Ann"):
            assert time.monotonic() < deadline
        (pad,) = collect(server, 1)
    assert pad.op == "pad"
    assert (pad.left_stick, pad.right_stick) == ((0.5, -1.0), (0.0, 0.25))
    assert (pad.buttons, pad.camera_heading_rad) == (["jump", "run"], 1.5)
    assert (pad.capture_ns, pad.subject) == (77, "Ann")


def test_a_pad_for_nobody_is_not_kept():
    # Not a closed server's address: libzmq lets go of a port a moment after close.
    with ControlClient(f"tcp://127.0.0.1:{free_ports(1)[0]}") as client:
        assert not any(client.send_pad((0.0, 1.0)) for _ in range(100))


def test_stats_with_numpy_numbers_come_back(server):
    figures = {"late": np.int64(3), "ms": {"tick": np.float32(0.5)}, "none": None}
    with answering(server, stats=figures), ControlClient(server.address) as client:
        assert client.stats() == {"late": 3, "ms": {"tick": 0.5}, "none": None}


def test_recording_starts_and_stops(server):
    with answering(server, recording="a.bvh") as asked, ControlClient(server.address) as client:
        assert client.record(True, "a.bvh", slate="12A") == {"recording": "a.bvh"}
        client.record(False)
        client.stop()
    assert [(r.op, getattr(r, "start", None)) for r in asked] == [
        ("record", True),
        ("record", False),
        ("stop", None),
    ]
    assert (asked[0].path, asked[0].slate) == ("a.bvh", "12A")


def test_a_style_names_subject_and_traits_and_the_reply_has_what_holds(server):
    with answering(server, style={"Ann": {"energy": 0.5}}) as asked:
        with ControlClient(server.address) as client:
            assert client.style("Ann", energy=0.5) == {"Ann": {"energy": 0.5}}
            assert client.style() == {"Ann": {"energy": 0.5}}
            assert client.send_style("Ann", energy=-1.0)
            deadline = time.monotonic() + PATIENCE_S
            while len(asked) < 3 and time.monotonic() < deadline:
                time.sleep(0.001)
    assert [(a.subject, a.traits) for a in asked] == [
        ("Ann", {"energy": 0.5}),
        ("", {}),
        ("Ann", {"energy": -1.0}),
    ]
    assert server.refused == 0


@pytest.mark.parametrize("traits", [{"energy": 1.5}, {"energy": "much"}, {"energy": None}, [1]])
def test_a_style_out_of_range_is_counted_and_answered_with_an_error(server, traits):
    with raw(server) as socket:
        socket.send(msgspec.msgpack.encode({"op": "style", "traits": traits}))
        deadline = time.monotonic() + PATIENCE_S
        while not server.malformed and time.monotonic() < deadline:
            assert server.poll() == []
        assert socket.poll(int(PATIENCE_S * 1e3))
        assert msgspec.msgpack.decode(socket.recv())["error"]
    assert server.malformed == 1


def test_what_the_stage_refuses_is_counted(server):
    with answering(server, error="No."), ControlClient(server.address) as client:
        for _ in range(3):
            with pytest.raises(UnderstudyError, match="No"):
                client.stats()
    assert (server.refused, server.malformed) == (3, 0)


def test_an_error_of_the_stage_is_raised_as_its_sentence(server):
    with answering(server, error="The disk is full."), ControlClient(server.address) as client:
        with pytest.raises(UnderstudyError, match=r"^The disk is full\.$"):
            client.record(True, "a.bvh")


def test_no_stage_is_one_sentence(server):
    server.close()
    with ControlClient(server.address, timeout_s=0.1) as client:
        with pytest.raises(UnderstudyError, match="understudy stage"):
            client.hello()


def test_a_late_answer_is_not_taken_for_the_next(server):
    with ControlClient(server.address, timeout_s=0.05) as client:
        with pytest.raises(UnderstudyError):
            client.stats()  # nobody polls yet
        client.timeout_s = PATIENCE_S
        with answering(server, stats={"a": 1}):
            assert client.hello()["control"] == 1
            assert client.stats() == {"a": 1}


REFUSED = [
    b"",
    b"\xc1",
    os.urandom(300),
    msgspec.msgpack.encode([1, 2]),
    msgspec.msgpack.encode({"op": "dance"}),
    msgspec.msgpack.encode({"op": "record"}),
    msgspec.msgpack.encode({"op": "record", "start": "yes"}),
    msgspec.msgpack.encode({"op": "pad", "left_stick": [2.0, 0.0]}),
    msgspec.msgpack.encode({"op": "pad", "left_stick": [0.0]}),
    msgspec.msgpack.encode({"op": "pad", "left_stick": [float("nan"), 0.0]}),
    msgspec.msgpack.encode({"op": "pad", "camera_heading_rad": float("inf")}),
    msgspec.msgpack.encode({"op": "place_subject", "name": "a", "heading_deg": float("nan")}),
    msgspec.msgpack.encode(
        {"op": "camera", "name": "a", "position": [0, 0, float("-inf")], "rotation": [0, 0, 0, 1]}
    ),
    msgspec.msgpack.encode({"op": "pad", "capture_ns": 2**64 - 1}),
    msgspec.msgpack.encode({"op": "pad", "buttons": ["x"] * 1000}),
    msgspec.msgpack.encode({"op": "ping", "number": 2**64 - 1}),
    b"\x91" * 5000 + b"\x01",
]


def floats(kind: inspect.Type) -> Iterator[inspect.FloatType]:
    """Every float that a message of this type may hold."""
    if isinstance(kind, inspect.FloatType):
        yield kind
    parts = [
        *(f.type for f in getattr(kind, "fields", ())),
        *getattr(kind, "types", ()),
        *getattr(kind, "item_types", ()),
        *(
            getattr(kind, name)
            for name in ("type", "item_type", "value_type")
            if hasattr(kind, name)
        ),
    ]
    for part in parts:
        yield from floats(part)


def test_every_number_has_bounds_so_that_only_finite_ones_pass():
    found = list(floats(inspect.type_info(requests.AnyRequest)))
    assert len(found) > 10
    for number in found:
        assert number.ge is not None or number.gt is not None
        assert number.le is not None or number.lt is not None


@pytest.mark.parametrize("content", REFUSED)
def test_what_cannot_be_read_is_counted_and_answered_with_an_error(server, content):
    with raw(server) as socket:
        socket.send(content)
        assert collect(server, 1) == []
        assert server.malformed == 1
        assert socket.poll(PATIENCE_S * 1e3)
        assert msgspec.msgpack.decode(socket.recv())["error"]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[ControlServer]:
    with ControlServer(ANYWHERE) as one:
        yield one


@given(content=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_the_server_raise(fuzzed, content):
    before = fuzzed.malformed
    fuzzed._read([b"peer", content])
    fuzzed._read([b"peer", b"", content])
    fuzzed._read([b"peer", b"x", content, content])
    fuzzed._read([content])
    assert fuzzed.malformed >= before + 2


def test_unknown_fields_are_left_alone_for_clients_newer_than_the_stage(server):
    with raw(server) as socket:
        socket.send(msgspec.msgpack.encode({"op": "stats", "colour": "red"}))
        (request,) = collect(server, 1)
    assert request.op == "stats"


def test_nobody_can_speak_for_another_peer(server):
    with raw(server) as socket:
        socket.send(msgspec.msgpack.encode({"op": "stats", "peer": [b"someone"]}))
        (request,) = collect(server, 1)
        assert request.peer != (b"someone",)
        server.reply(request, stats={})
        assert socket.poll(PATIENCE_S * 1e3)


def test_a_req_socket_is_served_too(server):
    with raw(server, zmq.REQ) as socket, answering(server):
        socket.send(msgspec.msgpack.encode({"op": "hello", "number": 4}))
        assert socket.poll(PATIENCE_S * 1e3)
        reply = msgspec.msgpack.decode(socket.recv())
    assert (reply["number"], reply["result"]["control"]) == (4, 1)


def test_a_flood_is_read_a_bounded_piece_a_tick(server):
    with raw(server) as socket:
        for _ in range(REQUESTS_A_TICK * 3):
            socket.send(msgspec.msgpack.encode({"op": "pad"}))
        most, total = 0, 0
        deadline = time.monotonic() + PATIENCE_S
        while total < REQUESTS_A_TICK * 3:
            assert time.monotonic() < deadline
            read = len(server.poll())
            most, total = max(most, read), total + read
    assert most <= REQUESTS_A_TICK


def test_a_client_that_left_or_never_reads_stops_nobody(server):
    with raw(server) as socket:
        socket.send(msgspec.msgpack.encode({"op": "stats"}))
        (request,) = collect(server, 1)
    for _ in range(5000):
        server.reply(request, stats={"long": "x" * 1000})
    with answering(server), ControlClient(server.address) as client:
        assert client.hello()


def test_a_port_in_use_and_the_open_network_are_refused(server):
    with pytest.raises(UnderstudyError, match="control socket cannot listen"):
        ControlServer(server.address)
    with pytest.raises(UnderstudyError, match="--insecure"):
        ControlServer("tcp://0.0.0.0:5598")


@pytest.mark.parametrize(
    "result", [{}, {"stage_ns": "now"}, {"stage_ns": 2**64 - 1}, {"stats": []}, [1], None]
)
def test_what_answers_like_no_stage_is_no_stage(result):
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")

        def answer() -> None:
            for _ in range(2):
                peer, content = socket.recv_multipart()
                number = msgspec.msgpack.decode(content)["number"]
                reply = {"op": "", "number": number, "error": "", "result": result}
                socket.send_multipart([peer, msgspec.msgpack.encode(reply)])

        thread = threading.Thread(target=answer)
        thread.start()
        with ControlClient(f"tcp://127.0.0.1:{port}", PATIENCE_S) as client:
            for ask in (client.ping, client.stats):
                with pytest.raises(UnderstudyError, match="is no stage"):
                    ask()
        thread.join()
