"""Quality that sets itself: a picture keeps its rate by giving up what is missed least."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

# A picture that is steered by hand has to come so often.
RATE_HZ = 24.0
# So many pictures are looked at, after those that a change itself makes slow.
LOOKED_AT, PASSED_OVER = 10, 3
# A finer level is tried where the picture takes no more than this share of its time, and later
# each time that it proved too much.
SPARE, FIRST_TRY_S, LAST_TRY_S = 0.6, 3.0, 60.0


@dataclass(frozen=True)
class Level:
    """scale  pixels drawn for each shown along an edge; shadow  texels of its map."""

    scale: float
    shadow: int
    contact: bool = True

    def __str__(self) -> str:
        drawn = f"{100 * self.scale:.0f} % of the pixels along an edge"
        return drawn if self.contact else f"{drawn}, no contact shading"


# What is asked by name, and what `auto` goes through.
NAMED = {"low": Level(0.85, 1024), "normal": Level(1.0, 2048), "high": Level(2.0, 4096)}
LEVELS = (
    Level(1.0, 2048),
    Level(0.85, 1024),
    Level(0.7, 1024),
    Level(0.7, 512, contact=False),
    Level(0.55, 512, contact=False),
    Level(0.42, 512, contact=False),
    Level(0.32, 512, contact=False),
)


class Quality:
    """The level that a picture is drawn at; with `sets_itself` the finest that keeps its rate."""

    def __init__(self, name: str, rate_hz: float = RATE_HZ) -> None:
        """name: auto, or one of NAMED."""
        self.sets_itself = name == "auto"
        self.budget_ms = 1000.0 / rate_hz
        self._at = 1
        self._took_ms: deque[float] = deque(maxlen=LOOKED_AT)
        self._left_out = PASSED_OVER
        self._try_s = FIRST_TRY_S
        self._since_s = float("inf")
        self.level = LEVELS[self._at] if self.sets_itself else NAMED[name]

    def note(self, took_ms: float, now_s: float) -> bool:
        """Takes what a picture took; True where the level is another from now on."""
        if not self.sets_itself:
            return False
        if self._left_out:
            self._left_out -= 1
            self._since_s = now_s
            return False
        self._took_ms.append(took_ms)
        if len(self._took_ms) < LOOKED_AT:
            return False
        usual_ms = float(np.median(self._took_ms))
        if usual_ms > self.budget_ms and self._at < len(LEVELS) - 1:
            if now_s - self._since_s < 2.0 * self._try_s:  # what was tried last was too much
                self._try_s = min(2.0 * self._try_s, LAST_TRY_S)
            # Far beyond its time it goes two levels down at once.
            return self._to(self._at + (2 if usual_ms > 2.0 * self.budget_ms else 1))
        patient = now_s - self._since_s >= self._try_s
        if patient and usual_ms < SPARE * self.budget_ms and self._at:
            return self._to(self._at - 1)
        return False

    def _to(self, at: int) -> bool:
        self._at = min(at, len(LEVELS) - 1)
        self.level = LEVELS[self._at]
        self._took_ms.clear()
        self._left_out = PASSED_OVER
        return True

    @property
    def said(self) -> str:
        """What it gave up, in words; "" where nothing."""
        return str(self.level) if self.sets_itself and self._at else ""
