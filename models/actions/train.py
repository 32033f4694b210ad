"""`understudy train actions`: from the takes' clips to actions.onnx with its card."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from understudy.models import export as onnx
from understudy.models.motion import library, limits
from understudy.models.motion.data import RATE_HZ, Strip, found, load
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.actions import BLEND_IN_S, ease

from . import takes
from .network import STEPS, Actions, Exported, samples, train

# The gait that actions are laid over: its joints' range is theirs too.
GAIT = "walking_*,running_*"


def missing(folders: Sequence[Path]) -> list[str]:
    """The takes' clips that the folders lack."""
    return [c for c in sorted({take.clip for take in takes.TAKES}) if not found(folders, c)]


def run(args: argparse.Namespace) -> int:
    """`understudy train actions`."""
    if args.threads:
        torch.set_num_threads(args.threads)
    if lacks := missing(args.data):
        raise UnderstudyError(f"The folders of --data lack {', '.join(lacks)}.")
    start = time.monotonic()
    clips = sorted({take.clip for take in takes.TAKES})
    # Of a clip that two folders have, the last: an actor's own bones come after the old rig's.
    strips = {s.name: s for s in load(args.data, ",".join(clips))}
    net, error_cm = train(samples(strips), steps=args.steps or STEPS, seed=args.seed)
    gait = [p for s in load(args.data, GAIT) for p in library.sound(s)]
    used = [_cut(strips[t.clip], t) for t in takes.TAKES]
    minutes = (time.monotonic() - start) / 60
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "actions.onnx"
    write(
        net,
        path,
        {"mean_joint_error_cm": round(error_cm, 2)},
        f"understudy train actions --data {' '.join(f.name for f in args.data)} --seed {args.seed}",
        round(minutes, 1),
        limits.of(gait + used),
        {k: seat(net, k) for k, t in enumerate(takes.TAKES) if t.action == "sit"},
    )
    print(
        f"actions: {len(takes.TAKES)} takes, mean joint error {error_cm:.2f} cm, {minutes:.1f} min"
    )
    print(f"wrote {path} and its card")
    return 0


def _cut(s: Strip, take: takes.Take) -> Strip:
    return s.cut(round(take.begin_s * RATE_HZ), round(take.end_s * RATE_HZ))


def seat(net: Actions, number: int) -> list[float]:
    """x, y, z of the hips and the turn while a take is held, as the root sees it at its beginning.

    As the run time plays it: the network's own travel, blended in and added up.
    """
    take = takes.TAKES[number]
    assert take.hold is not None
    count = round((take.hold[0] - take.begin_s) * RATE_HZ)
    one = torch.eye(len(takes.TAKES))[number].expand(count, -1)
    with torch.no_grad():
        pose, _, speed = net(one, torch.arange(1, count + 1)[:, None] / RATE_HZ)
    x = z = turn = 0.0
    for k, travel in enumerate(speed.double().tolist(), 1):
        grip = float(ease(np.array(min(1.0, k / RATE_HZ / BLEND_IN_S))))
        ahead_x, ahead_z, rate = (grip * value for value in travel)
        c, s = math.cos(turn), math.sin(turn)
        x += (c * ahead_x + s * ahead_z) / RATE_HZ
        z += (-s * ahead_x + c * ahead_z) / RATE_HZ
        turn += rate / RATE_HZ
    hips_x, height, hips_z = pose[-1, :3].tolist()
    c, s = math.cos(turn), math.sin(turn)
    x, z = x + c * hips_x + s * hips_z, z - s * hips_x + c * hips_z
    return [round(v, 3) for v in (x, height, z, turn)]


def write(
    net: Actions,
    path: Path,
    measured: dict[str, float],
    command: str,
    minutes: float,
    boxes: dict[str, list[list[float]]] | None = None,
    seats: dict[int, list[float]] | None = None,
) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all."""
    count = len(takes.TAKES)
    onnx.write(
        Exported(net),
        (torch.eye(count)[:2], torch.zeros(2, 1)),
        path,
        "actions",
        RATE_HZ,
        {"take": ["count", count], "time": ["count", 1]},
        {
            "hips": ["count", 3],
            "rotations": ["count", len(PERFORMER), 4],
            "contacts": ["count", 4],
            "travel": ["count", 3],
        },
        {
            "layout": {
                "take": "which of the takes below: 1 there, 0 elsewhere",
                "time": "seconds since the take began",
                "hips": "x, y, z in the root's frame",
                "rotations": "local quaternions x y z w, the hips' in the root's frame",
                "contacts": "left heel, left toe, right heel, right toe, 0..1",
                "travel": "the root's velocity x, z in its own frame, and its turn about +Y",
                "arms": "those that a take takes where it does not take the legs",
                "legs": "whose legs a take takes: never, standing bodies', always, or where alone "
                "it may begin: a stand",
                "hold_s": "where a take stays until it is asked to go on",
                "seat": "the hips while a take is held, and the turn, as the root saw them when it "
                "began",
                "limits": "each joint's mean turn, and the box of rotation vectors about it in "
                "which the takes and the gait keep",
            },
            "takes": [
                {
                    "action": t.action,
                    "seconds": round(t.end_s - t.begin_s, 3),
                    "free_s": round(t.free_s - t.begin_s, 3),
                    "clip": t.clip,
                    "arms": t.arms,
                    "legs": t.legs,
                    **({"hold_s": [round(s - t.begin_s, 3) for s in t.hold]} if t.hold else {}),
                    **({"seat": seats[k]} if seats and k in seats else {}),
                }
                for k, t in enumerate(takes.TAKES)
            ],
            **({"limits": boxes} if boxes else {}),
            "training": {"command": command, "minutes": minutes},
            "measured": measured,
        },
    )
