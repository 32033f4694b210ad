"""`understudy doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import argparse

SUMMARY = "check GPU, OpenGL, networks, gamepad, ports; say the remedy for each thing missing"
EXAMPLES = """understudy doctor
understudy doctor --json
understudy doctor --port 5570 --port 5571"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    parser.add_argument(
        "--port",
        type=int,
        action="append",
        metavar="N",
        help="ports to look at (5570 and 5571)",
    )


def run(args: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from understudy.runtime import checks
    from understudy.runtime.core.errors import UnderstudyError

    ports = tuple(args.port or (5570, 5571))
    for port in ports:
        if not 0 < port < 65536:
            raise UnderstudyError(f"--port is {port}; ports are 1 to 65535.")
    found = []
    for check in checks.examine(ports):
        found.append(check)
        if not args.json:
            print(line(check), flush=True)
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


def line(check) -> str:
    """A finding, and below it the remedy where there is one."""
    mark = {"ok": "ok ", "lacking": " ! ", "broken": "XXX"}[check.level]
    remedy = f"\n{'':28}-> {check.remedy}" if check.remedy else ""
    return f"{mark} {check.name:<22}  {check.found}{remedy}"
