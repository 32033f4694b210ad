"""`understudy bench fill`: gaps filled with look-ahead, beside the live takeover and interpolation.

The same gaps in the same clips for all three; mean error of all joints in the world, at 1.7 m.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.takeover.offline import OfflineInput, run_offline
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose
from understudy.runtime.takes.processing.fill import WARM_S, fill

from . import gaps
from .gap_trial import starts, thinned

WAYS = ("live", "interpolated", "filled")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="DIR", help="BVH files of humanoids"
    )
    parser.add_argument("--gaps", default="0.25,0.5,1.0", help="seconds, by commas (%(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, metavar="HZ", help="(%(default)g)")
    parser.add_argument("--only", default="", metavar="NAMES", help="clips, by commas")
    parser.add_argument("--verbose", action="store_true", help="clip by clip")


def run(args: argparse.Namespace) -> int:
    wanted = {name for name in args.only.split(",") if name}
    try:
        lengths = [float(word) for word in args.gaps.split(",")]
    except ValueError:
        raise UnderstudyError(f"--gaps {args.gaps!r} is no list of seconds.") from None
    paths = [p for folder in args.folders for p in sorted(folder.glob("*.[bB][vV][hH]"))]
    paths = [p for p in paths if not wanted or p.stem in wanted]
    if not paths:
        raise UnderstudyError(f"There is no BVH file in {', '.join(map(str, args.folders))}.")
    rows: dict[float, list[list[float]]] = {length: [] for length in lengths}
    for path in paths[:8] if args.quick else paths:
        try:
            clip = thinned(without_tpose(bvh.read(path)), args.rate)
            for length in lengths:
                if row := measure_clip(clip, length):
                    rows[length].append(row)
                    if args.verbose and not args.json:
                        print(f"{path.stem:<24} {length:g} s  {_words(row)}", flush=True)
        except UnderstudyError as error:
            print(f"understudy bench fill: {error}", file=sys.stderr)
    for length, found in rows.items():
        if found:
            mean = np.mean(found, axis=0).tolist()
            if args.json:
                told = dict(zip(WAYS, mean, strict=True))
                print(json.dumps({"gap_s": length, "clips": len(found), **told}))
            else:
                print(f"{length:g} s, {len(found)} clips: {_words(mean)}")
    return 0


def _words(row: list[float]) -> str:
    live, between, filled = (100.0 * value for value in row)
    less = 100.0 * (1.0 - filled / max(live, 1e-9))
    return (
        f"live {live:.2f} cm, interpolated {between:.2f} cm, filled {filled:.2f} cm "
        f"({less:.0f} % below live)"
    )


def measure_clip(clip: Clip, length_s: float) -> list[float] | None:
    """Mean errors in metres of the gaps of this length, by WAYS; None where none fits."""
    rate, count = clip.rate_hz, round(length_s * clip.rate_hz)
    near = max(1, round(rate / 30.0))
    begin = [a for a in starts(clip, length_s) if a > near and a + count + near < len(clip)]
    if not begin or count < 1:
        return None
    truth = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    hips, scale = roles(clip.skeleton)["hips"], gaps.stature_scale(clip.skeleton)
    live = _live(clip, begin, count)
    errors = []
    for a, one in zip(begin, live, strict=True):
        span = slice(a, a + count)
        seen = np.ones((len(clip), len(clip.skeleton)), bool)
        seen[span] = False
        filled, _ = fill(clip, seen)
        ways = (one, _between(clip, a, count), (filled.positions[span], filled.rotations[span]))
        errors.append(
            [
                gaps.errors_m(truth[span], gaps.world(clip.skeleton, *way), hips)[0].mean() * scale
                for way in ways
            ]
        )
    return np.mean(errors, axis=0).tolist()


def _live(clip: Clip, begin: list[int], count: int) -> list[tuple[Array, Array]]:
    parts, cuts = [], []
    for a in begin:
        first = max(0, a - round(WARM_S * clip.rate_hz))
        seen = np.ones((a + count - first, len(clip.skeleton)), bool)
        seen[a - first :] = False
        cut = slice(first, a + count)
        parts.append(OfflineInput(clip.positions[cut], clip.rotations[cut], seen))
        cuts.append(a - first)
    with Takeover([clip.skeleton] * len(parts), stop_after_s=float("inf")) as takeover:
        shown = run_offline(takeover, parts, clip.rate_hz)
    return [(one.positions[k:], one.rotations[k:]) for one, k in zip(shown, cuts, strict=True)]


def _between(clip: Clip, start: int, count: int) -> tuple[Array, Array]:
    """Cubic Hermite for positions, with the speeds of both sides, and slerp for rotations."""
    positions, rotations = clip.positions, clip.rotations
    near, whole = max(1, round(clip.rate_hz / 30.0)), count + 1
    u = (np.arange(count) + 1.0) / whole
    leaves = (positions[start - 1] - positions[start - 1 - near]) / near * whole
    arrives = (positions[start + count + near] - positions[start + count]) / near * whole
    parts = (2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, 3 * u**2 - 2 * u**3, u**3 - u**2)
    ends = (positions[start - 1], leaves, positions[start + count], arrives)
    mixed = sum(part[:, None, None] * end for part, end in zip(parts, ends, strict=True))
    share = np.repeat(u[:, None], rotations.shape[1], axis=1)
    one = np.repeat(rotations[start - 1][None], count, axis=0)
    other = np.repeat(rotations[start + count][None], count, axis=0)
    return np.asarray(mixed), rotation.slerp(one, other, share)
