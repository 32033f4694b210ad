"""`understudy record`: the recorder's process, started by the stage."""

from __future__ import annotations

import argparse
import faulthandler
import sys
from pathlib import Path

SUMMARY = "the recorder that a stage starts for its takes; told what to do on standard input"
EXAMPLES = """understudy stage --pad demos/pads/demo.toml --record take.mcap
understudy record --from tcp://127.0.0.1:5570 < commands.jsonl"""


ENDING_S = 10.0
# On a machine that is busy a take is at most 0.1 s behind all the same. The stage (10, 9) and its
# outputs (5, 6) come first.
PRIORITY, WIRE_PRIORITY = 3, 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="address", default="tcp://127.0.0.1:5570", metavar="ADDRESS",
        help="where the stage publishes (tcp://127.0.0.1:5570)")  # fmt: skip
    parser.add_argument(
        "--inputs", default="", metavar="ADDRESS",
        help="where the stage says what comes in at each tick; without it a take holds none of it",
    )  # fmt: skip
    parser.add_argument("--key", type=Path, help="for a stage that asks for keys: a key's file")
    parser.add_argument(
        "--realtime", action="store_true",
        help="real-time priority below the stage's, where the system allows it")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    import signal

    from understudy.runtime.core.realtime import prompt, steady_wire
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.outputs.process import reachable
    from understudy.runtime.takes.feed import Feed
    from understudy.runtime.takes.recording import serve

    steady_wire(args.realtime, WIRE_PRIORITY)
    feed = Feed(reachable(args.address), args.inputs, args.key)
    recording = serve(feed, sys.stdin, sys.stdout)

    def stop() -> None:
        recording.ended = True

    # A closed terminal ends the take as SIGTERM does: whole.
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: stop())
    with stopping(stop), prompt(args.realtime, PRIORITY):
        recording.run()
    # All is written. Whatever keeps Python from ending now is shown, and does not keep a process
    # for ever whose stage is gone.
    faulthandler.dump_traceback_later(ENDING_S, exit=True)
    return 0
