"""What things sound like that touch: a few modes that ring, and a noise that does not.

After van den Doel, Kry and Pai 2001 ("FoleyAutomatic"): an impact starts a bank of damped sines,
the harder both are, the higher; a slide is noise. Frequencies and decays were set by ear and by
what such things have in common, not measured of one thing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

MODES = 32
# So many of each pair, a little apart, so that no two steps are the same.
VARIANTS = 8


@dataclass(frozen=True)
class Material:
    """What one side of a contact brings.

    lowest_hz, spread   the lowest mode, and how far apart the next ones are
    ring_s              how long the lowest rings (to -60 dB), damping: how much less higher ones do
    bright_hz           up to where a firm tap sets modes off
    noise_hz, noise_s   the band of what crunches or rustles, and how long it does
    ringing, noise      how loud both are
    grains              of what is made of grains, how many a second; 0: smooth
    """

    lowest_hz: float
    spread: float
    ring_s: float
    damping: float
    bright_hz: float
    noise_hz: tuple[float, float]
    noise_s: float
    ringing: float
    noise: float
    grains: float = 0.0


MATERIALS: dict[str, Material] = {
    "wood": Material(92, 1.32, 0.16, 0.9, 1400, (150, 1800), 0.030, 1.0, 0.30),
    "concrete": Material(150, 1.45, 0.045, 0.6, 3200, (400, 6000), 0.022, 0.55, 0.55),
    "stone": Material(180, 1.42, 0.055, 0.5, 4200, (500, 8000), 0.020, 0.6, 0.5),
    "tile": Material(310, 1.36, 0.080, 0.5, 6000, (900, 9000), 0.016, 0.7, 0.4),
    "metal": Material(210, 1.29, 1.10, 0.35, 8000, (600, 9000), 0.012, 0.8, 0.12),
    "glass": Material(980, 1.33, 0.55, 0.3, 11000, (2000, 12000), 0.008, 0.7, 0.10),
    "plastic": Material(240, 1.38, 0.070, 0.8, 2600, (300, 4000), 0.016, 0.8, 0.25),
    "rubber": Material(70, 1.50, 0.030, 1.2, 500, (120, 1400), 0.028, 0.35, 0.40),
    "leather": Material(120, 1.50, 0.028, 1.0, 1100, (200, 3500), 0.024, 0.35, 0.45),
    "skin": Material(80, 1.55, 0.025, 1.2, 420, (120, 1500), 0.030, 0.30, 0.45),
    "cloth": Material(60, 1.60, 0.015, 1.5, 300, (500, 5000), 0.070, 0.10, 0.40),
    "carpet": Material(60, 1.60, 0.030, 1.5, 260, (90, 900), 0.050, 0.35, 0.35),
    "grass": Material(55, 1.60, 0.020, 1.5, 260, (1200, 7000), 0.110, 0.20, 0.50, 900),
    "gravel": Material(90, 1.60, 0.020, 1.0, 900, (900, 9000), 0.120, 0.20, 0.60, 420),
    "sand": Material(50, 1.60, 0.015, 1.5, 240, (1500, 8000), 0.120, 0.15, 0.50, 2500),
    "snow": Material(60, 1.60, 0.015, 1.5, 260, (700, 4500), 0.150, 0.15, 0.45, 1300),
    "water": Material(260, 1.22, 0.060, 0.8, 1500, (500, 7000), 0.160, 0.40, 0.55, 260),
}
# What others call it, and what has no name of ours.
ALIASES = {"flesh": "skin", "ground": "concrete", "shoe": "rubber", "steel": "metal"}
USUAL = "wood"


def material(name: str) -> Material:
    """The material of a name; the usual one for a name that is not known."""
    said = name.lower()
    return MATERIALS.get(ALIASES.get(said, said), MATERIALS[USUAL])


@dataclass(frozen=True, eq=False)
class Bank:
    """Modes of a pair: hertz (M,), seconds to -60 dB (M,), loudness (M,)."""

    hertz: Array
    ring_s: Array
    gain: Array
    bright_hz: float


@functools.lru_cache(maxsize=1024)
def bank(struck: str, by: str, variant: int) -> Bank:
    """What rings when `by` strikes `struck`; variant of VARIANTS."""
    draw = np.random.default_rng([variant, *struck.encode(), 0, *by.encode()])
    hertz, ring_s, gain = [], [], []
    for name, share in ((struck, 1.0), (by, 0.45)):
        one = material(name)
        count = MODES // 2
        steps = one.lowest_hz * one.spread ** np.arange(count)
        steps = np.minimum(steps, one.lowest_hz + 900.0 * np.arange(count) + 1.0 * steps % 900.0)
        tone = steps * np.exp(0.05 * draw.standard_normal(count))
        hertz.append(tone * (1.0 + 0.03 * draw.standard_normal()))
        ring_s.append(one.ring_s * (tone / one.lowest_hz) ** -one.damping)
        loud = np.exp(0.35 * draw.standard_normal(count)) * (tone / one.lowest_hz) ** -0.35
        gain.append(share * one.ringing * loud / np.sqrt((loud * loud).sum()))
    bright_hz = float(np.sqrt(material(struck).bright_hz * material(by).bright_hz))
    tones = np.clip(np.concatenate(hertz), 30.0, 18000.0)
    rings = np.clip(np.concatenate(ring_s), 0.004, 3.0)
    return Bank(tones, rings, np.concatenate(gain), bright_hz)
