"""Pictures of a training: how the loss fell, and how far the network's doubt can be believed."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from understudy.runtime.core.rotation import Array

matplotlib.use("Agg")
from matplotlib import pyplot as plt

GAPS = ("0.25 s", "0.5 s", "1.0 s")


def curves(history: list[list[float]], path: Path) -> None:
    """history rows: step, minutes, training loss, then ratios to the best baseline by gap, of the
    same database and of other people and rigs."""
    rows = np.array(history)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    left.plot(rows[:, 0], rows[:, 2], color="black")
    left.set(
        xlabel="step",
        ylabel="weighted error of places",
        title="training, on roll-outs that grow longer",
    )
    if rows.shape[1] > 3:
        for k, color in enumerate(("tab:green", "tab:blue", "tab:red")):
            right.plot(rows[:, 0], 100 * rows[:, 3 + k], color=color, label=f"{GAPS[k]}")
            if rows.shape[1] > 6:
                right.plot(rows[:, 0], 100 * rows[:, 6 + k], color=color, linestyle="--")
        right.set(
            xlabel="step",
            ylabel="% of the best baseline's error",
            title="held out: CMU (solid), other people and rigs (dashed)",
            ylim=(0, 80),
        )
        right.legend()
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def reliability(rows: dict[str, Array], path: Path) -> None:
    """rows: what -> (B, 3) expected error, measured error in metres, and how many."""
    figure, axis = plt.subplots(figsize=(5, 4.6))
    top = 100 * max(r[:, :2].max() for r in rows.values()) * 1.15
    axis.plot([0.2, top], [0.2, top], color="grey", linewidth=1, label="perfect")
    for (what, r), style in zip(rows.items(), ("o-", "s--", "^:"), strict=False):
        axis.plot(100 * r[:, 0], 100 * r[:, 1], style, markersize=4, label=what)
    axis.set(
        xlabel="error that the network expects, cm",
        ylabel="error that came, cm",
        xscale="log",
        yscale="log",
        xlim=(0.2, top),
        ylim=(0.2, top),
    )
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    axis.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
