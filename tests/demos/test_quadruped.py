"""A dog by an explicit map: it turns as the person does, and travels to its own size."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.demos import quadruped
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.stage import figures
from understudy.runtime.takes.carrying import carried
from understudy.runtime.takes.clip import Clip


@pytest.fixture
def dog(tmp_path):
    quadruped.write(tmp_path / "dog.glb")
    return tmp_path / "dog.toml"


def test_a_persons_motion_moves_the_dog(dog):
    figure = figures.load(dog)
    rotations = rotation.identity((20, len(PERFORMER)))
    swing = rotation.from_axis_angle([1.0, 0.0, 0.0], np.linspace(-0.5, 0.5, 20))
    rotations[:, PERFORMER.index("LeftArm")] = swing
    positions = np.repeat(PERFORMER.rest_positions[None], 20, axis=0)
    positions[:, 0, 2] = np.linspace(0.0, 1.0, 20)
    swung = PERFORMER.rest_globals[0]
    clip = carried(Clip(PERFORMER, positions, rotations, 1 / 30), figure)
    at, turned = clip.skeleton.globals(clip.positions, clip.rotations)
    joint = clip.skeleton.index
    assert np.abs(turned[:, joint("loin")] - rotation.identity()).max() < 1e-6
    arm = swung[PERFORMER.index("LeftForeArm")] - swung[PERFORMER.index("LeftArm")]
    leg = at[:, joint("left_elbow")] - at[:, joint("left_shoulder")]
    wanted = rotation.rotate(swing, arm / np.linalg.norm(arm))
    assert np.abs(leg / np.linalg.norm(leg, axis=-1, keepdims=True) - wanted).max() < 1e-6
    hips = at[:, joint("hips")]
    tall = 0.56 - 0.06
    scale = tall / (PERFORMER.rest_globals[0][0, 1] - PERFORMER.rest_globals[0][:, 1].min())
    assert np.ptp(hips[:, 2]) == pytest.approx(scale, abs=1e-6)


def test_a_map_that_names_nobody_is_refused(dog):
    dog.write_text(dog.read_text().replace('"chest"', '"Spine9"'))
    clip = Clip(PERFORMER, PERFORMER.rest_positions[None], PERFORMER.rest_rotations[None], 1 / 30)
    with pytest.raises(UnderstudyError, match="map names 'Spine9', and the motion has Hips, "):
        carried(clip, figures.load(dog))
