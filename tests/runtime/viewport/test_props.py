"""Props as what they are: in the picture, in their colour, with a shadow."""

from __future__ import annotations

import numpy as np
import trimesh

from understudy.runtime.core.pose import Prop
from understudy.runtime.props.table import PropTable
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.props import of_session
from understudy.runtime.viewport.renderer import Options, Renderer

from .conftest import frame_of, standing

STILL = np.array([0.0, 0.0, 0.0, 1.0])


def seen(renderer: Renderer, camera: Camera, *props: Prop, **options) -> np.ndarray:
    """(H, W, 3) 0..255 of somebody far off to the left, and props."""
    frame = frame_of(standing(-3.5))
    frame.props = list(props)
    renderer.draw(frame, camera, Options(effect=False, hud=False, labels=False, **options))
    return renderer.read().astype(float)


def test_a_prop_is_drawn_in_its_colour_and_throws_a_shadow(renderer: Renderer, front: Camera):
    table = PropTable(name="crate", size_m=[0.5, 0.5, 0.5], material="plastic")
    marks = seen(renderer, front, Prop("crate", np.array([0.0, 0.25, 0.0]), STILL))
    renderer.props.tables = {"crate": table}
    here = seen(renderer, front, Prop("crate", np.array([0.0, 0.25, 0.0]), STILL))
    assert renderer.props.shown == {"crate"}
    gone = seen(renderer, front)
    width = here.shape[1]
    blue = (here[..., 2] > here[..., 0] + 25.0) & (np.abs(here - gone).max(2) > 20.0)
    assert blue.mean() > 0.005
    assert np.abs(here - marks).max(2)[blue].mean() > 30.0  # a mark alone is a thin cross
    columns = np.nonzero(blue)[1]
    assert abs(columns.mean() - 0.5 * width) < 0.1 * width
    plain = seen(renderer, front, Prop("crate", np.array([0.0, 0.25, 0.0]), STILL), shadows=False)
    darker = (plain - here).max(2) > 10.0
    assert darker.mean() > 0.001
    renderer.props.tables = {}


def test_a_prop_of_a_file_is_the_files_mesh_and_one_that_is_gone_is_said(
    renderer: Renderer, front: Camera, tmp_path
):
    path = tmp_path / "post.glb"
    trimesh.creation.box((0.2, 1.0, 0.2)).export(path)
    empty = seen(renderer, front)
    renderer.props.tables = {
        "post": PropTable(name="post", shape=str(path), scale=1.5),
        "gone": PropTable(name="gone", shape=str(tmp_path / "gone.glb")),
    }
    here = seen(
        renderer, front, Prop("post", np.array([0.0, 0.75, 0.0]), STILL),
        Prop("gone", np.array([2.0, 0.0, 0.0]), STILL),
    )  # fmt: skip
    there = np.abs(here - empty).max(2) > 20.0
    rows = np.flatnonzero(there.any(1))
    assert np.ptp(rows) > 0.3 * len(here)  # a metre and a half
    assert renderer.props.shown == {"post"}
    assert any("gone" in note for note in renderer.props.notes)
    renderer.props.tables = {}


def test_a_takes_session_says_what_its_props_are():
    assert of_session("[[prop]]\nname = 'a'\nmaterial = 'stone'\n")["a"].material == "stone"
    assert of_session("[[prop]]\nname = 'a'\nmaterial = 'cheese'\n") == {} == of_session("= no")
