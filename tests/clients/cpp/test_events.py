"""What happens on a stage, as the C++ client hears it."""

import numpy as np
import pytest

from tests.bridge.test_stream import ANYWHERE, Feed, until
from understudy.bridge import Publisher
from understudy.bridge.wire.events import encode_events
from understudy.runtime.core.event import Event

pytestmark = pytest.mark.clients

STEP = Event(
    "step", "ann", "LeftFoot", "floor", "", "rubber", "wood", (1.5, 0.0, -2.25), (0.0, 1.0, 0.0),
    0.75, 0.25, 3.5, 1_234_567_890_123, 1,
)  # fmt: skip
WORDS = ("kind", "who", "part", "on", "on_part", "material", "on_material")


@pytest.mark.parametrize("mode", [("--events",), ("--every",)])
def test_events_are_those_that_were_told_and_loss_is_counted(probe, mode):
    heard: list[dict] = []
    with Publisher(ANYWHERE) as publisher, probe(publisher.address, *mode) as client:
        feed = Feed(publisher)
        until(lambda: publisher.subscriptions >= 2 - (mode == ("--every",)), feed)
        for _ in range(30):
            feed()
        publisher.tell([STEP, Event("cue", "rain", number=2)], 7)
        publisher.tell([Event("hit", "crate", number=5)], 8)
        while len(heard) < 3:
            feed()
            line = client.line()
            if "event" in line:
                heard.append(line["event"])
        client.process.terminate()
    first = heard[0]
    assert first["words"] == [getattr(STEP, word) for word in WORDS]
    numbers = [*STEP.position, *STEP.normal, STEP.speed_mps, STEP.slip_mps, STEP.impulse_ns]
    np.testing.assert_array_equal(np.float32(first["numbers"]), np.float32(numbers))
    assert first["time_ns"] == STEP.time_ns
    assert [one["number"] for one in heard] == [1, 2, 5]


def test_damaged_events_are_refused_or_read_and_the_sanitizers_are_silent(program, tmp_path):
    import json
    import struct
    import subprocess

    whole = encode_events([STEP] * 3, 5, 6, 7)
    draw = np.random.default_rng(3)
    messages = [whole]
    for _ in range(2000):
        broken = bytearray(whole[: int(draw.integers(len(whole) + 1))])
        for at in draw.integers(0, max(len(broken), 1), 3):
            if len(broken):
                broken[at] ^= int(draw.integers(1, 256))
        messages.append(bytes(broken))
    path = tmp_path / "messages"
    path.write_bytes(b"".join(struct.pack("<I", len(m)) + m for m in messages))
    done = subprocess.run([program, "--messages", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    verdicts = json.loads(done.stdout)
    assert verdicts["events"] >= 1
    assert sum(verdicts.values()) == len(messages)
