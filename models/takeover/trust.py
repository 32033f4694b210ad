"""Whether the network's own doubt can be believed: fitted on some clips, judged on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from understudy.runtime.core.rotation import Array

from .data import Reel
from .evaluate import GAPS_S, RATE_HZ, body, places, predicted, ticks, windows
from .network import Understudy

BINS = 12
Line = tuple[float, float, float]
AS_IT_IS: Line = (0.0, 1.0, 0.0)


def pairs(net: Understudy, reel: Reel, seconds: float = 1.0) -> tuple[Array, Array]:
    """(K, S, J) the network's doubt and the error that came, in metres, in all gaps of a clip.

    K ticks after the drop, S gaps; NaN where the clip has ended.
    """
    count = round(seconds * RATE_HZ)
    bodies = body(reel)
    _, index, inside = windows(len(bodies), count)
    found, doubt = predicted(net, bodies, count)
    true = places(bodies.numpy().astype(float))[index]
    error = np.linalg.norm(places(found) - true, axis=-1)
    return tuple(np.where(inside[..., None], x, np.nan) for x in (doubt, error))  # type: ignore[return-value]


def expected(doubt: Array, line: Line) -> Array:
    """(K, ...) the error to expect at the 1st, 2nd ... tick after a drop."""
    tick = np.arange(1.0, len(doubt) + 1.0).reshape(-1, *[1] * (doubt.ndim - 1))
    return np.exp(line[0] + line[1] * np.log(doubt) + line[2] * np.log(tick))


def fit(clips: Sequence[tuple[Array, Array]]) -> Line:
    """Offset, and powers of doubt and of ticks since the drop, that make what came likeliest.

    The network's memory tells badly how long ago the drop was, and errors grow with every tick.
    Errors are taken to be spread exponentially around what is expected; clips count alike.
    """
    rows, came, share = [], [], []
    for doubt, error in clips:
        sound = np.isfinite(error)
        if not sound.any():
            continue
        tick = np.arange(1.0, len(doubt) + 1.0)[:, None, None]
        tick = np.broadcast_to(tick, doubt.shape)[sound]
        rows.append(np.stack([np.ones(len(tick)), np.log(doubt[sound]), np.log(tick)], -1))
        came.append(error[sound])
        share.append(np.full(len(tick), 1.0 / len(tick)))
    x, y, w = (torch.tensor(np.concatenate(part)) for part in (rows, came, share))
    line = torch.tensor(AS_IT_IS, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=80, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        log = x @ line
        loss = (w * (log + y * torch.exp(-log))).sum() / w.sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    a, b, c = line.detach().tolist()
    return float(a), float(b), float(c)


def means(clips: Sequence[tuple[Array, Array]], line: Line) -> list[tuple[float, float]]:
    """Expected and measured error in metres for gaps of each length, mean over gaps and clips."""
    out = []
    for n in map(ticks, GAPS_S):
        pairs = []
        for doubt, came in clips:
            whole = np.isfinite(came[:n, :, 0]).all(0)
            if whole.any():
                said = expected(doubt, line)[:n, whole]
                pairs.append((said.mean(), came[:n, whole].mean()))
        said_m, came_m = np.mean(pairs, axis=0) if pairs else (np.nan, np.nan)
        out.append((float(said_m), float(came_m)))
    return out


def bins(clips: Sequence[tuple[Array, Array]], line: Line, whole: bool = False) -> Array:
    """(B, 3) expected and measured mean error in metres, and how many, by equal shares.

    Of single joints, or of the mean over the whole body, which is what goes on the wire.
    """
    x = np.concatenate([expected(doubt, line) for doubt, _ in clips], 1)
    y = np.concatenate([came for _, came in clips], 1)
    if whole:
        x, y = x.mean(-1), y.mean(-1)
    sound = np.isfinite(y)
    x, y = x[sound], y[sound]
    parts = np.array_split(np.argsort(x), BINS)
    return np.array([[x[p].mean(), y[p].mean(), len(p)] for p in parts if len(p)])
