"""The core against a live stage and its bad days, over both transports."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zmq

from tests.bridge.things import ARM, small_frame
from understudy.bridge import Publisher, Subscriber
from understudy.bridge.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame

from .conftest import Stage
from .mono import Client, libzmq

pytestmark = pytest.mark.clients

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 30.0
TRANSPORTS = [
    "managed",
    pytest.param(
        "libzmq",
        marks=pytest.mark.skipif(libzmq() is None, reason="no libzmq: apt install libzmq5"),
    ),
]


def until(done: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        step()


def stamped(sequence: int, subjects: int = 1) -> Frame:
    frame = small_frame(sequence, PERFORMER, subjects)
    frame.capture_ns = frame.publish_ns = time.monotonic_ns()
    return frame


class Feed:
    """Publishes a frame with the next number at every call."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.sequence = publisher, 0

    def __call__(self) -> None:
        self.publisher.publish(stamped(self.sequence))
        self.sequence += 1

    def first(self, client: Client) -> dict:
        """Publishes until the client, which has just joined, has a frame."""
        got: list[dict] = []

        def step() -> None:
            self()
            if frame := client.ask("receive", 20):
                got.append(frame)

        until(lambda: got, step)
        return got[0]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_poses_of_a_live_stage_are_those_that_python_reads_bit_for_bit(client, stage, transport):
    with Subscriber(stage.address, timeout_s=PATIENCE_S) as python:
        client.open(stage.address, "every", transport)
        theirs = [client.ask("receive", 10000) for _ in range(60)]
        ours: dict[int, Frame] = {}
        for frame in python:
            ours[frame.sequence] = frame
            if frame.sequence >= theirs[-1]["sequence"]:
                break
    stats = client.ask("stats")
    common = [(frame, ours[frame["sequence"]]) for frame in theirs if frame["sequence"] in ours]
    assert len(common) > 40
    for got, frame in common:
        subject, other = got["subjects"][0], frame.subjects[0]
        assert subject["positions"].tobytes() == other.pose.positions.tobytes()
        assert subject["rotations"].tobytes() == other.pose.rotations.tobytes()
        assert tuple(subject["joints"]) == other.skeleton.names
        assert subject["skeleton"] == other.skeleton.id
        assert (got["timecode"], got["publish_ns"]) == (frame.timecode, frame.publish_ns)
        # One clock on one machine: it came after it was sent, and is not hours old.
        assert 0 < got["received_ns"] - got["publish_ns"] < 60e9
    assert not np.array_equal(
        theirs[0]["subjects"][0]["rotations"], theirs[-1]["subjects"][0]["rotations"]
    )
    sequences = [frame["published"] for frame in theirs]
    assert stats["lost"] == sequences[-1] - sequences[0] + 1 - len(sequences)
    assert stats["malformed"] == stats["restarts"] == stats["other_version"] == 0
