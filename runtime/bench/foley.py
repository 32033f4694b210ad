"""Foley: what its voices cost of a block, what telling of steps costs a tick, and how well."""

from __future__ import annotations

import json
import time

import numpy as np

from understudy.runtime.contact.footsteps import WEIGHTS, Footsteps
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.foley.materials import MATERIALS, VARIANTS
from understudy.runtime.foley.room import ROOMS, Room
from understudy.runtime.foley.score import STEMS
from understudy.runtime.foley.voices import BLOCK, MOST, Strike, Voices

from .figure import Figure

BLOCK_MS = 1e3 * BLOCK / RATE_HZ
CROWD = 16


def measure(quick: bool) -> list[Figure]:
    """Thread times; the errors of steps are those that the card of the network says."""
    rounds = 100 if quick else 600
    share = float(np.median(blocks_ms(rounds))) / BLOCK_MS
    conditions = f"median of {rounds} blocks of {BLOCK_MS:.2f} ms, with the rooms of four stems"
    out = [
        Figure(
            f"{MOST} voices at once, of a block", share, "", "<= 0.5", share <= 0.5, conditions
        )
    ]  # fmt: skip
    one, many = ticks_ms(1, rounds), ticks_ms(CROWD, rounds)
    out.append(Figure("steps of one body, a tick", one, "ms", conditions="median, thread time"))
    each = (many - one) / (CROWD - 1)
    out.append(Figure("of each further body", each, "ms", conditions=f"{CROWD} beside one"))
    return out + told()


def told() -> list[Figure]:
    """What the card says of steps on takes that were not trained on."""
    rows = json.loads(WEIGHTS.with_suffix(".json").read_text())["measured"]
    out = []
    for row in rows:
        if row["rate_hz"] != 60.0 or row["noise_mm"]:
            continue
        network = row["name"] == "network"
        said = f"{row['steps']} steps, p90 {row['p90_ms']:g} ms, F1 {row['f1']:g}"
        met = row["median_ms"] <= 17.0 and row["f1"] >= 0.8 if network else None
        target = "<= 17, F1 >= 0.8" if network else ""
        name = f"steps foretold, {row['kind']}, {row['name']}"
        out.append(Figure(name, row["median_ms"], "ms", target, met, said))
    return out


def blocks_ms(rounds: int) -> list[float]:
    """Thread time of blocks in which every voice sounds, rooms included."""
    draw, names = np.random.default_rng(1), sorted(MATERIALS)
    voices = Voices(len(STEMS))
    rooms = [Room(*ROOMS["stage"]) for _ in STEMS]
    out = []
    for n in range(rounds):
        # As fast as they die away.
        for k in range(MOST - voices.sounding):
            struck = names[int(draw.integers(len(names)))]
            at = n * BLOCK + int(draw.integers(BLOCK))
            variant = int(draw.integers(VARIANTS))
            voices.strike(
                Strike(at, struck, "metal", 0.2, 0.1, 1.0, 0.2, 0.7, 0.7, k % len(STEMS), variant)
            )
        began = time.thread_time_ns()
        dry = voices.block()
        for stem, room in zip(dry, rooms):
            stem += room.block(stem)
        out.append(1e-6 * (time.thread_time_ns() - began))
    return out[10:]


def ticks_ms(bodies: int, rounds: int) -> float:
    """Median thread time of a tick for so many bodies that sway."""
    cast = []
    for k in range(bodies):
        pose = Pose.rest(PERFORMER)
        pose.positions[0, 0] = k
        cast.append(Subject(f"s{k}", PERFORMER, pose))
    spent = []
    with Footsteps() as footsteps:
        for n in range(rounds + 10):
            for subject in cast:
                subject.pose.positions[0, 1] += 1e-3 * np.sin(0.1 * n)
            began = time.thread_time_ns()
            footsteps.step(cast, n / 60.0, 1.0 / 60.0)
            spent.append(1e-6 * (time.thread_time_ns() - began))
    return float(np.median(spent[10:]))
