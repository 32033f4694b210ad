"""The options of `understudy train motion`. No torch here: --help is read without it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

# Not trained on; every figure that is reported is measured on these.
HELD_OUT = "walking_1,walking_20,walking_30,walking_44,walking_52,running_5"
# Six takes of CMU whose heading does not match their travel: legs walk ahead, the root sideways.
DAMAGED = "walking_22,walking_24,walking_25,walking_26,walking_48,walking_50"


@dataclass(frozen=True)
class Config:
    """What decides the result. Lengths in frames of 1/60 s."""

    steps: int = 8000
    batch: int = 64
    bodies: int = 256  # that the director moves
    frames: int = 1500  # for so long
    hidden: int = 320
    width: int = 256
    rate: float = 1e-3
    noise: float = 0.03  # of the starting pose, in standard deviations
    rollout: tuple[int, ...] = (8, 16, 24, 32)  # grows over the first half of training
    keep: float = 0.7  # how many streams may go on from their own pose
    seed: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `understudy train motion`."""
    c = Config()
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of BVH files, any skeletons"
    )
    parser.add_argument("--include", default="*", help="names to take, e.g. 'walking_*,running_*'")
    parser.add_argument("--exclude", default=DAMAGED, help="names to leave out")
    parser.add_argument("--hold-out", default=HELD_OUT, help="names kept for the evaluation")
    parser.add_argument("--out", type=Path, default=Path("out/motion"), help="where results go")
    parser.add_argument("--begin", type=Path, metavar="ONNX", help="go on from a trained network")
    parser.add_argument("--rate", type=float, default=c.rate, help="of learning, at first")
    parser.add_argument("--steps", type=int, default=c.steps)
    parser.add_argument("--minutes", type=float, help="stop after so long, if steps are not done")
    parser.add_argument("--batch", type=int, default=c.batch)
    parser.add_argument("--hidden", type=int, default=c.hidden)
    parser.add_argument("--bodies", type=int, default=c.bodies, help="bodies the director moves")
    parser.add_argument("--frames", type=int, default=c.frames, help="frames for which it does")
    parser.add_argument("--seed", type=int, default=c.seed)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def interrupted(args: argparse.Namespace) -> str:
    """How to go on after Ctrl-C."""
    if (kept := args.out / "checkpoint.pt").exists():
        return f"{kept} is kept: the same command with --resume goes on from there."
    return "There was no checkpoint yet: begin again."
