"""How far from the truth in gaps: the network and four baselines, clip by clip.

A gap begins every 0.2 s of a clip from 0.5 s on, and all that came before is known. The error is
the distance of a joint from where it truly was, over the joints and the whole gap, scaled to people
of 1.7 m; relative is the same with the hips brought together. Clips count alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

from .data import Reel
from .mirror import Both, mirrored
from .network import JOINTS, PAST, Past, Understudy, adrift, seen_of

RATE_HZ = 30.0
GAPS_S = (0.25, 0.5, 1.0)
FIRST_S, EVERY_S = 0.5, 0.2
MOST = 40  # gaps in a clip; further apart in long ones
TALL_M = 1.7
SCALE = TALL_M / 1.76  # the performer's height
BASELINES = ("hold", "damped 0.15 s", "damped 0.5 s", "coasting")
WHOLE = tuple(range(JOINTS))
ARM = tuple(PERFORMER.index(n) for n in ("LeftArm", "LeftForeArm", "LeftHand"))
LEG = tuple(PERFORMER.index(n) for n in ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"))
# clip -> method -> gap in s -> mean error and mean relative error in cm
Table = dict[str, dict[str, dict[float, tuple[float, float]]]]


def body(reel: Reel) -> Tensor:
    """(T, 3, 67) what the network takes."""
    turns = reel.turns.transpose(0, 2, 1, 3).reshape(len(reel), 3, -1)
    return torch.tensor(np.concatenate([reel.hips[..., None], turns], -1), dtype=torch.float32)


def ticks(gap_s: float) -> int:
    """How many ticks a gap has."""
    return int(gap_s * RATE_HZ + 0.5)


def starts(frames: int, most: int = MOST) -> np.ndarray:
    """Last ticks that are seen before a gap, for a clip of so many; no more than `most`."""
    last = frames - 1 - ticks(GAPS_S[0])
    first = np.arange(round(FIRST_S * RATE_HZ), last + 1, round(EVERY_S * RATE_HZ))
    if len(first) > most:
        first = first[np.linspace(0, len(first) - 1, most).round().astype(int)]
    return first


def windows(frames: int, count: int, most: int = MOST) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts (S,), frames (count, S) of the gaps after them, and which of those exist."""
    first = starts(frames, most)
    index = first[None] + np.arange(1, count + 1)[:, None]
    return first, np.minimum(index, frames - 1), index < frames


def remember(net: Understudy, bodies: Tensor, first: np.ndarray) -> tuple[Tensor, Past]:
    """(S, H) memory, and past, at ticks `first` of a clip (T, 3, 67) that is seen whole, before
    their steps."""
    seen = torch.ones(len(bodies) - 1, JOINTS)
    before = torch.cat([bodies[:1], bodies[:-2]])
    x = net.encoded(net.look(bodies[:-1], before, seen_of(bodies[1:], seen))[0])
    memory = net.gate(x[:, None])[0][:, 0]
    memory = torch.cat([torch.zeros(1, net.hidden), memory])
    like, came = net.moment(x, memory[:-1])
    # A moment is known from the second tick on: what it was like is told by a memory.
    index = torch.tensor(first)[:, None] + torch.arange(-PAST, 0)
    at = index.clamp(min=0)
    return memory[first], (like[at], came[at], (index > 0).float())


def predicted(
    net: Understudy,
    bodies: Tensor,
    count: int,
    missing: Sequence[int] = WHOLE,
    most: int = MOST,
) -> tuple[Array, Array]:
    """Bodies (count, S, 3, 67) and expected errors (count, S, J) in the gaps of a clip, as `Both`
    gives them."""
    first, index, _ = windows(len(bodies), count, most)
    mask = torch.ones(len(first), JOINTS)
    mask[:, list(missing)] = 0.0
    both, out, doubts = Both(net), [], []
    with torch.no_grad():
        one, other = (remember(net, b, first) for b in (bodies, mirrored(bodies)))
        memory = torch.cat([one[0], other[0]])
        like, came = (torch.cat([one[1][k], other[1][k]]) for k in (0, 1))
        past = like, came, one[1][2].repeat(2, 1)
        ticks, lost = torch.zeros(len(first), JOINTS), adrift(mask)
        now, before = bodies[first], bodies[first - 1]
        for t in range(count):
            part = None if len(missing) == JOINTS else seen_of(bodies[index[t]], mask)
            after, memory, _, doubt = both(now, before, memory, part, ticks, past)
            ticks = (ticks + 1.0) * lost
            now, before = after, now
            out.append(after)
            doubts.append(doubt * lost)
    return torch.stack(out).numpy().astype(float), torch.stack(doubts).numpy().astype(float)


def rotations(bodies: Array) -> Array:
    """(..., J, 3, 3) the joints' rotations in the world."""
    return np.swapaxes(bodies[..., 1:].reshape(*bodies.shape[:-1], JOINTS, 3), -3, -2)


def places(bodies: Array) -> Array:
    """(..., J, 3) where the joints of bodies (..., 3, 67) are."""
    world = rotations(bodies)
    out: Array = np.empty((*world.shape[:-3], JOINTS, 3))
    out[..., 0, :] = bodies[..., 0]
    for j in range(1, JOINTS):
        above = PERFORMER.parents[j]
        out[..., j, :] = out[..., above, :] + world[..., above, :, :] @ PERFORMER.rest_positions[j]
    return out


def locals_of(bodies: Array) -> Array:
    """(..., J, 4) local rotations of bodies (..., 3, 67)."""
    world = rotation.from_matrix(rotations(bodies))
    above = rotation.conjugate(world[..., PERFORMER.parents[1:], :])
    world[..., 1:, :] = rotation.multiply(above, world[..., 1:, :])
    return world


def baselines(
    bodies: Array, count: int, missing: Sequence[int] = WHOLE, most: int = MOST
) -> dict[str, Array]:
    """Places (count, S, J, 3) that each baseline gives in the gaps of a clip (T, 3, 67)."""
    first, index, _ = windows(len(bodies), count, most)
    hips, local = bodies[..., 0], locals_of(bodies)
    speed = hips[first] - hips[first - 1]
    back = rotation.conjugate(local[first - 1])
    spin = rotation.to_rotation_vector(rotation.multiply(back, local[first]))
    ahead = np.arange(1, count + 1)[:, None, None]
    held = np.repeat(local[None, first], count, 0)
    guesses = {
        "hold": (np.repeat(hips[None, first], count, 0), held),
        "coasting": (hips[first] + ahead * speed, held),
    }
    for halflife_s in (0.15, 0.5):
        keep = 0.5 ** (1.0 / (halflife_s * RATE_HZ))
        far = np.cumsum(keep**ahead, 0)
        turn = rotation.from_rotation_vector(far[..., None] * spin)
        guesses[f"damped {halflife_s:g} s"] = (
            hips[first] + far * speed,
            rotation.multiply(local[first], turn),
        )
    seen = np.setdiff1d(np.arange(JOINTS), missing)
    out = {}
    for way, (at, turns) in guesses.items():
        turns, at = turns.copy(), hips[index] if 0 in seen else at
        turns[:, :, seen] = local[index][:, :, seen]
        positions = np.broadcast_to(PERFORMER.rest_positions, (*turns.shape[:-1], 3)).copy()
        positions[..., 0, :] = at
        out[way] = PERFORMER.globals(positions, turns)[0]
    return out


def measure(
    net: Understudy, reels: Sequence[Reel], missing: Sequence[int] = WHOLE, most: int = MOST
) -> Table:
    """The network and the baselines on clips at 30 Hz, over the joints that are adrift.

    In each clip `most` gaps.
    """
    table: Table = {}
    count = ticks(GAPS_S[-1])
    mask = torch.ones(JOINTS)
    mask[list(missing)] = 0.0
    lost = np.flatnonzero(adrift(mask).numpy())
    for reel in reels:
        bodies = body(reel)
        first, index, inside = windows(len(bodies), count, most)
        if not len(first):
            continue
        exact = bodies.numpy().astype(float)
        truth = places(exact)[index]
        ways = baselines(exact, count, missing, most)
        ways["network"] = places(predicted(net, bodies, count, missing, most)[0])
        table[reel.name] = {}
        for way, found in ways.items():
            off = found - truth
            error = np.linalg.norm(off, axis=-1)[..., lost].mean(-1)
            relative = np.linalg.norm(off - off[..., :1, :], axis=-1)[..., lost].mean(-1)
            table[reel.name][way] = {}
            for gap in GAPS_S:
                n = ticks(gap)
                fits = inside[n - 1]
                if fits.any():
                    table[reel.name][way][gap] = (
                        100 * SCALE * float(error[:n, fits].mean()),
                        100 * SCALE * float(relative[:n, fits].mean()),
                    )
    return table


def summary(table: Table) -> dict[str, dict[str, float]]:
    """Gap -> mean and median over the clips, the best baseline's mean, and the ratios."""
    out: dict[str, dict[str, float]] = {}
    for gap in GAPS_S:
        rows = [ways for ways in table.values() if gap in ways["network"]]
        if not rows:
            continue
        mean = {
            way: np.mean([row[way][gap] for row in rows], axis=0) for way in (*BASELINES, "network")
        }
        best = np.min([mean[way] for way in BASELINES], axis=0)
        row = {
            "clips": len(rows),
            "network_cm": mean["network"][0],
            "median_cm": np.median([row["network"][gap][0] for row in rows]),
            "best_baseline_cm": best[0],
            "ratio": mean["network"][0] / best[0],
            "relative_cm": mean["network"][1],
            "relative_best_cm": best[1],
            "relative_ratio": mean["network"][1] / best[1],
        }
        out[f"{gap:g}"] = {k: round(float(v), 3) for k, v in row.items()}
    return out


def show(what: str, table: Table, verbose: bool = True) -> None:
    """Prints the summary of a table, and every clip as ours / its best baseline."""
    print(f"{what}, {len(table)} clips, cm")
    for length, row in summary(table).items():
        print(
            f"  {length:>4} s  network {row['network_cm']:5.1f} (median {row['median_cm']:4.1f})   "
            f"best baseline {row['best_baseline_cm']:5.1f}   {100 * row['ratio']:3.0f} %   "
            f"relative {row['relative_cm']:4.1f} / {row['relative_best_cm']:4.1f}   "
            f"{100 * row['relative_ratio']:3.0f} %"
        )
    if not verbose:
        return
    for name, ways in sorted(table.items()):
        cells = []
        for gap in GAPS_S:
            if gap in ways["network"]:
                best = min(ways[way][gap][0] for way in BASELINES)
                cells.append(f"{ways['network'][gap][0]:5.1f} / {best:4.1f}")
        print(f"    {name:20s} {'   '.join(cells)}")
