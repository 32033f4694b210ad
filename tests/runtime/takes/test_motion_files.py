"""Motion out of glTF, USD and FBX: our own exports, files of others, and files that are broken."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.takes.shoots import ANN, CURVES, NEAR_DEG, NEAR_M, assert_near, shoot
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import State
from understudy.runtime.sources.registry import Ports, open_source, parse
from understudy.runtime.stage.cast import Cast
from understudy.runtime.stage.session import session_of
from understudy.runtime.takes import motion_file
from understudy.runtime.takes.scene_clip import Which, even_rate
from understudy.runtime.takes.take_export import export


def assert_same(file: Path, take, name: str, skeleton) -> None:
    clip = motion_file.read(file, which=Which(body=name))
    assert len(clip) == len(take.frames) and clip.rate_hz == pytest.approx(take.rate_hz, rel=1e-9)
    order = [clip.skeleton.names.index(joint) for joint in skeleton.names]
    positions, rotations = clip.skeleton.globals(clip.positions, clip.rotations)
    assert_near((positions[:, order], rotations[:, order]), take.world(name))


@pytest.mark.parametrize("suffix", ["glb", "usd"])
@pytest.mark.parametrize(("rate_name", "rate_hz"), [("23.976", 60.0), ("29.97df", 120000 / 1001)])
def test_our_own_exports_come_back(tmp_path, suffix, rate_name, rate_hz):
    take = shoot(tmp_path / "a.mcap", rate_name, rate_hz)
    (file,) = export(take.path, tmp_path / f"a.{suffix}").files
    assert_same(file, take, "ann", ANN)
    assert_same(file, take, "ben", PERFORMER)
    with pytest.raises(UnderstudyError, match=r"no body 'eve' \(body=\); it has ann, ben"):
        motion_file.read(file, which=Which(body="eve"))


@pytest.mark.clients
def test_our_own_fbx_comes_back(tmp_path, root, monkeypatch):
    python = root / "build" / "bpy-venv" / "bin" / "python"
    if not (python := Path(os.environ.get("UNDERSTUDY_BLENDER_PYTHON", python))).exists():
        pytest.skip("no Blender: `make test-clients` installs its module bpy, with Python 3.11")
    monkeypatch.setenv("UNDERSTUDY_BLENDER_PYTHON", str(python))
    take = shoot(tmp_path / "a.mcap", "29.97df", 120000 / 1001)
    (file,) = export(take.path, tmp_path / "a.fbx").files
    assert_same(file, take, "ann", ANN)
    assert_same(file, take, "ben", PERFORMER)
    assert_around(file, take)


def assert_around(file: Path, take) -> None:
    """A face is its own body's, cameras and props are everybody's."""
    around = motion_file.read(file, which=Which(body="ann")).around
    assert around.names == CURVES and np.abs(around.curves - take.curves()).max() < 1e-6
    camera, ball = around.things
    assert (camera.name, ball.name) == ("A cam", "ball") and ball.lens is None
    assert np.abs(camera.lens - take.lens()).max() < 1e-4
    for one, kind in ((camera, "cameras"), (ball, "props")):
        positions, rotations = take.rigid(kind)
        assert np.abs(one.positions - positions).max() < NEAR_M
        apart = rotation.angle_between(one.rotations, rotation.normalize(rotations))
        assert np.rad2deg(apart).max() < NEAR_DEG
    ben = motion_file.read(file, which=Which(body="ben")).around
    assert not ben.names and [one.name for one in ben.things] == ["A cam", "ball"]


@pytest.mark.parametrize("suffix", ["glb", "usd"])
def test_face_cameras_and_props_of_our_own_exports_come_back(tmp_path, suffix):
    take = shoot(tmp_path / "a.mcap", "29.97df", 120000 / 1001)
    assert_around(export(take.path, tmp_path / f"a.{suffix}").files[0], take)


def test_a_face_and_a_camera_stand_as_the_user_turns_the_file(tmp_path):
    take = shoot(tmp_path / "a.mcap")
    (file,) = export(take.path, tmp_path / "a.glb").files
    plain = motion_file.read(file).around.things[0]
    turned = motion_file.read(file, unit_m=0.01, up="Z").around.things[0]
    x, y, z = plain.positions[7]
    assert np.allclose(turned.positions[7], 0.01 * np.array([x, z, -y]), atol=1e-9)
    assert np.allclose(turned.lens[:, 3], 0.01 * plain.lens[:, 3])
    assert np.allclose(turned.lens[:, 0], plain.lens[:, 0])


FBX = """; FBX 7.4.0 project file
FBXHeaderExtension:  {
  FBXVersion: 7400
}
GlobalSettings:  {
  Properties70:  {
    P: "UpAxis", "int", "Integer", "",1
    P: "UpAxisSign", "int", "Integer", "",1
    P: "FrontAxis", "int", "Integer", "",2
    P: "FrontAxisSign", "int", "Integer", "",1
    P: "CoordAxis", "int", "Integer", "",0
    P: "CoordAxisSign", "int", "Integer", "",1
    P: "UnitScaleFactor", "double", "Number", "",1
  }
}
Objects:  {
  NodeAttribute: 11, "NodeAttribute::", "LimbNode" {
    TypeFlags: "Skeleton"
  }
  NodeAttribute: 12, "NodeAttribute::", "LimbNode" {
    TypeFlags: "Skeleton"
  }
  Model: 1, "Model::Hips", "LimbNode" {
    Version: 232
  }
  Model: 2, "Model::Spine", "LimbNode" {
    Version: 232
    Properties70:  {
      P: "Lcl Translation", "Lcl Translation", "", "A",0,10,0
    }
  }
  AnimationStack: 20, "AnimStack::Walk", "" {
    Properties70:  {
      P: "LocalStop", "KTime", "Time", "",46186158000
    }
  }
  AnimationLayer: 21, "AnimLayer::Base", "" {
  }
  AnimationCurveNode: 22, "AnimCurveNode::T", "" {
    Properties70:  {
      P: "d|X", "Number", "", "A",0
      P: "d|Y", "Number", "", "A",0
      P: "d|Z", "Number", "", "A",0
    }
  }
  AnimationCurve: 23, "AnimCurve::", "" {
    Default: 0
    KeyVer: 4008
    KeyTime: *3 {
      a: 0,23093079000,46186158000
    }
    KeyValueFloat: *3 {
      a: 0,50,100
    }
    KeyAttrFlags: *1 {
      a: 4
    }
    KeyAttrDataFloat: *4 {
      a: 0,0,0,0
    }
    KeyAttrRefCount: *1 {
      a: 3
    }
  }
}
Connections:  {
  C: "OO",1,0
  C: "OO",2,1
  C: "OO",11,1
  C: "OO",12,2
  C: "OO",21,20
  C: "OO",22,21
  C: "OP",22,1, "Lcl Translation"
  C: "OP",23,22, "d|Z"
}
"""


def test_an_fbx_in_centimetres(tmp_path):
    (tmp_path / "a.fbx").write_text(FBX)
    clip = motion_file.read(tmp_path / "a.fbx")
    assert clip.skeleton.names == ("Hips", "Spine") and (len(clip), clip.rate_hz) == (3, 2.0)
    world = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    assert np.allclose(world[:, 0], [[0, 0, 0], [0, 0, 0.5], [0, 0, 1.0]], atol=1e-6)
    assert np.allclose(world[:, 1], world[:, 0] + [0.0, 0.1, 0.0], atol=1e-6)
    with pytest.raises(UnderstudyError, match=r"no animation 'Run' \(clip=\); it has Walk"):
        motion_file.read(tmp_path / "a.fbx", which=Which(clip="Run"))


def test_usd_in_centimetres_with_z_up(tmp_path):
    from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    UsdGeom.SetStageUpAxis(stage, "Z")
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    stage.SetTimeCodesPerSecond(24)
    UsdSkel.Root.Define(stage, "/R")
    rig = UsdSkel.Skeleton.Define(stage, "/R/S")
    moves = UsdSkel.Animation.Define(stage, "/R/A")
    still = [Gf.Matrix4d().SetTranslate(Gf.Vec3d(0, 0, z)) for z in (0, 50)]
    for prim in (rig, moves):
        prim.CreateJointsAttr(["a", "b"])  # two roots
    rig.CreateRestTransformsAttr(still)
    rig.CreateBindTransformsAttr(still)
    moves.CreateScalesAttr(Vt.Vec3hArray(2, Gf.Vec3h(1.0)))
    moves.CreateRotationsAttr(Vt.QuatfArray(2, Gf.Quatf(1.0)))
    for row in range(5):
        moves.CreateTranslationsAttr().Set([(row, 0, 10.0), (0, row, 50.0)], 10 + row)
    UsdSkel.BindingAPI.Apply(rig.GetPrim()).CreateAnimationSourceRel().AddTarget("/R/A")
    stage.GetRootLayer().Save()
    clip = motion_file.read(tmp_path / "a.usda")
    assert clip.skeleton.names == ("root", "a", "b") and (len(clip), clip.rate_hz) == (5, 24.0)
    world = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    assert np.allclose(world[4, 1], [0.04, 0.1, 0.0], atol=1e-6)
    assert np.allclose(world[4, 2], [0.0, 0.5, -0.04], atol=1e-6)


def gltf(path: Path, channels: list, nodes: list, times=(0.0, 0.5, 1.0), **more) -> Path:
    """A .glb that moves nodes: channels of node, path, values, interpolation."""
    data, views, accessors, samplers, wired = b"", [], [], [], []

    def put(array, kind: str) -> int:
        nonlocal data
        raw = np.asarray(array, "<f4")
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": raw.nbytes})
        data += raw.tobytes()
        accessors.append({"bufferView": len(views) - 1, "componentType": 5126,
                          "count": len(raw), "type": kind})  # fmt: skip
        return len(accessors) - 1

    keys = put(times, "SCALAR")
    for node, what, values, way in channels:
        kind = {"rotation": "VEC4", "weights": "SCALAR"}.get(what, "VEC3")
        samplers.append({"input": keys, "output": put(values, kind), "interpolation": way})
        wired.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": what}})
    tree = {
        "nodes": nodes, "accessors": accessors, "bufferViews": views,
        "skins": [{"joints": [n for n, node in enumerate(nodes) if len(node["name"]) == 1]}],
        "buffers": [{"byteLength": len(data)}],
        "animations": [{"name": "go", "samplers": samplers, "channels": wired}], **more,
    }  # fmt: skip
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sIII4s", b"glTF", 2, 28 + len(text) + len(data), len(text), b"JSON")
    path.write_bytes(head + text + struct.pack("<I4s", len(data), b"BIN\0") + data)
    return path


NODES = [{"name": "Armature", "children": [1], "scale": [0.01] * 3,
          "rotation": rotation.from_axis_angle((1.0, 0.0, 0.0), -np.pi / 2).tolist()},
         {"name": "a", "children": [2]}, {"name": "b", "translation": [0, 0, 100]}]  # fmt: skip


def test_gltf_scales_turned_parents_and_motion_above_the_skeleton(tmp_path):
    values = [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    clip = motion_file.read(gltf(tmp_path / "a.glb", [(0, "translation", values, "LINEAR")], NODES))
    world, turned = clip.skeleton.globals(clip.positions, clip.rotations)
    assert np.allclose(world[:, 0], values, atol=1e-6)
    assert np.allclose(world[:, 1], np.add(values, (0, 1, 0)), atol=1e-6)
    assert np.allclose(rotation.angle_between(turned[:, 1], np.array(NODES[0]["rotation"])), 0.0)


@pytest.mark.parametrize(
    ("way", "values", "expected"),
    [
        ("STEP", [[0] * 3, [100, 0, 0], [200, 0, 0]], [0.0, 1.0, 2.0]),
        # in-tangent, value, out-tangent: a Hermite spline that is a parabola, x = t * t
        ("CUBICSPLINE", [v for t in (0, 0.5, 1) for v in
                         ([200 * t, 0, 0], [100 * t * t, 0, 0], [200 * t, 0, 0])],
         [0.0, 0.25, 1.0]),
    ],
)  # fmt: skip
def test_gltf_steps_and_splines(tmp_path, way, values, expected):
    file = gltf(tmp_path / "a.glb", [(1, "translation", values, way)], NODES)
    clip = motion_file.read(file)
    assert np.allclose(clip.positions[:, 0, 0], expected, atol=1e-6)
    from understudy.runtime.takes.gltf_track import Track

    between = Track(np.array([0, 0.5, 1]), np.array(values, float), way).at(np.array([0.25]))
    assert between[0, 0] == pytest.approx({"STEP": 0.0, "CUBICSPLINE": 6.25}[way])


MOVES = (1, "translation", [[0, 0, 0], [1, 0, 0], [2, 0, 0]], "LINEAR")


@pytest.mark.parametrize("way", ["LINEAR", "STEP", "CUBICSPLINE"])
def test_gltf_morph_weights_are_a_face_under_their_own_names(tmp_path, way):
    names = ["A", "I", "U", "E"]  # four numbers that are no quaternion
    rows = np.arange(12.0).reshape(3, 4) / 12.0
    keys = rows if way != "CUBICSPLINE" else np.stack([0 * rows, rows, 0 * rows], axis=1)
    nodes = [*NODES, {"name": "face", "mesh": 0, "skin": 0}]
    meshes = [{"primitives": [{"attributes": {}}], "extras": {"targetNames": names[:3]}}]
    channels = [MOVES, (3, "weights", keys.reshape(-1, 1), way)]
    around = motion_file.read(gltf(tmp_path / "a.glb", channels, nodes, meshes=meshes)).around
    assert around.names == ("A", "I", "U", "face.3") and not around.things
    assert np.allclose(around.curves, rows, atol=1e-6)


def test_a_vrm_animation_s_expressions_are_a_face(tmp_path):
    nodes = [*NODES, {"name": "happy"}, {"name": "other"}]
    said = {
        "humanoid": {"humanBones": {"hips": {"node": 1}, "spine": {"node": 2}}},
        "expressions": {"preset": {"happy": {"node": 3}}, "custom": {"wink": {"node": 99}}},
    }
    weights = [[0, 0, 0], [0.5, 0, 0], [1, 0, 0]]
    file = gltf(tmp_path / "a.vrma", [MOVES, (3, "translation", weights, "LINEAR")], nodes,
                extensions={"VRMC_vrm_animation": said}, skins=[])  # fmt: skip
    clip = motion_file.read(file)
    assert clip.skeleton.names == ("a", "b") and not clip.around.things
    assert clip.around.names == ("happy",)
    assert np.allclose(clip.around.curves[:, 0], [0.0, 0.5, 1.0], atol=1e-6)


def test_a_gltf_camera_that_zooms_and_a_node_that_moves(tmp_path):
    turned = rotation.from_axis_angle((0.0, 1.0, 0.0), 0.5)
    nodes = [*NODES, {"name": "cam", "camera": 0, "rotation": turned.tolist()},
             {"name": "ball"}, {"name": "rock", "translation": [1, 0, 0]}]  # fmt: skip
    lens = {"type": "perspective", "perspective": {"yfov": 0.6, "znear": 0.1, "aspectRatio": 2.0}}
    moves = [[0, 1, 0], [0, 2, 0], [0, 3, 0]]
    file = gltf(tmp_path / "a.glb", [MOVES, (4, "translation", moves, "LINEAR")], nodes,
                cameras=[lens])  # fmt: skip
    camera, ball = motion_file.read(file).around.things
    assert (camera.name, ball.name) == ("cam", "ball"), "what stands still is no prop"
    assert np.allclose(ball.positions, moves, atol=1e-6)
    assert np.allclose(rotation.angle_between(camera.rotations, turned), 0.0, atol=1e-6)
    focal, wide, high, focus, iris = camera.lens[0]
    assert (wide, high, focus, iris) == (36.0, 18.0, 0.0, 0.0)
    assert 2.0 * np.arctan(0.5 * high / focal) == pytest.approx(0.6)


def test_uneven_keys_are_sampled_at_a_usual_rate_and_that_is_said():
    assert even_rate(np.arange(50) / 30.0) == (30.0, "")
    rate_hz, note = even_rate(np.delete(np.arange(50) / 30.0, [7, 8, 20]))
    assert rate_hz == 30.0 and "unevenly" in note


@pytest.mark.parametrize("suffix", [".glb", ".usd", ".usda", ".fbx"])
@pytest.mark.parametrize("data", [b"", b"no file of that kind, and long enough", os.urandom(500)])
def test_what_is_no_such_file_is_one_sentence(tmp_path, suffix, data):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    for file in (path, tmp_path / f"gone{suffix}"):
        with pytest.raises(UnderstudyError) as said:
            motion_file.read(file)
        assert file.name in str(said.value) and "\n" not in str(said.value)


def test_no_damage_to_a_glb_is_a_traceback(tmp_path):
    data = gltf(tmp_path / "a.glb", [(1, "translation", np.eye(3), "LINEAR")], NODES).read_bytes()
    rng, path = np.random.default_rng(3), tmp_path / "b.glb"
    for _ in range(300):
        spoilt = bytearray(data[: rng.integers(1, len(data) + 1)])
        for at in rng.integers(0, len(spoilt), 3):
            spoilt[at] = rng.integers(256)
        path.write_bytes(spoilt)
        try:
            motion_file.read(path)
        except UnderstudyError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(("suffix", "module", "hint"),
                         [(".usd", "pxr", "[usd]"), (".fbx", "ufbx", "[fbx]")])  # fmt: skip
def test_without_its_package_a_file_says_what_to_install(tmp_path, suffix, module, hint):
    (tmp_path / f"a{suffix}").write_bytes(b"x")
    code = (
        "import sys, importlib.util as u\n"
        f"find = u.find_spec\n"
        f"u.find_spec = lambda n, *a: None if n == {module!r} else find(n, *a)\n"
        f"sys.modules[{module!r}] = None\n"
        "from understudy.runtime.takes import motion_file\n"
        "try:\n    motion_file.read(sys.argv[1])\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / f"a{suffix}")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout.startswith(Failure.__name__) and hint in done.stdout


def test_a_scene_file_is_a_live_source(tmp_path):
    take = shoot(tmp_path / "a.mcap")
    (file,) = export(take.path, tmp_path / "a.glb").files
    endpoint = parse(f"glb://{file}?name=eve&body=ben")
    source = open_source(endpoint, Ports())
    (packet,) = source.poll(0.5)
    assert len(packet.positions) == len(PERFORMER)
    expected = take.world("ben")[0][30, 0]
    assert np.abs((packet.positions[0] - expected)[[0, 2]]).max() < 1e-4


def test_a_scene_file_brings_its_face_cameras_and_props_onto_the_stage(tmp_path):
    take = shoot(tmp_path / "a.mcap")
    (file,) = export(take.path, tmp_path / "a.glb").files
    with Cast(session_of(f"glb://{file}?name=eve&loop=0", rate_hz=60.0)) as cast:
        for tick in (0, 30):
            cast.sense(tick / 60.0)
            cast.perform(1 / 60.0)
            (eve,) = cast.solve()
            assert eve.name == "eve" and eve.skeleton.curve_names == CURVES
            assert np.abs(eve.curves - take.curves()[tick]).max() < 1e-6
            (camera,), (ball,) = cast.scenery.cameras, cast.scenery.props
            lifted = eve.pose.positions[0] - take.world("ann")[0][tick, 0]  # onto the ground
            assert np.abs(lifted[[0, 2]]).max() < 1e-4, "who is filmed stands where the file says"
            assert np.abs(camera.position - lifted - take.rigid("cameras")[0][tick]).max() < 1e-4
            assert np.abs(ball.position - lifted - take.rigid("props")[0][tick]).max() < 1e-4
            said = (camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris)
            assert np.abs(np.array(said) - take.lens()[tick]).max() < 1e-4
        cast.sense(5.0)
        (camera,) = cast.scenery.cameras
        assert camera.state is State.HOLD and camera.reason == "the file has ended"
    with Cast(session_of(f"glb://{file}?scene=0", rate_hz=60.0)) as cast:
        cast.sense(0.0)
        assert not cast.scenery.cameras and not cast.scenery.props


def test_between_two_frames_a_lens_and_a_face_are_on_their_way(tmp_path):
    take = shoot(tmp_path / "a.mcap")
    (file,) = export(take.path, tmp_path / "a.glb").files
    curves, (camera,), (ball,) = motion_file.read(file).around.at(10, 0.25)
    lens, face = take.lens(), take.curves()
    assert camera.focal_mm == pytest.approx(0.75 * lens[10, 0] + 0.25 * lens[11, 0], rel=1e-5)
    assert np.allclose(curves, 0.75 * face[10] + 0.25 * face[11], atol=1e-5)
    turned = np.rad2deg(rotation.angle_between(ball.rotation, take.rigid("props")[1][10]))
    assert turned == pytest.approx(0.25 * np.rad2deg(0.3), abs=0.05)


def test_characters_and_clips_of_others_play(mocap):
    files = [p for folder in (mocap.parent / "characters", mocap / "more" / "kaykit_glb")
             for p in sorted(folder.glob("*.glb")) if p.stem != "m2m_human-male"]  # fmt: skip
    assert files
    for file in files:
        clip = motion_file.read(file)
        world = clip.skeleton.globals(clip.positions, clip.rotations)[0]
        assert len(clip) > 24 and clip.rate_hz in (24.0, 30.0), file
        assert 0.8 < np.ptp(world[..., 1]) < 3.0, file
        assert any("animations" in note for note in clip.notes)
