"""Whose throat it is, by the mean of what is heard."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.sources.speech import BANDS, MEL
from understudy.runtime.sources.throat import LENGTHS, USUAL, Throat, bends

# Three formants over a slope.
_AT = np.arange(BANDS)
USUAL_BANDS = (
    -0.8
    - 0.01 * _AT
    + sum(0.4 * np.exp(-(((_AT - middle) / 2.5) ** 2)) for middle in (9.0, 19.0, 27.0))
)


def said(bands: np.ndarray, frames: int, seed: int = 1) -> np.ndarray:
    """(frames, 2, BANDS) speech of such a mean, a little louder and softer."""
    rng = np.random.default_rng(seed)
    loud = 0.15 * rng.standard_normal((frames, 1, 1)) + 0.05 * rng.standard_normal(
        (frames, 2, BANDS)
    )
    return (bands + loud).astype(np.float32)


def through(throat: Throat, columns: np.ndarray) -> np.ndarray:
    return np.array([throat.bent(two) for two in columns])


@pytest.mark.parametrize("length", [0.85, 1.0, 1.1])
def test_a_throat_is_found_and_undone(length):
    at = int(np.argmin(np.abs(LENGTHS - 1.0 / length)))
    spoken = USUAL_BANDS @ bends(BANDS, MEL)[at]
    throat = Throat(USUAL_BANDS, MEL)
    heard = through(throat, said(spoken, 400))[300:].mean((0, 1))
    assert abs(LENGTHS[throat.length] - length) <= 0.051
    off = heard - USUAL_BANDS
    before = spoken - USUAL_BANDS
    assert (
        length == 1.0 or np.abs(off - off.mean()).sum() < 0.6 * np.abs(before - before.mean()).sum()
    )


def test_it_moves_step_by_step_and_silence_says_nothing():
    throat = Throat(USUAL_BANDS, MEL)
    spoken = said(USUAL_BANDS @ bends(BANDS, MEL)[-1], 300)
    steps = [throat.length for two in spoken if throat.bent(two) is not None]
    assert np.abs(np.diff(steps)).max() == 1 and steps[48] == USUAL != steps[-1]
    through(throat, np.full((500, 2, BANDS), -1.5, np.float32))
    assert throat.length == steps[-1]
    throat.clear()
    quiet = throat.bent(spoken[0])
    assert throat.length == USUAL and (quiet == spoken[0]).all()
