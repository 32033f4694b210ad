"""What the scenes share; runs in Blender's Python, where nothing of the repository is imported."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

import bpy

ADDON, OUT, *WORDS = sys.argv[1:]
NAME = "bl_ext.user_default.understudy"


def install() -> None:
    """As Preferences > Get Extensions > Install from Disk."""
    bpy.utils.user_resource("EXTENSIONS", path="user_default", create=True)
    done = bpy.ops.extensions.package_install_files(
        filepath=ADDON, repo="user_default", enable_on_install=True
    )
    assert done == {"FINISHED"}, done
    assert NAME in bpy.context.preferences.addons, list(bpy.context.preferences.addons.keys())


def module(name: str):
    """A module of the installed add-on."""
    return importlib.import_module(f"{NAME}.{name}")


def connect(address: str):
    """The session of a connection to this address."""
    install()
    bpy.context.scene.understudy.address = address
    assert bpy.ops.understudy.connect() == {"FINISHED"}
    return module("session").current


def until(condition, seconds: float = 60.0) -> None:
    """Runs Blender's timer by hand until something is so; a module of Python has no main loop."""
    session = module("session")
    deadline = time.monotonic() + seconds
    while not condition():
        if session.current is not None:
            session._run()
        assert not session.failure, session.failure
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)


def first_frame(session) -> None:
    until(lambda: session.frame is not None and session.said)


def ready(word: str = "ready") -> None:
    print(word, flush=True)


def wait() -> str:
    """For the test to say something."""
    return sys.stdin.readline().strip()


def evaluated(thing):
    """An object as it is drawn."""
    graph = bpy.context.evaluated_depsgraph_get()
    graph.update()
    return thing.evaluated_get(graph)


def bones(rig) -> dict[str, dict[str, list[float]]]:
    """Head in the world, and turn in the world against rest (x y z w), of each bone."""
    out = {}
    drawn = evaluated(rig)
    for bone in drawn.pose.bones:
        posed = drawn.matrix_world @ bone.matrix
        rest = drawn.matrix_world @ bone.bone.matrix_local
        w, x, y, z = posed.to_quaternion() @ rest.to_quaternion().inverted()
        out[bone.name] = {"head": list(posed.translation), "turn": [x, y, z, w]}
    return out


def finish(said: object) -> None:
    Path(OUT).write_text(json.dumps(said))
