"""Live subjects through losses: what was seen is the source's own, what was not moves on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.runtime.performer.rigs import (
    PARTS,
    bones_along_x,
    carried_root,
    on,
    part_of,
    root_above_hips,
    walk,
)
from understudy.runtime.bench import gaps
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Intent, State
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.takeover.offline import OfflineInput, OfflineOutput, run_offline
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose
from understudy.runtime.takes.processing import skate

# A hand-over may last so long: the body half a second, a foot that waits for its step longer.
HAND_OVER_S = 0.85


def played(
    clip: Clip, *lost: tuple[float, float, tuple[str, ...]], stop_after_s: float = np.inf
) -> OfflineOutput:
    """What is shown of a clip that is lost from .. to, all of it or the joints named."""
    seen = np.ones((len(clip), len(clip.skeleton)), bool)
    for start_s, stop_s, names in lost:
        frames = slice(round(start_s * clip.rate_hz), round(stop_s * clip.rate_hz))
        seen[frames, [clip.skeleton.index(n) for n in names] or slice(None)] = False
    with Takeover([clip.skeleton], stop_after_s=stop_after_s) as takeover:
        return run_offline(
            takeover, [OfflineInput(clip.positions, clip.rotations, seen)], clip.rate_hz
        )[0]


def same(shown: OfflineOutput, clip: Clip) -> np.ndarray:
    """(T,) bool: frames that are the clip's, bit for bit."""
    return (shown.rotations == clip.rotations).all(axis=(1, 2)) & (
        shown.positions == clip.positions
    ).all(axis=(1, 2))


def thinned(clip: Clip, n: int) -> Clip:
    return replace(
        clip,
        positions=clip.positions[::n],
        rotations=clip.rotations[::n],
        frame_time_s=clip.frame_time_s * n,
    )


def test_what_is_seen_is_the_source_bit_for_bit():
    clip = walk()
    shown = played(clip, (1.5, 2.0, ()))
    equal, rate = same(shown, clip), clip.rate_hz
    assert equal[: round(1.5 * rate)].all()
    assert not equal[round(1.5 * rate) : round(2.0 * rate)].any()
    assert equal[round((2.0 + HAND_OVER_S) * rate) :].all()
    assert (shown.live() == equal).all()  # the state says it
    assert (shown.uncertainty_m[equal] == 0.0).all()


def test_takes_over_at_the_very_tick():
    clip = walk()
    first = round(1.5 * clip.rate_hz)
    shown = played(clip, (1.5, 2.0, ()))
    assert shown.states[first - 1] == State.LIVE
    assert (shown.states[first : first + 30] == State.TAKEOVER).all()
    assert "silent for 0.2 s" in shown.reasons[first + 11]
    assert (shown.uncertainty_m[first : first + 30] > 0.0).all()


def test_how_sure_it_is_of_each_joint_is_known_in_a_gap():
    clip = thinned(walk(2.0), 2)
    with Takeover([clip.skeleton], stop_after_s=np.inf) as takeover:
        for k in range(len(clip)):
            now_s = k / clip.rate_hz
            if now_s < 1.0:
                takeover.arrive(0, now_s, clip.positions[k], clip.rotations[k])
            takeover.step(now_s)
            each = takeover.joint_uncertainty_m[0]
            if takeover.states[0] == State.LIVE:
                assert len(each) == 0
        assert len(each) == len(clip.skeleton) and (each > 0.0).all()
        assert takeover.uncertainty_m[0] == pytest.approx(each.mean(), rel=0.6)
        role = roles(clip.skeleton)
        assert each[role["left_hand"]] > each[role["hips"]]


def test_while_handing_back_the_uncertainty_is_the_distance_that_is_left():
    clip = walk()
    shown = played(clip, (1.5, 2.0, ()))
    # From the second packet on: with the first alone no speed is known, and it is not yet used.
    back = slice(round(2.0 * clip.rate_hz) + 1, round((2.0 + HAND_OVER_S) * clip.rate_hz))
    there = clip.skeleton.globals(shown.positions[back], shown.rotations[back])[0]
    truth = clip.skeleton.globals(clip.positions[back], clip.rotations[back])[0]
    left_m = np.linalg.norm(there - truth, axis=-1).mean(-1)
    assert left_m.max() > 0.002
    assert np.allclose(shown.uncertainty_m[back], left_m, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [24, 30, 60, 120])
def test_a_gap_at_any_rate_is_better_than_holding_still(rate_hz):
    clip = walk(5.0, float(rate_hz))
    first, last = round(1.5 * rate_hz), round(2.0 * rate_hz)
    shown = played(clip, (1.5, 2.0, ()))
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)[first:last]
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)[first:last]
    held = gaps.baselines(clip.positions, clip.rotations, first, last - first, rate_hz)["hold"]
    worst = gaps.errors_m(truth, gaps.world(clip.skeleton, *held), 0)[0].mean()
    assert gaps.errors_m(truth, out, 0)[0].mean() < 0.4 * worst
    assert same(shown, clip)[round((2.0 + HAND_OVER_S) * rate_hz) :].all()


def test_an_even_stream_that_began_a_moment_ago_is_predicted_like_any():
    clip, rate = walk(5.0, 60.0), 60
    errors_m, seams = [], []
    for from_s in (0.5, 2.5):
        lost = slice(round(from_s * rate), round((from_s + 0.3) * rate))
        shown = played(clip, (from_s, from_s + 0.3, ()))
        truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
        out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
        errors_m.append(gaps.errors_m(truth[lost], out[lost], 0)[0].mean())
        seams.append(gaps.seam_ratio(truth, out, [(lost.start, lost.stop + 51)], rate))
    assert errors_m[0] < 1.5 * errors_m[1] and seams[0] < 1.3


def test_who_is_lost_a_moment_after_he_came_goes_on():
    clip, rate = walk(5.0, 60.0), 60
    clip = replace(clip, positions=clip.positions[120:], rotations=clip.rotations[120:])  # he walks
    shown = played(clip, (0.3, 0.8, ()))
    before, after = round(0.3 * rate) - 1, round(0.8 * rate) - 1
    way = [
        np.linalg.norm(one.positions[after, 0] - one.positions[before, 0]) for one in (clip, shown)
    ]
    assert way[0] > 0.3 and way[1] > 0.8 * way[0]


def test_who_stands_and_is_back_aside_steps_there_foot_by_foot():
    stands, rate = walk(4.0, 60.0), 60
    positions = np.repeat(stands.positions[:1], 3 * rate, 0)
    positions[round(1.5 * rate) :, 0, 0] += 0.3
    clip = replace(
        stands, positions=positions, rotations=np.repeat(stands.rotations[:1], 3 * rate, 0)
    )
    shown = played(clip, (1.0, 1.5, ()))
    ankles = legs.forward(shown.positions[:, 0], shown.rotations)[0][:, :, 2, 0]
    hips = shown.positions[:, 0, 0]
    # Hips that go home over feet that wait would end up beside both.
    assert (hips - ankles.max(axis=1)).max() < 0.05
    assert np.abs(ankles[-1] - ankles[0] - 0.3).max() < 0.01


def test_a_jerk_before_the_rate_is_known_holds_nobody_back_later():
    clip = walk(5.0, 60.0)
    jerks = clip.rotations.copy()
    arms = [clip.skeleton.index(f"{side}Arm") for side in ("Left", "Right")]
    for frame, angle_rad in ((0, 0.3), (1, -0.3), (2, 0.3)):
        turn = rotation.from_axis_angle([0.0, 0.0, 1.0], angle_rad)
        jerks[frame, arms] = rotation.multiply(turn, jerks[frame, arms])
    lost = slice(round(0.6 * 60), round(0.85 * 60))
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)[lost]
    errors_m = []
    for one in (clip, replace(clip, rotations=jerks)):
        shown = played(one, (0.6, 0.85, ()))
        out = gaps.world(clip.skeleton, shown.positions, shown.rotations)[lost]
        errors_m.append(gaps.errors_m(truth, out, 0)[0].mean())
    assert errors_m[1] < 1.1 * errors_m[0]


def test_nothing_is_known_before_it_arrives():
    clip = walk()
    changed, at = clip.rotations.copy(), round(2.2 * clip.rate_hz)
    changed[at:] = rotation.identity(len(PERFORMER))
    lost = ((1.2, 1.5, ()), (2.0, 2.1, ()))
    one = played(clip, *lost)
    two = played(replace(clip, rotations=changed), *lost)
    assert (one.rotations[:at] == two.rotations[:at]).all()
    assert (one.positions[:at] == two.positions[:at]).all()


def test_seams_push_no_harder_than_the_motion(mocap):
    # Knees of a jump: its feet are held while the actor's are in the air (docs/takeover.md).
    for name, most in (("walking_20", 1.2), ("jumping_5", 1.3)):
        clip = thinned(without_tpose(bvh.read(mocap / "cmu" / f"{name}.bvh")), 2)
        clip = replace(clip, positions=clip.positions[:220], rotations=clip.rotations[:220])
        shown = played(clip, (1.2, 1.7, ()))
        truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
        out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
        span = (round(1.2 * clip.rate_hz), round(2.5 * clip.rate_hz))
        assert gaps.seam_ratio(truth, out, [span], clip.rate_hz) < most, name


def test_planted_feet_slide_no_more_than_the_source(mocap):
    clip = thinned(without_tpose(bvh.read(mocap / "cmu" / "walking_20.bvh")), 2)
    shown = played(clip, (1.2, 1.9, ()))
    joints = skate.feet(clip.skeleton)
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    span = slice(round(1.2 * clip.rate_hz), round(2.7 * clip.rate_hz))
    slid = skate.slide(truth, out, joints, clip.rate_hz)[span].mean()
    assert slid < skate.slide(truth, truth, joints, clip.rate_hz).mean() + 0.02


def test_a_lost_limb_leaves_every_other_joint_alone():
    clip = walk()
    names = ("LeftArm", "LeftForeArm", "LeftHand")
    shown = played(clip, (1.5, 2.0, names))
    arm = [clip.skeleton.index(n) for n in names]
    rest = np.setdiff1d(np.arange(len(clip.skeleton)), arm)
    assert (shown.rotations[:, rest] == clip.rotations[:, rest]).all()
    assert (shown.positions == clip.positions).all()
    gap = slice(round(1.5 * clip.rate_hz), round(2.0 * clip.rate_hz))
    assert (shown.rotations[gap][:, arm] != clip.rotations[gap][:, arm]).any(axis=-1).all()
    assert rotation.angle_between(shown.rotations, clip.rotations)[:, arm].max() < 1.0
    assert "LeftForeArm" in shown.reasons[gap.start]


def test_a_second_loss_during_the_hand_over_is_as_smooth():
    clip = walk()
    shown = played(clip, (1.5, 2.0, ()), (2.1, 2.3, ()), (2.35, 2.6, ("LeftLeg", "LeftFoot")))
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    speed = np.linalg.norm(np.diff(out, axis=0), axis=-1) * clip.rate_hz
    fastest = (np.linalg.norm(np.diff(truth, axis=0), axis=-1) * clip.rate_hz).max()
    assert speed.max() < 1.5 * fastest
    assert same(shown, clip)[round((2.6 + HAND_OVER_S) * clip.rate_hz) :].all()


def test_flicker_of_single_frames_is_hardly_seen():
    clip = walk()
    seen = np.ones((len(clip), len(clip.skeleton)), bool)
    lost = np.arange(61, len(clip) - 60, 7)
    seen[lost] = False
    with Takeover([clip.skeleton], stop_after_s=np.inf) as takeover:
        shown = run_offline(
            takeover, [OfflineInput(clip.positions, clip.rotations, seen)], clip.rate_hz
        )[0]
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    held = np.linalg.norm(truth[lost] - truth[lost - 1], axis=-1).mean()
    assert np.linalg.norm(truth[lost] - out[lost], axis=-1).mean() < 0.35 * held


def test_short_losses_again_and_again_are_acted_like_the_first():
    """Holes in a stream that comes evenly are no sign that it comes unevenly."""
    clip = walk()
    stops_s = [1.5, 2.3, 3.1, 3.9]
    shown = played(clip, *((stop_s - 0.25, stop_s, ()) for stop_s in stops_s))
    last = [round(stop_s * clip.rate_hz) - 1 for stop_s in stops_s]
    off_m = np.linalg.norm(shown.positions[last, 0] - clip.positions[last, 0], axis=-1)
    assert off_m.max() < 0.05, off_m  # of 15 cm that it walks


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_body_goes_on(name):
    clip = part_of(walk(), PARTS[name])
    shown = played(clip, (1.5, 2.0, ()))
    gap = slice(round(1.5 * clip.rate_hz), round(2.0 * clip.rate_hz))
    assert (shown.states[gap] == State.TAKEOVER).all()
    there = clip.skeleton.globals(shown.positions[gap], shown.rotations[gap])[0]
    truth = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    ours_m = np.linalg.norm(there - truth[gap], axis=-1).mean()
    hold_m = np.linalg.norm(truth[gap.start - 1] - truth[gap], axis=-1).mean()
    assert ours_m < 0.5 * hold_m
    assert same(shown, clip)[round((2.0 + HAND_OVER_S) * clip.rate_hz) :].all()


def test_constant_latency_is_no_loss():
    clip = walk()
    part = OfflineInput(
        clip.positions,
        clip.rotations,
        np.ones((len(clip), len(clip.skeleton)), bool),
        np.full(len(clip), 0.25),
    )
    with Takeover([clip.skeleton]) as takeover:
        shown = run_offline(takeover, [part], clip.rate_hz)[0]
    late = round(0.25 * clip.rate_hz)
    assert shown.live()[late:].all()
    assert (shown.rotations[late:] == clip.rotations[:-late]).all()


@pytest.mark.parametrize(("source_hz", "stage_hz"), [(30, 60), (24, 60), (120, 60), (60, 24)])
def test_a_stage_of_another_rate_sees_no_loss(source_hz, stage_hz):
    clip = walk(5.0, float(source_hz))
    with Takeover([clip.skeleton]) as takeover:
        sent = 0
        for tick in range(3 * stage_hz):
            now_s = tick / stage_hz
            while sent / source_hz <= now_s + 1e-9:
                takeover.arrive(0, sent / source_hz, clip.positions[sent], clip.rotations[sent])
                sent += 1
            takeover.step(now_s)
            assert takeover.states[0] == State.LIVE
            assert (takeover.rotations[0] == clip.rotations[sent - 1]).all()


def test_jitter_within_a_tenth_of_a_second_stays_close_and_settles():
    clip = walk()
    rng = np.random.default_rng(3)
    delays = np.where(rng.uniform(size=len(clip)) < 0.5, 0.0, rng.uniform(0, 0.1, len(clip)))
    delays[:30] = delays[-100:] = 0.0
    part = OfflineInput(
        clip.positions, clip.rotations, np.ones((len(clip), len(clip.skeleton)), bool), delays
    )
    with Takeover([clip.skeleton]) as takeover:
        shown = run_offline(takeover, [part], clip.rate_hz)[0]
        stream = takeover.bodies[0].stream
        assert stream.late > 10
        assert stream.stale == stream.repeated == stream.broken == 0
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    assert gaps.errors_m(truth, out, 0)[0].mean() < 0.02
    assert same(shown, clip)[-40:].all()


def test_repeated_and_ancient_packets_are_counted_and_ignored():
    clip = walk()
    with Takeover([clip.skeleton]) as takeover:
        for k in range(90):
            takeover.arrive(0, k / 60, clip.positions[k], clip.rotations[k])
            takeover.arrive(0, k / 60, clip.positions[0], clip.rotations[0])
            takeover.step(k / 60)
        takeover.arrive(0, 0.1, clip.positions[0], clip.rotations[0])
        takeover.step(1.5)
        stream = takeover.bodies[0].stream
        assert (stream.repeated, stream.stale) == (90, 1)
        assert takeover.states[0] == State.TAKEOVER


def test_a_source_that_sets_its_clock_back_is_followed():
    clip = walk()
    with Takeover([clip.skeleton]) as takeover:
        for k in range(120):
            takeover.arrive(0, 1000.0 + k / 60, clip.positions[k], clip.rotations[k])
            takeover.step(k / 60)
        for k in range(120, 240):
            takeover.arrive(0, k / 60, clip.positions[k], clip.rotations[k])
            takeover.step(k / 60)
        assert takeover.states[0] == State.LIVE
        assert (takeover.rotations[0] == clip.rotations[239]).all()


def test_broken_values_are_missing_joints():
    clip = walk()
    head = clip.skeleton.index("Head")
    with Takeover([clip.skeleton]) as takeover:
        for k in range(120):
            positions, rotations = clip.positions[k].copy(), clip.rotations[k].copy()
            if k >= 60:
                rotations[head] = (np.nan, 0.0, np.inf, 1.0)
                positions[clip.skeleton.index("LeftHand")] = 1e9
            takeover.arrive(0, k / 60, positions, rotations)
            takeover.step(k / 60)
            assert np.isfinite(takeover.rotations[0]).all()
            assert np.isfinite(takeover.positions[0]).all()
        assert takeover.states[0] == State.TAKEOVER
        assert "Head" in takeover.reasons[0] and "LeftHand" in takeover.reasons[0]
        assert takeover.bodies[0].stream.broken == 60
        assert (takeover.rotations[0][1:5] == clip.rotations[119, 1:5]).all()


def test_after_a_long_silence_the_body_stops_and_stands():
    clip = walk()
    rate, steps = 60, 60 * 8
    with Takeover([clip.skeleton], stop_after_s=1.0) as takeover:
        out, states = [], []
        for k in range(steps):
            if k < 90:
                takeover.arrive(0, k / rate, clip.positions[k], clip.rotations[k])
            takeover.step(k / rate)
            out.append((takeover.positions[0].copy(), takeover.rotations[0].copy()))
            states.append(takeover.states[0])
        assert "standing" in takeover.reasons[0]
    world = clip.skeleton.globals(*(np.array(x) for x in zip(*out)))[0]
    assert State.HOLD not in states[: 90 + rate]
    assert states[-1] == State.HOLD and State.LOST not in states
    role = roles(clip.skeleton)
    hips = world[:, role["hips"]]
    assert np.linalg.norm(hips[-1] - hips[-60]) < 0.03
    assert skate.slide(world, world, skate.feet(clip.skeleton), rate)[-60:].mean() < 0.01
    assert 0.8 < hips[-1, 1] - world[-1, :, 1].min() < 1.0
    push = gaps.accelerations(world, rate)
    assert push[88:].max() < 2.0 * push[:88].max()


RIGS = {"along x": bones_along_x, "root": root_above_hips, "carried": carried_root}


@pytest.mark.parametrize("rig", RIGS)
def test_works_on_skeletons_of_other_laboratories(rig):
    clip = on(RIGS[rig](), thinned(walk(), 2))
    shown = played(clip, (1.5, 2.0, ()))
    equal, rate = same(shown, clip), clip.rate_hz
    assert equal[: round(1.5 * rate)].all()
    assert equal[round((2.0 + HAND_OVER_S) * rate) :].all()
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    out = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    gap = slice(round(1.5 * rate), round(2.0 * rate))
    assert np.linalg.norm(truth[gap] - out[gap], axis=-1).mean() < 0.08


def test_subjects_of_different_skeletons_do_not_disturb_each_other():
    one = thinned(walk(), 2)
    two = on(root_above_hips(), one)
    parts = []
    for clip, span in ((one, (45, 60)), (two, (50, 70))):
        seen = np.ones((len(clip), len(clip.skeleton)), bool)
        seen[slice(*span)] = False
        parts.append(OfflineInput(clip.positions, clip.rotations, seen))
    alone = []
    for clip, part in zip((one, two), parts):
        with Takeover([clip.skeleton], stop_after_s=np.inf) as takeover:
            alone.append(run_offline(takeover, [part], 30.0)[0])
    with Takeover([one.skeleton, two.skeleton], stop_after_s=np.inf) as takeover:
        together = run_offline(takeover, parts, 30.0)
    for a, b in zip(alone, together):
        assert np.abs(a.positions - b.positions).max() < 1e-4
        assert (a.states == b.states).all()


def test_the_same_packets_give_the_same_bits():
    clip = thinned(walk(), 2)
    one, two = (played(clip, (1.5, 2.0, ())) for _ in range(2))
    assert (one.rotations == two.rotations).all()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_lost_a_whole_body_comes_out(seed):
    """Drops, limbs, flicker, lateness and rubbish, all at once, on two rigs."""
    rng = np.random.default_rng(seed)
    clips = [thinned(walk(), 2), on(root_above_hips(), thinned(walk(), 2))]
    with Takeover([clip.skeleton for clip in clips], stop_after_s=0.6) as takeover:
        under_way: list[tuple[float, int, int, np.ndarray]] = []
        lost_until = np.zeros(2)
        masks = [np.ones(len(clip.skeleton), bool) for clip in clips]
        for k in range(145):
            for i, clip in enumerate(clips):
                if k >= lost_until[i]:
                    lost_until[i] = k + rng.integers(1, 25)
                    whole = rng.uniform() < 0.5
                    masks[i] = np.full(len(clip.skeleton), rng.uniform() < 0.6)
                    if not whole:
                        masks[i] = rng.uniform(size=len(clip.skeleton)) < rng.uniform()
                if masks[i].any():
                    late = rng.choice([0.0, rng.uniform(0.0, 0.1)])
                    under_way.append((k / 30 + late, i, k, masks[i]))
            here = [row for row in under_way if row[0] <= k / 30]
            under_way = [row for row in under_way if row[0] > k / 30]
            for _, i, frame, seen in here:
                positions = clips[i].positions[frame].copy()
                rotations = clips[i].rotations[frame].copy()
                rotations[~seen] = np.nan
                takeover.arrive(i, frame / 30, positions, rotations, seen)
            takeover.step(k / 30)
            for i, clip in enumerate(clips):
                positions, rotations = takeover.positions[i], takeover.rotations[i]
                assert np.isfinite(positions).all()
                assert np.abs(np.linalg.norm(rotations, axis=-1) - 1.0).max() < 1e-5
                world = gaps.world(clip.skeleton, positions, rotations)
                body = world[roles(clip.skeleton)["hips"] :]
                assert np.abs(body - body[0]).max() < 1.5
                assert bool(takeover.reasons[i]) == (takeover.states[i] != State.LIVE)
                assert (takeover.uncertainty_m[i] == 0.0) or takeover.states[i] != State.LIVE


def test_what_is_no_humanoid_is_held_and_says_so():
    arm = Skeleton(("base", "link", "tool"), np.array([-1, 0, 1]), np.eye(3))
    with Takeover([arm]) as takeover:
        assert takeover.states[0] == State.HOLD  # nobody has come yet
        for k in range(30):
            if k < 20:
                turn = rotation.from_axis_angle(np.array([0.0, 1, 0]), 0.01 * k)
                takeover.arrive(0, k / 60, arm.rest_positions, np.repeat(turn[None], 3, axis=0))
            takeover.step(k / 60)
        assert takeover.states[0] == State.HOLD
        assert "held" in takeover.reasons[0]
        assert (takeover.rotations[0] == turn).all()


def test_who_is_lost_as_soon_as_he_came_does_not_jump_when_he_is_back():
    """A runner, lost for 0.6 s in a stream that is 0.3 s old and not known to come evenly yet."""
    with Performer(1, provider="cpu") as body:
        ran = []
        for _ in range(180):
            body.step([Intent(np.array([0.0, 1.0]), np.zeros(2), frozenset({"run"}))])
            ran.append((body.positions[0].astype(float), body.rotations[0].astype(float)))
    positions, rotations = (np.array(x) for x in zip(*ran[90:], strict=True))
    seen = np.ones((90, len(PERFORMER)), bool)
    seen[18:54] = False
    with Takeover([PERFORMER], np.inf) as takeover:
        shown = run_offline(takeover, [OfflineInput(positions, rotations, seen)], 60)[0]
    assert np.linalg.norm(np.diff(shown.positions[:, 0], axis=0), axis=-1).max() * 60 < 8.0
