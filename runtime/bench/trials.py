"""What `understudy bench control` asks of a body: one pad for each trial, all of them in one batch.

Straight trials press the stick as a script would. On circles and slalom a pursuit pad steers by the
stick as a player does: it sees where the body is, aims along the path some time ahead, and towards
the path by how far, and for how long, the body has been off it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import Controller, gather
from understudy.runtime.performer.control.layout import STYLES

from .gait import RATE_HZ, Motion

DT_S = 1.0 / RATE_HZ
SECONDS = 16.0  # of every trial
Pad = Callable[[float, Array], Intent]  # time and the hips' place (2,) to intent


@dataclass(frozen=True)
class Trial:
    """One body's task. `changes_s`: when the pad changes its mind; `about`: what measures need."""

    name: str
    pad: Pad
    changes_s: tuple[float, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


def way(degrees: float, amount: float = 1.0) -> Array:
    """(2,) a stick that points so many degrees to the left of +Z."""
    angle = np.deg2rad(degrees)
    return amount * np.array([np.sin(angle), np.cos(angle)])


def script(*events: tuple[float, Array | float, Array | None, str]) -> Pad:
    """A pad from (from second, travel, facing, buttons) in order of time."""
    intents = [
        (at, Intent(np.zeros(2) + travel, np.zeros(2) if look is None else look, held(buttons)))
        for at, travel, look, buttons in events
    ]

    def pad(time_s: float, _: Array) -> Intent:
        return [intent for at, intent in intents if at <= time_s + 1e-9][-1]

    return pad


def held(buttons: str) -> frozenset[str]:
    return frozenset(buttons.split())


def asked_speed(amount: float, buttons: str = "") -> float:
    """m/s that a stick pushed forward so far asks for."""
    controller = Controller(1)
    controller.wish(*gather([Intent(way(0.0, amount), np.zeros(2), held(buttons))]))
    return float(np.linalg.norm(controller.wished_velocity[0]))


def stick_for(speed_mps: float, buttons: str = "") -> float:
    """How far to push the stick for a speed; the rim where no stick asks for so much."""
    amounts = np.linspace(0.05, 1.0, 96)
    speeds = np.array([asked_speed(a, buttons) for a in amounts])
    return float(np.interp(speed_mps, speeds, amounts))


def circle(radius_m: float) -> Array:
    """(P, 2) a circle to the left that begins at the origin along +Z; points 1 cm apart."""
    angle = np.arange(0.0, 2.0 * np.pi, 0.01 / radius_m)
    return radius_m * np.stack([1.0 - np.cos(angle), np.sin(angle)], -1)


def slalom(sway_m: float = 0.75, gates_m: float = 3.0, length_m: float = 80.0) -> Array:
    """(P, 2) a sine between gates; its tightest turn has a radius of 1.2 m."""
    z = np.arange(0.0, length_m, 0.01)
    return np.stack([sway_m * np.sin(np.pi * z / gates_m), z], -1)


class Pursuit:
    """Steers a body along a path (P, 2) at a speed, looking `lead_s` ahead."""

    AIM = 1.5  # radians of stick for a metre off the path
    INSIST = 0.6  # and for a metre second

    def __init__(
        self, path: Array, speed_mps: float, lead_s: float, buttons: str = "", closed: bool = True
    ) -> None:
        self.path, self.speed_mps, self.lead_s, self.closed = path, speed_mps, lead_s, closed
        self.amount, self.buttons = stick_for(speed_mps, buttons), held(buttons)
        step = np.roll(path, -1, 0) - path if closed else np.gradient(path, axis=0)
        self.step_m = float(np.linalg.norm(step, axis=1).mean())
        self.tangent = np.unwrap(np.arctan2(step[:, 0], step[:, 1]))
        self.at, self.sum = 0, 0.0

    def __call__(self, time_s: float, place: Array) -> Intent:
        if time_s == 0.0:
            self.at, self.sum = 0, 0.0
        near = self.at + np.arange(-20, 100)
        index = near % len(self.path) if self.closed else np.clip(near, 0, len(self.path) - 1)
        away = place - self.path[index]
        best = int(np.argmin((away * away).sum(1)))
        self.at = int(near[best]) if self.closed else int(index[best])
        angle = self.tangent[index[best]]
        left = away[best] @ np.array([np.cos(angle), -np.sin(angle)])
        self.sum = float(np.clip(self.sum + left * DT_S, -1.0, 1.0))
        ahead = self.at + int(self.lead_s * self.speed_mps / self.step_m)
        ahead = ahead % len(self.path) if self.closed else min(max(ahead, 0), len(self.path) - 1)
        aim = self.tangent[ahead] - np.clip(self.AIM * left + self.INSIST * self.sum, -0.9, 0.9)
        return Intent(self.amount * np.array([np.sin(aim), np.cos(aim)]), np.zeros(2), self.buttons)


def off_path(places: Array, path: Array) -> Array:
    """(T,) metres from places (T, 2) to the nearest point of a path (P, 2)."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(path).query(places)[0])


WALK_MPS = 1.3  # a usual walk
LADDER_MPS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
RUNS_MPS = (2.5, 3.0, 3.5)
LEADS_S = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
STYLE_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
PHASES = 8  # of the gait, at which a turn or a start is asked


def all_trials() -> list[Trial]:
    """Every trial, named group/what."""
    rest = np.zeros(2)
    out = []
    for v in LADDER_MPS + RUNS_MPS:
        buttons = "run" if v > 2.0 else ""
        go = (1.0, way(0.0, stick_for(v, buttons)), None, buttons)
        top = asked_speed(1.0, buttons)
        about = {"speed_mps": v, "reached": top >= v - 0.01}
        out.append(Trial(f"speed/{v:g}", script((0.0, 0.0, None, ""), go), (1.0,), about))
    rim = script((0.0, 0.0, None, ""), (1.0, way(0.0), None, "run"))
    out.append(Trial("speed/full stick, run", rim, (1.0,)))
    steady = way(0.0, stick_for(1.0))
    out.append(
        Trial(
            "change/stroll to full stick and back",
            script((0.0, steady, None, ""), (4.0, way(0.0), None, ""), (8.0, steady, None, "")),
            (4.0, 8.0),
        )
    )
    out.append(
        Trial(
            "change/stroll to run and back",
            script((0.0, steady, None, ""), (4.0, way(0.0), None, "run"), (8.0, steady, None, "")),
            (4.0, 8.0),
        )
    )
    for angle in range(0, 360, 45):
        pad = script((0.0, 0.0, None, ""), (1.0, way(angle), way(0.0), "strafe"))
        out.append(Trial(f"strafe/{angle} deg", pad, (1.0,)))
    for name, events in {
        "forward to back": (way(0), way(180)),
        "left to right": (way(90), way(270)),
    }.items():
        pad = script((0.0, events[0], way(0), "strafe"), (4.0, events[1], way(0), "strafe"))
        out.append(Trial(f"strafe/{name}", pad, (4.0,)))
    for angle in (45, 90, 135, 180, -45, -90, -135):
        out.append(
            Trial(
                f"spot/{angle} deg",
                script((0.0, rest, None, ""), (1.0, rest, way(angle), "")),
                (1.0,),
            )
        )
    walk = way(0.0, stick_for(WALK_MPS))
    for k in range(PHASES):
        at = 4.0 + 0.14 * k
        out.append(
            Trial(f"about walk/{k}", script((0.0, walk, None, ""), (at, -walk, None, "")), (at,))
        )
        full = way(0.0)
        pad = script((0.0, full, None, "run"), (at, -full, None, "run"))
        out.append(Trial(f"about run/{k}", pad, (at,)))
        at = 2.0 + 0.37 * k
        out.append(Trial(f"start/{k}", script((0.0, 0.0, None, ""), (at, full, None, "")), (at,)))
    for k in range(4):
        at = 4.0 + 0.28 * k
        for kind, stick in (("walk", walk), ("run", way(0.0))):
            pad = script((0.0, stick, None, "run" * (kind == "run")), (at, 0.0, None, ""))
            out.append(Trial(f"stop {kind}/{k}", pad, (at,)))
    paths = {f"circle {r:g} m": (circle(r), 1.2, "") for r in (1.5, 2.0, 4.0)}
    paths["slalom"] = (slalom(), 1.2, "")
    paths["running circle 4 m"] = (circle(4.0), 2.8, "run")
    for name, (path, v, buttons) in paths.items():
        for lead in LEADS_S:
            pursuit = Pursuit(path, v, lead, buttons, closed="circle" in name)
            out.append(Trial(f"path/{name}/{lead:g}", pursuit, (), {"path": path}))
    out.append(Trial("idle", script((0.0, 0.0, None, ""))))
    for trait in STYLES:
        for value in STYLE_STEPS:
            pad = script((0.0, way(0.0, stick_for(1.2)), None, ""))
            out.append(Trial(f"style/{trait} {value:g}", pad, (), {"style": {trait: value}}))
    for stand, stick, run in (
        ("standing", rest, ""),
        ("walking", walk, ""),
        ("running", way(0), "run"),
    ):
        for button in ("", "jump", "action1", "action2"):
            pad = script(
                (0.0, stick, None, run),
                (4.0, stick, None, f"{run} {button}"),
                (4.2, stick, None, run),
            )
            out.append(Trial(f"button {stand}/{button or 'none'}", pad, (4.0,)))
    return out


def follow(
    body: Any, pads: list[Pad], ticks: int, from_s: float = 0.0
) -> tuple[Motion, Array, Array]:
    """Lets bodies follow pads: what they showed, asked velocity (T, N, 2), asked heading (T, N)."""
    count, joints = body.count, body.rotations.shape[1]
    hips = np.empty((ticks, count, 3), np.float32)
    rotations = np.empty((ticks, count, joints, 4), np.float32)
    asked, facing = np.empty((ticks, count, 2)), np.empty((ticks, count))
    for t in range(ticks):
        time_s = from_s + t * DT_S
        body.step([pad(time_s, body.positions[i, 0, [0, 2]]) for i, pad in enumerate(pads)], DT_S)
        hips[t], rotations[t] = body.positions[:, 0], body.rotations
        # What the sticks ask for: the same function of the sticks for everybody.
        asked[t], facing[t] = body.controller.wished_velocity, body.controller.wished_yaw_rad
    return Motion(hips, rotations), asked, facing
