"""Pictures of a training: how the loss fell, and how far the network's doubt can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from understudy.runtime.core.rotation import Array

matplotlib.use("Agg")
from matplotlib import pyplot as plt

GAPS = ("0.25 s", "0.5 s", "1.0 s")


def curves(history: list[list[float]], kinds: Sequence[str], path: Path) -> None:
    """history rows: step, minutes, training loss, and where they were measured the ratios to the
    best baseline, of each kind by gap."""
    rows = np.array([row[:3] for row in history])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    left.plot(rows[:, 0], rows[:, 2], color="black")
    left.set(xlabel="step", ylabel="weighted error of places", title="training")
    measured = np.array([row for row in history if len(row) > 3])
    for k, kind in enumerate(kinds if len(measured) else ()):
        ratio = 100 * measured[:, 3 + len(GAPS) * k + GAPS.index("0.5 s")]
        right.plot(measured[:, 0], ratio, marker=".", label=kind)
    right.axhline(100, color="grey", linewidth=1)
    right.set(
        xlabel="step",
        ylabel="% of the best baseline's error",
        title="takes kept apart, by kind, gaps of 0.5 s",
    )
    right.set_ylim(bottom=0)
    if kinds:
        right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
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
