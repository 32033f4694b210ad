"""`understudy simulate` as a user types it."""

from __future__ import annotations

import pytest

from tests.runtime.simulators.test_device import clip
from understudy.runtime.cli import simulate
from understudy.runtime.simulators.device import DEVICES
from understudy.runtime.takes import bvh


@pytest.fixture
def walk(tmp_path):
    path = tmp_path / "walk.bvh"
    bvh.write(path, clip())
    return path


def test_it_says_what_it_sent(understudy, walk):
    done = understudy("simulate", "mvn", walk, "--to", "127.0.0.1:39999", "--seconds", "0.2")
    assert done.returncode == 0, done.stderr
    assert "to 127.0.0.1:39999" in done.stdout and "12 frames" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["kinect", "WALK"], "no device 'kinect'"),
        (["vmc", "WALK", "--actors", "2"], "one performer a port"),
        (["mvn", "WALK", "--actors", "0"], "--actors is 0"),
        (["mvn", "WALK", "--to", "host:x"], "--to is 'host:x'"),
        (["mvn", "WALK", "--loss", "2"], "--loss is '2'"),
        (["mvn", "WALK", "--dropout", "5s"], "--dropout is '5s'"),
        (["mvn", "WALK", "--seconds", "-1"], "--seconds is -1"),
        (["mvn", "WALK", "--restart", "30"], "--restart is '30'"),
        (["mvn", "WALK", "--restart", "0.1s"], "a second at least"),
        (["mvn", "gone.bvh"], "gone.bvh"),
    ],
)
def test_what_is_wrong_is_one_sentence(understudy, walk, words, says):
    done = understudy("simulate", *[walk if word == "WALK" else word for word in words])
    assert done.returncode == 2 and says in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_addresses():
    assert simulate.address("10.0.0.2", 9763) == ("10.0.0.2", 9763)
    assert simulate.address("10.0.0.2:1", 9763) == ("10.0.0.2", 1)
    assert simulate.address("[::1]:5", 9763) == ("::1", 5)
    assert simulate.address("::1", 9763) == ("::1", 9763)


def test_the_help_names_every_device():
    assert set(simulate.DEVICES) == DEVICES.keys()
