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
    add(
        "--each",
        type=int,
        default=330,
        metavar="N",
        help="sentences of each voice, times its share (330)",
    )
    add("--steps", type=int, default=7000, metavar="N", help="training steps (7000)")
    add("--seed", type=int, default=1, metavar="N", help="(1)")


def interrupted(args: argparse.Namespace) -> str:
    return "Nothing is kept of a training that is cut off: it takes minutes."
