"""`understudy send`: a stage's frames to VMC, FreeD, OpenTrackIO, Live Link Face and Rokoko."""

from __future__ import annotations

import argparse
import gc
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .keys import key_option
from .session_options import add_outputs

if TYPE_CHECKING:
    from understudy.bridge import Subscriber
    from understudy.runtime.outputs.sender import Output, Sender

SUMMARY = "send a stage's poses and cameras to receivers of VMC, FreeD, OpenTrackIO and others"
EXAMPLES = """understudy send --to vmc://127.0.0.1:39539
understudy send --to 'vmc://10.0.0.5:39539?dialect=vrm4u&rate=60' --to 'freed://10.0.0.6?delay=0.05'
understudy send --to 'opentrackio://multicast?source=3&interface=10.0.0.2'
understudy send --outputs outputs.toml
understudy send --list"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="address",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="where the stage publishes (tcp://127.0.0.1:5570)",
    )
    key_option(parser)
    add_outputs(parser.add_argument)
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="end after N seconds of frames (on Ctrl-C)"
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="S",
        help="give up when no frame comes within S seconds (waits for ever)",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="say only what changes, and the report at the end"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end and nothing else"
    )
    parser.add_argument(
        "--no-realtime", action="store_true", help="do not ask for real-time priority"
    )
    parser.add_argument("--list", action="store_true", help="print the options of every output")


def run(args: argparse.Namespace) -> int:
    import json
    import sys

    from understudy.bridge import Subscriber
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.realtime import steady, steady_wire
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.outputs import sender as outputs

    if args.list:
        print(listing())
        return 0
    for name in ("seconds", "wait"):
        value = getattr(args, name)
        if value is not None and not 0 < value < 1e9:
            raise UnderstudyError(f"--{name} is {value:g}; it must be above 0.")
    named = outputs.targets(args.to, args.outputs)
    if not named:
        raise UnderstudyError(
            "There is no output to send to; give --to vmc://127.0.0.1:39539 or --outputs FILE.toml."
        )
    # Ctrl-C and SIGTERM end the sending, not the report.
    pump = Pump(silent if args.json else print_changes() if args.quiet else print_line)
    # Below the stage's own loop, should both want the same core.
    steady_wire(not args.no_realtime, priority=6)
    with (
        outputs.Sender(named) as sender,
        Subscriber(args.address, newest=True, key=args.key) as subscriber,
        steady(not args.no_realtime, priority=5),
        stopping(pump.stop),
    ):
        pump.run(subscriber, sender, args.seconds, args.wait)
        told = report(subscriber, sender)
    print(json.dumps(told) if args.json else text(told))
    if not told["frames"]:
        print(
            f"understudy send: Nothing came from {args.address}; start a stage with "
            "`understudy stage` or give the address it publishes on with --from.",
            file=sys.stderr,
        )
        return 1
    mute = [one for one in told["outputs"] if not one["datagrams"]]
    for one in mute:
        why = one["reason"] or "No frame was due before the end."
        print(f"understudy send: {one['to']} sent nothing: {why}", file=sys.stderr)
    return 1 if mute else 0


class Pump:
    """Moves frames from the wire to the outputs until it is stopped.

    say  is told once a second how many frames came, and what each output did with them
    """

    def __init__(self, say: Callable[[str, int | None, list[Second]], None]) -> None:
        self._say = say
        self._running = True

    def stop(self) -> None:
        self._running = False

    def run(
        self, subscriber: Subscriber, sender: Sender, seconds: float | None, wait_s: float | None
    ) -> None:
        import time

        end_s = float("inf") if wait_s is None else time.monotonic() + wait_s
        line_s = time.monotonic() + 1.0
        waiting, frames = True, 0
        before = [(0, 0)] * len(sender.outputs)
        while self._running and (now_s := time.monotonic()) < end_s:
            frame = subscriber.receive(sender.wait_s(min(0.1, end_s - now_s)))
            if frame is None:
                sender.send_due()
            else:
                sender.offer(frame)
                if waiting:
                    waiting = False
                    end_s = float("inf") if seconds is None else time.monotonic() + seconds
            if time.monotonic() >= line_s:
                line_s += 1.0
                gc.collect(0)  # held off elsewhere, see `steady`
                came, frames = subscriber.statistics.frames - frames, subscriber.statistics.frames
                done = [(o.counts.frames, o.counts.refused) for o in sender.outputs]
                self._say(
                    subscriber.address,
                    None if waiting else came,
                    [
                        Second(output, now[0] - then[0], now[1] > then[1])
                        for output, now, then in zip(sender.outputs, done, before, strict=True)
                    ],
                )
                before = done


@dataclass(slots=True)
class Second:
    """What an output did within a second: frames it sent, and whether it heard that nobody is
    there."""

    output: Output
    frames: int
    refused: bool

    @property
    def trouble(self) -> str:
        return self.output.reason or ("Nobody listens there." if self.refused else "")

    @property
    def where(self) -> str:
        to = self.output.target
        return f"{to.scheme} {to.host}:{to.port}"


def silent(address: str, frames: int | None, outputs: list[Second]) -> None:
    """Says nothing."""


def print_line(address: str, frames: int | None, outputs: list[Second]) -> None:
    """One second in one line: frames in, then what each output sent."""
    if frames is None:
        print(f"waiting for frames from {address}", flush=True)
        return
    parts = [f"{frames:4d} frames/s"]
    for one in outputs:
        errors = one.output.counts.errors
        parts.append(
            f"{one.where} {one.frames}/s"
            + (f", {errors} errors" if errors else "")
            + (f" ({one.trouble})" if one.trouble else "")
        )
    print("  |  ".join(parts), flush=True)


def print_changes() -> Callable[[str, int | None, list[Second]], None]:
    """Says of each output when it begins to send, when it cannot and when it can again."""
    said: dict[int, str] = {}

    def say(address: str, frames: int | None, outputs: list[Second]) -> None:
        for number, one in enumerate(outputs):
            if not frames:
                continue  # of the stage's silence the stage tells
            # Figures in a reason change all the time, and are no news.
            news = re.sub(r"[\d.]+", "", one.trouble)
            if said.get(number) != news:
                said[number] = news
                print(f"send: {one.where}: {one.trouble or f'sends {one.frames}/s.'}", flush=True)

    return say


def report(subscriber: Subscriber, sender: Sender) -> dict[str, Any]:
    """Everything that was sent, for machines."""
    from dataclasses import asdict

    seen = subscriber.statistics
    return {
        "from": subscriber.address,
        "frames": seen.frames,
        "passed_over": seen.passed_over,
        "restarts": seen.restarts,
        "outputs": [
            {
                "to": o.target.text,
                **asdict(o.counts),
                "age_ms": o.age.summary_ms(),
                "reason": o.reason,
            }
            for o in sender.outputs
        ],
    }


def text(told: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"{told['frames']} frames from {told['from']}, {told['restarts']} restarts"]
    for one in told["outputs"]:
        lines.append(
            f"{one['to']}: {one['frames']} frames in {one['datagrams']} datagrams, "
            f"{one['bytes'] / 1e6:.2f} MB, {one['errors']} errors, capture to sent "
            f"{one['age_ms']['p50']:.2f} ms (p50), {one['age_ms']['p99']:.2f} ms (p99)"
            + (", nobody listens there" if one["refused"] else "")
        )
    return "\n".join(lines)


def listing() -> str:
    """The options of every output."""
    from understudy.runtime.core import url
    from understudy.runtime.core.plugins import Broken
    from understudy.runtime.outputs.sender import known
    from understudy.runtime.outputs.target import OutputOptions

    lines = ["every output", *url.listing(OutputOptions)]
    for scheme, protocol in known().items():
        if isinstance(protocol, Broken):
            lines.append(f"{scheme}://  {protocol}")
            continue
        lines.append(f"{scheme}://{protocol.HOST or 'HOST'}:{protocol.PORT}")
        lines += url.listing(protocol.Options, OutputOptions)
    return "\n".join(lines)
