"""The previs film: every shot can be performed, lit and framed."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.demos import previs
from understudy.runtime.sources.controls.pad_script import PadScript
from understudy.runtime.viewport import look
from understudy.runtime.viewport.sets import scenery

SECONDS = 12.0


@pytest.mark.parametrize("shot", previs.SHOTS, ids=[shot.name for shot in previs.SHOTS])
def test_a_shot_has_its_set_light_people_and_a_camera_that_sees_them(shot, tmp_path) -> None:
    scenery.check(shot.set)
    look.made(shot.sun, **dict(shot.words))
    for role in shot.roles:
        assert (previs.PEOPLE / f"{role.person}.glb").is_file()
        script = tmp_path / "pad.toml"
        script.write_text(previs.pad(role))
        PadScript(script)
    seen = previs.camera(shot, 0.0, SECONDS, (960, 540))
    heads = np.array([[role.x, 1.4, role.z] for role in shot.roles])
    at, depth_m = seen.project(heads)
    assert (depth_m > 0.3).all()
    assert ((at > 0.0) & (at < (960.0, 540.0))).all(1).any(), "nobody is in the picture"
    last = previs.camera(shot, SECONDS, SECONDS, (960, 540))
    moved_m = np.linalg.norm(last.position - seen.position)
    assert moved_m < 12.0 and last.position[1] > 0.3
