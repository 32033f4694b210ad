"""`understudy simulate`: a suit, a phone, a camera or a desk, played from a recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from understudy.runtime.core.progress import loading

from .file_options import add_file_options, decided

SUMMARY = (
    "send what a suit, phone, camera or desk would, from a BVH file: rehearse without an actor"
)
EXAMPLES = """understudy simulate mvn walk.bvh
understudy simulate mvn walk.bvh --actors 2 --to 10.0.0.2:9763
understudy simulate freed walk.bvh --actors 3
understudy simulate midi walk.bvh --to "nanoKONTROL"
understudy simulate rokoko walk.bvh --loss 2% --jitter 20ms --dropout 5s/0.5s
understudy stage --from mvn://"""
DEVICES = (
    *("mvn", "mvn-points", "natnet", "neuron", "rokoko", "vicon", "mocopi", "landmarks"),
    *("trackers", "vmc", "livelinkface", "ifacialmocap", "facemotion3d", "freed", "opentrackio"),
    *("midi", "osc"),
)
MOST_ACTORS = 16


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("device", metavar="DEVICE", help=f"one of {', '.join(DEVICES)}")
    add("take", type=Path, metavar="TAKE.bvh", help="the recording, played over and over")
    add(
        "--to", metavar="HOST[:PORT]",
        help="who hears it (127.0.0.1, the device's own port); of midi an output's name (first)",
    )  # fmt: skip
    add("--actors", type=int, default=1, metavar="N", help="so many, side by side (1)")
    add("--loss", default="0%", metavar="SHARE", help="of the datagrams so many are lost, as 2%%")
    add("--jitter", default="0s", metavar="TIME", help="each is late by up to so much, as 20ms")
    add("--dropout", metavar="EVERY/FOR", help="silences, as 5s/0.5s")
    add("--restart", metavar="EVERY", help="the program dies and comes back, as every 30s")
    add("--seed", type=int, default=0, metavar="N", help="of loss and jitter (0)")
    add("--seconds", type=float, metavar="N", help="end after N seconds (on Ctrl-C)")
    add("--no-announce", action="store_true", help="tell nobody by mDNS that this device is here")
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core import discovery
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.simulators import device as devices
    from understudy.runtime.simulators import line as lines
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.clip import without_tpose

    if args.device not in devices.DEVICES:
        raise UnderstudyError(
            f"There is no device {args.device!r} to simulate; there are {', '.join(DEVICES)}."
        )
    device = devices.DEVICES[args.device]
    if not 1 <= args.actors <= MOST_ACTORS:
        raise UnderstudyError(f"--actors is {args.actors}; it is 1 to {MOST_ACTORS}.")
    if args.actors > 1 and not device.many:
        raise UnderstudyError(
            f"--actors is {args.actors}, and {args.device} has one performer a port; simulate "
            "another with --to HOST:PORT of its own."
        )
    if args.seconds is not None and not 0 < args.seconds < 1e9:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    every_s, silent_s = lines.dropout_s(args.dropout) if args.dropout else (0.0, 0.0)
    again_s = lines.restart_s(args.restart) if args.restart else 0.0
    line = lines.Line(
        lines.share(args.loss), lines.duration_s("--jitter", args.jitter), every_s, silent_s,
        args.seed,
    )  # fmt: skip
    by_midi = not device.port
    host, port = (args.to or "", 0) if by_midi else address(args.to or "127.0.0.1", device.port)
    with loading(args.take) as bar:
        clip = without_tpose(bvh.read(args.take, progress=bar("reading"), **decided(args)))
    performance = devices.Performance(clip, args.actors)
    print(
        f"simulate: {args.device} of {args.take.name}, {args.actors} at {clip.rate_hz:g} Hz, to "
        f"{(host or 'the first MIDI output') if by_midi else f'{host}:{port}'}",
        flush=True,
    )
    going = [True]
    own = discovery.announced(
        not (args.no_announce or by_midi), "simulator", f"tcp://{_own(host)}:{port}", args.device,
        device=args.device, actors=str(args.actors),
    )  # fmt: skip
    with stopping(lambda: going.clear()), own:
        frames, sent = devices.play(
            performance, device, (host, port), line, args.seconds, lambda: bool(going), again_s
        )
    print(
        f"{frames} frames, {sent} datagrams sent, {line.lost} lost on purpose or for want of room"
    )
    return 0


def _own(host: str) -> str:
    """By which card it is announced: those of the network to which it sends."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.simulators.device import reached_by

    try:
        return reached_by(host)
    except (OSError, UnderstudyError):
        return "127.0.0.1"


def address(text: str, usual: int) -> tuple[str, int]:
    """HOST, HOST:PORT or [IPv6]:PORT."""
    from understudy.runtime.core.errors import UnderstudyError

    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(usual)
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise UnderstudyError(f"--to is {text!r}; write HOST or HOST:PORT, as 10.0.0.2:{usual}.")
    return host.strip("[]"), int(port)
