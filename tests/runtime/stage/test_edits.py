"""A stage that is edited while it runs, killed, and resumed: real processes, real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.sources.receivers import free_udp_ports
from tests.runtime.stage.test_network_stage import performing, until
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, State
from understudy.runtime.core.processes import end, free_ports
from understudy.runtime.stage import session as sessions


@pytest.fixture
def starting(tmp_path, monkeypatch) -> Iterator[Callable]:
    """Starts `understudy WORDS` with a folder of its own for what it keeps."""
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "state"))
    children = []

    def start(*words: object) -> subprocess.Popen:
        children.append(
            subprocess.Popen(
                [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return children[-1]

    yield start
    end(children)


class Show:
    """A session with three sources, two assembled subjects and two outputs."""

    def __init__(self, tmp_path: Path, pad: Path) -> None:
        self.publish, self.control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
        self.suit, self.phone, self.added, one, two = free_udp_ports(5)
        self.file = tmp_path / "show.toml"
        self.file.write_text(
            f'[stage]\npublish = "{self.publish}"\ncontrol = "{self.control}"\nrealtime = false\n'
            f'[[source]]\nas = "suit"\nfrom = "vmc://127.0.0.1:{self.suit}"\n'
            f'[[source]]\nas = "phone"\nfrom = "livelinkface://127.0.0.1:{self.phone}"\n'
            f'[[source]]\nas = "hand"\nfrom = "pad://{pad}"\n'
            '[[subject]]\nname = "ann"\nbody = "suit"\nface = "phone"\nat_m = [0.0, 0.0, 1.0]\n'
            '[[subject]]\nname = "bob"\ncontrol = "hand"\nface = "suit"\nat_m = [2.0, 0.0, 0.0]\n'
            f'[[output]]\nto = "vmc://127.0.0.1:{one}?subject=bob"\n'
            f'[[output]]\nto = "freed://127.0.0.1:{two}"\n'
        )


@pytest.fixture
def show(tmp_path, pad) -> Show:
    return Show(tmp_path, pad)


def answered(control: str, within_s: float = 30.0) -> ControlClient:
    """A client of the stage there, once it answers."""
    deadline_s = time.monotonic() + within_s
    while True:
        client = ControlClient(control, timeout_s=1.0)
        try:
            client.hello()
            client.timeout_s = 10.0
            return client
        except UnderstudyError:
            client.close()
            assert time.monotonic() < deadline_s, "no stage answers"


def names(frame: Frame) -> list[str]:
    return [subject.name for subject in frame.subjects]


def test_a_session_is_edited_live_killed_and_resumed(starting, show):
    stage = starting("stage", "--session", show.file)
    with answered(show.control) as client, Subscriber(show.publish, timeout_s=20) as heard:
        came = iter(heard)
        first = until(came, lambda f: len(f.subjects) == 2)[-1]
        assert names(first) == ["ann", "bob"]
        assert first.subjects[1].pose.positions[0, 0] == pytest.approx(2.0, abs=0.1)

        added = client.add_source(f"vmc://127.0.0.1:{show.added}?name=eve", "second suit")
        assert added["name"] == "second suit"
        assert "eve" in names(until(came, lambda f: len(f.subjects) == 3)[-1])
        client.rename_subject("ann", "anna")
        client.place_subject("bob", (5.0, 0.0, -3.0), 90.0)
        moved = until(came, lambda f: f.subjects[1].pose.positions[0, 0] > 4.5)[-1]
        assert names(moved) == ["anna", "bob", "eve"]
        facing = moved.subjects[1].trajectory[5, 2:]  # where it looks now: along +X
        np.testing.assert_allclose(facing, (1.0, 0.0), atol=0.2)
        assert client.remove_source("second suit")["left"] == ["eve"]
        until(came, lambda f: names(f) == ["anna", "bob"])

        with performing(f"vmc://127.0.0.1:{show.suit}") as actor:
            for tick in range(400):
                actor.send(tick)
                if next(came).subjects[0].state is State.LIVE:
                    break
                time.sleep(0.01)
            else:
                raise AssertionError("anna never came alive")

        stage.send_signal(signal.SIGKILL)
        stage.wait()
        again = starting("stage", "--resume")
        began_s = time.monotonic()
        back = until(came, lambda f: f.publish_ns > moved.publish_ns and len(f.subjects) == 2)[-1]
        took_s = time.monotonic() - began_s
        assert names(back) == ["anna", "bob"]
        assert back.subjects[1].pose.positions[0, 0] == pytest.approx(5.0, abs=0.3)
        assert again.poll() is None and took_s < 30.0  # 5 s on a quiet machine: `bench startup`
    with answered(show.control) as client:
        session = client.session()
        assert [one["name"] for one in session["sources"]] == ["suit", "phone", "hand"]
        assert [one["to"] for one in session["session"]["output"]]
        saved = show.file.with_name("saved.toml")
        assert client.save_session(str(saved)) == {"path": str(saved)}
        assert [s.name for s in sessions.load(saved).subject] == ["anna", "bob"]


REFUSED = [
    (lambda c: c.rename_subject("nobody", "x"), "nobody"),
    (lambda c: c.rename_subject("ann", "bob"), "bob"),
    (lambda c: c.rename_subject("ann", " "), "empty"),
    (lambda c: c.place_subject("nobody"), "nobody"),
    (lambda c: c.place_subject("ann", (float("nan"), 0, 0)), "at_m"),
    (lambda c: c.remove_source("glove"), "glove"),
    (lambda c: c.remove_subject("nobody"), "nobody"),
    (lambda c: c.add_source("vcm://"), "vmc"),
    (lambda c: c.add_source("bvh:///nowhere/walk.bvh"), "walk.bvh"),
    (lambda c: c.add_source("vmc://127.0.0.1:1?nam=x"), "name"),
    (lambda c: c.add_subject(name="eve"), "body"),
    (lambda c: c.add_subject(name="eve", body="glove"), "glove"),
    (lambda c: c.add_subject(name="ann", body="suit"), "ann"),
    (lambda c: c.add_subject(nam="eve"), "name"),
    (lambda c: c.save_session("/nowhere/at/all/x.toml\0"), "x.toml"),
]


def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(starting, show):
    starting("stage", "--session", show.file)
    with answered(show.control) as client:
        before = client.session()["session"]
        for edit, expected in REFUSED:
            with pytest.raises(UnderstudyError, match=expected):
                edit(client)
        assert client.session()["session"] == before


def test_play_starts_a_stage_again_that_died_with_what_was_edited(starting, show):
    play = starting("play", "--session", show.file)
    with answered(show.control) as client, Subscriber(show.publish, timeout_s=30) as heard:
        came = iter(heard)
        client.rename_subject("ann", "anna")
        until(came, lambda f: "anna" in names(f))
        # The stage is play's child; what was edited is kept within moments.
        state = Path(os.environ["UNDERSTUDY_STATE"])
        deadline_s = time.monotonic() + 10.0
        while not any("anna" in path.read_text() for path in state.glob("stage-*.toml")):
            assert time.monotonic() < deadline_s, "the session was not kept"
        children = subprocess.run(
            ["pgrep", "-P", str(play.pid), "-f", "main stage"], capture_output=True, text=True
        ).stdout.split()
        os.kill(int(children[0]), signal.SIGKILL)
        last_ns = next(came).publish_ns + 10**9
        back = until(came, lambda f: f.publish_ns > last_ns and len(f.subjects) == 2)[-1]
        assert names(back) == ["anna", "bob"]
    play.terminate()
    assert "the stage died (SIGKILL); started it again" in play.communicate()[1]


def test_a_subject_that_was_removed_stays_away_and_can_be_made_anew(starting, show):
    starting("stage", "--session", show.file)
    with answered(show.control) as client, Subscriber(show.publish, timeout_s=20) as heard:
        came = iter(heard)
        client.remove_subject("ann")
        until(came, lambda f: names(f) == ["bob"])
        frames = [frame for frame, _ in zip(came, range(90))]  # longer than streams are adopted in
        assert all(names(frame) == ["bob"] for frame in frames)
        client.add_subject(name="zoe", body={"from": "suit", "delay_s": 0.1}, heading_deg=180)
        until(came, lambda f: names(f) == ["bob", "zoe"])
