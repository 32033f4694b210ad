"""Options of `understudy train face`."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--text",
        type=Path,
        default=Path("docs"),
        metavar="DIR",
        help="what is read out: *.md (docs)",
    )
    add("--out", type=Path, default=Path("out/voice"), metavar="DIR", help="(out/voice)")
    add("--each", type=int, default=300, metavar="N", help="sentences of each voice (300)")
    add("--steps", type=int, default=2200, metavar="N", help="training steps (2200)")
    add("--seed", type=int, default=1, metavar="N", help="(1)")


def interrupted(args: argparse.Namespace) -> str:
    return "Nothing is kept of a training that is cut off: it takes minutes."
