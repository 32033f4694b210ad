"""The options of `understudy train takeover`. No torch here: --help is read without it."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

from .takes import HELD_OUT

OFTEN = (
    "jumping_*:4,running_*:3,131_*:2,soccer_*:2,walking_*:1.5,directing_*:0.5,"
    "13_11:3,13_13:3,13_19:3,13_32:3,13_40:3,13_41:3,13_42:3,91_*:2,09_*:3,35_*:2,03_*:1.5,16_*:1.5,"
    "10_*:2,49_04:3,*_acted:0.25,*_genuine:0.25"
)


@dataclass(frozen=True)
class Config:
    """What decides the result. Lengths in ticks of 1/30 s."""

    steps: int = 1650
    fall: int = 16000  # steps in which the rate would fall to 0, as a cosine
    cool: int = 450  # steps at the end in which it does, as a line
    batch: int = 96
    hidden: int = 320
    width: int = 192
    rate: float = 8e-4
    decay: float = 0.02
    noise: float = 0.03  # on normalised features
    warm: int = 42
    listen: int = 22  # of those, at first, no gradient goes back through
    ahead: tuple[int, ...] = (30,)  # grows every eighth of `fall`
    partial: int = 5  # every so many steps, only some joints are missing
    often: str = OFTEN  # kinds that are rare and hard come more often
    warp: float = 0.2  # how much faster or slower a window may be
    rig: float = 1.0  # how much rigs differ, 0 not at all
    relative: float = 0.5  # shares in the loss, beside 1 for places
    turns: float = 0.15
    speed: float = 0.05
    contact: float = 0.02
    small: float = 0.6  # by what power errors count more in quiet reels
    kept: float = 0.5  # share of the network that it began from, in the weights at the end
    seed: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `understudy train takeover`."""
    c = Config()
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of BVH files, of any skeletons"
    )
    parser.add_argument("--include", default="*", help="names to take, e.g. 'walking_*,running_*'")
    parser.add_argument("--exclude", default="", help="names to leave out")
    parser.add_argument("--hold-out", default=HELD_OUT, help="takes kept to judge by")
    parser.add_argument("--out", type=Path, default=Path("out/takeover"), help="where results go")
    for name, value in asdict(c).items():
        if name != "ahead":
            parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--begin", type=Path, metavar="ONNX", help="go on from a trained network")
    parser.add_argument("--minutes", type=float, help="stop after so long, if steps are not done")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def interrupted(args: argparse.Namespace) -> str:
    """How to go on after Ctrl-C."""
    if (kept := args.out / "checkpoint.pt").exists():
        return f"{kept} is kept: the same command with --resume goes on from there."
    return "There was no checkpoint yet: begin again."
