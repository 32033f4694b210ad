"""Edit lists, read by OpenTimelineIO and its adapter for CMX3600."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest

from tests.conftest import sentence
from tests.runtime.takes.shoots import shoot
from understudy.runtime.core import timecode
from understudy.runtime.takes.edit_list import edit_list
from understudy.runtime.takes.take_export import export, load
from understudy.runtime.takes.take_motion import Mark

RATES = [("23.976", 60.0), ("25", 50.0), ("29.97", 60.0), ("29.97df", 120000 / 1001),
         ("59.94df", 120.0)]  # fmt: skip
# A minute's end, where drop-frame leaves two labels out: 00:09:00;02 follows 00:08:59;29.
START_S = 9 * 60.0 - 0.5


def clips(file: Path, rate: float) -> list[tuple[str, int, int]]:
    """Names, first frames and numbers of frames of all clips."""
    known = {} if file.suffix == ".otio" else {"rate": rate}
    found = otio.adapters.read_from_file(str(file), **known).find_clips()
    return [
        (c.name, round(c.source_range.start_time.value), round(c.source_range.duration.value))
        for c in found
    ]


@pytest.mark.parametrize("suffix", ["otio", "edl"])
@pytest.mark.parametrize(("rate_name", "rate_hz"), RATES)
def test_cuts_and_markers_are_frame_exact(tmp_path, suffix, rate_name, rate_hz):
    take = shoot(tmp_path / "a.mcap", rate_name, rate_hz, start_s=START_S)
    at = [timecode.frame_number(frame.timecode, rate_name) for frame in take.frames]
    (file,) = export(take.path, tmp_path / f"a.{suffix}").files
    rate = float(timecode.rate(rate_name))
    assert clips(file, rate) == [
        ("12A_T003 A cam", at[0], at[45] - at[0]),
        ("12A_T003 B cam", at[45], at[-1] + 1 - at[45]),
    ]
    known = {} if suffix == "otio" else {"rate": rate}
    timeline = otio.adapters.read_from_file(str(file), **known)
    drop = timecode.is_drop_frame(rate_name)
    if suffix == "edl" and drop:  # the adapter knows no semicolon in markers, though it writes it
        assert f"* LOC: {take.frames[30].timecode} RED     he turns\n" in file.read_text()
    else:
        (marker,) = [m for clip in timeline.find_clips() for m in clip.markers]
        assert marker.name == "he turns" and marker.marked_range.start_time.value == at[30]
    if suffix == "otio":
        assert timeline.global_start_time.value == at[0]
        assert timeline.global_start_time.to_timecode(rate, drop) == take.frames[0].timecode


def test_an_edl_says_drop_frame_and_writes_it(tmp_path):
    take = shoot(tmp_path / "a.mcap", "29.97df", 60.0, start_s=START_S)
    lines = export(take.path, tmp_path / "a.edl").files[0].read_text().splitlines()
    assert lines[:2] == ["TITLE: 12A_T003", "FCM: DROP FRAME"]
    assert lines[3] == (
        "001  ACAM     V     C        00:08:59;14 00:09:00;09 00:08:59;14 00:09:00;09"
    )
    other = shoot(tmp_path / "b.mcap", "23.976", 60.0)
    assert "FCM: NON-DROP FRAME" in export(other.path, tmp_path / "b.edl").files[0].read_text()


@pytest.mark.parametrize("rate_name", ["24", "29.97df"])
def test_a_take_over_midnight_runs_on(tmp_path, rate_name):
    take = shoot(tmp_path / "a.mcap", rate_name, 60.0, start_s=86400.0 - 0.5)
    edits = edit_list(load(take.path))
    first, last = edits.events[0].start, edits.events[-1].stop
    # 1.5 s, whose first and last frame are shown in part
    assert last - first in (round(1.5 * float(edits.rate)), round(1.5 * float(edits.rate)) + 1)
    assert not edits.notes
    assert timecode.label(last - 1, rate_name) == take.frames[-1].timecode


def test_without_cuts_the_take_is_one_clip(tmp_path):
    take = shoot(tmp_path / "a.mcap")
    motion = load(take.path)
    motion.cuts = []
    (event,) = edit_list(motion).events
    assert event.camera == ""
    motion.cuts = [Mark(-5, "A"), Mark(10, "B"), Mark(10, "C")]
    assert [e.camera for e in edit_list(motion).events] == ["A", "C"], "the last cut counts"


def test_a_timecode_that_was_set_meanwhile_is_said(tmp_path):
    take = shoot(tmp_path / "a.mcap", "25", 50.0)
    motion = load(take.path)
    for tick in range(60, 90):
        motion.timecodes[tick] = timecode.label(5 + tick // 2, "25")
    edits = edit_list(motion)
    assert "jumped" in edits.notes[0]
    assert edits.events[-1].stop - edits.events[0].start == 45


def test_too_many_cuts_for_an_edl_is_a_sentence(tmp_path, understudy):
    cuts = [("cut", {"camera": "AB"[tick % 2], "sequence": tick}) for tick in range(1010)]
    take = shoot(tmp_path / "a.mcap", "60", 60.0, frames=1010, events=cuts)
    done = understudy("take", "export", take.path, "--to", "edl", "--out", tmp_path)
    assert done.returncode == 2 and "EDL holds 999" in sentence(done)
    assert len(clips(export(take.path, tmp_path / "a.otio").files[0], 60.0)) == 1010
