"""Figures of the performer under a pad: control and endurance; and the table of all results.

No torch here, so that `understudy bench` can measure the shipped weights too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import WALK_MPS, wrap
from understudy.runtime.performer.control.layout import RATE_HZ, STYLES
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs

from .pads import Pad

DT_S = 1.0 / RATE_HZ
Events = list[tuple[float, tuple[float, float], tuple[float, float], tuple[str, ...]]]
NONE = (0.0, 0.0)
# What is asked, by name: (from second, travel, facing, buttons). World axes: +x is left.
SCRIPTS: dict[str, Events] = {
    "stand": [(0.0, NONE, NONE, ())],
    "walk": [(0.0, NONE, NONE, ()), (1.0, (0, 1), NONE, ()), (5.0, NONE, NONE, ())],
    "slow": [(0.0, NONE, NONE, ()), (1.0, (0, 0.5), NONE, ()), (5.0, NONE, NONE, ())],
    "run": [(0.0, NONE, NONE, ()), (1.0, (0, 1), NONE, ("run",)), (5.0, NONE, NONE, ())],
    "back": [(0.0, NONE, NONE, ()), (1.0, (0, -1), (0, 1), ("strafe",)), (5.0, NONE, (0, 1), ())],
    "left": [(0.0, NONE, NONE, ()), (1.0, (1, 0), (0, 1), ("strafe",)), (5.0, NONE, (0, 1), ())],
    "right": [(0.0, NONE, NONE, ()), (1.0, (-1, 0), (0, 1), ("strafe",)), (5.0, NONE, (0, 1), ())],
    "about": [(0.0, (0, 1), NONE, ()), (3.0, (0, -1), NONE, ()), (6.0, NONE, NONE, ())],
    "turn": [(0.0, NONE, NONE, ()), (1.0, NONE, (1, 0), ()), (4.0, NONE, (-1, 0.0), ())],
    "corner": [(0.0, (0, 1), NONE, ()), (3.0, (1, 0), NONE, ()), (5.0, (0, 1), NONE, ())],
    "circle": [(0.0, (0, 1), NONE, ())],
    "run circle": [(0.0, (0, 1), NONE, ("run",))],
}
# Turning stick, radians a second, for the scripts that are circles.
CIRCLES = {"circle": 1.0, "run circle": 0.8}


def intent_at(name: str, time_s: float) -> Intent:
    """What script `name` asks at a time."""
    event = [e for e in SCRIPTS[name] if e[0] <= time_s + 1e-9][-1]
    travel = np.array(event[1], float)
    if name in CIRCLES:
        angle = CIRCLES[name] * time_s
        travel = np.array([np.sin(angle), np.cos(angle)])
    return Intent(travel, np.array(event[2], float), frozenset(event[3]))


def play(
    performer: Performer, intents: Callable[[int], list[Intent]], ticks: int
) -> dict[str, Array]:
    """Everything about `ticks` steps: arrays (T, N, ...) of what the performer showed."""
    n, joints = performer.count, len(PERFORMER)
    out: dict[str, Array] = {
        "hips": np.empty((ticks, n, 3), np.float32),
        "rotations": np.empty((ticks, n, joints, 4), np.float32),
        "contacts": np.empty((ticks, n, 4), np.float32),
        "root": np.empty((ticks, n, 2)),
        "yaw": np.empty((ticks, n)),
        "wished": np.empty((ticks, n, 2)),
        "wished_yaw": np.empty((ticks, n)),
        "path_yaw": np.empty((ticks, n)),
    }
    for t in range(ticks):
        performer.step(intents(t), DT_S)
        out["hips"][t], out["rotations"][t] = performer.positions[:, 0], performer.rotations
        out["contacts"][t] = performer.contacts[:, :, 1]
        out["root"][t], out["yaw"][t] = performer.root, performer.yaw
        out["wished"][t] = performer.controller.wished_velocity
        out["wished_yaw"][t] = performer.controller.wished_yaw_rad
        out["path_yaw"][t] = performer.controller.yaw_rad
    return out


def foot_skate(run: dict[str, Array]) -> Array:
    """(N,) cm/s: mean speed over the ground of heels and toes that stay planted."""
    p = legs.forward(run["hips"].astype(float), run["rotations"].astype(float))[0]
    points = p[..., 2:4, :].reshape(*p.shape[:2], 4, 3)
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * RATE_HZ
    # While the toe is down it is the point that stands; the heel turns about it.
    c = run["contacts"].reshape(*p.shape[:2], 2, 2) > 0.5
    stands = np.stack([c[..., 0] & ~c[..., 1], c[..., 1]], -1).reshape(*p.shape[:2], 4)
    planted = stands[1:] & stands[:-1]
    return 100.0 * (speed * planted).sum((0, 2)) / np.maximum(planted.sum((0, 2)), 1)


def weighted_skate(run: dict[str, Array]) -> Array:
    """(N,) cm/frame by MANN's formula v (2 - 2^(h/H)) over toes below H = 2.5 cm."""
    p = legs.forward(run["hips"].astype(float), run["rotations"].astype(float))[0][..., 3, :]
    speed = 100.0 * np.linalg.norm(np.diff(p[..., [0, 2]], axis=0), axis=-1)
    height = np.maximum(p[1:, ..., 1] - legs.TOE_M, 0.0)
    weight = np.clip(2.0 - 2.0 ** (height / 0.025), 0.0, 1.0)
    return (speed * weight).mean((0, 2))


def frozen(run: dict[str, Array]) -> Array:
    """(N,) share of ticks at which a body travels but its feet do not step (slides along)."""
    p = legs.forward(run["hips"].astype(float), run["rotations"].astype(float))[0][..., 2, :]
    root = run["root"][:, :, None]
    c, s = np.cos(run["yaw"])[:, :, None], np.sin(run["yaw"])[:, :, None]
    d = p[..., [0, 2]] - root
    local = np.stack([c * d[..., 0] - s * d[..., 1], s * d[..., 0] + c * d[..., 1]], -1)
    window = int(RATE_HZ)
    count = len(local) // window
    cut = local[: count * window].reshape(count, window, *local.shape[1:])
    stepping = np.ptp(cut, axis=1).max((-1, -2))  # (count, N) metres
    asked = np.linalg.norm(run["wished"][: count * window], axis=-1).reshape(count, window, -1)
    moving = asked.min(axis=1) > 0.4
    return (moving & (stepping < 0.12)).sum(0) / np.maximum(moving.sum(0), 1)


def control(weights: Path | None = None, seconds: float = 7.0) -> dict[str, Any]:
    """How the scripted pads are followed: speed, facing, foot skate of each script."""
    names = list(SCRIPTS)
    with Performer(len(names), weights, "cpu") as performer:
        run = play(
            performer,
            lambda t: [intent_at(n, t * DT_S) for n in names],
            int(seconds * RATE_HZ),
        )
    speed = np.gradient(run["root"], axis=0) * RATE_HZ
    window = int(0.5 * RATE_HZ)
    figures: dict[str, Any] = {}
    skate, weighted, still = foot_skate(run), weighted_skate(run), frozen(run)
    for i, name in enumerate(names):
        errors, facings = [], []
        changes = [event[0] for event in SCRIPTS[name]] + [seconds]
        for change, following in pairwise(changes):
            # From a second after each change of mind, over half a second.
            t = int((change + 1.0) * RATE_HZ)
            if t + window > following * RATE_HZ:
                continue
            wished = run["wished"][t : t + window, i]
            mean = speed[t : t + window, i].mean(0)
            errors.append(np.linalg.norm(mean) - np.linalg.norm(wished.mean(0)))
            # On a circle the wish runs ahead of any body: there the sprung path is the measure.
            goal = run["path_yaw" if name in CIRCLES else "wished_yaw"][t : t + window, i]
            off = wrap(run["yaw"][t : t + window, i] - goal)
            facings.append(np.abs(off).mean())
        figures[name] = {
            "speed_error_mps": round(float(np.abs(errors).max(initial=0.0)), 3),
            "facing_error_deg": round(float(np.rad2deg(np.max(facings, initial=0.0))), 1),
            "skate_cm_s": round(float(skate[i]), 2),
            "skate_mann_cm_frame": round(float(weighted[i]), 3),
            "frozen": round(float(still[i]), 3),
        }
    return {"control": figures}


def traits(hips: Array, rotations: Array) -> dict[str, float]:
    """What poses (T, ...) in the root's frame show of each trait.

    energy: swing_cm, the spread of the hands fore and aft of the hips; elbow_deg, how far elbows
    are bent. crouch: hips_m, their height; knee_deg, how far knees are bent. Both: lean_deg of the
    line from hips to neck.
    """
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    places = PERFORMER.globals(positions, rotations)[0]
    hands = places[:, [PERFORMER.index("LeftHand"), PERFORMER.index("RightHand")], 2]
    back = places[:, PERFORMER.index("Neck")] - places[:, 0]
    return {
        "swing_cm": round(100.0 * float(np.std(hands - hips[:, 2:], axis=0).mean()), 2),
        "elbow_deg": round(_bend(places, ("Arm", "ForeArm", "Hand")), 1),
        "hips_m": round(float(hips[:, 1].mean()), 4),
        "knee_deg": round(_bend(places, ("UpLeg", "Leg", "Foot")), 1),
        "lean_deg": round(float(np.rad2deg(np.arctan2(back[:, 2], back[:, 1])).mean()), 2),
    }


def _bend(places: Array, parts: tuple[str, str, str]) -> float:
    """Mean angle in degrees by which a limb's middle joint is bent, both sides, of (T, J, 3)."""
    angles = []
    for side in ("Left", "Right"):
        a, b, c = (places[:, PERFORMER.index(side + part)] for part in parts)
        u, v = b - a, c - b
        length = np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
        angles.append(np.arccos(np.clip(np.sum(u * v, axis=-1) / length, -1.0, 1.0)).mean())
    return float(np.rad2deg(np.mean(angles)))


def in_root_frame(run: dict[str, Array]) -> tuple[Array, Array]:
    """Hips (T, N, 3) and rotations (T, N, J, 4) of a run, as its roots see them."""
    back = rotation.from_yaw(-run["yaw"])
    hips = run["hips"].astype(float)
    hips[..., [0, 2]] -= run["root"]
    rotations = run["rotations"].astype(float)
    rotations[..., 0, :] = rotation.multiply(back, rotations[..., 0, :])
    return rotation.rotate(back, hips), rotations


def styles(weights: Path | None = None, seconds: float = 6.0) -> dict[str, Any]:
    """What the sliders do to a walk at 1.4 m/s: each trait as measured, along each slider."""
    marks = (-1.0, -0.5, 0.0, 0.5, 1.0)
    wanted = [(s, m) for s in range(len(STYLES)) for m in marks]
    with Performer(len(wanted), weights, "cpu") as performer:
        for i, (s, mark) in enumerate(wanted):
            performer.style[i, s] = mark
        walk = Intent(np.array([0.0, 1.4 / WALK_MPS]))
        run = play(performer, lambda _: [walk] * len(wanted), int(seconds * RATE_HZ))
    hips, rotations = in_root_frame(run)
    steady = slice(int(2.0 * RATE_HZ), None)
    skate = foot_skate(run)
    figures: dict[str, Any] = {name: {} for name in STYLES}
    for i, (s, mark) in enumerate(wanted):
        down = run["contacts"][steady, i].reshape(-1, 2, 2).max(-1) > 0.5
        steps = int((down[1:] & ~down[:-1]).sum())
        figures[STYLES[s]][f"{mark:g}"] = {
            **traits(hips[steady, i], rotations[steady, i]),
            "steps_hz": round(steps / (len(down) / RATE_HZ), 2),
            "skate_cm_s": round(float(skate[i]), 2),
        }
    return {"styles": figures}


def endurance(weights: Path | None = None, minutes: float = 10.0, seeds: int = 8) -> dict[str, Any]:
    """Random pads for a long time: faults, frozen gaits, joints' speed, foot skate, ground."""
    pad = Pad(seeds, np.random.default_rng(1))
    buttons = {(r, s): frozenset(["run"] * r + ["strafe"] * s) for r in (0, 1) for s in (0, 1)}

    def intents(_: int) -> list[Intent]:
        travel, facing, run, strafe = pad.step(DT_S)
        return [
            Intent(travel[i], facing[i], buttons[int(run[i]), int(strafe[i])]) for i in range(seeds)
        ]

    ticks = int(minutes * 60 * RATE_HZ)
    part = min(ticks, int(30 * RATE_HZ))
    skate, still, toes, turns, low, drift = [], [], [], [], [], []
    with Performer(seeds, weights, "cpu") as performer:
        for _ in range(ticks // part):
            run = play(performer, intents, part)
            if not all(np.isfinite(x).all() for x in run.values()):
                break
            skate.append(foot_skate(run).mean())
            still.append(frozen(run).mean())
            world = legs.forward(run["hips"].astype(float), run["rotations"].astype(float))[0]
            toes.append(world[..., 3, 1].min())
            low.append(run["hips"][..., 1].min())
            turn = rotation.angle_between(run["rotations"][:-1], run["rotations"][1:])
            turns.append(float(turn[..., 1:].max()))
            drift.append(
                float(np.linalg.norm(performer.root - performer.controller.position, axis=-1).max())
            )
        faults = performer.faults
    return {
        "endurance": {
            "minutes": round(len(skate) * part / RATE_HZ / 60, 2),
            "bodies": seeds,
            "faults": faults,
            "skate_cm_s": round(float(np.mean(skate)), 2),
            "frozen": round(float(np.mean(still)), 4),
            "lowest_toe_m": round(float(np.min(toes)), 4),
            "lowest_hips_m": round(float(np.min(low)), 3),
            "fastest_joint_deg_per_tick": round(float(np.rad2deg(np.max(turns))), 1),
            "farthest_from_path_m": round(float(np.max(drift)), 3),
        }
    }


def show(measured: dict[str, Any]) -> None:
    """Prints the result beside its baselines."""
    if "prediction_cm" in measured:
        print(f"\nmean joint error in cm after t seconds, {measured['windows']} held-out windows")
        print(f"{'':18}" + "".join(f"{a:>8} s" for a in measured["prediction_cm"]["hold"]))
        for name, row in measured["prediction_cm"].items():
            print(f"{name:18}" + "".join(f"{v:>10.2f}" for v in row.values()))
    if "control" in measured:
        print("\nscripted pads: a second after each change")
        print(f"{'':12}{'speed error':>12}{'facing':>9}{'skate':>10}{'frozen':>8}")
        for name, row in measured["control"].items():
            print(
                f"{name:12}{row['speed_error_mps']:>8.2f} m/s{row['facing_error_deg']:>5.1f} deg"
                f"{row['skate_cm_s']:>5.1f} cm/s{100 * row['frozen']:>6.0f} %"
            )
    if "styles" in measured:
        print("\nsliders, walking at 1.4 m/s, from the poses")
        for name, marks in measured["styles"].items():
            for mark, row in marks.items():
                print(f"{name:8}{mark:>5}  " + "  ".join(f"{k} {v:g}" for k, v in row.items()))
    if "endurance" in measured:
        print("\nrandom pads:", ", ".join(f"{k} {v}" for k, v in measured["endurance"].items()))
