"""Outputs of a stage: a process of its own, watched, started again, and never in the loop's way."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from understudy.bridge.protocols import livelinkface
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.cli.main import main
from understudy.runtime.core import companion, processes
from understudy.runtime.outputs.process import SendProcess, reachable


@pytest.fixture
def ears():
    """A receiver's socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        one.bind(("127.0.0.1", 0))
        one.settimeout(60)
        yield one


@contextlib.contextmanager
def staged(*words, seconds=60):
    """A stage on free ports, what it prints read from pipes."""
    ports = processes.free_ports(2)
    addresses = [f"tcp://127.0.0.1:{port}" for port in ports]
    one = subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", "stage", "--remote"]
        + ["--publish", addresses[0], "--control", addresses[1], "--seconds", str(seconds)]
        + [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield one
    finally:
        one.kill()
        one.communicate()


def child_of(pid: int) -> psutil.Process:
    (one,) = psutil.Process(pid).children()
    return one


def test_a_stage_sends_by_itself_and_reports_at_its_end(ears):
    port = ears.getsockname()[1]
    with staged("--to", f"vmc://127.0.0.1:{port}?rate=30", seconds=2) as stage:
        gathered = Accumulator()
        while not (heard := gathered.feed(ears.recv(65535))):
            pass
        out, err = stage.communicate(timeout=60)
    assert "Hips" in heard[0].names
    assert stage.returncode == 0, err
    assert "frames from tcp://127.0.0.1" in out and "vmc://127.0.0.1" in out
    # The stage's own last line is the last.
    assert out.splitlines()[-1].startswith("stage: 120 ticks")


def test_an_output_that_dies_is_started_again_and_the_stage_says_so(ears, tmp_path):
    port, figures = ears.getsockname()[1], tmp_path / "stage.json"
    with staged("--to", f"livelinkface://127.0.0.1:{port}", "--stats", figures) as stage:
        livelinkface.decode(ears.recv(4096))
        first = child_of(stage.pid)
        first.kill()
        first.wait(20)
        ears.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # what the first has sent
            while True:
                ears.recv(4096)
        ears.settimeout(60)
        ears.recv(4096)
        assert child_of(stage.pid).pid != first.pid
        stage.terminate()
        _, err = stage.communicate(timeout=60)
    assert stage.returncode == 143
    assert "the outputs died (SIGKILL); started them again" in err
    told = json.loads(figures.read_text())
    assert told["outputs_restarted"] == 1 and told["skipped"] == 0


def test_outputs_end_with_a_stage_that_is_killed(ears):
    port = ears.getsockname()[1]
    with staged("--to", f"livelinkface://127.0.0.1:{port}") as stage:
        ears.recv(4096)
        child = child_of(stage.pid)
        stage.kill()
        gone, alive = psutil.wait_procs([child], timeout=60)
    assert gone and not alive


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--to", "vmx://127.0.0.1"), "did you mean 'vmc'"),
        (("--to", "vmc://127.0.0.1?dialect=unreal"), "dialect"),
        (("--to", "vmc://127.0.0.1?interface=203.0.113.7"), "no network card"),
        (("--outputs", "none.toml"), "none.toml"),
    ],
)
@pytest.mark.parametrize("command", ["stage", "play"])
def test_what_cannot_be_sent_is_refused_before_anything_starts(capsys, command, words, expected):
    more = () if command == "stage" else ("--headless", "--out", "frames")
    assert main([command, "--seconds", "1", *words, *more]) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"understudy {command}: ") and expected in line
    assert said.out == ""


@pytest.mark.parametrize("command", ["stage", "play"])
def test_every_output_is_listed(capsys, command):
    more = () if command == "stage" else ("--headless", "--out", "frames")
    assert main([command, "--to", "list", *more]) == 0
    assert "vmc://HOST:39539" in capsys.readouterr().out


def test_outputs_of_a_file_and_of_keys(ears, tmp_path, monkeypatch):
    """With keys on the stage its own outputs are let in."""
    monkeypatch.setenv("UNDERSTUDY_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "outputs.toml"
    file.write_text(
        f'[[output]]\nto = "livelinkface://127.0.0.1:{ears.getsockname()[1]}"\nrate = 20\n'
    )
    assert main(["keys", "new", "tablet"]) == 0
    with staged("--outputs", file, "--keys") as stage:
        face = livelinkface.decode(ears.recv(4096))
        assert face.subject
        stage.terminate()
        assert stage.wait(60) == 143


class Child:
    """A child process of a test: it ends when the test says so, with the code it says."""

    pid = 0

    def __init__(self) -> None:
        self.over = threading.Event()
        self.code: int | None = None

    def end(self, code: int) -> None:
        self.code = code
        self.over.set()

    def wait(self, timeout: float | None = None) -> int:
        if not self.over.wait(timeout):
            raise subprocess.TimeoutExpired("child", timeout or 0.0)
        return self.code or 0

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.end(-signal.SIGTERM)


@pytest.fixture
def children(monkeypatch):
    """Every child that was started, in order."""
    monkeypatch.setattr(companion, "PAUSE_S", 0.0)
    monkeypatch.setattr(companion, "LONG_PAUSE_S", 0.01)
    return []


@pytest.fixture
def sending(children):
    """A sender whose children are the test's, and a count of those started."""
    started = threading.Semaphore(0)

    def launch(*words):
        children.append(Child())
        started.release()
        return children[-1]

    with SendProcess("tcp://0.0.0.0:5570", ["vmc://h"], launch=launch) as one:
        yield one, started


def test_one_that_keeps_dying_is_tried_again_after_a_while(sending, children, capsys):
    _, started = sending
    for number in range(8):
        assert started.acquire(timeout=60)
        children[number].end(-signal.SIGSEGV)
    assert started.acquire(timeout=60)
    assert "keep dying (SIGSEGV)" in capsys.readouterr().err


def test_one_that_refuses_its_input_is_not_started_again(sending, children, capsys):
    one, started = sending
    assert started.acquire(timeout=60)
    children[0].end(2)
    one._thread.join(20)
    assert not one._thread.is_alive()
    assert len(children) == 1 and one.restarts == 0
    assert "goes on without them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listens", "reached"),
    [
        ("tcp://0.0.0.0:5570", "tcp://127.0.0.1:5570"),
        ("tcp://[::]:5570", "tcp://[::1]:5570"),
        ("tcp://10.0.0.2:5570", "tcp://10.0.0.2:5570"),
        ("ipc:///tmp/stage", "ipc:///tmp/stage"),
    ],
)
def test_the_stage_is_reached_where_it_listens(listens, reached):
    assert reachable(listens) == reached
