"""The C# client at 120 Hz among sixteen others, over both transports: late, stalled, restarted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.bridge.crowd import Crowd, Station
from tests.bridge.things import SIXTY

from .test_stream import TRANSPORTS, until

pytestmark = [pytest.mark.clients, pytest.mark.slow]

RATE_HZ = 120.0


@pytest.fixture(scope="module")
def busy() -> Iterator[Station]:
    with Station(RATE_HZ) as station, Crowd(station.address, 16):
        yield station


@pytest.mark.parametrize("mode", ["every", "newest"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_hundred_late_joiners_of_two_hundred_know_their_first_skeleton(
    client, busy, transport, mode
):
    waited = 0
    for _ in range(200):
        client.open(busy.address, mode, transport)
        frame = client.ask("receive", 20000)
        assert tuple(frame["subjects"][0]["joints"]) == SIXTY.names
        stats = client.ask("stats")
        assert stats["malformed"] == 0
        waited += stats["unresolved"]
    print(f"{transport} {mode}: {waited} frames came before their skeleton")
    assert mode == "newest" or waited == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_after_a_stall_of_a_second_the_next_frame_is_two_ticks_old_at_most(client, busy, transport):
    client.open(busy.address, "newest", transport)
    assert client.ask("receive", 20000)
    ages = []
    for _ in range(7):
        time.sleep(1.0)  # the stall itself: the client reads when it is asked to
        frame = client.ask("receive", 20000)
        ages.append(RATE_HZ * 1e-9 * (frame["received_ns"] - frame["publish_ns"]))
    stats = client.ask("stats")
    print(transport, "ages in ticks", [round(age, 2) for age in ages])
    assert np.median(ages) <= 2.0
    assert stats["passed_over"] > 7 * 30 and stats["lost"] == 0


@pytest.mark.parametrize("mode", ["every", "newest"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_publisher_that_dies_and_comes_again_is_counted_once_and_said(client, transport, mode):
    with Station(RATE_HZ) as first:
        client.open(first.address, mode, transport)
        before = client.ask("receive", 20000)
        first.process.kill()
        first.process.wait()
        with Station(RATE_HZ, address=first.address):
            until(lambda: client.ask("stats")["restarts"] == 1, lambda: client.ask("receive", 100))
            after = client.ask("receive", 20000)
    stats = client.ask("stats")
    assert after["session"] != before["session"]
    assert tuple(after["subjects"][0]["joints"]) == SIXTY.names
    assert (stats["restarts"], stats["lost"], stats["malformed"]) == (1, 0, 0)
    assert sum("was restarted" in sentence for sentence in stats["said"]) == 1
