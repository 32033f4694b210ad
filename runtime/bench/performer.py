"""The recurrent performer: what a tick costs, against the number of bodies, in 8 bits, on CUDA.

How well a pad is followed is the part `control`.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from understudy.runtime.core import networks
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.performer import Performer

from . import quantized
from .figure import Figure
from .stage import one_core

COUNTS = (1, 4, 16, 64, 256, 1024)
ONE_MS, MORE_MS, CROWD_MS, SIZE_MB = 1.0, 0.15, 4.0, 4.0
CROWD = 1024


def measure(quick: bool) -> list[Figure]:
    """Ticks back to back on one core; the network's size; its 8-bit variants; a crowd on CUDA."""
    with one_core() as core:
        figures = _batches(quick, core) + _sizes()
        try:
            figures += _variants(quick, core)
        except UnderstudyError as error:
            figures.append(Figure("network in 8 bits", None, "", "", None, f"{error}"))
    return [*figures, *_crowd(quick)]


def _batches(quick: bool, core: str) -> list[Figure]:
    medians, figures = {}, []
    for count in COUNTS[:4] if quick else COUNTS:
        p50, p99, provider = tick_ms(count, 120 if quick or count > 64 else 600)
        medians[count] = p50
        figures.append(
            Figure(
                f"performer, {count} bodies a tick",
                round(p50, 3),
                "ms",
                f"<= {ONE_MS:g}" if count == 1 else "",
                p50 <= ONE_MS if count == 1 else None,
                f"median; p99 {p99:.2f} ms; float32, {provider}, quietest of 5 rounds, {core}",
            )
        )
    more = (medians[64] - medians[1]) / 63
    where = f"(64 bodies - 1 body) / 63, float32, {core}"
    return [
        *figures,
        Figure(
            "performer, each extra body at 64",
            round(more, 4),
            "ms",
            f"<= {MORE_MS:g}",
            more <= MORE_MS,
            where,
        ),
    ]


def tick_ms(
    count: int, ticks: int, weights: Path | None = None, provider: str = "cpu"
) -> tuple[float, float, str]:
    """Median and 99th percentile of a tick's time, and the provider; bodies that turn and walk.

    On the CPU it is this thread's own time, and of the quietest of five rounds: who shares the
    core's caches with it must not be billed to it.
    """
    took = []
    clock = time.thread_time if provider == "cpu" else time.perf_counter
    with Performer(count, weights, provider) as performer:
        for t in range(ticks + 20):
            angle = 0.01 * t
            intent = Intent(np.array([np.sin(angle), np.cos(angle)]))
            start = clock()
            performer.step([intent] * count)
            took.append(1e3 * (clock() - start))
        name = performer.provider_name
    rounds = np.array_split(np.array(took[20:]), 5)
    quiet = min(rounds, key=np.median)
    return float(np.median(quiet)), float(np.percentile(quiet, 99)), name


def _sizes() -> list[Figure]:
    figures = []
    for path in sorted(networks.WEIGHTS.glob("*.onnx")):
        size = path.stat().st_size / 1e6
        card = networks.read_card(path)
        about = f"{card['parameters']:,} weights, float32" if "parameters" in card else "float32"
        figures.append(
            Figure(
                f"network {path.name}",
                round(size, 2),
                "MB",
                f"<= {SIZE_MB:g}",
                size <= SIZE_MB,
                about,
            )
        )
    return figures


def _variants(quick: bool, core: str) -> list[Figure]:
    """Size, time and error of the 8-bit variants, beside float32 in the same run."""
    weights = networks.WEIGHTS / "motion.onnx"
    bodies, seconds = (16, 6.0) if quick else (64, 20.0)
    figures = []
    with TemporaryDirectory() as folder:
        inputs = quantized.record(weights, bodies, seconds)
        paths = {"float32": weights, **quantized.make(weights, Path(folder), inputs)}
        last = len(inputs["body"]) - 61
        starts = np.linspace(30, last, 4 if quick else 12).astype(int)
        truth, truth_way = quantized.rolled_out(weights, inputs, starts)
        # Where the recorded roll-out itself went: how far float32 is from itself is no error.
        for name, path in paths.items():
            one, many = (quantized.milliseconds(path, count) for count in (1, 64))
            where = f"network alone, {core}; {one:.3f} ms for 1, {many:.3f} ms for 64 bodies"
            size = path.stat().st_size / 1e6
            figures.append(Figure(f"network as {name}", round(size, 2), "MB", "", None, where))
            if name == "float32":
                continue
            shape, way = quantized.rolled_out(path, inputs, starts)
            apart = 100.0 * np.linalg.norm(shape - truth, axis=-1).mean(-1)
            strayed = 100.0 * np.linalg.norm(way - truth_way, axis=-1)
            where = (
                f"joints about the root, after {quantized.SPAN_S:g} s; 99th percentile "
                f"{np.percentile(apart, 99):.2f} cm; the root strays {strayed.mean():.2f} cm; "
                f"{apart.size} roll-outs"
            )
            error = round(float(apart.mean()), 3)
            figures.append(Figure(f"{name} 8 bits against float32", error, "cm", "", None, where))
    return figures


def _crowd(quick: bool) -> list[Figure]:
    """1,024 bodies on the CUDA provider: the network's call with its state on the device."""
    name = f"performer on CUDA, {CROWD} bodies a tick"
    target = f"<= {CROWD_MS:g}"
    try:
        p50, p99, provider = tick_ms(CROWD, 60 if quick else 300, provider="cuda")
    except UnderstudyError as error:
        return [Figure(name, None, "ms", target, None, f"no CUDA device ({error})")]
    where = f"median; p99 {p99:.2f} ms; {provider}; network, path, feet"
    figures = [Figure(name, round(p50, 3), "ms", target, p50 <= CROWD_MS, where)]
    network, arrays, _ = quantized.bound(networks.WEIGHTS / "motion.onnx", CROWD, "cuda")
    with network:
        run = network.bind(
            {n: arrays[n] for n in network.card["inputs"]},
            {n: arrays[n] for n in network.card["outputs"]},
            resident=("memory", "next_memory"),
        )
        spent = []
        for _ in range(120):
            before = time.perf_counter()
            run()
            spent.append(1e3 * (time.perf_counter() - before))
    where = "its call and the copies of what the host reads and writes; memory stays on the device"
    value = round(float(np.median(spent[20:])), 3)
    figures.append(
        Figure(f"the network's part of it, {CROWD} bodies", value, "ms", "", None, where)
    )
    return figures
