"""Live subjects: who is asked, what is held without an understudy, and what the stage publishes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.stage.live import LOST_AFTER_S, Holding, Live

TICK_S = 1 / 60
JOINTS = len(PERFORMER)


def pose(height_m: float) -> tuple[np.ndarray, np.ndarray]:
    rest = Pose.rest(PERFORMER)
    rest.positions[0] = (0.0, height_m, 0.0)
    rest.rotations[:] = (0.0, np.sin(height_m), 0.0, np.cos(height_m))
    return rest.positions, rest.rotations


class Told:
    """A source that says what it was told to, once."""

    def __init__(self, name: str, packets: dict[float, list[Packet]]) -> None:
        self.name, self.skeleton, self.silence = name, PERFORMER, ""
        self.packets, self.polls, self.closed = packets, 0, False

    def poll(self, now_s: float) -> list[Packet]:
        self.polls += 1
        return self.packets.get(now_s, [])

    def close(self) -> None:
        self.closed = True


def seats(count: int) -> list[Subject]:
    return [Subject(f"s{i}", PERFORMER, Pose.rest(PERFORMER)) for i in range(count)]


def test_a_source_is_read_once_and_moves_all_its_copies_each_in_its_place():
    told = [
        Told("a", {0.0: [Packet(0.0, *pose(1.0))]}),
        Told("b", {0.0: [Packet(0.0, *pose(2.0))]}),
    ]
    live = Live(told, copies=3, takeover=False)
    live.sense(0.0)
    live.step(0.0)
    subjects, places = seats(6), np.arange(18.0).reshape(6, 3)
    live.solve(subjects, places)
    assert [source.polls for source in told] == [1, 1]
    for i, subject in enumerate(subjects):
        assert subject.state is State.LIVE and subject.reason == ""
        expected = pose(1.0 if i < 3 else 2.0)
        np.testing.assert_array_equal(subject.pose.positions[0], expected[0][0] + places[i])
        np.testing.assert_array_equal(subject.pose.positions[1:], expected[0][1:])
        np.testing.assert_array_equal(subject.pose.rotations, expected[1])
    live.close()
    assert all(source.closed for source in told)


def test_without_an_understudy_silence_holds_and_at_last_is_lost():
    live = Live([Told("a", {0.0: [Packet(0.0, *pose(1.0))]})], takeover=False)
    (subject,) = subjects = seats(1)
    states = []
    for n in range(round((LOST_AFTER_S + 0.5) / TICK_S)):
        live.sense(n * TICK_S)
        live.step(n * TICK_S)
        live.solve(subjects, np.zeros((1, 3)))
        states.append(subject.state)
        assert subject.pose.positions[0, 1] == 1.0
        assert bool(subject.reason) == (n > 0)
    assert states[0] is State.LIVE and states[1] is State.HOLD
    assert states[-1] is State.LOST
    assert states.index(State.LOST) * TICK_S == pytest.approx(LOST_AFTER_S, abs=1.5 * TICK_S)


def test_the_reason_tells_that_the_source_has_ended():
    told = Told("a", {})
    live = Live([told], takeover=False)
    told.silence = "the file has ended"
    live.step(0.1)
    live.solve(subjects := seats(1), np.zeros((1, 3)))
    assert subjects[0].reason.startswith("the file has ended: ")


def test_held_limbs_stay_and_the_rest_moves_on():
    holding = Holding([PERFORMER])
    seen = np.ones(JOINTS, bool)
    seen[PERFORMER.index("LeftArm")] = False
    holding.arrive(0, 0.0, *pose(1.0))
    holding.step(0.0)
    holding.arrive(0, 0.1, *pose(2.0), seen)
    holding.step(0.1)
    np.testing.assert_array_equal(holding.rotations[0][seen], pose(2.0)[1][seen])
    np.testing.assert_array_equal(holding.rotations[0][~seen], pose(1.0)[1][~seen])
    assert holding.states[0] is State.HOLD and "LeftArm" in holding.reasons[0]


def test_a_packet_that_comes_late_does_not_turn_back_the_clock():
    holding = Holding([PERFORMER])
    holding.arrive(0, 0.2, *pose(2.0))
    holding.arrive(0, 0.1, *pose(1.0))
    holding.step(0.2)
    assert holding.positions[0][0, 1] == 2.0


def taller(scale: float) -> Skeleton:
    return Skeleton(PERFORMER.names, PERFORMER.parents, scale * PERFORMER.rest_positions)


@pytest.mark.parametrize("takeover", [False, True])
def test_a_source_that_learns_its_skeleton_brings_its_subjects_onto_it(takeover):
    told, other = Told("a", {}), Told("b", {0.0: [Packet(0.0, *pose(1.0))]})
    live = Live([told, other], copies=2, takeover=takeover)
    subjects, skeleton = seats(4), taller(1.2)
    live.sense(0.0), live.step(0.0), live.solve(subjects, np.zeros((4, 3)))
    assert subjects[0].state is State.HOLD
    told.skeleton, tick = skeleton, 0
    deadline_s = time.monotonic() + 20.0
    while subjects[0].skeleton is not skeleton and time.monotonic() < deadline_s:
        tick += 1
        now_s = tick * TICK_S
        told.packets[now_s] = [Packet(now_s, *pose(1.1))]
        live.sense(now_s), live.step(now_s), live.solve(subjects, np.zeros((4, 3)))
    for subject in subjects[:2]:
        assert subject.skeleton is skeleton and subject.state is State.LIVE
        np.testing.assert_array_equal(subject.pose.positions, pose(1.1)[0])
    assert subjects[2].skeleton is PERFORMER
    live.close()
