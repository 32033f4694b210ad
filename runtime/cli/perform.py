"""`understudy perform`: a pad script to a take, without a wall clock."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "a pad script to a BVH take, as fast as it can, the same bytes every time"
EXAMPLES = """understudy perform --pad demos/pads/demo.toml --out take.bvh
understudy perform --pad random:7 --seconds 60 --out take.bvh
understudy perform --pad demos/pads/run.toml --style energy=1,crouch=0.5 --out take.bvh"""
AFTER_S = 1.0  # what follows a script's last event, where nobody says how long


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pad",
        required=True,
        metavar="FILE",
        help="a pad script, or random:SEED for ten minutes in random hands",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="how long (the script's time and a second)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TAKE.bvh")
    parser.add_argument(
        "--rate", type=float, default=60.0, metavar="HZ", help="frames a second (60)"
    )
    parser.add_argument(
        "--style",
        metavar="NAME=VALUE,...",
        help="traits of the body, -1..1: energy, crouch, restless",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE.onnx", help="another motion network")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable
    from understudy.runtime.core.pose import Pose, Subject
    from understudy.runtime.performer.control import gaze
    from understudy.runtime.performer.control.layout import TRAITS
    from understudy.runtime.performer.control.performer import Performer
    from understudy.runtime.sources.controls.pad_script import PadScript
    from understudy.runtime.sources.controls.random_pad import RandomPad
    from understudy.runtime.sources.controls.style import parse_style
    from understudy.runtime.takes.exporters import exporter
    from understudy.runtime.takes.recorder import Recorder

    if not 1.0 <= args.rate <= 1000.0:
        raise UnderstudyError(f"--rate is {args.rate:g} Hz; it must lie between 1 and 1000.")
    style = parse_style(args.style) if args.style else {}
    word, colon, seed = args.pad.partition(":")
    if colon and word == "random":
        if not seed.isdecimal():
            raise UnderstudyError(f"--pad {args.pad}: the seed is {seed!r}; give a whole number.")
        script: PadScript = RandomPad(int(seed))
    else:
        script = PadScript(args.pad)
    seconds = args.seconds if args.seconds is not None else script.duration_s + AFTER_S
    frames = round(seconds * args.rate) if 0.0 < seconds < 1e6 else 0
    if frames < 1:
        raise UnderstudyError(f"--seconds {seconds:g} at {args.rate:g} Hz makes no whole frame.")
    writable(args.out)
    exporter(args.out)
    # The CPU provider whatever the machine has: GPU sums may differ from run to run.
    with Performer(1, args.weights, provider="cpu") as performer:
        recorder = Recorder(args.out, args.rate)
        subject = Subject("performer", performer.skeleton, Pose.rest(performer.skeleton))
        for number in range(frames):
            time_s = number / args.rate
            for trait, value in (style | script.style(time_s)).items():
                performer.style[0, TRAITS.index(trait)] = value
            intent = script.intent(time_s)
            performer.gaze.target[0] = gaze.point(intent.look_at, {})
            performer.step([intent], 1.0 / args.rate)
            subject.pose.positions = performer.positions[0]
            subject.pose.rotations = performer.rotations[0]
            recorder.add([subject])
        written = recorder.close()
    print(f"perform: {frames} frames, {seconds:g} s, wrote {written[0]}")
    return 0
