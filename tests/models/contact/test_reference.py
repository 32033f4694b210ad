"""The references, against what geometry says; the scenes; the data set."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("embreex")

from understudy.models.contact import data, reference, scenes, shapes


def ao(mesh: shapes.Mesh, point, normal, radius_m: float, samples: int = 4096) -> float:
    world = np.array([[*point, *normal]], float)
    tracer = reference.Tracer(mesh)
    rng = np.random.default_rng(0)
    return float(reference.occlusion(tracer, world, np.array([radius_m]), samples, rng)[0, 0])


FLOOR = shapes.box((20.0, 0.1, 20.0)).moved(np.array([0.0, -0.1, 0.0]))


def test_an_open_floor_is_open():
    assert ao(FLOOR, (0, 0, 0), (0, 1, 0), 1.0) == 1.0


def test_the_foot_of_a_wall_sees_half_the_hemisphere():
    wall = shapes.box((20.0, 10.0, 0.1)).moved(np.array([0.0, 0.0, -0.051]))
    mesh = shapes.join([FLOOR, wall])
    assert ao(mesh, (0, 0, 0), (0, 1, 0), 5.0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("height_m", [0.4, 0.8])
def test_a_ball_overhead_hides_its_share(height_m):
    """A sphere that is seen whole, straight above, hides (r / h)^2 of the cosine's hemisphere."""
    r = 0.25
    at = np.array([0.0, height_m - r, 0.0])
    mesh = shapes.join([FLOOR, shapes.sphere(r).moved(at)])
    want = 1.0 - (r / height_m) ** 2
    assert ao(mesh, (0, 0, 0), (0, 1, 0), 3.0) == pytest.approx(want, abs=0.012)


def test_what_lies_beyond_the_radius_does_not_count():
    mesh = shapes.join([FLOOR, shapes.sphere(0.25).moved(np.array([0.0, 0.6, 0.0]))])
    assert ao(mesh, (0, 0, 0), (0, 1, 0), 0.5) == 1.0
    assert ao(mesh, (0, 0, 0), (0, 1, 0), 0.9) < 0.95


def test_the_gbuffer_holds_depth_along_the_view_and_view_normals():
    view = scenes.look_at(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 0.0]), math.radians(60))
    wall = shapes.box((20.0, 10.0, 0.1)).moved(np.array([0.0, -5.0, -0.05]))
    scene = scenes.Scene(wall, view)
    image, world = reference.gbuffer(reference.Tracer(wall), scene, 16, 9)
    assert np.allclose(image[..., 3], 4.0, atol=1e-3)  # the same everywhere: not along the ray
    assert np.allclose(image[..., :3], [0.0, 0.0, 1.0], atol=1e-5)
    assert world[0, 8, 1] < world[-1, 8, 1]  # the lowest row first


def test_meshes_are_closed_and_their_normals_point_outwards():
    rng = np.random.default_rng(1)
    a, b = np.array([0.0, 0.5, 0.0]), np.array([0.2, 1.0, 0.1])
    for mesh in (
        shapes.capsule(a, b, 0.1, 0.06), shapes.box((0.5, 1.0, 0.3)), shapes.sphere(0.3),
        shapes.torus(0.4, 0.1), shapes.table(rng), shapes.stairs(rng), shapes.cylinder(0.2, 0.9),
    ):  # fmt: skip
        lengths = np.linalg.norm(mesh.normals, axis=1)
        assert np.allclose(lengths, 1.0, atol=1e-6)
        p = mesh.vertices[mesh.faces]
        flat = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        area = np.linalg.norm(flat, axis=1)
        along = np.abs(np.einsum("fi,fi->f", flat, mesh.normals[mesh.faces].mean(1)))
        keep = area > 1e-9
        assert np.median(along[keep] / area[keep]) > 0.9


def quiet(items, total, label):
    yield from items


def test_a_set_is_made_once_and_read_again(tmp_path):
    recipe = data.Recipe(7, 2, width=64, height=36, pixels=50, samples=8)
    made = data.load_or_make(recipe, tmp_path, None, quiet)
    again = data.load_or_make(recipe, tmp_path, None, None)  # nothing is traced any more
    assert np.array_equal(made.ao, again.ao) and made.ao.shape == (100, 4)
    assert len(list(tmp_path.iterdir())) == 1
    assert (made.ao >= 0).all() and (made.ao <= 1).all()
    assert made.ao.std() > 0.02


def test_a_longer_set_begins_with_the_shorter_ones_images():
    small = data.Recipe(7, 1, width=48, height=27, pixels=10, samples=4)
    one = data.make(small, None, quiet)
    two = data.make(data.Recipe(7, 2, width=48, height=27, pixels=10, samples=4), None, quiet)
    assert np.array_equal(one.image(0), two.image(0))


def test_held_out_clips_are_no_training_clips(tmp_path):
    for i in range(12):
        (tmp_path / f"{i:02}.bvh").touch()
    train, test = (set(scenes.Poses(tmp_path, held).clips) for held in (False, True))
    assert train and test and not train & test and len(train | test) == 12
