"""Props: milliseconds a step of the simulation, of its own thread, for 30 props and two bodies."""

from __future__ import annotations

import time
from typing import get_args

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.props.materials import Word
from understudy.runtime.props.simulation import Simulation
from understudy.runtime.props.table import SIZES, PropTable

from .figure import Figure

RATE_HZ, PROPS, BODIES = 60.0, 30, 2
TARGET_MS = 0.5


def tables(count: int) -> list[PropTable]:
    """Props of every shape and material, in a heap that falls."""
    out, words = [], get_args(Word)
    for n in range(count):
        shape = list(SIZES)[n % len(SIZES)]
        size = ([0.3, 0.2, 0.25], [0.25], [0.2, 0.3], [0.15, 0.4])[n % len(SIZES)]
        at = [0.45 * (n % 4 - 1.5), 0.3 + 0.4 * (n // 12), 0.45 * (n // 4 % 3 - 1.0)]
        material = words[n % len(words)]
        out.append(PropTable(name=f"p{n}", shape=shape, size_m=size, at_m=at, material=material))
    return out


def walkers(count: int, time_s: float) -> list[Subject]:
    """Bodies that go round through the heap, their arms turning."""
    out = []
    for n in range(count):
        pose, way = Pose.rest(PERFORMER), 1.2 * time_s + 2.0 * np.pi * n / max(count, 1)
        pose.positions[0] += (0.8 * np.cos(way), 0.0, 0.8 * np.sin(way))
        pose.rotations[PERFORMER.index("RightArm")] = (0, 0, np.sin(0.5 * way), np.cos(0.5 * way))
        out.append(Subject(f"s{n}", PERFORMER, pose))
    return out


def steps_ms(
    seconds: float, count: int = PROPS, bodies: int = BODIES
) -> tuple[np.ndarray, float, float]:
    """Wall milliseconds a step of every frame, all that a frame costs included; the mean in the
    thread's own time, which is what counts where others compute too; and steps a frame."""
    simulation, out = Simulation(tables(count), RATE_HZ), []
    frames = round(seconds * RATE_HZ)
    cast = [walkers(bodies, number / RATE_HZ) for number in range(frames)]
    simulation.take(Frame(0, 0, 0, 30, 1, "", cast[0]))  # which builds the world
    steps, began = simulation.figures.steps, time.thread_time()
    for number in range(1, frames):
        ns = round(1e9 * number / RATE_HZ)
        before, start = simulation.figures.steps, time.perf_counter()
        simulation.take(Frame(number, ns, ns, 30, 1, "", cast[number]))
        simulation.places()
        out.append(1e3 * (time.perf_counter() - start) / (simulation.figures.steps - before))
    steps = simulation.figures.steps - steps
    return np.array(out), 1e3 * (time.thread_time() - began) / steps, steps / (frames - 1)


def measure(quick: bool) -> list[Figure]:
    """A step with 30 props and two bodies that wade through them, median and p99."""
    ms, mean_ms, steps = steps_ms(10 if quick else 60)
    name = f"a step, {PROPS} props and {BODIES} bodies"
    there = f"{steps:.1f} steps a frame of 60 Hz"
    return [
        Figure(f"{name}, thread", mean_ms, "ms", "0.5 ms", mean_ms <= TARGET_MS, there),
        Figure(f"{name}, p50", float(np.percentile(ms, 50)), "ms"),
        Figure(f"{name}, p99", float(np.percentile(ms, 99)), "ms"),
    ]
