"""A take played once more: solved, frame by frame, and raw, through the same decoders and solve."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.takes.bodies import stance, write_bvh
from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.requests import Pad, RemoveSubject, Request, Slate, Stats, Stop
from understudy.runtime.bench.processes import StageProcess, free_ports
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, State
from understudy.runtime.sources.files.take import TakeSource
from understudy.runtime.sources.files.take import listed as takes_of
from understudy.runtime.stage.cast import Cast
from understudy.runtime.stage.replay import TakenInputs, same, solve_again
from understudy.runtime.stage.session import SubjectTable, session_of
from understudy.runtime.takes.processing.gather import gather
from understudy.runtime.takes.take_file import INPUTS, TakeWriter
from understudy.runtime.takes.take_frames import TakeFrames
from understudy.runtime.takes.take_reader import TakeReader


@pytest.fixture(scope="module")
def take(tmp_path_factory) -> Path:
    """A bad day: VMC whose sender dies, a pad, a file that comes late and with holes, edits."""
    folder = tmp_path_factory.mktemp("take")
    pad, film = folder / "pad.toml", folder / "walk.bvh"
    pad.write_text("rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.9]\n")
    write_bvh(film, *stance(120, travel_m=2.0))
    path = folder / "take.mcap"
    (port,) = free_ports(1)
    line = f"vmc://127.0.0.1:{port}"
    with (
        StageProcess("--pad", pad, "--to", line, "--no-realtime") as sender,
        StageProcess(
            "--pad", pad, "--from", f"{line}?name=ann", "--record", path, "--no-realtime"
        ) as stage,
        ControlClient(stage.control) as client,
    ):
        film_line = f"bvh://{film}?name=bob&drop=0.3-0.9&jitter=0.05"
        client.style("", energy=0.5)
        client.add_source(film_line)
        heard(stage, "ann", State.LIVE)
        sender.process.kill()
        heard(stage, "ann", State.TAKEOVER)
        client.rename_subject("bob", "carl")
        heard(stage, "carl", State.TAKEOVER)
        client.record(start=False)
    return path


def heard(stage: StageProcess, name: str, state: State) -> None:
    """Waits for the subject, and for half a second of frames more."""
    until_s = time.monotonic() + 60.0
    with Subscriber(stage.publish) as subscriber:
        left = 30
        for frame in subscriber:
            there = {subject.name: subject.state for subject in frame.subjects}
            left -= there.get(name) is state
            assert time.monotonic() < until_s, there
            if not left:
                return


def test_packets_pads_and_requests_give_the_recorded_poses_to_the_bit(take):
    taken = TakenInputs(take)
    assert taken.whole and len(taken.numbers) > 60
    found = solve_again(take)
    assert found.subjects > 100
    assert (found.different, found.first) == (0, None)


def test_a_raw_take_tells_how_it_stands_and_is_not_changed(take):
    taken = TakenInputs(take)
    taken.begin(taken.numbers[-1])  # at which nothing was asked then
    refused: list[str] = []

    class Control:
        def poll(self) -> list[Request]:
            return [Stats(), Slate(), Pad(), RemoveSubject(name="ann"), Slate(scene="12"), Stop()]

        def reply(self, request: Request, error: str = "") -> None:
            refused.append(request.op)

    asked = taken.asked(Control())  # type: ignore[arg-type]
    assert [request.op for request in asked] == ["stats", "slate", "stop"]
    assert refused == ["remove_subject", "slate"]


def test_a_raw_take_that_stands_steps_and_hurries_is_the_same_to_the_bit(take):
    recorded = {
        one[0].sequence: one[0] for one in TakeReader(take).frames() if isinstance(one, tuple)
    }
    seen: dict[int, Frame] = {}
    with (
        StageProcess("--take", take, "--raw", "--no-realtime") as stage,
        ControlClient(stage.control) as client,
        Subscriber(stage.publish, timeout_s=60.0) as frames,
    ):

        def until(fits: Callable[[Frame], bool]) -> Frame:
            for frame in frames:
                seen.setdefault(frame.sequence, frame)
                if fits(frame):
                    return frame
            raise AssertionError("it fell silent")

        assert client.transport(play=False)["raw"]
        at = client.transport()["frame"]
        first = until(lambda frame: frame.sequence == at)
        again = until(lambda frame: frame.publish_ns > first.publish_ns)
        assert again.sequence == at and not client.transport()["playing"]
        with pytest.raises(UnderstudyError, match="without --raw"):
            client.transport(step=-1)
        client.transport(step=3)
        numbers = TakenInputs(take).numbers
        third = numbers[numbers.index(at) + 3]
        until(lambda frame: frame.sequence == third)
        until(lambda frame: frame.sequence == third)
        (deck,) = [one for one in client.session()["sources"] if one["figures"].get("raw")]
        assert deck["figures"]["frame"] == third
        client.transport(play=True, speed=2.0)
        until(lambda frame: frame.sequence == numbers[-1])
    poses = 0
    for number, frame in seen.items():
        if number not in recorded:  # of the last tick the inputs may be there and not the frame
            assert number > max(recorded)
            continue
        for now, then in zip(frame.subjects, recorded[number].subjects, strict=True):
            assert now.name == then.name and same(now, then), (number, now.name)
            poses += 1
    assert poses > 100


def test_every_datagram_is_there_with_its_time_and_its_sender(take):
    taken, heard = TakenInputs(take), []
    for number in taken.numbers:
        taken.begin(number)
        for where, port in taken.now.ports.items():
            assert where.startswith("udp ")
            assert all(one.arrived_ns <= port.due_ns for one in port.datagrams)
            heard += port.datagrams
    assert heard and all(one.peer[0] == "127.0.0.1" and one.peer[1] > 0 for one in heard)
    assert heard[0].data.startswith(b"#bundle")


def test_verify_solve_says_that_it_is_the_same(take):
    done = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", "take", "verify", take, "--solve"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "to the bit" in done.stdout


def test_a_take_is_shown_frame_by_frame_as_it_was(take):
    frames, seen = TakeFrames(take), 0
    session = session_of(f"take://{take}", rate_hz=frames.rate_hz)
    with Cast(session) as cast:
        first = int(frames.ticks[0])
        for number, tick in enumerate(frames.ticks.tolist()):
            cast.sense((tick - first) / frames.rate_hz)
            cast.perform(1.0 / frames.rate_hz)
            now, then = cast.solve(), frames.frame(number)
            assert [one.name for one in now] == [one.name for one in then.subjects]
            assert cast.timecode == then.timecode
            for one, other in zip(now, then.subjects, strict=True):
                assert same(one, other) and one.skeleton.id == other.skeleton.id
                seen += 1
    assert seen > 100


def test_a_subject_of_a_take_stands_beside_live_ones_where_it_is_put(take):
    lines = (f"take://{take}?subject=ann", "remote://")
    subjects = (
        SubjectTable(name="ann then", body="take/ann", at_m=(2.0, 0.0, 0.0), heading_deg=90.0),
        SubjectTable(name="me", control="remote"),
    )
    with Cast(session_of(*lines, subjects=subjects)) as cast:
        cast.sense(0.0)
        cast.perform(1.0 / 60.0)
        then, me = cast.solve()
    (was,) = [one for one in TakeFrames(take).frame(0).subjects if one.name == "ann"]
    x, y, z = was.pose.positions[0]
    np.testing.assert_allclose(then.pose.positions[0], [2.0 + z, y, -x], atol=1e-5)
    assert (then.name, me.name) == ("ann then", "me")


def test_the_transport_goes_where_it_is_told(take, tmp_path):
    listed = tmp_path / "tonight.txt"
    listed.write_text(f"# the running order\n{take}\n{take}\n", encoding="utf-8")
    with_list = TakeSource(takes_of(listed))
    frames = TakeFrames(take)
    try:
        with_list.poll(0.0)
        with_list.poll(0.5)
        assert with_list.position_s == pytest.approx(0.5)
        with_list.step(-1)
        assert with_list.status["frame"] == max(frames.number_at(0.5) - 1, 0)
        with_list.poll(9.0)  # it stays where it was put
        assert with_list.status["frame"] == max(frames.number_at(0.5) - 1, 0)
        with_list.seek(0.25)
        with_list.play(True)
        with_list.poll(9.25)
        assert with_list.position_s == pytest.approx(0.5)
        with_list.poll(1e3)
        assert with_list.status["ended"] and with_list.status["frame"] == len(frames) - 1
        with_list.put_in(with_list.opened(1), 1)
        assert with_list.status["cue"] == 2 and with_list.position_s == 0.0
        with_list.loop = True
        length_s = frames.seconds
        with_list.poll(1e3 + 2.5 * length_s)
        assert with_list.position_s == pytest.approx(0.5 * length_s, abs=1e-6)
        with pytest.raises(UnderstudyError, match="no take 3"):
            with_list.opened(2)
        with pytest.raises(UnderstudyError, match="no subject 'zoe'"):
            TakeSource([take], subject="zoe")
    finally:
        with_list.close()


def test_slower_than_it_was_poses_lie_between_frames(take):
    source = TakeSource([take], speed=0.25, subject="pad")
    try:
        turns = []
        first = source.take.number_at(1.0)
        while source.take.ticks[first + 1] - source.take.ticks[first] > 1:
            first += 1  # over ticks that the stage left out it stays
        source.seek(float(source.take.ticks[first]) / source.take.rate_hz)
        for k in range(5):
            source.poll(k / source.take.rate_hz)
            turns.append(source._played[0].solved.pose.rotations.copy())
    finally:
        source.close()
    whole = np.abs(turns[4] - turns[0]).max()
    assert 0.0 < np.abs(turns[1] - turns[0]).max() < whole


def test_a_cut_off_take_plays_as_far_as_it_goes(take, tmp_path):
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(take.read_bytes()[: take.stat().st_size // 2])
    frames = TakeFrames(cut)
    assert 0 < len(frames) < len(TakeFrames(take))
    assert frames.frame(len(frames) - 1).subjects
    reader = TakeReader(cut)
    assert sum(isinstance(one, tuple) for one in reader.frames()) >= len(frames)


def test_what_has_no_packets_is_refused_raw(take, tmp_path):
    bare = tmp_path / "bare.mcap"
    reader, writer = TakeReader(take), None
    for entry in reader.entries():
        if writer is None:
            writer = TakeWriter(bare, dict(reader.facts), reader.session, 0)
        if entry.topic not in (INPUTS, "events"):
            writer.add(entry.data, entry.time_ns, 0, entry.time_ns)
    assert writer is not None
    writer.finish({})
    with pytest.raises(UnderstudyError, match="play it solved, without --raw"):
        TakenInputs(bare)


def test_what_was_sent_is_gathered_on_the_ticks_and_what_was_lost_is_a_gap(take):
    found = {one.clip.name: one for one in gather(take)}
    assert {"ann", "bob", "carl", "pad"} <= found.keys()
    ann = found["ann"]
    frames, rate_hz = TakeFrames(take), ann.clip.rate_hz
    # Her sender died for good, so the end of her is not seen; and before that she was.
    assert not ann.seen[-1].any() and ann.seen[: len(ann.seen) // 2].any()
    live = [
        subject
        for number in range(len(frames))
        for subject in frames.frame(number).subjects
        if subject.name == "pad"
    ]
    assert len(found["pad"].clip) >= len(live) and rate_hz == frames.rate_hz
