"""A pad in random hands: what players do, for minutes, the same for the same seed.

A hand changes its mind every 0.5 to 3.5 s: it stands, walks, runs, strafes, turns on the spot,
jumps, or presses an action. The new way is the old one, a corner, an about-turn or any; a stick
moves there at once, or sweeps there slowly, which makes an arc. `understudy perform --pad random:7`
plays seed 7, and `python -m understudy.runtime.sources.controls.random_pad 0 > FILE.toml` writes
one down as a pad script.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from .pad import CENTRED
from .pad_script import Event, PadScript

LONGEST_S, SHORTEST_S = 3.5, 0.5
PRESS_S = 0.2
# What a hand does next, and how often.
MOODS = {"stand": 0.14, "walk": 0.34, "run": 0.18, "strafe": 0.18, "turn": 0.06, "jump": 0.05}
MOODS["action"] = 1.0 - sum(MOODS.values())


class RandomPad(PadScript):
    """A pad script that nobody wrote: random events of `minutes`; then the sticks are let go."""

    def __init__(self, seed: int, minutes: float = 10.0) -> None:
        self.path = Path(f"random-{seed}")
        self.rate_hz, self.events = 60.0, events(seed, 60.0 * minutes)
        self._starts_s = [event.at_s for event in self.events]


def events(seed: int, seconds: float) -> list[Event]:
    """The events of a seed; at `seconds` the sticks are let go."""
    rng = np.random.default_rng(seed)
    out = [Event(0.0)]
    at_s, way, look = 1.0, rng.uniform(-np.pi, np.pi), 0.0

    def add(left: tuple[float, float], right: tuple[float, float], buttons: str, ramp_s: float):
        before = out[-1].sticks(at_s)
        held = frozenset(buttons.split())
        out.append(Event(round(at_s, 3), left, right, held, round(ramp_s, 3), *before))

    while at_s < seconds:
        mood = str(rng.choice(list(MOODS), p=list(MOODS.values())))
        lasts_s = rng.uniform(SHORTEST_S, LONGEST_S)
        kind = rng.choice(4, p=[0.3, 0.4, 0.15, 0.15])
        corner, any_way = rng.uniform(-np.pi / 2, np.pi / 2), rng.uniform(-np.pi, np.pi)
        way += (0.0, corner, np.pi + 0.2 * corner, any_way)[kind]
        amount = 1.0 if rng.random() < 0.6 else rng.uniform(0.3, 1.0)
        sweeps = kind < 2 and rng.random() < 0.3
        ramp_s = rng.uniform(0.4, 1.5) if sweeps else rng.uniform(0.03, 0.15)
        ramp_s = min(ramp_s, lasts_s)
        stick, buttons = _stick(way, amount), ""
        left, right = stick, CENTRED
        if mood == "stand":
            left = CENTRED
        elif mood == "run":
            left, buttons = _stick(way, 1.0), "run"
        elif mood in ("strafe", "turn"):
            buttons = "strafe"
            look += any_way if mood == "turn" or rng.random() < 0.3 else 0.0
            right = _stick(look, 1.0)
            left = CENTRED if mood == "turn" else stick
        elif mood in ("jump", "action"):
            pressed = mood if mood == "jump" else f"action{rng.integers(1, 3)}"
            left = out[-1].left_stick
            running = "run" if "run" in out[-1].buttons else ""
            add(left, CENTRED, f"{running} {pressed}", 0.0)
            at_s += PRESS_S
            buttons, ramp_s = running, 0.0
        else:
            look = way
        add(left, right, buttons, ramp_s)
        at_s += lasts_s
    at_s = seconds
    out = [event for event in out if event.at_s < seconds]
    add(CENTRED, CENTRED, "", 0.1)
    return out


def _stick(angle_rad: float, amount: float) -> tuple[float, float]:
    x, y = amount * np.sin(angle_rad), amount * np.cos(angle_rad)
    return round(float(x), 3), round(float(y), 3)


def script(seed: int, minutes: float = 10.0) -> str:
    """The same as the text of a pad script."""
    lines = [
        f"# {minutes:g} minutes in random hands, seed {seed}; written by",
        f"# python -m understudy.runtime.sources.controls.random_pad {seed} {minutes:g}",
        "rate_hz = 60",
    ]
    for e in events(seed, 60.0 * minutes):
        lines += ["", "[[event]]", f"at_s = {e.at_s:g}"]
        for name in ("left_stick", "right_stick"):
            stick = getattr(e, name)
            lines += [f"{name} = [{stick[0]:g}, {stick[1]:g}]"] if stick != CENTRED else []
        if e.buttons:
            lines += [f"buttons = {sorted(e.buttons)}".replace("'", '"')]
        lines += [f"ramp_s = {e.ramp_s:g}"] if e.ramp_s else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(script(int(sys.argv[1]), *map(float, sys.argv[2:])), end="")
