"""A jump between poses is shown as a fade."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.runtime.core import rotation
from understudy.runtime.performer.control.inertialization import Inertialization

poses = arrays(float, (2, 5, 4), elements=st.floats(-1, 1)).map(
    lambda q: rotation.normalize(q + np.array([0, 0, 0, 1e-3]))
)


@given(poses)
def test_the_first_frame_is_near_the_old_pose_and_the_last_is_the_new_one(q):
    shown = np.array([0.0, 1.0, 0.0]), q[0]
    hidden = np.array([0.3, 0.9, 0.1]), q[1]
    inert = Inertialization(1, 5)
    inert.jump(0, shown, hidden)
    gaps = []
    for _ in range(120):
        hips, rotations = hidden[0][None].copy(), hidden[1][None].copy()
        inert.apply(hips, rotations, 1 / 60)
        gaps.append(rotation.angle_between(rotations[0], q[0]).max())
    whole = rotation.angle_between(q[1], q[0]).max()
    assert gaps[0] < 0.06 * whole + 1e-6
    assert rotation.angle_between(rotations[0], q[1]).max() < 1e-3
    np.testing.assert_allclose(hips[0], hidden[0], atol=1e-3)
    # 2 s and half-life 0.1 s: nothing is left to be computed.
    assert not inert.active


def test_without_a_jump_nothing_is_touched():
    inert = Inertialization(2, 3)
    hips, rotations = np.ones((2, 3)), rotation.identity((2, 3))
    inert.apply(hips, rotations, 1 / 60)
    np.testing.assert_array_equal(hips, np.ones((2, 3)))
