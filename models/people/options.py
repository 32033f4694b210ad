"""Options of `understudy train measures`."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, default=Path("out/measures"), metavar="DIR", help="(out/measures)")
    add("--steps", type=int, default=2000, metavar="N", help="training steps (2000)")
    add("--seed", type=int, default=1, metavar="N", help="(1)")


def interrupted(args: argparse.Namespace) -> str:
    return "Nothing is kept of a training that is cut off: it takes a few minutes."
