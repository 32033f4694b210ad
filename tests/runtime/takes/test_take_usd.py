"""USD by Pixar's own library: joint by joint in the world, and by every check of usdchecker."""

from __future__ import annotations

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation

from tests.runtime.takes.shoots import ANN, CURVES, assert_near, shoot
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes.take_export import export


def faults(stage: Usd.Stage) -> list[str]:
    """What the command usdchecker would say."""
    registry = UsdValidation.ValidationRegistry()
    context = UsdValidation.ValidationContext(registry.GetOrLoadAllValidators())
    return [error.GetMessage() for error in context.Validate(stage)]


def places(matrices: list[Gf.Matrix4d]) -> tuple[np.ndarray, np.ndarray]:
    """Of matrices (..., 4, 4), which USD has for row vectors."""
    m = np.swapaxes(np.array(matrices), -1, -2)
    return m[..., :3, 3], rotation.from_matrix(m[..., :3, :3])


def world(prim: Usd.Prim, rows: int) -> tuple[np.ndarray, np.ndarray]:
    xform = UsdGeom.Xformable(prim)
    return places([xform.ComputeLocalToWorldTransform(row) for row in range(rows)])


@pytest.mark.parametrize(
    ("suffix", "rate_name", "rate_hz"),
    [("usd", "23.976", 60.0), ("usda", "29.97df", 120000 / 1001)],
)
def test_a_take_as_usd(tmp_path, suffix, rate_name, rate_hz):
    take = shoot(tmp_path / "a.mcap", rate_name, rate_hz)
    rows = len(take.frames)
    (file,) = export(take.path, tmp_path / f"a.{suffix}").files
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mcap", f"a.{suffix}"]
    stage = Usd.Stage.Open(str(file))
    assert faults(stage) == []
    assert UsdGeom.GetStageUpAxis(stage) == "Y" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetTimeCodesPerSecond() == pytest.approx(rate_hz, rel=1e-12)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0.0, rows - 1.0)
    cache = UsdSkel.Cache()
    for name, skeleton in (("ann", ANN), ("ben", PERFORMER)):
        root = UsdSkel.Root(stage.GetPrimAtPath(f"/Take/{name}"))
        cache.Populate(root, Usd.PrimDefaultPredicate)
        (binding,) = cache.ComputeSkelBindings(root, Usd.PrimDefaultPredicate)
        query = cache.GetSkelQuery(binding.GetSkeleton())
        assert tuple(query.GetSkeleton().GetJointNamesAttr().Get()) == skeleton.names
        found = places([query.ComputeJointSkelTransforms(row) for row in range(rows)])
        assert_near(found, take.world(name))
        samples = query.GetAnimQuery().GetJointTransformTimeSamples()
        assert samples == list(range(rows))
    moves = UsdSkel.Animation(stage.GetPrimAtPath("/Take/ann/ann_Animation"))
    assert tuple(moves.GetBlendShapesAttr().Get()) == CURVES
    face = [np.array(moves.GetBlendShapeWeightsAttr().Get(row)) for row in range(rows)]
    assert np.abs(np.array(face) - take.curves()).max() < 1e-6
    assert_near(world(stage.GetPrimAtPath("/Take/A_cam"), rows), take.rigid("cameras"))
    assert_near(world(stage.GetPrimAtPath("/Take/ball"), rows), take.rigid("props"))
    for row in (0, 40, rows - 1):
        # Gf's camera, too, is in tenths of a scene unit, a metre here.
        lens = UsdGeom.Camera(stage.GetPrimAtPath("/Take/A_cam")).GetCamera(row)
        mm = [100.0 * v for v in (lens.focalLength, lens.horizontalAperture, lens.verticalAperture)]
        assert [*mm, lens.focusDistance, lens.fStop] == pytest.approx(take.lens()[row], rel=1e-6)
    seen = UsdGeom.Imageable(stage.GetPrimAtPath("/Take/ben"))
    assert [seen.ComputeVisibility(row) for row in (0, 24, 25, rows - 1)] == (
        ["invisible"] * 2 + ["inherited"] * 2
    )
    said = stage.GetDefaultPrim().GetCustomDataByKey("understudy")
    assert said["start_timecode"] == take.frames[0].timecode and said["timecode_rate"] == rate_name
    assert said["markers"]["n0"] == {"row": 30, "text": "he turns"}


def test_the_checks_can_fail(tmp_path):
    assert any("upAxis" in fault for fault in faults(Usd.Stage.CreateInMemory()))


def test_names_that_no_prim_can_have_are_made_so_and_kept_as_display_names(tmp_path):
    take = shoot(tmp_path / "a.mcap", frames=3, late=1, names=("1 a/b", "1 a b"))
    stage = Usd.Stage.Open(str(export(take.path, tmp_path / "a.usda").files[0]))
    assert faults(stage) == []
    shown = {p.GetDisplayName() for p in stage.GetPrimAtPath("/Take").GetChildren()}
    assert {"1 a/b", "1 a b"} <= shown
