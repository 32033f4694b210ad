"""Resets on a stage: facing, a mark, a T-pose; mirror and root, live and in the session."""

from __future__ import annotations

import math

import numpy as np
import pytest

from understudy.bridge.requests import AdjustSubject, ResetSubject
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Camera
from understudy.runtime.stage import calibration, resets
from understudy.runtime.stage import session as sessions
from understudy.runtime.stage.cast import Cast
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

ROLES = roles(PERFORMER)
FRAMES, RATE_HZ = 60, 60.0
FACES = 0.5


@pytest.fixture
def cast(tmp_path, pad):
    """Ann, who stands somewhere, faces half a radian to the left and has her left arm down; and
    Bob, on a pad."""
    turns = np.tile(PERFORMER.rest_rotations, (FRAMES, 1, 1))
    turns[:, 0] = rotation.from_yaw(FACES)
    turns[:, ROLES["left_upper_arm"]] = rotation.from_rotation_vector(np.array([0.0, 0.0, -1.0]))
    positions = np.tile(PERFORMER.rest_positions, (FRAMES, 1, 1))
    positions[:, 0] += (1.0, -0.1, 2.0)
    file = tmp_path / "ann.bvh"
    bvh.write(file, Clip(PERFORMER, positions, turns, 1.0 / RATE_HZ, "ann"))
    lines = (f"bvh://{file}?name=ann", f"pad://{pad}?name=bob")
    with Cast(sessions.session_of(*lines, rate_hz=RATE_HZ)) as made:
        tick(made, 6)
        yield made


def tick(cast: Cast, first: int = 0) -> dict:
    """The subjects by name after some ticks more."""
    for n in range(first, first + 6):
        cast.sense(n / RATE_HZ)
        cast.perform(1.0 / RATE_HZ)
        found = {one.name: one for one in cast.solve()}
    return found


def hips(one) -> tuple[np.ndarray, float]:
    return calibration.hips(one.skeleton, one.pose)


def test_a_heading_is_turned_where_one_stands(cast):
    before, facing = hips(tick(cast, 12)["ann"])
    assert facing == pytest.approx(FACES, abs=1e-4)
    (told,) = resets.reset(cast, ResetSubject(name="ann", what="heading"))["subjects"]
    at, facing = hips(tick(cast, 18)["ann"])
    assert facing == pytest.approx(0.0, abs=1e-4) and told["heading_deg"] != 0.0
    np.testing.assert_allclose(at, before, atol=1e-3)


def test_a_camera_is_faced_by_name_by_place_and_one_that_is_not_there_is_a_sentence(cast):
    request = ResetSubject(name="ann", what="camera", towards=[4.0, 1.5, 2.0])
    resets.reset(cast, request)
    at, facing = hips(tick(cast, 12)["ann"])
    assert facing == pytest.approx(math.atan2(4.0 - at[0], 2.0 - at[2]), abs=1e-3)
    with pytest.raises(UnderstudyError, match="no camera on this stage"):
        resets.reset(cast, ResetSubject(name="ann", what="camera"))
    cast.scenery.cameras = [Camera("A", np.array([at[0], 1.5, -3.0]), rotation.identity())]
    resets.reset(cast, ResetSubject(name="ann", what="camera", camera="A"))
    assert abs(hips(tick(cast, 18)["ann"])[1]) == pytest.approx(math.pi, abs=1e-3)
    with pytest.raises(UnderstudyError, match="'B'"):
        cast.scenery.cameras = [Camera("A", np.zeros(3), rotation.identity())]
        resets.reset(cast, ResetSubject(what="camera", camera="B"))


def test_a_mark_is_stood_on_and_everybody_can_be_told_at_once(cast):
    resets.reset(cast, ResetSubject(what="mark", at_m=(-2.0, 0.0, 3.0)))
    there = tick(cast, 12)
    for name in ("ann", "bob"):
        at, _ = hips(there[name])
        np.testing.assert_allclose(at[[0, 2]], (-2.0, 3.0), atol=0.05)
    assert hips(there["ann"])[1] == pytest.approx(FACES, abs=1e-4)


def test_a_t_pose_puts_joints_right_until_it_is_taken_away(cast):
    (told,) = resets.reset(cast, ResetSubject(name="ann", what="t_pose"))["subjects"]
    assert told["t_pose"] >= 1
    shown = tick(cast, 12)["ann"]
    arm = roles(shown.skeleton)["left_upper_arm"]
    assert rotation.angle_between(shown.pose.rotations[arm], rotation.identity()) < 1e-3
    session = sessions.loads(sessions.dumps(cast.session), "it")  # as `--resume` reads it
    assert session.stage.rate_hz == RATE_HZ
    table = cast.member("ann").table
    assert sessions.dumps(sessions.Session(subject=[table])).count("LeftArm") == 1
    resets.reset(cast, ResetSubject(name="ann", what="off"))
    shown = tick(cast, 18)["ann"]
    assert rotation.angle_between(shown.pose.rotations[arm], rotation.identity()) > 0.9
    with pytest.raises(UnderstudyError, match="not seen by its source"):
        resets.reset(cast, ResetSubject(name="bob", what="t_pose"))


def test_mirror_and_root_are_changed_live(cast):
    asked = AdjustSubject(name="ann", mirror=True, root="in place")
    assert resets.adjust(cast, asked) == {"name": "ann", "mirror": True, "root": "in place"}
    shown = tick(cast, 12)["ann"]
    at, facing = hips(shown)
    np.testing.assert_allclose(
        at[[0, 2]], np.array(cast.member("ann").table.at_m)[[0, 2]], atol=1e-6
    )
    assert facing == pytest.approx(-FACES, abs=1e-3)
    arm = shown.pose.rotations[roles(shown.skeleton)["right_upper_arm"]]
    assert rotation.angle_between(arm, rotation.identity()) > 0.9
    assert resets.adjust(cast, AdjustSubject(name="ann"))["mirror"] is True
    with pytest.raises(UnderstudyError, match="on a pad"):
        resets.adjust(cast, AdjustSubject(name="bob", mirror=True))
