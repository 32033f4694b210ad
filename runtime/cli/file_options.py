"""The options by which a user overrules what is guessed of a motion file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes import overrules

T = TypeVar("T")


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """--up, --unit, --rest, --map and --frame-time, for every command that reads a motion file."""
    group = parser.add_argument_group(
        "motion file", "what is guessed otherwise, and said: `understudy inspect FILE` shows it"
    )
    add = group.add_argument
    add(
        "--up",
        type=_said(overrules.up_axis),
        metavar="AXIS",
        help="the vertical axis: Y, Z, X, or Y-down as --up=-Y",
    )
    add(
        "--unit",
        type=_said(overrules.unit_m),
        metavar="M",
        help="metres per unit of the file, or cm, mm, inch, m",
    )
    add(
        "--rest",
        type=_said(overrules.rest_pose),
        metavar="FRAME|t-pose",
        help="the frame, from 0, in which the body stands in a T-pose; t-pose: zero angles are one",
    )
    add("--map", type=Path, metavar="FILE.toml", help="which joint is which body part")
    add("--frame-time", type=float, metavar="S", help="seconds between the file's frames")


def decided(args: argparse.Namespace) -> dict[str, Any]:
    """What the user decided, as keywords of `bvh.read` and BvhSource; what is None is guessed."""
    from understudy.runtime.core.joint_map import read_map

    return {
        "unit_m": args.unit,
        "up": args.up,
        "rest": args.rest,
        "roles": None if args.map is None else read_map(args.map),
        "frame_time_s": args.frame_time,
    }


def words(args: argparse.Namespace) -> dict[str, Any]:
    """The same as words of a [[source]] table."""
    said = {
        "up": args.up,
        "unit": None if args.unit is None else f"{args.unit:.9g}",
        "rest": None if args.rest is None else str(args.rest),
        "map": None if args.map is None else str(args.map.absolute()),
        "frame_time": args.frame_time,
    }
    return {name: value for name, value in said.items() if value is not None}


def _said(read: Callable[[str], T]) -> Callable[[str], T]:
    """As argparse wants it: its sentence, with the option's name before it."""

    def word(text: str) -> T:
        try:
            return read(text)
        except UnderstudyError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return word
