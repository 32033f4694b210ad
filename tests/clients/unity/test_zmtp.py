"""The managed socket beside peers that we write byte by byte: slow, asking, hostile."""

from __future__ import annotations

import random
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bridge.things import ARM, small_frame
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons

from .mono import Client

pytestmark = pytest.mark.clients

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
PATIENCE_S = 30.0


def command(name: bytes, body: bytes = b"") -> bytes:
    return bytes((4, 1 + len(name) + len(body), len(name))) + name + body


READY = command(b"READY", b"\x0bSocket-Type\0\0\0\x04XPUB")


def frame(content: bytes, more: bool = False) -> bytes:
    if len(content) < 256:
        return bytes((more, len(content))) + content
    return bytes((2 | more,)) + len(content).to_bytes(8, "big") + content


def stream() -> bytes:
    """Skeletons and a frame as a stage sends them."""
    return frame(encode_skeletons([ARM])) + frame(bytes(FrameEncoder(3).encode(small_frame())))


@contextmanager
def peer(client: Client, wait_ms: int) -> Iterator[sockets.socket]:
    """A connection that the client has made; it waits for a frame meanwhile."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        client.open(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        client.send("receive", wait_ms)
        one, _ = server.accept()
        with one:
            one.settimeout(PATIENCE_S)
            one.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            yield one


def read(one: sockets.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        got = one.recv(count - len(data))
        assert got, "the client hung up"
        data += got
    return data


def test_it_says_what_the_protocol_asks_for(client):
    with peer(client, 20000) as one:
        greeting = read(one, 64)
        assert greeting[0] == 0xFF and greeting[9] == 0x7F and greeting[10] == 3
        assert greeting[12:32].rstrip(b"\0") == b"NULL" and greeting[32:] == bytes(32)
        one.sendall(GREETING)
        assert read(one, 27) == command(b"READY", b"\x0bSocket-Type\0\0\0\x03SUB")
        one.sendall(READY)
        assert read(one, 12) == command(b"SUBSCRIBE")
        one.sendall(command(b"PING", b"\0\x64" + b"context"))
        assert read(one, 14) == command(b"PONG", b"context")
        one.sendall(stream())
        assert client.answer()["sequence"] == 7


def test_an_old_peer_is_subscribed_to_by_message(client):
    with peer(client, 20000) as one:
        one.sendall(GREETING[:11] + b"\0" + GREETING[12:] + READY)
        read(one, 64 + 27)
        assert read(one, 3) == b"\0\x01\x01"
        one.sendall(stream())
        assert client.answer()["sequence"] == 7


def test_a_stream_that_comes_byte_by_byte_is_the_same_stream(client):
    with peer(client, 60000) as one:
        for byte in GREETING + READY + command(b"PING", b"\0\x64") + stream():
            one.sendall(bytes((byte,)))
        assert client.answer()["sequence"] == 7
    assert client.ask("stats")["malformed"] == 0


def test_messages_of_several_parts_are_one_damaged_message_each(client):
    with peer(client, 20000) as one:
        one.sendall(GREETING + READY)
        one.sendall(frame(b"FRAM", more=True) + frame(b"a", more=True) + frame(b"b"))
        one.sendall(frame(b"x" * 1000, more=True) + frame(b""))
        one.sendall(stream())
        assert client.answer()["sequence"] == 7
    assert client.ask("stats")["malformed"] == 2


@pytest.mark.parametrize("mechanism", ["CURVE", "PLAIN"])
def test_a_stage_that_asks_for_keys_is_named(client, mechanism):
    with peer(client, 500) as one:
        one.sendall(GREETING[:12] + mechanism.encode().ljust(20, b"\0") + bytes(32))
        assert client.answer() is None
        assert mechanism in client.ask("trouble")


@pytest.mark.parametrize("seed", range(30))
def test_a_hostile_peer_costs_a_connection_and_no_more(client, seed):
    """Damaged greetings, handshakes and frames; afterwards the same client reads a sound stage."""
    random_ = random.Random(seed)
    data = bytearray(GREETING + READY + stream())
    start = random_.choice((0, 64, 64 + len(READY)))
    for _ in range(random_.choice((1, 3, 20))):
        data[random_.randrange(start, len(data))] = random_.randrange(256)
    with peer(client, 60) as one:
        one.sendall(data + random_.randbytes(random_.randrange(3000)))
        client.answer()
    client.ask("stats")
    client.ask("trouble")


def test_after_them_all_a_sound_one_is_read(client):
    with peer(client, 20000) as one:
        one.sendall(GREETING + READY + stream())
        assert client.answer()["subjects"][0]["name"] == "Ann 0"
