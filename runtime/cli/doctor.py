"""`understudy doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import argparse
import itertools
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.doctor.checks import Check

SUMMARY = (
    "check GPU, OpenGL, networks, gamepad, network cards, firewall and ports; say the remedies"
)
EXAMPLES = """understudy doctor
understudy doctor --network
understudy doctor --network --session stage.toml
understudy doctor --json
understudy doctor --port 5570 --port udp:39539"""
# Where the text of a line begins, and how wide a page is read with ease.
_INDENT, _WIDTH = 28, 100


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    parser.add_argument(
        "--network", action="store_true", help="network cards, firewall and ports alone"
    )
    parser.add_argument(
        "--port",
        action="append",
        metavar="[udp:]N",
        help="ports to look at (those of the stage, the monitor and every protocol)",
    )
    parser.add_argument(
        "--session", type=Path, metavar="FILE", help="look at the ports of this session too"
    )


def run(args: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from understudy.runtime.doctor import checks, network, stages

    ports = [network.read_port(text) for text in args.port or ()]
    found = []
    group: list[checks.Check] = []
    machine = () if args.network else checks.examine()
    meant = stages.of_file(args.session) if args.session else {}
    for check in itertools.chain(machine, network.examine(ports, stages.running(), meant)):
        found.append(check)
        if args.json:
            continue
        if group and check.group != group[0].group:
            print(together(group), flush=True)
            group = []
        if check.group:
            group.append(check)
        else:
            print(line(check), flush=True)
    if group:
        print(together(group), flush=True)
    broken = [check.name for check in found if check.level == checks.BROKEN]
    lacking = [check.name for check in found if check.level == checks.LACKING]
    if args.json:
        whole = {"ok": not broken, "broken": broken, "lacking": lacking}
        print(json.dumps({**whole, "checks": [asdict(check) for check in found]}))
    elif broken:
        print(f"\nBroken: {', '.join(broken)}. Put this right first.")
    elif lacking:
        print(f"\nReady. It would do better with: {', '.join(lacking)}.")
    else:
        print("\nReady.")
    return 1 if broken else 0


_MARKS = {"ok": "ok ", "lacking": " ! ", "broken": "XXX"}


def line(check: Check) -> str:
    """A finding, and below it the remedy where there is one."""
    return _wrapped(f"{_MARKS[check.level]} {check.name:<22}  ", check.found) + _remedy(check)


def together(group: list[Check]) -> str:
    """The findings of a group in one line."""
    first = group[0]
    # A line ends between two of them, not within one.
    told = ", ".join(check.item.replace(" ", "\0") for check in group)
    head = f"{_MARKS[first.level]} {first.group:<22}  "
    return _wrapped(head, told).replace("\0", " ") + _remedy(first)


def _remedy(check: Check) -> str:
    return "\n" + _wrapped(f"{'':{_INDENT}}-> ", check.remedy) if check.remedy else ""


def _wrapped(head: str, text: str) -> str:
    # A word longer than a line, such as a path, stays whole so that it can be copied.
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * max(_INDENT, len(head)),
        break_long_words=False,
        break_on_hyphens=False,
    )
