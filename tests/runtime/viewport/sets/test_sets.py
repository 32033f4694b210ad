"""Sets: what stands in them, what is read of a file, what is said of one that is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.runtime.characters.models import Board
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport import look
from understudy.runtime.viewport.sets import scenery
from understudy.runtime.viewport.sets.builder import Builder, Paint

# A person who stands on a mark takes this room.
WIDE_M, TALL_M = 0.3, 1.9


@pytest.mark.parametrize("name", scenery.OURS)
def test_our_sets_are_light_and_the_same_for_a_seed(name: str) -> None:
    one, again, other = (scenery.load(said) for said in (name, f"{name}?seed=1", f"{name}?seed=2"))
    mesh = one.body.mesh
    assert 500 < len(mesh.triangles) < 25_000 and len(one.body.materials) < 60
    np.testing.assert_array_equal(mesh.positions, again.body.mesh.positions)
    assert mesh.positions.shape != other.body.mesh.positions.shape or not np.array_equal(
        mesh.positions, other.body.mesh.positions
    )
    assert np.isfinite(mesh.positions).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-4)
    assert one.lamps and len(one.lamps) <= scenery.MOST_LAMPS
    look.parse(one.sun)


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
@pytest.mark.parametrize("name", scenery.OURS)
def test_there_is_a_floor_and_room_at_every_mark(name: str, seed: int) -> None:
    found = scenery.load(f"{name}?seed={seed}")
    corners = found.body.mesh.positions[found.body.mesh.triangles]
    for mark, x, z, _ in found.marks:
        low, high = corners.min(1), corners.max(1)
        near = np.abs(np.clip([x, z], low[:, ::2], high[:, ::2]) - [x, z]).max(1) < WIDE_M
        floor = corners[near][:, :, 1].max(1)
        ground = floor[floor < 0.2].max()
        within = (low[:, 1] < ground + TALL_M) & (high[:, 1] > ground + 0.05)
        assert not (near & within).any(), mark
        assert -0.01 <= ground < 0.16


def test_shapes_look_outwards() -> None:
    build = Builder()
    build.box(Paint((1, 0, 0)), (3.0, 0.0, 1.0), (1.0, 2.0, 0.5), 30.0)
    build.turned(Paint((0, 1, 0), rough=0.2), (0.0, 1.0, 0.0), [(0.2, 0.0), (0.5, 0.4), (0.1, 0.8)])
    mesh = build.character("shapes").mesh
    for part, middle in zip(mesh.parts, ((3.0, 1.0, 1.0), (0.0, 1.4, 0.0)), strict=True):
        faces = mesh.triangles[part.first : part.first + part.count]
        corners = mesh.positions[faces]
        way = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        out = corners.mean(1) - middle
        assert ((way * out).sum(1) > 0.0).all()
        assert ((mesh.normals[faces].mean(1) * out).sum(1) > 0.0).all()


def test_a_files_lamps_stand_where_its_nodes_do(tmp_path: Path) -> None:
    board = Board()
    lights = [
        {"type": "point", "intensity": 1200.0, "color": [1.0, 0.5, 0.25]},
        {"type": "spot", "intensity": 2400.0, "range": 8.0,
         "spot": {"innerConeAngle": 0.2, "outerConeAngle": 0.5}},
        {"type": "directional", "intensity": 3.0},
    ]  # fmt: skip
    board.tree["extensions"] = {"KHR_lights_punctual": {"lights": lights}}
    down = {"rotation": [-np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]}  # -Z looks down
    board.nodes[0]["children"].append(3)
    for k, more in enumerate(({}, down, {})):
        use = {"extensions": {"KHR_lights_punctual": {"light": k}}}
        board.nodes.append({"name": f"lamp {k}", "translation": [1.0, 2.0 + k, 0.0], **more, **use})
    found = scenery.load(str(board.save(tmp_path / "set.glb")))
    point, spot = found.lamps
    assert point.at == (1.0, 2.0, 0.0) and point.colour == (1.0, 0.5, 0.25) and point.outer == -2.0
    assert spot.colour == (2.0, 2.0, 2.0) and spot.reach_m == 8.0
    np.testing.assert_allclose(spot.way, (0.0, -1.0, 0.0), atol=1e-6)
    np.testing.assert_allclose(spot.outer, np.cos(0.5), atol=1e-6)
    assert any("--sun" in note for note in found.notes)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("steet", "did you mean 'street'"),
        ("street?seed=x", "takes \\?seed=NUMBER"),
        ("street?size=3", "takes \\?seed=NUMBER"),
        ("nowhere.glb", "There is no set nowhere.glb"),
        ("set.obj", "none"),
    ],
)
def test_what_is_no_set_is_one_sentence(said: str, why: str) -> None:
    with pytest.raises(UnderstudyError, match=why):
        scenery.load(said)
