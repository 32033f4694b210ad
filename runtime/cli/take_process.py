"""`understudy take process`: a shoot cleaned up: gaps filled with look-ahead, feet that stand."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.runtime.core.errors import UnderstudyError

if TYPE_CHECKING:
    from understudy.runtime.takes.processing.job import Done

SAID = "clean up a shoot: fill gaps from both sides, hold planted feet, resample, export, report"


def arguments(subs: Any) -> None:
    sub = subs.add_parser("process", help=SAID, description=SAID)
    sub.add_argument("place", type=Path, metavar="FOLDER", help="takes and BVH files, or one file")
    sub.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    sub.add_argument("--to", default="bvh", metavar="SUFFIX,...", help="(bvh)")
    sub.add_argument("--no-fill", action="store_true", help="leave gaps as they are")
    sub.add_argument("--longest", type=float, metavar="S", help="longer gaps are left (5)")
    sub.add_argument("--no-feet", action="store_true", help="leave feet that slide")
    sub.add_argument("--rate", type=float, metavar="HZ", help="frames a second (as it was)")
    sub.add_argument(
        "--skeleton",
        default="own",
        metavar="WHOSE",
        help="retarget: own, performer, or a character's file or profile (own)",
    )
    sub.add_argument("--jobs", type=int, metavar="N", help="processes (one a core)")
    sub.add_argument(
        "--ray", metavar="ADDRESS", help="over a Ray cluster: ray://HOST:10001, auto, or local"
    )
    sub.add_argument("--json", action="store_true", help="one JSON object a file")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.stage import figures
    from understudy.runtime.takes.exporters import exporter
    from understudy.runtime.takes.processing import batch, report
    from understudy.runtime.takes.processing.fill import LONGEST_S
    from understudy.runtime.takes.processing.job import (
        OURS,
        OWN,
        Wanted,
        failed,
        outcome,
        told,
    )

    for name, value, low, high in (
        ("--longest", args.longest, 0.0, 60.0),
        ("--rate", args.rate, 1.0, 1000.0),
        ("--jobs", args.jobs, 1, 1024),
    ):
        if value is not None and not low <= value <= high:
            raise UnderstudyError(f"{name} is {value:g}; it must lie between {low:g} and {high:g}.")
    to = tuple(word.strip().lstrip(".").lower() for word in args.to.split(",") if word.strip())
    for suffix in to:
        exporter(Path(f"x.{suffix}"))
    if not to:
        raise UnderstudyError("--to names no suffix; write --to bvh.")
    if args.skeleton not in (OWN, OURS):
        figures.load(args.skeleton)  # what is no character is said now, and not a file at a time
    wanted = Wanted(
        to,
        not args.no_fill,
        LONGEST_S if args.longest is None else args.longest,
        not args.no_feet,
        args.rate,
        args.skeleton if args.skeleton in (OWN, OURS) else str(Path(args.skeleton).resolve()),
    )
    found = batch.files(args.place)
    if args.out.resolve() == args.place.resolve():
        raise UnderstudyError("--out is the folder itself; name another, so that takes stay.")

    def tell(done: Done, number: int, total: int) -> None:
        if args.json:
            print(json.dumps(told(done)), flush=True)
            return
        mark = "!" if failed(done) else " "
        print(
            f"[{number}/{total}]{mark} {Path(done.source).name}  {outcome(done)}"
            f"  ({done.took_s:.1f} s)",
            flush=True,
        )

    results = batch.run(found, args.out, wanted, args.jobs, args.ray, tell)
    page = args.out / "report.html"
    report.write(page, f"{args.place.resolve().name}: what was done", results)
    bad = sum(failed(done) for done in results)
    if not args.json:
        print(f"wrote {page}")
    if bad:
        said = f"{bad} of {len(results)} files failed; {page} says why."
        print(f"understudy take process: {said}", file=sys.stderr)
    return 1 if bad else 0
