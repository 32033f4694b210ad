"""`understudy train motion`, `understudy train takeover` and `understudy train effect`."""

from __future__ import annotations

import argparse
import importlib

from understudy.runtime.core.errors import UnderstudyError

SUMMARY = "train a network: motion (control), takeover (of mocap) or effect (contact shading)"
EXAMPLES = """understudy train motion --data mocap/cmu --out out/motion
understudy train motion --data mocap/cmu --out out/motion --resume
understudy train takeover --data mocap/cmu mocap/cmu_dance mocap/cc_rig --out out/takeover
understudy train motion --help
understudy train effect --help"""
WHAT = {
    "motion": "understudy.models.motion.train",
    "takeover": "understudy.models.takeover.train",
    "effect": "understudy.models.contact.train",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=sorted(WHAT), help="which network")
    parser.add_argument(
        "options", nargs=argparse.REMAINDER, help="its own options; `understudy train WHAT --help`"
    )


def run(args: argparse.Namespace) -> int:
    try:
        # Here and not above: PyTorch takes seconds to import, and only training needs it.
        module = importlib.import_module(WHAT[args.what])
    except ModuleNotFoundError as error:
        raise UnderstudyError(
            f"Training needs {error.name}, which is not installed; "
            "install it with `pip install 'understudy[train]'`."
        ) from None
    parser = argparse.ArgumentParser(
        prog=f"understudy train {args.what}",
        description=(module.__doc__ or "").split("\n", 1)[0],
    )
    module.arguments(parser)
    return int(module.run(parser.parse_args(args.options)))
