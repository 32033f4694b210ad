"""Who is in the air comes down; nobody else is moved."""

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.takeover import flight
from understudy.runtime.performer.takeover.network import RATE_HZ, _bodies

TICK_S = 1.0 / RATE_HZ


def body(height_m: float) -> np.ndarray:
    """(1, 3, 67) PERFORMER at rest, its feet so far above the ground."""
    hips = PERFORMER.rest_positions[None, 0] + (0.0, height_m, 0.0)
    return _bodies(hips, rotation.identity((1, len(PERFORMER))))


def test_feet_on_the_ground_are_at_no_height():
    assert flight.lowest_m(body(0.0)) == pytest.approx(0.0, abs=2e-2)
    assert flight.lowest_m(body(0.3)) == pytest.approx(0.3, abs=2e-2)


def test_a_jump_lands_when_gravity_says_however_high_a_network_would_go():
    height_m, speed_mps = 0.2, 2.0
    before, now = body(height_m - speed_mps * TICK_S), body(height_m)
    flying, pull = np.zeros(1, bool), np.zeros(1)
    flew_s = 0.0
    for _ in range(40):
        after = body(float(now[0, 1, 0] - PERFORMER.rest_positions[0, 1]) + 0.1)
        flying = flight.fall(flying, pull, before, now, after, TICK_S)
        before, now = now, after
        flew_s += TICK_S
        if not flying[0]:
            break
    # Up by two metres a second and down again by a little less than gravity.
    falls = flight.SHARE * flight.GRAVITY
    lands_s = (speed_mps + np.sqrt(speed_mps**2 + 2.0 * falls * height_m)) / falls
    assert flew_s == pytest.approx(lands_s, abs=2.5 * TICK_S)
    assert flight.lowest_m(now) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("speed_mps", "pull"), [(0.3, 0.0), (-0.3, -2.0)])
def test_who_hangs_on_a_bar_or_climbs_is_not_dropped(speed_mps, pull):
    before, now = body(0.5 - speed_mps * TICK_S), body(0.5)
    after = body(0.5 + speed_mps * TICK_S)
    kept = after.copy()
    flying = flight.fall(np.zeros(1, bool), np.array([pull]), before, now, after, TICK_S)
    assert not flying[0]
    assert (after == kept).all()
