"""Skeletal animation of FBX files as clips, by ufbx in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from understudy.runtime.core import distribution, rotation
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array

from . import surroundings
from .bvh_clip import Given
from .clip import Clip
from .scene_clip import MOST_JOINTS, Moving, Which, chosen, clip_of, told
from .surroundings import Placed


def read(path: Path, given: Given, which: Which, frame_time_s: float | None = None) -> Clip:
    """The clip of one body and one animation of a file."""
    if importlib.util.find_spec("ufbx") is None:
        raise Failure(distribution.lacking("ufbx"))
    if not path.is_file():
        raise UnderstudyError(f"{shown(path)} cannot be read: there is no such file.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "motion.npz"
        program = [sys.executable, "-m", "understudy.runtime.takes.fbx_arrays"]
        done = subprocess.run(
            [*program, str(path.absolute()), str(out), which.clip], capture_output=True, text=True
        )
        if not out.exists():
            raise UnderstudyError(
                f"{path.name} made the FBX reader fall (exit status {done.returncode}); export it "
                "as glb or BVH."
            )
        with np.load(out) as found:
            values, said = found["values"], json.loads(str(found["said"]))
    if "error" in said:
        raise UnderstudyError(f"{path.name} {said['error']}.")
    parents, kinds = said["parents"], said["kinds"]
    groups: dict[str, list[int]] = {}
    top: dict[int, int] = {}
    for n, parent in enumerate(parents):
        if kinds[n] == "bone":
            top[n] = top.get(parent, n)
            root = top[n]
            holder = parents[root]
            name = said["names"][holder] if holder > 0 else said["names"][root]
            groups.setdefault(name, []).append(n)
    names = list(groups)
    at = chosen(path.name, "body", "body", which.body, names, 0)
    joints = groups[names[at]]
    if len(joints) > MOST_JOINTS:
        raise UnderstudyError(f"{path.name}: more than {MOST_JOINTS:,} joints is no body.")
    notes = told("animations", "clip", said["clips"], said["clip"])
    notes += told("bodies", "body", names, at) + ([said["note"]] if said["note"] else [])
    rows = {n: row for row, n in enumerate(joints)}
    above = np.array([rows.get(parents[n], -1) for n in joints])
    above[1:] = np.where(above[1:] < 0, 0, above[1:])
    world_p, world_r = _world(values, parents)
    positions, rotations = world_p[:, joints], world_r[:, joints]
    things = [
        Placed(said["names"][n], world_p[:-1, n], world_r[:-1, n], _lens(said["lens"], n))
        for n, kind in enumerate(kinds)
        if kind in ("camera", "prop")
    ]
    curves = [
        (name, np.array(weights, float))
        for name, hangs, weights in said["curves"]
        if len(groups) == 1 or not set(joints).isdisjoint(hangs)
    ]
    around, more = surroundings.of(len(values) - 1, curves, things)
    body = Moving(
        tuple(said["names"][n] for n in joints), above, positions[-1], rotations[-1],
        positions[:-1], rotations[:-1], said["rate_hz"], notes + more, around=around,
    )  # fmt: skip
    return clip_of(path, body, given, frame_time_s)


def _lens(lenses: dict[str, list[list[float]]], n: int) -> Array | None:
    """(T, 5) of a camera's node."""
    return np.array(lenses[str(n)], float).T if str(n) in lenses else None


def _world(values: Array, parents: list[int]) -> tuple[Array, Array]:
    """Positions (T, N, 3) and rotations (T, N, 4) in the world of local transforms (T, N, 10)."""
    p, q, s = (values[..., part].copy() for part in (slice(0, 3), slice(3, 7), slice(7, 10)))
    q = rotation.normalize(q)
    for n, parent in enumerate(parents):
        if parent >= 0:
            p[:, n] = p[:, parent] + rotation.rotate(q[:, parent], s[:, parent] * p[:, n])
            q[:, n] = rotation.multiply(q[:, parent], q[:, n])
            s[:, n] *= s[:, parent]
    return p, q
