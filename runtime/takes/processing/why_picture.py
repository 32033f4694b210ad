"""The picture of a `Why`: what the prediction hung on, what it expected, and what came."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.performer.takeover.network import RATE_HZ
from understudy.runtime.performer.takeover.reasons import NAMES

from .why import Why


def draw(found: Why, path: Path) -> None:
    """Writes a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, parts = plt.subplot_mosaic(
        [["hung", "hung"], ["off", "near"]],
        figsize=(9.0, 7.2),
        height_ratios=(3, 2),
        width_ratios=(3, 1),
        layout="constrained",
    )
    top, below, beside = parts["hung"], parts["off"], parts["near"]
    hung = 1e3 * found.found.hung_m[:, ::-1]
    past = -found.found.past_s[::-1]
    picture = top.imshow(hung, aspect="auto", cmap="magma", interpolation="nearest")
    top.set_yticks(range(len(NAMES)), NAMES)
    some = np.linspace(0, len(past) - 1, 6).round().astype(int)
    top.set_xticks(some, [f"{past[k]:.2f}" for k in some])
    top.set_xlabel("s before what was seen last")
    top.set_title(
        f"{found.subject}, {found.at_s:.2f} s: what the next half second hung on\n"
        "how far it moves when a part is changed by 2° (the place by 1 cm) at a moment, mm",
        fontsize=11,
    )
    figure.colorbar(picture, ax=top, pad=0.01)
    after = (np.arange(len(found.expected_m)) + 1) / RATE_HZ
    below.plot(after, 100 * found.expected_m, color="tab:orange", label="expected, mean of joints")
    if len(found.truth_s):
        start = found.gap_s[0] if found.gap_s else found.at_s
        below.plot(
            *(found.truth_s - start, 100 * found.off_m, "o"),
            color="tab:blue",
            label="off, where the truth came",
        )
    below.set_xlabel("s after the drop")
    below.set_ylabel("cm")
    below.set_ylim(bottom=0)
    below.legend(loc="upper left", frameon=False)
    beside.axis("off")
    near = ["nearest takes that", "it learnt from", ""]
    near += [f"{n.take} at {n.at_s:.1f} s, {100 * n.apart_m:.0f} cm" for n in found.nearest]
    beside.text(0.0, 1.0, "\n".join(near), transform=beside.transAxes, va="top", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
