"""The library that the director plays from: sound parts of the mocap and what augmentation adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.performer.ik import legs

from .augment import (
    bend,
    calmed,
    halt,
    launch,
    mirror,
    pivot,
    reverse,
    stand,
    steer,
    tempo,
)
from .data import RATE_HZ, Strip
from .style import usual_pose

AIRBORNE_S = 0.4  # no foot down for longer is no run but a fault of the mocap, or a jump
SHORTEST_S = 0.9
BALL = "06_"  # CMU's subject 6 has a ball in the hand
# Metres a second that captured side steps and backward walks are brought to, by tempo and stride.
SIDEWAYS_MPS = (0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.65)
BACKWARD_MPS = (0.35, 0.6, 0.85, 1.1, 1.35, 1.6)
APART_M = 0.09  # ankles that pass each other sideways keep so far apart
CADENCE = 1.12  # quick steps for the energetic, long ones for the tired, at the same speed


def sound(s: Strip) -> list[Strip]:
    """The parts of a strip in which feet meet the ground as feet do."""
    free = s.contacts.sum(axis=1) == 0
    bad = np.zeros(len(s), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
    for start, stop in edges.reshape(-1, 2):
        bad[start:stop] = stop - start > AIRBORNE_S * RATE_HZ
    rate = np.abs(np.gradient(s.yaw)) * RATE_HZ
    bad |= rate > 3.5
    bad |= (s.hips[:, 1] < 0.84) | (s.hips[:, 1] > 1.06)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~bad).astype(int), [0]])))
    return [s.cut(a, b) for a, b in edges.reshape(-1, 2) if b - a >= SHORTEST_S * RATE_HZ]


def speed(s: Strip) -> np.ndarray:
    """(T,) the root's speed in m/s."""
    return np.linalg.norm(np.gradient(s.root, axis=0), axis=1) * RATE_HZ


def standing(s: Strip) -> tuple[int, int] | None:
    """The longest stretch of at least 0.25 s in which nothing moves and both feet are planted."""
    still = (speed(s) < 0.12) & (s.contacts.sum(axis=1) >= 3)
    feet = legs.forward(s.hips, s.rotations)[0][:, :, 2]
    together = np.abs(feet[:, 0, 2] - feet[:, 1, 2]) < 0.2
    still &= together
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]])))
    spans = [(b - a, a, b) for a, b in edges.reshape(-1, 2)]
    if not spans or max(spans)[0] < 0.25 * RATE_HZ:
        return None
    _, a, b = max(spans)
    return int(a), int(min(b, a + RATE_HZ))


def faster(s: Strip, factor: float, share: float) -> Strip:
    """A gait `factor` times as fast: `share` of it (of the logarithm) by tempo, the rest by stride.

    People do both: cadence and step length rise together with speed.
    """
    return steer(tempo(s, factor**share), factor ** (1.0 - share), calm=0.0)


def paces(s: Strip, v: float) -> list[Strip]:
    """The same gait at the same speed with quicker, shorter steps and with slower, longer ones."""
    quick = replace(steer(tempo(s, CADENCE), 1.0 / CADENCE, calm=0.0), energy=1.0)
    slow = replace(steer(tempo(s, 1.0 / CADENCE), CADENCE, calm=0.0), energy=-1.0)
    return [bend(q, r) if r else q for q in (quick, slow) for r in (0.0, 1.2, -1.2)]


def ways(s: Strip) -> dict[str, list[Strip]]:
    """The stretches in which a strip goes ahead, sideways or backward in its own frame.

    Sideways only as long as the feet do not cross.
    """
    step = np.gradient(s.root, axis=0) * RATE_HZ
    c, n = np.cos(s.yaw), np.sin(s.yaw)
    x, z = c * step[:, 0] - n * step[:, 1], n * step[:, 0] + c * step[:, 1]
    angle, v = np.abs(np.arctan2(x, z)), np.hypot(x, z)
    ankle = legs.forward(s.hips, s.rotations)[0][:, :, 2]
    aside = (angle > 0.8) & (angle < 2.2) & (ankle[:, 0, 0] - ankle[:, 1, 0] > 0.05)
    sectors = {"ahead": angle < 0.9, "aside": aside, "back": angle > 2.1}
    out: dict[str, list[Strip]] = {}
    for name, inside in sectors.items():
        on = (inside & (v > 0.25)).astype(int)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]])))
        out[name] = [s.cut(a, b) for a, b in edges.reshape(-1, 2) if b - a >= SHORTEST_S * RATE_HZ]
    return out


def apart(s: Strip, stride: float, angle_rad: float = 0.0) -> Strip:
    """`steer` of side steps, as wide as it takes for the feet not to cross."""
    for widen in (0.0, 0.03, 0.06, 0.1, 0.14):
        out = steer(s, stride, angle_rad, calm=0.2, widen_m=widen)
        ankle = legs.forward(out.hips, out.rotations)[0][:, :, 2]
        if np.quantile(ankle[:, 0, 0] - ankle[:, 1, 0], 0.03) > APART_M:
            break
    return out


def sideways(s: Strip) -> list[Strip]:
    """Captured side steps at every speed, and turned towards the diagonals."""
    out, v = [], float(np.median(speed(s)))
    for goal in SIDEWAYS_MPS:
        share = 0.5 if goal > v else 0.35
        quick, stride = tempo(s, (goal / v) ** share), (goal / v) ** (1.0 - share)
        level = apart(quick, stride)
        out += [level, bend(level, 0.6), bend(level, -0.6)]
        out += [apart(quick, stride, angle) for angle in (0.5, -0.5)]
    return out


def backward(s: Strip) -> list[Strip]:
    """Captured backward walks at every speed, bent, and turned towards the diagonals."""
    out, v = [], float(np.median(speed(s)))
    for goal in BACKWARD_MPS:
        level = faster(s, goal / v, 0.5)
        out += [level, bend(level, 0.8), bend(level, -0.8)]
        out += [steer(level, 1.0, angle, calm=0.0, widen_m=0.02) for angle in (0.6, -0.6)]
    return out


def build(strips: list[Strip], seed: int = 0) -> list[Strip]:
    """Everything the director may play, both sides, a fair share of each kind."""
    rng = np.random.default_rng(seed)
    parts = [p for s in strips for p in sound(s)]
    walked = [p for p in parts if float(np.median(speed(p))) > 0.8 and not p.name.startswith(BALL)]
    usual = usual_pose(np.concatenate([p.rotations for p in walked or parts]))
    parts = [calmed(p, usual) if p.name.startswith(BALL) else p for p in parts]
    rests = [(p, span) for p in parts if (span := standing(p)) is not None]
    out: list[Strip] = []
    still = [stand(p, *span) for p, span in rests]
    out += still
    moving = [p for p in parts if np.median(speed(p)) > 0.3]
    going = [(p, ways(p)) for p in moving]
    # What goes ahead all the time is taken whole, with its own start and stop.
    ahead = [q for p, w in going for q in (w["ahead"] if w["aside"] or w["back"] else [p])]
    ahead = [p for p in ahead if np.median(speed(p)) > 0.55]
    asides = [p for _, w in going for p in w["aside"]]
    backs = [p for _, w in going for p in w["back"]]
    walks = [p for p in ahead if np.median(speed(p)) < 2.0]
    runs = [p for p in ahead if np.median(speed(p)) >= 2.0]
    for p in asides:
        out += sideways(p)
    for p in backs:
        out += backward(p)
    starts = [p for p in walks if speed(p)[:6].mean() < 0.3]
    out += [p for p in parts if not p.name.startswith(BALL)] + asides + backs
    for p in walks:
        v = float(np.median(speed(p)))
        for rate in (0.5, 1.0, 1.7, -0.5, -1.0, -1.7):
            out.append(bend(p, rate))
        # Slow walks: the same gait with smaller steps. Brisk ones: longer and quicker steps.
        if v < 1.3:
            slow = [steer(p, 0.45 / v), steer(p, 0.7 / v)]
            out += [*slow, bend(slow[0], 1.2), bend(slow[1], -1.2)]
        if v > 1.2:
            for goal in (1.75, 1.95, 2.15):
                brisk = faster(p, goal / v, 0.55)
                out += [brisk, bend(brisk, 0.9), bend(brisk, -0.9), bend(brisk, 1.6)]
        out += paces(p, v)
        back = reverse(steer(p, min(1.0, 0.95 / v)))
        if v < 1.35:
            out += [back, bend(back, 0.8), bend(back, -0.8), reverse(steer(p, 0.45 / v))]
            for angle in (0.78, -0.78):
                out.append(steer(p, 0.85 / v, angle, widen_m=0.02))
                out.append(reverse(steer(p, 0.75 / v, angle, widen_m=0.02)))
        if v < 1.35:
            brisk = faster(p, 1.5 / v, 0.5)
            out += [steer(brisk, 1.0, angle, calm=0.0, widen_m=0.02) for angle in (0.6, -0.6)]
            hasty = reverse(faster(p, 1.45 / v, 0.5))
            out += [hasty, bend(hasty, 0.6), bend(hasty, -0.6)]
        if not asides and 0.9 < v < 1.4:
            brisk = tempo(p, 1.5)
            for angle in (1.57, -1.57):
                out.append(steer(brisk, 0.62 / (1.5 * v), angle, widen_m=0.08))
                out.append(steer(brisk, 0.35 / (1.5 * v), angle, widen_m=0.06))
        if 0.9 < v < 1.4:
            quick = tempo(p, 1.25)
            march = steer(quick, 0.06, calm=0.85)
            out += [bend(march, r) for r in (1.2, -1.2, 2.4, -2.4, 3.2, -3.2)]
    for p in runs:
        for rate in (0.4, 0.8, 1.3, -0.4, -0.8, -1.3):
            out.append(bend(p, rate))
        v = float(np.median(speed(p)))
        for goal in (2.3, 2.65, 3.35, 3.65, 3.85):
            if abs(goal / v - 1.0) > 0.05:
                other = faster(p, goal / v, 0.45)
                out += [other, bend(other, 0.6), bend(other, -0.6), bend(other, 1.1)]
        out += paces(p, v)
    # Starts, stops and pivots at every speed: of what was captured, and of slower and faster steps.
    paced = [steer(p, 0.6 / v) for p in walks if (v := float(np.median(speed(p)))) < 1.2]
    paced += [faster(p, 1.95 / v, 0.55) for p in walks if (v := float(np.median(speed(p)))) > 1.2]
    paced += [faster(p, 3.65 / float(np.median(speed(p))), 0.45) for p in runs]
    slow = [apart(p, 0.6 / float(np.median(speed(p)))) for p in asides]
    slow += [steer(p, 0.6 / float(np.median(speed(p))), calm=0.0) for p in backs]
    if still:
        for p in walks + runs + paced + asides + backs + slow:
            room = len(p) - 8
            swift = float(np.median(speed(p))) > 2.2
            for at in rng.integers(int(0.4 * room), room, 3):
                rest = still[int(rng.integers(len(still)))]
                out.append(halt(p, int(at), rest, 0.85 if swift else 0.65))
            for at in rng.integers(int(0.4 * RATE_HZ), max(int(0.7 * room), 30), 3):
                rest = still[int(rng.integers(len(still)))]
                angle = float(rng.choice([0.0, 0.0, 1.2, -1.2, 2.2, -2.2, 3.1, -3.1]))
                out.append(launch(p, int(at), rest, 0.7 if swift else 0.6, angle))
            for angle in (3.1, -3.1, 1.8, -1.8):
                at = int(rng.integers(int(0.3 * room), int(0.7 * room)))
                out.append(pivot(p, at, angle, 0.95 if swift else 0.8))
    for p in starts if not asides else []:
        v = float(np.median(speed(p)))
        brisk = tempo(p, 1.5)
        for angle in (1.57, -1.57):
            out.append(steer(brisk, 0.6 / (1.5 * v), angle, widen_m=0.08))
        out.append(steer(p, -0.8, calm=0.2))
    return out + [mirror(s) for s in out]
