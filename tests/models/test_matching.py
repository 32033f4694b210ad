"""Motion matching, the baseline: it goes where it is asked, smoothly, on planted feet."""

import numpy as np
import pytest

from tests.models.motion.gait import folder
from understudy.models.matching.matching import Library, Matching
from understudy.models.motion import data
from understudy.runtime.bench import gait, trials
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.performer import Performer


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Library:
    """A start, a walk and a slow walk, with all that is made of them."""
    return Library(data.load(folder(tmp_path_factory.mktemp("bvh"))))


@pytest.fixture(scope="module")
def walked(library):
    """Stand, walk ahead, walk to the left, stand: what was shown, and the baseline after it."""
    left = trials.way(90.0, trials.stick_for(1.2))
    ahead = trials.way(0.0, trials.stick_for(1.2))
    events = ((0.0, 0.0, None, ""), (1.0, ahead, None, ""), (5.0, left, None, ""))
    pad = trials.script(*events, (9.0, 0.0, None, ""))
    with Matching(2, library) as matching:
        motion, _, _ = trials.follow(matching, [pad, pad], 690)
        return motion, matching


def test_it_stands_goes_and_stops(walked):
    motion, _ = walked
    speed = gait.speed(motion)
    assert np.linalg.norm(speed[20:50], axis=-1).max() < 0.1
    assert speed[150:270, :, 1].mean() == pytest.approx(1.2, rel=0.1)
    assert speed[400:520, :, 0].mean() == pytest.approx(1.2, rel=0.1)
    assert np.linalg.norm(speed[-40:], axis=-1).max() < 0.15
    assert np.allclose(gait.heading(motion)[480:520], np.pi / 2, atol=0.2)


def test_its_feet_step_and_stay_where_they_are_planted(walked):
    motion, _ = walked
    points = gait.soles(motion)
    on = gait.planted(points)
    total, count = gait.skate(points, on)
    assert total / count < 3.0
    moving = np.zeros((690, 2), bool)
    moving[120:540] = True
    frozen, seconds = gait.frozen(motion, moving)
    assert frozen == 0 and seconds > 10


def test_jumps_between_frames_do_not_show(walked):
    motion, _ = walked
    turn = rotation.angle_between(motion.rotations[:-1], motion.rotations[1:])
    assert np.rad2deg(turn.max()) < 30.0
    assert np.linalg.norm(np.diff(motion.hips, axis=0), axis=-1).max() < 0.06


def test_it_looks_like_a_performer(walked):
    _, matching = walked
    with Performer(2, provider="cpu") as performer:
        for name in ("positions", "rotations", "contacts", "root", "yaw"):
            ours, theirs = getattr(performer, name), getattr(matching, name)
            assert ours.shape == theirs.shape, name
        assert matching.skeleton.id == performer.skeleton.id


def test_the_nearest_frame_is_found(library):
    frames = library.candidates[:: max(1, len(library.candidates) // 50)]
    found, cost = library.search(library.features[frames])
    assert np.abs(cost).max() < 1e-2
    assert np.allclose(library.features[found], library.features[frames], atol=0.05)


def test_mocap_alone_is_a_smaller_library(tmp_path):
    strips = data.load(folder(tmp_path / "bvh"))
    alone = Library(strips, made=False)
    assert len(alone) == 2 * sum(len(s) for s in strips)
    assert alone.nbytes > 0


def test_another_rate_is_refused(library):
    with pytest.raises(AssertionError):
        Matching(1, library).step([Intent(np.zeros(2), np.zeros(2))], 1 / 120)
