"""Motion matching over the training motion: what the recurrent network has to be better than.

Every tenth of a second, and at once when the pad changes its mind, the frame is looked up whose
feet, hips and path to come are nearest to the body's and to the controller's path; playing goes on
from there, the jump is inertialized, the planted feet are locked. After Clavet, "Motion Matching
and the Road to Next-Gen Animation" (GDC 2016), Holden's articles on it (2020 and after) and Bollo,
"Inertialization" (GDC 2018). The path springs, the pull towards the path and the foot locks are the
run time's own, so that a difference is the network's or the search's and nobody else's.

No part of the run time: `understudy bench control` gives it the same pads as the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from understudy.models.motion import augment, library
from understudy.models.motion.data import Strip
from understudy.models.motion.director import HORIZONS, Database
from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import (
    Controller,
    adjust,
    gather,
    local_path,
    spring_step,
    wrap,
)
from understudy.runtime.performer.control.feet import Feet
from understudy.runtime.performer.control.layout import RATE_HZ
from understudy.runtime.performer.control.performer import CONTACT_JOINTS

TICK_S = 1.0 / RATE_HZ
POSE, PATH = slice(0, 15), slice(15, 27)  # of the features
# Tuned on the scripts of the bench; a tenth of a second is what games take.
SEARCH_S = 0.1
DWELL_S = 0.2  # a match is given so long before the next, unless the pad changes its mind
CHANGE = 0.4  # of the wish, in m/s and radians together, that is a change of mind
BETTER = 0.9  # how much better another frame must match than the next one
PATH_WEIGHT = 1.0
BLEND_HALFLIFE_S = 0.1
TRAVEL_HALFLIFE_S = 0.035
TAIL_S = 0.2  # before a strip's end no match may begin
JOINTS = len(PERFORMER)


class Library:
    """The frames to play and what they are looked up by.

    With `made` all that the network's director plays: turns, side and backward steps, stops, made
    from the captured motion. Without, the captured motion and its mirror image alone.
    `stride`: every so-manieth frame may be jumped to.
    """

    def __init__(self, strips: list[Strip], made: bool = True, stride: int = 3) -> None:
        if made:
            played = library.build(strips)
        else:
            parts = [part for s in strips for part in library.sound(s)]
            played = parts + [augment.mirror(part) for part in parts]
        db = Database(played)
        self.hips, self.rotations, self.contacts = db.hips, db.rotations, db.contacts
        self.travel, self.end = db.travel, db.end
        self.stepping = db.phase[:, 1].astype(np.float32)
        self.mean, self.scale = db.mean[:27], db.scale[:27].copy()
        features = db.features[:, :27].copy()
        self.scale[PATH] *= PATH_WEIGHT
        features[:, PATH] *= PATH_WEIGHT
        self.features = features
        usable = np.arange(len(self.end)) < self.end - TAIL_S * RATE_HZ
        self.candidates = np.flatnonzero(usable)[::stride]
        self._searched = np.ascontiguousarray(features[self.candidates].T)
        self._norms = np.sum(self._searched**2, axis=0)

    def __len__(self) -> int:
        return len(self.end)

    @property
    def nbytes(self) -> int:
        """Bytes that have to be in memory to play and to search."""
        played = (self.hips, self.rotations, self.contacts, self.travel, self.end, self.stepping)
        return sum(a.nbytes for a in (*played, self.features, self._searched, self._norms))

    def search(self, query: Array) -> tuple[Array, Array]:
        """Nearest frames (K,) and squared distances (K,) of queries (K, 27)."""
        q = query.astype(np.float32)
        cost = q @ self._searched
        cost *= -2.0
        cost += self._norms
        best = np.argmin(cost, axis=1)
        return self.candidates[best], cost[np.arange(len(q)), best] + np.sum(q * q, axis=1)

    def standing(self) -> int:
        """A frame to begin with: the stillest that has time to come."""
        moving = np.abs(self.travel).sum(-1) - 0.1 * self.contacts.sum(-1)
        return int(self.candidates[np.argmin(moving[self.candidates])])


class Matching:
    """Moves `count` bodies of PERFORMER; to the outside a Performer.

    positions (count, J, 3), rotations (count, J, 4), contacts (count, 4, 2), root (count, 2) and
    yaw (count,) after each `step`. Jumps and actions are not in its data: those buttons do nothing.
    """

    skeleton = PERFORMER

    def __init__(self, count: int, library: Library) -> None:
        self.count, self._lib = count, library
        self.controller, self._feet = Controller(count), Feet(count)
        self.root, self.yaw = np.zeros((count, 2)), np.zeros(count)
        self.frame = np.full(count, library.standing())
        self._due = np.arange(count) % round(SEARCH_S * RATE_HZ)  # not all in the same tick
        self._wished = np.zeros((count, 3))
        self._travel = np.zeros((count, 3))
        self._turn, self._turn_rate = np.zeros((2, count, JOINTS, 3))
        self._shift, self._shift_rate = np.zeros((2, count, 3))
        self.positions = np.repeat(PERFORMER.rest_positions[None], count, 0).astype(np.float32)
        self.rotations = rotation.identity((count, JOINTS), np.float32)
        self.contacts = np.zeros((count, 4, 2), np.float32)
        self.contacts[..., 0] = CONTACT_JOINTS
        self.nbytes = library.nbytes

    def step(self, intents: Sequence[Intent], dt_s: float = TICK_S) -> None:
        """Advances every body by a tick of 1/60 s; it knows no other."""
        assert abs(dt_s - TICK_S) < 1e-6, "the baseline runs at 60 Hz"
        self.controller.wish(*gather(intents))
        self.controller.step(dt_s)
        self.frame = np.minimum(self.frame + 1, self._lib.end[self.frame])
        self._match()
        self._advance()
        self._pose()

    def _match(self) -> None:
        """Looks up a better frame for the bodies whose turn it is, and jumps where there is one."""
        lib = self._lib
        self._due -= 1
        control = self.controller
        wish = np.concatenate([control.wished_velocity, control.wished_yaw_rad[:, None]], -1)
        change = np.abs(wish - self._wished)
        change[:, 2] = np.abs(wrap(change[:, 2]))
        sudden = change.sum(-1) > CHANGE
        # A stick that sweeps changes its mind slowly: the memory of the wish follows it.
        self._wished = np.where(sudden[:, None], wish, self._wished + 0.1 * (wish - self._wished))
        ending = self.frame >= lib.end[self.frame]
        who = np.flatnonzero(sudden | ending | (self._due <= 0))
        if not len(who):
            return
        self._due[who] = round(SEARCH_S * RATE_HZ)
        here = self.frame[who]
        place, facing = control.path(HORIZONS / RATE_HZ)
        path = local_path(place[who], facing[who], self.root[who], self.yaw[who])
        path = path.reshape(len(who), -1, 4)
        wanted = np.concatenate(
            [path[..., :2].reshape(len(who), -1), path[..., 2:].reshape(len(who), -1)], -1
        )
        query = lib.features[here].astype(float)
        query[:, PATH] = (wanted - lib.mean[PATH]) * lib.scale[PATH]
        best, cost = lib.search(query)
        stay = np.sum((lib.features[here] - query) ** 2, axis=1)
        jump = ending[who] | ((cost < BETTER * stay - 0.1) & (np.abs(best - here) > 6))
        if jump.any():
            self._jump(who[jump], here[jump], best[jump])

    def _jump(self, who: Array, a: Array, b: Array) -> None:
        """Goes on from frames b instead of a, with the difference kept as an offset that fades."""
        lib = self._lib
        before, after = np.maximum(a - 1, 0), b + 1  # a candidate is never a strip's last frame
        qa, qb = lib.rotations[a].astype(float), lib.rotations[b].astype(float)
        now = rotation.multiply(rotation.from_rotation_vector(self._turn[who]), qa)
        self._turn[who] = rotation.to_rotation_vector(
            rotation.multiply(now, rotation.conjugate(qb))
        )
        self._turn_rate[who] += _rate(lib.rotations[before], qa) - _rate(qb, lib.rotations[after])
        self._shift[who] += lib.hips[a] - lib.hips[b]
        was, will = lib.hips[a] - lib.hips[before], lib.hips[after] - lib.hips[b]
        self._shift_rate[who] += (was - will) * RATE_HZ
        self._due[who] = round(DWELL_S * RATE_HZ)
        self.frame[who] = b

    def _advance(self) -> None:
        """Moves the roots as the frames' did, drawn a little towards the controller's point."""
        fresh = 1.0 - np.exp(-0.693147 * TICK_S / TRAVEL_HALFLIFE_S)
        self._travel += fresh * (self._lib.travel[self.frame] - self._travel)
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        x, z, turn = self._travel.T
        self.root += TICK_S * np.stack([c * x + s * z, c * z - s * x], -1)
        self.yaw += TICK_S * turn
        self.root[:], self.yaw[:] = adjust(
            self.root, self.yaw, self._travel, self.controller, TICK_S
        )

    def _pose(self) -> None:
        """The frames' poses in the world, with what is left of the jumps, and the feet locked."""
        lib, frame = self._lib, self.frame
        for x, v in ((self._turn, self._turn_rate), (self._shift, self._shift_rate)):
            x[...], v[...] = spring_step(x, v, np.zeros_like(x), BLEND_HALFLIFE_S, TICK_S)
        rotations = rotation.multiply(
            rotation.from_rotation_vector(self._turn), lib.rotations[frame].astype(float)
        )
        facing = quaternion.about_y(self.yaw)
        hips = quaternion.rotate(facing, lib.hips[frame] + self._shift)
        hips[:, [0, 2]] += self.root
        rotations[:, 0] = quaternion.multiply(facing, rotations[:, 0])
        contacts = lib.contacts[frame].copy()
        self._feet.solve(hips, rotations, contacts, TICK_S, lib.stepping[frame] < 0.5)
        self.contacts[:, :, 1] = contacts * np.repeat(self._feet.step_s <= 0.0, 2, axis=1)
        self.positions[:, 0], self.rotations[:] = hips, rotations

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Matching:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _rate(before: Array, after: Array) -> Array:
    """(..., 3) angular velocity between two frames."""
    turn = rotation.multiply(after.astype(float), rotation.conjugate(before.astype(float)))
    return rotation.to_rotation_vector(turn) * RATE_HZ
