"""`understudy why`: what the network saw when it moved somebody, and what that hung on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.takes.processing.why import Why

SUMMARY = "explain a takeover: what the network saw, expected, went by, and got wrong"
EXAMPLES = """understudy why takes/12A.mcap
understudy why takes/12A.mcap --subject ann --at 12.4 --out why.png
understudy why takes/12A.mcap --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("take", type=Path, metavar="TAKE", help="a take (.mcap) or a BVH file")
    parser.add_argument(
        "--subject", default="", metavar="NAME", help="whom (whoever was missing for longest)"
    )
    parser.add_argument(
        "--at",
        type=float,
        metavar="S",
        help="seconds from its first frame (where its longest gap begins)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.png", help="(TAKE-why.png)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    import json

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.takes.processing.why import why
    from understudy.runtime.takes.processing.why_picture import draw

    if not args.take.is_file():
        raise UnderstudyError(f"There is no file {args.take}.")
    out = args.out or Path(f"{args.take.stem}-why.png")
    if out.suffix.lower() != ".png" or not out.parent.is_dir():
        raise UnderstudyError(f"--out {out}: give a .png in a folder that is there.")
    found = why(args.take, args.subject, args.at)
    draw(found, out)
    if args.json:
        print(json.dumps({**found.told(), "picture": str(out)}))
    else:
        print("\n".join(lines(found)))
        print(f"wrote {out}")
    return 0


def lines(found: Why) -> list[str]:
    """The same for a person to read."""
    told = found.told()
    state = f", {found.state}" if found.state else ""
    out = [f"{found.subject} at {found.at_s:.2f} s{state}"]
    if found.gap_s is not None:
        a, b = found.gap_s
        few = ", ".join(found.missing[:4]) + (" ..." if len(found.missing) > 4 else "")
        out.append(f"missing from {a:.2f} to {b:.2f} s: {few}")
    seen = f"saw: {found.watched_s:.2f} s of this body, 30 times a second"
    out.append(seen + (f", {found.holes} of them with joints missing" if found.holes else ""))
    expected = ", ".join(f"{cm:.1f} cm after {s} s" for s, cm in told["expected_cm"].items())
    out.append(f"expected to be off by {expected} (mean of the joints)")
    most = ", ".join(f"{name} {cm:.0f} cm" for name, cm in told["doubts_most_cm"].items())
    out.append(f"least sure of: {most}")
    parts = list(told["hung_on_mm"].items())[:4]
    out.append("went by: " + ", ".join(f"{name} ({mm:.1f} mm)" for name, mm in parts))
    moments = told["hung_on_moments_mm"]
    total = sum(moments.values()) or 1.0
    late = sum(mm for s, mm in moments.items() if abs(float(s)) < 0.2) / total
    out.append(f"  {100 * late:.0f} % of it by the last 0.2 s")
    if found.nearest:
        near = ", ".join(
            f"{one.take} at {one.at_s:.1f} s ({100 * one.apart_m:.0f} cm a joint)"
            for one in found.nearest
        )
        out.append(f"nearest takes that it learnt from: {near}")
    if len(found.off_m):
        out.append(
            f"was off by {100 * found.off_m[0]:.1f} cm where the truth came first, "
            f"{found.truth_s[0]:.2f} s; at most by {100 * found.off_m.max():.1f} cm"
        )
    elif found.gap_s is not None:
        out.append("of what was acted then the truth never came")
    return out
