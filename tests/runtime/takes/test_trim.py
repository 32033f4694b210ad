"""A part of a take is a take: the same frames, byte for byte, and what happened in them."""

from __future__ import annotations

import json
import os

import pytest

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import INPUTS, SIZE, seal
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.takes.contents import contents, overview
from understudy.runtime.takes.slate import note
from understudy.runtime.takes.take_export import load
from understudy.runtime.takes.take_file import TakeWriter
from understudy.runtime.takes.take_reader import TakeReader
from understudy.runtime.takes.trim import repair, trim

from .filmed import film, shot
from .test_takes import BOX, TICK_NS

LIVE = State.LIVE
EVENTS = [
    (10, "record", {"published": 10, "present": ["ann"]}),
    (31, "present", {"subjects": ["ben"], "sequence": 29}),
    (40, "marker", {"sequence": 38, "text": "before"}),
    (71, "marker", {"sequence": 69, "text": "last"}),
    (72, "marker", {"sequence": 70, "text": "after"}),
]


@pytest.fixture
def take(tmp_path):
    frames = [shot(t, ann=LIVE, ben=LIVE) for t in range(120)]
    return film(tmp_path / "a.mcap", frames, EVENTS, slate_scene="12")


def frames_of(path):
    return [e for e in TakeReader(path).entries() if e.topic == "frames"]


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        ("0.5", "1.0", 40, 69),  # from Record on, which is tick 10
        ("10:00:00:20", "10:00:01:05", 40, 69),
        ("", "1", 10, 69),
        ("-0.05", "", 7, 119),
        ("10:00:00:01", "10:00:00:03", 2, 5),  # from before Record
    ],
)
def test_frames_are_exact(take, begin, end, first, last):
    cut = trim(take, begin, end)
    kept = frames_of(cut)
    assert kept == frames_of(take)[first : last + 1]
    motion = load(cut)
    assert motion.first == first and motion.last == last
    reader = TakeReader(cut)
    assert list(reader.frames()) and reader.complete and not reader.damage
    assert reader.session == "[stage]\n" and reader.facts["trimmed"] == "a.mcap"


def test_what_happened_in_it_comes_along(take):
    note(take, {"circled": True})
    cut = contents(trim(take, "0.5", "1.0"))
    told = [(e["event"], e.get("sequence"), e.get("present")) for e in cut.events]
    assert told == [("record", None, ["ann", "ben"]), ("marker", 69, None), ("stop", None, None)]
    assert cut.subjects == {"ann": {"LIVE": 30}, "ben": {"LIVE": 30}}
    assert cut.slate == {"scene": "12"} | {"circled": True}
    assert cut.seconds == 0.5 and overview(trim(take, "0.5", "1.0")).frames == 30
    early = contents(trim(take, "0.1", "0.5"))
    assert early.subjects == {"ann": {"LIVE": 24}, "ben": {"LIVE": 11}}, "ben came at tick 29"


def test_over_midnight(tmp_path):
    codes = ["23:59:59:28", "23:59:59:29", "00:00:00:00", "00:00:00:01"]
    frames = [shot(t, codes[t // 2], ann=LIVE) for t in range(8)]
    take = film(tmp_path / "a.mcap", frames)
    assert frames_of(trim(take, "23:59:59:29", "00:00:00:01")) == frames_of(take)[2:6]


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("1", "0.5", "not before"),
        ("1", "1", "not before"),
        ("9", "", "goes from"),
        ("-1", "", "goes from"),
        ("nan", "", "timecode"),
        ("soon", "", "timecode"),
        ("10:00:00:31", "", "no label"),
        ("11:00:00:00", "", "has 10:00:00:00 to"),
    ],
)
def test_what_it_does_not_have_is_said(take, begin, end, said):
    with pytest.raises(UnderstudyError, match=said):
        trim(take, begin, end)
    assert os.listdir(take.parent) == ["a.mcap"]


def test_by_command(take, understudy):
    done = understudy("take", "trim", take, "--in", "-0.05", "--out", "0.5", "--json")
    cut = json.loads(done.stdout)["written"]
    assert cut.endswith("a-trimmed.mcap") and len(frames_of(cut)) == 33
    assert understudy("take", "verify", cut).returncode == 0


def test_what_came_in_is_copied_with_the_ticks_that_it_moved(tmp_path):
    """A message of inputs stands before the frame of its tick."""
    path = tmp_path / "a.mcap"
    encoder = FrameEncoder(7)
    writer = TakeWriter(path, {"rate_hz": "60"}, "", 0)
    writer.add(encode_skeletons([BOX]), 0, 0, 1)
    for tick in range(60):
        at_ns = (tick + 1) * TICK_NS
        one = shot(tick, ann=LIVE)
        one.publish_ns = at_ns
        writer.add(seal(INPUTS) + bytes([tick]), at_ns - 5000, 0, at_ns)
        writer.add(encoder.encode(one), at_ns, tick, at_ns)
        writer.keep(at_ns)
    writer.finish({})
    for cut, kept in ((trim(path, "0.25", "0.5"), range(15, 30)), (repair(path), range(60))):
        inputs = [e.data[SIZE:] for e in TakeReader(cut).entries() if e.topic == "inputs"]
        assert inputs == [bytes([tick]) for tick in kept]
