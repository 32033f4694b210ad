"""`understudy perform`: a pad script to a take, without a wall clock."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "a pad script to a BVH take, as fast as it can, the same bytes every time"
EXAMPLES = """understudy perform --pad demos/pads/demo.toml --seconds 20 --out take.bvh"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pad", type=Path, required=True, metavar="FILE", help="a pad script")
    parser.add_argument("--seconds", type=float, required=True, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="TAKE.bvh")
    parser.add_argument(
        "--rate", type=float, default=60.0, metavar="HZ", help="frames a second (60)"
    )
    parser.add_argument("--weights", type=Path, metavar="FILE.onnx", help="another motion network")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.pose import Pose, Subject
    from understudy.runtime.performer.performer import Performer
    from understudy.runtime.sources.pad_script import PadScript
    from understudy.runtime.takes.recorder import Recorder

    if not 1.0 <= args.rate <= 1000.0:
        raise UnderstudyError(f"--rate is {args.rate:g} Hz; it must lie between 1 and 1000.")
    frames = round(args.seconds * args.rate) if 0.0 < args.seconds < 1e6 else 0
    if frames < 1:
        raise UnderstudyError(
            f"--seconds {args.seconds:g} at {args.rate:g} Hz makes no whole frame."
        )
    script = PadScript(args.pad)
    # The CPU provider whatever the machine has: GPU sums may differ from run to run.
    with Performer(1, args.weights, provider="cpu") as performer:
        recorder = Recorder(args.out, args.rate)
        subject = Subject("performer", performer.skeleton, Pose.rest(performer.skeleton))
        for number in range(frames):
            performer.step([script.intent(number / args.rate)], 1.0 / args.rate)
            subject.pose.positions = performer.positions[0]
            subject.pose.rotations = performer.rotations[0]
            recorder.add([subject])
        written = recorder.close()
    print(f"perform: {frames} frames, {args.seconds:g} s, wrote {written[0]}")
    return 0
