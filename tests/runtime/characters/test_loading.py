"""What a character's file holds, in every way in which glTF lets it be written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from understudy.runtime.characters.character import sole_heights
from understudy.runtime.characters.gltf_document import SUFFIXES
from understudy.runtime.characters.loading import load
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.viewport import gltf
from understudy.runtime.viewport.mesh import mannequin

from .models import CORNERS, FACES, Board, as_data_uri, packed, png


@pytest.fixture
def board() -> Board:
    return Board()


def sentence(path) -> str:
    """The one sentence that a file is refused with."""
    with pytest.raises(UnderstudyError) as refused:
        load(path)
    said = str(refused.value)
    assert said.endswith(".") and "\n" not in said and path.name in said
    return said


def test_a_skinned_board(board, tmp_path):
    one = load(board.save(tmp_path / "board.glb"))
    assert one.name == "board" and one.skeleton.names == ("low", "high")
    assert np.allclose(one.skeleton.rest_positions, [[0, 0, 0], [0, 1, 0]])
    assert np.allclose(one.vertices(), CORNERS) and one.mesh.triangles.tolist() == FACES.tolist()
    assert one.bones.tolist() == [0, 1] and one.notes == ()


def test_vertices_follow_their_joints(board, tmp_path):
    one = load(board.save(tmp_path / "board.glb"))
    bent = np.array([rotation.identity(), rotation.from_axis_angle((1.0, 0.0, 0.0), np.pi / 2)])
    moved = one.vertices(*one.skeleton.globals(one.skeleton.rest_positions, bent))
    assert np.allclose(moved[:2], CORNERS[:2]) and np.allclose(moved[4:, 1:], [1.0, 1.0], atol=1e-6)


def test_an_armature_in_centimetres_on_its_side(board, tmp_path):
    """Scale and turn above the joints, and joints with turns of their own, as Blender exports."""
    board.nodes[0]["rotation"] = rotation.from_axis_angle((0.0, 0.0, 1.0), 0.4).tolist()
    board.nodes[1]["translation"] = [0.0, 100.0, 0.0]
    board.nodes.append(
        {"name": "Armature", "children": [0], "scale": [0.01] * 3,
         "rotation": rotation.from_axis_angle((1.0, 0.0, 0.0), np.pi / 2).tolist()}
    )  # fmt: skip
    world = np.diag([0.01, 0.01, 0.01, 1.0])
    world[:3, :3] = 0.01 * rotation.to_matrix(
        rotation.multiply(
            np.array(board.nodes[3]["rotation"]), np.array(board.nodes[0]["rotation"])
        )
    )
    high = world.copy()
    high[:3, 3] = world[:3, :3] @ [0.0, 100.0, 0.0]
    bind = np.linalg.inv(np.stack([world, high])).swapaxes(1, 2).reshape(2, 16)
    board.tree["skins"][0]["inverseBindMatrices"] = board.put(bind)
    one = load(board.save(tmp_path / "board.glb"))
    assert np.allclose(one.vertices(), CORNERS, atol=1e-5)
    # Rigid joints in metres, their own turns kept.
    assert np.linalg.norm(one.skeleton.rest_positions[1]) == pytest.approx(1.0)
    assert np.allclose(one.skeleton.rest_rotations[1], rotation.identity(), atol=1e-6)
    assert np.allclose(one.skeleton.rest_globals[0][1], high[:3, 3], atol=1e-6)


def test_a_mesh_without_a_skin_hangs_on_the_joint_above(board, tmp_path):
    hat = {"name": "hat", "mesh": 1, "translation": [0.0, 0.5, 0.0], "scale": [2.0, 2.0, 2.0]}
    board.nodes.append(hat)
    board.nodes[1]["children"] = [3]
    plain = {k: v for k, v in board.attributes.items() if k in ("POSITION", "NORMAL")}
    board.tree["meshes"].append({"primitives": [{"attributes": plain}]})
    one = load(board.save(tmp_path / "board.glb"))
    assert [part.name for part in one.mesh.parts] == ["board", "hat"]
    assert np.allclose(one.vertices()[6:], 2.0 * CORNERS + [0.0, 1.5, 0.0])
    assert set(one.vertex_joints()[6:]) == {1} and len(one.mesh.triangles) == 6


def test_two_skins_with_binds_of_their_own(board, tmp_path):
    """One joint, two inverse bind matrices: both meshes stand where they should."""
    moved = board.put(CORNERS + np.float32([5.0, 0.0, 0.0]))
    board.tree["meshes"].append(
        {"primitives": [{**board.primitive, "attributes": {**board.attributes, "POSITION": moved}}]}
    )
    binds = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    binds[:, 3, 0] = -4.0
    binds[1, 3, 1] = -1.0
    second = board.put(binds.reshape(2, 16))
    board.tree["skins"].append({"joints": [0, 1], "inverseBindMatrices": second})
    board.nodes.append({"mesh": 1, "skin": 1})
    one = load(board.save(tmp_path / "board.glb"))
    assert np.allclose(one.vertices()[6:], CORNERS + np.float32([1.0, 0.0, 0.0]))
    assert len(one.bones) == 4 and one.bones.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("way", ["beside", "within", "glb"])
def test_numbers_and_pictures_beside_the_file_within_it_and_in_its_chunk(board, tmp_path, way):
    board.material(png())
    if way == "glb":
        path = board.save(tmp_path / "a board.glb")
    else:
        path = board.save(tmp_path / "board.gltf")
        tree = json.loads(path.read_text())
        (tmp_path / "red blue.png").write_bytes(png())
        tree["images"] = [{"uri": "red%20blue.png" if way == "beside" else as_data_uri(png())}]
        if way == "within":
            tree["buffers"][0]["uri"] = as_data_uri(board.chunk.data)
            path.with_suffix(".bin").unlink()
        path.write_text(json.dumps(tree))
    one = load(path)
    assert np.allclose(one.vertices(), CORNERS)
    assert one.images[0].pixels()[:, 0, :3].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert one.materials[0].colour_map is not None and one.materials[0].metallic == 1.0


def test_quantised_strided_sparse_and_normalised_numbers(board, tmp_path):
    # KHR_mesh_quantization: positions as 16-bit shares of 4 m, scaled by the node.
    shares = np.round(CORNERS / 4.0 * 32767).astype(np.int16)
    row = np.zeros((6, 4), np.int16)
    row[:, :3] = shares
    at = board.put(row, "i2")
    board.chunk.accessors[at] |= {"type": "VEC3", "normalized": True}
    board.chunk.views[board.chunk.accessors[at]["bufferView"]]["byteStride"] = 8
    weights = board.put(np.tile([255, 0, 0, 0], (6, 1)), "u1")
    board.chunk.accessors[weights]["normalized"] = True
    board.attributes |= {"POSITION": at, "WEIGHTS_0": weights}
    bind = np.diag([4.0, 4.0, 4.0, 1.0])
    high = bind.copy()
    high[1, 3] = -1.0
    board.tree["skins"][0]["inverseBindMatrices"] = board.put(
        np.stack([bind, high]).swapaxes(1, 2).reshape(2, 16)
    )
    assert np.allclose(load(board.save(tmp_path / "a.glb")).vertices(), CORNERS, atol=2e-4)

    # Sparse: the upper edge is put another metre up, over what the view has and over nothing.
    rows, values = board.view(np.array([4, 5], np.uint16).tobytes()), None
    values = board.view(np.float32([[-0.5, 3.0, 0.0], [0.5, 3.0, 0.0]]).tobytes())
    sparse = {"count": 2, "indices": {"bufferView": rows, "componentType": 5123},
              "values": {"bufferView": values}}  # fmt: skip
    over = Board()
    over.chunk.views += board.chunk.views[len(over.chunk.views) :]
    over.chunk.data = board.chunk.data
    over.chunk.accessors[over.attributes["POSITION"]]["sparse"] = sparse
    seen = load(over.save(tmp_path / "b.glb")).vertices()
    assert np.allclose(seen[4:, 1], 3.0) and np.allclose(seen[:4], CORNERS[:4])
    del over.chunk.accessors[over.attributes["POSITION"]]["bufferView"]
    seen = load(over.save(tmp_path / "b.glb")).mesh.positions
    assert np.allclose(seen[4:, 1], 3.0) and not seen[:4].any()


def test_strips_fans_and_no_indices(board, tmp_path):
    for mode, order in ((5, [0, 1, 2, 3, 4, 5]), (6, [2, 0, 1, 3, 5, 4])):
        board.primitive |= {"mode": mode, "indices": board.put(order, "u1")}
        one = load(board.save(tmp_path / "a.glb"))
        corner = CORNERS[one.mesh.triangles]
        facing = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        assert len(corner) == 4 and (facing[:, 2] > 0.0).all()
        assert np.abs(facing).sum() / 2 == pytest.approx(2.0)
    board.primitive.pop("indices")
    board.primitive["mode"] = 4
    assert load(board.save(tmp_path / "a.glb")).mesh.triangles.tolist() == [[0, 1, 2], [3, 4, 5]]
    board.primitive["mode"] = 1
    assert "not drawn" in load(board.save(tmp_path / "a.glb")).notes[0]


def test_normals_are_made_where_there_are_none(tmp_path):
    board = Board(normals=False)
    board.target("bulge", np.float32([[0, 0, 0]] * 5 + [[0, 0, 1]]))
    one = load(board.save(tmp_path / "a.glb"))
    assert len(one.mesh.positions) == 12 and np.allclose(one.mesh.normals, [0.0, 0.0, 1.0])
    assert np.allclose(one.mesh.positions[one.morphs[0].vertices], CORNERS[5])


def test_eight_weights_become_the_four_strongest(board, tmp_path):
    joints = np.tile([1, 1, 0, 0], (6, 1)).astype(np.uint8)
    board.attributes["JOINTS_1"] = board.put(joints, "u1")
    board.attributes["WEIGHTS_0"] = board.put(np.tile([0.1, 0.05, 0.05, 0.0], (6, 1)))
    board.attributes["WEIGHTS_1"] = board.put(np.tile([0.5, 0.2, 0.1, 0.0], (6, 1)))
    one = load(board.save(tmp_path / "a.glb"))
    assert np.allclose(one.mesh.weights.sum(1), 1.0)
    assert np.allclose(np.sort(one.mesh.weights[0])[::-1], np.array([5, 2, 1, 1]) / 9)
    assert "four strongest" in one.notes[0]


def test_morphs_by_name_and_a_vrms_words(board, tmp_path):
    board.target("Fcl_MTH_A", np.float32([[0, 0, 0]] * 4 + [[0, 0.2, 0]] * 2))
    board.target("wink", np.float32([[0, 0, 0.3]] + [[0, 0, 0]] * 5))
    board.tree["meshes"][0]["weights"] = [0.0, 0.25]
    group = {"name": "A", "presetName": "a", "binds": [{"mesh": 0, "index": 0, "weight": 80.0}]}
    board.tree["extensions"] = {
        "VRM": {"meta": {"title": "Eve"}, "blendShapeMaster": {"blendShapeGroups": [group]}}
    }
    one = load(board.save(tmp_path / "a.vrm"))
    assert [m.name for m in one.morphs] == ["Fcl_MTH_A", "wink"] and one.name == "Eve"
    assert one.morphs[0].vertices.tolist() == [4, 5] and one.morphs[1].rest == 0.25
    assert one.expressions[0].name == "a" and dict(one.expressions[0].morphs) == {0: 0.8}
    # VRM 0 looks along -Z, and is turned.
    assert np.allclose(one.vertices()[:, 0], -CORNERS[:, 0])

    bind = {"node": 2, "index": 1, "weight": 0.5}
    wink = {"morphTargetBinds": [bind], "isBinary": True, "overrideMouth": "block",
            "materialColorBinds": [{}]}  # fmt: skip
    board.tree["extensions"] = {
        "VRMC_vrm": {"meta": {"name": "Eve"}, "expressions": {"preset": {"blinkLeft": wink}}}
    }
    one = load(board.save(tmp_path / "a.vrm"))
    assert [(e.name, e.morphs) for e in one.expressions] == [("blinkLeft", ((1, 0.5),))]
    assert one.expressions[0].binary and one.expressions[0].silences == (("mouth", True),)
    assert any("change materials" in note for note in one.notes)
    assert np.allclose(one.vertices(), CORNERS)


def test_materials(board, tmp_path):
    more = board.material(png(), name="Skin", alphaMode="MASK", alphaCutoff=0.3, doubleSided=True,
                          emissiveFactor=[0.5, 0.0, 0.0])  # fmt: skip
    more["pbrMetallicRoughness"] |= {"baseColorFactor": [0.5, 1, 1, 0.8], "roughnessFactor": 0.2}
    more["extensions"] = {"KHR_materials_unlit": {},
                          "KHR_materials_emissive_strength": {"emissiveStrength": 4.0}}  # fmt: skip
    more["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = {
        "KHR_texture_transform": {"offset": [0.5, 0.25], "rotation": np.pi / 2, "scale": [2, 1]}
    }
    board.tree["samplers"] = [{"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}]
    board.tree["textures"][0]["sampler"] = 0
    (one,) = load(board.save(tmp_path / "a.glb")).materials
    assert (one.name, one.alpha, one.cutoff, one.double_sided, one.unlit) == (
        "Skin", "MASK", 0.3, True, True
    )  # fmt: skip
    assert one.colour == (0.5, 1.0, 1.0, 0.8) and one.roughness == 0.2
    assert one.emissive == (2.0, 0.0, 0.0) and one.colour_map is not None
    assert one.colour_map.wrap == ("clamp", "mirror") and one.colour_map.nearest
    # A quarter turn of UVs counter-clockwise as they are seen, v going down: u goes up.
    assert np.allclose(np.array(one.colour_map.turn) @ [0.5, 0.0, 1.0], [0.5, -0.75])


def test_what_is_not_read_is_said(board, tmp_path):
    board.tree |= {"extensionsUsed": ["EXT_mesh_gpu_instancing", "KHR_texture_transform"]}
    board.material(png())
    board.tree["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    notes = load(board.save(tmp_path / "a.glb")).notes
    assert any("EXT_mesh_gpu_instancing" in n and "transform" not in n for n in notes)
    assert any("KHR_texture_basisu" in n for n in notes)


def test_a_thing_without_joints_is_one_joint(board, tmp_path):
    board.tree.pop("skins")
    board.tree["nodes"] = [{"name": "crate", "mesh": 0, "translation": [0.0, 2.0, 0.0]}]
    one = load(board.save(tmp_path / "a.glb"))
    assert one.skeleton.names == ("crate",)
    assert np.allclose(one.vertices(), CORNERS + np.float32([0.0, 2.0, 0.0]))


def test_a_body_that_lies_in_centimetres_stands_up_in_metres(tmp_path):
    """Z up, looking along -Y, in centimetres: what a bad export looks like."""
    nodes = [
        {"name": n, "translation": (100 * PERFORMER.rest_positions[j]).tolist(),
         "children": PERFORMER.children(j)}
        for j, n in enumerate(PERFORMER.names)
    ]  # fmt: skip
    lying = rotation.from_axis_angle((1.0, 0.0, 0.0), np.pi / 2).tolist()
    nodes.append({"name": "Armature", "children": [0], "rotation": lying})
    tree = {"nodes": nodes, "skins": [{"joints": list(range(len(PERFORMER)))}]}
    (tmp_path / "a.glb").write_bytes(packed(tree))
    one = load(tmp_path / "a.glb")
    order = [one.skeleton.index(name) for name in PERFORMER.names]
    assert np.allclose(one.skeleton.rest_globals[0][order], PERFORMER.rest_globals[0], atol=1e-6)
    assert "centimetres" in one.notes[0] and "turned" in one.notes[0]


def test_our_own_mannequin_comes_back_with_its_soles(tmp_path):
    mesh = mannequin.build(PERFORMER, 0.03)
    gltf.write(tmp_path / "mannequin.glb", PERFORMER, mesh)
    one = load(tmp_path / "mannequin.glb")
    found = {r: one.skeleton.names[j] for r, j in roles(one.skeleton).items()}
    assert found == {r: PERFORMER.names[j] for r, j in roles(PERFORMER).items()}
    assert len(one.mesh.triangles) == len(mesh.triangles)
    assert sole_heights(one) == pytest.approx({"left": 0.0, "right": 0.0}, abs=0.01)


def test_real_characters(mocap):
    for path in sorted((mocap.parent / "characters").glob("*.glb")):
        one = load(path)
        seen = one.vertices()
        assert np.isfinite(seen).all() and 1.5 < np.ptp(seen[:, 1]) < 2.6
        assert sole_heights(one) == pytest.approx({"left": 0.0, "right": 0.0}, abs=0.001)
        assert np.allclose(np.linalg.norm(one.mesh.normals, axis=1), 1.0, atol=1e-3)
        for image in one.images:
            assert image.pixels().shape[2] == 4


def test_kinds_that_are_no_characters(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0")
    said = sentence(tmp_path / "a.obj")
    assert all(suffix in said for suffix in SUFFIXES)
