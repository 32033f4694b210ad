"""An hour of `bench record`'s shoot: four senders on a bad network, three listeners, kills.

UNDERSTUDY_SOAK_S shortens it.
"""

from __future__ import annotations

import os

import pytest

from understudy.runtime.bench.shoot import KILLS, shoot

SECONDS = float(os.environ.get("UNDERSTUDY_SOAK_S", "3600"))


@pytest.mark.slow
def test_an_hour_of_takes_loses_nothing_but_what_the_kills_allow(tmp_path):
    report = shoot(tmp_path, SECONDS, rounds=6)
    assert report.faults == []
    assert report.sent > 0 and report.missing == 0 and report.solved > 0
    assert len(report.restarts_s) >= 1 and report.rounds == len(KILLS) + 1
    assert report.grown_mb < 20.0
