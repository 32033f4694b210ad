"""The film that simulated suits play in a circle, and what a shown pose has to do with it.

A film that ends where it began is true at every moment, however long it is played: so it is known
at each tick which pose a body has, and of a pose that is shown, when it was.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from understudy.runtime.core import processes, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fingers import fingers
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose

RATE_HZ, SECONDS = 120, 30
# The end is led into the beginning for so long.
CLOSES_S = 1.0
# What every suit has.
JOINTS = (
    *("hips", "head"),
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("upper_arm", "lower_arm", "hand", "upper_leg", "lower_leg", "foot")
    ),
)
# How far back it is looked for what is shown.
LONGEST_S = 0.4
CHUNK = 256
_PAD = """
rate_hz = 60
[[event]]
at_s = 1.0
left_stick = [0.0, 0.7]
[[event]]
at_s = 6.0
left_stick = [0.7, 0.3]
ramp_s = 0.5
[[event]]
at_s = 11.0
left_stick = [0.0, 0.0]
[[event]]
at_s = 13.0
left_stick = [-0.6, -0.5]
ramp_s = 0.5
[[event]]
at_s = 19.0
left_stick = [0.0, 1.0]
[[event]]
at_s = 22.0
left_stick = [0.0, 0.4]
ramp_s = 1.0
[[event]]
at_s = 25.0
left_stick = [0.0, 0.0]
"""


def performed() -> Clip:
    """Somebody who walks, turns and stands, closed to a circle, with fingers that play."""
    with tempfile.TemporaryDirectory() as folder:
        pad, take = Path(folder) / "pad.toml", Path(folder) / "film.bvh"
        pad.write_text(_PAD)
        words = ("--pad", pad, "--seconds", SECONDS + CLOSES_S + 0.1, "--out", take)
        processes.start("perform", *words, stdout=subprocess.DEVNULL).wait()
        clip = without_tpose(bvh.read(take, unit_m=0.01, up="Y"))
    return with_fingers(closed(clip))


def closed(clip: Clip) -> Clip:
    """(SECONDS at RATE_HZ) of a clip that goes on CLOSES_S longer; its last frame leads to its
    first. The room turns and drifts under it by so little a second that a walk stays one."""
    count, more = SECONDS * RATE_HZ, round(CLOSES_S * RATE_HZ)
    times = np.arange(count + more) / RATE_HZ * clip.rate_hz
    row = np.minimum(times.astype(int), len(clip) - 2)
    share = (times - row)[:, None]
    at = (1.0 - share) * clip.positions[row, 0] + share * clip.positions[row + 1, 0]
    turns = rotation.slerp(clip.rotations[row], clip.rotations[row + 1], share)
    # Back to where it stood and the way it faced: a little of it at every frame.
    gone = np.arange(count + more)[:, None] / count
    facing = rotation.yaw(turns[count, 0]) - rotation.yaw(turns[0, 0])
    facing = (facing + np.pi) % (2.0 * np.pi) - np.pi
    undone = rotation.from_yaw(-float(facing) * gone[:, 0])
    at, turns[:, 0] = rotation.rotate(undone, at), rotation.multiply(undone, turns[:, 0])
    drift = (at[count] - at[0]) * (1.0, 0.0, 1.0)
    at = at - gone * drift
    lead = np.linspace(0.0, 1.0, more)[:, None]
    lead = lead * lead * (3.0 - 2.0 * lead)
    at[:more] = (1.0 - lead) * at[count:] + lead * at[:more]
    turns[:more] = rotation.slerp(turns[count:], turns[:more], lead)
    positions = np.tile(clip.skeleton.rest_positions, (count, 1, 1))
    positions[:, 0] = at[:count]
    return Clip(clip.skeleton, positions, turns[:count], 1.0 / RATE_HZ, "film")


def with_fingers(clip: Clip) -> Clip:
    """The clip with thirty joints of fingers, each of which bends and stretches all the time."""
    body = clip.skeleton
    names, parents = list(body.names), list(body.parents)
    rest = list(body.rest_positions)
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for n, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            above = f"{side}Hand"
            for part in (1, 2, 3):
                names.append(f"{side}Hand{finger}{part}")
                parents.append(names.index(above))
                first = (0.09 * x, 0.0, 0.04 - 0.02 * n)
                rest.append(np.array(first if part == 1 else (0.03 * x, 0.0, 0.0)))
                above = names[-1]
    more = len(names) - len(body)
    count = len(clip)
    # Whole swings in a film, so that they close too; no two fingers keep the same time.
    swings = 20 + 3 * (np.arange(more) % 7)
    phase = np.arange(count)[:, None] / count * 2.0 * np.pi * swings + np.arange(more)
    bend = (0.5 + 0.4 * np.sin(phase))[..., None] * np.array([0.0, 0.0, 1.0])
    bend[:, : more // 2] *= -1.0
    rest_m = np.array(rest)
    positions = np.concatenate([clip.positions, np.tile(rest_m[len(body) :], (count, 1, 1))], 1)
    turns = np.concatenate([clip.rotations, rotation.from_rotation_vector(bend)], 1)
    whole = Skeleton(tuple(names), np.array(parents), rest_m)
    return Clip(whole, positions, turns, clip.frame_time_s, clip.name)


def bare(clip: Clip) -> Clip:
    """The clip without its fingers."""
    count = len(PERFORMER)
    body = Skeleton(
        clip.skeleton.names[:count], clip.skeleton.parents[:count],
        clip.skeleton.rest_positions[:count],
    )  # fmt: skip
    return Clip(body, clip.positions[:, :count], clip.rotations[:, :count], clip.frame_time_s)


class Shown(NamedTuple):
    """when_s (N,) of the film each pose was true; off_m (N,) by how much it is none of the
    film's; speed (N,) how fast the film went then, in metres or turns a second."""

    when_s: Array
    off_m: Array
    speed: Array


def outwards(skeleton: Skeleton) -> dict[tuple[str, str, int], int]:
    """The last three joints of each finger, 0 the outermost: some have one in the palm too."""
    chains: dict[tuple[str, str], list[int]] = {}
    for (side, finger, _), joint in sorted(fingers(skeleton).items()):
        chains.setdefault((side, finger), []).append(joint)
    return {(*key, n): j for key, chain in chains.items() for n, j in enumerate(chain[:-4:-1])}


class Truth:
    """What the film says of bodies and hands.

    joints (T, K, 3) in the room, by `names`; hands (T, F, 4) of fingers in their parents
    """

    def __init__(self, clip: Clip) -> None:
        own = roles(clip.skeleton)
        self.names = JOINTS
        world = clip.skeleton.globals(clip.positions, clip.rotations)[0]
        self.joints = world[:, [own[name] for name in self.names]]
        self._fingers = outwards(clip.skeleton)
        self.hands = rotation.continuous(clip.rotations[:, list(self._fingers.values())])

    def places(self, skeleton: Skeleton, positions: Array, rotations: Array) -> Array:
        """(N, K, 3) of the film's joints in poses of another skeleton."""
        theirs = roles(skeleton)
        world = skeleton.globals(positions, rotations)[0]
        return np.asarray(world[:, [theirs[name] for name in self.names]])

    def hand_turns(self, skeleton: Skeleton, rotations: Array) -> Array:
        """(N, F, 4) of the film's fingers in poses of another skeleton."""
        theirs = outwards(skeleton)
        return np.asarray(rotations[:, [theirs[finger] for finger in self._fingers]])

    def at(self, when_s: Array) -> Array:
        """(N, K, 3) where joints are at times of the film, which goes round and round."""
        row = np.asarray(when_s) * RATE_HZ
        low = np.floor(row).astype(int)
        share = (row - low)[:, None, None]
        count = len(self.joints)
        return np.asarray(
            (1.0 - share) * self.joints[low % count] + share * self.joints[(low + 1) % count]
        )

    def shown(self, poses: Array, now_s: Array) -> Shown:
        """When poses (N, K, 3), seen at film times (N,), were; or hands (N, F, 4)."""
        if not len(poses):
            return Shown(*np.zeros((3, 0)))
        film = self.joints if poses.shape[-1] == 3 else self.hands
        parts = [
            _nearest(film, poses[n : n + CHUNK], now_s[n : n + CHUNK])
            for n in range(0, len(poses), CHUNK)
        ]
        return Shown(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _nearest(film: Array, poses: Array, now_s: Array) -> tuple[Array, Array, Array]:
    """On which stretch between two frames of the film each pose lies, and how near."""
    back = np.arange(round(LONGEST_S * RATE_HZ) + 2)
    last = np.floor(now_s * RATE_HZ).astype(int)
    rows = last[:, None] - back
    a = film[rows % len(film)].reshape(*rows.shape, -1)
    b = film[(rows + 1) % len(film)].reshape(*rows.shape, -1)
    x = poses
    if poses.shape[-1] == 4:  # a turn is two quaternions
        near = film[last % len(film)]
        x = poses * np.where((poses * near).sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
    x = x.reshape(len(x), 1, -1)
    way = b - a
    length = np.maximum((way * way).sum(-1), 1e-18)
    share = np.clip(((x - a) * way).sum(-1) / length, 0.0, 1.0)
    off = np.sqrt((((x - a) - share[..., None] * way) ** 2).sum(-1))
    best = off.argmin(axis=1)
    row = np.arange(len(poses))
    when_s = (rows[row, best] + share[row, best]) / RATE_HZ
    each = np.sqrt(film.shape[1])
    return when_s, off[row, best] / each, np.sqrt(length[row, best]) * RATE_HZ / each
