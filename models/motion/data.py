"""Strips: mocap on the performer's skeleton, at 60 Hz, level, with foot contacts and a root path.

A folder of BVH of any skeleton and rate comes in; what goes out is relative to a root on the ground
that travels smoothly with the body, so that strips can be turned, mirrored and joined.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose

RATE_HZ = 60.0
ROOT_SIGMA_S = 0.16  # a step's sway goes, a start or a stop stays
YAW_SIGMA_S = 0.22
SHORTEST_S = 0.7
GLITCH_RAD = 0.42  # a frame: 25 rad/s, no pelvis turns so fast
_ROLE = roles(PERFORMER)
TOES = [_ROLE["left_toes"], _ROLE["right_toes"]]


@dataclass(frozen=True, eq=False)
class Strip:
    """Motion relative to its root, at 60 Hz.

    hips       (T, 3) in the root's frame, y above the ground
    rotations  (T, J, 4) local, the hips' in the root's frame
    root       (T, 2) x, z of the root on the ground, world
    yaw        (T,) heading of the root, radians, unwrapped
    contacts   (T, 4) left heel, left toe, right heel, right toe, 0 or 1
    kind       what was done to it: "", "mirror", "bend", "back", ...
    energy     -1 slow long steps, 1 quick short ones, 0 as people walk at that speed
    """

    name: str
    hips: Array
    rotations: Array
    root: Array
    yaw: Array
    contacts: Array
    kind: str = ""
    energy: float = 0.0

    def __len__(self) -> int:
        return len(self.yaw)

    def cut(self, start: int, stop: int) -> Strip:
        part = slice(start, stop)
        return replace(
            self,
            hips=self.hips[part],
            rotations=self.rotations[part],
            root=self.root[part],
            yaw=self.yaw[part],
            contacts=self.contacts[part],
        )


def smooth(x: Array, sigma: float) -> Array:
    """(T, ...) Gaussian filter along time that keeps the slope at both ends."""
    pad = min(len(x) - 1, int(4 * sigma) + 1)
    head = 2 * x[:1] - x[pad:0:-1]
    tail = 2 * x[-1:] - x[-2 : -pad - 2 : -1]
    return gaussian_filter1d(np.concatenate([head, x, tail]), sigma, axis=0)[pad : pad + len(x)]


def smooth_rotations(q: Array, sigma: float) -> Array:
    """(T, ..., 4) Gaussian filter along time, on 6D columns."""
    return rotation.from_6d(gaussian_filter1d(rotation.to_6d(q), sigma, axis=0, mode="nearest"))


def resample(clip: Clip, rate_hz: float = RATE_HZ) -> tuple[Array, Array]:
    """Positions (T, J, 3) and rotations (T, J, 4) of a clip at another rate."""
    count = int(np.floor((len(clip) - 1) * rate_hz / clip.rate_hz + 1e-6)) + 1
    at = np.arange(count) * clip.rate_hz / rate_hz
    low = np.minimum(at.astype(int), len(clip) - 1)
    high = np.minimum(low + 1, len(clip) - 1)
    t = at - low
    positions = clip.positions[low] + t[:, None, None] * (
        clip.positions[high] - clip.positions[low]
    )
    return positions, rotation.slerp(clip.rotations[low], clip.rotations[high], t[:, None])


def mend(rotations: Array) -> Array:
    """(T, J, 4) with the root's one- to eight-frame tumbles bridged.

    Takes that went through exponential maps tumble where the heading passes half a turn.
    """
    jump = rotation.angle_between(rotations[:-1, 0], rotations[1:, 0]) > GLITCH_RAD
    if not jump.any():
        return rotations
    bad = binary_closing(np.pad(jump, 12), np.ones(9))[12:-12]
    out = rotations.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bad.astype(int), [0]])))
    for start, stop in edges.reshape(-1, 2):
        a, b = max(0, start - 1), min(len(out) - 1, stop + 1)
        t = np.linspace(0, 1, b - a + 1)
        out[a : b + 1, 0] = rotation.slerp(out[a, 0][None], out[b, 0][None], t)
    return out


def ground(hips: Array, rotations: Array) -> tuple[Array, Array]:
    """Hips (T, 3) and rotations (T, J, 4) with planted feet flat and on the ground."""
    hips, rotations = hips.copy(), rotations.copy()
    for _ in range(2):
        p, _ = legs.forward(hips, rotations)
        ankle, toe = p[:, :, 2], p[:, :, 3]
        slow = (_speed(ankle) < 0.25) & (_speed(toe) < 0.25)
        for side in (0, 1):
            s = slow[:, side]
            if s.sum() < 5:
                continue
            reach = toe[s, side] - ankle[s, side]
            pitch = np.arctan2(-reach[:, 1], np.hypot(reach[:, 0], reach[:, 2]))
            flat = np.arctan2(legs.ANKLE_M - legs.TOE_M, 0.125)
            extra = np.clip(flat - np.median(pitch), -0.5, 0.5)
            foot = legs.LEGS[side, 2]
            rotations[:, foot] = rotation.multiply(
                rotations[:, foot], rotation.from_axis_angle([1.0, 0, 0], extra)
            )
    p, _ = legs.forward(hips, rotations)
    toe = p[:, :, 3]
    slow = _speed(toe) < 0.3
    height = toe[..., 1][slow] if slow.sum() > 5 else np.percentile(toe[..., 1], 5)
    hips[:, 1] += legs.TOE_M - np.median(height)
    return hips, rotations


def _speed(points: Array) -> Array:
    """(T, ...) metres a second on the ground, from points (T, ..., 3)."""
    v = np.gradient(gaussian_filter1d(points, 1.5, axis=0), axis=0) * RATE_HZ
    return np.hypot(v[..., 0], v[..., 2])


def detect_contacts(hips: Array, rotations: Array) -> Array:
    """(T, 4) left heel, left toe, right heel, right toe: low and nearly still."""
    p, _ = legs.forward(hips, rotations)
    ankle, toe = p[:, :, 2], p[:, :, 3]
    heel_on = (ankle[..., 1] < legs.ANKLE_M + 0.035) & (_speed(ankle) < 0.45)
    toe_on = (toe[..., 1] < legs.TOE_M + 0.03) & (_speed(toe) < 0.5)
    out = np.stack([heel_on, toe_on], -1).reshape(len(hips), 4)
    for k in range(4):
        padded = np.pad(out[:, k], 6, mode="edge")
        padded = binary_opening(binary_closing(padded, np.ones(5)), np.ones(4))
        out[:, k] = padded[6:-6]
    return out.astype(float)


def strip(clip: Clip) -> Strip:
    """A clip of any humanoid as a strip."""
    positions, rotations = resample(without_tpose(clip))
    rotations = mend(rotations)
    target_p, target_r = Retarget(clip.skeleton, PERFORMER).apply(positions, rotations)
    target_r = smooth_rotations(target_r, 1.0)
    target_r[:, TOES] = smooth_rotations(target_r[:, TOES], 4.0)
    hips, target_r = ground(gaussian_filter1d(target_p[:, 0], 1.0, axis=0), target_r)
    contacts = detect_contacts(hips, target_r)
    root = smooth(hips[:, [0, 2]], ROOT_SIGMA_S * RATE_HZ)
    yaw = smooth(np.unwrap(rotation.yaw(target_r[:, 0])), YAW_SIGMA_S * RATE_HZ)
    return relative(clip.name, hips, target_r, root, yaw, contacts)


def relative(
    name: str, hips: Array, rotations: Array, root: Array, yaw: Array, contacts: Array
) -> Strip:
    """A strip from world hips (T, 3) and rotations (T, J, 4) about a given root path."""
    back = rotation.from_yaw(-yaw)
    offset = hips.copy()
    offset[:, [0, 2]] -= root
    rotations = rotations.copy()
    rotations[:, 0] = rotation.multiply(back, rotations[:, 0])
    return Strip(name, rotation.rotate(back, offset), rotations, root, yaw, contacts)


def world(s: Strip) -> tuple[Array, Array]:
    """Hips (T, 3) and rotations (T, J, 4) of a strip in the world."""
    turn = rotation.from_yaw(s.yaw)
    hips = rotation.rotate(turn, s.hips)
    hips[:, [0, 2]] += s.root
    rotations = s.rotations.copy()
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    return hips, rotations


def load(folders: Path | Sequence[Path], include: str = "*", exclude: str = "") -> list[Strip]:
    """Strips of every BVH in folders whose name matches one of the comma-separated patterns."""
    folders = [folders] if isinstance(folders, Path) else list(folders)
    for folder in folders:
        if not folder.is_dir():
            raise UnderstudyError(f"{folder} is no folder; --data takes folders of BVH files.")
    wanted, unwanted = include.split(","), [p for p in exclude.split(",") if p]
    paths = [
        path
        for path in found(folders, "*")
        if any(fnmatch.fnmatch(path.stem, p.strip()) for p in wanted)
        and not any(fnmatch.fnmatch(path.stem, p.strip()) for p in unwanted)
    ]
    where = ", ".join(map(str, folders))
    if not paths:
        raise UnderstudyError(f"{where} holds no BVH file whose name matches {include!r}.")
    strips = []
    for path in paths:
        clip = bvh.read(path)
        if clip.duration_s < SHORTEST_S:
            continue
        try:
            strips.append(strip(clip))
        except UnderstudyError as error:  # one dog among the people is no reason to stop
            print(f"left out {path.name}: {error}")
    if not strips:
        raise UnderstudyError(
            f"Of {len(paths)} BVH files in {where} none is a humanoid's of {SHORTEST_S} s or more."
        )
    return strips


def found(folders: Path | Sequence[Path], name: str) -> list[Path]:
    """The BVH files of a name, or of any ("*"), in folders; sorted within each."""
    folders = [folders] if isinstance(folders, Path) else folders
    return [path for folder in folders for path in sorted(folder.rglob(f"{name}.[bB][vV][hH]"))]
