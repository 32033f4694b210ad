"""A subject out of parts: delayed, filtered, masked, with another's hands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fingers import fingers, gloves
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.jitter_buffer import JitterBuffer
from understudy.runtime.sources.one_euro import OneEuro
from understudy.runtime.sources.packet import Packet
from understudy.runtime.stage.parts import Assembly, Feed, Kept, Part, Smooth, below

TICK_S = 1 / 60


class Told:
    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton, self.silence, self.heard_ns = skeleton, "", 1


def packet(time_s: float, skeleton: Skeleton = PERFORMER, height_m: float = 1.0) -> Packet:
    positions = skeleton.rest_positions.copy()
    positions[0, 1] = height_m
    return Packet(time_s, positions, skeleton.rest_rotations.copy())


def glove(turn: np.ndarray | None = None, names: str = "{side}Index{n}") -> Skeleton:
    """Two hands of a glove with an index finger of three joints, and axes of their own."""
    turn = rotation.identity() if turn is None else turn
    rows: list[tuple[str, int, tuple[float, float, float]]] = [("Hips", -1, (0.0, 1.0, 0.0))]
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        rows.append((f"{side}Hand", 0, (0.6 * x, 0.4, 0.0)))
        for n in range(1, 4):
            rows.append((names.format(side=side, n=n), len(rows) - 1, (0.04 * x, 0.0, 0.0)))
    back = rotation.conjugate(turn)
    # Only the hands are turned against the room; fingers go on in the hands' axes.
    rotations = [turn if "Hand" in name else rotation.identity() for name, _, _ in rows]
    positions = [
        rotation.rotate(back, np.array(at)) if parent > 0 else np.array(at)
        for _, parent, at in rows
    ]
    return Skeleton(
        tuple(name for name, _, _ in rows),
        np.array([parent for _, parent, _ in rows]),
        np.array(positions),
        np.array(rotations),
    )


def test_a_delay_shows_each_pose_so_much_later():
    feed = Feed(Part("suit", delay_s=0.1))
    shown = []
    for n in range(60):
        came = [packet(n * TICK_S, height_m=n * TICK_S)]
        shown += [(n, p) for p in feed.packets(n * TICK_S, came, PERFORMER)]
    assert len(shown) > 40
    for n, one in shown:
        assert one.positions[0, 1] == pytest.approx(n * TICK_S - 0.1, abs=1e-9)


def test_a_delay_is_right_on_another_clock_and_while_nothing_comes():
    feed, ahead_s, shown = Feed(Part("suit", delay_s=0.1)), 1e5, {}
    for n in range(60):
        came = [packet(n * TICK_S + ahead_s, height_m=n * TICK_S)] if n % 2 == 0 else []
        for one in came:
            one.tick_s = n * TICK_S + ahead_s
        for one in feed.packets(n * TICK_S, came, PERFORMER):
            shown[n] = one.positions[0, 1]
    for n in range(20, 60):
        assert shown[n] == pytest.approx(n * TICK_S - 0.1, abs=1e-6)


def test_a_mask_takes_joints_and_all_below_them():
    mask = below(PERFORMER, ["left_upper_arm", "Head", "no such joint"])
    names = {name for name, taken in zip(PERFORMER.names, mask) if taken}
    assert names == {"LeftArm", "LeftForeArm", "LeftHand", "Head"}
    (one,) = Feed(Part("suit", joints=["Head"])).packets(0.0, [packet(0.0)], PERFORMER)
    assert one.seen is not None and one.seen.sum() == 1 and one.seen[PERFORMER.index("Head")]


def test_a_filter_calms_what_stands_and_follows_what_moves():
    random = np.random.default_rng(1)
    feed = Feed(Part("suit", smooth=Smooth(1.0, 5.0)))
    still, moved = [], []
    for n in range(240):
        one = packet(n * TICK_S)
        one.positions[0, 1] += random.normal(0.0, 0.002) + (n >= 120) * 2.0 * (n - 120) * TICK_S
        (out,) = feed.packets(n * TICK_S, [one], PERFORMER)
        (still if 60 <= n < 120 else moved).append((one.positions[0, 1], out.positions[0, 1]))
    noise, calm = np.std(still, axis=0)
    assert calm < 0.5 * noise
    sent, shown = np.array(moved)[-30:].T
    assert np.abs(sent - shown).max() < 0.06  # m, at 2 m/s: 30 ms behind


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_a_filtered_turn_lies_between_what_was_and_what_came(a_rad, b_rad):
    euro = OneEuro(1.5, 0.3)
    turns = []
    for n, angle in enumerate((a_rad, b_rad)):
        one = packet(n * TICK_S)
        one.rotations[3] = rotation.from_axis_angle([0.0, 1.0, 0.0], angle)
        turns.append(euro.applied(one).rotations[3])
    whole = rotation.angle_between(turns[0], one.rotations[3])
    assert rotation.angle_between(turns[0], turns[1]) <= whole + 1e-6
    np.testing.assert_allclose(np.linalg.norm(turns[1]), 1.0)


def test_fingers_are_found_by_hand_name_and_order():
    found = fingers(glove())
    assert [found["left", "index", n] for n in range(3)] == [2, 3, 4]
    assert set(found) == {(s, "index", n) for s in ("left", "right") for n in range(3)}
    assert fingers(PERFORMER) == {}


@given(st.tuples(*[st.floats(-1.0, 1.0)] * 3), st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_a_glove_bends_the_fingers_of_a_body_that_has_none_as_its_own(frame, bend):
    """Whatever axes the glove has, fingers point where its own do, seen from the hand."""
    rig = glove(rotation.from_rotation_vector(np.array(frame)))
    way = gloves(PERFORMER, rig)
    assert way is not None and len(way.skeleton) == len(PERFORMER) + 6
    turns = rig.rest_rotations.copy()
    for j in (2, 3, 4):
        turns[j] = rotation.from_rotation_vector(np.array(bend) * 0.5)
    there, _ = rig.globals(rig.rest_positions, turns)
    local = way.skeleton.rest_rotations.copy()
    local[way.rows] = way.turned(turns)
    here, _ = way.skeleton.globals(way.skeleton.rest_positions, local)
    hand, own = PERFORMER.index("LeftHand"), rig.index("LeftHand")
    for n in (1, 2, 3):
        j, k = way.skeleton.index(f"LeftIndex{n}"), rig.index(f"LeftIndex{n}")
        np.testing.assert_allclose(here[j] - here[hand], there[k] - there[own], atol=1e-9)


def test_hands_that_fall_silent_are_missing_and_the_body_goes_on():
    assembly = Assembly(Part("suit"), Part("gloves"))
    body, hands = Told(PERFORMER), Told(glove())
    whole = assembly.skeleton(body, hands)
    assert len(whole) == len(PERFORMER) + 6 and whole is assembly.skeleton(body, hands)
    fingers_ = slice(len(PERFORMER), None)
    (first,) = assembly.packets(0.0, body, [packet(0.0)], hands, [])
    assert first.seen is not None and first.seen[:22].all() and not first.seen[fingers_].any()
    (both,) = assembly.packets(0.1, body, [packet(0.1)], hands, [packet(0.1, hands.skeleton)])
    assert both.seen is None
    (late,) = assembly.packets(1.0, body, [packet(1.0)], hands, [])
    assert late.seen is not None and not late.seen[fingers_].any() and late.seen[:22].all()


def test_a_part_may_wait_for_less_than_its_source_plays_out_late():
    """A jitter buffer gives every tick what was 60 ms before; 12 ms more is 72."""
    feed = Feed(Part(source="suit", delay_s=0.012))
    shown = []
    for n in range(120):
        tick_s = 5.0 + n / 60.0
        positions = PERFORMER.rest_positions.copy()
        positions[0, 2] = tick_s - 0.06
        came = [Packet(tick_s - 0.06, positions, PERFORMER.rest_rotations, tick_s=tick_s)]
        shown.append(feed.packets(n / 60.0, came, PERFORMER))
    assert all(len(packets) == 1 for packets in shown[2:])
    behind = [5.0 + n / 60.0 - shown[n][0].positions[0, 2] for n in range(30, 120)]
    assert behind == pytest.approx([0.072] * 90, abs=1e-9)


def test_hands_of_every_tick_are_missing_at_the_first_without_them():
    kept = Kept()
    for n in range(30):
        kept.came(n * TICK_S)
        assert kept.holds(n * TICK_S)
    assert not kept.holds(30 * TICK_S), "kept on they would stand still on a body that moves"
    kept.came(31 * TICK_S)
    assert kept.holds(31 * TICK_S)


def test_hands_that_come_less_often_than_a_stage_ticks_are_kept_in_between():
    kept, held = Kept(), []
    for n in range(60):
        if n % 3 == 0 and n < 45:  # gloves of 20 Hz
            kept.came(n * TICK_S)
        held.append(kept.holds(n * TICK_S))
    assert all(held[:46]) and not any(held[48:])


def test_each_body_part_may_have_a_filter_of_its_own():
    calm = Smooth(cutoff_hz=0.5, beta=0.0, joints=["left_upper_arm"])
    feed = Feed(Part("suit", smooth=[calm, Smooth(cutoff_hz=5.0, joints=["left_hand"])]))
    random = np.random.default_rng(5)
    arm, hand, other = (PERFORMER.index(name) for name in ("LeftArm", "LeftHand", "RightArm"))
    shown, sent = [], []
    for n in range(120):
        one = packet(n * TICK_S)
        trembling = 0.05 * random.normal(size=(len(PERFORMER), 3))
        one.rotations[:] = rotation.from_rotation_vector(trembling)
        (there,) = feed.packets(n * TICK_S, [one], PERFORMER)
        shown.append(there.rotations)
        sent.append(one.rotations)
    spread = (
        np.array(shown)[20:, :, :3].std(axis=(0, 2)),
        np.array(sent)[20:, :, :3].std(axis=(0, 2)),
    )
    calmed = spread[0] / spread[1]
    assert calmed[arm] < 0.25 and 0.25 < calmed[hand] < 0.8
    assert calmed[other] == pytest.approx(1.0, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(0.0, 0.0), (0.005, 0.0), (0.0, 0.005)]))
@settings(max_examples=6, deadline=None)
def test_a_stage_that_is_late_shows_parts_of_one_moment(seed, waits_s):
    """Ticks are skipped at random, hands fall silent for a moment; each pose tells its time."""
    chance, hands = np.random.default_rng(seed), glove()
    finger, rad_s = hands.names.index("LeftIndex1"), 0.2
    buffers = [JitterBuffer[Packet](0.06, interpolation.packets) for _ in range(2)]
    assembly = Assembly(*(Part("suit", delay_s=wait_s) for wait_s in waits_s))
    apart_s, number, frame = [], 0, 0
    while number < 4 * 60:
        now_s = number * TICK_S
        while frame / 120 <= now_s:
            at_s = frame / 120
            body, turned = packet(at_s, height_m=at_s), packet(at_s, hands)
            turned.rotations[finger] = rotation.from_axis_angle([0.0, 0.0, 1.0], rad_s * at_s)
            buffers[0].add(at_s, at_s, body)
            if not 1.0 < at_s < 1.4:
                buffers[1].add(at_s + 7.0, at_s, turned)
            frame += 1
        came = [[one.shown(at_s, now_s) for at_s, one, _ in b.take(now_s)] for b in buffers]
        for one in assembly.packets(now_s, Told(PERFORMER), came[0], Told(hands), came[1]):
            if one.seen is None:
                bent = rotation.to_rotation_vector(one.rotations[len(PERFORMER) :])
                bent_s = np.sqrt(np.square(bent).sum(-1)).max() / rad_s
                apart_s.append(one.positions[0, 1] - bent_s)
        number += 1 + int(chance.choice([0, 1, 3, 5, 12], p=[0.4, 0.3, 0.15, 0.1, 0.05]))
    assert len(apart_s) > 20
    assert np.abs(np.array(apart_s) - (waits_s[1] - waits_s[0])).max() < 1e-4
