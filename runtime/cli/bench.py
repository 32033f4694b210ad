"""`understudy bench`: the figures, measured on this machine."""

from __future__ import annotations

import argparse

SUMMARY = "measure the figures that the documents quote, on this machine"
EXAMPLES = """understudy bench
understudy bench stage wire --json
understudy bench load --quick"""

# part -> what it measures
PARTS = {
    "stage": "milliseconds a tick against the number of subjects",
    "latency": "intent to a pose received in another process",
    "startup": "command to first frame, memory",
    "soak": "memory of stage and viewport over ten minutes",
    "load": "lateness at 120 Hz while a viewport renders at full load",
    "performer": "the recurrent network: cost, control",
    "wire": "encoding, publishing, latency, against bare pyzmq",
    "bvh": "reading speed against another reader",
    "viewport": "milliseconds a frame",
    "effect": "the neural effect against classical ones",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="shorter, and rougher")


def run(args: argparse.Namespace) -> int:
    import importlib
    import json
    import sys
    from dataclasses import asdict

    from understudy.runtime.core.errors import UnderstudyError

    for part in args.parts:
        if part not in PARTS:
            raise UnderstudyError(
                f"There is no part {part!r} to bench; there are {', '.join(PARTS)}."
            )
    missed = 0
    for part in args.parts or PARTS:
        module = importlib.import_module(f"understudy.runtime.bench.{part}")
        if not args.json:
            print(f"{part}: {PARTS[part]}", flush=True)
        try:
            figures = module.measure(args.quick)
        except UnderstudyError as error:  # one part that cannot run must not hide the others
            print(f"understudy bench: {part} was not measured: {error}", file=sys.stderr)
            missed += 1
            continue
        for figure in figures:
            if args.json:
                print(json.dumps({"part": part, **asdict(figure)}), flush=True)
            else:
                mark = {True: "met", False: "MISSED", None: ""}[figure.met]
                target = f"target {figure.target}" if figure.target else ""
                value = f"{figure.value:.4g} {figure.unit}"
                print(
                    f"  {figure.name:<52} {value:>18}  {target:<18} {mark:<7}{figure.conditions}",
                    flush=True,
                )
    return 1 if missed else 0
