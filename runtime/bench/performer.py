"""The recurrent performer: milliseconds a tick, and how the shipped weights behave."""

from __future__ import annotations

import time

import numpy as np

from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.performer import Performer

from .figure import Figure


def measure(quick: bool) -> list[Figure]:
    """Speed on this machine; unless quick, control and ten minutes of random pads as well."""
    figures = []
    for count, target_ms in ((1, 1.0), (8, 4.0), (64, 10.0)):
        p50, p99, provider = _milliseconds(count, 120 if quick else 600)
        figures.append(
            Figure(
                f"performer, {count} bodies a tick",
                round(p50, 3),
                "ms",
                f"<= {target_ms:g}",
                p50 <= target_ms,
                f"median; p99 {p99:.2f} ms; {provider}, one thread; network, path, feet",
            )
        )
    if not quick:
        figures += _behaviour()
    return figures


def _milliseconds(count: int, ticks: int) -> tuple[float, float, str]:
    took = []
    with Performer(count) as performer:
        for t in range(ticks):
            angle = 0.01 * t
            intent = Intent(np.array([np.sin(angle), np.cos(angle)]))
            start = time.perf_counter()
            performer.step([intent] * count)
            took.append(1e3 * (time.perf_counter() - start))
        provider = performer.provider_name
    return float(np.median(took[20:])), float(np.percentile(took[20:], 99)), provider


def _behaviour() -> list[Figure]:
    # Measured by the code that training prints its result with; no torch in it.
    from understudy.models.motion import evaluate

    control = evaluate.control()["control"]
    long = evaluate.endurance(minutes=10.0, seeds=4)["endurance"]
    speed = max(row["speed_error_mps"] for row in control.values())
    straight = [row for name, row in control.items() if "circle" not in name]
    facing = max(row["facing_error_deg"] for row in straight)
    where = "scripted pads, from 1 s after each change"
    wild = f"random pads, {long['bodies']} bodies, {long['minutes']:g} min"
    return [
        Figure("performer, speed error", speed, "m/s", "<= 0.15", speed <= 0.15, where),
        Figure("performer, facing error", facing, "deg", "<= 8", facing <= 8.0, where),
        Figure(
            "performer, foot skate",
            long["skate_cm_s"],
            "cm/s",
            "<= 3",
            long["skate_cm_s"] <= 3.0,
            f"heels and toes in contact; {wild}",
        ),
        Figure(
            "performer, frozen gait",
            100 * long["frozen"],
            "%",
            "0",
            long["frozen"] < 0.002,
            f"seconds of asked travel without a step; {wild}",
        ),
        Figure("performer, faults", long["faults"], "", "0", long["faults"] == 0, wild),
    ]
