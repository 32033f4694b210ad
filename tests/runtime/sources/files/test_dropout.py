"""Signals that fail: windows that a user writes, what is lost in them, packets that come late."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.files.bvh import BvhSource
from understudy.runtime.sources.files.dropout import (
    Drop,
    Jitter,
    Link,
    parse_drop,
    parse_named_drop,
)
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

RATE = 50.0


def take(path, skeleton: Skeleton, frames: int = 101, rate_hz: float = RATE):
    """A body that slides along +Z at 1 m/s, so that its place tells the time."""
    positions = np.repeat(skeleton.rest_positions[None], frames, axis=0)
    positions[:, 0, 2] = np.arange(frames) / rate_hz
    rotations = rotation.identity((frames, len(skeleton)))
    bvh.write(path, Clip(skeleton, positions, rotations, 1 / rate_hz))
    return path


@pytest.fixture
def path(tmp_path):
    return take(tmp_path / "slide.bvh", PERFORMER)


def polled(link: Link, seconds: float, rate_hz: float = RATE) -> list:
    """(tick time, packets) of every tick."""
    ticks = [n / rate_hz for n in range(round(seconds * rate_hz))]
    return [(t, link.poll(t)) for t in ticks]


@pytest.mark.parametrize(
    ("text", "drop"),
    [
        ("2.0-2.5", Drop(2.0, 2.5)),
        (" 0 - 1e1 ", Drop(0.0, 10.0)),
        ("4.0-4.5:LeftArm,LeftForeArm", Drop(4.0, 4.5, ("LeftArm", "LeftForeArm"))),
        ("1-2: Left Arm , b:c ", Drop(1.0, 2.0, ("Left Arm", "b:c"))),
    ],
)
def test_windows_that_a_user_writes(text, drop):
    assert parse_drop(text) == drop


@pytest.mark.parametrize(
    ("text", "name", "drop"),
    [
        ("2-3", "", Drop(2.0, 3.0)),
        ("walk=2-3:Head,Neck", "walk", Drop(2.0, 3.0, ("Head", "Neck"))),
        ("take=1=2-3", "take=1", Drop(2.0, 3.0)),
        ("2-3:a=b", "", Drop(2.0, 3.0, ("a=b",))),
    ],
)
def test_a_window_may_be_meant_for_one_file(text, name, drop):
    assert parse_named_drop(text) == (name, drop)


@pytest.mark.parametrize(
    "text",
    ["", "2.0", "2.0-", "-2.5", "2-x", "2-1", "2-2", "nan-3", "0-inf", "-1-2", "1-2:", "1-2:a,,b",
     "1-2:a,a", "1-2-3"],
)  # fmt: skip
def test_what_is_no_window_is_refused_in_a_sentence_with_the_text_and_the_remedy(text):
    with pytest.raises(UnderstudyError) as caught:
        parse_drop(text)
    assert repr(text) in str(caught.value) and str(caught.value).endswith(".")


@given(
    st.integers(0, 10**6),
    st.integers(1, 10**6),
    st.lists(st.text("abLR_:. ", min_size=1).map(str.strip).filter(bool), max_size=3, unique=True),
)
def test_a_drop_that_is_printed_reads_the_same(start_ms, length_ms, joints):
    drop = Drop(start_ms / 1000, (start_ms + length_ms) / 1000, tuple(joints))
    assert parse_drop(str(drop)) == drop


def test_a_whole_body_drop_loses_every_packet_of_its_window_and_no_other(path):
    link = Link(BvhSource(path), [Drop(0.5, 1.0)])
    for time_s, packets in polled(link, 2.0):
        assert len(packets) == (0 if 0.5 - 1e-6 <= time_s < 1.0 - 1e-6 else 1), time_s
        assert all(p.seen is None and p.capture_s == time_s for p in packets)


def test_a_limb_drop_names_what_is_missing_and_its_children_are_seen(path):
    link = Link(BvhSource(path), [Drop(0.5, 1.0, ("LeftArm", "LeftForeArm"))])
    for time_s, (packet,) in polled(link, 2.0):
        if 0.5 - 1e-6 <= time_s < 1.0 - 1e-6:
            missing = {PERFORMER.names[j] for j in np.flatnonzero(~packet.seen)}
            assert missing == {"LeftArm", "LeftForeArm"}
        else:
            assert packet.seen is None


def test_windows_that_overlap_take_what_either_takes(path):
    link = Link(
        BvhSource(path), [Drop(0.2, 0.6, ("Head",)), Drop(0.4, 0.8, ("LeftHand",)), Drop(0.5, 0.55)]
    )
    missing = {
        t: None if not packets else {PERFORMER.names[j] for j in np.flatnonzero(~packets[0].seen)}
        for t, packets in polled(link, 0.8)
        if t >= 0.2
    }
    assert missing[0.3] == {"Head"} and missing[0.7] == {"LeftHand"}
    assert missing[0.44] == {"Head", "LeftHand"} and missing[0.5] is None


def test_a_file_that_loops_drops_again_at_every_pass(path):
    link = Link(BvhSource(path), [Drop(0.5, 1.0)])
    length_s = link.source.duration_s
    gaps = [t % length_s for t, packets in polled(link, 3 * length_s) if not packets]
    assert len(gaps) == 3 * 25
    assert min(gaps) > 0.5 - 1e-6 and max(gaps) < 1.0


def test_windows_are_seconds_of_the_file_whatever_the_speed_and_the_start(path):
    link = Link(BvhSource(path, rate=2.0, start_s=0.5, loop=False), [Drop(1.0, 1.5)])
    gaps = [t for t, packets in polled(link, 0.75) if not packets]
    assert gaps[0] == pytest.approx(0.26) and gaps[-1] == pytest.approx(0.48)  # on stage


def test_joints_go_by_the_file_s_names_and_by_the_performer_s(tmp_path):
    own = {"LeftArm": "L_UpperArm", "LeftForeArm": "L_Forearm", "Head": "Head"}
    names = tuple(own.get(name, name) for name in PERFORMER.names)
    skeleton = Skeleton(names, PERFORMER.parents, PERFORMER.rest_positions, tips=PERFORMER.tips)
    source = BvhSource(take(tmp_path / "rig.bvh", skeleton), target=PERFORMER)
    assert source.skeleton is PERFORMER
    for name in ("L_UpperArm", "LeftArm"):
        assert source.joint(name) == PERFORMER.index("LeftArm")
    with pytest.raises(UnderstudyError, match="Tentacle"):
        Link(source, [Drop(0.0, 1.0, ("Tentacle",))])


def test_a_window_that_is_never_played_is_refused(path):
    with pytest.raises(UnderstudyError, match="lies outside"):
        Link(BvhSource(path), [Drop(7.0, 8.0)])


def test_a_file_that_ended_says_so_and_one_that_dropped_does_not(path):
    link = Link(BvhSource(path, loop=False), [Drop(1.9, 3.0)])
    for n in range(125):
        link.poll(n / RATE)
        assert link.silence == ("the file has ended" if n > 100 else "")


def test_jitter_loses_nothing_is_late_by_no_more_and_is_the_same_for_a_seed(path):
    most_s = 0.1
    runs = [polled(Link(BvhSource(path), jitter_s=most_s, seed=seed), 20.0) for seed in (1, 1, 2)]
    order = [[p.capture_s for _, packets in run for p in packets] for run in runs]
    assert order[0] == order[1] != order[2]
    for run, captured in zip(runs, order):
        ticks = [n / RATE for n in range(round((20.0 - most_s) * RATE) - 1)]
        assert sorted(captured)[: len(ticks)] == ticks
        assert captured != sorted(captured)
        late = [t - p.capture_s for t, packets in run for p in packets]
        assert max(late) < most_s + 1 / RATE
        assert max(len(packets) for _, packets in run) >= 3  # bursts


def test_what_is_under_way_still_comes_after_the_file_has_ended(path):
    link = Link(BvhSource(path, loop=False), jitter_s=0.3, seed=3)
    runs = polled(link, 2.5)
    assert sum(len(packets) for _, packets in runs) == 101
    assert link.silence


@given(st.floats(0.0, 1.0), st.integers(0, 5))
def test_delays_lie_within_what_was_asked(most_s, seed):
    jitter = Jitter(most_s, seed)
    delays = [jitter.delay_s(n / 60) for n in range(300)]
    assert min(delays) >= 0.0 and max(delays) <= most_s + 1e-9
