"""Whether the network's own doubt can be believed: fitted on some clips, judged on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from understudy.runtime.core.rotation import Array

from .data import Reel
from .evaluate import RATE_HZ, body, places, predicted, windows
from .network import Understudy

BINS = 12


def pairs(net: Understudy, reels: Sequence[Reel], seconds: float = 1.0) -> tuple[Array, Array]:
    """(K, S, J) errors that the network expects and those that come, in metres, over all gaps.

    K ticks after the drop, S gaps; NaN where the clip has ended.
    """
    count = round(seconds * RATE_HZ)
    expected, came = [], []
    for reel in reels:
        bodies = body(reel)
        first, index, inside = windows(len(bodies), count)
        if not len(first):
            continue
        found, doubt = predicted(net, bodies, count)
        true = places(bodies.numpy().astype(float))[index]
        error = np.linalg.norm(places(found) - true, axis=-1)
        expected.append(np.where(inside[..., None], doubt, np.nan))
        came.append(np.where(inside[..., None], error, np.nan))
    return np.concatenate(expected, 1), np.concatenate(came, 1)


def fit(expected: Array, came: Array) -> tuple[float, float]:
    """Offset and slope of the logarithm that make the expected errors likeliest to have come.

    Errors are taken to be spread exponentially around what is expected of them.
    """
    sound = np.isfinite(expected)
    x = torch.tensor(np.log(expected[sound]))
    y = torch.tensor(came[sound])
    line = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        doubt = line[0] + line[1] * x
        loss = (doubt + y * torch.exp(-doubt)).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    offset, slope = line.detach().tolist()
    return float(offset), float(slope)


def bins(expected: Array, came: Array) -> Array:
    """(B, 3) expected and measured mean error, in metres, and how many, by equal shares."""
    sound = np.isfinite(expected)
    x, y = expected[sound], came[sound]
    parts = np.array_split(np.argsort(x), BINS)
    return np.array([[x[p].mean(), y[p].mean(), len(p)] for p in parts])


def bodies_of(expected: Array, came: Array) -> tuple[Array, Array]:
    """(K, S) means over the joints: what goes on the wire."""
    return expected.mean(-1), came.mean(-1)
