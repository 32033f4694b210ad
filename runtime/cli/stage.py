"""`understudy stage`: the real-time process alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from .keys import keys_option

SUMMARY = "the real-time process alone: sources in, poses out over ZeroMQ"
EXAMPLES = """understudy stage --pad demos/pads/demo.toml
understudy stage --bvh walk.bvh --bvh run.bvh --rate 120 --seconds 60
understudy stage --bvh walk.bvh --drop 2.0-2.5 --drop 4.0-4.5:LeftArm,LeftForeArm,LeftHand
understudy stage --bvh walk.bvh --to vmc://10.0.0.5:39539 --to 'rokoko://10.0.0.6?rate=30'
understudy stage --from 'vmc://0.0.0.0:39539?name=ann' --from 'freed://0.0.0.0?camera=A'
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
    sources.add_argument(
        "--from",
        dest="sources",
        action="append",
        default=[],
        metavar="URL",
        help="a protocol to listen for, such as vmc://0.0.0.0:39539?name=ann, freed://, "
        "opentrackio:// or livelinkface://, on this machine alone where no host is given; may be "
        "given again; `--from list` prints every option",
    )
    sources.add_argument(
        "--sources", dest="source_file", type=Path, metavar="FILE.toml",
        help="the same from a file of [[source]] tables",
    )  # fmt: skip
    bvh = parser.add_argument_group("BVH playback")
    bvh.add_argument("--bvh-speed", type=float, default=1.0, metavar="X", help="2 is twice as fast")
    bvh.add_argument(
        "--bvh-start", type=float, default=0.0, metavar="S", help="seconds of the file"
    )
    bvh.add_argument("--bvh-stop", type=float, metavar="S", help="seconds of the file")
    bvh.add_argument("--bvh-once", action="store_true", help="do not loop")
    live = parser.add_argument_group(
        "live mocap", "a BVH file on stage is played as if it came live; its signal may fail"
    )
    live.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="[NAME=]START-STOP[:JOINT,...]",
        help="lose the whole body, or these joints, from START to STOP in seconds of the file (a "
        "loop loses them again); in every --bvh file, or in NAME.bvh; may be given again",
    )
    live.add_argument(
        "--jitter",
        type=float,
        default=0.0,
        metavar="S",
        help="deliver late by up to S seconds, out of order and in bursts",
    )
    live.add_argument(
        "--stop-after",
        type=float,
        default=2.0,
        metavar="S",
        help="a body missing for longer comes to a stop and stands (2)",
    )
    live.add_argument(
        "--no-takeover",
        action="store_true",
        help="hold what is missing instead of acting it: HOLD, then LOST",
    )
    parser.add_argument_group("acting").add_argument(
        "--style",
        metavar="TRAIT=VALUE,...",
        help="of everybody on a pad, from the start: energy=0.5,crouch=-0.3, each -1 to 1",
    )
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
    loop.add_argument(
        "--takeover-weights", type=Path, metavar="FILE.onnx", help="another takeover network"
    )
    wire = parser.add_argument_group("wire")
    wire.add_argument("--publish", default="tcp://127.0.0.1:5570", metavar="ADDRESS")
    wire.add_argument("--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS")
    keys_option(wire)
    wire.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    add_outputs(parser)
    files = parser.add_argument_group("files")
    files.add_argument("--record", type=Path, metavar="TAKE.bvh", help="record from start to end")
    files.add_argument(
        "--stats", type=Path, metavar="FILE.json", help="write the figures at the end"
    )


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Where `stage` and `play` send beside the wire."""
    outputs = parser.add_argument_group(
        "outputs", "by an `understudy send` of the stage's own; `--to list` has all of them"
    )
    outputs.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="URL",
        help="an output, such as vmc://host:39539?rate=60&delay=0.05; give as many as you like",
    )
    outputs.add_argument(
        "--outputs", type=Path, metavar="FILE.toml", help="outputs from a file of [[output]] tables"
    )


def check_outputs(args: argparse.Namespace) -> None:
    """Raises the sentence about an output that cannot be, before anything is started."""
    if args.to or args.outputs is not None:
        from understudy.runtime.outputs import sender

        sender.Sender(sender.targets(args.to, args.outputs)).close()


def arguments(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    parser.add_argument(
        "--remote",
        action="store_true",
        help="a subject for the pad of whoever sends one (the viewport does)",
    )


def run(args: argparse.Namespace) -> int:
    from understudy.bridge.security.keys import Keyring
    from understudy.runtime.cli.send import listing
    from understudy.runtime.core import timecode
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.sources import registry
    from understudy.runtime.sources.controls.style import parse_style
    from understudy.runtime.sources.files.dropout import MOST_JITTER_S, parse_named_drop
    from understudy.runtime.stage.config import StageConfig
    from understudy.runtime.stage.loop import Stage

    if "list" in args.sources:
        print(registry.listing())
        return 0
    if "list" in args.to:
        print(listing())
        return 0
    if not 1.0 <= args.rate <= 1000.0:
        raise UnderstudyError(f"--rate is {args.rate:g} Hz; it must lie between 1 and 1000.")
    if args.seconds is not None and not args.seconds > 0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    if not 0.0 < args.stop_after <= 3600.0:
        raise UnderstudyError(
            f"--stop-after is {args.stop_after:g} s; it must be above 0 and at most 3600."
        )
    if not 0.0 <= args.jitter <= MOST_JITTER_S:
        raise UnderstudyError(f"--jitter is {args.jitter:g} s; it can be 0 to {MOST_JITTER_S:g}.")
    if (args.drop or args.jitter) and not args.bvh:
        raise UnderstudyError("--drop and --jitter spoil a mocap signal: add --bvh FILE.")
    timecode.rate(args.timecode)
    check_outputs(args)
    config = StageConfig(
        pads=args.pad,
        bvhs=args.bvh,
        bvh={
            "rate": args.bvh_speed,
            "loop": not args.bvh_once,
            "start_s": args.bvh_start,
            "stop_s": args.bvh_stop,
        },
        drops=[parse_named_drop(text) for text in args.drop],
        jitter_s=args.jitter,
        takeover=not args.no_takeover,
        stop_after_s=args.stop_after,
        style=parse_style(args.style) if args.style is not None else {},
        sources=registry.endpoints(args.sources, args.source_file),
        gamepad=args.gamepad,
        remote=args.remote,
        copies=args.copies,
        rate_hz=args.rate,
        timecode_rate=args.timecode,
        publish=args.publish,
        control=args.control,
        insecure=args.insecure,
        keys=None if args.keys is None else Keyring(args.keys or None).folder,
        to=args.to,
        outputs=args.outputs,
        seconds=args.seconds,
        record=args.record,
        stats=args.stats,
        weights=args.weights,
        takeover_weights=args.takeover_weights,
        realtime=not args.no_realtime,
    )
    with Stage(config) as stage:
        print(
            f"stage: {len(stage.cast)} subject(s) at {args.rate:g} Hz on "
            f"{stage.publisher.address}, control on {stage.control.address}, "
            f"network on {stage.cast.provider_name}",
            flush=True,
        )
        if stage.access is not None:
            print(f"stage: {len(stage.access)} keys of {config.keys} are let in", flush=True)
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
