"""Between two frames: what is shown when the renderer is faster than the stream."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.clients


def play(godot, stream_hz: float, picture_hz: float, late_s=lambda k: 0.004, blending=True):
    """Times of the pictures, and the sender's time that each shows; the clocks differ by 100 s."""
    stamps = [100.0 + k / stream_hz for k in range(int(4 * stream_hz))]
    arrivals = [[t, t - 100.0 + late_s(k)] for k, t in enumerate(stamps)]
    pictures = (np.arange(1, int(3.9 * picture_hz)) / picture_hz).tolist()
    shown = godot.ask("played", arrivals, pictures, blending)
    settled = len(pictures) // 2
    return np.array(pictures[settled:]), np.array(shown[settled:], float) - 100.0


@pytest.mark.parametrize(("stream_hz", "picture_hz"), [(30, 60), (30, 144), (60, 144), (50, 90)])
def test_faster_renderers_see_even_steps(godot, stream_hz, picture_hz):
    pictures, shown = play(godot, stream_hz, picture_hz)
    assert np.allclose(np.diff(shown), 1.0 / picture_hz, atol=2e-4)
    behind = pictures - shown
    assert behind.max() < 1.0 / stream_hz + 0.004 + 2.0 / picture_hz + 1e-3
    assert behind.min() > 1.0 / stream_hz


def test_late_datagrams_do_not_make_it_jump(godot):
    chance = np.random.default_rng(1)
    late_s = chance.uniform(0.0, 0.006, 1000)
    pictures, shown = play(godot, 60, 144, lambda k: float(late_s[k]))
    steps = np.diff(shown)
    assert steps.min() > -1e-6
    assert steps.max() < 2.5 / 144
    assert np.mean(np.abs(steps - 1.0 / 144) < 1e-3) > 0.9
    assert (pictures - shown).max() < 1 / 60 + 0.006 + 2 / 144


@pytest.mark.parametrize(("stream_hz", "picture_hz"), [(60, 60), (120, 60), (60, 30)])
def test_slower_renderers_get_the_newest(godot, stream_hz, picture_hz):
    pictures, shown = play(godot, stream_hz, picture_hz)
    assert (pictures - shown).max() < 1.0 / stream_hz + 0.004 + 1e-6


def test_blending_can_be_left_out(godot):
    pictures, shown = play(godot, 30, 144, blending=False)
    assert np.allclose(shown * 30, np.round(shown * 30), atol=1e-3)
    assert (pictures - shown).max() < 1.0 / 30 + 0.004 + 1e-3


def test_a_sender_that_starts_again_is_shown_at_once(godot):
    first = [[500.0 + k / 60, k / 60] for k in range(60)]
    second = [[1.0 + k / 60, 1.0 + k / 60] for k in range(60)]
    pictures = [k / 144 for k in range(1, 280)]
    shown = godot.ask("played", first + second, pictures, True)
    after = [s for t, s in zip(pictures, shown, strict=True) if t > 1.02]
    assert all(1.0 - 1e-3 <= s <= 3.0 for s in after)
    assert np.all(np.diff(after) > -1e-6)
