"""`understudy bench`: the figures, measured on this machine."""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType

from .parser import Parser

SUMMARY = "measure the figures that the documents quote, on this machine"
EXAMPLES = """understudy bench
understudy bench stage wire --json
understudy bench load --quick
understudy bench takeover FOLDER --verbose
understudy bench control --data FOLDER --out out/control"""

# part -> what it measures
PARTS = {
    "stage": "milliseconds a tick against the number of subjects",
    "latency": "intent to a pose received in another process",
    "startup": "command to first frame, memory",
    "soak": "memory of stage and viewport over ten minutes",
    "record": "lateness while eight bodies are recorded and exported; a shoot with kills",
    "library": "ten thousand takes: reading them once, and searching them",
    "load": "lateness at 120 Hz while a viewport renders at full load",
    "performer": "the recurrent network: cost against the number of bodies, quantized, on CUDA",
    "control": "how a pad is followed, from the poses alone, beside motion matching and the data",
    "takeover": "error in gaps of a folder of BVH against four baselines",
    "fill": "gaps of a folder of BVH filled with look-ahead, beside the live takeover",
    "retarget": "motion onto characters and back, beside rotations copied by role",
    "wire": "encoding, publishing, latency, against bare pyzmq",
    "relay": "what a relay adds to latency, and what keys do",
    "protocols": "a frame packed for VMC and others, against python-osc",
    "devices": "a frame of each suit, and eight of them for ten minutes on a bad network",
    "growth": "cost against the number of subjects, characters and subscribers",
    "bvh": "reading speed against another reader",
    "peers": "the wire and file reading beside what others do, in rounds that alternate",
    "viewport": "milliseconds a frame",
    "props": "milliseconds a step of 30 props and two bodies",
    "foley": "voices of a block, steps of a tick, and how well steps are foretold",
    "particles": "fifty thousand of them in a picture, beside the picture without",
    "effect": "the neural effect against classical ones",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="PART ...",
        help=f"of {', '.join(PARTS)} (all); `understudy bench PART --help` shows a part's own "
        "arguments, where it has some",
    )


def _common(parser: argparse.ArgumentParser) -> None:
    # Suppressed defaults: an option before the part must not be undone by its absence after it.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line"
    )
    parser.add_argument(
        "--quick", action="store_true", default=argparse.SUPPRESS, help="shorter, and rougher"
    )


def run(args: argparse.Namespace) -> int:
    words, given = args.words, argparse.Namespace(json=False, quick=False)
    vars(given).update({k: v for k, v in vars(args).items() if k in ("json", "quick")})
    if words and words[0] in PARTS:
        module = _module(words[0])
        if hasattr(module, "arguments"):  # a part with options of its own is benched alone
            parser = Parser(prog=f"understudy bench {words[0]}", description=PARTS[words[0]])
            _common(parser)
            module.arguments(parser)
            return int(module.run(parser.parse_args(words[1:], given)))
    parser = Parser(prog="understudy bench", description=SUMMARY)
    _common(parser)
    parser.add_argument("parts", nargs="*")
    return _figures(parser.parse_args(words, given))


def _module(part: str) -> ModuleType:
    from understudy.runtime.core import distribution
    from understudy.runtime.core.errors import Failure

    name = f"understudy.runtime.bench.{part}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Failure(distribution.lacking(error.name or str(error))) from None


def _figures(args: argparse.Namespace) -> int:
    """Prints the figures of every part that was named; of all that need no words, if none was."""
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
        try:
            module = _module(part)
            if not hasattr(module, "measure"):
                if args.parts:
                    raise UnderstudyError(
                        f"it takes arguments of its own; run `understudy bench {part}` by itself."
                    )
                continue
            if not args.json:
                print(f"{part}: {PARTS[part]}", flush=True)
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
                known = figure.value is not None
                value = f"{figure.value:.4g} {figure.unit}" if known else "not run"
                print(
                    f"  {figure.name:<52} {value:>18}  {target:<18} {mark:<7}{figure.conditions}",
                    flush=True,
                )
    return 1 if missed else 0
