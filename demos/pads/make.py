"""Writes the pad scripts of this folder whose numbers follow from the controller's speeds.

    python demos/pads/make.py          # again after the speeds of a full stick have changed

A circle of a radius needs a stick that turns at speed / radius; a ladder of speeds needs the stick
that asks for each. The other scripts here were written by hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.bench.trials import LADDER_MPS, RUNS_MPS, asked_speed, stick_for
from understudy.runtime.sources.controls import random_pad

HERE = Path(__file__).parent
Rows = list[tuple[float, float, float, str, float, dict[str, object]]]


def write(name: str, title: str, rows: Rows) -> None:
    """One script; a row is (at_s, degrees to the left, how far, buttons, ramp_s, other fields)."""
    lines = [f"# {title}", "# Written by make.py.", "rate_hz = 60"]
    for at_s, degrees, amount, buttons, ramp_s, other in rows:
        angle = np.deg2rad(degrees)
        x, y = -amount * np.sin(angle), amount * np.cos(angle)
        lines += ["", "[[event]]", f"at_s = {at_s:.6g}"]
        lines += [f"left_stick = [{x + 0.0:.4g}, {y + 0.0:.4g}]"] if amount else []
        lines += [f"{key} = {value}" for key, value in other.items()]
        if buttons:
            lines += [f"buttons = {buttons.split()}".replace("'", '"')]
        lines += [f"ramp_s = {ramp_s:.4g}"] if ramp_s else []
    (HERE / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def circle(radius_m: float, speed_mps: float, laps: float, buttons: str = "") -> Rows:
    """A stick that turns so that the body's path is a circle to the left; then it stands."""
    amount = stick_for(speed_mps, buttons)
    step = 15.0  # between two directions the stick is ramped: short enough to stay on the rim
    each_s = np.deg2rad(step) * radius_m / speed_mps
    rows: Rows = [(0.5, 0.0, amount, buttons, 0.2, {})]
    start_s = 1.7
    for k in range(round(laps * 360.0 / step)):
        rows.append((start_s + k * each_s, (k + 1) * step, amount, buttons, each_s, {}))
    rows.append((rows[-1][0] + each_s + 1.0, 0.0, 0.0, "", 0.2, {}))
    return rows


def ladder() -> Rows:
    rows: Rows = []
    for k, v in enumerate(LADDER_MPS):
        rows.append((1.0 + 3.0 * k, 0.0, stick_for(v), "", 0.2, {"# m/s": v}))
    rows.append((1.0 + 3.0 * len(LADDER_MPS), 0.0, 0.0, "", 0.2, {}))
    return rows


def run_to_top() -> Rows:
    rows: Rows = [(1.0, 0.0, stick_for(1.3), "", 0.2, {"# m/s": 1.3})]
    for k, v in enumerate((*RUNS_MPS, asked_speed(1.0, "run"))):
        stick = stick_for(v, "run")
        rows.append((3.0 + 2.5 * k, 0.0, stick, "run", 0.2, {"# m/s": round(v, 2)}))
    rows.append((14.0, 0.0, 0.0, "", 0.2, {}))
    return rows


def strafe_square() -> Rows:
    """Eyes front round a square: forward, left, back, right, twice."""
    front = {"right_stick": [0.0, 1.0]}
    rows: Rows = [(0.5, 0.0, 0.0, "strafe", 0.0, front)]
    for k in range(8):
        rows.append((1.0 + 2.2 * k, 90.0 * (k % 4), 0.8, "strafe", 0.15, front))
    rows.append((18.6, 0.0, 0.0, "strafe", 0.15, front))
    return rows


def backward() -> Rows:
    """Backward straight, in both bends, slowly, and to a stand."""
    front = {"right_stick": [0.0, 1.0]}
    rows: Rows = [(0.5, 180.0, 1.0, "strafe", 0.2, front)]
    rows += [(3.5, 150.0, 1.0, "strafe", 0.8, front), (6.0, 210.0, 1.0, "strafe", 0.8, front)]
    rows += [(8.5, 180.0, 0.5, "strafe", 0.3, front), (11.0, 0.0, 0.0, "strafe", 0.2, front)]
    return rows


def turn_in_place() -> Rows:
    """On the spot: quarters and halves, both ways, then slowly all the way round."""
    rows: Rows = []

    def look(at_s: float, degrees: float, ramp_s: float = 0.0) -> None:
        x, y = -np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
        stick = [round(float(x) + 0.0, 3), round(float(y) + 0.0, 3)]
        rows.append((at_s, 0.0, 0.0, "strafe", ramp_s, {"right_stick": stick}))

    at_s = 1.0
    for degrees in (0, 90, 0, -90, 0, 170, 340, 180, 45, -45, 0):
        look(at_s, degrees)
        at_s += 2.0
    for k in range(1, 13):
        look(at_s, 30.0 * k, 0.5)
        at_s += 0.5
    rows.append((at_s + 1.0, 0.0, 0.0, "", 0.0, {}))
    return rows


def presses(buttons: tuple[str, ...]) -> Rows:
    """Each button standing, walking and running."""
    rows: Rows = []
    at_s = 1.0
    for amount, held in ((0.0, ""), (stick_for(1.3), ""), (1.0, "run")):
        rows.append((at_s, 0.0, amount, held, 0.2, {}))
        at_s += 1.5
        for button in buttons:
            rows.append((at_s, 0.0, amount, f"{held} {button}", 0.0, {}))
            rows.append((at_s + 0.2, 0.0, amount, held, 0.0, {}))
            at_s += 3.0
    rows.append((at_s, 0.0, 0.0, "", 0.2, {}))
    return rows


def style_sweep() -> Rows:
    """A steady walk, while each trait goes from end to end."""
    amount = stick_for(1.2)
    rows: Rows = [(0.5, 0.0, amount, "", 0.2, {})]
    at_s = 3.0
    for trait in ("energy", "crouch"):
        for value in (1.0, -1.0, 0.0):
            rows.append((at_s, 0.0, amount, "", 2.0, {"style": f"{{ {trait} = {value} }}"}))
            at_s += 4.0
    rows.append((at_s, 0.0, 0.0, "", 0.2, {}))
    return rows


if __name__ == "__main__":
    for radius in (1.5, 2.0, 4.0):
        rows = circle(radius, 1.2, 2.0 if radius < 3.0 else 1.0)
        write(
            f"circle-{radius:g}m", f"Circles of {radius:g} m radius to the left at 1.2 m/s.", rows
        )
    write("circle-run", "A circle of 4 m radius at a run.", circle(4.0, 2.8, 1.5, "run"))
    write("ladder", "Walks of 0.5 to 2 m/s, three seconds each.", ladder())
    write("run-to-top", "From a walk to the fastest run, and to a stand.", run_to_top())
    write("strafe-square", "Eyes front round a square, twice.", strafe_square())
    write("backward", "Backward: straight, in both bends, slowly.", backward())
    write("turn-in-place", "Turns on the spot, both ways, quick and slow.", turn_in_place())
    write("jumps", "Jumps standing, walking and running.", presses(("jump",)))
    write("actions", "Both actions standing, walking and running.", presses(("action1", "action2")))
    write("style", "A walk through both styles, from end to end.", style_sweep())
    (HERE / "random-walk.toml").write_text(random_pad.script(0), encoding="utf-8")
