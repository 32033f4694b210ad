"""What `understudy play` makes of its flags: a session, from which it starts the stage."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from understudy.runtime.cli import play
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.stage import session as sessions


def asked_for(*words: object) -> sessions.Session:
    parser = argparse.ArgumentParser()
    play.arguments(parser)
    return play.asked_for(parser.parse_args([str(word) for word in words]))[0]


def test_every_flag_reaches_the_session(pad, tmp_path):
    outputs = tmp_path / "o.toml"
    outputs.write_text('[[output]]\nto = "freed://127.0.0.1"\nrate = 50\n')
    walk = tmp_path / "walk.bvh"
    walk.touch()
    made = asked_for(
        *(
            "--pad",
            pad,
            "--bvh",
            f"{walk}?name=ann",
            "--drop",
            "1-2",
            "--drop",
            "walk=3-4:Head,Neck",
        ),
        *("--jitter", 0.05, "--stop-after", 3, "--no-takeover", "--style", "energy=0.5,crouch=-1"),
        *("--takeover-weights", "t.onnx", "--weights", "m.onnx", "--copies", 2, "--rate", 120),
        *("--timecode", "29.97df", "--bvh-speed", 0.5, "--bvh-start", 1, "--bvh-stop", 4),
        *("--bvh-once", "--no-realtime", "--publish", "tcp://127.0.0.1:1"),
        *("--control", "tcp://127.0.0.1:2", "--from", "vmc://:5000?name=bob"),
        *("--to", "vmc://127.0.0.1", "--outputs", outputs, "--size", "640x360"),
        *("--camera", "orbit", "--share", "V", "--no-effect"),
    )
    assert made.source == [
        {"from": f"pad://{pad}"},
        {
            "from": f"bvh://{walk}",
            "name": "ann",
            "speed": 0.5,
            "start": 1.0,
            "stop": 4.0,
            "loop": False,
            "jitter": 0.05,
            "drop": "1-2;3-4:Head,Neck",
            "seed": 0,
        },
        {"from": "vmc://:5000?name=bob"},
    ]
    loop = made.stage
    assert (loop.rate_hz, loop.timecode, loop.copies, loop.stop_after_s) == (120, "29.97df", 2, 3)
    assert (loop.publish, loop.control) == ("tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
    assert (loop.takeover, loop.realtime) == (False, False)
    assert loop.style == {"energy": 0.5, "crouch": -1.0}
    assert loop.weights == str(Path("m.onnx").absolute())
    assert loop.takeover_weights == str(Path("t.onnx").absolute())
    assert made.output == [{"to": "vmc://127.0.0.1"}, {"to": "freed://127.0.0.1", "rate": 50}]
    view = made.viewport
    assert (view.size, view.camera, view.share, view.effect) == ("640x360", "orbit", "V", False)


def test_a_player_without_a_source_is_on_the_pad_of_the_viewport(tmp_path):
    walk = tmp_path / "walk.bvh"
    walk.touch()
    assert asked_for().source == [{"from": "remote://"}]
    assert [table["from"] for table in asked_for("--bvh", walk).source] == [f"bvh://{walk}"]


def test_flags_change_what_a_session_file_says(tmp_path):
    file = tmp_path / "stage.toml"
    file.write_text(
        '[stage]\nrate_hz = 30\ntimecode = "24"\n'
        '[[source]]\nas = "suit"\nfrom = "vmc://:5001"\n[viewport]\ncamera = "fixed"\n'
    )
    saved = tmp_path / "saved.toml"
    made = asked_for("--session", file, "--rate", 50, "--from", "freed://", "--save-session", saved)
    assert (made.stage.rate_hz, made.stage.timecode, made.viewport.camera) == (50, "24", "fixed")
    assert [table["from"] for table in made.source] == ["vmc://:5001", "freed://"]
    assert sessions.load(saved).source == made.source


def test_without_a_last_session_there_is_nothing_to_resume(monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path))
    with pytest.raises(UnderstudyError, match="nothing to resume"):
        asked_for("--resume")


WRITES_AFTER_IT_WAS_TOLD_TO_END = """
import signal, sys, time
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
print("ready", flush=True)
while not told: time.sleep(0.01)
time.sleep(0.3)
open(sys.argv[1], "w").write("whole")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM cannot be caught there")
def test_who_ends_play_waits_for_what_the_stage_still_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(play, "ENDS_S", 0.0)
    words = [sys.executable, "-c", WRITES_AFTER_IT_WAS_TOLD_TO_END, str(tmp_path / "take.bvh")]
    stage = subprocess.Popen(words, stdout=subprocess.PIPE)
    with stage:
        assert stage.stdout is not None and stage.stdout.readline()
        play.Company(argparse.Namespace(), tmp_path, sessions.ViewportTable(), None, False)._end(
            stage
        )
    assert stage.returncode == 0 and (tmp_path / "take.bvh").read_text() == "whole"
    assert "Ctrl-C leaves it to the recorder" in capsys.readouterr().err
