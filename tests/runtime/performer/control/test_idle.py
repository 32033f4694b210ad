"""The life of a body that stands: it sways as people do, and nothing comes again."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.performer.control.idle import Idle


def lived(count: int, seconds: float, rate_hz: float = 10.0) -> np.ndarray:
    """Hips (T, count, 3) of bodies that stand."""
    idle, out = Idle(count), []
    for _ in range(round(seconds * rate_hz)):
        hips, turns = np.zeros((count, 3)), rotation.identity((count, 22))
        idle.apply(hips, turns, np.zeros(count), 1.0 / rate_hz)
        out.append(hips)
    return np.array(out)


def test_no_cycle_is_shorter_than_a_minute():
    hips = lived(4, 900.0)
    for axis in (0, 2):
        x = hips[..., axis] - hips[..., axis].mean(0)
        power = np.abs(np.fft.rfft(x, 2 * len(x), axis=0)) ** 2
        again = np.fft.irfft(power, axis=0)[: len(x)] / np.arange(len(x), 0, -1)[:, None]
        assert np.abs(again[150:600] / again[0]).max() < 0.45  # between 15 and 60 s


def test_people_sway_by_a_centimetre_and_not_in_step():
    hips = lived(4, 300.0)
    assert 0.003 < hips[..., 0].std() < 0.02 and 0.001 < hips[..., 2].std() < 0.015
    assert np.abs(hips[..., 0]).max() < 0.06
    together = np.corrcoef(hips[..., 0].T)
    assert np.abs(together[np.triu_indices(4, 1)]).max() < 0.5


def test_the_same_body_lives_the_same_life_in_any_company():
    np.testing.assert_array_equal(lived(2, 60.0), lived(4, 60.0)[:, :2])
