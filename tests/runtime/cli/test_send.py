"""`understudy send` between a publisher of the test's own and real UDP receivers."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import sentence
from tests.runtime.outputs.things import frame
from understudy.bridge import Publisher
from understudy.bridge.protocols import freed
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.cli.main import main
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.processes import free_ports

RATE_HZ = 100


def _opened(address: str) -> Publisher:
    """A publisher; the port of one that was closed just now is not free at once."""
    for _ in range(100):
        with contextlib.suppress(UnderstudyError):
            return Publisher(address)
        time.sleep(0.02)
    return Publisher(address)


@contextmanager
def stream(address: str = "tcp://127.0.0.1:*") -> Iterator[str]:
    """A stage with a performer and cameras, in a thread."""
    done = threading.Event()
    with _opened(address) as publisher:

        def play() -> None:
            for tick in Clock(RATE_HZ).ticks():
                if done.is_set():
                    break
                one = frame(sequence=tick)
                one.capture_ns = one.publish_ns = time.monotonic_ns()
                publisher.publish(one)

        stage = threading.Thread(target=play)
        stage.start()
        try:
            yield publisher.address
        finally:
            done.set()
            stage.join()


@pytest.fixture
def ears() -> Iterator[list[socket.socket]]:
    """Two receivers with room for all that a test sends."""
    both = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for one in both:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        one.bind(("127.0.0.1", 0))
        one.setblocking(False)
    yield both
    for one in both:
        one.close()


def heard(one: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(one.recv(65535))
        except BlockingIOError:
            return found


def test_several_outputs_at_once_each_at_its_own_rate(understudy, ears, tmp_path):
    ports = [one.getsockname()[1] for one in ears]
    file = tmp_path / "outputs.toml"
    file.write_text(f'[[output]]\nto = "freed://127.0.0.1:{ports[1]}?id=4"\nrate = 25\n')
    with stream() as address:
        done = understudy(
            "send", "--from", address, "--to", f"vmc://127.0.0.1:{ports[0]}?dialect=vrm4u",
            "--to", "livelinkface://127.0.0.1:9", "--outputs", file, "--seconds", 2, "--json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    body, face, camera = told["outputs"]
    accumulator = Accumulator()
    performances = [p for data in heard(ears[0]) for p in accumulator.feed(data)]
    assert len(performances) == body["frames"]
    assert body["frames"] == face["frames"] == told["frames"]
    assert len(performances[-1].names) == 22
    assert 0 < camera["frames"] <= 55  # of two seconds at 25 Hz
    assert camera["frames"] + camera["passed"] == told["frames"]
    assert {freed.decode(data).camera for data in heard(ears[1])} == {4}
    assert all(one["errors"] == 0 for one in told["outputs"])


def test_people_get_a_line_a_second(understudy):
    with stream() as address:
        done = understudy("send", "--from", address, "--to", "vmc://127.0.0.1:9", "--seconds", 2.3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("frames/s  |  vmc 127.0.0.1:9") == 2
    assert "0 errors" in done.stdout


def test_it_waits_for_a_stage_and_follows_a_restart(ears):
    (port,) = free_ports(1)
    stage = f"tcp://127.0.0.1:{port}"
    sender = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "understudy.runtime.cli.main",
            "send",
            "--from",
            stage,
            "--to",
            f"freed://127.0.0.1:{ears[0].getsockname()[1]}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sender.stdout is not None
    assert "waiting for frames" in sender.stdout.readline()
    for _ in range(2):
        ears[0].settimeout(20)
        with stream(stage):
            ears[0].recv(64)
        ears[0].settimeout(0.3)
        with contextlib.suppress(TimeoutError):  # until the last of that stage has come
            while True:
                ears[0].recv(64)
    sender.terminate()
    rest, _ = sender.communicate(timeout=20)
    assert sender.returncode == 143
    assert "1 restarts" in rest


def test_an_output_that_never_had_anything_is_named(understudy):
    with stream() as address:
        done = understudy(
            "send", "--from", address, "--to", "freed://127.0.0.1:9?camera=Z", "--seconds", 0.5,
            "--json",
        )  # fmt: skip
    assert done.returncode == 1
    assert "no camera 'Z'; it has A, B" in sentence(done)


def test_silence_is_one_sentence_and_exit_1(understudy):
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    done = understudy("send", "--from", address, "--to", "vmc://127.0.0.1", "--wait", 0.3, "--json")
    assert done.returncode == 1
    assert address in sentence(done)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "no output to send to"),
        (("--to", "vmx://h"), "did you mean 'vmc'"),
        (("--to", "vmc://h", "--from", "nonsense"), "not an address|No address"),
        (("--to", "vmc://127.0.0.1", "--seconds", "0"), "--seconds"),
        (("--outputs", "none.toml"), "Cannot read"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, words, expected):
    assert main(["send", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("understudy send: ")
    assert any(part in line for part in expected.split("|"))


def test_every_option_is_listed(capsys):
    assert main(["send", "--list"]) == 0
    listed = capsys.readouterr().out
    for word in ("rate", "delay", "dialect", "opentrackio://multicast:55555", "encoding"):
        assert word in listed
