"""The options of `understudy train effect`. No torch here: --help is read without it."""

from __future__ import annotations

import argparse
from pathlib import Path

# Taps x width. What follows the mean is paid once a pixel, so the layers are there.
NETWORKS = ("8x12", "16x16")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of BVH clips that pose the people")
    parser.add_argument("--out", type=Path, default=Path("out/contact.json"), help="weights file")
    parser.add_argument(
        "--work", type=Path, default=Path(".work/contact"), help="traced scenes and checkpoints"
    )
    parser.add_argument("--images", type=int, default=400, help="training images (400)")
    parser.add_argument("--test-images", type=int, default=12, help="images of each test set (12)")
    parser.add_argument("--steps", type=int, default=12000, help="training steps (12000)")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), metavar="TAPSxWIDTH")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="also write a picture of the comparison")


def interrupted(args: argparse.Namespace) -> str:
    """How to go on after Ctrl-C."""
    return f"Traced scenes and checkpoints are kept in {args.work}: the same command goes on."
