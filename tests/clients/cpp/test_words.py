"""What people write for the client and read of it: connections, names, the status line."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.bridge.things import small_frame
from understudy.runtime.core.pose import State

from .test_unreal_space import playing

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    ("line", "address", "control", "keys"),
    [
        ("tcp://stage:5570", "tcp://stage:5570", "tcp://stage:5571", "  "),
        ("tcp://[::1]:7000  control=none", "tcp://[::1]:7000", "", "  "),
        ("ipc:///tmp/x", "ipc:///tmp/x", "", "  "),
        (
            "tcp://s:1 control=tcp://t:9 server_key=a=? public_key=&b secret_key=c",
            "tcp://s:1",
            "tcp://t:9",
            "a=? &b c",
        ),
    ],
)
def test_a_connection_is_read(program, line, address, control, keys):
    done = subprocess.run([program, "--connection", line], capture_output=True, text=True)
    read = json.loads(done.stdout)
    assert read == {"error": "", "address": address, "control": control, "keys": keys}


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("stage", "write it like tcp://127.0.0.1:5570"),
        ("tcp://s:1 colour=red", "may come control="),
    ],
)
def test_a_connection_that_is_none_is_a_sentence(program, line, remedy):
    done = subprocess.run([program, "--connection", line], capture_output=True, text=True)
    read = json.loads(done.stdout)
    assert remedy in read["error"] and read["error"].endswith(".") and "address" not in read


def test_everything_in_a_frame_has_a_name_of_its_own(probe):
    frame = small_frame(subjects=3)
    frame.subjects[0].name = frame.cameras[0].name = "Sword"
    frame.subjects[1].name = "ann"
    frame.subjects[2].name = "Ann"
    frame.props.append(frame.props[0])
    with playing(frame) as address, probe(address, "--frames", 1) as client:
        (got,), _, _ = client.finish()
    assert got["roster"] == ["Sword", "ann", "Ann 2", "Sword 2", "sword 3", "sword 4"]


def test_the_status_tells_who_is_not_live_and_why(probe):
    frame = small_frame(subjects=2)
    frame.subjects[1].state, frame.subjects[1].reason = State.LIVE, ""
    with playing(frame) as address, probe(address, "--frames", 30) as client:
        _, _, seen = client.finish()
    assert " Hz, " in seen["status"] and "ms old" in seen["status"]
    assert seen["status"].endswith("; Ann 0 takeover: signal lost")


def test_the_status_says_that_nobody_is_there(probe):
    with probe("tcp://127.0.0.1:1", "--seconds", 0.6, "--quiet-after", 0.3) as client:
        _, said, seen = client.finish()
    assert seen["status"].startswith("Waiting for a stage")
    assert len(said) == 1
