"""Exports of a take, read by Blender: joint by joint in the world, at every frame."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.takes.shoots import ANN, CURVES, NEAR_DEG, NEAR_M, Shoot, assert_near, shoot
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes.take_export import export

from .conftest import SCENES

pytestmark = pytest.mark.clients
SCENE_FILES = ("glb", "usd", "fbx")


class Read:
    """What Blender found in a file."""

    def __init__(self, blender: Path, file: Path, take: Shoot) -> None:
        out = file.with_suffix(".npz")
        done = subprocess.run(
            [blender, SCENES / "exported.py", file, out, str(len(take.frames)), str(take.rate_hz)],
            capture_output=True, text=True, env=os.environ | {"PYTHONPATH": ""},
        )  # fmt: skip
        assert done.returncode == 0 and out.exists(), done.stdout + done.stderr
        self.found = dict(np.load(out))

    def names(self, kind: str) -> list[str]:
        return list(dict.fromkeys(k.split("/")[1] for k in self.found if k.startswith(f"{kind}/")))

    def places(self, *keys: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, N, 3) and rotations (T, N, 4)."""
        matrices = np.stack([self.found[key] for key in keys], axis=-3)
        turns = matrices[..., :3, :3]
        turns = turns / np.linalg.norm(turns, axis=-2, keepdims=True)
        return matrices[..., :3, 3], rotation.from_matrix(turns)

    def armature(self, name: str) -> str:
        return next(found for found in self.names("bone") if name in found)


@pytest.mark.parametrize(("rate_name", "rate_hz"), [("23.976", 60.0), ("29.97df", 120000 / 1001)])
def test_bvh(blender, tmp_path, rate_name, rate_hz):
    take = shoot(tmp_path / "a.mcap", rate_name, rate_hz)
    files = export(take.path, tmp_path / "a.bvh").files
    for file, name, skeleton in zip(files, ("ann", "ben"), (ANN, PERFORMER), strict=True):
        read = Read(blender, file, take)
        (armature,) = read.names("bone")
        places = read.places(*(f"bone/{armature}/{joint}" for joint in skeleton.names))
        # Blender's bones have axes of their own, which at zero angles are these.
        rest = read.places(*(f"rest/{armature}/{joint}" for joint in skeleton.names))[1]
        turned = rotation.multiply(places[1], rotation.conjugate(rest))
        assert_near((places[0], turned), take.world(name))


@pytest.fixture(autouse=True)
def _writes(monkeypatch, blender):
    """The Blender that reads writes the FBX, too."""
    monkeypatch.setenv("UNDERSTUDY_BLENDER_PYTHON", str(blender))


@pytest.mark.parametrize("suffix", SCENE_FILES)
@pytest.mark.parametrize(("rate_name", "rate_hz"), [("23.976", 60.0), ("29.97df", 120000 / 1001)])
def test_scenes(blender, tmp_path, suffix, rate_name, rate_hz):
    take = shoot(tmp_path / "a.mcap", rate_name, rate_hz)
    (file,) = export(take.path, tmp_path / f"a.{suffix}").files
    read = Read(blender, file, take)
    for name, skeleton in (("ann", ANN), ("ben", PERFORMER)):
        armature = read.armature(name)
        assert len([k for k in read.found if k.startswith(f"bone/{armature}/")]) == len(skeleton)
        found = read.places(*(f"bone/{armature}/{joint}" for joint in skeleton.names))
        assert_near(found, take.world(name))
    (face,) = [name for name in read.names("shape") if "ann" in name]
    values = np.stack([read.found[f"shape/{face}/{curve}"] for curve in CURVES], axis=1)
    assert np.abs(values - take.curves()).max() < 1e-4
    (camera,) = read.names("camera")
    assert "A" in camera and "cam" in camera
    position, turn = read.places(f"camera/{camera}")
    assert_near((position[:, 0], turn[:, 0]), take.rigid("cameras"))
    lens, sent = read.found[f"lens/{camera}"], take.lens()
    fov_rad = 2.0 * np.arctan(0.5 * sent[:, 2] / sent[:, 0])
    assert np.abs(lens[:, 0] - fov_rad).max() < np.deg2rad(NEAR_DEG)
    if suffix != "glb":  # which has an angle of view alone
        assert np.abs(lens[:, 1] - sent[:, 0]).max() < 1e-3
        assert np.abs(lens[:, 2:4] - sent[:, 1:3]).max() < 1e-3
    if suffix == "usd":  # Blender reads a thousandth of an FBX's focus, and iris is not in it
        assert np.abs(lens[:, 4] - sent[:, 3]).max() < NEAR_M
        assert np.abs(lens[:, 5] - sent[:, 4]).max() < 1e-5
    prop = next(name for name in read.names("empty") if "ball" in name)
    position, turn = read.places(f"empty/{prop}")
    assert_near((position[:, 0], turn[:, 0]), take.rigid("props"))
