"""Crowds and goals: who keeps apart, who is out of step, who arrives."""

import numpy as np
import pytest

from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control import hands
from understudy.runtime.performer.control.goals import Goal
from understudy.runtime.performer.control.layout import PHASE
from understudy.runtime.stage.acting import Acting
from understudy.runtime.stage.casting import SPACING_M, grid

BUTTON = {action: button for button, action in ACTIONS.items()}


def crowd(count: int, spots, headings=None):
    acting = Acting(crowd=True)
    actors = acting.actors(count)
    acting.admit(actors)
    for i, actor in enumerate(actors):
        actor.stand(spots[i], 0.0 if headings is None else headings[i])
    return acting, actors, actors[0].batch.performer


def nearest(performer) -> float:
    hips = performer.positions[:, 0, [0, 2]].astype(float)
    far = np.linalg.norm(hips[:, None] - hips[None], axis=-1)
    return float(far[~np.eye(len(hips), dtype=bool)].min())


def spread(performer) -> float:
    """1: phases lie all round the circle; 0: all bodies are in step."""
    body = performer._sets[performer._turn]["body"]
    return 1.0 - float(np.hypot(*body[:, PHASE.start : PHASE.start + 2].mean(0)))


@pytest.fixture(scope="module")
def walked():
    """Sixteen on one pad: a walk, a bend, a stand, a walk back."""
    acting, actors, performer = crowd(16, grid(16, SPACING_M))
    least, spreads = [], []
    sticks = [(0.0, 0.65)] * 240 + [(0.5, 0.4)] * 120 + [(0.0, 0.0)] * 60 + [(0.0, -0.65)] * 120
    for stick in sticks:
        for actor in actors:
            actor.intent = Intent(np.array(stick))
        acting.step(1 / 60)
        least.append(nearest(performer))
        spreads.append(spread(performer))
    acting.close()
    return np.array(least), np.array(spreads)


def test_sixteen_on_one_pad_keep_apart(walked):
    assert walked[0].min() > 0.5


def test_they_do_not_walk_in_step(walked):
    assert walked[1][150:240].mean() > 0.6


def test_who_walks_through_each_other_keeps_apart_and_arrives():
    count = 10
    angle = np.arange(count) * 2 * np.pi / count
    spots = 5.0 * np.stack([np.sin(angle), 0 * angle, np.cos(angle)], -1)
    acting, actors, performer = crowd(count, spots, angle + np.pi)
    for i, actor in enumerate(actors):
        actor.go(Goal((-spots[i, 0], -spots[i, 2])))
    least = []
    off = np.full(count, np.inf)
    for _ in range(1500):
        acting.step(1 / 60)
        least.append(nearest(performer))
        off = np.linalg.norm(performer.root + spots[:, [0, 2]], axis=-1)
        if off.max() < 0.5:
            break
    acting.close()
    assert min(least) > 0.4
    assert off.max() < 0.6


def test_a_goal_is_reached_faced_and_acted():
    acting = Acting()
    actors = acting.actors(5)
    acting.admit(actors)
    for i, actor in enumerate(actors):
        actor.stand((3.0 * i, 0.0, 0.0), 0.0)
    places = ((8.6, 1.4, 2.5), (12.8, 0.1, 2.0))  # a shelf, and something on the ground
    for actor, place in zip(actors[3:], places, strict=True):
        actor.go(Goal((0.0, 0.0), hand_m=place))
    near_m = np.full(2, np.inf)
    actors[0].go(Goal((0.5, 3.0), 1.5))
    actors[1].go(Goal((3.0, 2.5), 3.14, button=BUTTON["sit"]))
    actors[2].go(Goal((6.0, 3.0)))
    for t in range(780):
        if t == 120:
            actors[2].intent = Intent(np.array([0.0, -0.6]))  # the stick takes over
        if t == 540:
            actors[1].go(None)
        acting.step(1 / 60)
        shown = actors[0].batch.performer
        palms = hands._palm(shown.positions[3:, 0], shown.rotations[3:], "Right")
        near_m = np.minimum(near_m, np.linalg.norm(palms - places, axis=-1))
        if t == 540:
            assert np.linalg.norm(shown.positions[1, 0, [0, 2]] - (3.0, 2.5)) < 0.2  # on the seat
            assert shown.positions[1, 0, 1] < 0.62
    p = actors[0].batch.performer
    assert np.linalg.norm(p.root[0] - (0.5, 3.0)) < 0.15
    assert abs(p.yaw[0] - 1.5) < 0.2
    assert p.positions[1, 0, 1] > 0.85  # sent nowhere, it gets up
    assert near_m.max() < 0.04
    assert p.root[2, 1] < -2.0
    acting.close()
