"""`understudy loopback`: does a protocol leave this machine's sockets and come back whole?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.outputs.loopback import Heard

SUMMARY = "send a protocol to this machine, hear it, and print the values side by side"
EXAMPLES = """understudy loopback vmc
understudy loopback opentrackio --multicast --interface 192.168.1.20
understudy loopback opentrackio --option encoding=cbor
understudy loopback wire"""

PROTOCOLS = ("vmc", "freed", "opentrackio", "livelinkface", "rokoko", "wire")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", metavar="PROTOCOL", help=f"one of {', '.join(PROTOCOLS)}")
    parser.add_argument(
        "--port", type=int, metavar="N", help="another port than the protocol's own; 0: a free one"
    )
    parser.add_argument(
        "--frames", type=int, default=60, metavar="N", help="how many frames to send (60)"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the output, such as dialect=vrm4u",
    )
    parser.add_argument("--multicast", action="store_true", help="OpenTrackIO by its group")
    parser.add_argument("--interface", metavar="IP", help="the network card for multicast")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end and nothing else"
    )


def run(args: argparse.Namespace) -> int:
    import json
    import sys
    from dataclasses import asdict

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.outputs import loopback

    if args.protocol not in loopback.PROTOCOLS:
        raise UnderstudyError(
            f"There is no protocol {args.protocol!r} to loop back; there are "
            f"{', '.join(loopback.PROTOCOLS)}."
        )
    if args.port is not None and not 0 <= args.port < 65536:
        raise UnderstudyError(f"--port is {args.port}; ports are 1 to 65535, and 0 for a free one.")
    if not 0 < args.frames <= 100_000:
        raise UnderstudyError(f"--frames is {args.frames}; it must be from 1 to 100000.")
    if args.multicast and args.protocol != "opentrackio":
        raise UnderstudyError(f"{args.protocol} has no multicast; leave --multicast out.")
    options = {}
    for pair in args.option:
        name, mark, value = pair.partition("=")
        if not mark:
            raise UnderstudyError(f"--option {pair!r} is not NAME=VALUE.")
        options[name] = value
    if args.interface:
        options["interface"] = args.interface
    heard = loopback.run(args.protocol, args.port, args.frames, options, args.multicast)
    if args.json:
        print(json.dumps({"protocol": args.protocol, **asdict(heard)}))
    else:
        print(text(args.protocol, heard))
    fault = verdict(args.protocol, heard)
    if fault:
        print(f"understudy loopback: {fault}", file=sys.stderr)
    return 1 if fault else 0


def verdict(protocol: str, heard: Heard) -> str:
    """What is wrong, in a sentence; "" where nothing is."""
    if not heard.received:
        return (
            f"{heard.reason or f'Nothing came on {heard.where}.'} Look for a firewall on this "
            "machine's own loopback, and run `understudy doctor`."
        )
    if heard.unreadable:
        return f"{heard.unreadable} datagrams of {protocol} could not be read: {heard.reason}"
    if heard.differing:
        return f"Of {protocol}, {', '.join(heard.differing)} came back changed."
    if heard.received < heard.sent - 1:
        return f"{heard.received} of {heard.sent} frames came back. {heard.reason}"
    return ""


def text(protocol: str, heard: Heard) -> str:
    """What was heard, for people."""
    times = sorted(heard.latency_ms)
    lines = [
        f"{protocol} over {heard.where}: {heard.received} of {heard.sent} frames, "
        f"{heard.datagrams} datagrams, {heard.bytes} bytes"
    ]
    if times:
        lines.append(
            f"encoded, sent, heard and read in {times[len(times) // 2]:.2f} ms (p50), "
            f"{times[-1]:.2f} ms at most"
        )
        lines.append(f"  {'the last frame':<22} {'sent':>38} {'received':>38}")
    for name, sent, received in heard.last:
        mark = "  <- changed" if name in heard.differing else ""
        lines.append(f"  {name:<22} {_shown(sent):>38} {_shown(received):>38}{mark}")
    if not verdict(protocol, heard):
        lines.append(
            "All of it came back as it went. If an engine on this machine shows nothing, it "
            "listens elsewhere; on another machine, look at the address and the firewalls."
        )
    return "\n".join(lines)


def _shown(value: float | str) -> str:
    return f"{value + 0.0:.5g}" if isinstance(value, float) else str(value)  # no -0
