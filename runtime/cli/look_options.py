"""Options of set and light, for every command that draws."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.viewport.lighting import Lighting

NAMES = ("set", "sun", "exposure", "tone", "clouds", "fog", "wet")


def look_options(parser: argparse.ArgumentParser) -> None:
    """Adds them."""
    group = parser.add_argument_group("set and light")
    add = group.add_argument
    add(
        "--set",
        default="",
        metavar="SET",
        help="what stands around: stage, street, flat (street?seed=3), or a .glb or .gltf file",
    )
    add(
        "--sun",
        default="",
        metavar="SUN",
        help="studio, key, noon, day, evening, dusk, night; degrees from north and up, 135,30; or "
        "a time, 17:30 or 2026-06-21 17:30@48.1,11.6 (the set's own, else studio)",
    )
    add("--exposure", type=float, default=0.0, metavar="STOPS", help="brighter or darker (0)")
    add("--tone", default="", metavar="CURVE", help="to the screen: neutral, agx, aces (neutral)")
    add("--clouds", type=float, default=0.0, metavar="0..1", help="on the sky (0)")
    add("--fog", type=float, default=0.0, metavar="M", help="one sees as far as this (no fog)")
    add("--wet", type=float, default=0.0, metavar="0..1", help="how wet the open ground is (0)")


def chosen(args: argparse.Namespace) -> Lighting:
    """What the options say."""
    from understudy.runtime.viewport.lighting import Lighting

    return Lighting(**{name: getattr(args, name) for name in NAMES})
