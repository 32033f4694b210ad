"""Noise of materials: a second of each, made once, read from anywhere in it."""

from __future__ import annotations

import functools

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ

from .materials import material


@functools.lru_cache(maxsize=64)
def texture(name: str) -> Array:
    """(2 * RATE_HZ,) float32, of power one: two rounds of a second that closes on itself."""
    said = material(name)
    draw = np.random.default_rng([7, *name.encode()])
    noise = draw.standard_normal(RATE_HZ)
    if said.grains:  # one grain after the other, each a short click through the same band
        times = draw.random(round(said.grains)) * RATE_HZ
        loud = draw.gamma(2.0, 0.5, len(times)) * draw.choice((-1.0, 1.0), len(times))
        noise *= 0.15
        np.add.at(noise, times.astype(int), loud * np.sqrt(RATE_HZ / said.grains))
    low, high = said.noise_hz
    hertz = np.fft.rfftfreq(RATE_HZ, 1.0 / RATE_HZ)
    # Second order at both edges: nothing of it whistles.
    band = 1.0 / np.sqrt(1.0 + (low / np.maximum(hertz, 1.0)) ** 4)
    band /= np.sqrt(1.0 + (hertz / high) ** 4)
    shaped = np.fft.irfft(np.fft.rfft(noise) * band, RATE_HZ)
    # Grains stand far out of their mean: what is loud of them counts.
    shaped /= max(
        float(np.sqrt(np.mean(shaped * shaped))), np.quantile(np.abs(shaped), 0.999) / 3.5
    )
    return np.tile(shaped, 2).astype(np.float32)
