"""Reading BVH: every dress that a good file comes in, and a sentence for every bad one."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, calibration_frames, has_tpose_first_frame

from .files import COLUMNS, HEAD, save, text, values


def test_hierarchy_units_and_motion_arrive(tmp_path):
    rows = values()
    clip = bvh.read(save(tmp_path, text(rows)), unit_m=0.01)
    assert clip.skeleton.names == ("Hips", "Chest", "Head", "Tail")
    assert clip.skeleton.parents.tolist() == [-1, 0, 1, 0]
    assert np.allclose(clip.skeleton.rest_positions[2], [0.0, 0.3, 0.01])
    assert np.allclose(clip.skeleton.tips[2], [0.0, 0.15, 0.0])
    assert np.isnan(clip.skeleton.tips[1]).all()
    assert clip.name == "walk" and len(clip) == 4 and clip.rate_hz == 100.0
    assert np.allclose(clip.positions[:, 0], rows[:, :3] * 0.01)


def test_channels_are_read_in_their_own_order(tmp_path):
    rows = values()
    clip = bvh.read(save(tmp_path, text(rows)), unit_m=0.01)
    for joint, columns, order in (
        (0, [3, 4, 5], "ZYX"),
        (1, [6, 7, 8], "YXZ"),
        (2, [12, 13, 14], "XYZ"),
    ):
        turns = [
            rotation.from_axis_angle(np.eye(3)["XYZ".index(a)], np.deg2rad(rows[:, c]))
            for a, c in zip(order, columns, strict=True)
        ]
        wanted = rotation.multiply(rotation.multiply(turns[0], turns[1]), turns[2])
        assert rotation.angle_between(clip.rotations[:, joint], wanted).max() < 1e-7


def test_position_channels_on_any_joint_replace_its_offset(tmp_path):
    rows = values()
    clip = bvh.read(save(tmp_path, text(rows)), unit_m=0.01)
    assert np.allclose(clip.positions[:, 2], rows[:, 9:12] * 0.01)


def test_a_joint_without_channels_stays_at_rest(tmp_path):
    clip = bvh.read(save(tmp_path, text(values())), unit_m=0.01)
    assert np.allclose(clip.positions[:, 3], [0.0, 0.0, -0.05])
    assert np.allclose(clip.rotations[:, 3], rotation.identity())


PLAIN = text(values())


def with_names(content: str) -> str:
    """The content with the joints' names as they were."""
    return re.sub(r"(?i)hips|chest|head|tail", lambda m: m[0].capitalize(), content)


DRESSES = {
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "old Mac": PLAIN.replace("\n", "\r"),
    "tabs": PLAIN.replace("  ", "\t").replace("Frames: ", "Frames:\t"),
    "tabs between values": re.sub(r"(?<=\d) (?=[-\d])", "\t", PLAIN),
    "two spaces": PLAIN.replace(" ", "  "),
    "spaces at line ends": PLAIN.replace("\n", "  \n"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "no last line end": PLAIN.rstrip("\n"),
    "blank lines at the end": PLAIN + "\n \n\t\n",
    "lower case": with_names(PLAIN.lower()),
    "upper case": with_names(PLAIN.upper()),
    "braces on the joint's line": re.sub(r"\n\s*{", " {", PLAIN),
    "all braces on one line": PLAIN.replace("      }\n    }\n  }\n", "}}}\n"),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "a frame on two lines": "\n".join(
        line.replace(" ", "\n", 1) if line.count(" ") == COLUMNS - 1 else line
        for line in PLAIN.split("\n")
    ),
    "no zero before the point": re.sub(r"(?<=[ \n-])0\.", ".", PLAIN),
    "exponents": re.sub(r"Time: .*\n", "Time: 1e-2\n", PLAIN),
    "plus signs": re.sub(r"\n(?=\d+\.)", "\n+", PLAIN),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_dress_makes_no_difference(tmp_path, dress):
    plain = bvh.read(save(tmp_path, PLAIN, "plain.bvh"))
    clip = bvh.read(save(tmp_path, DRESSES[dress]))
    assert clip.skeleton.id == plain.skeleton.id
    assert np.array_equal(clip.positions, plain.positions)
    assert np.array_equal(clip.rotations, plain.rotations)
    assert clip.frame_time_s == plain.frame_time_s


def test_names_may_have_spaces_and_other_alphabets(tmp_path):
    content = PLAIN.replace("JOINT Chest", "JOINT Bip01 Chest").replace("JOINT Head", "JOINT 頭")
    clip = bvh.read(save(tmp_path, content))
    assert clip.skeleton.names[1:3] == ("Bip01 Chest", "頭")


def test_two_joints_of_one_name_are_told_apart_and_noted(tmp_path):
    clip = bvh.read(save(tmp_path, PLAIN.replace("JOINT Tail", "JOINT Head")))
    assert clip.skeleton.names[2:] == ("Head", "Head.2")
    assert any("'Head.2'" in note for note in clip.notes)


def damaged(**changes: str) -> str:
    content = PLAIN
    for old, new in changes.items():
        content = content.replace(old, new)
    return content


FIRST = next(line for line in PLAIN.split("\n") if line.count(" ") == COLUMNS - 1)
LINES = PLAIN.split("\n")
START = LINES.index(FIRST) + 1  # its line number, from 1


def with_line(offset: int, change) -> str:
    lines = list(LINES)
    lines[START - 1 + offset] = change(lines[START - 1 + offset])
    return "\n".join(lines)


BAD = {
    "one value too few": (
        with_line(2, lambda line: line.rsplit(" ", 1)[0]),
        rf"^walk\.bvh line {START + 2}: 14 values, the hierarchy has 15 channels\.$",
    ),
    "one value too many": (
        with_line(1, lambda line: line + " 7"),
        rf"walk\.bvh line {START + 1}: 16 values, the hierarchy has 15 channels",
    ),
    "a value slipped to the line before": (
        with_line(1, lambda line: line + " 7").replace(
            LINES[START + 1], LINES[START + 1].rsplit(" ", 1)[0]
        ),
        rf"line {START + 1}: 16 values",
    ),
    "cut in the hierarchy": (HEAD[:190], "line 9: channel '\\w+' is unknown|CHANNELS"),
    "cut after a joint": (HEAD[: HEAD.index("  JOINT Tail")], "before its last '}' .*line 3"),
    "NaN": (
        with_line(3, lambda line: "nan " + line.split(" ", 1)[1]),
        rf"line {START + 3}: value 1 is 'nan'",
    ),
    "infinity": (
        with_line(0, lambda line: line.rsplit(" ", 1)[0] + " inf"),
        rf"line {START}: value 15 is 'inf'",
    ),
    "too large": (
        with_line(0, lambda line: line.rsplit(" ", 1)[0] + " 1e999"),
        rf"line {START}: value 15 is '1e999'",
    ),
    "a word": (
        with_line(1, lambda line: line.replace(" ", " oops ", 1).rsplit(" ", 1)[0]),
        rf"line {START + 1}: value 2 is 'oops'",
    ),
    "commas of both kinds": (
        "\n".join(
            LINES[: START - 1] + [re.sub(r"(\d)\.", r"\1,000.", s) for s in LINES[START - 1 :]]
        ),
        rf"line {START}: the numbers have commas",
    ),
    "binary rubbish": (PLAIN.encode()[:-60] + bytes(range(128, 188)), r"line \d+: "),
    "no frame time": (damaged(**{"Frame Time: 0.01\n": ""}), "'Frame Time:' is missing"),
    "zero frame time": (damaged(**{"0.01\n": "0.0\n"}), rf"line {START - 1}: frame time '0.0'"),
    "negative frame time": (damaged(**{"Time: 0.01": "Time: -0.01"}), "frame time '-0.01'"),
    "frame time of nan": (damaged(**{"Time: 0.01": "Time: nan"}), "frame time 'nan'"),
    "frame time of words": (damaged(**{"Time: 0.01": "Time: fast"}), "frame time 'fast'"),
    "no frame count": (damaged(**{"Frames: 4": "Frames:"}), "Frames: '' is not a whole number"),
    "frame count of words": (damaged(**{"Frames: 4": "Frames: many"}), "'many'"),
    "no frames": (damaged(**{"Frames: 4": "Frames: 0"}), "0 frames, no motion"),
    "no MOTION": (PLAIN.replace("MOTION\n", ""), r"line \d+: 'Frames:' is no word of a BVH"),
    "empty": ("", "no ROOT joint"),
    "empty hierarchy": ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 0.01\n\n", "no ROOT joint"),
    "not a BVH": ('{"asset": {"version": "2.0"}}', r"line 1: .*"),
    "a joint below itself": (
        PLAIN.replace("JOINT Head", "JOINT Hips"),
        "line 10: joint 'Hips' .* cyclic",
    ),
    "two roots": (
        PLAIN.replace("MOTION", "ROOT Other\n{\nOFFSET 0 0 0\n}\nMOTION"),
        "a second ROOT, 'Other'",
    ),
    "joint outside": (
        PLAIN.replace("ROOT Hips", "JOINT Hips"),
        "line 2: JOINT 'Hips' hangs on no joint",
    ),
    "missing brace": (PLAIN.replace("}\nMOTION", "MOTION"), "before its last '}' .*line 3"),
    "brace too many": (PLAIN.replace("}\nMOTION", "}\n}\nMOTION"), "closes nothing"),
    "no offset": (PLAIN.replace("    OFFSET 0.0 20.0 0.0\n", ""), "'Chest' ends without an OFFSET"),
    "short offset": (
        PLAIN.replace("OFFSET 0.0 20.0 0.0", "OFFSET 0.0 20.0"),
        "line 8: OFFSET 0.0 20.0 is not three",
    ),
    "offset of nan": (
        PLAIN.replace("OFFSET 0.0 20.0 0.0", "OFFSET 0.0 nan 0.0"),
        "not three finite",
    ),
    "unknown channel": (
        PLAIN.replace("CHANNELS 3 Yrotation", "CHANNELS 3 Wrotation"),
        "line 9: channel 'Wrotation' is unknown",
    ),
    "channel count": (
        PLAIN.replace("CHANNELS 3", "CHANNELS 2"),
        "line 9: CHANNELS 2 is followed by 3 names",
    ),
    "channel count too high": (
        PLAIN.replace("CHANNELS 3", "CHANNELS 4"),
        "line 9: CHANNELS 4 is followed by 3 names",
    ),
    "channel named twice": (
        PLAIN.replace("CHANNELS 6 Xposition Yposition", "CHANNELS 6 Xposition Xposition"),
        "twice",
    ),
    "no channels at all": (
        re.sub(r"CHANNELS.*", "", PLAIN),
        "no joint of the hierarchy has CHANNELS",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_damage_is_named_in_one_sentence(tmp_path, fault):
    content, says = BAD[fault]
    with pytest.raises(UnderstudyError, match=says) as caught:
        bvh.read(save(tmp_path, content))
    assert str(caught.value).startswith("walk.bvh")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    for path in (tmp_path / "none.bvh", tmp_path):
        with pytest.raises(UnderstudyError, match="cannot be read"):
            bvh.read(path)


def test_every_cut_of_a_file_is_refused_or_whole(tmp_path):
    content = text(values(2)).rstrip("\n")
    for end in range(len(content)):
        try:
            clip = bvh.read(save(tmp_path, content[:end]))
        except UnderstudyError as error:
            assert str(error).startswith("walk.bvh")
        else:  # only the last value may have lost digits: nobody could tell
            assert (len(clip) == 2 and end > len(content) - 9) or len(clip) == 1
            assert len(clip) == 2 or any("header says 2 frames" in note for note in clip.notes)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_of_a_file_gives_anything_but_a_clip_or_a_sentence(tmp_path_factory, data):
    content = bytearray(PLAIN.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["byte", "cut", "double", "digit"])):
            case "byte":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 30))]
            case "double":
                content[at:at] = content[at : at + data.draw(st.integers(1, 30))]
            case "digit":
                content[at:at] = b"9" * data.draw(st.integers(1, 400))
        content = content or bytearray(b" ")
    path = tmp_path_factory.getbasetemp() / "mutant.bvh"
    path.write_bytes(bytes(content))
    try:
        clip = bvh.read(path)
    except UnderstudyError as error:
        assert str(error).startswith("mutant.bvh") and "\n" not in str(error)
    else:
        assert np.isfinite(clip.positions).all() and np.isfinite(clip.rotations).all()


def test_units_are_told_by_the_legs_and_the_guess_is_noted(tmp_path):
    rest = still(PERFORMER, [0.0, 0.97, 0.0], rotation.identity())
    for unit_m, name in (
        (1.0, "metre"),
        (0.01, "centimetre"),
        (0.001, "millimetre"),
        (0.0254, "inch"),
        (0.056444, "CMU unit"),
    ):
        path = tmp_path / "take.bvh"
        bvh.write(path, replace(rest, unit_m=unit_m))
        clip = bvh.read(path)
        assert clip.unit_m == unit_m
        assert any(name in note for note in clip.notes)
        assert np.allclose(clip.positions[0, 0], [0.0, 0.97, 0.0], atol=1e-4)
    assert bvh.read(path, unit_m=0.1).positions[0, 0, 1] == pytest.approx(0.97 / 0.56444, rel=1e-4)
    with pytest.raises(UnderstudyError, match="no length"):
        bvh.read(path, unit_m=0.0)
    with pytest.raises(UnderstudyError, match="'W' is unknown; it is one of Y, Z, X, -Y"):
        bvh.read(path, up="W")


LAY = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.5 * np.pi)  # +Y up becomes +Z up


def still(skeleton: Skeleton, root: np.ndarray, turn: np.ndarray) -> Clip:
    """Three frames of a skeleton at rest but for its root."""
    positions = np.repeat(skeleton.rest_positions[None], 3, axis=0)
    rotations = rotation.identity((3, len(skeleton)))
    positions[:, 0], rotations[:, 0] = root, turn
    return Clip(skeleton, positions, rotations, 1 / 60)


def test_z_up_motion_is_stood_up(tmp_path):
    z_up = Skeleton(
        PERFORMER.names, PERFORMER.parents, rotation.rotate(LAY, PERFORMER.rest_positions)
    )
    bvh.write(tmp_path / "z.bvh", still(z_up, [0.0, 0.0, 0.97], rotation.identity()))
    clip = bvh.read(tmp_path / "z.bvh")
    names = clip.skeleton.names
    assert any("Z is taken" in note for note in clip.notes)
    for world in (
        clip.skeleton.globals(clip.positions, clip.rotations)[0][0],
        clip.skeleton.rest_globals[0],
    ):
        assert world[names.index("Head"), 1] - world[names.index("LeftFoot"), 1] > 1.3
        toes = world[names.index("LeftToeBase")] - world[names.index("LeftFoot")]
        assert toes[2] > 0.1  # still faces +Z
    assert bvh.read(tmp_path / "z.bvh", up="Y").positions[0, 0, 2] == pytest.approx(0.97)


def test_who_lies_down_is_left_lying(tmp_path):
    bvh.write(tmp_path / "nap.bvh", still(PERFORMER, [0.0, 0.15, 0.0], LAY))
    clip = bvh.read(tmp_path / "nap.bvh")
    world = clip.skeleton.globals(clip.positions, clip.rotations)[0][0]
    assert np.ptp(world[:, 1]) < 0.5 < np.ptp(world[:, 2])


def test_rates_are_the_ones_that_the_digits_mean(tmp_path):
    for written, rate_hz in (
        ("0.0083333", 120.0),
        (".0083333", 120.0),
        ("0.00833333", 120.0),
        ("0.016667", 60.0),
        ("0.033333", 30.0),
        ("0.0333667", 30000 / 1001),
        ("0.04", 25.0),
        ("0.0417083", 24000 / 1001),
        ("0.01", 100.0),
        ("0.0021", 1 / 0.0021),
    ):
        clip = bvh.read(save(tmp_path, text(values(), frame_time=written)))
        assert clip.rate_hz == rate_hz, written
        assert clip.frame_time_s == float(written)


@pytest.mark.parametrize(
    ("folder", "files", "tposes"), [("cmu", 75, 3), ("cmu_dance", 26, 26), ("cc_rig", 49, 6)]
)
def test_every_file_of_the_mocap_folders(mocap, folder, files, tposes):
    paths = sorted((mocap / folder).glob("*.bvh"))
    assert len(paths) == files
    found = 0
    for path in paths:
        clip = bvh.read(path)
        # Salsa was captured at 60 Hz.
        slow = folder == "cc_rig" or path.stem.startswith("salsa")
        assert clip.rate_hz == (60.0 if slow else 120.0)
        assert clip.unit_m == (0.056444 if folder == "cmu" else 0.01)
        assert np.isfinite(clip.positions).all() and np.isfinite(clip.rotations).all()
        assert np.abs(np.linalg.norm(clip.rotations, axis=-1) - 1.0).max() < 1e-9
        found += has_tpose_first_frame(clip)
        # A calibration pose and its ringing take a tenth of a second at most, never a whole clip.
        assert calibration_frames(clip) <= 12
    assert found == tposes
