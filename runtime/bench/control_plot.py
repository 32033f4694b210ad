"""Pictures of `understudy bench control`: paths asked and walked, speeds, ten minutes at random."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure

from .gait import RATE_HZ, SPEEDS_MPS

# Of the movers; the asked is grey. Distinct for colour-blind eyes (Okabe and Ito).
COLOURS = {"ours": "#0072b2", "matching": "#d55e00", "matching-mocap": "#009e73"}
LABELS = {
    "ours": "network",
    "matching": "motion matching",
    "matching-mocap": "motion matching, mocap only",
}
ASKED = "#b0b0b0"


def draw(report: dict[str, Any], folder: Path) -> list[Path]:
    """Writes control-paths.png, control-speed.png and control-random.png; returns their paths."""
    try:
        import matplotlib

        matplotlib.use("Agg")
    except ImportError:
        raise Failure(distribution.lacking("matplotlib")) from None
    who = {name: found for name, found in report["who"].items() if name in COLOURS}
    pictures = {"control-paths": _paths, "control-speed": _speeds, "control-random": _random}
    written = []
    for name, picture in pictures.items():
        figure = picture(who)
        if figure is None:
            continue
        path = folder / f"{name}.png"
        part = folder / f"{name}.part.png"
        figure.savefig(part, dpi=110)
        os.replace(part, path)
        written.append(path)
    return written


def _axes(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    return figure, axes


def _paths(who: dict[str, Any]) -> Any:
    """Asked and walked, one panel a path and one for the about-turns."""
    names = sorted(next(iter(who.values()))["traces"]["paths"]) if who else []
    if not names:
        return None
    figure, axes = _axes(2, (len(names) + 2) // 2, (3.6 * ((len(names) + 2) // 2), 7.2))
    for ax, name in zip(axes.flat, names):
        for mover, found in who.items():
            trace = found["traces"]["paths"][name]
            asked, walked = trace["asked"], trace["walked"]
            if "slalom" in name:
                asked = asked[asked[:, 1] < walked[:, 1].max()]
            if mover == next(iter(who)):
                ax.plot(-asked[:, 0], asked[:, 1], color=ASKED, lw=5, label="asked")
            error = found["values"][name]
            label = f"{LABELS[mover]}, {error:.1f} cm"
            ax.plot(-walked[:, 0], walked[:, 1], color=COLOURS[mover], lw=1.1, label=label)
        ax.set_title(name.removeprefix("path/"), fontsize=10)
        ax.set_aspect("equal", "datalim")
        ax.legend(fontsize=7, frameon=False, loc="best")
        ax.set_xlabel("m", fontsize=8)
    for ax in list(axes.flat)[len(names) :]:
        for mover, found in who.items():
            for name, style in (("about walk/0", "-"), ("about run/0", "--")):
                at = found["traces"]["about"][name]
                at = at - at[60]
                label = f"{LABELS[mover]}, {name.split('/')[0][6:]}"
                ax.plot(-at[:, 0], at[:, 1], style, color=COLOURS[mover], lw=1.2, label=label)
        ax.set_title("180: from 1 s before the stick to 2 s after", fontsize=10)
        ax.legend(fontsize=7, frameon=False)
        ax.set_aspect("equal", "datalim")
        ax.set_xlabel("m", fontsize=8)
    return figure


def _speeds(who: dict[str, Any]) -> Any:
    """Speeds asked and gone, a panel a mover."""
    if not who:
        return None
    figure, axes = _axes(1, len(who), (5.0 * len(who), 4.2))
    for ax, (mover, found) in zip(axes.flat, who.items()):
        for trace in found["traces"]["speeds"].values():
            t = np.arange(len(trace["got"])) / RATE_HZ - 1.0
            ax.plot(t, trace["asked"], color=ASKED, lw=3)
            ax.plot(t, trace["got"], color=COLOURS[mover], lw=1.1)
        ax.axvline(1.0, color="k", lw=0.5, ls=":")
        ax.set_title(f"{LABELS[mover]}: speed asked (grey) and gone", fontsize=10)
        ax.set_xlabel("s after the stick was pushed", fontsize=8)
        ax.set_ylabel("m/s of the hips", fontsize=8)
    return figure


def _random(who: dict[str, Any]) -> Any:
    """Random input: distance to the data over time, and jerk against speed."""
    if not any("nearest" in found["traces"] for found in who.values()):
        return None
    figure, axes = _axes(1, 2, (10.0, 3.8))
    for mover, found in who.items():
        near = found["traces"].get("nearest")
        if near is not None:
            axes[0, 0].plot(near["minutes"], near["cm"], color=COLOURS[mover], label=LABELS[mover])
        ratio = found["traces"].get("jerk_ratio")
        if ratio is not None:
            mids = [f"{a:g}-{b:g}" for a, b in itertools.pairwise(SPEEDS_MPS)]
            axes[0, 1].plot(mids, ratio, "o-", color=COLOURS[mover], label=LABELS[mover])
    axes[0, 0].set_ylim(bottom=0.0)
    axes[0, 0].set_xlabel("minutes of random input", fontsize=8)
    axes[0, 0].set_ylabel("cm to the nearest training pose", fontsize=8)
    axes[0, 1].axhline(1.3, color="k", lw=0.5, ls=":")
    axes[0, 1].set_ylim(bottom=0.0)
    axes[0, 1].set_xlabel("m/s", fontsize=8)
    axes[0, 1].set_ylabel("jerk over the data's at that speed", fontsize=8)
    for ax in axes.flat:
        ax.legend(fontsize=8, frameon=False)
    return figure
