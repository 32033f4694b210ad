"""`understudy stage`: the real-time process alone."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "the real-time process alone: sources in, poses out over ZeroMQ"
EXAMPLES = """understudy stage --pad demos/pads/demo.toml
understudy stage --bvh walk.bvh --bvh run.bvh --rate 120 --seconds 60
understudy stage --gamepad --copies 64 --stats out/stage.json"""


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Options that `stage` and `play` share: who is on stage, and where the poses go."""
    sources = parser.add_argument_group("sources, each adds a subject")
    sources.add_argument("--gamepad", action="store_true", help="the first gamepad of this machine")
    sources.add_argument(
        "--pad", type=Path, action="append", default=[], metavar="FILE", help="a pad script (TOML)"
    )
    sources.add_argument(
        "--bvh",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a BVH file, played as a live source at its own rate",
    )
    sources.add_argument(
        "--copies",
        type=int,
        default=1,
        metavar="N",
        help="every source drives N subjects (for load)",
    )
    bvh = parser.add_argument_group("BVH playback")
    bvh.add_argument("--bvh-speed", type=float, default=1.0, metavar="X", help="2 is twice as fast")
    bvh.add_argument(
        "--bvh-start", type=float, default=0.0, metavar="S", help="seconds of the file"
    )
    bvh.add_argument("--bvh-stop", type=float, metavar="S", help="seconds of the file")
    bvh.add_argument("--bvh-once", action="store_true", help="do not loop")
    loop = parser.add_argument_group("loop")
    loop.add_argument("--rate", type=float, default=60.0, metavar="HZ", help="ticks a second (60)")
    loop.add_argument("--seconds", type=float, metavar="N", help="stop after N seconds")
    loop.add_argument(
        "--timecode",
        default="30",
        metavar="RATE",
        help="timecode rate, e.g. 24, 29.97df (30); time of day",
    )
    loop.add_argument(
        "--no-realtime", action="store_true", help="do not ask for real-time priority"
    )
    loop.add_argument("--weights", type=Path, metavar="FILE.onnx", help="another motion network")
    wire = parser.add_argument_group("wire")
    wire.add_argument("--publish", default="tcp://127.0.0.1:5570", metavar="ADDRESS")
    wire.add_argument("--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS")
    wire.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    files = parser.add_argument_group("files")
    files.add_argument("--record", type=Path, metavar="TAKE.bvh", help="record from start to end")
    files.add_argument(
        "--stats", type=Path, metavar="FILE.json", help="write the figures at the end"
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    parser.add_argument(
        "--remote",
        action="store_true",
        help="a subject for the pad of whoever sends one (the viewport does)",
    )


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core import timecode
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage import Stage, StageConfig

    if not 1.0 <= args.rate <= 1000.0:
        raise UnderstudyError(f"--rate is {args.rate:g} Hz; it must lie between 1 and 1000.")
    if args.seconds is not None and not args.seconds > 0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    timecode.rate(args.timecode)
    config = StageConfig(
        pads=args.pad,
        bvhs=args.bvh,
        bvh={
            "rate": args.bvh_speed,
            "loop": not args.bvh_once,
            "start_s": args.bvh_start,
            "stop_s": args.bvh_stop,
        },
        gamepad=args.gamepad,
        remote=args.remote,
        copies=args.copies,
        rate_hz=args.rate,
        timecode_rate=args.timecode,
        publish=args.publish,
        control=args.control,
        insecure=args.insecure,
        seconds=args.seconds,
        record=args.record,
        stats=args.stats,
        weights=args.weights,
        realtime=not args.no_realtime,
    )
    with Stage(config) as stage:
        print(
            f"stage: {len(stage.cast)} subject(s) at {args.rate:g} Hz on {args.publish}, "
            f"control on {args.control}, network on {stage.cast.provider_name}",
            flush=True,
        )
        for note in stage.cast.notes:
            print(f"stage: {note}", flush=True)
        stage.run()
        figures = stage.figures()
        for path in stage.close():
            print(f"stage: wrote {path}")
    print(
        f"stage: {figures['ticks']} ticks, {figures['late']} late, {figures['skipped']} skipped, "
        f"tick p50 {figures['ms'].get('tick', {}).get('p50', 0.0):.2f} ms, "
        f"priority {figures['priority']}"
    )
    return 0
