"""Reels: mocap on the performer's skeleton, 60 Hz, joint rotations in the world.

A folder of BVH of any humanoid, rate and unit comes in. Nothing is smoothed: live data is not
either. Frames that no body can do (tumbling roots, joints that flip) are cut out, and the motion
between the cuts is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.models.motion.data import detect_contacts, resample
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget.retarget import NotHumanoid, Retarget
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose

from .takes import matches

RATE_HZ = 60.0
SHORTEST_S = 0.8
# A frame: 40 rad/s; hands and feet of kicks and swordplay stay below it.
FLIP_RAD = 0.67
# The hips, a frame: 12 m/s.
LEAP_M = 0.2


@dataclass(frozen=True, eq=False)
class Reel:
    """Motion at 60 Hz: hips (T, 3), world rotations as matrices (T, J, 3, 3), contacts (T, 4)."""

    name: str
    hips: Array
    turns: Array
    contacts: Array

    def __len__(self) -> int:
        return len(self.hips)


def reels(clip: Clip, rate_hz: float = RATE_HZ, whole: bool = False) -> list[Reel]:
    """The sound pieces of a clip; `whole` takes it as one, flips and all, as a stage would."""
    clip = without_tpose(clip)
    positions, rotations = resample(clip, rate_hz)
    target = Retarget(clip.skeleton, PERFORMER)
    target.level(positions, rotations)
    moved, turned = target.apply(positions, rotations)
    hips = moved[:, 0]
    world = PERFORMER.globals(moved, turned)[1]
    bad = np.zeros(len(hips), bool)
    if not whole:
        flip = rotation.angle_between(turned[1:], turned[:-1]).max(-1) > FLIP_RAD * 60 / rate_hz
        leap = np.linalg.norm(np.diff(hips, axis=0), axis=-1) > LEAP_M * 60 / rate_hz
        bad[1:] |= flip | leap
        bad[:-1] |= flip | leap
    contacts = detect_contacts(hips, turned) if len(hips) > 12 else np.zeros((len(hips), 4))
    turns = rotation.to_matrix(world).astype(np.float32)
    out = []
    edges = np.flatnonzero(np.diff(np.concatenate([[1], bad.astype(int), [1]])))
    for k, (a, b) in enumerate(edges.reshape(-1, 2)):
        if (b - a) / rate_hz >= SHORTEST_S:
            name = clip.name if not k else f"{clip.name}+{k}"
            part = slice(a, b)
            out.append(Reel(name, hips[part].astype(np.float32), turns[part], contacts[part]))
    return out


def files(folders: Iterable[Path], include: str = "*", exclude: str = "") -> list[Path]:
    """The BVH files of some folders by name."""
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise UnderstudyError(f"{folder} is no folder; --data takes folders of BVH files.")
        found += [
            path
            for path in sorted(folder.rglob("*.[bB][vV][hH]"))
            if matches(path.stem, include) and not matches(path.stem, exclude)
        ]
    if not found:
        raise UnderstudyError(f"No BVH file there has a name that matches {include!r}.")
    return found


def load(paths: Iterable[Path]) -> list[Reel]:
    """The sound pieces of every file; what is no humanoid is left out and named."""
    out = []
    for path in paths:
        try:
            out += reels(bvh.read(path))
        except NotHumanoid as error:  # one dog among the people is no reason to stop
            print(f"left out {path.name}: {error}", flush=True)
    if not out:
        raise UnderstudyError(f"None of the BVH files holds {SHORTEST_S} s of a humanoid's motion.")
    return out
