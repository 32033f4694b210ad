"""The package as files: what it names is there, and reads as what it is."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from .engine import HERE, PACKAGE, project

SCRIPTS = sorted([*PACKAGE.rglob("*.gd"), *(HERE / "harness").glob("*.gd")])


def test_every_path_that_a_file_names_is_there():
    named = {}
    for path in [*PACKAGE.rglob("*.tscn"), *PACKAGE.rglob("*.gd"), PACKAGE / "project.godot"]:
        for name in re.findall(r'"res://([^"]+)"', path.read_text()):
            named[name] = PACKAGE / name
        for name in re.findall(r'preload\("(?!res:)([^"]+)"\)', path.read_text()):
            named[name] = path.parent / name
    assert len(named) > 10
    assert not [name for name, path in named.items() if not path.exists()]


def test_scenes_use_what_they_declare():
    for scene in PACKAGE.rglob("*.tscn"):
        said = scene.read_text()
        for kind, use in (("ext_resource", "ExtResource"), ("sub_resource", "SubResource")):
            ids = re.findall(rf'^\[{kind} .*?\bid="([^"]+)"', said, re.MULTILINE)
            used = set(re.findall(rf'{use}\("([^"]+)"\)', said))
            assert len(ids) == len(set(ids))
            assert set(ids) == used, scene
        steps = int(re.search(r"load_steps=(\d+)", said)[1])
        assert steps == 1 + len(re.findall(r"^\[(?:ext|sub)_resource", said, re.MULTILINE))
        nodes = {".": ""}
        for name, parent in re.findall(r'^\[node name="(\w+)".*?parent="([^"]+)"', said, re.M):
            assert parent in nodes, f"{name} is below {parent}, which comes later or never"
            nodes[name if parent == "." else f"{parent}/{name}"] = parent
        for path in re.findall(r'NodePath\("\.\./(\w+)"\)', said):
            assert path in nodes


def test_the_plugins_card_is_complete():
    card = configparser.ConfigParser()
    card.read(PACKAGE / "addons/understudy/plugin.cfg")
    assert set(card["plugin"]) == {"name", "description", "author", "version", "script"}
    assert (PACKAGE / "addons/understudy" / card["plugin"]["script"].strip('"')).exists()


def test_the_add_on_leaves_no_global_names_and_needs_no_file_outside():
    for path in (PACKAGE / "addons").rglob("*.gd"):
        said = path.read_text()
        assert "class_name" not in said, path
        assert "res://" not in said, f"{path} would break where the add-on is put elsewhere"


@pytest.mark.clients
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_formatted_and_lint(script: Path):
    formatter = pytest.importorskip("gdtoolkit.formatter", reason="pip install gdtoolkit")
    from gdtoolkit.linter import DEFAULT_CONFIG, lint_code

    said = script.read_text()
    assert formatter.format_code(said, 100) == said
    config = DEFAULT_CONFIG
    if script.is_relative_to(HERE):
        config = {**DEFAULT_CONFIG, "max-public-methods": 100}
    assert [str(problem) for problem in lint_code(said, config)] == []


@pytest.mark.clients
def test_godot_loads_every_script_and_scene(godot):
    # An EditorPlugin exists in the editor only: plugin.gd is parsed above and not run.
    paths = [
        f"res://{path}"
        for path in project()
        if path.endswith((".gd", ".tscn")) and not path.endswith("plugin.gd")
    ]
    assert len(paths) > 12
    assert godot.ask("version")["major"] == 4
    assert godot.ask("broken", paths) == []


@pytest.mark.clients
def test_the_socket_that_cannot_open_in_a_browser_calls_what_godot_has(godot):
    said = (PACKAGE / "addons/understudy/udp_socket.gd").read_text()
    called = sorted(set(re.findall(r"_peer\.(\w+)\(", said)))
    assert len(called) == 6
    assert godot.ask("lacking", "PacketPeerUDP", called) == []
    assert godot.ask("lacking", "PacketPeerUDP", ["listen_for_ever"]) == ["listen_for_ever"]
