"""Feet of any body in the performer's metres."""

import numpy as np
import pytest

from understudy.runtime.contact.feet import BALL_M, feet
from understudy.runtime.core import floor, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.ik import legs


def scaled(by: float) -> Skeleton:
    """The performer as a giant or a dwarf."""
    return Skeleton(
        PERFORMER.names, PERFORMER.parents, PERFORMER.rest_positions * by,
        PERFORMER.rest_rotations, PERFORMER.tips * by,
    )  # fmt: skip


@pytest.mark.parametrize("size", [0.4, 1.0, 2.5])
def test_who_stands_has_heels_and_balls_where_they_stand(size: float):
    skeleton = scaled(size)
    build = feet(skeleton)
    assert build is not None
    rest = Pose.rest(skeleton)
    points = build.points(rest.positions[None], rest.rotations[None])
    sole = points[1][0, :, 1].min()
    _, heels, balls = build.over(points)
    assert build.scale == pytest.approx(1.0 / size)
    np.testing.assert_allclose(points[2][0, :, 1] - sole, BALL_M * size, atol=1e-6)
    np.testing.assert_allclose(heels[..., 1], sole / size, atol=1e-6)
    np.testing.assert_allclose(balls[..., 1], sole / size, atol=1e-6)


def test_feet_are_where_the_legs_say():
    draw = np.random.default_rng(0)
    build = feet(PERFORMER)
    assert build is not None
    turns = rotation.from_rotation_vector(0.4 * draw.standard_normal((5, len(PERFORMER), 3)))
    positions = np.repeat(PERFORMER.rest_positions[None], 5, 0)
    positions[:, 0] = draw.standard_normal((5, 3))
    points, _ = legs.forward(positions[:, 0], turns)
    hips, heels, balls = build.points(positions, turns)
    np.testing.assert_allclose(hips, positions[:, 0])
    np.testing.assert_allclose(balls, points[:, :, 3], atol=1e-9)
    away = np.linalg.norm(heels - points[:, :, 2], axis=-1)
    np.testing.assert_allclose(away, away[0, 0], atol=1e-9)


def test_on_a_block_feet_are_over_it():
    build = feet(PERFORMER)
    assert build is not None
    block = floor.of_tables(
        {"block": [{"at_m": [0.0, 0.0], "size_m": [2.0, 2.0], "height_m": 0.5}]}
    )
    rest = Pose.rest(PERFORMER)
    points = build.points(rest.positions[None], rest.rotations[None])
    level, raised = build.over(points), build.over(points, block)
    for one, other in zip(level, raised):
        np.testing.assert_allclose(one[..., 1] - other[..., 1], 0.5, atol=1e-9)


def test_who_has_no_legs_has_no_feet():
    nowhere = np.full((2, 3), np.nan)
    crane = Skeleton(
        ("base", "boom"), np.array([-1, 0]), np.zeros((2, 3)), np.eye(4)[[3, 3]], nowhere
    )
    assert feet(crane) is None
