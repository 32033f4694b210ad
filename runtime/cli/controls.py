"""`understudy controls`: faders and buttons: which there are, what moves, what they are to do."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "list MIDI inputs, watch faders by MIDI or OSC, and teach a stage what they do"
EXAMPLES = """understudy controls list
understudy controls watch midi://nanoKONTROL
understudy controls learn style energy           # then move the fader
understudy controls learn record --control tcp://127.0.0.1:5571"""
POLL_S = 0.02


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    what = "the MIDI inputs of this machine"
    acts.add_parser("list", help=what, description=what)
    what = "print the name and place of whatever is moved, until Ctrl-C"
    watch = acts.add_parser("watch", help=what, description=what)
    watch.add_argument("line", metavar="URL", help="midi://, midi://NAME or osc://0.0.0.0:9001")
    watch.add_argument("--seconds", type=float, metavar="N", help="end after N seconds")
    what = "the next fader that is moved does this on a stage that has --controller"
    learn = acts.add_parser("learn", help=what, description=what)
    learn.add_argument(
        "to", nargs="+", metavar="WORD",
        help="style TRAIT [SUBJECT], effect, speed, look [WHAT], record, marker [TEXT], circle, "
        "play, step FRAMES, next",
    )  # fmt: skip
    learn.add_argument(
        "--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS",
        help="the stage (tcp://127.0.0.1:5571)",
    )  # fmt: skip
    learn.add_argument("--key", type=Path, metavar="FILE", help="a key for that stage")


def run(args: argparse.Namespace) -> int:
    if args.act == "watch":
        return _watch(args)
    return _learn(args) if args.act == "learn" else _list()


def _list() -> int:
    from understudy.runtime.sources.midi import input_names

    names = input_names("midi")
    print("\n".join(f"midi://{name}" for name in names) or "This machine has no MIDI input.")
    return 0


def _watch(args: argparse.Namespace) -> int:
    import contextlib
    import time

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.sources.controls import faders

    if args.seconds is not None and not 0 < args.seconds < 1e9:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    with contextlib.closing(faders.opened(args.line)) as own:
        print(f"watches {own.where}", flush=True)
        going = [True]
        fault = ""
        start_s = time.monotonic()
        with stopping(lambda: going.clear()):
            while going and (now_s := time.monotonic() - start_s) < (args.seconds or float("inf")):
                for one in own.poll(now_s):
                    print(f"{one.control}  {one.value:.3f}", flush=True)
                if own.fault and own.fault != fault:
                    print(own.fault, flush=True)
                fault = own.fault
                time.sleep(POLL_S)
    return 0


def _learn(args: argparse.Namespace) -> int:
    import time

    from understudy.bridge import ControlClient
    from understudy.runtime.core.errors import Failure

    def learned(client: ControlClient) -> str:
        there = client.stats().get("controllers", [])
        return str(there[0]["learned"]) if there else ""

    with ControlClient(args.control, key=args.key) as client:
        before = learned(client)
        told = client.learn(" ".join(args.to))
        print(f"move a fader or press a button: it will do {told['to']}", flush=True)
        until_s = time.monotonic() + told["waits_s"]
        while time.monotonic() < until_s:
            time.sleep(10 * POLL_S)
            if (now := learned(client)) != before:
                print(f"learned: {now}")
                return 0
    raise Failure(f"No fader was moved within {told['waits_s']:g} s.")
