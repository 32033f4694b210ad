"""The Unreal plugin's sources, compiled without the engine and run against a live stream.

`engine.h` stands in for Unreal: so this proves that the plugin's own logic works and that its C++
is sound, not that it compiles in the engine.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from tests.bridge.things import small_frame
from tests.clients.cpp.building import SANITIZERS, compiled
from tests.clients.cpp.conftest import Stage
from tests.clients.cpp.test_trust import rogue, with_curves
from tests.clients.cpp.test_unreal_space import playing
from tests.conftest import ROOT
from understudy.bridge import Publisher
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
PLUGIN = ROOT / "bridge" / "clients" / "unreal" / "Understudy"
SOURCES = PLUGIN / "Source" / "UnderstudyLiveLink" / "Private"


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Path:
    """The plugin and a Live Link client that prints; every header of the engine is engine.h."""
    engine = ROOT / "build" / "clients" / "engine"
    for source in sorted(SOURCES.iterdir()):
        for header in re.findall(r'^#include "(.+)"', source.read_text(), re.MULTILINE):
            if not (SOURCES / header).exists():
                (engine / header).parent.mkdir(parents=True, exist_ok=True)
                (engine / header).write_text('#include "engine.h"\n')
    flags = ("-std=c++20", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations")
    return compiled(HERE / "run_plugin.cpp", *flags, *SANITIZERS, includes=(SOURCES, HERE, engine))


@pytest.fixture
def plugin(program):
    """What Live Link is given: lines, then the status at the end."""

    def run(*words: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        done = subprocess.run(
            [str(program), *map(str, words)], capture_output=True, text=True, timeout=90
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[:-1], lines[-1]

    return run


def test_a_character_a_camera_and_a_prop_become_subjects_of_their_roles(plugin):
    frame = small_frame()
    turn = np.array([0.0, 1.0, 0.0, 0.0])
    frame.cameras = [Camera("A", np.array([1.0, 2.0, 3.0]), turn, 50.0, (36.0, 24.0), 4.0, 2.8)]
    with playing(frame) as address:
        lines, end = plugin(address, 1.5)
    declared = {line["static"]: line for line in lines if "static" in line}
    assert [(name, one["role"]) for name, one in declared.items()] == [
        ("Ann 0", "animation"),
        ("A", "camera"),
        ("sword", "transform"),
    ]
    assert sum("static" in line for line in lines) == 3  # once each
    assert (declared["Ann 0"]["bones"], declared["Ann 0"]["parents"]) == (["root", "hand"], [-1, 0])
    assert declared["A"]["supported"] == [1, 1, 1, 1, 1]
    assert declared["A"]["filmback"] == [36, 24]
    last = {line["frame"]: line for line in lines if "frame" in line}
    ann = last["Ann 0"]
    # positions are 0, 1/8 .. 5/8 m, rotations (1/2, -1/2, 1/2, 1/2)
    np.testing.assert_allclose(
        ann["transforms"],
        [[25, 0, 12.5, -0.5, 0.5, 0.5, 0.5], [62.5, -37.5, 50, -0.5, 0.5, 0.5, 0.5]],
    )
    assert dict(zip(declared["Ann 0"]["properties"], ann["values"])) == {
        "understudy_state": 1,
        "understudy_uncertainty_m": 0.0625,
    }
    assert (ann["State"], ann["Reason"]) == ("takeover", "signal lost")
    assert ann["scene_time"] == [1, 0, 0, 2, 1, 30000, 1001]  # drop-frame
    assert ann["world_time"] > 0
    np.testing.assert_allclose(last["A"]["transform"], [300, -100, 200, 0, 0, 0, 1], atol=1e-6)
    fov, aspect, focal, iris, focus = last["A"]["lens"]
    assert (fov, aspect, focal) == (pytest.approx(39.59775), 1.5, 50)
    assert (iris, focus) == (pytest.approx(2.8), 400)  # Unreal's focus distance is centimetres
    np.testing.assert_allclose(last["sword"]["transform"][:3], [100, -100, 100])
    assert end["valid"] == 1 and end["type"] == "Understudy" and end["machine"] == address
    assert "Ann 0 takeover: signal lost" in end["status"]


def test_a_face_is_a_subject_of_its_own_too(plugin):
    skeletons, frame = with_curves()

    def send(socket, _: int) -> None:
        socket.send(skeletons)
        socket.send(frame)

    with rogue(send) as address:
        lines, _ = plugin(address, 1)
    declared = {line["static"]: line for line in lines if "static" in line}
    assert declared["Ann face"]["role"] == "basic"
    assert declared["Ann face"]["properties"] == ["JawOpen", "EyeBlinkLeft"]
    assert declared["Ann"]["properties"][:2] == ["JawOpen", "EyeBlinkLeft"]
    last = {line["frame"]: line for line in lines if "frame" in line}
    assert last["Ann face"]["values"] == [0.75, 0.125]
    assert last["Ann"]["values"][:2] == [0.75, 0.125]


def test_settings_take_hold_and_who_is_gone_is_removed(plugin):
    with playing(small_frame()) as address:
        lines, _ = plugin(address, 3, "Left ")
    removed = [line["removed"] for line in lines if "removed" in line]
    assert sorted(removed) == ["A", "Ann 0", "sword"]
    last = lines[-1]["frame"]
    assert last == "Left Ann 0"
    after = lines[max(i for i, line in enumerate(lines) if "removed" in line) :]
    assert {line["frame"] for line in after if "frame" in line} == {"Left Ann 0"}


def test_a_stage_that_starts_again_clears_what_was_of_its_last_clock(program):
    # A context of its own: when it ends, the port is free.
    with zmq.Context() as context, Publisher("tcp://127.0.0.1:*", context=context) as first:
        address = first.address
        process = subprocess.Popen([program, address, "6"], stdout=subprocess.PIPE, text=True)
        read = _lines_until(process, "frame", lambda: first.publish(small_frame()))
        assert "static" in read[0]
    with Publisher(address) as second:
        read = _lines_until(process, "log", lambda: second.publish(small_frame()))
        assert "restarted" in read[-1]["log"]
        read = _lines_until(process, "frame", lambda: second.publish(small_frame()))
    process.kill()
    process.communicate()
    assert "static" in read[0] and not any("removed" in line for line in read)


def _lines_until(process, key: str, publish) -> list[dict[str, Any]]:
    """Publishes a hundred times a second until the plugin says a line with this key."""
    done = threading.Event()

    def play() -> None:
        for _ in Clock(100.0).ticks():
            if done.is_set():
                break
            publish()

    thread = threading.Thread(target=play)
    thread.start()
    lines = [json.loads(process.stdout.readline())]
    while key not in lines[-1]:
        lines.append(json.loads(process.stdout.readline()))
    done.set()
    thread.join()
    return lines


def test_nonsense_in_the_panel_is_a_sentence_at_the_field(plugin):
    _, end = plugin("somewhere", 0)
    assert end["error"].endswith("write it like tcp://127.0.0.1:5570.")


def test_nobody_there_is_said_in_the_status(plugin):
    _, end = plugin("tcp://127.0.0.1:1", 1)
    assert end["valid"] == 0 and end["status"].startswith("Waiting for a stage")


def test_of_a_live_stage_every_frame_comes_in_order_with_the_stages_clock(plugin, tmp_path):
    stage = Stage(tmp_path)
    try:
        lines, end = plugin(stage.address, 2)
    finally:
        stage.close()
    (declared,) = [line for line in lines if "static" in line]
    assert tuple(declared["bones"]) == PERFORMER.names
    assert declared["parents"] == PERFORMER.parents.tolist()
    frames = [line for line in lines if "frame" in line]
    assert len(frames) > 30 and {line["frame"] for line in frames} == {"pad"}
    assert all(np.shape(line["transforms"]) == (len(PERFORMER), 7) for line in frames)
    times = [line["world_time"] for line in frames]
    assert all(np.diff(times) > 0)
    hips = np.array([line["transforms"][0][:3] for line in frames])
    assert 70 < hips[:, 2].mean() < 110  # centimetres above the ground
    assert "Hz" in end["status"] and "none lost" in end["status"] and end["valid"] == 1
