"""`understudy loopback`: does a protocol leave this machine's sockets and come back whole?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.outputs.loopback import Heard
    from understudy.runtime.outputs.sender import Output

SUMMARY = "send a protocol to this machine, hear it, and print the values side by side"
EXAMPLES = """understudy loopback vmc
understudy loopback vmc --to 10.0.0.5
understudy loopback opentrackio --multicast --interface 192.168.1.20
understudy loopback opentrackio --option encoding=cbor
understudy loopback wire"""

PROTOCOLS = ("vmc", "freed", "opentrackio", "livelinkface", "rokoko", "wire")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", metavar="PROTOCOL", help=f"one of {', '.join(PROTOCOLS)}")
    parser.add_argument(
        "--to",
        metavar="HOST",
        help="send the same performer to a receiver there instead, for ten seconds",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="another port than the protocol's own; 0: a free one"
    )
    parser.add_argument(
        "--frames", type=int, metavar="N", help="how many frames to send (60; 600 with --to)"
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
    frames = args.frames if args.frames is not None else 600 if args.to else 60
    if not 0 < frames <= 100_000:
        raise UnderstudyError(f"--frames is {frames}; it must be from 1 to 100000.")
    if args.to and args.protocol == "wire":
        raise UnderstudyError(
            "Nobody is sent the wire; listen to a stage with `understudy listen`."
        )
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
    if args.to:
        sent = loopback.send(args.protocol, args.to, args.port, frames, options)
        told = {"to": sent.target.text, **asdict(sent.counts), "reason": sent.reason}
        fault = answer(sent)
        told_text = sent_text(sent)
    else:
        heard = loopback.run(args.protocol, args.port, frames, options, args.multicast)
        told = asdict(heard)
        fault = verdict(args.protocol, heard)
        told_text = text(args.protocol, heard)
    print(json.dumps({"protocol": args.protocol, **told}) if args.json else told_text)
    if fault:
        print(f"understudy loopback: {fault}", file=sys.stderr)
    return 1 if fault else 0


def sent_text(sent: Output) -> str:
    """What was sent elsewhere, for people."""
    counts = sent.counts
    said = (
        f"{sent.target.text}: {counts.frames} frames, {counts.datagrams} datagrams, "
        f"{counts.bytes} bytes sent"
    )
    if answer(sent):
        return said
    return f"""{said}
Nothing answered, as it should be: receivers of UDP do not. On its screen a performer has turned her
head, raised an arm and made faces, or a camera has panned right. If not, look at its port, at
the firewalls (`understudy doctor --network`, there too) and at the network card (--interface)."""


def answer(sent: Output) -> str:
    """What is wrong with sending there, in a sentence; "" where nothing is known to be."""
    if sent.reason:
        return sent.reason
    if sent.counts.refused:
        to = sent.target
        return (
            f"{to.host} answers that nobody listens on udp {to.port}: start the receiver there, or "
            "look which port it has."
        )
    return ""


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
