"""Pads of the bench: what is asked is what the stick says, and pursuit finds its way."""

import numpy as np
import pytest

from understudy.runtime.bench import control, trials
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.controller import Controller, gather


class Point:
    """A body that is its controller: it goes wherever the springs go."""

    def __init__(self, count: int) -> None:
        self.count, self.controller = count, Controller(count)
        self.positions = np.repeat(PERFORMER.rest_positions[None], count, 0)
        self.rotations = rotation.identity((count, len(PERFORMER)))
        self.nbytes = 8

    def step(self, intents, dt_s=1 / 60):
        self.controller.wish(*gather(intents))
        self.controller.step(dt_s)
        self.positions[:, 0, [0, 2]] = self.controller.position
        self.rotations[:, 0] = rotation.from_yaw(self.controller.yaw_rad)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.3])
def test_a_stick_for_a_speed_asks_for_it(speed):
    assert trials.asked_speed(trials.stick_for(speed)) == pytest.approx(speed, rel=0.01)


@pytest.mark.parametrize(
    "path", [trials.circle(1.5), trials.circle(4.0), trials.slalom()], ids=["1.5", "4", "slalom"]
)
def test_pursuit_keeps_a_body_on_its_path(path):
    closed = path[-1] @ path[-1] < 0.01
    pad = trials.Pursuit(path, 1.2, 0.4, closed=closed)
    motion, _, _ = trials.follow(Point(1), [pad], 900)
    off = trials.off_path(motion.hips[240:, 0, [0, 2]], path)
    assert off.mean() < 0.08
    gone = np.linalg.norm(np.diff(motion.hips[:, 0, [0, 2]], axis=0), axis=-1).sum()
    assert gone > 14.0, "it walks on"


def test_every_trial_is_judged_and_summed_up():
    values, traces, each = control.of_trials(Point, None)
    assert len(each) == len(trials.all_trials())
    assert values["speed"] < 2.0 and values["facing"] < 1.0
    assert values["about_walk_worst"] < 1.2 and values["start_worst"] < 0.6
    assert values["path/circle 2 m"] < 8.0
    assert "jump" not in values, "a body without buttons has no row for them"
    assert set(traces["paths"]) == {name for name in values if name.startswith("path/")}


def test_a_body_that_never_starts_misses():
    class Lazy(Point):
        def step(self, intents, dt_s=1 / 60):
            self.controller.wish(*gather(intents))

    values, _, _ = control.of_trials(Lazy, None)
    assert np.isnan(values["start"]) and control.meets("start", values["start"]) is False
    assert values["speed"] == pytest.approx(100.0)
    assert control.meets("speed", values["speed"]) is False
