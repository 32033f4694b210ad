"""Characters that Draco packed are those that it packed."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.characters.models import CORNERS, FACES, UVS, Board
from understudy.runtime.characters.loading import load
from understudy.runtime.core.errors import UnderstudyError

DRACO = "KHR_draco_mesh_compression"


def board() -> tuple[Board, Board]:
    """The board as it is, and packed."""
    DracoPy = pytest.importorskip("DracoPy")
    one, other = Board(normals=False), Board(normals=False)
    joints = np.array([[y > 0, 0, 0, 0] for y in CORNERS[:, 1]], np.uint8)
    data = DracoPy.encode(
        CORNERS, FACES.astype(np.uint32), quantization_bits=16, preserve_order=True,
        tex_coord=UVS.astype(np.float64),
        generic_attributes={7: joints, 8: np.tile(np.array([1, 0, 0, 0], np.float32), (6, 1))},
    )  # fmt: skip
    mesh = DracoPy.decode(data)
    kinds = {"POSITION": 0, "TEXCOORD_0": 3}
    known = {name: mesh.get_attribute_by_type(kind)["unique_id"] for name, kind in kinds.items()}
    view = other.view(data)
    for index in (*other.attributes.values(), other.primitive["indices"]):
        other.chunk.accessors[index].pop("bufferView", None)
    attributes = {**known, "JOINTS_0": 7, "WEIGHTS_0": 8}
    other.primitive["extensions"] = {DRACO: {"bufferView": view, "attributes": attributes}}
    return one, other


def test_a_packed_board_is_the_board(tmp_path):
    one, other = (load(b.save(tmp_path / f"{n}.glb")) for n, b in enumerate(board()))
    assert np.abs(one.vertices() - other.vertices()).max() < 1e-4
    assert (one.vertex_joints() == other.vertex_joints()).all()


@pytest.mark.parametrize("damage", ["bytes", "number", "count", "view"])
def test_what_cannot_be_unpacked_is_a_sentence(tmp_path, damage):
    _, packed = board()
    said = packed.primitive["extensions"][DRACO]
    if damage == "bytes":
        said["bufferView"] = packed.view(b"DRACO and nothing else")
    elif damage == "number":
        said["attributes"]["JOINTS_0"] = 99
    elif damage == "count":
        packed.chunk.accessors[packed.attributes["POSITION"]]["count"] = 7
    else:
        said["bufferView"] = 99
    with pytest.raises(UnderstudyError) as refused:
        load(packed.save(tmp_path / "a.glb"))
    assert "a.glb" in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_without_the_library_it_is_said_what_reads_it(tmp_path: Path, monkeypatch):
    _, packed = board()
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "DracoPy":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnderstudyError, match="pip install DracoPy"):
        load(packed.save(tmp_path / "a.glb"))
