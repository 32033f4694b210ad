"""Buttons: what is pressed is played, laid over the gait and given back."""

import numpy as np
import pytest

from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs

BUTTON = {action: button for button, action in ACTIONS.items()}
HELD = [BUTTON[action] for action in ("carry", "hold", "sit")]
STICKS = {"stand": (0.0, 0.0), "walk": (0.0, 0.7)}


def ask(stick, *buttons) -> Intent:
    return Intent(np.array(stick, float), np.zeros(2), frozenset(buttons))


def joints(hips, rotations):
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    return PERFORMER.globals(positions, rotations.astype(float))[0]


@pytest.fixture(scope="module")
def played():
    """Every button pressed at 1.5 s, standing and walking, beside a body that is not asked.

    What is held is let go at 4 s by the same button.
    """
    cases = [(name, button) for name in STICKS for button in [None, *ACTIONS]]
    shown = []
    with Performer(len(cases), provider="cpu") as p:
        for t in range(600):
            asked = []
            for name, button in cases:
                now = 90 <= t < 96 or (button in HELD and 240 <= t < 246)
                asked.append(ask(STICKS[name], *([button] if button and now else [])))
            p.step(asked)
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
        assert apart[-1].max() < 0.32  # feet stay where they came down
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
    button = BUTTON["wave"]
    plain, acted = (played["walk", b][3][:, [11, 12, 19, 20]] for b in (None, button))
    assert np.linalg.norm(acted - plain, axis=-1).max() < 0.1


def test_actions_do_not_change_others():
    with Performer(1, provider="cpu") as alone, Performer(2, provider="cpu") as two:
        for t in range(150):
            alone.step([ask((0, 0.7))])
            two.step([ask((0, 0.7)), ask((0, 0), *(["action2"] if t == 30 else []))])
        np.testing.assert_allclose(alone.positions[0], two.positions[0], atol=2e-3)


def test_a_stick_ends_an_action_once_the_body_is_free():
    button = BUTTON["kick"]
    with Performer(2, provider="cpu") as p:
        began = np.full(2, -1.0)
        for t in range(240):
            held = [button] if t == 60 else []
            p.step([ask((0, 0), *held), ask((0, 1.0) if t > 61 else (0, 0), *held)])
            going = p._actions.take >= 0
            began[going] = t
        assert began[1] <= began[0]
        assert p._actions.take.max() < 0


HAND = [PERFORMER.index(n) for n in ("LeftHand", "RightHand")]


def test_an_arm_that_is_not_asked_swings_on(played):
    plain, acted = played["walk", None][3], played["walk", BUTTON["drink"]][3]
    swing = [np.ptp((x[120:220] - x[120:220, :1])[:, HAND, 2], axis=0) for x in (plain, acted)]
    assert swing[1][0] > 0.6 * swing[0][0]  # the left
    assert acted[150:200, HAND[1], 1].max() > plain[150:200, HAND[1], 1].max() + 0.4


def test_what_is_carried_keeps_the_arms_still_in_a_walk(played):
    plain, acted = played["walk", None][3], played["walk", BUTTON["carry"]][3]
    head = PERFORMER.index("Neck")
    swing = [np.ptp((x[170:230] - x[170:230, [head]])[:, HAND, 2], axis=0) for x in (plain, acted)]
    assert (swing[1] < 0.3 * swing[0]).all()


def test_a_hold_lasts_until_its_button_or_the_stick():
    with Performer(3, provider="cpu") as p:
        for t in range(600):
            begin = 60 <= t < 66
            again = 400 <= t < 406
            p.step(
                [
                    ask((0, 0), *([BUTTON["sit"]] if begin else [])),
                    ask((0, 0), *([BUTTON["sit"]] if begin or again else [])),
                    ask((0, 0.6 if t > 400 else 0), *([BUTTON["sit"]] if begin else [])),
                ]
            )
            if t == 390:
                assert (p.positions[:, 0, 1] < 0.62).all()
        assert p.positions[0, 0, 1] < 0.62
        assert (p.positions[1:, 0, 1] > 0.8).all()


def test_mirror_exchanges_left_and_right():
    with Performer(2, provider="cpu") as p:
        highest = np.zeros((2, 2))
        for t in range(200):
            held = [BUTTON["wave"]] if 60 <= t < 66 else []
            p.step([ask((0, 0), *held), ask((0, 0), *held, *(["mirror"] if held else []))])
            hands = joints(p.positions[:, 0].astype(float), p.rotations)[:, HAND, 1]
            highest = np.maximum(highest, hands)
    assert highest[0, 1] > 1.6 > 1.2 > highest[0, 0]
    assert highest[1, 0] > 1.6 > 1.2 > highest[1, 1]


def test_a_button_that_comes_early_waits_and_goes_on_without_a_gap():
    with Performer(1, provider="cpu") as p:
        takes, before, fastest = [], None, 0.0
        for t in range(420):
            held = ["punch"] if 60 <= t < 66 else ["slash"] if 80 <= t < 86 else []
            p.step([ask((0, 0), *(BUTTON[h] for h in held))])
            takes.append(int(p._actions.take[0]))
            now = joints(p.positions[:, 0].astype(float), p.rotations)[0]
            fastest = max(fastest, 0.0 if before is None else np.abs(now - before).max() * 60)
            before = now
        played = [k for k, last in zip(takes[1:], takes[:-1]) if k != last]
        assert len(played) == 3 and played[-1] == -1  # one, straight to the other, and back
        assert fastest < 12.0
