"""Gaze: heads look where they are told, within a neck's range, and live by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control import gaze
from understudy.runtime.performer.control.gaze import Gaze
from understudy.runtime.performer.control.layout import TRAITS
from understudy.runtime.performer.control.performer import Performer

HEAD, NECK = PERFORMER.index("Head"), PERFORMER.index("Neck")
DT_S = 1.0 / 60.0
SETTLED = 240


def standing(yaw: float, bow: float) -> tuple[np.ndarray, np.ndarray]:
    """Hips (1, 3) and rotations (1, 22, 4) of a body that faces a way and hangs its head."""
    q = rotation.identity((1, 22))
    q[0, 0] = rotation.from_yaw(yaw)
    q[0, NECK] = rotation.from_axis_angle([1.0, 0.0, 0.0], bow)
    return np.array([[0.3, 0.97, -0.2]]), q


def look(
    one: Gaze, hips, rotations, ahead: float, way=(0.0, 0.0), restless: float = -1.0, dt_s=DT_S
):
    """The same body's rotations after a tick of looking."""
    out = rotations.copy()
    zero = np.zeros(1)
    one.apply(hips, out, np.array([ahead]), np.array([way]), zero, zero + restless, zero > 1, dt_s)
    return out


def face(hips, rotations) -> tuple[np.ndarray, np.ndarray]:
    """Where the eyes are (3,) and the way in which the face looks (3,)."""
    positions = PERFORMER.rest_positions[None].copy()
    positions[:, 0] = hips
    at, turn = PERFORMER.globals(positions, rotations)
    return at[0, HEAD] + (0, 0.09, 0), rotation.rotate(turn[0, HEAD], np.array([0.0, 0.0, 1.0]))


angles = st.floats(-3.1, 3.1)


@settings(max_examples=20, deadline=None)
@given(angles, st.floats(-0.4, 0.4), st.floats(-0.85, 0.85), st.floats(-0.5, 0.4))
def test_a_point_within_the_necks_range_is_looked_at(yaw, bow, aside, up):
    hips, rotations = standing(yaw, bow)
    one = Gaze(1)
    way = np.array([np.sin(yaw + aside) * np.cos(up), np.sin(up), np.cos(yaw + aside) * np.cos(up)])
    one.target[0] = hips[0] + (0.0, gaze.EYES_M, 0.0) + 4.0 * way
    for _ in range(SETTLED):
        out = look(one, hips, rotations, yaw)
    eyes, along = face(hips, out)
    wanted = (one.target[0] - eyes) / np.linalg.norm(one.target[0] - eyes)
    assert np.degrees(np.arccos(np.clip(along @ wanted, -1, 1))) < 4.0


@settings(max_examples=20, deadline=None)
@given(
    angles,
    st.floats(-0.4, 0.4),
    st.tuples(*[st.floats(-50.0, 50.0)] * 3),
    st.floats(-1.0, 1.0),
    st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)),
)
def test_no_neck_is_turned_beyond_its_range_and_no_head_jumps(yaw, bow, target, restless, way):
    hips, rotations = standing(yaw, bow)
    one = Gaze(1)
    before = None
    for tick in range(SETTLED):
        # What is looked at appears behind, is gone, and comes again.
        one.target[0] = target if tick % 80 < 40 else np.nan
        out = look(one, hips, rotations, yaw, way if tick > 160 else (0.0, 0.0), restless)
        along = face(hips, out)[1]
        aside = np.arctan2(along[0], along[2]) - yaw
        assert abs((aside + np.pi) % (2 * np.pi) - np.pi) < gaze.ASIDE_RAD + 1e-3
        assert np.sin(-gaze.DOWN_RAD) - 0.45 < along[1] < np.sin(gaze.UP_RAD) + 0.45
        if before is not None:
            turned = np.arccos(np.clip(along @ before, -1, 1))
            assert turned <= 2.0 * gaze.FASTEST_RAD_S * DT_S
        before = along
        assert np.isfinite(out).all()


def test_the_stick_counts_more_than_the_point():
    hips, rotations = standing(0.0, 0.0)
    one = Gaze(1)
    one.target[0] = (-5.0, 1.6, 5.0)
    for _ in range(SETTLED):
        out = look(one, hips, rotations, 0.0, (0.5, 1.0))
    along = face(hips, out)[1]
    assert np.arctan2(along[0], along[2]) == pytest.approx(np.arctan2(0.5, 1.0), abs=0.05)


def test_who_is_behind_is_not_stared_at():
    hips, rotations = standing(0.0, 0.0)
    one = Gaze(1)
    one.target[0] = (0.2, 1.7, -5.0)
    for _ in range(SETTLED):
        out = look(one, hips, rotations, 0.0)
    assert face(hips, out)[1][2] > 0.98


def test_the_slider_goes_from_a_fixed_gaze_to_a_restless_one():
    moved = []
    for restless in (-1.0, 0.0, 1.0):
        hips, rotations = standing(0.0, 0.0)
        one = Gaze(1)
        ways = np.array(
            [
                face(hips, look(one, hips, rotations, 0.0, (0, 0), restless, 0.05))[1]
                for _ in range(1200)
            ]
        )
        moved.append(np.linalg.norm(np.diff(ways[40:], axis=0), axis=-1).sum())
    assert moved[0] < 0.01 < moved[1] < 0.6 * moved[2]


def test_glances_do_not_repeat():
    hips, rotations = standing(0.0, 0.0)
    one = Gaze(1)
    yaw = []
    for _ in range(2400):
        along = face(hips, look(one, hips, rotations, 0.0, (0, 0), 0.5, 0.1))[1]
        yaw.append(np.arctan2(along[0], along[2]))
    x = np.array(yaw) - np.mean(yaw)  # 10 Hz
    size = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    again = np.fft.irfft(size)[: len(x) // 2] / np.arange(len(x), len(x) - len(x) // 2, -1)
    assert np.abs(again[100:600] / again[0]).max() < 0.5  # between 10 and 60 s


@pytest.fixture(scope="module")
def walkers():
    """Head pitch (T, 2) of one that stands and one that walks, seconds 2 to 12; and the way."""
    pitch = []
    with Performer(2, provider="cpu") as performer:
        for tick in range(720):
            performer.step([Intent(), Intent(np.array([0.0, 0.6]))])
            if tick > 120:
                q = performer.rotations.astype(float)
                p = np.repeat(PERFORMER.rest_positions[None], 2, 0)
                along = rotation.rotate(PERFORMER.globals(p, q)[1][:, HEAD], np.array([0.0, 0, 1]))
                pitch.append(np.degrees(np.arcsin(np.clip(along[:, 1], -1, 1))))
    return np.array(pitch)


def test_nobody_looks_at_his_feet(walkers):
    assert (np.abs(walkers.mean(0)) < 8.0).all()


def test_a_performer_looks_at_a_point_while_it_walks_by():
    off = []
    with Performer(1, provider="cpu") as performer:
        performer.style[0, TRAITS.index("restless")] = -1.0
        target = np.array([2.0, 1.6, 8.0])
        performer.gaze.target[0] = target
        for tick in range(300):
            performer.step([Intent(np.array([0.0, 0.6]))])
            if tick > 90:
                eyes, along = face(performer.positions[:, 0], performer.rotations.astype(float))
                way = (target - eyes) / np.linalg.norm(target - eyes)
                off.append(np.degrees(np.arccos(np.clip(along @ way, -1, 1))))
    assert np.mean(off) < 6.0
