"""`understudy relay`: one listener of a stage that many listen to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .keys import key_option, keys_option

if TYPE_CHECKING:
    from understudy.bridge.relay import Relay
    from understudy.bridge.security.access import AccessControl

SUMMARY = "pass a stage's stream on to many listeners, over one connection to the stage"
EXAMPLES = """understudy relay --from tcp://10.0.0.5:5570 --publish tcp://127.0.0.1:5570
understudy relay --from tcp://10.0.0.5:5570 --key relay.key --publish tcp://0.0.0.0:5570 --keys
understudy relay --from tcp://10.0.0.5:5570 --publish tcp://0.0.0.0:5570 --insecure"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="ADDRESS",
        help="where the stage, or another relay, publishes",
    )
    key_option(parser)
    parser.add_argument(
        "--publish",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="where others listen (tcp://127.0.0.1:5570)",
    )
    keys_option(parser)
    parser.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end and nothing else"
    )


def run(args: argparse.Namespace) -> int:
    import contextlib
    import json

    import zmq

    from understudy.bridge.relay import Relay
    from understudy.bridge.security.access import AccessControl
    from understudy.bridge.security.keys import Keyring
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.realtime import steady_wire
    from understudy.runtime.core.signals import stopping

    if args.seconds is not None and not 0 < args.seconds < 1e9:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    steady_wire(True)
    with contextlib.ExitStack() as stack:
        access = None
        if args.keys is not None:
            ring = Keyring(args.keys or None)
            access = stack.enter_context(AccessControl(ring, zmq.Context.instance()))
        relay = stack.enter_context(
            Relay(args.source, args.publish, args.key, access, args.insecure)
        )
        clerk = Clerk(relay, quiet=args.json, access=access)
        stack.enter_context(stopping(clerk.stop))
        clerk.run(args.seconds)
        figures = relay.figures()
    if args.json:
        print(json.dumps(figures))
    else:
        print(
            f"relay: {figures['messages']} messages, {figures['bytes'] / 1e6:.1f} MB in; "
            f"{figures['connections']} connections, {figures['refused_connections']} refused"
        )
    return 0


class Clerk:
    """Turns the relay until it is stopped, and says what changes, and a line a second."""

    def __init__(self, relay: Relay, quiet: bool, access: AccessControl | None = None) -> None:
        self._relay = relay
        self._access = access
        self._quiet = quiet
        self._running = True

    def stop(self) -> None:
        self._running = False

    def run(self, seconds: float | None) -> None:
        import time

        relay = self._relay
        self._say(f"{relay.source} to {relay.address}")
        end_s = float("inf") if seconds is None else time.monotonic() + seconds
        line_s, before, standing = time.monotonic() + 1.0, relay.passed, ""
        while self._running and (now_s := time.monotonic()) < end_s:
            relay.turn(min(0.25, end_s - now_s))
            if (now := self._standing()) != standing:
                standing = now
                self._say(standing)
            if time.monotonic() >= line_s:
                line_s += 1.0
                passed = relay.passed
                if relay.here:
                    self._say(
                        f"{passed.messages - before.messages:4d} messages/s  "
                        f"{(passed.bytes - before.bytes) / 1e6:.2f} MB/s in  "
                        f"{relay.connections.standing} connected"
                    )
                before = passed
                if news := relay.connections.news():
                    self._say(f"{relay.address} {news}")
                for news in self._access.news() if self._access is not None else ():
                    self._say(news)

    def _standing(self) -> str:
        relay = self._relay
        if relay.here:
            count = relay.stage_connections
            again = "again " if count > 1 else ""
            return f"the stage at {relay.source} is there {again}(connection {count})."
        return relay.trouble or f"waiting for a stage at {relay.source}."

    def _say(self, sentence: str) -> None:
        if not self._quiet:
            print(f"relay: {sentence}", flush=True)
