"""Whoever joins late has each skeleton before its first pose, however many others listen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from understudy.bridge import Subscriber

from .crowd import Crowd, Station
from .things import SIXTY

pytestmark = pytest.mark.slow

JOINERS = 200
OTHERS = 16


@pytest.fixture(scope="module")
def busy() -> Iterator[Station]:
    """120 frames a second, and sixteen who listen."""
    with Station() as station, Crowd(station.address, OTHERS):
        yield station


@pytest.mark.parametrize("newest", [False, True])
def test_every_one_of_two_hundred_gets_a_resolved_frame_as_its_first(busy, newest):
    """Where skeletons have a socket of their own a frame may wait, but none goes without."""
    waited = 0
    for _ in range(JOINERS):
        with Subscriber(busy.address, newest=newest, timeout_s=20) as subscriber:
            frame = next(subscriber)
            assert frame.subjects[0].skeleton.names == SIXTY.names
            assert subscriber.statistics.malformed == 0
            waited += subscriber.statistics.unresolved
    print(f"newest {newest}: {waited} frames came before their skeleton")
    assert newest or waited == 0


def test_the_first_message_on_one_socket_is_the_skeletons_two_hundred_times(busy):
    """What a client in another language relies on, with any subscription that takes both."""
    for number in range(JOINERS):
        with zmq.Context.instance().socket(zmq.SUB) as raw:
            raw.linger = 0
            for topic in ([b""], [b"FRAM", b"SKEL"], [b"SKEL", b"FRAM"])[number % 3]:
                raw.subscribe(topic)
            raw.connect(busy.address)
            assert raw.poll(20_000)
            assert raw.recv()[:4] == b"SKEL"
