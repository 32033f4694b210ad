"""Subjects that go out as characters: from the session, live, over the wire, in a take."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pytest

from tests.conftest import sentence
from tests.runtime.retarget.test_fitting import stretched
from tests.runtime.stage.test_loop import ANYWHERE
from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.requests import SetCharacter
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.profile import Profile
from understudy.runtime.stage import figures
from understudy.runtime.stage import session as sessions
from understudy.runtime.stage.dressing import Costume, dressed
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.session import SubjectTable, session_of
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

ROLE = roles(PERFORMER)


def rig() -> Skeleton:
    """A tall body under names of its own."""
    body = stretched(lower_leg=1.15, foot=1.15, upper_arm=1.1)
    return Skeleton(
        tuple(f"rig_{name}" for name in body.names),
        body.parents,
        body.rest_positions,
        tips=body.tips,
    )


@pytest.fixture
def character(tmp_path):
    """A character's file: a motion file whose skeleton is meant."""
    body, path = rig(), tmp_path / "tall.bvh"
    positions = np.repeat(body.rest_positions[None], 4, axis=0)
    still = rotation.identity((4, len(body)))
    bvh.write(path, Clip(body, positions, still, 1 / 30))
    return path


def ticked(stage: Stage, numbers) -> list:
    subjects = []
    for number in numbers:
        stage.tick(number)
        subjects = stage.cast.solve()
    return subjects


def test_a_pads_subject_goes_out_as_its_character_and_stands_on_the_floor(pad, character):
    plain = session_of(f"pad://{pad}", **ANYWHERE)
    worn = session_of(f"pad://{pad}", **ANYWHERE)
    worn.characters = {"*": str(character)}
    with Stage(plain) as bare, Stage(worn) as dressed:
        (own,) = ticked(bare, range(60))
        (shown,) = ticked(dressed, range(60))
    assert shown.character == "tall" and shown.skeleton.names[0] == "rig_Hips"
    figure = figures.load(character)
    moved, turned = Fitting(PERFORMER, figure).apply(own.pose.positions, own.pose.rotations)
    assert np.allclose(shown.pose.positions, moved) and np.allclose(shown.pose.rotations, turned)
    assert len(shown.contacts) == len(own.contacts) and len(shown.trajectory)


def test_many_of_one_character_are_carried_at_once_each_about_its_own_mark(pad, character):
    session = session_of(f"pad://{pad}", copies=3, **ANYWHERE)
    session.characters = {"*": str(character)}
    with Stage(session) as stage:
        subjects = ticked(stage, range(5))
        marks = [member.placed[0] for member in stage.cast.members]
        assert len({id(s.skeleton) for s in subjects}) == 1
    for subject, mark in zip(subjects, marks, strict=True):
        away = subject.pose.positions[0] - mark
        assert np.hypot(away[0], away[2]) < 0.2


def test_a_character_is_put_on_and_taken_off_while_the_stage_runs(pad, character):
    with Stage(session_of(f"pad://{pad}", **ANYWHERE)) as stage:
        (before,) = ticked(stage, range(5))
        name = before.name
        for request, wanted in (
            (SetCharacter(name=name, character=str(character)), "tall"),
            (SetCharacter(name=name), ""),
        ):
            stage.edits.ask(request)
            for number in range(5, 400):
                stage.tick(number)
                (subject,) = stage.cast.solve()
                if subject.character == wanted:
                    break
                stage.cast.live.beside(lambda: None).result()
            assert subject.character == wanted
        assert stage.edits.tables["subject"][0].get("character", "") == ""


def test_a_receiver_sees_the_characters_skeleton_and_its_name(pad, character):
    with StageProcess("--pad", pad, "--character", character) as stage:
        with Subscriber(stage.publish, timeout_s=20) as heard:
            frame = next(iter(heard))
        with ControlClient(stage.control) as client:
            name = frame.subjects[0].name
            assert client.set_character(name) == {"name": name, "character": ""}
            with pytest.raises(UnderstudyError, match=r"There is no character .*nobody\.glb"):
                client.set_character(name, "/nobody.glb")
    subject = frame.subjects[0]
    assert subject.character == "tall" and subject.skeleton.names[0] == "rig_Hips"


def test_a_session_says_who_wears_what_and_a_flag_changes_it(tmp_path, pad, character):
    file = tmp_path / "show.toml"
    file.write_text(
        f'[[source]]\nfrom = "pad://{pad}"\nas = "p"\n'
        '[[subject]]\nname = "ann"\ncontrol = "p"\ncharacter = "tall.bvh"\n'
        '[characters]\nbob = "tall.bvh"\n'
    )
    session = sessions.load(file)
    assert session.subject[0].character == str(tmp_path / "tall.bvh")
    assert session.character(SubjectTable(name="bob.2", control="p")) == str(tmp_path / "tall.bvh")
    assert session.character(SubjectTable(name="eve", control="p")) == ""


def test_what_cannot_be_a_character_is_a_sentence_at_the_start(pad, tmp_path, understudy):
    for name, content, words in (
        ("bad.glb", b"glTFgarbage", "bad.glb"),
        ("bare.toml", b"feet = true\n", "names no character"),
        ("odd.toml", b'file = "x.glb"\nfoot = 1\n', "foot"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnderstudyError, match=words):
            figures.load(tmp_path / name)
    said = sentence(understudy("stage", "--pad", pad, "--character", tmp_path / "none.glb"))
    assert "There is no character" in said


def test_who_is_no_humanoid_goes_out_as_he_is_and_says_so(tmp_path, character):
    crane = Skeleton(("base", "boom", "hook"), np.array([-1, 0, 1]), np.ones((3, 3)))
    path = tmp_path / "crane.bvh"
    positions = np.repeat(crane.rest_positions[None], 90, axis=0)
    bvh.write(path, Clip(crane, positions, rotation.identity((90, 3)), 1 / 30))
    session = session_of(f"bvh://{path}", **ANYWHERE)
    session.characters = {"*": str(character)}
    with Stage(session) as stage:
        (subject,) = ticked(stage, range(10))
    assert subject.skeleton.names == crane.names
    assert "no character" in subject.reason and "no humanoid" in subject.reason


def test_a_profile_names_a_file_beside_it_and_its_roles(tmp_path, character):
    from understudy.runtime.retarget import profile as profiles

    to = tmp_path / "profiles" / "tall.toml"
    to.parent.mkdir()
    profiles.save(to, character, profiles.Profile(), figures.load(character).skeleton)
    again = figures.load(to)
    assert roles(again.skeleton) == roles(figures.load(character).skeleton)
    text = to.read_text().replace("lift_m = 0.0", "lift_m = 0.25")
    to.write_text(text)
    lifted = Fitting(PERFORMER, figures.load(to))
    plain = Fitting(PERFORMER, Figure(again.skeleton))
    pose = PERFORMER.rest_positions, rotation.identity(len(PERFORMER))
    rise = lifted.apply(*pose)[0][0, 1] - plain.apply(*pose)[0][0, 1]
    assert rise > 0.0


def test_a_characters_map_is_followed_live_and_one_that_does_not_fit_is_said(pad, character):
    profile = character.with_name("map.toml")
    for arm, refused in (("left_upper_arm", ""), ("tail", "map names 'tail'")):
        words = f'file = "{character.name}"\n[map]\nrig_Hips = "hips"\nrig_LeftArm = "{arm}"\n'
        profile.write_text(words)
        session = session_of(f"pad://{pad}", **ANYWHERE)
        session.characters = {"*": str(profile)}
        with Stage(session) as stage:
            (subject,) = ticked(stage, range(40))
        assert refused in subject.reason
        assert subject.skeleton.names[0] == ("Hips" if refused else "rig_Hips")
        if not refused:
            turned = rotation.angle_between(subject.pose.rotations, rotation.identity())
            moved = {subject.skeleton.names[j] for j in np.flatnonzero(turned > 1e-3)}
            assert moved == {"rig_Hips", "rig_LeftArm"}


def test_an_actor_whose_floor_is_wrong_by_centimetres_comes_to_stand_on_the_characters(character):
    costume = Costume(figures.load(character), PERFORMER)
    swing = np.abs(np.sin(np.arange(1200) * 0.1))
    for high in swing:  # a foot that stands for a while at -3 cm, and lifts by 20
        costume.look_for_floor(np.array([-0.03 + 0.2 * max(high - 0.6, 0.0)]), 1 / 60)
    assert costume.floor_m == pytest.approx(-0.03, abs=0.005)
    for _ in range(600):  # on a stair
        costume.look_for_floor(np.array([0.17]), 1 / 60)
    assert costume.floor_m == pytest.approx(-0.03, abs=0.005)
    for _ in range(6000):
        costume.look_for_floor(np.array([-0.12]), 1 / 60)
    assert costume.floor_m >= -0.06


def shaking(turn: float, z_m: float) -> tuple[np.ndarray, np.ndarray]:
    """A body that looks along +Z or -Z and holds out its right hand, the elbow bent."""
    arm, elbow, hand = (ROLE[f"right_{p}"] for p in ("upper_arm", "lower_arm", "hand"))
    rotations = rotation.identity(len(PERFORMER))
    rotations[0] = rotation.from_yaw(turn)
    ahead = rotation.from_axis_angle([0.0, 1.0, 0.0], 0.5 * np.pi)
    rotations[arm] = rotation.multiply(ahead, rotation.from_axis_angle([0.0, 0.0, 1.0], 0.6))
    rotations[elbow] = rotation.from_axis_angle([0.0, 0.0, 1.0], -1.0)
    positions = PERFORMER.rest_positions.copy()
    own = PERFORMER.globals(positions, rotations)[0]
    positions[0] += [-own[hand, 0], 0.0, z_m - own[hand, 2]]
    return positions, rotations


def palm(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    world, turned = skeleton.globals(positions, rotations)
    hand = roles(skeleton)["right_hand"]
    return world[hand] + rotation.rotate(turned[hand], np.array([-0.09, 0.0, 0.0]))


def test_a_handshake_of_two_actors_is_one_of_their_characters(character):
    tall = figures.load(character).skeleton
    gaps = []
    poses = [shaking(0.0, -0.12), shaking(np.pi, 0.12)]
    actors = np.linalg.norm(palm(PERFORMER, *poses[0]) - palm(PERFORMER, *poses[1]))
    assert actors < 0.1
    for hands in (True, False):
        worn = []
        for body, pose in zip((PERFORMER, tall), poses, strict=True):
            costume = Costume(Figure(body, Profile(hands=hands)), PERFORMER, sure=True)
            worn.append((Subject("one", PERFORMER, Pose(*pose)), costume, np.zeros(3)))
        out = dressed(worn, lambda *_: Future(), lambda _: True, 1 / 60)
        ends = [palm(s.skeleton, s.pose.positions, s.pose.rotations) for s in out]
        gaps.append(float(np.linalg.norm(ends[0] - ends[1])))
    assert abs(gaps[0] - actors) < 0.02 < abs(gaps[1] - actors)


@pytest.mark.parametrize("hands", [True, False])
def test_a_hand_that_holds_a_prop_holds_it_on_a_character_of_another_size(character, hands):
    tall = figures.load(character).skeleton
    pose = shaking(0.0, -0.12)
    pose[1][ROLE["right_lower_arm"]] = rotation.from_axis_angle([0.0, 0.0, 1.0], -1.9)
    ball = palm(PERFORMER, *pose) + np.array([0.05, 0.0, 0.06])
    costume = Costume(Figure(tall, Profile(hands=hands)), PERFORMER, sure=True)
    off_m = {}
    for name, props in (("held", [ball]), ("far", [ball + 1.0]), ("none", [])):
        worn = [(Subject("ann", PERFORMER, Pose(*pose)), costume, np.zeros(3))]
        (out,) = dressed(worn, lambda *_: Future(), lambda _: True, 1 / 60, props)
        at = Fitting(tall, Figure(tall)).palms(out.pose.positions, out.pose.rotations)[1]
        theirs = Fitting(PERFORMER, Figure(PERFORMER)).palms(*pose)[1]
        off_m[name] = float(np.linalg.norm(at - theirs))
    assert off_m["far"] == pytest.approx(off_m["none"]) and off_m["none"] > 0.04
    assert (off_m["held"] < 0.02) is hands


def test_a_take_of_characters_is_solved_again_to_the_bit(tmp_path, pad, character, understudy):
    take = tmp_path / "t.mcap"
    words = ("stage", "--pad", pad, "--character", character, "--seconds", 1, "--record", take)
    ends = ("--publish", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*")
    done = understudy(*words, *ends)
    assert done.returncode == 0, done.stderr
    again = understudy("take", "verify", take, "--solve")
    assert "come out as they were, to the bit" in again.stdout, again.stdout + again.stderr
