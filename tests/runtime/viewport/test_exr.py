"""Frames with data: what compositing programs read, in linear light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.exr import Exrs
from understudy.runtime.viewport.renderer import Options, Renderer

from .conftest import SIZE, frame_of, standing

OpenEXR = pytest.importorskip("OpenEXR")


@pytest.fixture
def linear(front: Camera):
    """A renderer of its own that keeps its light linear."""
    try:
        renderer = Renderer(*SIZE)
    except UnderstudyError as error:
        pytest.skip(f"no OpenGL here: {error}")
    with renderer, renderer.ctx:
        renderer.keep_linear()
        yield renderer


def test_a_frame_has_light_depth_normals_and_albedo(linear, front: Camera, tmp_path: Path):
    linear.draw(frame_of(standing()), front, Options())
    out = Exrs(tmp_path / "frames")
    out.add(linear.data(front))
    out.close()
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["frame_000000.exr"]
    path = str(tmp_path / "frames" / "frame_000000.exr")
    with OpenEXR.File(path, separate_channels=True) as file:
        read = {name: channel.pixels for name, channel in file.channels().items()}
    layers = {f"N.{axis}" for axis in "XYZ"} | {f"albedo.{colour}" for colour in "RGB"}
    assert set(read) == {"R", "G", "B", "Z", "id", "motion.X", "motion.Y"} | layers
    assert set(np.unique(read["id"])) == {0.0, 1.0}
    depth = read["Z"]
    assert depth.shape == (SIZE[1], SIZE[0]) and np.isinf(depth[0]).all()  # the sky
    chest = SIZE[1] // 2 - 10, SIZE[0] // 2
    assert 3.6 < depth[chest] < 4.1  # he stands 4 m away
    normal = np.stack([read[f"N.{axis}"] for axis in "XYZ"], -1)
    assert normal[chest][2] > 0.6  # and faces the camera, along +Z
    ground = normal[-3, 20].astype(float)
    assert np.allclose(ground, (0.0, 1.0, 0.0), atol=0.02)
    light = np.stack([read[colour] for colour in "RGB"], -1).astype(float)
    assert np.isfinite(light).all() and light[0].mean() > light[-1].mean() > 0.01


def test_the_picture_is_the_same_whether_light_is_kept_or_not(
    linear, renderer: Renderer, front: Camera
):
    cast = frame_of(standing())
    seen = []
    for one in (linear, renderer):
        with one.ctx:
            one.draw(cast, front, Options())
            seen.append(one.read().astype(int))
    off = np.abs(seen[0] - seen[1]).max(axis=2)  # but for the smoothing of edges
    assert off.mean() < 0.5 and (off > 8).mean() < 0.01


def test_what_cannot_be_written_is_a_sentence_and_leaves_nothing(tmp_path: Path):
    out = Exrs(tmp_path)
    with pytest.raises(UnderstudyError, match="could not be written"):
        out.add({
            "colour": np.zeros((4, 4, 3)), "depth": np.zeros((3, 3), np.float32),
            "normal": np.zeros((4, 4, 3)), "albedo": np.zeros((4, 4, 3)),
            "motion": np.zeros((4, 4, 2)), "id": np.zeros((4, 4)),
        })  # fmt: skip
    assert not list(tmp_path.iterdir())
