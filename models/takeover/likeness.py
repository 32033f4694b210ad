"""The index of the takes that are learnt from, which `understudy why` looks into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.performer.takeover.likeness import TICKS, posture
from understudy.runtime.performer.takeover.network import RATE_HZ

from .data import RATE_HZ as REEL_HZ
from .data import Reel
from .evaluate import body, locals_of
from .takes import take

EVERY_S, AXES = 0.5, 20


def write(reels: Sequence[Reel], path: Path) -> None:
    """Half a second of every take, once, whatever rigs it lies on."""
    stride = round(REEL_HZ / RATE_HZ)
    postures, takes, at_s = [], [], []
    names: dict[str, int] = {}
    for reel in reels:
        name = take(reel.name)
        if name in names or len(reel) < stride * TICKS:
            continue
        names[name] = len(names)
        bodies = body(reel).numpy()[::stride].astype(float)
        hips, local = bodies[..., 0], rotation.normalize(locals_of(bodies))
        ends = np.arange(TICKS, len(bodies) + 1, round(EVERY_S * RATE_HZ))
        index = ends[:, None] + np.arange(-TICKS, 0)
        postures.append(posture(hips[index], local[index]))
        takes += [names[name]] * len(ends)
        at_s += ((ends - 1) / RATE_HZ).tolist()
    x = np.concatenate(postures)
    mean = x.mean(0)
    _, vectors = np.linalg.eigh(np.cov((x - mean).T))
    axes = vectors[:, ::-1][:, :AXES]
    codes = (x - mean) @ axes
    step = np.abs(codes).max(0) / 127.0
    np.savez_compressed(
        path,
        mean=mean.astype(np.float32),
        axes=axes.astype(np.float16),
        step=step.astype(np.float32),
        codes=np.round(codes / step).astype(np.int8),
        take=np.array(takes, np.uint16),
        at_s=np.array(at_s, np.float16),
        names=np.array(list(names)),
    )
    print(f"index of {len(names)} takes, {len(codes)} moments: {path.stat().st_size / 1e3:.0f} kB")
