"""`understudy inspect`: what a person would say of a file, and the map that overrules it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.takes.bodies import stance, write_bvh
from understudy.runtime.cli.main import main
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.joint_map import read_map
from understudy.runtime.core.roles import roles
from understudy.runtime.takes import bvh

KEYS = ["frames", "rate_hz", "up", "unit_m", "height_m", "leg_m", "humanoid", "roles", "unmapped",
        "notes"]  # fmt: skip


@pytest.fixture
def take(tmp_path) -> Path:
    positions, rotations = stance(20)
    return write_bvh(tmp_path / "take.bvh", positions, rotations, motion_up="Z", rest_up="Z")


def asked(capsys, *words: object) -> dict:
    assert main(["inspect", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_its_json_has_exactly_what_is_promised(take, capsys):
    found = asked(capsys, take)
    assert list(found) == KEYS
    assert (found["frames"], found["rate_hz"], found["up"]) == (20, 30.0, "Z")
    assert found["unit_m"] == 0.01 and found["humanoid"] is True and found["unmapped"] == []
    assert found["height_m"] == pytest.approx(1.7, abs=0.1)
    assert found["leg_m"] == pytest.approx(0.84)
    assert found["roles"] == {r: PERFORMER.names[j] for r, j in roles(PERFORMER).items()}
    assert any("Z is taken for up" in note for note in found["notes"])


def test_a_person_reads_the_same(take, capsys):
    assert main(["inspect", str(take)]) == 0
    said = capsys.readouterr().out
    assert "take.bvh: 20 frames at 30 Hz" in said and "up Z, unit 0.01 m" in said
    assert "left_upper_arm   LeftArm" in said and "Z is taken for up" in said


def test_the_user_overrules(take, capsys):
    found = asked(capsys, take, "--up=-Y", "--unit", "inch", "--frame-time", "0.01")
    assert (found["up"], found["unit_m"], found["rate_hz"]) == ("-Y", 0.0254, 100.0)
    for words in (["--up", "W"], ["--unit", "0"], ["--unit", "cubit"], ["--rest", "soon"]):
        with pytest.raises(SystemExit):
            main(["inspect", str(take), *words])
    assert "--rest" in capsys.readouterr().err


def test_a_map_is_written_edited_and_obeyed(take, tmp_path, capsys):
    saved = tmp_path / "map.toml"
    assert main(["inspect", str(take), "--save-map", str(saved)]) == 0
    assert read_map(saved)["left_foot"] == "LeftFoot"
    edited = saved.read_text().replace('left_foot = "LeftFoot"', 'left_foot = "LeftToeBase"')
    saved.write_text(edited.replace('left_toes = "LeftToeBase"', 'left_toes = ""'))
    capsys.readouterr()
    found = asked(capsys, take, "--map", saved)
    assert found["roles"]["left_foot"] == "LeftToeBase" and "left_toes" not in found["roles"]
    assert "LeftFoot" in found["unmapped"]
    clip = bvh.read(take, roles=read_map(saved))
    assert roles(clip.skeleton)["left_foot"] == clip.skeleton.index("LeftToeBase")


@pytest.mark.parametrize(
    "text, says",
    [('[roles]\nleft_paw = "LeftHand"', "left_paw"), ('[roles]\nhead = "Hat"', "Hat"),
     ('[roles]\nhead = "Neck"\nneck = "Neck"', "two roles"), ("[rolls]", "rolls"),
     ("[roles]\nhead = 3", "head"), ("roles", "TOML")],
)  # fmt: skip
def test_a_wrong_map_is_one_sentence(take, tmp_path, capsys, text, says):
    path = tmp_path / "map.toml"
    path.write_text(text)
    assert main(["inspect", str(take), "--map", str(path)]) != 0
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and "Traceback" not in error


def glb(path: Path, document: dict) -> Path:
    """A glTF binary of JSON alone."""
    data = json.dumps(document).encode()
    data += b" " * (-len(data) % 4)
    head = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(data), len(data), b"JSON")
    path.write_bytes(head + data)
    return path


def character(**more) -> dict:
    """PERFORMER as a skin under a scaled armature, its fingers and head left out of the names."""
    rest = PERFORMER.rest_positions
    nodes = [
        {"name": n, "translation": (rest[j] * 100).tolist(), "children": PERFORMER.children(j)}
        for j, n in enumerate(PERFORMER.names)
    ]
    nodes.append({"name": "Armature", "children": [0], "scale": [0.01] * 3})
    return {"nodes": nodes, "skins": [{"joints": list(range(len(PERFORMER)))}], **more}


def test_a_characters_skeleton_is_read_from_glb(tmp_path, capsys):
    animation = {
        "accessors": [
            {"count": 2, "min": [0.5], "max": [2.5]},
            {"count": 61, "min": [0.5], "max": [2.5]},
        ],
        "animations": [{"name": "walk", "samplers": [{"input": 0}, {"input": 1}], "channels": []}],
    }
    found = asked(capsys, glb(tmp_path / "hero.glb", character(**animation)))
    assert list(found) == [*KEYS, "character"]
    assert found["roles"] == {r: PERFORMER.names[j] for r, j in roles(PERFORMER).items()}
    assert (found["frames"], found["rate_hz"], found["humanoid"]) == (61, 30.0, True)
    assert found["leg_m"] == pytest.approx(0.84) and "'walk'" in found["notes"][0]


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_says_its_roles_itself(tmp_path, capsys, version):
    document = character()
    for j, node in enumerate(document["nodes"]):
        node["name"] = f"n{j}"
    bones = {"hips": 0, "leftUpperLeg": PERFORMER.index("LeftUpLeg"), "head": 5}
    if version:
        human = {"humanBones": {b: {"node": n} for b, n in bones.items()}}
        document["extensions"] = {"VRMC_vrm": {"humanoid": human}}
    else:
        human = {"humanBones": [{"bone": b, "node": n} for b, n in bones.items()]}
        document["extensions"] = {"VRM": {"humanoid": human}}
    found = asked(capsys, glb(tmp_path / "hero.vrm", document))
    assert found["roles"]["left_upper_leg"] == f"n{bones['leftUpperLeg']}"
    assert found["roles"]["head"] == "n5" and any("VRM" in note for note in found["notes"])


@pytest.mark.parametrize(
    "name, content",
    [("a.glb", b"glTF"), ("a.glb", b"no glTF at all, but long enough"), ("a.bvh", b""),
     ("a.fbx", b"Kaydara"),
     ("a.vrm", struct.pack("<4sIII4s", b"glTF", 2, 30, 10, b"JSON") + b"{{")],
)  # fmt: skip
def test_what_is_none_of_them_is_one_sentence(tmp_path, capsys, name, content):
    (tmp_path / name).write_bytes(content)
    assert main(["inspect", str(tmp_path / name)]) != 0
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and name in error


def test_nodes_in_a_circle_are_refused(tmp_path, capsys):
    document = {"nodes": [{"children": [1]}, {"children": [0]}], "skins": [{"joints": [0, 1]}]}
    assert main(["inspect", str(glb(tmp_path / "ring.glb", document))]) != 0
    assert "no tree" in capsys.readouterr().err


def test_real_characters(mocap, capsys):
    folder = mocap.parent / "characters"
    for path in sorted(folder.glob("*.glb")):
        found = asked(capsys, path)
        assert found["humanoid"] and len(found["roles"]) >= 18, path
        assert np.isfinite(found["height_m"]) and 1.0 < found["height_m"] < 2.0


def test_a_sessions_map_that_cannot_be_read_is_named_by_its_table(take, tmp_path, capsys):
    session = tmp_path / "stage.toml"
    session.write_text(
        '[[source]]\nfrom = "pad://walk.toml"\n'
        '[[source]]\nfrom = "bvh://take.bvh"\nmap = "no.toml"\n'
    )
    for words in (["session", "check", str(session)], ["stage", "--session", str(session)]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert "stage.toml, [[source]] 2: " in said and "no.toml" in said
        assert said.count("\n") == 1
