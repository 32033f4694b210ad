"""Files that are broken, cut, or promise too much: one sentence each, soon, and little memory."""

from __future__ import annotations

import copy
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from understudy.runtime.characters.loading import load
from understudy.runtime.characters.springs import Springs, State
from understudy.runtime.core.errors import UnderstudyError

from .models import Board, packed, png

LIMITS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOST_BYTES = 64 << 20


def whole() -> Board:
    """A board with everything that a reader can trip over."""
    board = Board()
    board.target("smile", np.float32([[0, 0, 0.1]] * 6))
    board.material(png())
    board.tree["extensions"] = {
        "VRM": {"humanoid": {"humanBones": [{"bone": "hips", "node": 0}]},
                "blendShapeMaster": {"blendShapeGroups": [
                    {"name": "joy", "binds": [{"mesh": 0, "index": 0, "weight": 100}]}]},
                "firstPerson": {"lookAtHorizontalOuter": {"xRange": 90, "yRange": 10}},
                "secondaryAnimation": {
                    "boneGroups": [{"stiffiness": 1, "gravityPower": 1, "dragForce": 0.4,
                                    "gravityDir": {"x": 0, "y": -1, "z": 0}, "hitRadius": 0.1,
                                    "bones": [1], "colliderGroups": [0]}],
                    "colliderGroups": [{"node": 0, "colliders": [
                        {"offset": {"x": 0, "y": 1, "z": 0}, "radius": 0.2}]}]}},
        "VRMC_springBone": {
            "springs": [{"joints": [{"node": 1, "stiffness": 1.0, "dragForce": 0.5,
                                     "gravityDir": [0, -1, 0], "hitRadius": 0.1}, {"node": 2}],
                         "colliderGroups": [0]}],
            "colliders": [{"node": 0, "shape": {"capsule": {
                "offset": [0, 1, 0], "tail": [0, 2, 0], "radius": 0.1}}}],
            "colliderGroups": [{"colliders": [0]}]},
    }  # fmt: skip
    rows, values = board.view(b"\0\0\1\0"), board.view(np.zeros((2, 3), "f4").tobytes())
    board.chunk.accessors[board.attributes["NORMAL"]]["sparse"] = {
        "count": 2, "indices": {"bufferView": rows, "componentType": 5123},
        "values": {"bufferView": values},
    }  # fmt: skip
    return board


WHOLE = whole()


def outcome(path: Path, data: bytes) -> str:
    """What is said of the bytes; "" where they are read, with every picture tried."""
    path.write_bytes(data)
    try:
        one = load(path)
        for image in one.images:
            image.pixels()
    except UnderstudyError as error:
        said = str(error)
        assert said.endswith(".") and "\n" not in said and len(said) < 600, said
        return said
    world_p, world_r = one.skeleton.rest_globals
    springs, state = Springs(one), State()
    for tick in range(3):
        swung = springs.swing(state, world_p, world_r, tick / 60)
    assert np.isfinite(one.vertices(*swung)).all()
    assert len(one.mesh.triangles) == sum(part.count for part in one.mesh.parts)
    assert not len(one.mesh.triangles) or one.mesh.triangles.max() < len(one.mesh.positions)
    return ""


def test_the_whole_board_is_read(tmp_path):
    assert outcome(tmp_path / "a.vrm", WHOLE.data()) == ""


@settings(LIMITS, max_examples=150)
@given(data=mutations([WHOLE.data()]))
def test_no_damage_is_a_traceback(tmp_path, data):
    outcome(tmp_path / "a.vrm", data)


def places(value: Any, way: tuple = ()) -> list[tuple]:
    """The ways to every leaf and table of a JSON document."""
    found = [way] if way else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, below in items:
        found += places(below, (*way, key))
    return found


TREE = json.loads(json.dumps(WHOLE.whole()))
STRANGE = [-1, 0, 1, 3, 7, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e38, 1e308, -1e308, "", "x" * 300,
           None, True, [], {}, [[]], [1e308] * 16, [0] * 4, [3, 3, 3], "data:;base64,AAAA", "a\0b",
           "../../../../etc/passwd", "https://example.com/a.bin", 5121, 5126, "MAT4"]  # fmt: skip


@settings(LIMITS, max_examples=400)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(places(TREE)), st.sampled_from(STRANGE)), min_size=1, max_size=3
    )
)
def test_no_strange_value_is_a_traceback(tmp_path, changes):
    tree = copy.deepcopy(TREE)
    for way, value in changes:
        at: Any = tree
        for key in way[:-1]:
            at = at[key] if isinstance(at, list | dict) and _has(at, key) else None
        if isinstance(at, list | dict) and _has(at, way[-1]):
            at[way[-1]] = value
    tracemalloc.start()
    try:
        outcome(tmp_path / "a.vrm", packed(tree, bytes(WHOLE.chunk.data)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def _has(at: list | dict, key: Any) -> bool:
    return key in at if isinstance(at, dict) else isinstance(key, int) and key < len(at)


def test_every_cut_is_a_sentence(tmp_path):
    data = WHOLE.data()
    for end in range(0, len(data) - 1, 37):
        assert outcome(tmp_path / "a.glb", data[:end]), end


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t["accessors"][0].update(count=2**40), "outside of|more numbers|more than"),
        (lambda t: t["accessors"].__setitem__(0, {"count": 2**30, "type": "VEC3"}),
         "more than 2,000,000 vertices"),
        (lambda t: t["meshes"][0]["primitives"][0].update(indices=0), "no whole numbers|no list"),
        (lambda t: t["nodes"][0].update(children=[1, 1]), "no tree"),
        (lambda t: t["nodes"][1].update(children=[0]), "no tree"),
        (lambda t: t["nodes"].extend({} for _ in range(1 << 16)), "65,536 nodes"),
        (lambda t: t["nodes"][2].update(mesh=5), "there is no mesh 5"),
        (lambda t: t["nodes"][2].update(skin=5), "there is no skin 5"),
        (lambda t: t["nodes"][0].update(translation=[1e300, 0, 0]), "beyond all bounds"),
        (lambda t: t["skins"][0].update(joints=[0]), "beyond its skin's 1"),
        (lambda t: t["skins"][0].update(joints=[0, 99]), "names node 99"),
        (lambda t: t["images"][0].update(bufferView=0), "cannot be shown"),
        (lambda t: t["textures"][0].update(source=9), "there is no picture 9"),
        (lambda t: t["buffers"][0].update(uri="no.bin"), "no.bin, which is not beside it"),
        (lambda t: t["buffers"][0].update(uri="/dev/zero"), "no file beside it"),
        (lambda t: t["buffers"][0].update(uri="https://a.b/c.bin"), "no file beside it"),
        (lambda t: t["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}),
         "packed by meshopt"),
        (lambda t: t["meshes"][0]["primitives"][0].update(
            extensions={"KHR_draco_mesh_compression": {}}), "packed by Draco"),
    ],
)  # fmt: skip
def test_each_kind_of_damage_has_its_sentence(tmp_path, change, says):
    import re

    tree = copy.deepcopy(TREE)
    change(tree)
    assert re.search(says, outcome(tmp_path / "a.glb", packed(tree, bytes(WHOLE.chunk.data))))


def test_one_view_is_not_read_a_million_times(tmp_path):
    """A small file that names its numbers over and over stays small in memory."""
    board = Board()
    board.tree["nodes"] += [{"mesh": 0} for _ in range(6000)]
    board.chunk.put(np.zeros((200_000, 3), np.float32))
    board.attributes["POSITION"] = len(board.chunk.accessors) - 1
    for name in list(board.attributes):
        if name != "POSITION":
            del board.attributes[name]
    tracemalloc.start()
    assert "more numbers than can be read" in outcome(tmp_path / "a.glb", board.data())
    assert tracemalloc.get_traced_memory()[1] < 400 << 20
    tracemalloc.stop()


def test_a_picture_that_unpacks_to_gigabytes_is_refused_by_its_head(tmp_path):
    import io
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 6, 0, 0, 0)
    bomb = io.BytesIO()
    bomb.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head))
    bomb.write(chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b""))
    board = Board()
    board.material(bomb.getvalue())
    assert "more than the 64 million pixels" in outcome(tmp_path / "a.glb", board.data())
