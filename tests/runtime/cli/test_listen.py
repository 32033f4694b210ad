"""`understudy listen` against a publisher of the test's own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bridge.things import small_frame
from tests.conftest import sentence
from understudy.bridge import Publisher
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.pose import State
from understudy.runtime.core.processes import free_ports

RATE_HZ = 100


@contextmanager
def stream(skip: int = 0) -> Iterator[str]:
    """A stage of one subject, in a thread; leaves every `skip`th number of the publisher out."""
    done = threading.Event()
    with Publisher("tcp://127.0.0.1:*") as publisher:

        def play() -> None:
            for tick in Clock(RATE_HZ).ticks():
                if done.is_set():
                    break
                if skip and tick % skip == 0:
                    publisher._encoder.published += 1  # as if a message had been lost
                frame = small_frame(tick)
                frame.capture_ns = frame.publish_ns = time.monotonic_ns()
                publisher.publish(frame)

        stage = threading.Thread(target=play)
        stage.start()
        try:
            yield publisher.address
        finally:
            done.set()
            stage.join()


def test_json_tells_rate_loss_age_and_subjects(understudy):
    with stream() as address:
        done = understudy("listen", address, "--seconds", 1, "--json")
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)  # one object and nothing else
    assert heard["lost"] == 0
    assert heard["malformed"] == 0
    assert 0.9 * RATE_HZ < heard["rate_hz"] < 1.1 * RATE_HZ
    assert 0.8 * RATE_HZ < heard["frames"] < 1.2 * RATE_HZ
    for name in ("age_ms", "latency_ms", "interval_ms"):
        figures = heard[name]
        assert 0 < figures["p50"] <= figures["p99"] <= figures["max"] * 1.01
    (subject,) = heard["subjects"]
    assert (subject["name"], subject["state"], subject["joints"]) == ("Ann 0", "TAKEOVER", 2)
    assert heard["cameras"] == ["A"]
    assert heard["stats"]["late"] == 3.0


def test_loss_is_counted(understudy):
    with stream(skip=10) as address:
        heard = json.loads(understudy("listen", address, "--seconds", 1, "--json").stdout)
    assert heard["lost"] == pytest.approx(heard["frames"] / 10, abs=2)


def test_people_get_a_line_a_second_and_a_summary(understudy):
    with stream() as address:
        done = understudy("listen", address, "--seconds", 2.3)
    assert done.returncode == 0
    assert done.stdout.count("frames/s") == 2
    assert "0 lost" in done.stdout and "Ann 0" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_listening_and_not_the_report(number):
    with stream() as address:
        listener = subprocess.Popen(
            [sys.executable, "-m", "understudy.runtime.cli.main", "listen", address],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout is not None
        assert "frames/s" in listener.stdout.readline()
        listener.send_signal(number)
        rest, _ = listener.communicate(timeout=20)
    assert listener.returncode == 128 + number
    assert "0 lost" in rest


def test_silence_is_one_sentence_and_exit_1(understudy):
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    done = understudy("listen", address, "--seconds", 1, "--wait", 0.2, "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert address in sentence(done)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nonsense",), "not an address"),
        (("--seconds", "0"), "--seconds"),
        (("--seconds", "nan"), "--seconds"),
        (("--wait", "-1"), "--wait"),
    ],
)
def test_wrong_input_is_one_sentence(understudy, words, expected):
    assert expected in sentence(understudy("listen", *words))


def test_states_reasons_and_trust_of_the_whole_time_are_told(understudy):
    done = threading.Event()
    with Publisher("tcp://127.0.0.1:*") as publisher:

        def play() -> None:
            for tick in Clock(RATE_HZ).ticks():
                if done.is_set():
                    break
                frame = small_frame(tick)
                subject = frame.subjects[0]
                subject.state = State.LIVE if tick % 50 < 25 else State.TAKEOVER
                subject.reason = "" if tick % 50 < 25 else f"silent for {tick % 50 / 100:.1f} s"
                subject.uncertainty_m = 0.0 if tick % 50 < 25 else 0.25
                publisher.publish(frame)

        stage = threading.Thread(target=play)
        stage.start()
        try:
            heard = understudy("listen", publisher.address, "--seconds", 1.5, "--json")
            said = understudy("listen", publisher.address, "--seconds", 1.5)
        finally:
            done.set()
            stage.join()
    (subject,) = json.loads(heard.stdout)["subjects"]
    assert set(subject["states"]) == {"LIVE", "TAKEOVER"}
    assert subject["most_uncertainty_m"] == 0.25
    ((reason, state),) = subject["reasons"].items()
    assert state == "TAKEOVER" and reason.startswith("silent for ")
    assert "TAKEOVER" in said.stdout and "±25.0 cm" in said.stdout and "silent" in said.stdout
