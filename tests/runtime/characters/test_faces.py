"""Faces by every vocabulary: what a curve moves, what an eye does, how a face lives by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.bridge.protocols.vmc import VRM1_NAMES
from understudy.runtime.characters.character import Character, Expression, Mesh, Morph
from understudy.runtime.characters.face_names import EXACT, ROUGH, key
from understudy.runtime.characters.faces import FaceRig, eyes
from understudy.runtime.characters.life import NAMES, Life, alive
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton


def worn(*names: str, expressions: dict[str, list[tuple[int, float]]] | None = None,
         joints: tuple[str, ...] = ()) -> Character:  # fmt: skip
    """A character of morphs with these names, and more joints below its head."""
    none = np.zeros((0, 3), np.float32)
    mesh = Mesh(none, none, none, none, none, none, none, ())
    head, count = PERFORMER.index("Head"), len(PERFORMER)
    skeleton = Skeleton(
        (*PERFORMER.names, *joints),
        np.append(PERFORMER.parents, [head] * len(joints)),
        np.concatenate([PERFORMER.rest_positions, np.zeros((len(joints), 3))]),
    )
    morphs = tuple(Morph(name, np.zeros(0), none, none) for name in names)
    said = tuple(Expression(n, tuple(parts)) for n, parts in (expressions or {}).items())
    return Character("ann", skeleton, mesh, np.arange(count), np.zeros((count, 4, 4)),
                     morphs=morphs, expressions=said)  # fmt: skip


def moved(character: Character, **curves: float) -> dict[str, float]:
    """The morphs that curves move, by name."""
    values = FaceRig(character).weights(tuple(curves), np.array(list(curves.values())))
    return {m.name: round(float(v), 3) for m, v in zip(character.morphs, values, strict=True) if v}


@pytest.mark.parametrize(
    "spelling",
    [lambda n: n, str.upper, lambda n: n[0].upper() + n[1:], lambda n: f"Head.{n}",
     lambda n: n.replace("Left", "_L").replace("Right", "_R"),
     lambda n: n.replace("Left", "L").replace("Right", "R") if n[-1] == "t" and n[:3] != "jaw"
     and n not in ("mouthLeft", "mouthRight") else n,
     lambda n: f"blendShape1.{n}"],
)  # fmt: skip
def test_arkits_names_in_any_spelling(spelling):
    one = worn(*(spelling(name) for name in ARKIT))
    rig = FaceRig(one)
    assert rig.curves == ARKIT
    assert np.allclose(rig.weights(ARKIT, np.linspace(0.1, 0.9, 52)), np.linspace(0.1, 0.9, 52))


def test_a_vrm_has_its_words_moved():
    one = worn("Fcl_MTH_A", "Fcl_EYE_Close", "Fcl_EYE_Close_L", "Fcl_ALL_Joy",
               expressions={"aa": [(0, 0.8)], "blink": [(1, 1.0)], "blinkLeft": [(2, 1.0)],
                            "happy": [(3, 1.0)]})  # fmt: skip
    assert moved(one, jawOpen=0.5) == {"Fcl_MTH_A": 0.4}
    assert moved(one, eyeBlinkLeft=1.0) == {"Fcl_EYE_Close_L": 1.0}
    # The right eye has no word of its own here: the one for both does its half.
    assert moved(one, eyeBlinkRight=1.0) == {"Fcl_EYE_Close": 0.5}
    assert moved(one, mouthSmileLeft=1.0, mouthSmileRight=1.0) == {"Fcl_ALL_Joy": 1.0}


@pytest.mark.parametrize("new", [False, True])
def test_a_vrms_own_words_come_through_in_both_versions(new):
    one = worn("x", "y", expressions={"aa": [(0, 1.0)], "blinkLeft": [(1, 1.0)]})
    old = {"A": 0.7, "Blink_L": 1.0}
    said = {VRM1_NAMES[n]: v for n, v in old.items()} if new else old
    assert moved(one, **said) == {"x": 0.7, "y": 1.0}


def test_a_vrms_words_move_a_face_of_arkits_shapes():
    assert moved(worn(*ARKIT), A=0.6, Blink_R=1.0) == {"jawOpen": 0.6, "eyeBlinkRight": 1.0}
    assert moved(worn(*ARKIT), joy=1.0) == {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}


def test_an_expression_holds_others_down_and_may_be_all_or_nothing():
    one = worn("smile", "a", "l", "star")
    one = replace(one, expressions=(
        Expression("happy", ((0, 1.0),), silences=(("blink", True), ("mouth", False))),
        Expression("aa", ((1, 1.0),)), Expression("blinkLeft", ((2, 1.0),)),
        Expression("star", ((3, 1.0),), binary=True)))  # fmt: skip
    assert moved(one, happy=0.4, aa=1.0, blinkLeft=1.0) == {"smile": 0.4, "a": 0.6}
    assert moved(one, aa=1.0, blinkLeft=1.0) == {"a": 1.0, "l": 1.0}
    assert moved(one, star=0.4) == {} and moved(one, star=0.6) == {"star": 1.0}


def test_perfect_sync_goes_before_the_rough_words():
    """A VRM with ARKit's 52 as words of its own and the usual presets beside them."""
    shapes = {name[0].upper() + name[1:]: [(k, 1.0)] for k, name in enumerate(ARKIT)}
    one = worn(*(f"m{k}" for k in range(53)), expressions={**shapes, "aa": [(52, 1.0)]})
    assert moved(one, jawOpen=0.5) == {f"m{ARKIT.index('jawOpen')}": 0.5}
    assert moved(one, aa=0.5) == {"m52": 0.5}


def test_ready_player_me_without_arkit_and_oculus_visemes():
    one = worn("mouthOpen", "mouthSmile", "eyesClosed")
    assert moved(one, jawOpen=0.4) == {"mouthOpen": 0.4}
    assert moved(one, eyeBlinkLeft=1.0, eyeBlinkRight=1.0) == {"eyesClosed": 1.0}
    one = worn("viseme_sil", "viseme_PP", "viseme_aa", "viseme_O", "viseme_RR", "viseme_U")
    assert moved(one, jawOpen=0.4, mouthPucker=0.8) == {"viseme_aa": 0.4, "viseme_U": 0.8}
    assert moved(one, mouthClose=1.0) == {"viseme_PP": 0.6}


def test_a_metahumans_controls():
    one = worn("CTRL_expressions_jawOpen", "CTRL_expressions_mouthCornerPullL",
               "CTRL_expressions_mouthFunnelUL", "CTRL_expressions_mouthFunnelDR",
               "CTRL_expressions_eyeLookLeftR")  # fmt: skip
    assert moved(one, mouthSmileLeft=0.5) == {"CTRL_expressions_mouthCornerPullL": 0.5}
    assert len(moved(one, mouthFunnel=1.0)) == 2
    assert moved(one, eyeLookInRight=1.0) == {"CTRL_expressions_eyeLookLeftR": 1.0}
    assert len(EXACT) > 60


def test_every_table_is_made_of_arkits_curves():
    for table in (EXACT, ROUGH):
        for word, shares in table.items():
            assert shares.keys() <= set(ARKIT), word
            assert all(0.0 < share <= 1.0 for share in shares.values())


def test_no_curve_moves_two_shapes():
    one = worn("mouthOpen", "A", "viseme_aa", "Blink", "eyesClosed", "Blink_L", "Blink_R")
    for curve in ("jawOpen", "eyeBlinkLeft"):
        assert len(moved(one, **{curve: 1.0})) == 1


def test_names_that_only_look_like_a_side():
    assert key("viseme_RR") == "visemerr" and key("jawLeft") == "jawleft"
    assert key("mouthRollUpper") == "mouthrollupper" and key("Eye_Blink_R") == "eyeblinkright"


def test_weights_stay_between_nought_and_one_and_rest_where_the_file_says():
    one = worn("jawOpen", "fat")
    one = replace(one, morphs=(one.morphs[0], replace(one.morphs[1], rest=0.4)))
    assert moved(one, jawOpen=7.0) == {"jawOpen": 1.0, "fat": 0.4}
    assert moved(one) == {"fat": 0.4}


@pytest.mark.parametrize(
    ("left", "right"),
    [("LeftEye", "RightEye"), ("eye_L", "eye_R"), ("CC_Base_L_Eye", "CC_Base_R_Eye"),
     ("FACIAL_L_Eye", "FACIAL_R_Eye"), ("J_Adj_L_FaceEye", "J_Adj_R_FaceEye"),
     ("mixamorig:LeftEye", "mixamorig:RightEye"), ("eyeball.L", "eyeball.R"), ("lEye", "rEye")],
)  # fmt: skip
def test_eyes_are_found_by_name(left, right):
    one = worn(joints=("LeftEyelid", "eyebrow_L", left, right, "Eye_L_Target"))
    found = {eye.side: one.skeleton.names[eye.joint] for eye in eyes(one)}
    assert found == {"left": left, "right": right}


def test_eyes_look_where_the_curves_say_whatever_the_head_does():
    one = worn(joints=("LeftEye", "RightEye"))
    rig = FaceRig(one)
    turn = rotation.normalize(np.array([0.2, 0.5, -0.3, 0.7]))
    world_r = np.tile(turn, (len(one.skeleton), 1))
    names = ("eyeLookOutLeft", "eyeLookInRight", "eyeLookUpLeft", "eyeLookUpRight")
    seen = rig.turned(names, np.array([1.0, 1.0, 0.0, 0.0]), world_r)
    for joint in ("LeftEye", "RightEye"):
        ahead = rotation.rotate(seen[one.skeleton.index(joint)], np.array([0.0, 0.0, 1.0]))
        own = rotation.rotate(rotation.conjugate(turn), ahead)
        assert np.allclose(own, [np.sin(np.radians(30)), 0.0, np.cos(np.radians(30))])
    seen = rig.turned(names, np.array([0.0, 0.0, 1.0, 1.0]), world_r)
    ahead = rotation.rotate(seen[one.skeleton.index("LeftEye")], np.array([0.0, 0.0, 1.0]))
    assert rotation.rotate(rotation.conjugate(turn), ahead)[1] == pytest.approx(
        np.sin(np.radians(22))
    )
    assert np.array_equal(seen[:-2], world_r[:-2])


def test_a_face_lives_at_natural_rates():
    life, blinks, shut_s, gaze = Life("ann"), 0, 0.0, []
    before, rate_hz, minutes = 0.0, 60, 10
    for tick in range(60 * rate_hz * minutes):
        life.advance(tick / rate_hz, False)
        now = dict(zip(NAMES, life.curves(), strict=True))
        lid = now["eyeBlinkLeft"]
        blinks += before <= 0.5 < lid
        shut_s += (lid > 0.5) / rate_hz
        before = lid
        gaze.append(now["eyeLookOutLeft"] - now["eyeLookInLeft"])
        assert min(now.values()) >= 0.0 and max(now.values()) <= 1.0
    assert 10.0 < blinks / minutes < 28.0
    assert 0.08 < shut_s / blinks < 0.3
    steps = np.abs(np.diff(gaze)) * np.degrees(30.0 * np.pi / 180)
    assert 0.01 < (steps > 0.5).mean() < 0.25 and np.abs(gaze).max() < 0.6
    assert abs(np.mean(gaze)) < 0.1


def test_a_face_that_somebody_moves_gets_no_life_and_takes_over_without_a_pop():
    life, names, shown = Life("ann"), ("jawOpen", "eyeBlinkLeft"), []
    for tick in range(1200):
        time_s = tick / 60
        live = tick < 300 or tick >= 900
        values = np.array([0.5, 0.2]) if live else np.zeros(2)
        whole, out = alive(life, names, values, time_s)
        shown.append(dict(zip(whole, out, strict=True)))
    assert all(s == {"jawOpen": 0.5, "eyeBlinkLeft": 0.2} for s in shown[60:300] + shown[920:])
    assert max(s.get("eyeBlinkRight", 0.0) for s in shown[320:900]) > 0.9
    assert sum("eyeLookOutLeft" in s for s in shown[:300]) == 0
    # The way back takes a few frames.
    share = [s.get("eyeLookOutLeft", 0.0) + s.get("eyeLookInLeft", 0.0) for s in shown[895:915]]
    assert max(abs(np.diff(share))) < 0.2
