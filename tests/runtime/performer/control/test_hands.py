"""Hands that are told where to go come there, and the body is as before then."""

import numpy as np
import pytest

from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control import hands
from understudy.runtime.performer.control.performer import Performer

BUTTON = {action: button for button, action in ACTIONS.items()}
# Left of the body, above the ground, ahead of it: within a step's reach of each take.
GOALS = {
    "reach": [(-0.2, 1.2, 0.5), (0.1, 1.5, 0.45), (-0.5, 0.9, 0.35)],
    "pick": [(-0.2, 0.05, 0.5), (0.1, 0.3, 0.55)],
}
CASES = [(action, at, side) for action, every in GOALS.items() for at in every for side in "RL"]


@pytest.fixture(scope="module")
def reached():
    """Palms (T, N, 3) of bodies that are told at 0.5 s to reach; the last two are told nothing."""
    cases = [*CASES, ("reach", (), "R"), ("", (), "R")]
    shown = []
    with Performer(len(cases), provider="cpu") as p:
        for t in range(240):
            asked = []
            for action, at, side in cases:
                buttons = {BUTTON[action]} if action and 30 <= t < 36 else set()
                if side == "L":
                    buttons |= {"mirror"}
                    at = (-at[0], *at[1:])
                asked.append(Intent(buttons=frozenset(buttons), hand_at=at))
            p.step(asked)
            both = [hands._palm(p.positions[:, 0], p.rotations, side) for side in hands.SIDES]
            shown.append(both)
    return np.array(shown)  # (T, side, N, 3)


@pytest.mark.parametrize("k", range(len(CASES)))
def test_a_palm_comes_to_its_goal(reached, k):
    _, at, side = CASES[k]
    goal = np.array((-at[0], *at[1:]) if side == "L" else at)
    palm = reached[:, int(side == "R"), k]
    away = np.linalg.norm(palm - goal, axis=-1)
    assert away.min() < 0.03
    assert away[-1] > 0.2  # and leaves it
    assert np.linalg.norm(np.diff(palm, axis=0), axis=-1).max() * 60 < 8.0


def test_without_a_goal_the_take_is_as_it_was(reached):
    alone, still = reached[:, 1, -2], reached[:, 1, -1]
    assert np.linalg.norm(alone - still, axis=-1).max() > 0.3
    assert np.linalg.norm(alone[-1] - still[-1]) < 0.1
