"""`understudy retarget`: files onto characters, as a user does it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.conftest import sentence
from tests.runtime.retarget.test_fitting import stretched
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.stage import figures
from understudy.runtime.takes import bvh, motion_file
from understudy.runtime.takes.carrying import carried
from understudy.runtime.takes.clip import Clip
from understudy.runtime.viewport import gltf
from understudy.runtime.viewport.mesh import mannequin

ROLE = roles(PERFORMER)


@pytest.fixture(scope="module")
def knight(tmp_path_factory):
    """A character's file: a mannequin of other proportions under the names of Unreal's."""
    body = stretched(lower_leg=0.8, foot=0.8, hand=1.1)
    named = Skeleton(
        tuple(f"rig:{name}" for name in body.names),
        body.parents,
        body.rest_positions,
        tips=body.tips,
    )
    path = tmp_path_factory.mktemp("characters") / "knight.glb"
    gltf.write(path, named, mannequin.build(named, 0.05))
    return path


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A second of a body that swings its arms and legs."""
    swing = 0.5 * np.sin(np.linspace(0.0, 2 * np.pi, 30))
    rotations = rotation.identity((30, len(PERFORMER)))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turn = rotation.from_axis_angle([1.0, 0.0, 0.0], sign * swing)
        rotations[:, ROLE[f"{side}_upper_leg"]] = turn
        down = rotation.from_axis_angle([0.0, 0.0, -sign], 1.2)
        rotations[:, ROLE[f"{side}_upper_arm"]] = rotation.multiply(turn, down)
    positions = np.repeat(PERFORMER.rest_positions[None], 30, axis=0)
    positions[:, 0, 2] = np.linspace(0.0, 1.0, 30)
    path = tmp_path_factory.mktemp("motions") / "walk.bvh"
    bvh.write(path, Clip(PERFORMER, positions, rotations, 1 / 30))
    return path


def world(clip: Clip, names: tuple[str, ...]) -> np.ndarray:
    joints = [clip.skeleton.index(name) for name in names]
    return clip.skeleton.globals(clip.positions, clip.rotations)[0][:, joints]


@pytest.mark.parametrize("ending", ["glb", "bvh"])
def test_what_is_written_is_what_was_carried_over(walk, knight, tmp_path, understudy, ending):
    out = tmp_path / f"knight-walk.{ending}"
    done = understudy("retarget", walk, "--to", knight, "--out", out)
    assert done.returncode == 0, done.stderr
    figure = figures.load(knight)
    truth = carried(motion_file.read(walk), figure)
    again = motion_file.read(out, **({"unit_m": 0.01} if ending == "bvh" else {}))
    names = figure.skeleton.names
    assert len(again) == len(truth) and again.rate_hz == pytest.approx(30.0)
    assert np.abs(world(again, names) - world(truth, names)).max() < 1e-4


def test_the_characters_file_keeps_its_mesh_and_gets_the_motion(walk, knight, tmp_path, understudy):
    from understudy.runtime.characters.loading import load

    out = tmp_path / "k.glb"
    assert understudy("retarget", walk, "--to", knight, "--out", out).returncode == 0
    one, other = load(knight), load(out)
    assert np.array_equal(one.mesh.positions, other.mesh.positions)
    assert one.skeleton.names == other.skeleton.names
    tree, _ = gltf.read(out)
    assert [a["name"] for a in tree["animations"]] == ["knight"]


def test_a_profile_is_written_edited_and_given_for_the_character(
    walk, knight, tmp_path, understudy
):
    profile = tmp_path / "knight.toml"
    words = ("retarget", walk, "--to", knight, "--save-profile", profile)
    assert understudy(*words).returncode == 0
    text = profile.read_text()
    assert 'left_upper_arm = "rig:LeftArm"' in text
    profile.write_text(text.replace("scale = 1.0 ", "scale = 0.5 "))
    half, whole = tmp_path / "half.bvh", tmp_path / "whole.bvh"
    for to, out in ((profile, half), (knight, whole)):
        done = understudy("retarget", walk, "--to", to, "--out", out)
        assert done.returncode == 0, done.stderr
    far = [np.ptp(motion_file.read(f, 0.01).positions[:, 0, 2]) for f in (half, whole)]
    assert far[0] == pytest.approx(0.5 * far[1], rel=1e-3)


def test_the_preview_is_a_picture_with_source_and_character(walk, knight, tmp_path, understudy):
    sheet = tmp_path / "sheet.png"
    done = understudy("retarget", walk, "--to", knight, "--preview", sheet)
    assert done.returncode == 0, done.stderr
    pixels = np.asarray(Image.open(sheet).convert("L"), float)
    half = len(pixels) // 2
    assert pixels[:half].std() > 5.0 and pixels[half:].std() > 5.0
    assert np.abs(pixels[:half] - pixels[-half:]).mean() > 1.0  # another body


def test_bad_words_are_sentences_and_nothing_is_written(walk, knight, tmp_path, understudy):
    bad = tmp_path / "bad.toml"
    bad.write_text(f'file = "{knight}"\n[roles]\nleft_knee = "x"\n')
    for words, said in (
        ((walk, "--to", knight), "Nothing is asked for"),
        ((walk, "--to", knight, "--out", tmp_path / "x.mov"), "x.mov"),
        ((walk, "--to", tmp_path / "no.glb", "--out", tmp_path / "x.bvh"), "no.glb"),
        ((walk, "--to", bad, "--out", tmp_path / "x.bvh"), "left_knee"),
        ((walk, "--to", walk, "--out", tmp_path / "x.glb"), "cannot be written into x.glb"),
    ):
        assert said in sentence(understudy("retarget", *words))
    assert not list(tmp_path.glob("x.*"))


def test_usd_holds_the_motion_on_the_characters_joints(understudy, knight, walk, tmp_path):
    pytest.importorskip("pxr")
    out, plain = tmp_path / "walk.usd", tmp_path / "walk.bvh"
    for path in (out, plain):
        understudy("retarget", walk, "--to", knight, "--out", path)
    usd, asked = motion_file.read(out), motion_file.read(plain)
    assert len(usd) == len(asked)
    role = roles(asked.skeleton)
    names = tuple(asked.skeleton.names[role[r]] for r in ("head", "left_hand", "right_foot"))
    there = tuple(usd.skeleton.names[roles(usd.skeleton)[r]]
                  for r in ("head", "left_hand", "right_foot"))  # fmt: skip
    assert np.abs(world(usd, there) - world(asked, names)).max() < 1e-3
