"""A take as FBX, which Blender writes: in a process of its own, from arrays in a file beside it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution, rotation
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.files import whole
from understudy.runtime.core.rotation import Array

from . import take_body
from .take_motion import Motion, Rigid, Track, description, unique_names

# Names a Python with Blender's module bpy, or a Blender.
PLACE = "UNDERSTUDY_BLENDER_PYTHON"
SCRIPT = Path(__file__).with_name("blender_fbx.py")


def ready() -> None:
    """Refuses where there is no Blender."""
    _blender()


def _blender() -> list[str]:
    """How the script is begun: by a Python that has bpy, or by Blender itself."""
    if named := os.environ.get(PLACE):
        if shutil.which(named) is None:
            raise Failure(f"{PLACE} names {named}, and there is no such program; let it name one.")
        return _begun(named)
    if importlib.util.find_spec("bpy") is not None:
        return [sys.executable]
    if (found := shutil.which("blender")) is not None:
        return _begun(found)
    if (clone := distribution.clone()) is not None:  # `make test-clients` puts one there
        python = clone / "build" / "bpy-venv" / "bin" / "python"
        if python.exists():
            return [str(python)]
    raise Failure(
        "FBX is written by Blender, which is not found: install Blender 4.2 or newer so that the "
        f"command blender is known, or let {PLACE} name a Python that has its module (Python 3.11, "
        "pip install bpy==5.0.1); glb and usd need no Blender."
    )


def _begun(program: str) -> list[str]:
    if "blender" in Path(program).stem.lower():
        return [program, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    return [program]


def write(path: Path, motion: Motion) -> list[str]:
    """Writes everything of a take into one file; gives what is to be said, each a sentence."""
    begin, notes = _blender(), []
    for one in motion.cameras:
        lens = np.array(one.lens)
        if (lens[:, 1:3] != lens[0, 1:3]).any():
            notes.append(f"The sensor of {one.name} changes, and FBX holds the first alone.")
    with tempfile.TemporaryDirectory() as folder, whole(path) as part:
        scene = Path(folder) / "scene.npz"
        np.savez(scene, **_arrays(motion))
        between = ["--"] if len(begin) > 1 else []
        words = [*begin, str(SCRIPT), *between, str(scene), str(part.absolute())]
        quiet = {"PYTHONPATH": "", "BLENDER_USER_RESOURCES": folder}
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ | quiet)
        if done.returncode or not part.exists():
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise Failure(
                f"Blender ({begin[0]}) could not write {path.name}: "
                f"{said[-1].strip() if said else f'exit status {done.returncode}'}."
            )
    return notes


def _arrays(motion: Motion) -> dict[str, Any]:
    """What `blender_fbx.py` reads. Metres, +Y up, x y z w."""
    arrays: dict[str, Any] = {}
    subjects = []
    for number, (name, track) in enumerate(zip(unique_names(motion), motion.tracks, strict=True)):
        said, own = _subject(motion, track)
        subjects.append(said | {"name": name})
        arrays |= {f"s{number}_{key}": value for key, value in own.items()}
    for letter, things in (("c", motion.cameras), ("p", motion.props)):
        for number, one in enumerate(things):
            arrays |= {f"{letter}{number}_{k}": v for k, v in _rigid(motion, one).items()}
    said = {
        "rate_hz": motion.rate_hz,
        "frames": len(motion),
        "subjects": subjects,
        "cameras": [one.name for one in motion.cameras],
        "props": [one.name for one in motion.props],
        "description": description(motion),
    }
    return arrays | {"said": np.array(json.dumps(said))}


def _rigid(motion: Motion, one: Rigid) -> dict[str, Array]:
    positions, turns, _ = motion.poses(one)
    found = {"positions": positions, "turns": turns}
    if one.lens:
        found["lens"] = np.array(one.lens)[motion.rows(one)[0]]
    return found


def _subject(motion: Motion, track: Track) -> tuple[dict[str, Any], dict[str, Array]]:
    """location and turn (T, J, ...) are what Blender adds to a bone at rest, in the bone's axes."""
    skeleton = track.skeleton
    positions, rotations, own = motion.poses(track)
    mesh, bind = take_body.mannequin(skeleton)
    rest_p, rest_r = skeleton.locals(bind[:, :3, 3], rotation.from_matrix(bind[:, :3, :3]))
    back = rotation.conjugate(rest_r)
    arrays = {
        "bind": bind,
        "location": rotation.rotate(back, positions - rest_p),
        "turn": rotation.continuous(rotation.multiply(back, rotations)),
        "body_points": mesh.positions,
        "body_triangles": mesh.triangles,
        "body_joints": mesh.joints,
        "body_weights": np.round(mesh.weights, 2),
    }
    names = track.curve_names
    if names:
        chart = take_body.chart(skeleton, bind, len(names))
        arrays |= {
            "face_points": chart.points,
            "face_triangles": chart.triangles,
            "face_joints": np.full((len(chart.points), 1), chart.joint),
            "face_weights": np.ones((len(chart.points), 1)),
            "rise": chart.rise,
            "curves": track.curves()[motion.rows(track)[0]],
        }
    said = {
        "joints": list(skeleton.names),
        "parents": skeleton.parents.tolist(),
        "curves": list(names),
        "absent": motion.absent(own),
    }
    return said, arrays
