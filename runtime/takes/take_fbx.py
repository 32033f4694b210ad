"""A take as FBX, which Blender writes: in a process of its own, from arrays in a file beside it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.files import whole
from understudy.runtime.core.rotation import Array

from . import blender, take_body
from .take_motion import Motion, Rigid, Track, description, unique_names

SCRIPT = Path(__file__).with_name("blender_fbx.py")


def ready() -> None:
    """Refuses where there is no Blender."""
    _blender()


def _blender() -> list[str]:
    try:
        return blender.found("FBX is written by Blender")
    except Failure as failure:
        raise Failure(f"{failure}; glb and usd need no Blender.") from None


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
        words = [scene, part.absolute()]
        blender.run(begin, SCRIPT, words, part, f"write {path.name}")
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
