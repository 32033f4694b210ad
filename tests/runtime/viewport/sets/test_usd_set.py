"""USD stages as sets: everything stands where USD's own library says, in metres, +Y up."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.sets import scenery

pxr = pytest.importorskip("pxr")
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdShade  # noqa: E402


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "set.usda"


def begun(file: Path, up: str = "Z", unit_m: float = 0.01) -> Usd.Stage:
    stage = Usd.Stage.CreateNew(str(file))
    UsdGeom.SetStageUpAxis(stage, up)
    UsdGeom.SetStageMetersPerUnit(stage, unit_m)
    return stage


def board(stage: Usd.Stage, path: str, side: float = 100.0) -> UsdGeom.Mesh:
    """A square that faces +Z, one corner at the origin."""
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr([(0, 0, 0), (side, 0, 0), (side, side, 0), (0, side, 0)])
    mesh.CreateFaceVertexCountsAttr([4])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 3])
    mesh.CreateSubdivisionSchemeAttr("none")
    return mesh


def extent(file: Path) -> tuple[np.ndarray, np.ndarray]:
    low, high = scenery.load(str(file)).bounds()
    return np.round(low, 4), np.round(high, 4)


def test_it_stands_in_metres_with_y_up(file: Path) -> None:
    stage = begun(file)
    stage.DefinePrim("/root", "Xform")
    UsdGeom.XformCommonAPI(stage.GetPrimAtPath("/root")).SetTranslate((200.0, 0.0, 50.0))
    board(stage, "/root/floor")
    stage.Save()
    low, high = extent(file)  # theirs x y z is ours x z -y
    assert np.allclose(low, [2.0, 0.5, -1.0]) and np.allclose(high, [3.0, 0.5, 0.0])
    mesh = scenery.load(str(file)).body.mesh
    assert np.allclose(mesh.normals, [0.0, 1.0, 0.0], atol=1e-6)
    a, b, c = mesh.positions[mesh.triangles[0]]
    assert np.cross(b - a, c - a)[1] > 0.0  # seen from above


def test_instances_stand_where_usd_itself_puts_them(file: Path) -> None:
    stage = begun(file, "Y", 1.0)
    instancer = UsdGeom.PointInstancer.Define(stage, "/many")
    UsdGeom.XformCommonAPI(instancer).SetTranslate((10.0, 0.0, 0.0))
    board(stage, "/many/board", 1.0)
    UsdGeom.XformCommonAPI(stage.GetPrimAtPath("/many/board")).SetTranslate((0.0, 2.0, 0.0))
    instancer.CreatePrototypesRel().SetTargets([Sdf.Path("/many/board")])
    instancer.CreateProtoIndicesAttr([0, 0, 0])
    instancer.CreatePositionsAttr([(0, 0, 0), (5, 0, 0), (0, 0, 7)])
    instancer.CreateScalesAttr([(1, 1, 1), (2, 2, 2), (1, 1, 1)])
    native = stage.DefinePrim("/twice", "Xform")
    native.GetReferences().AddInternalReference("/one")
    native.SetInstanceable(True)
    UsdGeom.XformCommonAPI(native).SetTranslate((0.0, 0.0, -9.0))
    stage.OverridePrim("/one")
    board(stage, "/one/part", 1.0)
    stage.Save()
    cache = UsdGeom.BBoxCache(Usd.TimeCode(0), [UsdGeom.Tokens.default_])
    box = cache.ComputeWorldBound(stage.GetPseudoRoot()).ComputeAlignedRange()
    low, high = extent(file)
    assert np.allclose(low, box.GetMin(), atol=1e-4) and np.allclose(high, box.GetMax(), atol=1e-4)
    assert len(scenery.load(str(file)).body.mesh.triangles) >= 2 * 4


def test_materials_pictures_subsets_and_colours(file: Path) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (4, 4), (255, 0, 0)).save(picture, "PNG")
    (file.parent / "red.png").write_bytes(picture.getvalue())
    stage = begun(file, "Y", 1.0)
    mesh = UsdGeom.Mesh.Define(stage, "/two")
    mesh.CreatePointsAttr([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (2, 0, 0), (2, 1, 0)])
    mesh.CreateFaceVertexCountsAttr([4, 4])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 3, 1, 4, 5, 2])
    st = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
        "st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying
    )
    st.Set([(0, 0), (1, 0), (1, 1), (0, 1)] * 2)
    other = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
        "other", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.constant
    )
    other.Set([(0.25, 0.75)])
    glass = UsdShade.Material.Define(stage, "/glass")
    shader = UsdShade.Shader.Define(stage, "/glass/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("opacity", Sdf.ValueTypeNames.Float).Set(0.3)
    shader.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(1.0)
    look_up = UsdShade.Shader.Define(stage, "/glass/picture")
    look_up.CreateIdAttr("UsdUVTexture")
    look_up.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("./red.png")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(
        look_up.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    )
    turned = UsdShade.Shader.Define(stage, "/glass/turned")
    turned.CreateIdAttr("UsdTransform2d")
    turned.CreateInput("scale", Sdf.ValueTypeNames.Float2).Set((2.0, 3.0))
    turned.CreateInput("rotation", Sdf.ValueTypeNames.Float).Set(90.0)
    turned.CreateInput("translation", Sdf.ValueTypeNames.Float2).Set((0.1, 0.2))
    lies = UsdShade.Shader.Define(stage, "/glass/lies")
    lies.CreateIdAttr("UsdPrimvarReader_float2")
    lies.CreateInput("varname", Sdf.ValueTypeNames.String).Set("other")
    turned.CreateInput("in", Sdf.ValueTypeNames.Float2).ConnectToSource(
        lies.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    )
    look_up.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(
        turned.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    )
    glass.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    subset = UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).CreateMaterialBindSubset(
        "right", [1]
    )
    UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(glass)
    mesh.CreateDisplayColorAttr([(0.2, 0.4, 0.6)])
    stage.Save()
    body = scenery.load(str(file)).body
    looks = {part.material: part.count for part in body.mesh.parts}
    assert sorted(looks.values()) == [2, 2]
    made = next(m for m in body.materials if m.name == "/glass")
    assert (made.alpha, made.metallic) == ("BLEND", 1.0)
    assert made.colour[3] == pytest.approx(0.3)
    assert made.colour_map is not None
    assert (body.images[made.colour_map.image].pixels() == [255, 0, 0, 255]).all()
    # Theirs (0.25, 0.75), which goes up: scaled, turned, moved, it is (-2.15, 0.7).
    at = body.mesh.uvs[body.mesh.positions[:, 0] > 1.5][:, :2]
    assert np.allclose(at, (0.25, 0.25))
    turn = np.array(made.colour_map.turn)
    assert np.allclose(turn @ (0.25, 0.25, 1.0), (-2.15, 1.0 - 0.7))
    plain = body.mesh.colours[body.mesh.positions[:, 0] < 0.5]
    assert np.allclose(plain[:, :3], [51, 102, 153], atol=1)
    corner = body.mesh.uvs[np.argmin(body.mesh.positions.sum(1))]
    assert np.allclose(corner[:2], [0.0, 1.0])  # v goes down here


def test_lamps_are_lit_and_hidden_things_are_not_there(file: Path) -> None:
    stage = begun(file, "Y", 1.0)
    board(stage, "/floor", 1.0)
    hidden = board(stage, "/hidden", 50.0)
    UsdGeom.Imageable(hidden).MakeInvisible()
    bulb = UsdLux.SphereLight.Define(stage, "/bulb")
    bulb.CreateIntensityAttr(1000.0)
    bulb.CreateColorAttr(Gf.Vec3f(1.0, 0.5, 0.25))
    UsdGeom.XformCommonAPI(bulb).SetTranslate((0.0, 3.0, 0.0))
    spot = UsdLux.DiskLight.Define(stage, "/spot")
    UsdGeom.XformCommonAPI(spot).SetRotate((-90.0, 0.0, 0.0))
    UsdLux.ShapingAPI.Apply(spot.GetPrim()).CreateShapingConeAngleAttr(30.0)
    UsdLux.DistantLight.Define(stage, "/sun")
    stage.Save()
    made = scenery.load(str(file))
    assert made.bounds()[1].max() < 2.0
    lamp = next(one for one in made.lamps if one.outer < -1.0)
    assert lamp.at == (0.0, 3.0, 0.0)
    assert lamp.colour[0] == pytest.approx(2.0 * lamp.colour[1])
    cone = next(one for one in made.lamps if one.outer > 0.0)
    assert np.allclose(cone.way, [0.0, -1.0, 0.0], atol=1e-6)
    assert cone.outer == pytest.approx(np.cos(np.radians(30.0)), abs=1e-6)
    assert any("sun" in note for note in made.notes)


def test_shapes_that_are_only_named_have_their_size(file: Path) -> None:
    stage = begun(file, "Z", 1.0)
    tube = UsdGeom.Cylinder.Define(stage, "/tube")
    tube.CreateHeightAttr(4.0)
    tube.CreateRadiusAttr(0.5)
    tube.CreateAxisAttr("X")
    UsdGeom.Cube.Define(stage, "/cube").CreateSizeAttr(3.0)
    UsdGeom.Sphere.Define(stage, "/ball").CreateRadiusAttr(1.0)
    pill = UsdGeom.Capsule.Define(stage, "/pill")
    pill.CreateHeightAttr(1.0)
    pill.CreateRadiusAttr(0.3)
    stage.Save()
    low, high = extent(file)
    assert np.allclose(low, [-2.0, -1.5, -1.5]) and np.allclose(high, [2.0, 1.5, 1.5])
    mesh = scenery.load(str(file)).body.mesh
    at = mesh.positions[mesh.triangles]
    out = np.einsum("fi,fi->f", np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]), at.mean(1))
    assert (out > -1e-9).all()  # all are seen from outside


def test_attributes_of_a_wrong_type_cost_their_mesh_alone(file: Path) -> None:
    stage = begun(file, "Y", 1.0)
    board(stage, "/good", 2.0)
    stage.Save()
    square = "point3f[] points = [(0, 0, 0), (5, 0, 0), (5, 5, 0), (0, 5, 0)]"
    other = file.with_name("other.usda")  # a layer that is open is not read again
    other.write_text(file.read_text())
    with other.open("a") as out:
        for name, words in (
            ("lost", 'token points = "wrong"'),
            ("own", f'{square}\ntoken normals = "wrong"\nuniform token subdivisionScheme = "none"'),
        ):
            faces = "int[] faceVertexCounts = [4]\nint[] faceVertexIndices = [0, 1, 2, 3]"
            out.write(f'\ndef Mesh "{name}"\n{{\n{words}\n{faces}\n}}\n')
    body = scenery.load(str(other)).body
    assert len(body.mesh.triangles) == 4  # the good one, and the one with normals of its own making
    assert np.allclose(np.abs(body.mesh.normals[:, 2]), 1.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"nonsense", "no USD file"), (b"#usda 1.0\n", "shows nothing")],
)
def test_what_is_no_set_is_a_sentence(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UnderstudyError, match=says):
        scenery.load(str(file))
