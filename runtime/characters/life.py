"""A face's own life where nobody moves it: blinks and glances at natural rates.

Blinks: some 17 a minute at rest, log-normal intervals, lids that close in 80 ms and open in 150
(Bentivoglio 1997; Cruz 2011). Glances: fixations of a second or so, amplitudes that fall off, by
the main sequence 2.2 ms a degree and 21 ms (Carpenter 1988); a large one takes a blink along.
"""

from __future__ import annotations

import zlib

import numpy as np

from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.runtime.core.rotation import Array

from .faces import LOOK_RAD

BLINK_S = (0.08, 0.04, 0.15)  # close, shut, open
MEAN_BLINK_S, SPREAD_BLINK = 3.5, 0.6
AGAIN = 0.12  # of blinks come twice
MEAN_FIX_S, SPREAD_FIX = 1.3, 0.7
GLANCE_RAD, FARTHEST_RAD = np.radians(4.5), np.radians(14.0)
WITH_BLINK_RAD = np.radians(11.0)
LEAST_WAIT_S = 0.35  # of a face that came to rest, before its own life begins
GROW_S, FADE_S = 0.6, 0.15

NAMES: tuple[str, ...] = tuple(n for n in ARKIT if n.startswith(("eyeBlink", "eyeLook")))


class Life:
    """One face. `at` gives its curves, in the order of NAMES; time may go on in any steps."""

    def __init__(self, name: str) -> None:
        self._chance = np.random.default_rng(zlib.crc32(name.encode()))
        self._now_s: float | None = None
        self._blink_s = self._glance_s = 0.0
        self._next_blink_s = self._next_glance_s = 0.0
        self._from: Array = np.zeros(2)
        self._to: Array = np.zeros(2)
        self._still_s, self.share = 0.0, 0.0

    def advance(self, now_s: float, face_moves: bool) -> None:
        """face_moves: whether somebody else moves the face now; own life then gives way."""
        if self._now_s is None or now_s < self._now_s:
            self._now_s = self._blink_s = self._glance_s = now_s
            self._blink_s -= 10.0
            self._next_blink_s = now_s + self._wait(MEAN_BLINK_S, SPREAD_BLINK)
            self._next_glance_s = now_s + self._wait(MEAN_FIX_S, SPREAD_FIX)
        dt_s = min(now_s - self._now_s, 1.0)
        self._now_s = now_s
        self._still_s = 0.0 if face_moves else self._still_s + dt_s
        grows = self._still_s > LEAST_WAIT_S
        self.share += dt_s / GROW_S if grows else -dt_s / FADE_S if face_moves else 0.0
        self.share = min(max(self.share, 0.0), 1.0)
        if now_s >= self._next_glance_s:
            self._glance(now_s)
        if now_s >= self._next_blink_s:
            self._blink(now_s)

    def _wait(self, mean_s: float, spread: float) -> float:
        return float(self._chance.lognormal(np.log(mean_s) - 0.5 * spread**2, spread))

    def _blink(self, now_s: float) -> None:
        self._blink_s = now_s
        again = self._chance.random() < AGAIN
        wait_s = sum(BLINK_S) + 0.05 if again else self._wait(MEAN_BLINK_S, SPREAD_BLINK)
        self._next_blink_s = now_s + max(wait_s, sum(BLINK_S) + 0.02)

    def _glance(self, now_s: float) -> None:
        self._from = self._gaze(now_s)
        # Every third glance goes home, to what is straight ahead.
        home = self._chance.random() < 0.35
        size = min(float(self._chance.exponential(GLANCE_RAD)) + np.radians(0.8), FARTHEST_RAD)
        way = self._chance.uniform(0.0, 2.0 * np.pi)
        goal = self._from + size * np.array([np.cos(way), 0.5 * np.sin(way)])
        self._to = np.zeros(2) if home else np.clip(goal, -FARTHEST_RAD, FARTHEST_RAD)
        self._glance_s = now_s
        self._next_glance_s = now_s + max(self._wait(MEAN_FIX_S, SPREAD_FIX), 0.15)
        if np.linalg.norm(self._to - self._from) > WITH_BLINK_RAD and self._chance.random() < 0.6:
            self._next_blink_s = now_s

    def _gaze(self, now_s: float) -> Array:
        """(2,) yaw to the left and pitch up, radians."""
        away = float(np.linalg.norm(self._to - self._from))
        lasts_s = 0.021 + 0.0022 * np.degrees(away)
        t = float(np.clip((now_s - self._glance_s) / lasts_s, 0.0, 1.0))
        return self._from + (self._to - self._from) * (t * t * (3.0 - 2.0 * t))

    def _lid(self, now_s: float) -> float:
        close, shut, opens = BLINK_S
        t = now_s - self._blink_s
        if t < close:
            x = t / close
            return x * x * (3.0 - 2.0 * x)
        if t < close + shut:
            return 1.0
        x = max(0.0, 1.0 - (t - close - shut) / opens)
        return x * x

    def curves(self) -> Array:
        """(len(NAMES),) as they are now."""
        now_s = self._now_s or 0.0
        yaw, pitch = self._gaze(now_s) / LOOK_RAD
        lid = self._lid(now_s) + (1.0 - self._lid(now_s)) * max(-pitch, 0.0) * 0.25
        values = {
            "eyeBlinkLeft": lid, "eyeBlinkRight": lid,
            "eyeLookUpLeft": pitch, "eyeLookUpRight": pitch,
            "eyeLookDownLeft": -pitch, "eyeLookDownRight": -pitch,
            "eyeLookOutLeft": yaw, "eyeLookInRight": yaw,
            "eyeLookInLeft": -yaw, "eyeLookOutRight": -yaw,
        }  # fmt: skip
        return self.share * np.array([max(values[name], 0.0) for name in NAMES])


def alive(
    life: Life, names: tuple[str, ...], values: Array, now_s: float
) -> tuple[tuple[str, ...], Array]:
    """A face's curves with its own life over them: names and values."""
    life.advance(now_s, bool(np.any(np.abs(values) > 1e-3)))
    if life.share <= 0.0:
        return names, values
    missing = tuple(name for name in NAMES if name not in names)
    whole = names + missing
    out = np.concatenate([np.asarray(values, np.float64), np.zeros(len(missing))])
    at = [whole.index(name) for name in NAMES]
    out[at] = np.maximum(out[at], life.curves())
    return whole, out
