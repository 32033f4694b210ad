"""What is to be heard of what happens: events into strikes, and limbs that rustle."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from understudy.runtime.core import event as kinds
from understudy.runtime.core.event import Event
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ

from .ears import Ears
from .materials import VARIANTS, material
from .voices import Strike

# What is struck, and by what, "" anything: sounds (N,) that are played by turns.
Samples = dict[tuple[str, str], list[Array]]
STEMS = ("steps", "hands", "props", "cloth")
_STEPS, _HANDS, _PROPS, _CLOTH = range(4)
_BALL = re.compile("toe|ball", re.IGNORECASE)
# From heel to ball of a foot that comes down on its heel; slower who steps softly.
ROLL_S = (0.06, 0.11)
# A fall of a foot, or a blow, that is as loud as can be.
FULL_MPS, HARD_MPS = 2.2, 5.0
# At a metre a firm step peaks here.
LOUD = 1.0


class Score:
    """Turns events into strikes; no two steps of one foot sound the same."""

    def __init__(self, gain: float = 1.0, seed: int = 1, own: Samples | None = None) -> None:
        """own: sounds of the user's own, by what is struck and by what."""
        self.gain, self._own = gain, own or {}
        self._draw = np.random.default_rng(seed)

    def strikes(self, event: Event, at: int, ears: Ears) -> Iterator[Strike]:
        """Those of an event whose moment is sample `at`."""
        left, right = ears.gains(event.position)
        match event.kind:
            case kinds.STEP:
                yield from self._step(event, at, left, right)
            case kinds.SCUFF:
                yield self._noise(event, at, left, right, _STEPS, 0.10, event.slip_mps / 1.5)
            case kinds.SLIDE:
                yield self._noise(event, at, left, right, _PROPS, 0.12, event.slip_mps / 1.5)
            case kinds.HIT:
                stem = _PROPS if not event.part else _HANDS
                force = min(event.speed_mps / HARD_MPS, 1.0) ** 0.8
                yield self._strike(event, at, left, right, stem, force, 1.6)
            case kinds.TOUCH | kinds.GRAB | kinds.RELEASE:
                force = 0.10 + 0.25 * min(event.speed_mps / 2.0, 1.0)
                yield self._strike(event, at, left, right, _HANDS, force, 0.7)

    def _step(self, event: Event, at: int, left: float, right: float) -> Iterator[Strike]:
        fall = min(max(event.speed_mps, 0.0) / FULL_MPS, 1.0)
        force = 0.18 + 0.82 * fall
        on_ball = bool(_BALL.search(event.part))
        yield self._strike(event, at, left, right, _STEPS, force * (0.7 if on_ball else 1.0), 1.0)
        if not on_ball:
            slow, fast = ROLL_S[1], ROLL_S[0]
            later = slow + (fast - slow) * fall + 0.008 * self._draw.standard_normal()
            then = at + round(later * RATE_HZ)
            yield self._strike(event, then, left, right, _STEPS, 0.45 * force, 0.7)

    def _strike(
        self, event: Event, at: int, left: float, right: float, stem: int, force: float, hard: float
    ) -> Strike:
        struck, by = event.on_material or "wood", event.material or "rubber"
        said, other = material(struck), material(by)
        vary = float(np.exp(0.12 * self._draw.standard_normal()))
        loud = LOUD * self.gain * force * vary
        own = self._own.get((struck, by)) or self._own.get((struck, ""))
        sample = own[int(self._draw.integers(len(own)))] if own else None
        return Strike(
            at, struck, by,
            ring=loud if sample is None else loud / LOUD,
            noise=0.8 * loud * (said.noise + 0.4 * other.noise),
            bright=hard * (0.45 + 0.9 * force) * vary,
            noise_s=said.noise_s * (0.7 + 0.6 * force),
            left=left, right=right, stem=stem,
            variant=int(self._draw.integers(VARIANTS)), sample=sample,
        )  # fmt: skip

    def _noise(
        self,
        event: Event,
        at: int,
        left: float,
        right: float,
        stem: int,
        lasts_s: float,
        loud: float,
    ) -> Strike:
        """Something that slides over something."""
        struck = event.on_material or "wood"
        share = LOUD * self.gain * 0.35 * min(max(loud, 0.0), 1.0)
        return Strike(
            at, struck, event.material or "rubber", 0.0,
            share * (0.4 + material(struck).noise), 1.0, lasts_s, left, right, stem,
            int(self._draw.integers(VARIANTS)),
        )  # fmt: skip

    def rustle(
        self, at: int, where: tuple[float, float, float], speed_mps: float, ears: Ears,
        cloth: str = "cloth",
    ) -> Strike:  # fmt: skip
        """Clothes of a limb that goes so fast."""
        left, right = ears.gains(where)
        loud = LOUD * self.gain * 0.10 * min(speed_mps / 4.0, 1.0) ** 1.5
        return Strike(
            at, cloth, cloth, 0.0, loud, 1.0, 0.09, left, right, _CLOTH,
            int(self._draw.integers(VARIANTS)),
        )  # fmt: skip
