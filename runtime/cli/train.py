"""`understudy train`: one network of a few, each a folder under `models/`."""

from __future__ import annotations

import argparse
import importlib

SUMMARY = "train a network: motion, actions, takeover, measures, face, footsteps or effect"
EXAMPLES = """understudy train motion --data mocap/cmu --out out/motion
understudy train motion --data mocap/cmu --out out/motion --resume
understudy train actions --data mocap/cmu mocap/more
understudy train takeover --data mocap/cmu mocap/cmu_dance mocap/cc_rig --out out/takeover
understudy train motion --help
understudy train effect --help"""
# word -> the folder under models/, what it makes
WHAT = {
    "motion": ("motion", "the network that answers the pad"),
    "actions": ("actions", "what buttons start: jumps and actions"),
    "takeover": ("takeover", "the network that stands in for mocap"),
    "measures": ("people", "the network that answers a body's measures, for `character`"),
    "face": ("voice", "the network that moves a mouth by a voice"),
    "footsteps": ("footsteps", "the network that foretells when a foot comes down"),
    "effect": ("contact", "the contact shading"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    networks = parser.add_subparsers(dest="what", metavar="NETWORK", required=True)
    for word, (folder, summary) in WHAT.items():
        options = importlib.import_module(f"understudy.models.{folder}.options")
        network = networks.add_parser(word, help=summary, description=f"train {summary}")
        options.arguments(network)
        network.set_defaults(interrupted=options.interrupted)


def run(args: argparse.Namespace) -> int:
    # Here and not above: PyTorch takes seconds to import, and only training needs it.
    module = importlib.import_module(f"understudy.models.{WHAT[args.what][0]}.train")
    try:
        return int(module.run(args))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(args.interrupted(args)) from None
