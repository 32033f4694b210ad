"""Small takes for the tests, closed as the recorder closes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.takes.take_file import TakeWriter
from understudy.runtime.takes.tally import Tally, as_text, seen

from .test_takes import BOX, RATE_HZ, TICK_NS

OFFSET_NS = 10**18
Event = tuple[int, str, dict]  # the frame that it stands before, what, facts


def shot(tick: int, timecode: str = "", **states: State) -> Frame:
    """A frame of boxes, each in its state, 0.01 m further at every tick."""
    subjects = []
    for name, state in states.items():
        pose = Pose.rest(BOX)
        pose.positions[0] = (0.01 * tick, 1.0, 0.0)
        subjects.append(Subject(name, BOX, pose, state))
    code = timecode or f"10:00:{tick // 60:02}:{tick // 2 % 30:02}"
    return Frame(tick, tick * TICK_NS, tick * TICK_NS, 30, 1, code, subjects)


def film(path: Path, frames: Sequence[Frame], events: Sequence[Event] = (), **facts: str) -> Path:
    """Writes a take whose summary is counted as it is written."""
    encoder, tally = FrameEncoder(7), Tally()
    told = {"rate_hz": str(RATE_HZ), "timecode_rate": "30", **facts}
    writer = TakeWriter(path, told, "[stage]\n", OFFSET_NS)
    writer.add(encode_skeletons([BOX]), 0, 0, 1)
    for number, one in enumerate(frames):
        for _, what, said in [event for event in events if event[0] == number]:
            tally.event(what, said)
            writer.event(one.publish_ns, one.publish_ns + 1, what, **said)
        message = encoder.encode(one)
        tally.frame(seen(message))
        writer.add(message, one.publish_ns, number, one.publish_ns + 1)
        writer.keep(one.publish_ns + 1)
    writer.finish(as_text(tally.summary(RATE_HZ)))
    return path
