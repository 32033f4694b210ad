"""The performer with the shipped weights: what a pad asks is what the body does."""

import hashlib

import numpy as np
import pytest

from understudy.models.motion import evaluate
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent, Pose
from understudy.runtime.performer.control.controller import RUN_MPS, STRAFE_BACK_MPS, WALK_MPS
from understudy.runtime.performer.control.layout import PHASE
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs


def ask(travel=(0, 0), facing=(0, 0), *buttons) -> Intent:
    return Intent(np.array(travel, float), np.array(facing, float), frozenset(buttons))


WALK, STAND = ask((0, 1)), ask()


@pytest.fixture(scope="module")
def scripted():
    """Every evaluation script, 7 s, played once."""
    names = list(evaluate.SCRIPTS)
    with Performer(len(names), provider="cpu") as performer:
        run = evaluate.play(
            performer, lambda t: [evaluate.intent_at(n, t / 60) for n in names], 420
        )
    return {n: {k: v[:, i : i + 1] for k, v in run.items()} for i, n in enumerate(names)}


@pytest.mark.parametrize(
    ("script", "speed"),
    [("walk", WALK_MPS), ("slow", WALK_MPS / 2), ("run", RUN_MPS), ("back", STRAFE_BACK_MPS)],
)
def test_it_travels_as_fast_as_asked_and_stops(scripted, script, speed):
    root = scripted[script]["root"][:, 0]
    v = np.linalg.norm(np.diff(root, axis=0), axis=-1) * 60
    assert v[150:290].mean() == pytest.approx(speed, rel=0.1)
    assert v[400:].max() < 0.1


def test_feet_step_while_it_travels_and_rest_while_it_stands(scripted):
    for name, run in scripted.items():
        assert evaluate.frozen(run)[0] == 0.0, name
    p = legs.forward(scripted["stand"]["hips"][:, 0], scripted["stand"]["rotations"][:, 0])[0]
    assert np.ptp(p[60:, :, 3], axis=0).max() < 0.01


def test_it_lives_while_it_stands(scripted):
    chest = scripted["stand"]["rotations"][:, 0, PERFORMER.index("Spine2")]
    assert rotation.angle_between(chest[60:-1], chest[60:61]).max() > np.deg2rad(0.5)


def test_planted_feet_do_not_slide(scripted):
    skate = {name: evaluate.foot_skate(run)[0] for name, run in scripted.items()}
    assert max(skate.values()) < 3.0, skate
    assert np.mean(list(skate.values())) < 2.0, skate


def test_toes_stay_above_the_ground(scripted):
    for name, run in scripted.items():
        toes = legs.forward(run["hips"].astype(float), run["rotations"].astype(float))[0][..., 3, 1]
        assert toes.min() > legs.TOE_M - 5e-3, name


def test_it_turns_about(scripted):
    assert abs(abs(scripted["about"]["yaw"][300, 0]) - np.pi) < np.deg2rad(8)


def test_motion_is_smooth(scripted):
    for name, run in scripted.items():
        turn = rotation.angle_between(run["rotations"][:-1], run["rotations"][1:])
        assert np.rad2deg(turn.max()) < 35.0, name


def digest(ticks: int = 120) -> str:
    total = hashlib.sha256()
    with Performer(2, provider="cpu") as performer:
        for t in range(ticks):
            angle = 0.02 * t
            performer.step([ask((np.sin(angle), np.cos(angle))), ask((0, 1), (0, 0), "run")])
            total.update(performer.positions.tobytes() + performer.rotations.tobytes())
    return total.hexdigest()


def test_who_jumped_stands_still_again_and_stays_so():
    with Performer(1, provider="cpu") as body:
        hips, turns = [], []
        for t in range(60 * 10):
            body.step([ask((0, 0), (0, 0), *(("jump",) if 60 <= t < 70 else ()))], 1 / 60)
            hips.append(body.positions[0, 0].copy())
            turns.append(body.rotations[0].copy())
    places = legs.forward(np.array(hips), np.array(turns))[0][..., 1:3, :]  # knees, ankles
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) * 60
    assert speed[60 : 60 + 120].max() > 1.0
    assert speed[60 + 150 :].max() < 0.3


def test_the_same_pad_gives_the_same_bytes():
    assert digest() == digest()


def test_bodies_do_not_see_each_other():
    with Performer(1, provider="cpu") as alone, Performer(3, provider="cpu") as crowd:
        for _ in range(90):
            alone.step([WALK])
            crowd.step([WALK, STAND, ask((1, 0), (0, 1), "strafe")])
        np.testing.assert_allclose(alone.positions[0], crowd.positions[0], atol=2e-3)


def test_what_it_gives_has_the_promised_shape():
    with Performer(2, provider="cpu") as p:
        arrays = p.positions, p.rotations, p.contacts, p.trajectory
        p.step([WALK, STAND])
        assert all(
            a is b
            for a, b in zip(
                arrays, (p.positions, p.rotations, p.contacts, p.trajectory), strict=True
            )
        )
        assert p.positions.shape == (2, 22, 3)
        assert p.rotations.shape == (2, 22, 4)
        assert p.contacts.shape == (2, 4, 2)
        assert {PERFORMER.names[int(j)] for j in p.contacts[0, :, 0]} == {
            "LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase"
        }  # fmt: skip
        assert p.trajectory.shape[::2] == (2, 4)
        np.testing.assert_allclose(np.linalg.norm(p.rotations, axis=-1), 1.0, atol=1e-5)
        np.testing.assert_allclose(
            p.positions[:, 1:], np.tile(PERFORMER.rest_positions[1:], (2, 1, 1)), atol=1e-6
        )
        assert p.provider_name == "CPUExecutionProvider"


def test_the_trajectory_runs_from_the_past_into_the_wished_path():
    with Performer(1, provider="cpu") as p:
        for _ in range(120):
            p.step([WALK])
        z = p.trajectory[0, :, 1]
        assert (np.diff(z) > 0).all()
        assert z[-1] - z[0] == pytest.approx(2 * WALK_MPS, rel=0.15)


def test_reset_puts_a_body_back_and_leaves_the_others():
    with Performer(2, provider="cpu") as p:
        for _ in range(60):
            p.step([WALK, WALK])
        other = p.positions[1].copy()
        p.reset(0, (3.0, -2.0), np.pi / 2)
        np.testing.assert_allclose(p.positions[0, 0, [0, 2]], [3.0, -2.0], atol=0.1)
        np.testing.assert_array_equal(p.positions[1], other)
        p.step([STAND, WALK])
        assert p.positions[0, 0, 0] == pytest.approx(3.0, abs=0.1)


def test_it_takes_over_from_any_pose_without_a_jump():
    rotations = PERFORMER.rest_rotations.copy()
    positions = PERFORMER.rest_positions.copy()
    positions[0] = [1.0, 0.97, 2.0]
    with Performer(1, provider="cpu") as p:
        p.take_over(0, Pose(positions, rotations))
        p.step([STAND])
        arms = [PERFORMER.index("LeftArm"), PERFORMER.index("RightArm")]
        away = rotation.angle_between(p.rotations[0, arms].astype(float), rotations[arms])
        assert np.rad2deg(away.max()) < 8.0
        for _ in range(60):
            p.step([STAND])
        away = rotation.angle_between(p.rotations[0, arms].astype(float), rotations[arms])
        assert np.rad2deg(away.min()) > 30.0  # out of the T-pose


def test_a_body_that_is_no_number_any_more_is_put_back_on_its_feet():
    with Performer(2, provider="cpu") as p:
        for _ in range(30):
            p.step([WALK, WALK])
        before = p.rotations[0].copy()
        for buffers in p._sets:
            buffers["body"][0, 5] = np.nan
            buffers["memory"][0] = np.nan
        p.step([WALK, WALK])
        assert p.faults == 1
        assert np.rad2deg(rotation.angle_between(before, p.rotations[0]).max()) < 12.0
        for _ in range(60):
            p.step([WALK, WALK])
        assert p.faults == 1
        assert np.isfinite(p.positions).all()
        assert np.isfinite(p.rotations).all()


@pytest.mark.parametrize("rate", [24.0, 50.0, 120.0])
def test_other_rates_go_the_same_way(rate):
    with Performer(1, provider="cpu") as p:
        for _ in range(int(2 * rate)):
            p.step([WALK], 1 / rate)
        far = p.positions[0, 0, 2]
    with Performer(1, provider="cpu") as p:
        for _ in range(120):
            p.step([WALK])
        assert far == pytest.approx(p.positions[0, 0, 2], abs=0.06)


def test_wrong_use_is_one_sentence():
    with pytest.raises(UnderstudyError, match="at least one"):
        Performer(0)
    with Performer(2, provider="cpu") as p, pytest.raises(UnderstudyError, match="1 intents for 2"):
        p.step([WALK])


@pytest.mark.slow
def test_ten_minutes_of_random_pads():
    measured = evaluate.endurance(minutes=10.0, seeds=2)["endurance"]
    assert measured["minutes"] == 10.0
    assert measured["faults"] == 0
    assert measured["frozen"] < 0.002
    assert measured["farthest_from_path_m"] < 0.6
    assert measured["lowest_toe_m"] > legs.TOE_M - 6e-3


@pytest.mark.parametrize("travel", [(0, 0), (0, 1)])
def test_the_jump_button_jumps_once_and_lands(travel):
    with Performer(1, provider="cpu") as p:
        before = []
        for _ in range(90):
            p.step([ask(travel)])
            before.append(float(p.positions[0, 0, 1]))
        level = float(np.mean(before[-30:]))  # hips bob as they walk
        hips, air = [], []
        for _ in range(120):  # held down: still one jump
            p.step([ask(travel, (0, 0), "jump")])
            hips.append(float(p.positions[0, 0, 1]))
            air.append(not (p.contacts[0, :, 1] > 0.5).any())
        assert 0.15 < max(hips) - level < 0.45
        assert level - min(hips) > 0.05
        assert sum(air) >= 15
        assert abs(np.mean(hips[-20:]) - level) < 0.03
        assert np.abs(np.diff(hips)).max() < 0.06


def test_a_gait_that_all_but_stops_is_kept_going():
    with Performer(2, provider="cpu") as p:
        for _ in range(60):
            p.step([WALK, STAND])
        before = p._sets[p._turn]["body"].copy()
        after = before.copy()  # a network that turns no phase on
        p._keep_step(before, after)
        turned = np.arctan2(after[:, PHASE][:, 1], after[:, PHASE][:, 0]) - np.arctan2(
            before[:, PHASE][:, 1], before[:, PHASE][:, 0]
        )
        assert np.sin(turned[0]) > 0.03
        assert np.sin(turned[1]) == pytest.approx(0.0, abs=1e-6)


def test_a_slider_changes_the_walk_step_by_step():
    figures = evaluate.styles(seconds=4.0)["styles"]
    for name, trait, way in (
        ("energy", "swing_cm", 1),
        ("energy", "elbow_deg", 1),
        ("crouch", "hips_m", -1),
        ("crouch", "knee_deg", 1),
    ):
        values = [figures[name][mark][trait] for mark in ("-1", "-0.5", "0", "0.5", "1")]
        assert (way * np.diff(values) > 0.0).all(), (name, trait, values)
    assert all(row["skate_cm_s"] < 2.0 for marks in figures.values() for row in marks.values())


def test_a_slider_that_jumps_is_followed_smoothly():
    with Performer(1, provider="cpu") as p:
        heights = []
        for t in range(150):
            if t == 60:
                p.style[0, :2] = (0.0, 1.0)
            p.step([STAND])
            heights.append(float(p.positions[0, 0, 1]))
        assert heights[59] - heights[-1] > 0.1
        assert np.abs(np.diff(heights[30:])).max() < 0.012


def test_joints_keep_to_the_range_of_the_data(scripted):
    with Performer(1, provider="cpu") as p:
        limits = p._limits
    for name, run in scripted.items():
        rotations = run["rotations"][60:, 0].astype(float)
        kept = rotations.copy()
        limits.apply(kept, np.ones(len(kept)), np.zeros((len(kept), 2)))
        assert np.rad2deg(rotation.angle_between(kept, rotations).max()) < 0.5, name


def test_knees_are_hinges(scripted):
    knees = [PERFORMER.index("LeftLeg"), PERFORMER.index("RightLeg")]
    for name, run in scripted.items():
        turn = rotation.to_rotation_vector(run["rotations"][:, 0, knees].astype(float))
        assert np.abs(turn[..., 1:]).max() < 1e-3, name
        assert turn[..., 0].min() > -1e-3, name
