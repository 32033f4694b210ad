"""Light and air of a picture: the sun by time and place or by hand, the sky that goes with it.

Azimuth 0 is +Z and grows towards +X. North is -Z, east +X, as on a map that lies on the floor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.typed import nearest

from .sky_map import SkyMap, basis

TONES = ("neutral", "agx", "aces")
Colour = tuple[float, float, float]


def direction(azimuth_rad: float, elevation_rad: float) -> Array:
    """(3,) unit vector."""
    flat = np.cos(elevation_rad)
    return np.array([np.sin(azimuth_rad) * flat, np.sin(elevation_rad), np.cos(azimuth_rad) * flat])


@dataclass
class Look:
    """Light and air. Colours are linear.

    fog      1/m      clouds, wet  0 to 1      sky_share  of the sky's light that comes in, 0 to 1
    tone     the curve to the screen           grid       of the ground, 0 to 1
    """

    sun: Array = field(default_factory=lambda: normalize(direction(0.95, np.radians(43.0))))
    sun_colour: Colour = (3.35, 3.06, 2.68)
    sun_half_angle_rad: float = np.radians(1.4)
    sky_zenith: Colour = (0.34, 0.44, 0.58)
    sky_horizon: Colour = (0.62, 0.655, 0.69)
    ground_bounce: Colour = (0.23, 0.215, 0.20)
    exposure: float = 1.0
    fade_m: float = 70.0
    fog: float = 0.0
    clouds: float = 0.0
    wet: float = 0.0
    sky_share: float = 1.0
    tone: str = "neutral"
    grid: float = 1.0
    sky_map: SkyMap | None = None  # a picture of all around, in place of the gradient

    def defines(self) -> dict[str, object]:
        """What the passes that light are compiled with."""
        words = {
            "FOG": self.fog > 0.0,
            "CLOUDS": self.clouds > 0.0 and self.sky_map is None,
            "SKYMAP": self.sky_map is not None,
            self.tone.upper(): True,
        }
        return {word: 1 for word, said in words.items() if said and word != "NEUTRAL"}


# Of the sky by the sun's elevation in degrees: zenith, horizon, exposure that an eye would take.
_HOURS = np.array(
    [
        [-12.0, 0.010, 0.015, 0.032, 0.020, 0.024, 0.040, 1.9],
        [-6.0, 0.030, 0.048, 0.105, 0.120, 0.088, 0.098, 1.7],
        [-2.0, 0.075, 0.110, 0.200, 0.360, 0.215, 0.165, 1.45],
        [3.0, 0.160, 0.235, 0.380, 0.700, 0.470, 0.310, 1.15],
        [12.0, 0.270, 0.370, 0.530, 0.680, 0.600, 0.510, 1.05],
        [43.0, 0.340, 0.440, 0.580, 0.620, 0.655, 0.690, 1.0],
        [90.0, 0.330, 0.450, 0.620, 0.610, 0.660, 0.710, 1.0],
    ]
)
# Above the air, and how much of it each colour loses on the way straight down (Rayleigh, haze).
_SUN, _LOST = np.array([4.00, 3.98, 4.20]), np.array([0.121, 0.180, 0.307])
# The moon stands for a sun that has gone: where, and how bright; an exposed night, not a dark one.
MOON_DEG, MOON = (35.0, 48.0), np.array([0.16, 0.20, 0.29])


def by_sun(azimuth_deg: float, elevation_deg: float) -> Look:
    """The look of a clear sky with the sun there; below the horizon it is dusk, then night."""
    low = np.interp(elevation_deg, _HOURS[:, 0], np.arange(len(_HOURS)))
    row, share = int(low), low - int(low)
    now = _HOURS[row] + share * (_HOURS[min(row + 1, len(_HOURS) - 1)] - _HOURS[row])
    zenith, horizon = now[1:4], now[4:7]
    if elevation_deg > 0.0:
        # Kasten and Young's air mass (1989).
        mass = 1.0 / (
            np.sin(np.radians(elevation_deg)) + 0.50572 * (elevation_deg + 6.07995) ** -1.6364
        )
        light = _SUN * np.exp(-_LOST * mass) * np.clip(elevation_deg / 2.0, 0.0, 1.0)
        sun = direction(np.radians(azimuth_deg), np.radians(max(elevation_deg, 1.0)))
        half = 1.4
    else:
        light = MOON * np.clip(-elevation_deg / 8.0, 0.15, 1.0)
        sun, half = direction(*np.radians(MOON_DEG)), 1.8
    bounce = 0.2 * (light * max(sun[1], 0.0) * 0.31831 + 0.35 * zenith + 0.65 * horizon)
    return Look(
        sun=normalize(sun),
        sun_colour=_colour(light),
        sun_half_angle_rad=float(np.radians(half)),
        sky_zenith=_colour(zenith),
        sky_horizon=_colour(horizon),
        ground_bounce=_colour(bounce),
        exposure=float(now[7]),
    )


def _colour(values: Array) -> Colour:
    red, green, blue = (float(v) for v in values)
    return red, green, blue


def solar_deg(when: datetime, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """The sun's azimuth from north through east, and its elevation, at a time in UTC.

    To about 0.3 degrees: declination and equation of time of Spencer (1971), no refraction.
    """
    hour = when.hour + when.minute / 60.0 + when.second / 3600.0
    day = 2.0 * np.pi / 365.0 * (when.timetuple().tm_yday - 1 + (hour - 12.0) / 24.0)
    c, s = np.cos(day * np.array([1, 2, 3])), np.sin(day * np.array([1, 2, 3]))
    declination = (0.006918 - 0.399912 * c[0] + 0.070257 * s[0] - 0.006758 * c[1]
                   + 0.000907 * s[1] - 0.002697 * c[2] + 0.00148 * s[2])  # fmt: skip
    minutes = 229.18 * (0.000075 + 0.001868 * c[0] - 0.032077 * s[0] - 0.014615 * c[1]
                        - 0.040849 * s[1])  # fmt: skip
    angle = np.radians((hour * 60.0 + minutes + 4.0 * longitude_deg) / 4.0 - 180.0)
    latitude = np.radians(latitude_deg)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        angle
    )
    east = -np.cos(declination) * np.sin(angle)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(
        declination
    ) * np.cos(angle)
    azimuth = np.degrees(np.arctan2(east, north)) % 360.0
    return float(azimuth), float(np.degrees(np.arcsin(np.clip(up, -1.0, 1.0))))


# A stage's key light: one large soft lamp, and little from all around.
KEY = Look(
    sun=normalize(direction(0.75, np.radians(47.0))), sun_colour=(2.5, 2.34, 2.1),
    sun_half_angle_rad=float(np.radians(4.0)), sky_zenith=(0.16, 0.18, 0.22),
    sky_horizon=(0.24, 0.25, 0.27), ground_bounce=(0.14, 0.135, 0.13), exposure=1.05,
)  # fmt: skip
HOURS = {
    "studio": None, "key": None, "noon": (150.0, 60.0), "day": (130.0, 43.0),
    "evening": (285.0, 9.0), "dusk": (290.0, -3.0), "night": (300.0, -14.0),
}  # fmt: skip
_HAND = re.compile(r"^(-?[\d.]+),(-?[\d.]+)$")
_PLACE = re.compile(
    r"^(?:(\d{4})-(\d\d)-(\d\d)[T ])?(\d{1,2}):(\d\d)(?:[@ ](-?[\d.]+),(-?[\d.]+))?$"
)
# Where no place and no day are said.
MIDSUMMER, PLACE_DEG = (2026, 6, 21), (48.0, 11.0)


def parse(said: str) -> Look:
    """A look in words: a name of HOURS; AZIMUTH,ELEVATION in degrees, from north through east;
    or [YYYY-MM-DD ]HH:MM[@LATITUDE,LONGITUDE], by the sun's own time there (noon is 12:00)."""
    said = said.strip()
    if said in HOURS:
        place = HOURS[said]
        if place is None:
            return KEY if said == "key" else Look()
        return by_sun(_from_z(place[0]), place[1])
    if (found := _HAND.match(said)) and (hand := _numbers(found[1], found[2])):
        azimuth, elevation = hand
        if -360.0 <= azimuth <= 360.0 and -90.0 <= elevation <= 90.0:
            return by_sun(_from_z(azimuth), elevation)
    if found := _PLACE.match(said):
        place_deg = _numbers(found[6], found[7]) if found[6] else PLACE_DEG
        year, month, day = (int(found[k]) for k in (1, 2, 3)) if found[1] else MIDSUMMER
        if place_deg and abs(place_deg[0]) <= 90.0 and abs(place_deg[1]) <= 180.0:
            try:
                there = datetime(year, month, day, int(found[4]), int(found[5]))
            except ValueError:
                there = None
            if there is not None:
                utc = there - timedelta(hours=place_deg[1] / 15.0)
                azimuth, elevation = solar_deg(utc, *place_deg)
                return by_sun(_from_z(azimuth), elevation)
    raise UnderstudyError(
        f"The sun {said!r} is none{nearest(said, HOURS)}: it is {', '.join(HOURS)}; degrees from "
        "north and above the horizon, 135,30; or a time, 17:30, 2026-06-21 17:30@48.1,11.6."
    )


def _from_z(north_deg: float) -> float:
    """Azimuth from +Z towards +X of one from north (-Z) towards east (+X)."""
    return 180.0 - north_deg


def _numbers(*words: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        return ()


def _under(look: Look, sky: SkyMap, has_sun: bool) -> Look:
    """The look of a sky of a picture; its own sun where none is said."""
    ring = sky.pixels[sky.pixels.shape[0] // 2 - 4 : sky.pixels.shape[0] // 2].mean((0, 1))
    top = sky.pixels[: sky.pixels.shape[0] // 4].mean((0, 1))
    light = np.array(look.sun_colour) if has_sun else np.array(sky.sun_colour)
    sun = look.sun if has_sun else sky.sun
    ground = 0.2 * (
        light * max(sun[1], 0.0) * 0.31831 + basis(np.array([0.0, 1.0, 0.0])) @ sky.harmonics
    )
    return replace(
        look,
        sun=normalize(np.maximum(sun, [-1.0, 0.02, -1.0])),
        sun_colour=_colour(light),
        sky_zenith=_colour(top),
        sky_horizon=_colour(ring),
        ground_bounce=_colour(ground),
        exposure=1.0,
        sky_map=sky,
    )


def made(
    sun: str = "",
    stops: float = 0.0,
    tone: str = "",
    clouds: float = 0.0,
    fog_m: float = 0.0,
    wet: float = 0.0,
    sky: SkyMap | None = None,
) -> Look:
    """A look of the command's or session's words.

    stops  brighter or darker      fog_m  as far as one sees, 0: no fog
    """
    for name, value, low, high in (("exposure", stops, -10.0, 10.0), ("clouds", clouds, 0.0, 1.0),
                                   ("fog", fog_m, 0.0, 1e5), ("wet", wet, 0.0, 1.0)):  # fmt: skip
        if not low <= value <= high:
            raise UnderstudyError(f"{name} is {value:g}; it can be {low:g} to {high:g}.")
    if tone and tone not in TONES:
        raise UnderstudyError(
            f"The tone map {tone!r} is none{nearest(tone, TONES)}: there are {', '.join(TONES)}."
        )
    look = parse(sun or "studio")
    if sky is not None:
        look = _under(look, sky, bool(sun))
    shade = 1.0 - 0.75 * clouds * clouds  # a sky that is full of them hides the sun
    return replace(
        look,
        sun_colour=_colour(shade * np.array(look.sun_colour)),
        exposure=look.exposure * 2.0**stops,
        tone=tone or look.tone,
        clouds=clouds,
        fog=3.0 / fog_m if fog_m else 0.0,  # Koschmieder: one part in twenty is left
        wet=wet,
    )
