"""Joints without a role: what swings comes back, what rests stays, what creeps goes on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.performer.rigs import walk
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import State
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.coasting import Coast, turned
from understudy.runtime.performer.takeover.stream import Packet
from understudy.runtime.performer.takeover.takeover import Takeover

RATE_HZ = 60.0
ALL = np.arange(2)


def lost(angles_rad: np.ndarray) -> Coast:
    """Two joints that turned about X by angles (T,), one packet a frame, and are lost now."""
    turns = rotation.from_axis_angle([1.0, 0.0, 0.0], angles_rad)
    packets = [
        Packet(k / RATE_HZ, np.zeros((2, 3)), np.stack([turn, turn]))
        for k, turn in enumerate(turns)
    ]
    rate = np.tile([(angles_rad[-1] - angles_rad[-2]) * RATE_HZ, 0.0, 0.0], (2, 1))
    coast = Coast(2)
    coast.lose(ALL, ALL, packets, rate)
    return coast


def after(coast: Coast, seconds: float, axis: int = 0) -> float:
    """The first joint's angle then, rad."""
    turn = turned([coast], [float(coast.from_s[0]) + seconds])[0, 0]
    return float(rotation.to_rotation_vector(turn)[axis])


@pytest.mark.parametrize("phase", np.linspace(0.0, 6.0, 7))
def test_what_swings_goes_on_a_little_and_comes_back_to_its_middle(phase):
    t = np.arange(31) / RATE_HZ
    angles = 0.2 + 0.5 * np.sin(2.0 * np.pi * t / 0.5 + phase)
    coast = lost(angles)
    assert after(coast, 0.0) == pytest.approx(angles[-1], abs=1e-6)
    assert abs(after(coast, 1.0) - 0.2) < 0.25
    assert max(abs(after(coast, s) - 0.2) for s in np.linspace(0.0, 2.0, 50)) < 0.65


def test_what_rests_stays_and_what_creeps_goes_on():
    assert after(lost(np.full(31, 0.3)), 2.0) == pytest.approx(0.3, abs=1e-6)
    creeps = 0.01 * np.arange(31) / RATE_HZ
    assert after(lost(creeps), 0.1) > creeps[-1] + 0.0004


def test_what_flips_does_not_spin_and_what_has_no_speed_is_held():
    flips = np.zeros(31)
    flips[-1] = 3.0
    assert abs(after(lost(flips), 1.0) - 3.0) < 3.0
    coast = Coast(2)
    turns = rotation.from_axis_angle([1.0, 0.0, 0.0], np.full(2, 0.4))
    coast.lose(ALL, ALL, [Packet(0.0, np.zeros((2, 3)), turns)], None)
    assert after(coast, 1.0) == pytest.approx(0.4)


def test_a_hand_that_is_lost_goes_on_alone_without_the_network(monkeypatch):
    clip, turns = walk(), np.array([0.0, 0.0, 1.0])
    body = Skeleton(
        (*PERFORMER.names, "LeftHandRing1"),
        np.append(PERFORMER.parents, PERFORMER.index("LeftHand")),
        np.vstack([PERFORMER.rest_positions, [[0.03, 0.0, 0.0]]]),
    )
    shown, states = [], []
    with Takeover([body]) as takeover:
        monkeypatch.setattr(takeover.network, "snapshot", lambda i: pytest.fail("a forecast"))
        for frame in range(120):
            bend = rotation.from_axis_angle(turns, 0.4 + 0.3 * np.sin(0.1 * frame))
            pose = (
                np.vstack([clip.positions[frame], body.rest_positions[-1:]]),
                np.vstack([clip.rotations[frame], bend[None]]),
            )
            seen = np.arange(len(body)) < len(PERFORMER) + (frame < 60 or frame > 100)
            takeover.arrive(0, frame / RATE_HZ, *pose, seen)
            takeover.step(frame / RATE_HZ)
            assert (takeover.rotations[0][:-1] == pose[1][:-1]).all()  # the rest is the source's
            shown.append(rotation.to_rotation_vector(takeover.rotations[0][-1])[2])
            states.append(takeover.states[0])
        coast = takeover.bodies[0].prediction._coast
    assert states[59] is State.LIVE and set(states[61:100]) == {State.TAKEOVER}
    assert states[-1] is State.LIVE
    alone = [after(coast, frame / RATE_HZ - float(coast.from_s[0]), 2) for frame in range(61, 100)]
    assert np.abs(np.array(shown[61:100]) - alone).max() < 0.02
    assert np.abs(np.diff(shown, 2)).max() < 0.02  # no jerk
