"""The options of `understudy train actions`. No torch here: --help is read without it."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `understudy train actions`."""
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders with CMU's BVH files"
    )
    parser.add_argument("--out", type=Path, default=Path("out/actions"), help="where results go")
    parser.add_argument("--steps", type=int, help="steps of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads")


def interrupted(args: argparse.Namespace) -> str:
    """How to go on after Ctrl-C."""
    return "Nothing was kept: it takes a few minutes, begin again."
