"""The .glb: read back, it is the mesh that was written, by the rules of glTF 2.0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.viewport import gltf
from understudy.runtime.viewport.mesh import mannequin


@pytest.fixture(scope="module")
def mesh() -> mannequin.Mesh:
    return mannequin.build(PERFORMER, 0.03)


def test_round_trip(tmp_path: Path, mesh: mannequin.Mesh) -> None:
    gltf.write(tmp_path / "m.glb", PERFORMER, mesh)
    assert [p.name for p in tmp_path.iterdir()] == ["m.glb"]
    tree, chunk = gltf.read(tmp_path / "m.glb")
    (primitive,) = tree["meshes"][0]["primitives"]
    at = primitive["attributes"]
    assert np.array_equal(gltf.array(tree, chunk, at["POSITION"]), mesh.positions)
    assert np.array_equal(gltf.array(tree, chunk, at["NORMAL"]), mesh.normals)
    weights = gltf.array(tree, chunk, at["WEIGHTS_0"])
    joints = gltf.array(tree, chunk, at["JOINTS_0"])
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert (joints[weights == 0.0] == 0).all()
    assert np.array_equal(joints[weights > 0], mesh.joints[weights > 0])
    triangles = gltf.array(tree, chunk, primitive["indices"]).reshape(-1, 3)
    assert np.array_equal(triangles, mesh.triangles)


def test_the_skin_puts_the_body_where_ours_is(tmp_path: Path, mesh: mannequin.Mesh) -> None:
    """Evaluated by glTF's own rule: sum of weight * joint's world * inverse bind * position."""
    gltf.write(tmp_path / "m.glb", PERFORMER, mesh)
    tree, chunk = gltf.read(tmp_path / "m.glb")
    (skin,) = tree["skins"]
    unbind = gltf.array(tree, chunk, skin["inverseBindMatrices"]).reshape(-1, 4, 4)
    unbind = np.swapaxes(unbind, 1, 2)
    nodes = tree["nodes"]
    parent = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}

    def world(i: int) -> np.ndarray:
        local = mannequin.transforms(
            np.array(nodes[i]["translation"]), np.array(nodes[i]["rotation"])
        )
        return world(parent[i]) @ local if i in parent else local

    matrices = np.stack([world(j) @ unbind[k] for k, j in enumerate(skin["joints"])])
    ours = mannequin.skin_matrices(
        PERFORMER, mesh, PERFORMER.rest_positions, PERFORMER.rest_rotations
    )
    assert np.allclose(matrices, ours, atol=1e-5)
    assert [nodes[j]["name"] for j in skin["joints"]] == list(PERFORMER.names)


def test_accessors_lie_in_the_buffer_and_are_aligned(mesh: mannequin.Mesh) -> None:
    tree, chunk = gltf.document(PERFORMER, mesh)
    assert tree["asset"]["version"] == "2.0"
    assert tree["buffers"][0]["byteLength"] == len(chunk)
    for view in tree["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(chunk)
    position = tree["accessors"][tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    assert position["min"] == pytest.approx(mesh.positions.min(0).tolist())
    assert position["max"] == pytest.approx(mesh.positions.max(0).tolist())


def test_colours_show_visor_glove_and_stripes(mesh: mannequin.Mesh) -> None:
    colours = gltf.colours(mesh.positions, mesh.paint)
    assert colours.min() >= 0.0 and colours.max() <= 1.0
    hand = mesh.joints[:, 0] == PERFORMER.index("LeftHand")
    assert np.median(colours[hand].mean(axis=1)) < 0.1


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path, mesh: mannequin.Mesh) -> None:
    with pytest.raises(UnderstudyError, match=r"\.glb"):
        gltf.write(tmp_path / "m.obj", PERFORMER, mesh)
    with pytest.raises(UnderstudyError, match="cannot be written"):
        (tmp_path / "file").touch()
        gltf.write(tmp_path / "file" / "m.glb", PERFORMER, mesh)


@pytest.mark.parametrize("content", [b"", b"no gltf at all, but long enough", b"glTF" + b"\0" * 40])
def test_damaged_files_are_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.glb").write_bytes(content)
    with pytest.raises(UnderstudyError):
        gltf.read(tmp_path / "m.glb")
