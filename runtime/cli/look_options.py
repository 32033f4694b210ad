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
