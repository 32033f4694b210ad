"""Buttons: what is pressed is played, laid over the gait and given back."""

import numpy as np
import pytest

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.layout import ACTIONS
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs

STICKS = {"stand": (0.0, 0.0), "walk": (0.0, 0.7)}


def ask(stick, *buttons) -> Intent:
    return Intent(np.array(stick, float), np.zeros(2), frozenset(buttons))


def joints(hips, rotations):
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    return PERFORMER.globals(positions, rotations.astype(float))[0]


@pytest.fixture(scope="module")
def played():
    """Every button pressed at 1.5 s, standing and walking, beside a body that is not asked."""
    cases = [(name, button) for name in STICKS for button in [None, *ACTIONS]]
    shown = []
    with Performer(len(cases), provider="cpu") as p:
        for t in range(330):
            now = 90 <= t < 96
            p.step([ask(STICKS[n], *([b] if b and now else [])) for n, b in cases])
            shown.append((p.positions[:, 0].copy(), p.rotations.copy(), p.contacts[..., 1].copy()))
    hips, rotations, contacts = (np.array(x) for x in zip(*shown, strict=True))
    return {
        case: (hips[:, i], rotations[:, i], contacts[:, i], joints(hips[:, i], rotations[:, i]))
        for i, case in enumerate(cases)
    }


@pytest.mark.parametrize("button", list(ACTIONS))
@pytest.mark.parametrize("name", list(STICKS))
def test_a_button_is_seen_and_gives_the_body_back(played, name, button):
    plain, acted = played[name, None][3], played[name, button][3]
    apart = np.linalg.norm(
        (acted - acted[:, :1]) - (plain - plain[:, :1]), axis=-1
    )  # about the hips
    assert apart[:90].max() < 0.05  # bodies breathe out of step
    assert apart[96:200].max() > 0.2
    if name == "stand":
        assert apart[-1].max() < 0.15  # feet stay where they came down
    else:
        speed = np.linalg.norm(np.diff(played[name, button][0][-40:, [0, 2]], axis=0), axis=-1) * 60
        assert speed.mean() == pytest.approx(1.4, abs=0.15)


@pytest.mark.parametrize("button", list(ACTIONS))
@pytest.mark.parametrize("name", list(STICKS))
def test_blends_do_not_pop_nor_feet_slide(played, name, button):
    hips, rotations, contacts, places = played[name, button]
    assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() * 60 < 14.0
    toes = legs.forward(hips.astype(float), rotations.astype(float))[0][:, :, 3]
    down = contacts.reshape(-1, 2, 2)[..., 1] > 0.5
    slide = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * 60
    assert slide[down[1:] & down[:-1]].mean() < 0.03


def test_a_wave_leaves_the_legs_to_the_walk(played):
    button = next(b for b, a in ACTIONS.items() if a == "wave")
    plain, acted = (played["walk", b][3][:, [11, 12, 19, 20]] for b in (None, button))
    assert np.linalg.norm(acted - plain, axis=-1).max() < 0.1


def test_actions_do_not_change_others():
    with Performer(1, provider="cpu") as alone, Performer(2, provider="cpu") as two:
        for t in range(150):
            alone.step([ask((0, 0.7))])
            two.step([ask((0, 0.7)), ask((0, 0), *(["action2"] if t == 30 else []))])
        np.testing.assert_allclose(alone.positions[0], two.positions[0], atol=2e-3)


def test_a_stick_ends_an_action_once_the_body_is_free():
    button = next(b for b, a in ACTIONS.items() if a == "kick")
    with Performer(2, provider="cpu") as p:
        began = np.full(2, -1.0)
        for t in range(240):
            held = [button] if t == 60 else []
            p.step([ask((0, 0), *held), ask((0, 1.0) if t > 61 else (0, 0), *held)])
            going = p._actions.take >= 0
            began[going] = t
        assert began[1] <= began[0]
        assert p._actions.take.max() < 0
