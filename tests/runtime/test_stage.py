"""The loop and its bad days, on real processes and real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import zmq

from tests.conftest import sentence
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.processes import StageProcess, free_ports
from understudy.runtime.stage import STAGES, Stage, StageConfig
from understudy.runtime.takes import bvh


def config(pad, **changes) -> StageConfig:
    given = {"pads": [pad], **changes}
    return StageConfig(publish="tcp://127.0.0.1:*", control="tcp://127.0.0.1:*", **given)


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
    with Stage(config(crane, pads=[], bvhs=[crane])) as stage:
        stage.tick(0)
        subject = stage.cast.solve()[0]
        notes = " ".join(stage.cast.notes)
    assert subject.skeleton.names == ("base", "boom")
    assert "own skeleton" in notes


def test_pads_and_files_share_a_stage_and_an_ended_file_is_held_then_lost(
    pad, tmp_path, understudy
):
    take = tmp_path / "take.bvh"
    assert understudy("perform", "--pad", pad, "--seconds", 1, "--out", take).returncode == 0
    with Stage(config(pad, bvhs=[take], bvh={"loop": False})) as stage:
        states = []
        for number in range(220):
            stage.tick(number)
            acted, played = stage.cast.solve()
            states.append(played.state)
            assert acted.state == State.LIVE
        reason = played.reason
    assert (acted.name, played.name) == ("pad", "take")
    assert states[30] == State.LIVE
    assert states[70] == State.HOLD
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
    ],
)
def test_wrong_input_is_one_sentence(understudy, pad, words, expected):
    words = [word.format(pad=pad) for word in words]
    assert expected in sentence(understudy("stage", "--seconds", 1, *words))


def test_damaged_weights_are_one_sentence(understudy, pad, tmp_path):
    weights = tmp_path / "broken.onnx"
    weights.write_bytes(b"not a network")
    assert "broken" in sentence(understudy("stage", "--pad", pad, "--weights", weights))


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
    assert play.returncode == 0
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
            for _, _ in zip(subscriber, range(20)):
                pass
            client.record(start=False)
            assert len(bvh.read(take).rotations) >= 19
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
