"""`understudy stage`: the real-time process alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from .session_options import add_sources, listed, raw_take, session_of

SUMMARY = "the real-time process alone: sources in, poses out over ZeroMQ"
EXAMPLES = """understudy stage --session stage.toml
understudy stage --pad demos/pads/demo.toml
understudy stage --bvh walk.bvh --bvh 'run.bvh?name=ann' --rate 120 --seconds 60
understudy stage --bvh walk.bvh --drop 2.0-2.5 --drop 4.0-4.5:LeftArm,LeftForeArm,LeftHand
understudy stage --bvh walk.bvh --to vmc://10.0.0.5:39539 --to 'rokoko://10.0.0.6?rate=30'
understudy stage --from 'vmc://0.0.0.0:39539?name=ann' --from 'freed://0.0.0.0?camera=A'
understudy stage --take takes/12A_T003.mcap --to vmc://10.0.0.5:39539
understudy stage --gamepad --copies 64 --stats out/stage.json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    parser.add_argument(
        "--remote",
        action="store_true",
        help="a subject for the pad of whoever sends one (the viewport does)",
    )
    # Where `play` has the session kept, to start the stage again from.
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.stage.loop import Run, Stage
    from understudy.runtime.stage.session import state_file

    if listed(args):
        return 0
    session, file = session_of(args)
    taken = None
    if args.raw:
        from understudy.runtime.stage.replay import TakenInputs

        taken = TakenInputs(raw_take(args))
        if not taken.whole:
            print("stage: the take began while its stage ran; what it had seen before is not known")
    state = args.state or state_file()
    if file is not None and file == state:
        file = None  # `play` made it
    run_as = Run(args.seconds, args.record, args.stats, file, None if args.raw else state)
    with Stage(session, run_as, taken) as stage:
        print(
            f"stage: {len(stage.cast)} subject(s) at {session.stage.rate_hz:g} Hz on "
            f"{stage.publisher.address}, control on {stage.control.address}, "
            f"network on {stage.cast.provider_name}",
            flush=True,
        )
        if stage.access is not None:
            folder = session.stage.keys or "the usual folder"
            print(f"stage: {len(stage.access)} keys of {folder} are let in", flush=True)
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
