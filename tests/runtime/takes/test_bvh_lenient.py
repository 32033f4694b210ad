"""Files that are a little wrong are read, and it is said; each says what the plain one says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes import bvh

from .bodies import stance, write_bvh
from .files import save


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> str:
    positions, rotations = stance(12, travel_m=1.0)
    path = tmp_path_factory.mktemp("plain") / "walk.bvh"
    return write_bvh(path, positions, rotations).read_text()


def motion(content: str, change) -> str:
    head, body = content.split("Frame Time", 1)
    return head + "Frame Time" + change(body)


WRAPPED = re.compile(r"(?m)^((?:\S+ ){30}\S+) ")
DRESSES = {
    "Frames: one too many": (lambda s: s.replace("Frames: 12", "Frames: 13"), "says 13 frames"),
    "Frames: one too few": (lambda s: s.replace("Frames: 12", "Frames: 11"), "says 11 frames"),
    "Frames: far too many": (
        lambda s: s.replace("Frames: 12", "Frames: 999999999999"), "999999999999"),
    "cut in the last line": (
        lambda s: s[:-40].rsplit("\n", 1)[0] + "\n" + s[:-40].rsplit("\n", 1)[1] + "",
        "middle of frame 12"),
    "decimal commas": (
        lambda s: s.replace(".", ","), "decimal commas"),
    "commas and blanks between values": (
        lambda s: motion(s, lambda m: "\n".join(
            line if "T" in line or line.startswith(":") else line.replace(" ", ", ")
            for line in m.split("\n"))), "separated by commas"),
    "commas between values": (
        lambda s: motion(s, lambda m: m[:11] + m[11:].replace(" ", ",")), "separated by commas"),
    "UTF-16": (lambda s: s.encode("utf-16"), ""),
    "UTF-16, big end first": (lambda s: b"\xfe\xff" + s.encode("utf-16-be"), ""),
    "UTF-16 without a mark": (lambda s: s.encode("utf-16-le"), ""),
    "UTF-16 and CRLF": (lambda s: s.replace("\n", "\r\n").encode("utf-16"), ""),
    "UTF-32": (lambda s: s.encode("utf-32"), ""),
    "UTF-8 with a mark and CRLF": (
        lambda s: b"\xef\xbb\xbf" + s.replace("\n", "\r\n").encode(), ""),
    "tabs": (lambda s: motion(s, lambda m: m.replace(" ", "\t").replace("\t", " ", 1)), ""),
    "frames on several lines": (lambda s: motion(s, lambda m: WRAPPED.sub(r"\1\n", m)), ""),
    "numbers without a zero": (lambda s: re.sub(r"(?m)(?<=[ -])0\.", ".", s), ""),
    "milliseconds": (lambda s: s.replace("0.033333", "33.333"), "milliseconds"),
    "microseconds": (lambda s: s.replace("0.033333", "33333"), "microseconds"),
    "semicolons": (
        lambda s: motion(s, lambda m: m[:11] + m[11:].replace(" ", ";")), "semicolons"),
    "semicolons and decimal commas": (
        lambda s: motion(s, lambda m: m[:11] + m[11:].replace(" ", ";").replace(".", ",")),
        "semicolons"),
    "no-break spaces": (
        lambda s: motion(s, lambda m: m[:11] + m[11:].replace(" ", "\u00a0")), "no-break spaces"),
    "no-break spaces of Latin-1": (
        lambda s: motion(s, lambda m: m[:11] + m[11:].replace(" ", "\u00a0")).encode("latin-1"),
        "no-break spaces"),
    "all frames on one line": (
        lambda s: s.partition("0.033333\n")[0] + "0.033333\n"
        + s.partition("0.033333\n")[2].strip().replace("\n", " ") + "\n",
        "several frames on a line"),
    "Frames without a colon": (lambda s: s.replace("Frames: 12", "Frames 12"), "no colon"),
    "Frame Time without a colon": (
        lambda s: s.replace("Frame Time:", "Frame Time"), "no colon"),
    "a rate with its unit": (lambda s: s.replace("0.033333", "30fps"), "frames per second"),
    "a rate in hertz": (lambda s: s.replace("0.033333", "30 Hz"), "frames per second"),
    "a fraction": (lambda s: s.replace("0.033333", "1/30"), "a fraction"),
    "milliseconds with their unit": (lambda s: s.replace("0.033333", "33.333ms"), "milliseconds"),
    "seconds with their unit": (lambda s: s.replace("0.033333", "0.033333 s"), "seconds"),
    "frames per second": (lambda s: s.replace("0.033333", "30"), "frames per second"),
}  # fmt: skip


@pytest.mark.parametrize("dress", DRESSES)
def test_it_is_read_and_what_was_wrong_is_said(tmp_path, content, dress):
    change, says = DRESSES[dress]
    plain = bvh.read(save(tmp_path, content, "plain.bvh"))
    clip = bvh.read(save(tmp_path, change(content)))
    frames = 11 if dress == "cut in the last line" else 12
    assert len(clip) == frames and clip.rate_hz == 30.0
    assert np.allclose(clip.positions, plain.positions[:frames], atol=1e-6)
    assert np.allclose(clip.rotations, plain.rotations[:frames], atol=1e-6)
    said = [note for note in clip.notes if note not in plain.notes]
    assert any(says in note for note in said) if says else not said


@pytest.mark.parametrize(
    "written, rate_hz",
    [("8.3333", 120.0), ("16.667", 60.0), ("41.708", 24000 / 1001), ("40", 25.0), ("24", 24.0),
     ("29.97", 30000 / 1001), ("59.94", 60000 / 1001), ("60", 60.0), ("120", 120.0), ("240", 240.0),
     ("20", 50.0), ("10", 100.0)],
)  # fmt: skip
def test_a_frame_time_above_a_second_is_what_a_known_rate_says(tmp_path, content, written, rate_hz):
    clip = bvh.read(save(tmp_path, content.replace("0.033333", written)))
    assert clip.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert any("--frame-time" in note for note in clip.notes)


@pytest.mark.parametrize(
    "old, new",
    [("Frames: 12", "Frames: 1_2"), ("0.033333", "0.03_3333"), ("OFFSET 0", "OFFSET 1_000")],
)
def test_an_underscore_in_a_number_is_refused(tmp_path, content, old, new):
    """Python alone reads 1_000 as a thousand."""
    assert old in content
    with pytest.raises(UnderstudyError, match=r"walk.bvh line \d+: .*_"):
        bvh.read(save(tmp_path, content.replace(old, new, 1)))


@pytest.mark.parametrize("which", [0, -1])
def test_an_underscore_in_a_value_is_refused(tmp_path, content, which):
    head, _, body = content.partition("0.033333\n")
    rows = body.strip().split("\n")
    rows[which] = f"1_000 {rows[which].split(' ', 1)[1]}"
    with pytest.raises(UnderstudyError, match=r"walk.bvh line \d+: value 1 is '1_000'"):
        bvh.read(save(tmp_path, head + "0.033333\n" + "\n".join(rows) + "\n"))


def test_frames_on_one_line_that_are_not_as_many_as_said_are_refused(tmp_path, content):
    head, _, body = content.replace("Frames: 12", "Frames: 11").partition("0.033333\n")
    path = save(tmp_path, f"{head}0.033333\n{body.strip().replace(chr(10), ' ')}\n")
    with pytest.raises(UnderstudyError, match=r"walk.bvh line \d+: \d+ values"):
        bvh.read(path)


@pytest.mark.parametrize("written", ["30 apples", "1/0", "0fps", "99999fps"])
def test_a_frame_time_that_means_nothing_is_refused(tmp_path, content, written):
    with pytest.raises(UnderstudyError, match=r"walk.bvh line \d+: frame time .*--frame-time"):
        bvh.read(save(tmp_path, content.replace("0.033333", written)))


@pytest.mark.parametrize("written", ["0.000000001", "1e-7", "0", "-1", "nan", "1e9", "0.0001"])
def test_a_frame_time_that_cannot_be_is_one_line_and_can_be_overruled(tmp_path, content, written):
    path = save(tmp_path, content.replace("0.033333", written))
    with pytest.raises(UnderstudyError, match=r"walk.bvh line \d+: frame time .*--frame-time"):
        bvh.read(path)
    assert bvh.read(path, frame_time_s=1 / 120).rate_hz == 120.0
    with pytest.raises(UnderstudyError, match="out of range"):
        bvh.read(path, frame_time_s=1e-9)


def test_a_large_file_is_read_in_pieces_that_say_how_far_they_are(tmp_path, content, monkeypatch):
    from understudy.runtime.takes import bvh_text

    monkeypatch.setattr(bvh_text, "PIECE", 1000)
    head, body = content.split("0.033333\n")
    rows = body * 30
    path = save(tmp_path, f"{head.replace('Frames: 12', 'Frames: 360')}0.033333\n{rows}")
    told: list[tuple[int, int]] = []
    clip = bvh.read(path, progress=lambda done, total: told.append((done, total)))
    assert len(clip) == 360 and np.allclose(clip.positions[348:], clip.positions[:12])
    assert len(told) > 10 and [d for d, _ in told] == sorted(d for d, _ in told)
    assert 0.95 < told[-1][0] / told[-1][1] <= 1.0


def test_names_in_shift_jis_are_read(tmp_path, content):
    japanese = content.replace("LeftArm", "左腕").replace("RightArm", "右腕")
    clip = bvh.read(save(tmp_path, japanese.encode("cp932")))
    assert "左腕" in clip.skeleton.names
    latin = bvh.read(save(tmp_path, content.replace("Head", "Tête").encode("latin-1")))
    assert "Tête" in latin.skeleton.names


def test_position_channels_of_zero_beside_offsets_move_nothing(tmp_path, content):
    lines = []
    for line in content.split("\n"):
        if "CHANNELS 3" in line:
            line = line.replace("CHANNELS 3", "CHANNELS 6 Xposition Yposition Zposition")
        values = line.split()
        if len(values) == 69 and "CHANNELS" not in line:
            rest = [f"0 0 0 {' '.join(values[k : k + 3])}" for k in range(6, 69, 3)]
            line = " ".join([*values[:6], *rest])
        lines.append(line)
    plain = bvh.read(save(tmp_path, content, "plain.bvh"))
    clip = bvh.read(save(tmp_path, "\n".join(lines)))
    assert np.allclose(clip.positions, plain.positions, atol=1e-9)
    assert any("count from the joints' OFFSETs" in note for note in clip.notes)
