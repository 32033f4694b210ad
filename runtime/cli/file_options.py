"""The options by which a user overrules what is guessed of a motion file."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNITS_M = {
    "m": 1.0, "metre": 1.0, "meter": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "inch": 0.0254,
    "in": 0.0254, "foot": 0.3048, "ft": 0.3048, "cmu": 0.056444,
}  # fmt: skip


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """--up, --unit, --rest, --map and --frame-time, for every command that reads a motion file."""
    group = parser.add_argument_group(
        "motion file", "what is guessed otherwise, and said: `understudy inspect FILE` shows it"
    )
    add = group.add_argument
    add("--up", type=_up, metavar="AXIS", help="the vertical axis: Y, Z, X, or Y-down as --up=-Y")
    add("--unit", type=_unit, metavar="M", help="metres per unit of the file, or cm, mm, inch, m")
    add(
        "--rest",
        type=_rest,
        metavar="FRAME|t-pose",
        help="the frame, from 0, in which the body stands in a T-pose; t-pose: zero angles are one",
    )
    add("--map", type=Path, metavar="FILE.toml", help="which joint is which body part")
    add("--frame-time", type=float, metavar="S", help="seconds between the file's frames")


def decided(args: argparse.Namespace) -> dict[str, Any]:
    """What the user decided, as keywords of `bvh.read` and BvhSource; what is None is guessed."""
    from understudy.runtime.takes.joint_map import read_map

    return {
        "unit_m": args.unit,
        "up": args.up,
        "rest": args.rest,
        "roles": None if args.map is None else read_map(args.map),
        "frame_time_s": args.frame_time,
    }


def words(args: argparse.Namespace) -> list[object]:
    """The options again, for another process's command line."""
    said: list[object] = []
    for name in ("up", "unit", "rest", "map", "frame_time"):
        if (value := getattr(args, name)) is not None:
            said.append(f"--{name.replace('_', '-')}={value}")
    return said


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """A progress bar on a terminal while a large file is read; gives what `bvh.read` tells."""
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < 8 << 20:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"reading {path.name}")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _up(text: str) -> str:
    match = re.fullmatch(r"(?i)([+-]?)([xyz])(-|-?down)?", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no axis; give Y, Z, X, -Y, -Z or -X")
    down = (match[1] == "-") != bool(match[3])
    return ("-" if down else "") + match[2].upper()


def _unit(text: str) -> float:
    if text.strip().lower() in UNITS_M:
        return UNITS_M[text.strip().lower()]
    try:
        unit_m = float(text)
    except ValueError:
        unit_m = 0.0
    if not 0.0 < unit_m < 1e6:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no length; give metres above 0, or one of {', '.join(UNITS_M)}"
        )
    return unit_m


def _rest(text: str) -> int | str:
    if text.strip().lower() in ("t-pose", "tpose"):
        return "t-pose"
    if not text.strip().isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a frame's number nor t-pose")
    return int(text)
