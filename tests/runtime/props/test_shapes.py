"""Hulls of files, and what stands still: floors and sets."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from tests.runtime.props.stages import frame, place, simulation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.props import shapes, surroundings
from understudy.runtime.props.simulation import Simulation
from understudy.runtime.props.table import PropTable


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def stool(tmp_path):
    """A seat on a post: what is under its seat is free."""
    seat = trimesh.creation.box((0.6, 0.1, 0.6))
    seat.apply_translation((0.0, 0.55, 0.0))
    post = trimesh.creation.box((0.1, 0.5, 0.1))
    post.apply_translation((0.0, 0.25, 0.0))
    path = tmp_path / "stool.glb"
    trimesh.util.concatenate([seat, post]).export(path)
    return path


def test_a_file_that_is_hollow_is_several_hulls_which_are_kept(stool, monkeypatch):
    hulls = shapes.hulls(stool)
    assert len(hulls) == 2
    under = np.array([0.25, 0.3, 0.25])  # beside the post, in the shadow of the seat
    for hull in hulls:
        low, high = hull.min(0), hull.max(0)
        assert not np.all((low < under) & (under < high))
    monkeypatch.setattr(shapes, "decomposed", None)  # a second time nothing is reckoned
    again = shapes.hulls(stool, scale=2.0)
    assert all(np.array_equal(2.0 * a, b) for a, b in zip(hulls, again, strict=True))


@pytest.mark.slow
def test_a_thing_of_one_piece_is_taken_apart():
    bowl = trimesh.creation.annulus(r_min=0.2, r_max=0.25, height=0.2, sections=24)
    hulls = shapes.decomposed(np.array(bowl.vertices), np.array(bowl.faces))
    assert 4 <= len(hulls) <= shapes.MOST_HULLS
    # What is in the middle of the ring is in none of its pieces.
    assert all(np.hypot(*hull[:, :2].mean(0)) > 0.1 for hull in hulls)


def test_a_file_stands_on_its_foot_and_falls_as_what_it_is(stool):
    sim = simulation(PropTable(name="stool", shape=str(stool), at_m=[0.0, 0.2, 0.0]))
    assert place(sim, "stool").position == pytest.approx([0.0, 0.2, 0.0], abs=1e-6)
    for number in range(120):
        sim.take(frame(number))
    assert place(sim, "stool").position[1] == pytest.approx(0.0, abs=0.01)


def test_what_is_no_shape_is_a_sentence(tmp_path):
    path = tmp_path / "empty.glb"
    path.write_bytes(b"glTF no more")
    with pytest.raises(UnderstudyError, match=r"empty\.glb") as told:
        shapes.hulls(path)
    assert "\n" not in str(told.value)


def test_props_lie_on_the_steps_and_slide_down_the_ramp_of_a_floor_file(tmp_path):
    path = tmp_path / "floor.toml"
    path.write_text(
        "[[block]]\nat_m = [0.0, 0.0]\nsize_m = [1.0, 1.0]\nheight_m = 0.5\n"
        "[[ramp]]\nfrom_m = [5.0, 0.0]\nto_m = [5.0, 4.0]\nwidth_m = 2.0\nrise_m = 2.0\n"
        "[[steps]]\nfrom_m = [-5.0, 0.0]\nto_m = [-5.0, 2.0]\nwidth_m = 1.0\nrise_m = 0.8\n"
        "count = 4\n"
    )
    things = [
        PropTable(name="block", size_m=[0.2, 0.2, 0.2], at_m=[0.0, 0.6, 0.0]),
        PropTable(name="ball", shape="sphere", size_m=[0.2], at_m=[5.0, 2.0, 3.0]),
        PropTable(name="tread", size_m=[0.2, 0.2, 0.2], at_m=[-5.0, 0.7, 1.25]),
    ]
    sim = Simulation(things, 60.0, surroundings.of_floor(path))
    for number in range(90):
        sim.take(frame(number))
    assert place(sim, "block").position == pytest.approx([0.0, 0.6, 0.0], abs=0.01)
    assert place(sim, "tread").position == pytest.approx([-5.0, 0.7, 1.25], abs=0.01)
    assert place(sim, "ball").position[2] < 2.0 and place(sim, "ball").position[1] > 0.09


def test_a_set_is_hulls_and_a_hollow_room_its_walls():
    shelf = trimesh.creation.box((1.0, 0.5, 0.4))
    shelf.apply_translation((0.0, 0.25, 0.0))
    room = trimesh.creation.box((6.0, 3.0, 6.0))
    room.invert()  # seen from within
    room.apply_translation((0.0, 1.5, 0.0))
    both = trimesh.util.concatenate([shelf, room])
    solids = surroundings.of_mesh(np.array(both.vertices), np.array(both.faces))
    assert len(solids) == 6  # four walls and a lid, and the shelf; the floor is the ground's
    ground = surroundings.Ground(solids=solids)
    ball = PropTable(name="ball", shape="sphere", size_m=[0.3], at_m=[0.0, 0.9, 1.0])
    sim = Simulation([ball], 60.0, ground)
    prop = sim.world.named["ball"]
    sim.world.data.qvel[prop.v : prop.v + 3] = (9.0, 4.0, 2.0)
    for number in range(180):
        sim.take(frame(number))
    at = place(sim, "ball").position
    assert np.abs(at[[0, 2]]).max() < 2.9 and 0.1 < at[1] < 3.0


def test_the_tops_of_a_rooms_walls_are_no_ceiling():
    outer, inner = trimesh.creation.box((4.2, 2.5, 4.2)), trimesh.creation.box((4.0, 2.5, 4.0))
    inner.invert()
    corners = np.concatenate([outer.vertices, inner.vertices])
    corners[:, 1] += 1.25
    faces = [*outer.faces, *(inner.faces + 8)]
    flat = np.array([np.ptp(corners[face][:, 1]) < 1e-6 for face in faces])
    faces = np.array(faces)[~flat].tolist()  # no lid and no floor, but the walls' own tops
    top = [
        [n for n in range(16) if corners[n, 1] > 2.0 and (n < 8) is out] for out in (True, False)
    ]
    for outside, inside in zip(top[0], top[1], strict=True):
        other, within = (
            next(n for n in ring if n != first and corners[n, 0] == corners[first, 0])
            for ring, first in ((top[0], outside), (top[1], inside))
        )
        faces += [[outside, inside, other], [inside, within, other]]
    solids = surroundings.of_mesh(corners, np.array(faces))
    ball = PropTable(name="ball", shape="sphere", size_m=[0.3], at_m=[0.0, 3.0, 0.0])
    sim = Simulation([ball], 60.0, surroundings.Ground(solids=solids))
    for number in range(90):
        sim.take(frame(number))
    assert place(sim, "ball").position[1] < 1.0
