"""The demo's scene, drawn by Godot."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.clients.godot.test_rig import REST, STILL, performed
from understudy.runtime.core import rotation

from .words import packed

pytestmark = pytest.mark.clients


def orange(picture: np.ndarray) -> np.ndarray:
    """Where the body is that lives: (H, W)."""
    r, g, b = (picture[..., c].astype(int) for c in range(3))
    return (r > g + 25) & (g > b + 15) & (r > 90)


def test_the_mannequin_moves_and_the_label_says_so(godot, tmp_path):
    godot.ask("demo")
    pictures = []
    try:
        said, _ = godot.ask("picture")
        assert said == "waiting for VMC at port 39539"
        for k, yaw in enumerate((0.0, np.pi / 2)):
            turns = STILL.copy()
            turns[0] = rotation.from_yaw(yaw)
            p = performed(turns, REST[0])
            p.time_s = 1.0 + k / 30
            godot.give(packed(p))
            while godot.ask("seen")["stamp_s"] < p.time_s - 1e-3:
                godot.ask("picture")
            godot.ask("picture")
            said, drawn = godot.ask("picture")  # label and capsules follow a picture later
            assert said.startswith("live")
            image = Image.open(io.BytesIO(base64.b64decode(drawn))).convert("RGB")
            image.save(tmp_path / f"demo-{k}.png")
            pictures.append(np.asarray(image))
    finally:
        godot.ask("demo_over")
    wide = [np.ptp(np.nonzero(orange(picture).any(axis=0))[0]) for picture in pictures]
    tall = [np.ptp(np.nonzero(orange(picture).any(axis=1))[0]) for picture in pictures]
    assert wide[0] > 0.7 * tall[0] > 60  # a T-pose is about as wide as it is tall
    assert wide[1] < 0.6 * wide[0]  # from the side it is not
