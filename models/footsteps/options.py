"""Options of `understudy train footsteps`."""

from __future__ import annotations

import argparse
from pathlib import Path

from understudy.models.takeover.takes import HELD_OUT


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="DIR", help="folders of BVH files")
    add("--out", type=Path, default=Path("out/footsteps"), metavar="DIR", help="(out/footsteps)")
    add(
        "--hold-out",
        default=HELD_OUT,
        metavar="NAMES",
        help="takes that are measured and never trained on (those of the takeover network)",
    )
    add("--exclude", default="", metavar="NAMES", help="takes to leave out")
    add("--steps", type=int, default=4000, metavar="N", help="training steps (4000)")
    add("--seed", type=int, default=1, metavar="N", help="(1)")


def interrupted(args: argparse.Namespace) -> str:
    return "Nothing is kept of a training that is cut off: it takes minutes."
