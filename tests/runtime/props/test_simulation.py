"""Props among bodies: pushed, held, thrown, handed over, opened, stacked; the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.props.stages import (
    RATE_HZ,
    body,
    frame,
    place,
    reaching,
    run,
    simulation,
    turned,
)
from understudy.runtime.core import rotation
from understudy.runtime.core.event import GRAB, HIT, ORDER, RELEASE, Event
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Prop, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.props.hands import PICK
from understudy.runtime.props.simulation import Simulation
from understudy.runtime.props.table import Hinge, PropTable, Slide

TABLE = PropTable(name="table", shape="box", size_m=[0.6, 0.85, 0.6], static=True)
CRATE = PropTable(name="crate", shape="box", size_m=[0.3, 0.3, 0.3], at_m=[0.0, 0.85, 0.0])


def speed(sim: Simulation, name: str) -> np.ndarray:
    """(6,) of a prop, in the room, and its spin."""
    prop = sim.world.named[name]
    return sim.world.data.qvel[prop.v : prop.v + 6].copy()


def grabbed(
    sim: Simulation, prop: str, at: tuple[float, float, float], first: int = 0
) -> list[Event]:
    """Ann's right palm goes to a place and takes what is there; 20 frames."""
    order = Event(ORDER, "ann", "right_hand", prop, GRAB)
    told = sim.take(frame(first, reaching(at)), [order])
    for number in range(first + 1, first + 20):
        told += sim.take(frame(number, reaching(at)))
    return told


@pytest.mark.parametrize("mass_kg", [None, 1.0, 30.0])
def test_a_hand_of_six_metres_a_second_moves_the_box(mass_kg):
    crate = PropTable(name="crate", size_m=[0.3, 0.3, 0.3], at_m=[0.0, 0.85, 0.0], mass_kg=mass_kg)
    sim = simulation(TABLE, crate)
    told: list[Event] = []
    for number in range(60):
        x = max(1.0 - 6.0 * number / RATE_HZ, -0.1)
        told += sim.take(frame(number, reaching((x, 1.0, 0.0))))
    hits = [one for one in told if one.kind == HIT and one.on == "crate"]
    assert not [one for one in told if one.who == "table"]  # what stands still hits nobody
    assert hits[0].part == "right_hand" and hits[0].speed_mps == pytest.approx(6.0, abs=0.1)
    assert hits[0].normal[0] > 0.99  # away from the crate, to where the hand came from
    # No slower than the hand; faster by what both give back.
    assert place(sim, "crate").position[0] < -2.0


def test_what_is_held_goes_with_the_hand_and_is_thrown_with_its_speed():
    ball = PropTable(name="ball", shape="sphere", size_m=[0.1], at_m=[0.0, 0.85, 0.0])
    sim = simulation(TABLE, ball)
    run(sim, 20)
    told = grabbed(sim, "ball", (0.0, 1.0, 0.0), 20)
    assert [one.kind for one in told] == [GRAB]
    number = 40
    for number in range(40, 60):
        told += sim.take(frame(number, reaching((0.0, 1.0, 5.0 * (number - 39) / RATE_HZ))))
    # In the hand, its surface at the palm's.
    at = place(sim, "ball").position
    assert at == pytest.approx([0.0, 1.0 - 0.085, 5.0 * 20 / RATE_HZ], abs=0.003)
    released = sim.take(
        frame(60, reaching((0.0, 1.0, 5.0 * 21 / RATE_HZ))), [Event(ORDER, "ann", "", "", RELEASE)]
    )
    assert [one.kind for one in released] == [RELEASE]
    assert speed(sim, "ball")[:3] == pytest.approx([0.0, 0.0, 5.0], abs=1e-6)
    for number in range(61, 100):
        told += sim.take(frame(number, reaching((0.0, 1.0, 1.75))))
    assert place(sim, "ball").position[2] > 3.0


def test_what_is_let_go_inside_something_comes_out_and_is_not_shot():
    ball = PropTable(name="ball", shape="sphere", size_m=[0.12], at_m=[0.0, 0.85, 0.0])
    sim = simulation(TABLE, ball)
    grabbed(sim, "ball", (0.0, 1.0, 0.0))
    for number in range(20, 40):  # down into the table, as a hand may go
        sim.take(frame(number, reaching((0.0, 1.0 - 0.01 * (number - 19), 0.0))))
    sim.take(frame(40, reaching((0.0, 0.8, 0.0))), [Event(ORDER, "ann", "", "", RELEASE)])
    fastest = 0.0
    for number in range(41, 120):
        sim.take(frame(number, reaching((0.0, 1.4, 0.5))))
        fastest = max(fastest, float(np.linalg.norm(speed(sim, "ball")[:3])))
    assert fastest < 3.0
    solref = sim.world.model.geom_solref[sim.world.named["ball"].geoms]
    assert np.allclose(solref, sim.world.model.geom_solref[0], rtol=0.5)  # firm again


def test_who_is_grown_hands_over_and_two_hands_turn_a_thing():
    bat = PropTable(name="bat", shape="capsule", size_m=[0.05, 0.6], at_m=[0.0, 0.85, 0.0],
                    rotation=(0.0, 0.0, 0.70710678, 0.70710678))  # fmt: skip
    sim = simulation(TABLE, bat)
    grabbed(sim, "bat", (0.2, 0.93, 0.0))
    told = []
    for number in range(20, 60):
        bob = reaching((-0.2, 0.93, 0.0), "bob")
        order = [Event(ORDER, "bob", "right_hand", "bat", GRAB)] * (number == 25)
        told += sim.take(frame(number, reaching((0.2, 0.93, 0.0)), bob), order)
    # Bob takes it, and Ann, whose hands have no fingers, lets go a moment later.
    assert [(one.kind, one.who) for one in told] == [(GRAB, "bob"), (RELEASE, "ann")]
    (grip,) = place(sim, "bat").grips
    assert grip.who == "bob"
    told = sim.take(frame(60, body((3.0, 0.0)), reaching((-0.2, 1.5, 0.0), "bob")))
    assert place(sim, "bat").position[1] == pytest.approx(0.875 + 0.57, abs=0.03)


def test_fingers_that_close_hold_and_fingers_that_open_let_go():
    names = [*PERFORMER.names, *(f"RightHandIndex{n}" for n in (1, 2, 3))]
    hand = PERFORMER.index("RightHand")
    parents = [*PERFORMER.parents, hand, len(PERFORMER), len(PERFORMER) + 1]
    rest = [*PERFORMER.rest_positions, (-0.09, 0, 0), (-0.04, 0, 0), (-0.03, 0, 0)]
    skeleton = Skeleton(tuple(names), np.array(parents), np.array(rest, float))
    ball = PropTable(name="ball", shape="sphere", size_m=[0.1], at_m=[0.0, 0.85, 0.0])
    sim = simulation(TABLE, ball)
    told = []
    for number in range(50):
        subject = reaching((0.0, 1.0, 0.0))
        pose = Pose.rest(skeleton)
        pose.positions[0] = subject.pose.positions[0]
        bent = 1.0 if 10 <= number < 30 else 0.1
        pose.rotations[-3:] = rotation.from_axis_angle((0.0, 0.0, 1.0), bent)
        told += sim.take(frame(number, Subject("ann", skeleton, pose)))
    assert [one.kind for one in told][:2] == [GRAB, RELEASE]
    assert told[0].time_ns < told[1].time_ns


def test_a_pads_button_takes_and_puts_down():
    ball = PropTable(name="ball", shape="sphere", size_m=[0.1], at_m=[0.0, 0.85, 0.0])
    sim = simulation(TABLE, ball)
    told = []
    for number in range(240):
        high = 1.0 + 0.3 * np.sin(np.pi * min(max(number - 30, 0) / 60.0, 1.0))
        press = (PICK,) if number in (10, 100) else ()
        told += sim.take(frame(number, reaching((0.0, float(high), 0.0), buttons=press)))
    assert [one.kind for one in told if one.kind != HIT] == [GRAB, RELEASE]


def test_a_door_swings_by_a_push_and_by_its_handle_within_its_range():
    door = PropTable(
        name="door", size_m=[0.9, 2.0, 0.05], at_m=[0.0, 0.02, 0.0],
        hinge=Hinge(at_m=(-0.45, 0.0, 0.0), range_deg=(0.0, 100.0)),
    )  # fmt: skip
    drawer = PropTable(name="drawer", size_m=[0.4, 0.2, 0.4], at_m=[3.0, 0.9, 0.0], slide=Slide())
    sim = simulation(door, drawer)
    for number in range(60):  # a hand pushes the free edge from +Z to -Z
        z = max(0.6 - 1.5 * number / RATE_HZ, -0.2)
        sim.take(frame(number, reaching((0.3, 1.2, z))))
    swung = place(sim, "door")
    assert 0.1 < sim.world.data.qpos[sim.world.named["door"].q] < np.radians(101.0)
    hinge = swung.position + rotation.rotate(swung.rotation, np.array([-0.45, 0.0, 0.0]))
    assert hinge == pytest.approx([-0.45, 1.02, 0.0], abs=1e-6)
    grabbed(sim, "drawer", (3.0, 1.0, 0.28), 60)
    for number in range(80, 140):
        sim.take(frame(number, reaching((3.0, 1.0, 0.28 + 0.01 * (number - 79)))))
    assert place(sim, "drawer").position == pytest.approx([3.0, 1.0, 0.4], abs=1e-3)


def test_a_tracked_prop_pushes_others():
    bat = PropTable(name="bat", shape="capsule", size_m=[0.06, 0.8], tracked=True)
    sim = simulation(TABLE, CRATE, bat)
    for number in range(60):
        at = np.array([0.8 - 3.0 * number / RATE_HZ, 1.0, 0.0])
        sim.take(frame(number, props=(Prop("bat", at, rotation.identity()),)))
    assert place(sim, "crate").position[0] < -1.0
    assert [one.name for one in sim.places()] == ["table", "crate"]  # the bat is its source's


def test_a_stack_stands_and_nothing_sinks():
    crates = [
        PropTable(name=f"c{n}", size_m=[0.4, 0.3, 0.4], at_m=[0.0, 0.3 * n, 0.0], material=material)
        for n, material in enumerate(("stone", "wood", "metal", "plastic", "cloth"))
    ]
    sim = simulation(*crates)
    run(sim, 300)
    for n in range(5):
        assert place(sim, f"c{n}").position == pytest.approx([0.0, 0.15 + 0.3 * n, 0.0], abs=4e-3)


def test_who_sits_down_on_a_crate_does_not_shoot_it_away():
    crate = PropTable(name="crate", size_m=[0.5, 0.5, 0.5])
    sim = simulation(crate)
    fastest = 0.0
    for number in range(180):
        subject = body()
        subject.pose.positions[0, 1] -= min(number / 60.0, 1.0) * 0.4
        for side in ("Left", "Right"):  # thighs forward, shins down
            leg = rotation.from_axis_angle((1.0, 0.0, 0.0), -1.5)
            subject.pose.rotations[PERFORMER.index(f"{side}UpLeg")] = leg
            knee = rotation.from_axis_angle((1.0, 0.0, 0.0), 1.5)
            subject.pose.rotations[PERFORMER.index(f"{side}Leg")] = knee
        sim.take(frame(number, subject))
        fastest = max(fastest, float(np.linalg.norm(speed(sim, "crate")[:3])))
    at = place(sim, "crate").position
    assert fastest < 1.5 and np.hypot(at[0], at[2]) < 0.4 and abs(at[1] - 0.25) < 0.05


def test_the_same_frames_give_the_same_bits_and_a_frame_that_comes_twice_nothing():
    crates = [PropTable(name=f"c{n}", at_m=[0.1 * n, 0.5 + 0.4 * n, 0.0]) for n in range(4)]
    runs = []
    for again in (False, True):
        sim = simulation(*crates)
        for number in range(90):
            there = [body((0.6 - 0.01 * number, 0.0))]
            if number > 40:
                there.append(body((0.0, 1.0), "bob"))  # another cast is another model
            now = frame(number, *there)
            sim.take(now)
            if again:
                assert sim.take(now) == []
        sim.reset("c3")
        runs.append(sim)
    for a, b in zip(runs[0].places(), runs[1].places(), strict=True):
        assert np.array_equal(a.position, b.position) and np.array_equal(a.rotation, b.rotation)
    assert np.allclose(place(runs[0], "c3").position, [0.3, 1.85, 0.0])


def test_a_simulation_that_begins_anew_goes_on_where_the_props_were():
    sim = simulation(CRATE)
    at = np.array([2.0, 0.15, 1.0])
    sim.take(frame(700, props=(Prop("crate", at, turned(0.5)),)))
    assert place(sim, "crate").position == pytest.approx(at, abs=1e-3)
