"""`understudy monitor`: a stage on a page in a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from .finding import stage
from .keys import key_option

SUMMARY = "serve a page that shows a stage in a browser, on a tablet too, and can record"
EXAMPLES = """understudy monitor
understudy monitor --host 0.0.0.0 --token auto
understudy monitor --host monitor.example.org        # behind a proxy of that name
understudy monitor --connect tcp://10.0.0.5:5570 --control tcp://10.0.0.5:5571 --port 8081"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--connect",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="the stage's stream; find: pick one of those that announce themselves",
    )
    add("--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS",
        help="the stage's side channel, for recording")  # fmt: skip
    key_option(parser)
    add("--host", action="append", metavar="HOST",
        help="where to serve the page (127.0.0.1: this machine only; 0.0.0.0: every network); a "
        "name, such as a proxy's, or a second address is one that the page may be asked for by; "
        "may be given again")  # fmt: skip
    add("--port", type=int, default=8080, metavar="N", help="port of the page (8080; 0: any free)")
    add("--rate", type=float, default=30.0, metavar="HZ",
        help="frames a second to each browser, at most (30)")  # fmt: skip
    add("--token", metavar="SECRET",
        help="lets browsers that give it record, and change sources and subjects; `auto` makes "
        "one and prints it")  # fmt: skip
    add("--no-announce", action="store_true", help="tell nobody by mDNS that this page is here")
    add("--takes", default="takes", metavar="DIR",
        help="where takes go, on the stage's machine, from the stage's folder (takes); the library "
        "shows those in this folder of the monitor's machine")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    import asyncio

    from understudy.bridge.security.address import checked
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.monitor.access import Access, checked_token

    args.connect, args.control = stage(args.connect, args.control)
    if not 1 <= args.rate <= 120:
        raise UnderstudyError(f"--rate is {args.rate:g}; it can be 1 to 120.")
    if not 0 <= args.port <= 65535:
        raise UnderstudyError(f"--port is {args.port}; it can be 1 to 65535, or 0 for any.")
    checked(args.connect), checked(args.control)
    listen, names = hosts(args.host or [])
    token = None if args.token is None else checked_token(args.token)
    shown = token if args.token == "auto" else None
    return asyncio.run(_serve(args, listen, names, Access(token), shown))


def hosts(given: list[str]) -> tuple[str, list[str]]:
    """Where to listen, and by which other names the page may be asked for.

    The first address is where to listen; another is a router's or a container's that leads here.
    A name never says where to listen: a proxy's is often this machine's own, and would open the
    page to its network.
    """
    import ipaddress

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.monitor.http import is_name

    listen, names = [], []
    for one in given:
        try:
            ipaddress.ip_address(one.strip("[]").partition("%")[0])
            listen.append(one.strip("[]"))
        except ValueError:
            if one == "localhost":
                listen.append("127.0.0.1")
            elif is_name(one):
                names.append(one)
            else:
                raise UnderstudyError(
                    f"--host is {one!r}; give an address, such as 0.0.0.0, or a name without a "
                    "port, such as monitor.example.org."
                ) from None
    return listen[0] if listen else "127.0.0.1", [*listen[1:], *names]


async def _serve(
    args: argparse.Namespace, host: str, names: list[str], access, shown_token: str | None
) -> int:
    import asyncio

    from understudy.bridge import ControlClient, Subscriber
    from understudy.runtime.core import discovery
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.monitor.editing import Editing
    from understudy.runtime.monitor.library import Shelf
    from understudy.runtime.monitor.server import Server
    from understudy.runtime.monitor.stream import Stream
    from understudy.runtime.monitor.takes import Takes

    loop = asyncio.get_running_loop()
    end = asyncio.Event()

    def control(address: str) -> ControlClient:
        return ControlClient(address, key=args.key)

    takes = Takes(args.control, args.takes, control)
    editing = Editing(args.control, control)
    with Subscriber(args.connect, key=args.key) as subscriber:
        shelf = Shelf(Path(args.takes))
        server = Server(access, takes, subscriber.skeletons, names, editing, shelf)
        port = await server.open(host, args.port)
        stream = Stream(
            subscriber,
            args.rate,
            server.offer,
            on_restart=lambda: loop.call_soon_threadsafe(takes.stage_restarted),
            control=lambda: control(args.control),
            on_failure=lambda: loop.call_soon_threadsafe(end.set),
        )
        here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        told = discovery.announced(not args.no_announce, "monitor", here)
        for line in greeting(host, port, shown_token, access.possible, names):
            print(f"monitor: {line}", flush=True)
        stream.start()
        try:
            # Not by the loop's own handlers, which Windows lacks.
            with stopping(lambda: loop.call_soon_threadsafe(end.set)), told:
                await end.wait()
        finally:
            stream.close()
            await server.close()
            takes.close()
            editing.close()
    if stream.failure is not None:
        raise stream.failure
    return 0


def greeting(
    host: str, port: int, token: str | None, may_record: bool, names: list[str] | None = None
) -> list[str]:
    """Where to find the page, and what can be done there."""
    from understudy.bridge.security.address import is_local
    from understudy.runtime.core import ports

    secret = f"#token={token}" if token else ""
    everywhere = host in ("0.0.0.0", "::", "")
    hosts = [address for _, address in ports.cards()] if everywhere else [host]
    lines = [
        f"http://{f'[{one}]' if ':' in one else one}:{port}/{secret}" for one in hosts or [host]
    ]
    if names:
        lines.append(f"asked for as {', '.join(names)} it answers too")
    if may_record:
        lines.append("who gives the token can record and edit; everybody else watches")
    else:
        lines.append("for watching only; --token lets browsers record and edit")
    if everywhere or not is_local(f"tcp://{host}:1"):
        lines.append("the page is not encrypted: everybody on that network can watch")
    return lines
