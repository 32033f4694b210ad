"""Options of set and light, for every command that draws."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.viewport.camera import Lens
    from understudy.runtime.viewport.lighting import Lighting
    from understudy.runtime.viewport.particle_feed import ParticleFeed
    from understudy.runtime.viewport.renderer import Options

NAMES = ("set", "sky", "sun", "exposure", "tone", "clouds", "fog", "wet")


def look_options(parser: argparse.ArgumentParser) -> None:
    """Adds them."""
    group = parser.add_argument_group("set and light")
    add = group.add_argument
    add(
        "--set",
        default="",
        metavar="SET",
        help="what stands around: stage, street, flat (street?seed=3), a .glb, .gltf or USD file",
    )
    add(
        "--sky",
        default="",
        metavar="FILE",
        help="a picture of all around (equirectangular), .hdr or .exr: it lights, is mirrored and "
        "is seen; FILE?turn=90 turns it",
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


def particle_options(parser: argparse.ArgumentParser) -> None:
    """Adds those of what flies about."""
    group = parser.add_argument_group(
        "particles", "Dust, sparks and splashes of contacts come where the stage tells of them."
    )
    add = group.add_argument
    add("--rain", type=float, default=0.0, metavar="0..1", help="how hard it rains (0)")
    add("--cold", type=float, default=0.0, metavar="0..1", help="breath is seen (0)")
    add("--wind", default="", metavar="X,Z", help="metres a second along X and Z (0,0)")
    add(
        "--emit",
        action="append",
        default=[],
        metavar="EFFECT@WHERE",
        help="sparks, dust, smoke, embers, splash, drops, breath or chips, at NAME, NAME/JOINT or "
        "X,Y,Z; may be given again",
    )


def particles_of(args: argparse.Namespace) -> ParticleFeed:
    """What the options say flies about."""
    import numpy as np

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.particles.sources import parse
    from understudy.runtime.viewport.particle_feed import ParticleFeed

    for name in ("rain", "cold"):
        if not 0.0 <= getattr(args, name) <= 1.0:
            raise UnderstudyError(f"--{name} is {getattr(args, name):g}; it can be 0 to 1.")
    try:
        x, z = map(float, args.wind.split(",")) if args.wind else (0.0, 0.0)
    except ValueError:
        x = z = 1e9
    if not max(abs(x), abs(z)) <= 60.0:
        raise UnderstudyError(
            f"--wind is {args.wind!r}; write X,Z in metres a second, at most 60, such as 3,-1."
        )
    feed = ParticleFeed([parse(line) for line in args.emit])
    feed.sources.rain, feed.sources.cold = args.rain, args.cold
    feed.sources.wind = np.array([x, 0.0, z])
    return feed


def frame_options(parser: argparse.ArgumentParser) -> None:
    """Adds those of the frame."""
    group = parser.add_argument_group("frame")
    group.add_argument(
        "--aspect",
        default="",
        metavar="W:H",
        help="of the picture that is meant, 2.39 or 16:9: the rest is shaded",
    )
    group.add_argument("--guides", action="store_true", help="thirds, middle and safe areas")


def lens_options(parser: argparse.ArgumentParser) -> None:
    """Adds those of the lens and the shutter."""
    group = parser.add_argument_group("lens and shutter")
    add = group.add_argument
    add(
        "--lens",
        action="store_true",
        help="depth of field; a stage's camera has its own stop and focus where it says them",
    )
    add(
        "--handheld",
        type=float,
        default=0.0,
        metavar="0..2",
        help="the camera wanders as on a shoulder, 1; 0 is a tripod (0)",
    )
    add("--stop", type=float, metavar="T", help="of the lens, 0.7 to 64 (2.8)")
    add(
        "--focus",
        default="",
        metavar="WHERE",
        help="metres, a SUBJECT's head, or SUBJECT/JOINT (the head of whom the camera follows)",
    )
    add(
        "--shutter",
        type=float,
        metavar="DEGREES",
        help="motion blur: how long of a picture's time the shutter is open, 180 as in film (0)",
    )
    add(
        "--antialias",
        choices=("fxaa", "taa", "none"),
        help="of each picture (fxaa), over time (taa), or none",
    )


LENS_NAMES = ("lens", "stop", "focus", "shutter", "antialias", "handheld")


def check_lens(args: argparse.Namespace) -> None:
    """Refuses a stop, a focus or a shutter that cannot be."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.viewport.camera import Lens

    for name, low, high in (("stop", 0.7, 64.0), ("shutter", 0.0, 360.0), ("handheld", 0.0, 2.0)):
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise UnderstudyError(f"--{name} is {value:g}; it can be {low:g} to {high:g}.")
    number = args.focus.lstrip("+-").replace(".", "", 1).isdigit()
    if number and not 0.1 <= Lens(focus=args.focus).focus_m <= 1e4:
        raise UnderstudyError(f"--focus is {args.focus} m; it can be 0.1 to 10000.")


def lens_of(args: argparse.Namespace, options: Options) -> Lens:
    """The lens that the options say; writes what is drawn of it."""
    from understudy.runtime.viewport.camera import Lens

    check_lens(args)
    options.lens = args.lens or args.focus != ""
    options.shutter_deg, options.antialias = args.shutter or 0.0, args.antialias or "fxaa"
    return Lens(args.stop or Lens.stop, args.focus, args.handheld)


def aspect_of(said: str) -> float:
    """2.39, 16:9; "" is 0: all of the window."""
    from understudy.runtime.core.errors import UnderstudyError

    wide, _, tall = said.partition(":")
    try:
        value = float(wide) / float(tall or 1.0) if said else 0.0
    except (ValueError, ZeroDivisionError):
        value = -1.0
    if said and not 0.2 <= value <= 5.0:
        raise UnderstudyError(f"--aspect {said!r} is none; write 2.39 or 16:9, 0.2 to 5.")
    return value


def sensor_of(said: str, aspect: float, size: tuple[int, int]) -> tuple[float, float]:
    """How high in mm what a window of a size shows is, and the frame's aspect; of a sensor's name,
    WxH, or that height itself."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.typed import nearest
    from understudy.runtime.viewport.camera import SENSORS, shown_mm

    wide, x, tall = said.lower().partition("x")
    try:
        sensor = SENSORS.get(said.lower()) or (float(wide), float(tall if x else wide))
    except ValueError:
        raise UnderstudyError(
            f"The sensor {said!r} is none{nearest(said, SENSORS)}: it is {', '.join(SENSORS)}, WxH "
            "in mm, or a height in mm."
        ) from None
    if not all(1.0 <= side <= 200.0 for side in sensor):
        raise UnderstudyError(f"--sensor is {said}; a side can be 1 to 200 mm.")
    window = size[0] / size[1]
    if said.lower() not in SENSORS and not x:
        return sensor[0], aspect
    aspect = aspect or sensor[0] / sensor[1]
    return shown_mm(sensor, aspect, window), aspect


def chosen(args: argparse.Namespace) -> Lighting:
    """What the options say."""
    from understudy.runtime.viewport.lighting import Lighting

    return Lighting(**{name: getattr(args, name) for name in NAMES})
