"""Takes: what was sent reads back, whatever ended the recording."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.take_export import export, load
from understudy.runtime.takes.take_file import TakeWriter, unused
from understudy.runtime.takes.take_reader import TakeReader
from understudy.runtime.takes.trim import repair

BOX = Skeleton(("box",), np.array([-1]), np.zeros((1, 3)))
RATE_HZ = 60.0
TICK_NS = round(1e9 / RATE_HZ)


def pose(tick: int, skeleton: Skeleton = PERFORMER) -> Pose:
    rng = np.random.default_rng(tick)
    one = Pose.rest(skeleton)
    one.positions[0] = (0.01 * tick, 1.0, 0.1)
    one.rotations[:] = rotation.normalize(
        rotation.identity((len(skeleton.names),)) + 0.2 * rng.normal(size=one.rotations.shape)
    )
    return one


def frame(tick: int, *names: str, skeleton: Skeleton = PERFORMER) -> Frame:
    subjects = [Subject(name, skeleton, pose(tick, skeleton), State.LIVE) for name in names]
    return Frame(tick, tick * TICK_NS, tick * TICK_NS, 30, 1, f"00:00:00:{tick // 2 % 30:02}",
                 subjects)  # fmt: skip


def record(path: Path, frames: list[Frame], *events: tuple[str, dict]) -> list[bytes]:
    """Writes a take of these frames, its chunks closed as by the clock; gives the messages."""
    encoder, sent = FrameEncoder(7), []
    facts = {"rate_hz": str(RATE_HZ), "slate": "12 A"}
    writer = TakeWriter(path, facts, "[stage]\n", 10**18)
    skeletons = {s.skeleton.id: s.skeleton for one in frames for s in one.subjects}
    writer.add(encode_skeletons(skeletons.values()), 0, 0, 1)
    for what, said in events or [("record", {"published": 0})]:
        writer.event(0, 1, what, **said)
    writer.keep(1, at_once=True)
    for number, one in enumerate(frames):
        message = encoder.encode(one)
        sent.append(message)
        writer.add(message, one.publish_ns, number, one.publish_ns + 1)
        writer.keep(one.publish_ns + 1)
    writer.finish({"frames": str(len(frames))})
    return sent


def test_the_wire_s_bytes_come_back_with_their_times(tmp_path):
    path = tmp_path / "a.mcap"
    sent = record(path, [frame(tick, "ann") for tick in range(40)])
    reader = TakeReader(path)
    entries = list(reader.entries())
    assert [e.data for e in entries if e.topic == "frames"] == sent
    times = [e.time_ns for e in entries if e.topic == "frames"]
    assert times == [10**18 + tick * TICK_NS for tick in range(40)]
    assert reader.complete and not reader.damage
    assert reader.session == "[stage]\n" and reader.facts["slate"] == "12 A"


def test_an_independent_reader_finds_index_schema_and_flatbuffers(tmp_path):
    from mcap.reader import make_reader

    from understudy.bridge.schema.understudy_fb.Frame import Frame as Table

    path = tmp_path / "a.mcap"
    record(path, [frame(tick, "ann") for tick in range(40)])
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and len(summary.chunk_indexes) > 5
        assert {s.name for s in summary.schemas.values()} == {
            "understudy_fb.Frame", "understudy_fb.SkeletonSet", "understudy_fb.EventList",
            "event"}  # fmt: skip
        assert all(
            s.data[4:8] == b"BFBS" for s in summary.schemas.values() if s.encoding == "flatbuffer"
        )
        start_ns = 10**18 + 20 * TICK_NS
        seen = [m for _, _, m in reader.iter_messages(["frames"], starting_at=start_ns)]
    assert [Table.GetRootAs(m.data, 0).Sequence() for m in seen] == list(range(20, 40))


def test_cut_off_anywhere_all_but_the_last_tenth_of_a_second_reads_back(tmp_path):
    whole, cut = tmp_path / "whole.mcap", tmp_path / "cut.mcap"
    sent = record(whole, [frame(tick, "box", skeleton=BOX) for tick in range(11)])
    data = whole.read_bytes()
    from mcap.reader import make_reader

    with whole.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    chunks = sorted(summary.chunk_indexes, key=lambda c: c.chunk_start_offset)
    ends = [c.chunk_start_offset + c.chunk_length for c in chunks]
    ends_ns = [c.message_end_time for c in chunks]
    assert max(np.diff(ends_ns)) <= 100e6, "a chunk holds more than 100 ms"
    every_byte = range(chunks[-2].chunk_start_offset, ends[-1] + 1)
    for length in (*every_byte, *range(ends[-1] + 1, len(data), 101)):
        cut.write_bytes(data[:length])
        reader = TakeReader(cut)
        got = [e.data for e in reader.entries() if e.topic == "frames"]
        closed = max(ns for end, ns in zip(ends, ends_ns) if end <= length)
        assert got == sent[: (closed - 10**18) // TICK_NS + 1]
        assert reader.damage or reader.complete


def test_a_damaged_chunk_costs_only_itself(tmp_path):
    path = tmp_path / "a.mcap"
    sent = record(path, [frame(tick, "ann") for tick in range(40)])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    reader = TakeReader(path)
    got = [e.data for e in reader.entries() if e.topic == "frames"]
    assert len(sent) - 6 <= len(got) < len(sent) and set(got) < set(sent)
    assert "damaged" in reader.damage[0]


def test_a_repaired_take_is_whole_and_the_old_one_stays(tmp_path):
    path = tmp_path / "a.mcap"
    record(path, [frame(tick, "ann") for tick in range(40)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    before = [e for e in TakeReader(path).entries()]
    mended = repair(path)
    assert mended == tmp_path / "a-repaired.mcap"
    reader = TakeReader(mended)
    assert list(reader.entries()) == before and reader.complete and not reader.damage
    assert contents(mended).frames == sum(e.topic == "frames" for e in before)
    assert path.read_bytes() == data[: len(data) * 3 // 4]


@pytest.mark.parametrize("data", [b"", b"HIERARCHY\n", b"\x89MCAP0\r\n", os.urandom(300)])
def test_what_is_no_take_is_one_sentence_or_an_empty_take(tmp_path, data, understudy):
    path = tmp_path / "x.mcap"
    path.write_bytes(data)
    done = understudy("take", "verify", path)
    assert done.returncode in (1, 2) and len(done.stderr.strip().splitlines()) == 1


def test_no_take_is_overwritten(tmp_path):
    asked = tmp_path / "a.bvh"
    assert unused(asked) == (tmp_path / "a.mcap", asked)
    (tmp_path / "a.mcap").touch()
    (tmp_path / "a-2.bvh").touch()
    assert unused(asked) == (tmp_path / "a-3.mcap", tmp_path / "a-3.bvh")
    assert unused(tmp_path / "b.mcap") == (tmp_path / "b.mcap", None)
    with pytest.raises(UnderstudyError, match="cannot be written"):
        TakeWriter(tmp_path / "a.mcap", {}, "", 0)


def test_exports_share_one_clock_and_mark_who_was_late_and_what_is_missing(tmp_path):
    take = tmp_path / "a.mcap"
    frames = [frame(t, "ann", *(["ben"] if 20 <= t < 50 else [])) for t in range(60)]
    frames[20:50] = [  # ben on a skeleton of his own
        Frame(f.sequence, f.capture_ns, f.publish_ns, 30, 1, f.timecode,
              [f.subjects[0], Subject("ben", BOX, pose(f.sequence, BOX), State.LIVE)])
        for f in frames[20:50]
    ]  # fmt: skip
    del frames[30:33]  # the stage skipped three ticks
    record(take, frames)
    ann, ben = export(take, tmp_path / "a.bvh").files
    clips = bvh.read(ann, unit_m=0.01, up="Y"), bvh.read(ben, unit_m=0.01, up="Y")
    assert [len(clip) for clip in clips] == [60, 60]
    for tick in [t for t in range(60) if not 30 <= t < 33]:
        sent, read = pose(tick), clips[0]
        order = [read.skeleton.names.index(name) for name in PERFORMER.names]
        assert np.abs(read.positions[tick, order] - sent.positions).max() < 1e-4
        turned = rotation.angle_between(read.rotations[tick, order], sent.rotations)
        assert np.rad2deg(turned).max() < 0.05
    assert np.allclose(clips[0].positions[30:33], clips[0].positions[29], atol=1e-6)
    marks = json.loads(ben.with_suffix(".json").read_text())
    assert marks["absent"] == [[0, 19], [50, 59]] and marks["gaps"] == [[30, 32]]
    assert np.allclose(clips[1].positions[:20, 0, 0], 0.20, atol=1e-4), "his first pose"
    files = export(take, tmp_path / "a.csv").files
    rows = [line.split(",") for line in files[1].read_text().splitlines()]
    assert len(rows) == 61 and [row[3] for row in rows[1:]].count("1") == 27


def test_who_waits_for_a_sender_is_no_take_and_what_came_before_record_can_be_had(tmp_path):
    take = tmp_path / "a.mcap"
    events = (("record", {"published": 10, "present": ["ann"]}),
              ("present", {"subjects": ["ben"], "sequence": 30}))  # fmt: skip
    record(take, [frame(t, "ann", "ben") for t in range(40)], *events)
    motion = load(take)
    assert (motion.first, motion.last) == (10, 39)
    assert {t.name: t.ticks[0] for t in motion.tracks} == {"ann": 10, "ben": 30}
    assert load(take, preroll=True).first == 0


def test_a_disk_that_is_full_keeps_what_came_before(tmp_path):
    """In a child, whose files may not grow beyond 60 kB."""
    code = (
        "import resource, sys, pathlib\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_takes as t\n"
        "try:\n"
        "    t.record(pathlib.Path(sys.argv[1]), [t.frame(i, 'ann') for i in range(400)])\n"
        "except t.UnderstudyError as error:\n"
        "    print(error)\n"
    )
    take = tmp_path / "a.mcap"
    done = subprocess.run(
        [sys.executable, "-c", code, str(take)], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout and len(done.stdout.splitlines()) == 1
    assert 30_000 < take.stat().st_size <= 60_000
    found = contents(take)
    assert found.frames > 10 and not found.complete and found.lost == 0


def test_a_folder_that_goes_is_said_at_once(tmp_path):
    folder = tmp_path / "takes"
    writer = TakeWriter(folder / "a.mcap", {}, "", 0)
    writer.event(0, 1, "record")
    writer.keep(1, at_once=True)
    shutil.rmtree(folder)
    writer.event(1, 2, "marker")
    with pytest.raises(UnderstudyError, match="gone"):
        writer.keep(2, at_once=True)


def test_an_hour_s_index_is_small(tmp_path):
    """What grows while a take runs is the index of its chunks: 60,000 an hour."""
    writer = TakeWriter(tmp_path / "a.mcap", {}, "", 0)
    writer._sheet.flush = writer._sheet._pending.clear  # type: ignore[method-assign]
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(15_000):
        writer.event(number, number + 1, "x")
        writer.keep(number + 1, at_once=True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000 / 4
