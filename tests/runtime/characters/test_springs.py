"""Hair that swings: by both versions of VRM, out of colliders, and the same at any picture rate."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.characters.loading import load
from understudy.runtime.characters.springs import Springs, State
from understudy.runtime.core import rotation

from .models import Board

CHAIN = ("hair0", "hair1", "hair2", "end")


def braid(tmp_path, new: bool, **words):
    """A board with a braid of three bones that stands out along +X from the upper joint."""
    board = Board()
    first = len(board.nodes)
    for k, name in enumerate(CHAIN):
        node = {"name": name, "translation": [0.2 if k else 0.0, 0.0, 0.0]}
        if k < len(CHAIN) - 1:
            node["children"] = [first + k + 1]
        board.nodes.append(node)
    board.nodes[1]["children"] = [first]
    nodes = list(range(first, first + 4))
    human = {"humanBones": {"hips": {"node": 0}} if new else [{"bone": "hips", "node": 0}]}
    if new:
        joint = {"stiffness": 0.0, "dragForce": 0.2, "gravityPower": 1.0, "hitRadius": 0.02} | words
        spring = {"joints": [{"node": n, **joint} for n in nodes], "colliderGroups": [0]}
        ball = {"node": 1, "shape": {"sphere": {"offset": [0.0, -0.4, 0.0], "radius": 0.3}}}
        board.tree["extensions"] = {
            "VRMC_vrm": {"humanoid": human},
            "VRMC_springBone": {"springs": [spring], "colliders": [ball],
                                "colliderGroups": [{"colliders": [0]}]},
        }  # fmt: skip
    else:
        group = {"stiffiness": 0.0, "dragForce": 0.2, "gravityPower": 1.0, "bones": nodes[:1],
                 "gravityDir": {"x": 0, "y": -1, "z": 0}, "hitRadius": 0.02,
                 "colliderGroups": [0]}  # fmt: skip
        ball = {"node": 1, "colliders": [{"offset": {"x": 0, "y": -0.4, "z": 0.1}, "radius": 0.3}]}
        board.tree["extensions"] = {
            "VRM": {"humanoid": human,
                    "secondaryAnimation": {"boneGroups": [group], "colliderGroups": [ball]}}
        }  # fmt: skip
    for n in nodes:
        board.tree["skins"][0]["joints"].append(n)
    del board.tree["skins"][0]["inverseBindMatrices"]
    return load(board.save(tmp_path / "a.vrm"))


def swung(character, seconds: float, rate_hz: float, move=lambda t: 0.0) -> np.ndarray:
    """(T, J, 3) world positions while the root goes along +X by move(t)."""
    springs, state, out = Springs(character), State(), []
    world_p, world_r = character.skeleton.rest_globals
    for k in range(round(seconds * rate_hz)):
        here = world_p + np.array([move(k / rate_hz), 0.0, 0.0])
        moved, _ = springs.swing(state, here, world_r, k / rate_hz)
        out.append(moved)
    return np.array(out)


@pytest.mark.parametrize("new", [False, True])
def test_a_braid_falls_and_rests_on_the_collider(tmp_path, new):
    one = braid(tmp_path, new)
    assert len(one.springs) == (3 if new else 4) and len(one.colliders) == 1
    end, top = one.skeleton.index("end"), one.skeleton.index("hair0")
    way = swung(one, 6.0, 60.0)
    sides = np.linalg.norm(np.diff(way[:, top : end + 1], axis=1), axis=2)
    assert np.allclose(sides, 0.2, atol=1e-9)  # no bone stretches
    last = way[-1]
    assert last[end, 1] < last[top, 1] - 0.3 and np.abs(way[-1] - way[-60]).max() < 0.02
    world_p, world_r = one.skeleton.rest_globals
    ball = one.colliders[0]
    at = world_p[ball.joint] + rotation.rotate(world_r[ball.joint], np.array(ball.at))
    for joint in ("hair1", "hair2", "end"):
        gap = np.linalg.norm(last[one.skeleton.index(joint)] - at)
        assert gap > ball.radius_m + 0.02 - 0.015


def test_offsets_of_the_old_colliders_are_unitys(tmp_path):
    assert np.allclose(braid(tmp_path, False).colliders[0].at, (0.0, -0.4, -0.1), atol=1e-6)


def test_a_stiff_braid_stands_as_it_rests_and_lags_when_the_body_goes(tmp_path):
    one = braid(tmp_path, True, stiffness=8.0, gravityPower=0.0, dragForce=0.4)
    end = one.skeleton.index("end")
    still = swung(one, 1.0, 60.0)
    assert np.allclose(still[-1], one.skeleton.rest_globals[0], atol=1e-6)
    side = swung(one, 3.0, 60.0, lambda t: 0.0 if t < 0.5 else min(2.0 * (t - 0.5), 1.0))
    world_p = one.skeleton.rest_globals[0]
    assert np.abs(side[:, end, 1] - world_p[end, 1]).max() < 0.1
    assert np.allclose(side[-1, end] - side[-1, 0], world_p[end] - world_p[0], atol=0.01)


def test_the_swing_is_the_same_at_any_rate_of_pictures(tmp_path):
    one = braid(tmp_path, True)
    slow, fast = swung(one, 2.0, 30.0), swung(one, 2.0, 120.0)
    assert np.abs(slow[-1] - fast[-4]).max() < 0.03


def test_a_leap_or_a_long_rest_does_not_whip_it(tmp_path):
    one = braid(tmp_path, True, stiffness=1.0)
    way = swung(one, 1.0, 60.0, lambda t: 0.0 if t < 0.5 else 50.0)
    shape = way - way[:, :1]
    rest = one.skeleton.rest_globals[0] - one.skeleton.rest_globals[0][0]
    assert np.allclose(shape[31], rest, atol=0.05)
    assert np.isfinite(way).all()


def test_a_character_without_springs_is_left_as_it_is(tmp_path):
    one = load(Board().save(tmp_path / "a.glb"))
    world = one.skeleton.rest_globals
    assert Springs(one).swing(State(), *world, 1.0) == world
