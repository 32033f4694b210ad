"""`understudy relay` as a process between a stage and `understudy listen`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from tests.conftest import sentence
from understudy.bridge import Subscriber
from understudy.runtime.bench import processes as bench_processes
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import processes
from understudy.runtime.core.processes import free_ports


def relay(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", "relay", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_stage_is_heard_through_a_relay_that_tells_what_it_did(pad):
    address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    with StageProcess("--pad", pad, "--no-realtime") as stage:
        between = relay("--from", stage.publish, "--publish", address, "--json")
        with Subscriber(address, timeout_s=60) as subscriber:
            assert len(next(subscriber).subjects[0].skeleton) == 22
        heard = bench_processes.listen(address, 1.0)
        between.send_signal(signal.SIGTERM)
        told = json.loads(between.communicate(timeout=30)[0])
    assert heard["frames"] > 10 and heard["malformed"] == 0
    assert told["messages"] >= heard["frames"] and told["connections"] == 2
    assert (told["stage_connections"], told["refused_connections"]) == (1, 0)


def test_it_says_that_it_waits_and_that_the_stage_came(pad):
    publish, address = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    between = relay("--from", publish, "--publish", address)
    try:
        assert publish in between.stdout.readline()
        assert "waiting for a stage" in between.stdout.readline()
        stage = processes.start(
            "stage", "--pad", pad, "--publish", publish, "--control", "tcp://127.0.0.1:*",
            "--no-realtime", "--seconds", 60,
        )  # fmt: skip
        try:
            assert "is there" in between.stdout.readline()
            assert "messages/s" in between.stdout.readline()
        finally:
            processes.end([stage])
        line = "messages/s"
        while "messages/s" in line:
            line = between.stdout.readline()
        assert "waiting for a stage" in line
    finally:
        between.terminate()
        between.communicate(timeout=30)
    assert between.returncode == 143


HERE = "tcp://127.0.0.1:5599"


def test_wrong_words_are_one_sentence(understudy, tmp_path):
    source = ("--from", "tcp://127.0.0.1:9")
    for words, says in (
        (("--publish", "tcp://0.0.0.0:5599"), "understudy keys new NAME"),
        (("--publish", "nowhere"), "is not an address"),
        (("--from", HERE, "--publish", HERE), "would hear itself"),
        (("--from", HERE, "--publish", "tcp://0.0.0.0:5599", "--insecure"), "would hear itself"),
        (("--keys", tmp_path / "none"), "There are no keys in"),
        (("--key", tmp_path / "none.key"), "cannot be read"),
        (("--seconds", "0"), "must be above 0"),
    ):
        assert says in sentence(understudy("relay", *source, *words))
