"""A director: hours of varied motion from minutes of mocap, made by motion matching.

Random pad intents go through the run time's own controller; motion matching over the augmented
strips answers them, inertialization joins the pieces and the run time's own foot locks clean the
ground contact. The result holds every transition that a pad can ask for, together with the very
control input that the network will see. Motion matching after Clavet (GDC 2016) and Holden's
"Learned Motion Matching" (2020) articles; inertialization after Bollo (GDC 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import (
    LN2_4,
    SAMPLES_S,
    Controller,
    adjust,
    local_path,
    wrap,
)
from understudy.runtime.performer.control.feet import Feet
from understudy.runtime.performer.control.layout import STYLES
from understudy.runtime.performer.ik import legs

from .data import RATE_HZ, Strip, smooth
from .pads import Pad, Sliders
from .style import restyle, usual_pose

HORIZONS = np.array([20, 40, 60])  # frames
# Foot places, foot speeds, hips' speed, path, facings: how much each counts in the match.
WEIGHTS = (0.75, 1.0, 1.0, 1.4, 1.5)
ENERGY_WEIGHT = 0.9
SEARCH_EVERY = 6  # frames
DWELL = 16  # frames that a match is given before the next, unless the pad changes its mind
TRAVEL_HALFLIFE_S = 0.035
PHASE_HALFLIFE_S = 0.08
BLEND_HALFLIFE_S = 0.1
TAIL = 12  # frames at a strip's end where no match may begin


class Database:
    """Frames of all strips in a row, with their matching features."""

    def __init__(self, strips: list[Strip]) -> None:
        self.hips = np.concatenate([s.hips for s in strips]).astype(np.float32)
        self.rotations = np.concatenate([s.rotations for s in strips]).astype(np.float32)
        self.contacts = np.concatenate([s.contacts for s in strips]).astype(np.float32)
        self.phase = np.concatenate([gait(s) for s in strips])
        self.travel = np.concatenate([_travel(s) for s in strips]).astype(np.float32)
        lengths = np.array([len(s) for s in strips])
        self.end = np.repeat(np.cumsum(lengths) - 1, lengths)
        self.strip = np.repeat(np.arange(len(strips)), lengths)
        self.kinds = [s.kind for s in strips]
        self.names = [s.name for s in strips]
        raw = np.concatenate([_features(s) for s in strips])
        groups = (slice(0, 6), slice(6, 12), slice(12, 15), slice(15, 21), slice(21, 27))
        self.mean = raw.mean(axis=0)
        self.scale = np.empty(27)
        for group, weight in zip(groups, WEIGHTS, strict=True):
            self.scale[group] = weight / max(float(raw[:, group].std(axis=0).mean()), 1e-3)
        energy = ENERGY_WEIGHT * np.array([s.energy for s in strips])[self.strip, None]
        self.features = np.concatenate([(raw - self.mean) * self.scale, energy], -1).astype(
            np.float32
        )
        walking = np.linalg.norm(self.travel[:, :2], axis=-1) > 0.8
        captured = np.array([s.kind in ("", " mirror") for s in strips])[self.strip]
        pick = np.flatnonzero(walking & captured if (walking & captured).any() else captured)
        self.usual = usual_pose(self.rotations[pick[:: max(1, len(pick) // 5000)]])
        usable = np.arange(len(self.end)) < self.end - TAIL
        self.candidates = np.flatnonzero(usable)
        self._searched = np.ascontiguousarray(self.features[self.candidates].T)
        self._norms = np.sum(self._searched**2, axis=0)
        made = np.array([_made_up(s.kind) for s in strips], np.float32)
        self._norms += made[self.strip[self.candidates]]

    def __len__(self) -> int:
        return len(self.end)

    def search(self, query: Array) -> tuple[Array, Array]:
        """Nearest frames (K,) and squared distances (K,) of normalised queries (K, 28)."""
        q = query.astype(np.float32)
        cost = q @ self._searched
        cost *= -2.0
        cost += self._norms
        best = np.argmin(cost, axis=1)
        return self.candidates[best], cost[np.arange(len(q)), best] + np.sum(q * q, axis=1)


def gait(s: Strip) -> Array:
    """(T, 2) the gait's phase, unwrapped, and 0..1 how much the strip steps there.

    The phase is 0 at the left foot's mid-stance and pi at the right's, so it means the same in
    walks, runs, side steps and strips played backwards (cf. Holden's PFNN, 2017).
    """
    down = s.contacts.reshape(-1, 2, 2).max(-1) > 0.5
    events = []
    for side in (0, 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], down[:, side].astype(int), [0]])))
        for a, b in edges.reshape(-1, 2):
            if a > 0 and b < len(s) and 6 <= b - a < 1.1 * RATE_HZ:
                events.append(((a + b - 1) / 2.0, side))
    events.sort()
    step = smooth(binary_dilation(~down.all(axis=1), np.ones(25)).astype(float), 6.0)
    if not events:
        return np.stack([np.zeros(len(s)), np.clip(step, 0.0, 1.0)], -1)
    times, phases = [events[0][0]], [np.pi * events[0][1]]
    before = events[0][1]
    for at, side in events[1:]:
        if at - times[-1] < 4.0:
            continue  # both feet at once: a hop has no left and right
        times.append(at)
        phases.append(phases[-1] + (np.pi if side != before else 2.0 * np.pi))
        before = side
    usual = 2.0 * np.pi / (1.1 * RATE_HZ)
    first = last = usual
    if len(times) > 1:
        first = (phases[1] - phases[0]) / (times[1] - times[0])
        last = (phases[-1] - phases[-2]) / (times[-1] - times[-2])
    t = np.arange(len(s))
    phase = np.interp(t, times, phases)
    # Beyond the outermost steps the phase runs on for as long as there is stepping.
    going = np.cumsum(step)
    a, b = round(times[0]), round(times[-1])
    phase = np.where(t < a, phases[0] - first * np.maximum(going[a] - going, 0.0), phase)
    phase = np.where(t > b, phases[-1] + last * (going - going[b]), phase)
    return np.stack([phase, np.clip(step, 0.0, 1.0)], -1)


def _made_up(kind: str) -> float:
    """What a match costs for being made rather than captured: real motion wins where it can."""
    return 0.4 * ("steer" in kind) + 0.3 * ("reverse" in kind)


def _travel(s: Strip) -> Array:
    """(T, 3) the root's velocity in its own frame, x and z in m/s, and its turn in rad/s."""
    step = np.diff(s.root, axis=0, append=2 * s.root[-1:] - s.root[-2:-1])
    turn = np.diff(s.yaw, append=2 * s.yaw[-1] - s.yaw[-2])
    c, n = np.cos(s.yaw), np.sin(s.yaw)
    local = np.stack([c * step[:, 0] - n * step[:, 1], n * step[:, 0] + c * step[:, 1], turn], -1)
    return local * RATE_HZ


def _features(s: Strip) -> Array:
    """(T, 27) ankles' places and speeds, hips' speed, path and facings, in the root's frame."""
    feet = legs.forward(s.hips, s.rotations)[0][:, :, 2].reshape(len(s), 6)
    travel = _travel(s)
    speed = np.asarray(np.gradient(feet, axis=0)) * RATE_HZ
    speed = speed + np.tile(np.stack([travel[:, 0], 0 * travel[:, 0], travel[:, 1]], -1), 2)
    hips = np.asarray(np.gradient(s.hips, axis=0)) * RATE_HZ
    hips = hips + np.stack([travel[:, 0], 0 * travel[:, 0], travel[:, 1]], -1)
    # Past its end a strip goes on as it was going.
    over = int(HORIZONS[-1]) + 1
    rate = np.mean(travel[-12:], axis=0) / RATE_HZ
    yaw = np.concatenate([s.yaw, s.yaw[-1] + rate[2] * np.arange(1, over)])
    c, n = np.cos(yaw[len(s) - 1 : -1]), np.sin(yaw[len(s) - 1 : -1])
    more = np.stack([c * rate[0] + n * rate[1], -n * rate[0] + c * rate[1]], -1)
    root = np.concatenate([s.root, s.root[-1] + np.cumsum(more, axis=0)])
    at = np.arange(len(s))[:, None] + HORIZONS
    path = local_path(root[at], yaw[at], s.root, s.yaw).reshape(len(s), -1, 4)
    return np.concatenate(
        [feet, speed, hips, path[..., :2].reshape(len(s), 6), path[..., 2:].reshape(len(s), 6)], -1
    )


@dataclass
class Take:
    """What the director made: T frames of N bodies at 60 Hz, root-relative.

    hips (T, N, 3), rotations (T, N, J, 4), root (T, N, 2), yaw (T, N), contacts (T, N, 4),
    phase (T, N, 2): the gait's phase and how much it steps; style (T, N, 2);
    path (T, N, S, 3): the control input before frame t + 1, world x, z, yaw.
    """

    hips: Array
    rotations: Array
    root: Array
    yaw: Array
    contacts: Array
    path: Array
    phase: Array
    style: Array


def direct(database: Database, count: int, frames: int, seed: int) -> Take:
    """Lets `count` bodies follow random pads for `frames` frames."""
    rng = np.random.default_rng(seed)
    dt = 1.0 / RATE_HZ
    controller, pad, feet = Controller(count), Pad(count, rng), Feet(count)
    sliders = Sliders(count, rng)
    controller.yaw_rad[:] = controller.wished_yaw_rad[:] = pad.heading
    db = database
    standing = np.flatnonzero(
        (np.abs(db.travel).sum(-1) < 0.05)
        & (db.contacts.sum(-1) > 3)
        & (db.end - np.arange(len(db)) > 60)
    )
    frame = rng.choice(standing if len(standing) else db.candidates, count)
    root: Array = controller.position.copy()
    yaw: Array = controller.yaw_rad.copy()
    turn_off = np.zeros((count, db.rotations.shape[1], 3))
    turn_rate = np.zeros_like(turn_off)
    hips_off, hips_rate = np.zeros((count, 3)), np.zeros((count, 3))
    travel = np.zeros((count, 3))
    phase_off = np.zeros(count)
    wished = np.zeros((count, 3))
    due = rng.integers(0, SEARCH_EVERY, count)
    y = LN2_4 / BLEND_HALFLIFE_S / 2.0
    take = Take(
        np.empty((frames, count, 3), np.float32),
        np.empty((frames, count, db.rotations.shape[1], 4), np.float32),
        np.empty((frames, count, 2), np.float32),
        np.empty((frames, count), np.float32),
        np.empty((frames, count, 4), np.float32),
        np.empty((frames, count, len(SAMPLES_S), 3), np.float32),
        np.empty((frames, count, 2), np.float32),
        np.empty((frames, count, len(STYLES)), np.float32),
    )
    for t in range(frames):
        controller.wish(*pad.step(dt))
        controller.step(dt)
        position, heading = controller.path()
        take.style[t] = sliders.step(dt)
        take.path[t] = np.concatenate([position, heading[..., None]], -1)

        due -= 1
        wish = np.concatenate([controller.wished_velocity, controller.wished_yaw_rad[:, None]], -1)
        change = np.abs(wish - wished)
        change[:, 2] = np.abs(wrap(change[:, 2]))
        sudden = change.sum(-1) > 0.4
        wished = np.where(sudden[:, None], wish, wished + 0.1 * (wish - wished))
        due[sudden] = 0
        ending = frame >= db.end[frame] - 1
        who = np.flatnonzero((due <= 0) | ending)
        if len(who):
            due[who] = SEARCH_EVERY
            ahead, facing = controller.path(HORIZONS / RATE_HZ)
            path = local_path(ahead[who], facing[who], root[who], yaw[who]).reshape(len(who), -1, 4)
            query = np.empty((len(who), 28))
            query[:, :15] = db.features[np.minimum(frame[who] + 1, db.end[frame[who]])][:, :15]
            wanted = np.concatenate(
                [path[..., :2].reshape(-1, 6), path[..., 2:].reshape(-1, 6)], -1
            )
            query[:, 15:27] = (wanted - db.mean[15:]) * db.scale[15:]
            # A body that stands has no cadence.
            pace = np.sqrt(np.sum(controller.wished_velocity[who] ** 2, axis=-1))
            query[:, 27] = ENERGY_WEIGHT * take.style[t, who, 0] * np.clip(2.0 * pace - 0.6, 0, 1)
            best, cost = db.search(query)
            here = np.minimum(frame[who] + 1, db.end[frame[who]])
            stay = np.sum((db.features[here] - query) ** 2, axis=1)
            jump = ending[who] | (cost + 0.15 < 0.85 * stay)
            jump &= (np.abs(best - here) > 6) | ending[who]
            go = who[jump]
            if len(go):
                a, b = frame[go], best[jump]
                a2, b2 = np.minimum(a + 1, db.end[a]), b
                b3 = b + 1  # a candidate is never a strip's last frame
                qa, qb = db.rotations[a2].astype(float), db.rotations[b2].astype(float)
                va, vb = _rate(db.rotations[a], qa), _rate(qb, db.rotations[b3])
                now = rotation.multiply(rotation.from_rotation_vector(turn_off[go]), qa)
                turn_off[go] = rotation.to_rotation_vector(
                    rotation.multiply(now, rotation.conjugate(qb))
                )
                turn_rate[go] += va - vb
                hips_off[go] += db.hips[a2] - db.hips[b2]
                hips_rate[go] += (
                    (db.hips[a2] - db.hips[a]) - (db.hips[b3] - db.hips[b2])
                ) * RATE_HZ
                due[go] = DWELL
                lag = db.phase[a2, 0] + phase_off[go] - db.phase[b2, 0]
                phase_off[go] = wrap(lag) * np.minimum(db.phase[a2, 1], db.phase[b2, 1])
                frame[go] = b - 1
        frame = np.minimum(frame + 1, db.end[np.maximum(frame + 1, 0)])

        for x, v in ((turn_off, turn_rate), (hips_off, hips_rate)):
            j1 = v + x * y
            e = np.exp(-y * dt)
            x[...], v[...] = e * (x + j1 * dt), e * (v - j1 * y * dt)

        travel += (db.travel[frame] - travel) * (1.0 - np.exp(-0.693147 * dt / TRAVEL_HALFLIFE_S))
        c, n = np.cos(yaw), np.sin(yaw)
        root = root + dt * np.stack(
            [c * travel[:, 0] + n * travel[:, 1], -n * travel[:, 0] + c * travel[:, 1]], -1
        )
        yaw = yaw + dt * travel[:, 2]
        root, yaw = adjust(root, yaw, travel, controller, dt)

        rotations = rotation.multiply(
            rotation.from_rotation_vector(turn_off), db.rotations[frame].astype(float)
        )
        hips = db.hips[frame] + hips_off
        facing_q = quaternion.about_y(yaw)
        world_hips = quaternion.rotate(facing_q, hips)
        world_hips[:, [0, 2]] += root
        rotations[:, 0] = quaternion.multiply(facing_q, rotations[:, 0])
        contacts = db.contacts[frame]
        feet.solve(world_hips, rotations, contacts, dt, db.phase[frame, 1] < 0.5)
        rotations[:, 0] = quaternion.multiply(quaternion.conjugate(facing_q), rotations[:, 0])
        phase_off *= 0.5 ** (dt / PHASE_HALFLIFE_S)
        take.phase[t] = np.stack([db.phase[frame, 0] + phase_off, db.phase[frame, 1]], -1)
        take.hips[t], take.rotations[t] = hips, rotations
        # A foot that steps by itself is in the air, whatever the strip says.
        contacts = np.minimum(contacts, feet.on.reshape(-1, 4))
        take.root[t], take.yaw[t], take.contacts[t] = root, yaw, contacts
    for i in range(count):
        take.hips[:, i], take.rotations[:, i] = restyle(
            take.hips[:, i].astype(float),
            take.rotations[:, i].astype(float),
            take.style[:, i].astype(float),
            db.usual,
        )
    return take


def _rate(before: Array, after: Array) -> Array:
    """(..., 3) angular velocity between two frames."""
    delta = rotation.multiply(after.astype(float), rotation.conjugate(before.astype(float)))
    return rotation.to_rotation_vector(delta) * RATE_HZ
