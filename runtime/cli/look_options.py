"""Options of set and light, for every command that draws."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.viewport.look import Look
    from understudy.runtime.viewport.renderer import Renderer

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


def lit(args: argparse.Namespace, renderer: Renderer) -> Look:
    """Puts the set that was asked for into the renderer, and gives the light."""
    from understudy.runtime.viewport import look
    from understudy.runtime.viewport.sets import scenery

    made = scenery.load(args.set) if args.set else None
    said = args.sun or (made.sun if made is not None else "")
    light = look.made(said, args.exposure, args.tone, args.clouds, args.fog, args.wet)
    renderer.set_scenery(made)
    return light
