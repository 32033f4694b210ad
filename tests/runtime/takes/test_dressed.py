"""A take as GLB in its characters: mesh, surfaces, pictures and morphs come back as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.characters.models import Board, png
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.characters import glb
from understudy.runtime.characters.character import Character
from understudy.runtime.characters.loading import load
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.takes.take_export import export
from understudy.runtime.takes.take_file import TakeWriter

CURVES = ("jawOpen", "eyeBlinkLeft")
SWAY = 0.3
TURN = {"offset": [0.25, 0.5], "rotation": 0.4, "scale": [2.0, 3.0]}


@pytest.fixture
def board(tmp_path) -> Path:
    """A board whose jaw opens, with a picture that is turned, bound twice at its upper joint."""
    one = Board()
    said = one.material(
        png(),
        name="paint",
        alphaMode="MASK",
        alphaCutoff=0.3,
        doubleSided=True,
        emissiveFactor=[1.0, 0.5, 0.0],
        extensions={
            "KHR_materials_unlit": {},
            "KHR_materials_emissive_strength": {"emissiveStrength": 4.0},
        },
    )
    said["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = {"KHR_texture_transform": TURN}
    said["pbrMetallicRoughness"]["baseColorFactor"] = [0.5, 0.25, 1.0, 0.75]
    one.target("jawOpen", [[0, 0, 0]] * 4 + [[0, 0, 0.2]] * 2)
    # A second mesh, bound lower down.
    down = np.eye(4, dtype=np.float32)
    down[3, 1] = -0.5
    bind = one.put(np.stack([np.eye(4, dtype=np.float32), down]).reshape(2, 16))
    one.tree["skins"].append({"joints": [0, 1], "inverseBindMatrices": bind})
    twin = {key: value for key, value in one.primitive.items() if key != "targets"}
    one.tree["meshes"].append({"name": "twin", "primitives": [twin]})
    one.nodes.append({"name": "twin", "mesh": 1, "skin": 1})
    return one.save(tmp_path / "board.glb")


def film(path: Path, character: Character, file: Path, frames: int = 5) -> Path:
    """A take of ann in the character, as a stage whose session names its file."""
    skeleton = replace(character.skeleton, curve_names=CURVES, character=file.stem)
    writer = TakeWriter(path, {"rate_hz": "60"}, f'[characters]\nann = "{file}"\n', 10**18)
    writer.add(encode_skeletons([skeleton]), 0, 0, 1)
    encoder = FrameEncoder(7)
    for tick in range(frames):
        pose = Pose.rest(skeleton)
        pose.rotations[1] = rotation.from_euler(np.array([SWAY * tick, 0.0, 0.0]), "XYZ")
        curves = np.array([0.25 * tick, 0.0], np.float32)
        subject = Subject("ann", skeleton, pose, State.LIVE, curves=curves)
        frame = Frame(tick, tick * 1000, tick * 1000, 60, 1, "", [subject])
        writer.add(encoder.encode(frame), tick * 1000 + 1, tick, tick * 1000 + 2)
    writer.finish({})
    return path


def test_a_character_goes_out_whole(board, tmp_path):
    given = load(board)
    made = export(film(tmp_path / "t.mcap", given, board), tmp_path / "t.glb")
    assert not made.notes
    back = load(made.files[0])
    np.testing.assert_allclose(
        np.sort(back.vertices(), axis=0), np.sort(given.vertices(), axis=0), atol=1e-6
    )
    assert len(back.mesh.triangles) == len(given.mesh.triangles)
    assert len(given.bones) > len(given.skeleton)  # two binds of one joint
    (one,), (other,) = back.materials, given.materials
    np.testing.assert_allclose(one.colour_map.turn, other.colour_map.turn, atol=1e-6)
    plain = [replace(m, colour_map=None) for m in (one, other)]
    assert plain[0] == plain[1] and one.emissive == (4.0, 2.0, 0.0)
    assert [image.data for image in back.images] == [image.data for image in given.images]
    (morph,), (was,) = back.morphs, given.morphs
    assert morph.name == was.name == "jawOpen"
    np.testing.assert_allclose(morph.positions, was.positions, atol=1e-6)
    tree, chunk = glb.read(made.files[0])
    (animation,) = tree["animations"]
    (channel,) = [c for c in animation["channels"] if c["target"]["path"] == "weights"]
    weights = glb.array(tree, chunk, animation["samplers"][channel["sampler"]]["output"])
    np.testing.assert_allclose(weights[:, 0], 0.25 * np.arange(5), atol=1e-6)
    for skin in tree["skins"]:
        assert len(set(skin["joints"])) == len(skin["joints"])


def test_who_cannot_be_dressed_is_the_mannequin_and_it_is_said(board, tmp_path):
    take = film(tmp_path / "t.mcap", load(board), board)
    gone = board.rename(tmp_path / "elsewhere.glb")
    (said,) = export(take, tmp_path / "a.glb").notes
    assert "board.glb is not there" in said and "--character ann=FILE" in said
    made = export(take, tmp_path / "b.glb", characters={"*": gone})
    assert not made.notes and load(made.files[0]).images
    Board().save(tmp_path / "other.glb")
    tree = Board()
    tree.nodes[0]["name"] = "lowest"
    other = tree.save(tmp_path / "other.glb")
    (said,) = export(take, tmp_path / "c.glb", characters={"ann": other}).notes
    assert "other.glb has another skeleton" in said
    with pytest.raises(UnderstudyError, match="no subject 'eve' to dress; it has ann"):
        export(take, tmp_path / "d.glb", characters={"eve": gone})
    with pytest.raises(UnderstudyError, match="no character's mesh"):
        export(take, tmp_path / "d.bvh", characters={"ann": gone})
    assert not (tmp_path / "d.glb").exists()
