"""The C++ client against a live stage, frame by frame beside the Python client."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from understudy.bridge import Subscriber
from understudy.runtime.core.pose import Frame

pytestmark = pytest.mark.clients

PATIENCE_S = 60.0


def held_against(ours: dict[str, Any], frame: Frame) -> None:
    """Fails unless the C++ client's frame is the Python client's, float by float."""
    assert (ours["sequence"], ours["text"]) == (frame.sequence, frame.timecode)
    assert (ours["capture_ns"], ours["publish_ns"]) == (frame.capture_ns, frame.publish_ns)
    assert ours["stats"] == frame.stats
    assert len(ours["subjects"]) == len(frame.subjects)
    for mine, subject in zip(ours["subjects"], frame.subjects, strict=True):
        skeleton = subject.skeleton
        assert (mine["name"], mine["state"], mine["reason"]) == (
            subject.name,
            int(subject.state),
            subject.reason,
        )
        assert mine["capture_ns"] == subject.capture_ns
        assert np.float32(mine["uncertainty_m"]) == np.float32(subject.uncertainty_m)
        assert tuple(mine["names"]) == skeleton.names
        assert mine["parents"] == skeleton.parents.tolist()
        np.testing.assert_array_equal(mine["rest_positions"], skeleton.rest_positions.ravel())
        np.testing.assert_array_equal(mine["rest_rotations"], skeleton.rest_rotations.ravel())
        tips = np.array(mine["tips"], float)  # null is NaN
        np.testing.assert_array_equal(tips, skeleton.tips.ravel())
        joints = np.array(mine["joints"], np.float32)
        np.testing.assert_array_equal(joints[:, :3], subject.pose.positions)
        np.testing.assert_array_equal(joints[:, 3:], subject.pose.rotations)
        contacts = np.array(mine["contacts"], np.float32).reshape(-1, 2)
        np.testing.assert_array_equal(contacts, subject.contacts)
        path = np.array(mine["path"], np.float32).reshape(-1, 4)
        np.testing.assert_array_equal(path, subject.trajectory)
        if subject.intent is None:
            assert "intent" not in mine
        else:
            wish = subject.intent
            np.testing.assert_array_equal(
                np.array(mine["intent"][:4], np.float32), [*wish.travel, *wish.facing]
            )
            assert mine["intent"][5] == wish.capture_ns


def test_poses_are_those_of_the_python_client_to_the_bit(stage, probe):
    with (
        Subscriber(stage.address) as subscriber,
        probe(stage.address, "--every", "--frames", 90) as client,
    ):
        theirs = {}
        deadline = time.monotonic() + PATIENCE_S
        while client.process.poll() is None or len(theirs) < 60:
            assert time.monotonic() < deadline
            if (frame := subscriber.receive(0.1)) is not None:
                theirs[frame.sequence] = frame
            if len(theirs) > 90:  # a full pipe would hold the client up
                break
        frames, said, seen = client.finish()
    assert said == [] and seen["frames"] == 90
    assert (seen["lost"], seen["malformed"], seen["unresolved"]) == (0, 0, 0)
    shared = [frame for frame in frames if frame["sequence"] in theirs]
    assert len(shared) >= 30
    assert len({tuple(map(tuple, f["subjects"][0]["joints"])) for f in shared}) > 20  # it moves
    for frame in shared:
        held_against(frame, theirs[frame["sequence"]])


def test_timecode_comes_with_its_rational_rate(stage, probe):
    with probe(stage.address, "--every", "--frames", 40) as client:
        frames, _, _ = client.finish()
    for frame in frames:
        *digits, drop, num, den, _ = frame["timecode"]
        assert frame["text"] == "{:02}:{:02}:{:02};{:02}".format(*digits)
        assert (drop, num, den) == (True, 30000, 1001)
    # Two ticks at 60 Hz share a timecode at 29.97; it never leaps.
    numbers = [frame["timecode"][-1] for frame in frames]
    assert set(np.diff(numbers)) <= {0, 1}
    assert numbers[-1] > numbers[0]


def test_twenty_late_joiners_of_twenty_know_the_skeleton_of_their_first_frame(stage, probe):
    for _ in range(20):
        with probe(stage.address, "--every", "--frames", 1) as client:
            (frame,), _, seen = client.finish()
        assert len(frame["subjects"][0]["names"]) == 22
        assert (seen["unresolved"], seen["malformed"]) == (0, 0)


def test_after_a_stall_of_a_second_the_next_frame_is_of_now(stage, probe):
    """A queue would give 60 ticks of age every time; a busy machine may give a few, once."""
    with probe(stage.address, "--frames", 4, "--stall", 1) as client:
        frames, _, seen = client.finish()
    ticks = [60 * (frame["received_ns"] - frame["capture_ns"]) * 1e-9 for frame in frames[1:]]
    assert sorted(ticks)[1] <= 2, ticks
    assert min(np.diff([frame["sequence"] for frame in frames])) > 30
    assert seen["passed_over"] > 100 and seen["lost"] == 0


def test_the_clock_of_the_stage_is_found_by_pings(stage, probe):
    with probe(stage.address, "--control", stage.control, "--frames", 60) as client:
        _, _, seen = client.finish()
    assert seen["clocks_agree"] and seen["clock_offset_ns"] == 0


def test_a_stage_that_dies_and_comes_again_is_noticed_said_and_gone_on_with(stage, probe):
    with probe(stage.address, "--seconds", 90, "--frames", 10000, "--quiet-after", 0.5) as client:
        before = client.until("sequence")[-1]
        stage.kill()
        (*_, silence) = client.until("said")
        stage.start()
        said = [silence["said"]]
        while len(said) < 3:
            said.append(client.until("said")[-1]["said"])
        after = client.until("sequence")[-1]
    assert said[0].startswith(f"Nothing comes from {stage.address}")
    assert any("was restarted" in sentence for sentence in said)
    assert any("again" in sentence for sentence in said)
    assert after["session"] != before["session"]
    assert after["subjects"][0]["names"] == before["subjects"][0]["names"]
