"""Random pads repeat, say everything that a pad can say, and can be written down."""

from pathlib import Path

import numpy as np
import pytest

from understudy.runtime.sources.controls import random_pad
from understudy.runtime.sources.controls.pad_script import PadScript
from understudy.runtime.sources.controls.random_pad import RandomPad


def test_the_same_seed_is_the_same_performance_and_another_is_not():
    one, again, other = RandomPad(3, 1.0), RandomPad(3, 1.0), RandomPad(4, 1.0)
    assert one.events == again.events != other.events


def test_ten_minutes_ask_for_everything():
    pad = RandomPad(0)
    assert pad.duration_s == pytest.approx(600.1)
    pressed = frozenset().union(*(event.buttons for event in pad.events))
    assert pressed == {"run", "strafe", "jump", "action1", "action2"}
    sticks = np.array([event.left_stick for event in pad.events])
    assert (np.linalg.norm(sticks, axis=1) <= 1.001).all()
    assert np.ptp(np.arctan2(*sticks.T)) > 6.0, "it goes every way"
    assert pad.pad(1000.0).left_stick == (0.0, 0.0), "afterwards the sticks are let go"


@pytest.mark.parametrize("seed", [0, 5])
def test_written_down_it_is_the_same(tmp_path, seed):
    path = tmp_path / "random.toml"
    path.write_text(random_pad.script(seed, 0.5))
    script, pad = PadScript(path), RandomPad(seed, 0.5)
    for time_s in np.arange(0.0, 31.0, 0.05):
        assert script.pad(time_s) == pad.pad(time_s)


def test_the_script_of_the_demos_is_seed_0(root: Path):
    path = root / "demos" / "pads" / "random-walk.toml"
    assert path.read_text("utf-8") == random_pad.script(0)


def test_every_script_of_the_demos_can_be_read(root: Path):
    paths = sorted((root / "demos" / "pads").glob("*.toml"))
    assert len(paths) >= 12
    for path in paths:
        assert PadScript(path).duration_s > 5.0, path.name
