"""How far from the truth in gaps: the network and four baselines, clip by clip.

A gap begins every 0.2 s of a clip from 0.5 s on and the network knows all that came before. The
error is the distance of a joint from where it truly was, over all joints and the whole gap, scaled
to people of 1.7 m; relative is the same with the hips brought together. Clips count alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

from understudy.runtime.takes.bvh import read as read

from .data import Reel
from .network import Understudy, seen_of

RATE_HZ = 30.0
GAPS_S = (0.25, 0.5, 1.0)
FIRST_S, EVERY_S = 0.5, 0.2
SCALE = 1.7 / 1.76
BASELINES = ("hold", "damped 0.15 s", "damped 0.5 s", "coasting")
_PARENTS = PERFORMER.parents[1:]


def body(reel: Reel) -> Tensor:
    """(T, 3, 67) what the network takes."""
    turns = reel.turns.transpose(0, 2, 1, 3).reshape(len(reel), 3, -1)
    return torch.tensor(np.concatenate([reel.hips[..., None], turns], -1), dtype=torch.float32)


def ticks(gap_s: float) -> int:
    """How many ticks a gap has."""
    return int(gap_s * RATE_HZ + 0.5)


def starts(frames: int) -> np.ndarray:
    """Last ticks that are seen before a gap, for a clip of so many."""
    last = frames - 1 - ticks(GAPS_S[0])
    return np.arange(round(FIRST_S * RATE_HZ), last + 1, round(EVERY_S * RATE_HZ))


def remember(net: Understudy, bodies: Tensor) -> Tensor:
    """(T, H) memory at each tick of a clip (T, 3, 67) that is seen whole, before its step."""
    seen = torch.ones(len(bodies), 22)
    before = torch.cat([bodies[:1], bodies[:-1]])
    x = net.encoded(net.look(before[1:], before[:-1], seen_of(bodies[1:], seen[1:]))[0])
    memory = net.gate(x[:, None])[0][:, 0]
    return torch.cat([torch.zeros(1, net.hidden), memory])


def predicted(net: Understudy, bodies: Tensor, first: np.ndarray, count: int) -> list[Tensor]:
    """Bodies (count, S, 3, 67) and expected errors (count, S, J) after each tick in `first`."""
    with torch.no_grad():
        memory = remember(net, bodies)[first]
        now, before = bodies[first], bodies[first - 1]
        out, doubts = [], []
        for _ in range(count):
            after, memory, _, doubt = net(now, before, memory)
            now, before = after, now
            out.append(after)
            doubts.append(doubt)
    return [torch.stack(out), torch.stack(doubts)]


def places(bodies: Array) -> Array:
    """(..., J, 3) where the joints of bodies (..., 3, 67) are."""
    turns = np.swapaxes(bodies[..., 1:].reshape(*bodies.shape[:-1], 22, 3), -3, -2)
    return _kinematics(bodies[..., 0], turns)


def _kinematics(hips: Array, world: Array) -> Array:
    out: Array = np.zeros((*world.shape[:-3], 22, 3))
    out[..., 0, :] = hips
    for j in range(1, 22):
        above = PERFORMER.parents[j]
        out[..., j, :] = out[..., above, :] + world[..., above, :, :] @ PERFORMER.rest_positions[j]
    return out


def baseline(bodies: Array, first: np.ndarray, count: int) -> dict[str, Array]:
    """Places (count, S, J, 3) that each baseline gives after the ticks in `first`."""
    turns = np.swapaxes(bodies[..., 1:].reshape(len(bodies), 3, 22, 3), 1, 2)
    world = rotation.from_matrix(turns.astype(float))
    local = world.copy()
    local[:, 1:] = rotation.multiply(rotation.conjugate(world[:, _PARENTS]), world[:, 1:])
    hips = bodies[..., 0].astype(float)
    speed = hips[first] - hips[first - 1]
    spin = rotation.to_rotation_vector(
        rotation.multiply(rotation.conjugate(local[first - 1]), local[first])
    )
    ahead = np.arange(1, count + 1)
    still = places(bodies[first].astype(float))
    out = {
        "hold": np.repeat(still[None], count, 0),
        "coasting": still[None] + ahead[:, None, None, None] * speed[:, None],
    }
    for halflife_s in (0.15, 0.5):
        keep = 0.5 ** (1.0 / (halflife_s * RATE_HZ))
        far = np.cumsum(keep**ahead)[:, None, None]
        turn = rotation.multiply(
            local[first], rotation.from_rotation_vector(far[..., None] * spin[None])
        )
        positions = np.broadcast_to(PERFORMER.rest_positions, (*turn.shape[:-1], 3)).copy()
        positions[..., 0, :] = hips[first] + far * speed
        out[f"damped {halflife_s:g} s"] = PERFORMER.globals(positions, turn)[0]
    return out


def measure(
    reels: Sequence[Reel], guess: Callable[[Tensor, np.ndarray, int], Array]
) -> dict[str, dict[str, dict[float, tuple[float, float]]]]:
    """Clip -> method -> gap in s -> mean error and relative error in cm.

    guess(bodies (T, 3, 67), first (S,), count) gives bodies (count, S, 3, 67).
    """
    table: dict[str, dict[str, dict[float, tuple[float, float]]]] = {}
    most = ticks(GAPS_S[-1])
    for reel in reels:
        bodies = body(reel)
        first = starts(len(bodies))
        if not len(first):
            continue
        true = places(bodies.numpy().astype(float))
        index = first[None] + np.arange(1, most + 1)[:, None]
        inside = index < len(true)
        truth = true[np.minimum(index, len(true) - 1)]
        ways = baseline(bodies.numpy(), first, most)
        ways["network"] = places(np.asarray(guess(bodies, first, most), float))
        table[reel.name] = {}
        for way, found in ways.items():
            off = found - truth
            error = np.linalg.norm(off, axis=-1).mean(-1)
            relative = np.linalg.norm(off - off[..., :1, :], axis=-1).mean(-1)
            table[reel.name][way] = {}
            for gap in GAPS_S:
                n = ticks(gap)
                fits = inside[n - 1]
                if fits.any():
                    both = error[:n, fits].mean(), relative[:n, fits].mean()
                    table[reel.name][way][gap] = tuple(100 * SCALE * float(v) for v in both)
    return table


def summary(
    table: dict[str, dict[str, dict[float, tuple[float, float]]]],
) -> dict[float, dict[str, float]]:
    """Gap -> the network's mean and median over clips, the best baseline's, and their ratios."""
    out: dict[float, dict[str, float]] = {}
    for gap in GAPS_S:
        rows = [ways for ways in table.values() if gap in ways["network"]]
        if not rows:
            continue
        mean = {
            way: np.mean([row[way][gap] for row in rows], axis=0) for way in (*BASELINES, "network")
        }
        best = np.min([mean[way] for way in BASELINES], axis=0)
        out[gap] = {
            "clips": float(len(rows)),
            "network": float(mean["network"][0]),
            "median": float(np.median([row["network"][gap][0] for row in rows])),
            "best": float(best[0]),
            "ratio": float(mean["network"][0] / best[0]),
            "relative": float(mean["network"][1]),
            "relative_best": float(best[1]),
            "relative_ratio": float(mean["network"][1] / best[1]),
        }
    return out


def guesser(net: Understudy) -> Callable[[Tensor, np.ndarray, int], Array]:
    """The network as `measure` wants it."""
    return lambda bodies, first, count: predicted(net, bodies, first, count)[0].numpy()


def show(
    table: dict[str, dict[str, dict[float, tuple[float, float]]]], verbose: bool = False
) -> None:
    """Prints the summary, and every clip."""
    for gap, row in summary(table).items():
        print(
            f"gap {gap:4.2f} s  network {row['network']:5.1f} cm (median {row['median']:4.1f})  "
            f"best baseline {row['best']:5.1f}  {100 * row['ratio']:3.0f} %   relative "
            f"{row['relative']:4.1f} of {row['relative_best']:4.1f}  "
            f"{100 * row['relative_ratio']:3.0f} %  {row['clips']:.0f} clips"
        )
    if verbose:
        for name, ways in sorted(table.items()):
            cells = []
            for gap in GAPS_S:
                if gap in ways["network"]:
                    best = min(ways[way][gap][0] for way in BASELINES)
                    cells.append(f"{ways['network'][gap][0]:5.1f} / {best:5.1f}")
            print(f"  {name:20s} {'   '.join(cells)}")
