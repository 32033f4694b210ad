"""`understudy bench takeover`: error in gaps on folders of BVH, a row for each kind of motion.

A kind passes when the understudy is nowhere worse than the best of four simple ways to go on, in
the mean over its clips. Clips that cannot be measured are named, with the reason.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable

from .gap_report import as_json, plot, print_clips, print_kinds, print_summary, summaries
from .gap_trial import HISTORY_S, Result, measure_clip, thinned


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="DIR", help="BVH files of humanoids"
    )
    parser.add_argument("--gaps", default="0.25,0.5,1.0", help="seconds, by commas (%(default)s)")
    parser.add_argument("--rate", type=float, metavar="HZ", help="take every n-th frame only")
    parser.add_argument("--verbose", action="store_true", help="clip by clip")
    parser.add_argument("--only", default="", metavar="NAMES", help="clips, by commas")
    parser.add_argument(
        "--kinds",
        type=Path,
        metavar="CSV",
        help="rows of file,kind: only these files, in these rows; otherwise by how they move",
    )
    parser.add_argument(
        "--most", type=float, metavar="S", help="seconds of a clip, from its middle"
    )
    parser.add_argument("--plot", type=Path, metavar="PNG", help="error against the gap's length")
    parser.add_argument("--weights", type=Path, metavar="ONNX", help="another network")


def run(args: argparse.Namespace) -> int:
    lengths = _lengths(args.gaps)
    if args.plot:
        writable(args.plot)
    kinds = _kinds(args.kinds)
    paths = _paths(args.folders, args.only, kinds)
    results, refused = measure(
        paths, lengths, args.rate, kinds, args.weights, args.quick, not args.json, args.most
    )
    by_kind = summaries(results, lengths)
    if args.json:
        for result in results if args.verbose else []:
            print(json.dumps(as_json(result)))
        whole = by_kind["all"] | {"kinds": {k: v for k, v in by_kind.items() if k != "all"}}
        print(json.dumps(whole | {"refused": refused}))
        for sentence in refused:
            print(f"understudy bench takeover: {sentence}", file=sys.stderr)
    else:
        if args.verbose:
            print_clips(results, lengths)
        print_kinds(by_kind, lengths)
        print_summary(by_kind["all"])
        print(f"refused: {len(refused)} of {len(paths)} files")
        for sentence in refused:
            print(f"  {sentence}")
    if args.plot:
        plot(by_kind["all"], args.plot)
        if not args.json:
            print(f"{args.plot}")
    return 0


def _lengths(text: str) -> list[float]:
    try:
        lengths = sorted({float(word) for word in text.split(",")})
    except ValueError:
        lengths = []
    if not lengths or not all(0.0 < g <= 10.0 for g in lengths):
        raise UnderstudyError(f"--gaps {text!r} is no list of seconds; write --gaps 0.25,0.5,1.0.")
    return lengths


def _kinds(path: Path | None) -> dict[str, str]:
    """File, as folder/name without its ending, or name alone -> kind."""
    if path is None:
        return {}
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None
    bad = [row for row in rows if len(row) != 2]
    if bad or not rows:
        raise UnderstudyError(f"{path} has no rows of file,kind: {','.join((bad or [['']])[0])!r}.")
    return {name.removesuffix(".bvh"): kind for name, kind in rows if name != "file"}


def _kind_of(path: Path, kinds: dict[str, str]) -> str | None:
    return kinds.get(f"{path.parent.name}/{path.stem}", kinds.get(path.stem))


def _paths(folders: list[Path], only: str, kinds: dict[str, str]) -> list[Path]:
    wanted = {name for name in only.split(",") if name}
    paths = []
    for folder in folders:
        if not folder.is_dir():
            raise UnderstudyError(f"{folder} is no folder; give one that holds BVH files.")
        paths += [
            p
            for p in sorted(folder.glob("*.[bB][vV][hH]"))
            if (not wanted or p.stem in wanted) and (not kinds or _kind_of(p, kinds))
        ]
    if not paths:
        which = " of those names" if wanted or kinds else ""
        raise UnderstudyError(f"{' and '.join(map(str, folders))} holds no BVH file{which}.")
    return paths


def measure(
    paths: list[Path],
    lengths: list[float],
    rate_hz: float | None = None,
    kinds: dict[str, str] | None = None,
    weights: Path | None = None,
    quick: bool = False,
    progress: bool = False,
    most_s: float | None = None,
) -> tuple[list[Result], list[str]]:
    """The results of every humanoid clip, and a sentence for each file that is refused."""
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.clip import without_tpose

    results, refused = [], []
    for at, path in enumerate(paths[:: max(1, len(paths) // 8)] if quick else paths):
        if progress:
            print(f"\r{at + 1} of {len(paths)}: {path.stem:<30}", end="", file=sys.stderr)
        try:
            clip = thinned(without_tpose(bvh.read(path)), rate_hz)
            if clip.duration_s < HISTORY_S + lengths[0] + 0.1:
                refused.append(f"{path.name} is left out: {clip.duration_s:.2f} s are too short.")
                continue
            if most_s is not None and clip.duration_s > most_s:
                n = round(most_s * clip.rate_hz)
                clip = clip.cut((len(clip) - n) // 2, (len(clip) + n) // 2)
            result = measure_clip(clip, lengths, weights)
            result.kind = _kind_of(path, kinds or {}) or result.kind
            results.append(result)
        except UnderstudyError as error:
            refused.append(f"{path.name} is left out: {error}")
    if progress:
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    if not results:
        raise UnderstudyError(f"There is no clip to measure: {' '.join(refused[:1])}")
    return results, refused
