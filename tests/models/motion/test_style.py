"""Styles made into motion: bodies change, planted feet do not."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from understudy.models.motion import data, limits
from understudy.models.motion.evaluate import traits
from understudy.models.motion.style import restyle, usual_pose
from understudy.runtime.core import rotation
from understudy.runtime.performer.ik import legs

from .gait import walk


@pytest.fixture(scope="module")
def strip():
    return data.strip(walk(5.0, 1.2))


def styled(strip, energy, crouch):
    wish = np.tile([energy, crouch], (len(strip), 1)).astype(float)
    return restyle(strip.hips, strip.rotations, wish, usual_pose(strip.rotations))


@pytest.mark.parametrize("energy", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("crouch", [-1.0, 0.0, 1.0])
def test_feet_stay_where_they_were(strip, energy, crouch):
    before = legs.forward(strip.hips, strip.rotations)
    after = legs.forward(*styled(strip, energy, crouch))
    assert np.linalg.norm(after[0][:, :, 2] - before[0][:, :, 2], axis=-1).max() < 0.01
    assert rotation.angle_between(after[1][:, :, 2], before[1][:, :, 2]).max() < 1e-3


def test_each_trait_goes_its_way(strip):
    marks = (-1.0, -0.5, 0.0, 0.5, 1.0)
    energy = [traits(*styled(strip, m, 0.0)) for m in marks]
    crouch = [traits(*styled(strip, 0.0, m)) for m in marks]
    assert (np.diff([t["swing_cm"] for t in energy]) > 0.0).all()
    assert (np.diff([t["hips_m"] for t in crouch]) < 0.0).all()
    assert crouch[0]["hips_m"] - crouch[-1]["hips_m"] > 0.12
    assert energy[0]["lean_deg"] > energy[2]["lean_deg"] + 5.0


def test_limits_hold_what_they_were_made_of(strip):
    boxes = limits.of([strip])
    back = rotation.conjugate(np.array(boxes["mean"]))
    turn = rotation.to_rotation_vector(rotation.multiply(back, strip.rotations))[:, 1:]
    assert (turn > np.array(boxes["low_rad"])[1:] - 0.01).all()
    assert (turn < np.array(boxes["high_rad"])[1:] + 0.01).all()
