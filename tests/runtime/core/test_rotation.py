"""Quaternion maths, by property."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from understudy.runtime.core import rotation

finite = st.floats(-10.0, 10.0, allow_nan=False, width=64)
vectors = arrays(np.float64, (3,), elements=finite)
ORDERS = ["".join(p) for p in itertools.permutations("XYZ")]


@st.composite
def quaternions(draw, shape=()):
    q = draw(arrays(np.float64, (*shape, 4), elements=st.floats(-1.0, 1.0)))
    q = q + np.where(np.linalg.norm(q, axis=-1, keepdims=True) < 1e-2, [0.0, 0, 0, 1], 0.0)
    return rotation.normalize(q)


def same(a, b, tolerance_rad=1e-6):
    return np.all(rotation.angle_between(a, b) < tolerance_rad)


@given(quaternions(), quaternions(), vectors)
def test_a_product_turns_by_the_second_then_by_the_first(a, b, v):
    once = rotation.rotate(rotation.multiply(a, b), v)
    assert np.allclose(once, rotation.rotate(a, rotation.rotate(b, v)), atol=1e-9)


@given(quaternions(), quaternions(), quaternions())
def test_the_product_is_associative(a, b, c):
    left = rotation.multiply(rotation.multiply(a, b), c)
    assert np.allclose(left, rotation.multiply(a, rotation.multiply(b, c)), atol=1e-12)


@given(quaternions(), vectors)
def test_rotation_keeps_lengths_and_the_conjugate_undoes_it(q, v):
    turned = rotation.rotate(q, v)
    assert np.isclose(np.linalg.norm(turned), np.linalg.norm(v), atol=1e-9)
    assert np.allclose(rotation.rotate(rotation.conjugate(q), turned), v, atol=1e-9)


@given(quaternions(), vectors)
def test_the_matrix_does_what_the_quaternion_does(q, v):
    assert np.allclose(rotation.to_matrix(q) @ v, rotation.rotate(q, v), atol=1e-9)
    assert same(rotation.from_matrix(rotation.to_matrix(q)), q)


@given(quaternions())
def test_six_numbers_carry_a_rotation_even_when_they_are_scaled(q):
    assert same(rotation.from_6d(rotation.to_6d(q) * 3.0), q)


@given(arrays(np.float64, (3,), elements=st.floats(-1.8, 1.8)))
def test_rotation_vectors_shorter_than_half_a_turn_come_back(v):
    assert np.allclose(rotation.to_rotation_vector(rotation.from_rotation_vector(v)), v, atol=1e-7)


@given(arrays(np.float64, (5, 3), elements=st.floats(-7.0, 7.0)), st.sampled_from(ORDERS))
def test_euler_angles_are_turns_about_the_axes_first_letter_outermost(angles, order):
    parts = [
        rotation.from_axis_angle(np.eye(3)["XYZ".index(letter)], angles[:, n])
        for n, letter in enumerate(order)
    ]
    by_parts = rotation.multiply(rotation.multiply(parts[0], parts[1]), parts[2])
    assert np.allclose(rotation.from_euler(angles, order), by_parts, atol=1e-12)


@given(quaternions(shape=(4,)), st.sampled_from(ORDERS))
def test_euler_angles_come_back_as_the_same_rotation(q, order):
    assert same(rotation.from_euler(rotation.to_euler(q, order), order), q, 1e-7)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle_deg", [-90.0, 90.0])
def test_euler_angles_survive_gimbal_lock(order, middle_deg):
    q = rotation.from_euler(np.deg2rad([[25.0, middle_deg, -40.0]]), order)
    angles = rotation.to_euler(q, order)
    assert same(rotation.from_euler(angles, order), q, 1e-7)
    assert angles[0, 2] == 0.0


@pytest.mark.parametrize("order", ORDERS)
def test_a_rounded_quaternion_keeps_its_rotation_close_to_gimbal_lock(order):
    random = np.random.default_rng(3)
    angles = random.uniform(-np.pi, np.pi, (4000, 3))
    angles[:, 1] = np.pi / 2 - 10.0 ** random.uniform(-9.0, -1.0, 4000)
    angles[::2, 1] *= -1.0
    sent = rotation.from_euler(angles, order).astype(np.float32)  # as a pose comes from the wire
    exact = sent.astype(np.float64)
    again = rotation.from_euler(rotation.to_euler(exact, order), order)
    assert same(again, rotation.normalize(exact), 1e-7)
    single = rotation.to_euler(sent, order).astype(np.float64)
    assert same(rotation.from_euler(single, order), rotation.normalize(exact), 5e-6)


def test_to_euler_refuses_a_repeated_axis():
    with pytest.raises(ValueError, match="XYX"):
        rotation.to_euler(rotation.identity(), "XYX")


@given(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_goes_the_short_way_at_constant_speed(a, b, t):
    angle = rotation.angle_between(a, b)
    middle = rotation.slerp(a, b, t)
    if angle < np.pi - 0.01:  # at half a turn both ways are short
        assert np.isclose(rotation.angle_between(a, middle), t * angle, atol=1e-5)
    assert np.isclose(np.linalg.norm(middle), 1.0)


@given(vectors, vectors)
def test_between_takes_one_direction_to_the_other(a, b):
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-3:
        return
    turned = rotation.rotate(rotation.between(a, b), rotation.normalize(a))
    assert np.allclose(turned, rotation.normalize(b), atol=1e-4)


@pytest.mark.parametrize("axis", np.eye(3))
def test_between_opposite_directions_is_half_a_turn(axis):
    q = rotation.between(axis, -axis)
    assert np.isclose(rotation.angle_between(q, rotation.identity()), np.pi)
    assert np.allclose(rotation.rotate(q, axis), -axis)


@given(st.floats(-3.1, 3.1))
def test_yaw_is_the_turn_about_up_and_left_is_positive(angle_rad):
    q = rotation.from_yaw(angle_rad)
    assert np.isclose(rotation.yaw(q), angle_rad)
    assert np.allclose(
        rotation.rotate(q, np.array([0.0, 0, 1])), [np.sin(angle_rad), 0, np.cos(angle_rad)]
    )


@given(quaternions(), vectors)
def test_swing_and_twist_multiply_to_the_whole(q, axis):
    if np.linalg.norm(axis) < 1e-2:
        return
    axis = rotation.normalize(axis)
    swing, twist = rotation.swing_twist(q, axis)
    assert same(rotation.multiply(swing, twist), q, 1e-5)
    assert np.allclose(np.cross(twist[:3], axis), 0.0, atol=1e-6)
    assert abs(np.dot(swing[:3], axis)) < 1e-4


@given(quaternions(shape=(30,)))
def test_continuous_never_jumps_to_the_far_side(q):
    run = rotation.continuous(q)
    assert np.all(np.sum(run[1:] * run[:-1], axis=-1) >= -1e-12)
    assert same(run, q)


@given(array_shapes(min_dims=1, max_dims=3, max_side=3))
def test_every_function_takes_any_leading_axes_and_keeps_float32(shape):
    rng = np.random.default_rng(0)
    q = rotation.normalize(rng.normal(size=(*shape, 4)).astype(np.float32))
    v = rng.normal(size=(*shape, 3)).astype(np.float32)
    for out, tail in (
        (rotation.multiply(q, q), (4,)),
        (rotation.rotate(q, v), (3,)),
        (rotation.from_rotation_vector(v), (4,)),
        (rotation.to_rotation_vector(q), (3,)),
        (rotation.from_euler(v, "ZYX"), (4,)),
        (rotation.to_euler(q, "ZYX"), (3,)),
        (rotation.from_matrix(rotation.to_matrix(q)), (4,)),
        (rotation.from_6d(rotation.to_6d(q)), (4,)),
        (rotation.slerp(q, q, 0.5), (4,)),
    ):
        assert out.shape == (*shape, *tail)
        assert out.dtype == np.float32


def test_rotate_broadcasts_one_rotation_over_many_vectors():
    q = rotation.from_yaw(0.3)
    v = np.random.default_rng(1).normal(size=(7, 3))
    assert np.allclose(rotation.rotate(q, v), v @ rotation.to_matrix(q).T)


def test_a_zero_vector_stays_zero():
    assert np.array_equal(rotation.normalize(np.zeros(3)), np.zeros(3))
