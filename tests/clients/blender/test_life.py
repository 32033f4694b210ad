"""The add-on in a Blender that is worked with: undo, files, switching off, rendering, restarts."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", ["undo", "clean"])
def test_scene(stage, scene, name):
    assert scene(name, stage.publish).said == "done"
