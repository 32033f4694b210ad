"""The C++ client at 120 Hz among sixteen others: joining late, stalling, losing its stage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.bridge.crowd import Crowd, Station
from tests.bridge.things import SIXTY

pytestmark = [pytest.mark.clients, pytest.mark.slow]

RATE_HZ = 120.0


@pytest.fixture(scope="module")
def busy() -> Iterator[Station]:
    with Station(RATE_HZ) as station, Crowd(station.address, 16):
        yield station


@pytest.mark.parametrize("mode", [["--every"], []], ids=["every", "newest"])
def test_two_hundred_late_joiners_of_two_hundred_know_their_first_skeleton(busy, probe, mode):
    waited = 0
    for _ in range(200):
        with probe(busy.address, *mode, "--frames", 1) as client:
            (frame,), said, seen = client.finish()
        assert tuple(frame["subjects"][0]["names"]) == SIXTY.names
        assert (said, seen["malformed"]) == ([], 0)
        waited += seen["unresolved"]
    print(f"{waited} frames came before their skeleton")
    assert not mode or waited == 0


def test_after_a_stall_of_a_second_the_next_frame_is_two_ticks_old_at_most(busy, probe):
    ages = []
    for _ in range(3):
        with probe(busy.address, "--frames", 4, "--stall", 1) as client:
            frames, _, seen = client.finish()
        ages += [RATE_HZ * 1e-9 * (f["received_ns"] - f["publish_ns"]) for f in frames[1:]]
        assert seen["passed_over"] > 3 * 30 and seen["lost"] == 0
    print("ages in ticks", [round(age, 2) for age in ages])
    assert np.median(ages) <= 2.0


@pytest.mark.parametrize("mode", [["--every"], []], ids=["every", "newest"])
def test_a_publisher_that_dies_and_comes_again_is_counted_once_and_said(probe, mode):
    with Station(RATE_HZ) as first:
        with probe(first.address, *mode, "--seconds", 12) as client:
            before = client.until("sequence")[-1]
            first.process.kill()
            first.process.wait()
            with Station(RATE_HZ, address=first.address):
                frames, said, seen = client.finish()
    assert frames[-1]["session"] != before["session"]
    assert frames[-1]["subjects"][0]["names"] == before["subjects"][0]["names"]
    assert (seen["restarts"], seen["lost"], seen["malformed"]) == (1, 0, 0)
    assert sum("was restarted" in sentence for sentence in said) == 1
