"""How much later one device is: claps and nods at known delays, noise, what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import alignment

RATE_HZ = 60.0
HEAD = Skeleton(("Neck", "Head"), np.array([-1, 0]), np.array([[0.0, 1.4, 0.0], [0.0, 0.1, 0.0]]))


def clap(time_s: float) -> float:
    """Arms that come together within a tenth of a second, three times at uneven times."""
    return sum(float(np.exp(-(((time_s - at) / 0.08) ** 2))) for at in (1.0, 2.3, 4.1))


def actor(
    skeleton: Skeleton, later_s: float, noise_rad: float = 0.0, seed: int = 0
) -> list[Subject]:
    """Five seconds of somebody who claps, or nods where there is no more than a head."""
    random = np.random.default_rng(seed)
    out = []
    for n in range(round(5 * RATE_HZ)):
        pose = Pose(skeleton.rest_positions.copy(), skeleton.rest_rotations.copy())
        angle = 1.2 * clap(n / RATE_HZ - later_s)
        for name, axis in (("LeftArm", (0, 1, 0)), ("RightArm", (0, -1, 0)), ("Head", (1, 0, 0))):
            if name in skeleton.names:
                turn = np.array(axis) * angle + random.normal(size=3) * noise_rad
                pose.rotations[skeleton.index(name)] = rotation.from_rotation_vector(turn)
        out.append(Subject("ann" if skeleton is PERFORMER else "phone", skeleton, pose))
    return out


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.4, 0.4))
def test_a_clap_is_found_within_a_millisecond(later_s):
    found, words = alignment.measured(actor(PERFORMER, 0.0), actor(PERFORMER, later_s), RATE_HZ)
    assert found.later_s == pytest.approx(later_s, abs=1e-3)
    assert found.alike > 0.9 and words.endswith("joints")


def test_a_body_and_a_phone_share_a_nod():
    found, words = alignment.measured(actor(PERFORMER, 0.0), actor(HEAD, 0.083), RATE_HZ)
    assert found.later_s == pytest.approx(0.083, abs=2e-3) and words == "2 joints"


def test_trembling_costs_no_more_than_two_milliseconds():
    lags = [
        alignment.measured(
            actor(PERFORMER, 0.0, 0.01, seed), actor(PERFORMER, 0.05, 0.01, seed + 100), RATE_HZ
        )[0].later_s
        for seed in range(8)
    ]
    assert np.abs(np.array(lags) - 0.05).max() < 2e-3


def test_two_faces_are_compared_by_their_curves():
    skeleton = Skeleton(("Face",), np.array([-1]), np.zeros((1, 3)), curve_names=("jawOpen",))

    def face(later_s: float) -> list[Subject]:
        return [
            Subject(
                "a", skeleton, Pose.rest(skeleton),
                curves=np.array([clap(n / RATE_HZ - later_s)], np.float32),
            )
            for n in range(300)
        ]  # fmt: skip

    found, words = alignment.measured(face(0.0), face(0.12), RATE_HZ)
    assert found.later_s == pytest.approx(0.12, abs=1e-3) and words == "1 curves"


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (actor(PERFORMER, 0.0)[:60], actor(PERFORMER, 0.0)[:60], "are needed"),
        (actor(PERFORMER, 0.0), actor(PERFORMER, 99.0), "stands still"),
        (actor(PERFORMER, 99.0, 0.3, 1), actor(PERFORMER, 99.0, 0.3, 2), "do not move alike"),
    ],
)
def test_what_cannot_be_told_is_a_sentence(one, two, words):
    with pytest.raises(UnderstudyError, match=words):
        alignment.measured(one, two, RATE_HZ)
