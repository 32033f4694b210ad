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


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="address", default="tcp://127.0.0.1:5570", metavar="ADDRESS",
        help="where the stage publishes (tcp://127.0.0.1:5570)")  # fmt: skip
    parser.add_argument("--key", type=Path, help="for a stage that asks for keys: a key's file")


def run(args: argparse.Namespace) -> int:
    import signal

    from understudy.runtime.core.signals import stopping
    from understudy.runtime.outputs.process import reachable
    from understudy.runtime.takes.recording import serve

    recording = serve(reachable(args.address), args.key, sys.stdin, sys.stdout)

    def stop() -> None:
        recording.ended = True

    # A closed terminal ends the take as SIGTERM does: whole.
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: stop())
    with stopping(stop):
        recording.run()
    # All is written. Whatever keeps Python from ending now is shown, and does not keep a process
    # for ever whose stage is gone.
    faulthandler.dump_traceback_later(ENDING_S, exit=True)
    return 0
