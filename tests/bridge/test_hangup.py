"""A peer that hangs up while its messages wait to be read must not end the process.

With ZeroMQ's heartbeats it does, in libzmq 4.3.5: the next one that falls due aborts.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLED_DUE_S = 1.6  # heartbeats are usually a second apart

LISTENS = f"""
import sys, time
from understudy.bridge import ControlServer, Publisher
with ControlServer("tcp://127.0.0.1:*") as control, Publisher("tcp://127.0.0.1:*") as publisher:
    print(control.address, flush=True)
    sys.stdin.readline()
    time.sleep({CALLED_DUE_S})
    print("lives")
"""
FLOODS = """
import sys, zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1])
socket.sndtimeo = 500
try:
    while True:
        socket.send(bytes(2000))
except zmq.Again:  # every queue on the way is full
    print("sent", flush=True)
sys.stdin.read()
"""
READS_NOTHING = f"""
import sys, time
from understudy.bridge import Subscriber
with Subscriber(sys.argv[1]) as subscriber:
    assert subscriber.receive(20) is not None
    print("in", flush=True)
    sys.stdin.readline()
    time.sleep({CALLED_DUE_S})
    print("lives")
"""
PUBLISHES = """
import time
from tests.bridge.things import small_frame
from understudy.bridge import Publisher
from understudy.runtime.core.humanoid import PERFORMER
with Publisher("tcp://127.0.0.1:*") as publisher:
    print(publisher.address, flush=True)
    number = 0
    while True:
        number += 1
        publisher.publish(small_frame(number, PERFORMER, 10))
        if number == 4000:
            print("many", flush=True)
        time.sleep(0.0002)
"""


def program(source: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", source, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stage_dies", [False, True], ids=["a client dies", "the stage dies"])
def test_who_is_left_behind_lives_on(stage_dies):
    stage = program(PUBLISHES if stage_dies else LISTENS)
    address = stage.stdout.readline().strip()
    client = program(READS_NOTHING if stage_dies else FLOODS, address)
    left, dies = (client, stage) if stage_dies else (stage, client)
    try:
        client.stdout.readline()
        if stage_dies:
            stage.stdout.readline()
        dies.kill()
        dies.wait()
        assert left.communicate("\n", timeout=60)[0] == "lives\n"
        assert left.returncode == 0
    finally:
        for one in (stage, client):
            one.kill()
            one.wait()
