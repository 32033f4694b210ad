"""Live subjects: who is asked, what is held without an understudy, and what the stage publishes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.stage.live import LOST_AFTER_S, Holding, Live, Seat

TICK_S = 1 / 60
JOINTS = len(PERFORMER)


def pose(height_m: float) -> tuple[np.ndarray, np.ndarray]:
    rest = Pose.rest(PERFORMER)
    rest.positions[0] = (0.0, height_m, 0.0)
    rest.rotations[:] = (0.0, np.sin(height_m), 0.0, np.cos(height_m))
    return rest.positions, rest.rotations


class Told:
    """A body that says what it was told to."""

    def __init__(self, skeleton: Skeleton = PERFORMER) -> None:
        self.skeleton, self.silence, self.heard_ns = skeleton, "", 0


ORIGIN, STRAIGHT = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])


def subject(name: str = "s") -> Subject:
    return Subject(name, PERFORMER, Pose.rest(PERFORMER))


def staged(count: int, takeover: bool) -> tuple[Live, list[Seat]]:
    live = Live()
    seats = live.seats([PERFORMER] * count, takeover)
    live.admit(seats)
    return live, seats


def test_a_packet_moves_its_seat_in_its_place_turned_and_moved():
    live, seats = staged(2, takeover=False)
    live.arrive(seats[0], PERFORMER, [Packet(0.0, *pose(1.0))])
    live.arrive(seats[1], PERFORMER, [Packet(0.0, *pose(2.0))])
    live.step(0.0)
    here, there = subject("a"), subject("b")
    seats[0].solve(here, Told(), np.array([3.0, 0.0, 1.0]), STRAIGHT)
    seats[1].solve(there, Told(), ORIGIN, rotation.from_yaw(np.pi / 2))
    assert here.state is there.state is State.LIVE and here.reason == ""
    np.testing.assert_array_equal(here.pose.positions[0], pose(1.0)[0][0] + (3.0, 0.0, 1.0))
    np.testing.assert_array_equal(here.pose.positions[1:], pose(1.0)[0][1:])
    np.testing.assert_array_equal(here.pose.rotations, pose(1.0)[1])
    turned = rotation.multiply(rotation.from_yaw(np.pi / 2), pose(2.0)[1][0])
    np.testing.assert_allclose(there.pose.rotations[0], turned, atol=1e-12)
    np.testing.assert_array_equal(there.pose.rotations[1:], pose(2.0)[1][1:])
    live.close()


def test_without_an_understudy_silence_holds_and_at_last_is_lost():
    live, (seat,) = staged(1, takeover=False)
    one, states = subject(), []
    live.arrive(seat, PERFORMER, [Packet(0.0, *pose(1.0))])
    for n in range(round((LOST_AFTER_S + 0.5) / TICK_S)):
        live.step(n * TICK_S)
        seat.solve(one, Told(), ORIGIN, STRAIGHT)
        states.append(one.state)
        assert one.pose.positions[0, 1] == 1.0
        assert bool(one.reason) == (n > 0)
    assert states[0] is State.LIVE and states[1] is State.HOLD
    assert states[-1] is State.LOST
    assert states.index(State.LOST) * TICK_S == pytest.approx(LOST_AFTER_S, abs=1.5 * TICK_S)


def test_the_reason_tells_that_the_source_has_ended():
    live, (seat,) = staged(1, takeover=False)
    told = Told()
    told.silence, told.heard_ns = "the file has ended", 1
    live.step(0.1)
    seat.solve(one := subject(), told, ORIGIN, STRAIGHT)
    assert one.reason.startswith("the file has ended: ")


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
    live, seats = staged(2, takeover)
    skeleton, tick = taller(1.2), 0
    live.step(0.0)
    deadline_s = time.monotonic() + 20.0
    while seats[0].skeleton is not skeleton and time.monotonic() < deadline_s:
        tick += 1
        now_s = tick * TICK_S
        live.arrive(seats[0], skeleton, [Packet(now_s, *pose(1.1))])
        live.step(now_s)
    seats[0].solve(one := subject(), Told(skeleton), ORIGIN, STRAIGHT)
    assert one.skeleton is skeleton and one.state is State.LIVE
    np.testing.assert_array_equal(one.pose.positions, pose(1.1)[0])
    assert seats[1].skeleton is PERFORMER
    live.close()


@pytest.mark.parametrize("takeover", [False, True])
def test_one_who_leaves_leaves_the_others_alone_and_makes_room_for_the_next(takeover):
    live, seats = staged(2, takeover)
    for seat in seats:
        live.arrive(seat, PERFORMER, [Packet(0.0, *pose(1.0))])
    live.step(0.0)
    live.leave(seats[0])
    live.arrive(seats[1], PERFORMER, [Packet(TICK_S, *pose(1.2))])
    live.step(TICK_S)
    seats[1].solve(one := subject(), Told(), ORIGIN, STRAIGHT)
    assert one.state is State.LIVE and one.pose.positions[0, 1] == 1.2
    live.leave(seats[1])
    (next_,) = live.seats([taller(1.1)], takeover)
    live.admit([next_])
    live.arrive(next_, next_.skeleton, [Packet(2 * TICK_S, *pose(0.9))])
    live.step(2 * TICK_S)
    next_.solve(one := subject(), Told(), ORIGIN, STRAIGHT)
    assert one.state is State.LIVE and one.pose.positions[0, 1] == 0.9
    assert (next_.group is seats[0].group) == takeover
    live.close()
