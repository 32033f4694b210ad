"""Streams over TCP: whole messages out of pieces, connections that end, who connects to whom."""

from __future__ import annotations

import itertools
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from tests.runtime.simulators.test_device import clip
from understudy.bridge.protocols import mvn, neuron
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.streams import Kind

PATIENCE_S = 30.0


def frames(device: str, count: int = 8) -> list[bytes]:
    simulator, performance = DEVICES[device].made(), Performance(clip())
    return [
        data for n in range(count) for data in simulator.datagrams(performance.frame(n), n / 60.0)
    ]


STREAMS = {"mvn": (mvn.cut, frames("mvn", 3)), "neuron": (neuron.cut, frames("neuron", 3))}


@pytest.mark.parametrize("device", STREAMS)
@given(data=st.data())
def test_messages_come_whole_however_the_stream_is_cut(device, data):
    cut, messages = STREAMS[device]
    stream = b"".join(messages)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    found, rest = [], b""
    for begin, end in zip([0, *places], [*places, len(stream)]):
        whole, used = cut(rest + stream[begin:end])
        rest = (rest + stream[begin:end])[used:]
        found += whole
    assert found == messages and rest == b""


@pytest.mark.parametrize("device", STREAMS)
@given(data=st.data())
def test_no_stream_raises_anything_else(device, data):
    cut, messages = STREAMS[device]
    survives(cut, data.draw(mutations([b"".join(messages)])))


BEGAN_S = time.monotonic()


def polled(source, until) -> None:
    """Polls until something is so; until is asked with the packets of a poll."""
    until_s = time.monotonic() + PATIENCE_S
    while not until(source.poll(time.monotonic() - BEGAN_S)):
        assert time.monotonic() < until_s, source.notice


@pytest.mark.parametrize("device", ["mvn", "neuron"])
def test_whoever_sends_connects_to_us_and_comes_back(device):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = f"{device}://127.0.0.1:{port}?delay=0&tcp=listen"
    source = registry.Ports().open(endpoint.parse(line, registry.KNOWN))
    simulator, performance = DEVICES[device].made(), Performance(clip())
    numbers = itertools.count()
    for _ in range(2):  # and again, after the connection has ended
        with socket.create_connection(("127.0.0.1", port)) as mouth:

            def shown(packets, mouth=mouth) -> bool:
                n = next(numbers)
                mouth.sendall(b"".join(simulator.datagrams(performance.frame(n), n / 60.0)))
                return bool(packets)

            polled(source, shown)
    assert next(s for s in source.streams if s.kind is Kind.BODY).known
    with pytest.raises(UnderstudyError, match="two programs cannot hear one TCP port"):
        registry.Ports().open(endpoint.parse(line, registry.KNOWN))
    source.close()


def test_we_connect_to_whoever_sends_also_when_it_comes_later():
    with socket.socket() as ears:
        ears.bind(("127.0.0.1", 0))
        port = ears.getsockname()[1]
        line = f"neuron://0.0.0.0:{port}?delay=0&tcp=127.0.0.1"
        source = registry.Ports().open(endpoint.parse(line, registry.KNOWN))
        source.poll(0.0)
        assert f"tcp {port} of 127.0.0.1" in source.notice, "nobody listens there yet"
        ears.listen()
        ears.settimeout(PATIENCE_S)
        ears.setblocking(False)
        came: list[socket.socket] = []

        def connected(_) -> bool:
            try:
                came.append(ears.accept()[0])
            except BlockingIOError:
                return False
            return True

        polled(source, connected)
        came[0].sendall(b"".join(frames("neuron")))
        polled(source, lambda packets: packets)
        came[0].sendall(b"\xff\xdd" + bytes(80))
        polled(source, lambda _: source.reception.damaged)
        came[0].close()
    source.close()
