"""Curves of a training's losses as a picture, where matplotlib is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def draw(losses: Path, picture: Path) -> None:
    """Plots the columns of a CSV of losses over the steps; says so where it cannot."""
    if not losses.exists():
        return
    try:
        import matplotlib
    except ModuleNotFoundError:
        print("no curves: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = losses.read_text("utf-8").splitlines()[0].split(",")
    rows = np.atleast_2d(np.loadtxt(losses, delimiter=",", skiprows=1))
    figure, axes = pyplot.subplots(figsize=(9, 4.2))
    kernel = np.ones(9) / 9.0
    for k, name in enumerate(names[1:], 1):
        column = rows[:, k]
        if len(column) > 18:
            column = np.convolve(np.pad(column, 4, mode="edge"), kernel, mode="valid")
        axes.plot(rows[:, 0], column, label=name, lw=2.0 if name == "loss" else 1.0)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="Training of the performer")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, ncol=2)
    figure.tight_layout()
    part = picture.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    pyplot.close(figure)
    part.replace(picture)
