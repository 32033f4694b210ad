"""One GL context for the session; every test leaves it without an error."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.viewport.camera import Camera, fov_of_lens
from understudy.runtime.viewport.renderer import Renderer

SIZE = (240, 160)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Meshes are built into a folder of the session's own."""
    before = os.environ.get("UNDERSTUDY_CACHE")
    os.environ["UNDERSTUDY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("UNDERSTUDY_CACHE")
    if before is not None:
        os.environ["UNDERSTUDY_CACHE"] = before


@pytest.fixture(scope="session")
def _session_renderer(_cache: None) -> Iterator[Renderer]:
    try:
        made = Renderer(*SIZE)
    except UnderstudyError as error:
        pytest.skip(f"no OpenGL here: {error}")
    yield made
    made.close()


@pytest.fixture
def renderer(_session_renderer: Renderer) -> Iterator[Renderer]:
    with _session_renderer.ctx:  # a command under test may have made a context of its own
        assert _session_renderer.ctx.error == "GL_NO_ERROR"
        yield _session_renderer
    with _session_renderer.ctx:
        assert _session_renderer.ctx.error == "GL_NO_ERROR"
        if (_session_renderer.width, _session_renderer.height) != SIZE:
            _session_renderer.resize(*SIZE, 1.0)


@pytest.fixture
def front() -> Camera:
    """Looks at a standing performer from 4 m in front."""
    return Camera(np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.9, 0.0]), fov_of_lens(40.0), *SIZE)


def standing(x: float = 0.0, name: str = "hero", **more: object) -> Subject:
    pose = Pose.rest(PERFORMER)
    pose.positions[0, 0] += x
    return Subject(name, PERFORMER, pose, **more)  # type: ignore[arg-type]


def frame_of(*subjects: Subject) -> Frame:
    return Frame(1, 0, 0, 60, 1, "00:00:00:00", list(subjects))
