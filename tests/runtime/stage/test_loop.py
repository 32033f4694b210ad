"""The loop and its bad days, on real processes and real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zmq

from tests.conftest import FREE_PORTS, sentence
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.core.processes import free_ports
from understudy.runtime.stage.loop import STAGES, Stage
from understudy.runtime.stage.session import Session, session_of
from understudy.runtime.takes import bvh
from understudy.runtime.takes.contents import contents

ANYWHERE = {"publish": "tcp://127.0.0.1:*", "control": "tcp://127.0.0.1:*"}


def config(pad, *lines: str, **stage) -> Session:
    return session_of(f"pad://{pad}", *lines, **ANYWHERE, **stage)


def test_two_runs_of_one_script_move_alike_and_the_character_walks(pad):
    paths = []
    for _ in range(2):
        with Stage(config(pad)) as stage:
            path = []
            for number in range(120):
                stage.tick(number)
                path.append(stage.cast.solve()[0].pose.positions[0].copy())
        paths.append(np.array(path))
    assert np.array_equal(*paths)
    assert 0.8 < paths[0][-1, 2] < 4.0  # metres forward in two seconds, from standing
    assert abs(paths[0][-1, 0]) < 0.3


def test_every_stage_of_the_tick_is_timed(pad):
    with Stage(config(pad)) as stage:
        for number in range(10):
            stage.tick(number)
        figures = stage.figures()
    assert set(STAGES) <= figures["ms"].keys()


def test_copies_stand_apart_and_are_named(pad):
    with Stage(config(pad, copies=4)) as stage:
        stage.tick(0)
        subjects = stage.cast.solve()
        roots = np.array([s.pose.positions[0] for s in subjects])
    assert len({s.name for s in subjects}) == 4
    apart = np.linalg.norm(roots[:, None] - roots[None], axis=-1)[~np.eye(4, dtype=bool)]
    assert apart.min() > 1.0


def test_a_subscriber_in_another_process_hears_every_tick(pad, understudy):
    with StageProcess("--pad", pad) as stage:
        heard = json.loads(understudy("listen", stage.publish, "--seconds", 3, "--json").stdout)
    assert heard["lost"] == 0
    assert heard["frames"] > 100
    assert 55 < heard["rate_hz"] < 65


def test_sigterm_leaves_a_whole_take_and_figures(pad, tmp_path):
    take, stats = tmp_path / "take.bvh", tmp_path / "stats.json"
    with StageProcess("--pad", pad, "--record", take, "--stats", stats) as stage:
        with Subscriber(stage.publish, timeout_s=10) as subscriber:
            for count, _ in enumerate(subscriber):
                if count == 30:
                    break
    clip = bvh.read(take)
    assert len(clip.rotations) >= 30
    assert json.loads(stats.read_text())["ticks"] >= 30
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_a_file_that_is_no_humanoid_streams_on_its_own_skeleton(tmp_path):
    crane = tmp_path / "crane.bvh"
    crane.write_text(
        "HIERARCHY\nROOT base\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "JOINT boom\n{\nOFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 2 0\n}\n}\n}\n"
        "MOTION\nFrames: 2\nFrame Time: 0.5\n0 0 0 0 0 0\n0 0 0 90 0 0\n"
    )
    with Stage(session_of(f"bvh://{crane}?skeleton=performer", **ANYWHERE)) as stage:
        stage.tick(0)
        subject = stage.cast.solve()[0]
        notes = " ".join(stage.cast.notes)
    assert subject.skeleton.names == ("base", "boom")
    assert "own skeleton" in notes


@pytest.fixture(scope="session")
def take(tmp_path_factory):
    """Four seconds of our own performer, from standing to a walk in a curve."""
    folder = tmp_path_factory.mktemp("takes")
    script = folder / "pad.toml"
    script.write_text(
        "[[event]]\nat_s = 0.2\nleft_stick = [0.0, 0.8]\n"
        "[[event]]\nat_s = 2.0\nleft_stick = [0.7, 0.5]\nramp_s = 0.5\n"
    )
    path = folder / "take.bvh"
    done = processes.start("perform", "--pad", script, "--seconds", 4, "--out", path)
    assert done.wait(60) == 0
    return path


def test_pads_and_files_share_a_stage_and_without_takeover_an_ended_file_is_held_then_lost(
    pad, take
):
    with Stage(config(pad, f"bvh://{take}?loop=0", takeover=False)) as stage:
        states = []
        for number in range(400):
            stage.tick(number)
            acted, played = stage.cast.solve()
            states.append(played.state)
            assert acted.state == State.LIVE
        reason = played.reason
    assert (acted.name, played.name) == ("pad", "take")
    assert states[230] == State.LIVE
    assert states[250] == State.HOLD
    assert states[-1] == State.LOST
    assert "ended" in reason


def test_a_port_in_use_is_one_sentence(pad, understudy):
    with StageProcess("--pad", pad) as stage:
        said = sentence(understudy("stage", "--pad", pad, "--publish", stage.publish))
    assert stage.publish.rsplit(":", 1)[1] in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "--pad"),
        (("--pad", "missing.toml"), "missing.toml"),
        (("--bvh", "missing.bvh"), "missing.bvh"),
        (("--rate", "0"), "--rate"),
        (("--copies", "0", "--pad", "{pad}"), "--copies"),
        (("--weights", "missing.onnx", "--pad", "{pad}"), "missing.onnx"),
        (("--publish", "tcp://0.0.0.0:5599", "--pad", "{pad}"), "insecure"),
        (("--timecode", "31", "--pad", "{pad}"), "31"),
        (("--drop", "1-2", "--pad", "{pad}"), "--bvh"),
        (("--drop", "soon", "--bvh", "{take}"), "soon"),
        (("--drop", "1-2:Tail", "--bvh", "{take}"), "Tail"),
        (("--drop", "91-92", "--bvh", "{take}"), "91-92"),
        (("--drop", "nobody=1-2", "--bvh", "{take}"), "nobody"),
        (("--jitter", "-1", "--bvh", "{take}"), "--jitter"),
        (("--stop-after", "0", "--bvh", "{take}"), "--stop-after"),
        (("--style", "grace=1", "--pad", "{pad}"), "grace"),
        (("--style", "energy=1", "--bvh", "{take}"), "pad"),
        (("--takeover-weights", "missing.onnx", "--bvh", "{take}"), "missing.onnx"),
    ],
)
def test_wrong_input_is_one_sentence(understudy, pad, take, words, expected):
    words = [word.format(pad=pad, take=take) for word in words]
    assert expected in sentence(understudy("stage", *FREE_PORTS, "--seconds", 1, *words))


def test_damaged_weights_are_one_sentence(understudy, pad, tmp_path):
    weights = tmp_path / "broken.onnx"
    weights.write_bytes(b"not a network")
    assert "broken" in sentence(
        understudy("stage", *FREE_PORTS, "--pad", pad, "--weights", weights)
    )


def test_garbage_on_the_control_socket_is_counted_and_the_stream_goes_on(pad):
    with StageProcess("--pad", pad) as stage:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(stage.control)
            for _ in range(50):
                socket.send(os.urandom(200))
            with (
                ControlClient(stage.control) as client,
                Subscriber(stage.publish, timeout_s=5) as subscriber,
            ):
                deadline = time.monotonic() + 10
                while client.stats()["control_refused"] < 50 and time.monotonic() < deadline:
                    next(iter(subscriber))
                assert client.stats()["control_refused"] >= 50


def test_a_subscriber_that_never_reads_costs_the_loop_nothing(pad):
    with StageProcess("--pad", pad, "--copies", 8) as stage:
        with zmq.Context() as context, context.socket(zmq.SUB) as deaf:
            deaf.linger = 0
            deaf.rcvhwm = 1
            deaf.subscribe(b"")
            deaf.connect(stage.publish)
            with Subscriber(stage.publish, timeout_s=5) as subscriber:
                sequences = [frame.sequence for frame, _ in zip(subscriber, range(240))]
    assert sequences == list(range(sequences[0], sequences[0] + 240))


def test_play_goes_on_streaming_when_the_viewport_is_killed_and_starts_it_again(pad, tmp_path):
    psutil = pytest.importorskip("psutil")
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    play = processes.start(
        "play",
        "--pad",
        pad,
        "--publish",
        publish,
        "--control",
        control,
        "--headless",
        "--out",
        tmp_path / "frames",
        "--size",
        "160x90",
    )

    def viewports() -> list[psutil.Process]:
        found = []
        for child in psutil.Process(play.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # a zombie, too
                found += [child] if "viewport" in child.cmdline() else []
        return found

    try:
        with Subscriber(publish, timeout_s=20) as subscriber:
            frames = iter(subscriber)
            killed, sequences, reborn = None, [], None
            deadline = time.monotonic() + 60
            while reborn is None and time.monotonic() < deadline:
                sequences.append(next(frames).sequence)
                alive = viewports()
                if killed is None and alive and len(sequences) > 30:
                    killed = alive[0].pid
                    os.kill(killed, signal.SIGKILL)
                elif killed is not None:
                    reborn = next((c for c in alive if c.pid != killed), None)
            assert reborn is not None
            assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    finally:
        children = psutil.Process(play.pid).children()
        processes.end([play])
    assert play.returncode == 143
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_children_end_when_play_is_killed_outright(pad):
    psutil = pytest.importorskip("psutil")
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent died")
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    play = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "understudy.runtime.cli.main",
            "play",
            "--pad",
            str(pad),
            "--publish",
            publish,
            "--control",
            control,
        ],
        env={k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")},
    )
    with Subscriber(publish, timeout_s=20) as subscriber:
        next(iter(subscriber))
    children = psutil.Process(play.pid).children(recursive=True)
    assert children
    play.kill()
    play.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_the_control_socket_stops_the_stage_and_records(pad, tmp_path):
    take = tmp_path / "asked.bvh"
    with StageProcess("--pad", pad) as stage:
        with (
            ControlClient(stage.control) as client,
            Subscriber(stage.publish, timeout_s=5) as subscriber,
        ):
            client.record(start=True, path=str(take), slate="A1")
            with pytest.raises(UnderstudyError, match="stop it first"):
                client.record(start=True, path=str(tmp_path / "other.bvh"))
            recorded_ns = time.monotonic_ns()  # from the answer on nothing is missing
            since = (frame for frame in subscriber if frame.publish_ns >= recorded_ns)
            for _, _ in zip(range(20), since):
                pass
            client.record(start=False)
            assert len(bvh.read(take).rotations) >= 20
            assert contents(take.with_suffix(".mcap")).complete
            told = client.record(start=True, path=str(take), slate="A2")
            assert told["take"] == str(tmp_path / "asked-2.mcap"), "no take is overwritten"
            written = client.record(start=False)["written"]
            assert written == [str(tmp_path / "asked-2.bvh"), told["take"]]
            assert contents(Path(told["take"])).frames > 20, "what was before Record is in it"
            with pytest.raises(UnderstudyError, match="cannot be written"):
                client.record(start=True, path="/proc/no/take.bvh")
            assert client.stats()["recording"] == ""
            client.stop()
            with pytest.raises(UnderstudyError):
                for _ in range(100):
                    client.hello()


@pytest.mark.slow
def test_ten_minutes_without_growth(pad):
    psutil = pytest.importorskip("psutil")
    # 72,000 ticks back to back are ten minutes of stage time at 120 Hz.
    with Stage(config(pad, rate_hz=120.0)) as stage:
        process, sizes = psutil.Process(), []
        for number in range(72_000):
            stage.tick(number)
            if number % 12_000 == 0:
                sizes.append(process.memory_info().rss)
        pose = stage.cast.solve()[0].pose
    assert np.isfinite(pose.positions).all()
    assert sizes[-1] - sizes[1] < 8e6


def told(stream, until_state: State, most: int = 600) -> list:
    """(sequence, state, reason, uncertainty) of a stream's only subject until it has a state."""
    seen = []
    for frame, _ in zip(stream, range(most)):
        (subject,) = frame.subjects
        seen.append((frame.sequence, subject.state, subject.reason, subject.uncertainty_m))
        if subject.state is until_state:
            return seen
    raise AssertionError(f"{until_state.name} never came; {seen[-1]} is the last of {len(seen)}")


def test_a_dropped_subject_is_acted_from_the_very_tick_and_comes_back_live(take):
    """The window begins at 1 s of a file that is played from 0 at 60 Hz: tick 60 is the first."""
    words = ("--bvh", take, "--drop", "1.0-1.5", "--bvh-once", "--seconds", 3.5)
    with StageProcess(*words) as stage:
        with Subscriber(stage.publish, timeout_s=10) as subscriber:
            stream = iter(subscriber)
            before = told(stream, State.TAKEOVER)
            after = told(stream, State.LIVE)
    assert all(state is State.LIVE and not reason for _, state, reason, _ in before[:-1])
    assert before[-1][0] == 60
    assert all(reason for _, _, reason, _ in [before[-1], *after[:-1]])
    assert before[-1][3] > 0.0 and after[-1][2:] == ("", 0.0)
    assert 90 <= after[-1][0] < 90 + 60  # seen again at tick 90, then a blend of bounded length


def test_a_late_joiner_sees_state_and_reason_in_its_first_frame(take):
    words = ("--bvh", take, "--drop", "0.5-3.5", "--bvh-start", 0.4, "--stop-after", 60)
    with StageProcess(*words) as stage:
        with Subscriber(stage.publish, timeout_s=10) as early:
            told(iter(early), State.TAKEOVER)
            with Subscriber(stage.publish, timeout_s=10) as late:
                subject = next(iter(late)).subjects[0]
    assert subject.state is State.TAKEOVER
    assert subject.reason


def test_a_limb_that_drops_is_named_and_the_rest_stays_the_source_s(take):
    """Two stages of one file, one of which loses an arm: they differ in that arm alone."""
    played = {}
    for drops in ("", "?drop=1.0-1.5:LeftArm,LeftForeArm,LeftHand"):
        with Stage(session_of(f"bvh://{take}{drops}", **ANYWHERE)) as stage:
            poses, reasons = [], []
            for number in range(150):
                stage.tick(number)
                (subject,) = stage.cast.solve()
                poses.append((subject.pose.positions.copy(), subject.pose.rotations.copy()))
                reasons.append(subject.reason)
        played[bool(drops)] = poses, reasons
    (whole, _), (broken, reasons) = played[False], played[True]
    arm = [subject.skeleton.index(name) for name in ("LeftArm", "LeftForeArm", "LeftHand")]
    rest = [j for j in range(len(subject.skeleton)) if j not in arm]
    for n in range(150):
        np.testing.assert_array_equal(whole[n][0], broken[n][0])
        np.testing.assert_array_equal(whole[n][1][rest], broken[n][1][rest])
    assert not np.array_equal(whole[80][1][arm], broken[80][1][arm])
    assert np.array_equal(whole[59][1][arm], broken[59][1][arm])
    assert np.array_equal(whole[149][1][arm], broken[149][1][arm])
    assert "LeftArm" in reasons[75] and not reasons[149]


def test_a_file_that_ended_is_acted_to_a_stand_and_never_lost(take):
    with Stage(session_of(f"bvh://{take}?loop=0", stop_after_s=1.0, **ANYWHERE)) as stage:
        roots, states = [], []
        for number in range(60 * 12):
            stage.tick(number)
            (subject,) = stage.cast.solve()
            roots.append(subject.pose.positions[0].copy())
            states.append(subject.state)
            if number == 250:
                assert "ended" in subject.reason
    assert states[230] is State.LIVE and states[245] is State.TAKEOVER
    assert State.LOST not in states and subject.reason
    assert np.linalg.norm(np.diff(roots[-60:], axis=0), axis=1).max() * 60 < 0.15  # it stands
    assert np.linalg.norm(np.diff(roots, axis=0), axis=1).max() * 60 < 4.0  # and never jumped


def test_a_style_that_is_asked_for_changes_the_poses_of_the_stream(pad):
    with StageProcess("--pad", pad) as stage:
        with (
            ControlClient(stage.control) as client,
            Subscriber(stage.publish, timeout_s=10) as subscriber,
        ):
            heights: dict[str, list[float]] = {"upright": [], "crouched": []}
            for name, crouch in (("upright", 0.0), ("crouched", 1.0)):
                client.style("pad", crouch=crouch)
                for number, (frame, _) in enumerate(zip(subscriber, range(180))):
                    if number >= 140:
                        heights[name].append(frame.subjects[0].pose.positions[0, 1])
    assert np.mean(heights["crouched"]) < np.mean(heights["upright"]) - 0.05  # metres


def test_styles_are_told_and_what_cannot_be_is_refused_and_counted(pad):
    with StageProcess("--pad", pad, "--style", "energy=0.25") as stage:
        with ControlClient(stage.control) as client:
            assert client.style() == {"pad": {"energy": 0.25, "crouch": 0.0, "restless": 0.0}}
            assert client.style("pad", crouch=0.5) == {
                "pad": {"energy": 0.25, "crouch": 0.5, "restless": 0.0}
            }
            for subject, traits in (("nobody", {"energy": 0.5}), ("pad", {"grace": 0.5})):
                with pytest.raises(
                    UnderstudyError, match=subject if subject == "nobody" else "grace"
                ):
                    client.style(subject, **traits)
            with pytest.raises(UnderstudyError):
                client.style("pad", energy=float("nan"))
            assert client.stats()["control_refused"] == 3
            assert client.style("pad") == {"pad": {"energy": 0.25, "crouch": 0.5, "restless": 0.0}}


def test_style_of_a_script_reaches_the_body(tmp_path):
    path = tmp_path / "tired.toml"
    path.write_text("[[event]]\nat_s = 0.5\nstyle = { energy = -1.0 }\nramp_s = 0.5\n")
    with Stage(config(path, style={"crouch": 0.3})) as stage:
        for number, energy in ((0, 0.0), (45, -0.5), (90, -1.0)):
            stage.tick(number)
            style = stage.cast.style("tired", {})["tired"]
            assert style == {
                "energy": pytest.approx(energy),
                "crouch": pytest.approx(0.3),
                "restless": 0.0,
            }


def test_a_stage_that_skips_ticks_says_its_figures_every_second_all_the_same(pad):
    with Stage(config(pad)) as stage:
        for number, skipped in ((0, 0), (59, 3), (61, 7), (118, 9), (130, 12)):
            stage.tick(number)
            stage.clock.skipped = skipped
            stage.housekeep(number)
            told = {0: 0, 59: 0, 61: 7, 118: 7, 130: 12}[number]
            assert stage.stats["skipped"] == told
