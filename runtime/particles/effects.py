"""What there is: each effect by how its particles fly and look."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Effect:
    """How the particles of an effect begin, fly and look.

    count        of one burst at full strength; rate: of an emitter, a second
    speed_mps    along the way it is thrown, and how far that spreads (a share)
    cone         how wide it is thrown: 0 along the normal, 1 over the half sphere
    spread_m     how far from the place they begin
    gravity      share of the Earth's; drag_hz: how fast air stops it; wind: how much it carries it
    life_s       least and most
    bounce       what is left of its speed where it hits something; 0: it stays there
    size_m       at its birth and at its end
    colour       linear, of what is lit; glow: of what shines by itself at its birth, and at its end
    alpha        how much of what is behind it hides at its thickest
    streak       how much of a shutter's time it is drawn out along its way
    """

    count: int = 40
    rate: float = 60.0
    speed_mps: tuple[float, float] = (1.0, 0.4)
    cone: float = 0.6
    spread_m: float = 0.02
    gravity: float = 1.0
    drag_hz: float = 0.5
    wind: float = 0.2
    life_s: tuple[float, float] = (0.3, 0.8)
    bounce: float = 0.0
    size_m: tuple[float, float] = (0.01, 0.01)
    colour: Colour = (0.5, 0.5, 0.5)
    glow: tuple[Colour, Colour] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    alpha: float = 1.0
    streak: float = 0.0


_WARM, _RED = (24.0, 11.0, 3.2), (3.0, 0.5, 0.05)
EFFECTS: dict[str, Effect] = {
    "sparks": Effect(
        count=70, rate=220.0, speed_mps=(4.2, 0.7), cone=0.8, drag_hz=1.2, wind=0.05,
        life_s=(0.25, 1.1), bounce=0.45, size_m=(0.006, 0.003), glow=(_WARM, _RED), alpha=0.0,
        streak=1.0,
    ),
    "dust": Effect(
        count=34, rate=40.0, speed_mps=(0.55, 0.6), cone=0.95, spread_m=0.07, gravity=-0.01,
        drag_hz=2.6, wind=1.0, life_s=(0.7, 1.9), size_m=(0.05, 0.32),
        colour=(0.46, 0.41, 0.34), alpha=0.17,
    ),
    "splash": Effect(
        count=18, rate=60.0, speed_mps=(1.5, 0.5), cone=0.55, drag_hz=0.4, life_s=(0.2, 0.5),
        size_m=(0.007, 0.004), colour=(0.55, 0.60, 0.66), alpha=0.55, streak=1.0,
    ),
    "drops": Effect(
        count=5, rate=40.0, speed_mps=(0.7, 0.5), cone=0.8, drag_hz=0.4, life_s=(0.12, 0.3),
        size_m=(0.005, 0.003), colour=(0.55, 0.60, 0.66), alpha=0.5, streak=1.0,
    ),
    "breath": Effect(
        count=14, rate=40.0, speed_mps=(0.9, 0.3), cone=0.22, spread_m=0.015, gravity=-0.012,
        drag_hz=3.2, wind=1.0, life_s=(0.6, 1.4), size_m=(0.03, 0.26),
        colour=(0.78, 0.80, 0.84), alpha=0.05,
    ),
    "embers": Effect(
        count=30, rate=35.0, speed_mps=(0.6, 0.8), cone=0.5, spread_m=0.12, gravity=-0.06,
        drag_hz=1.4, wind=1.0, life_s=(1.2, 3.5), bounce=0.0, size_m=(0.010, 0.005),
        glow=((9.0, 3.0, 0.6), (1.6, 0.2, 0.02)), alpha=0.0, streak=0.5,
    ),
    "smoke": Effect(
        count=40, rate=24.0, speed_mps=(0.5, 0.4), cone=0.3, spread_m=0.06, gravity=-0.03,
        drag_hz=1.1, wind=1.0, life_s=(1.6, 3.6), size_m=(0.10, 0.75),
        colour=(0.16, 0.16, 0.17), alpha=0.12,
    ),
    "chips": Effect(
        count=16, rate=30.0, speed_mps=(2.4, 0.5), cone=0.7, drag_hz=0.3, life_s=(0.8, 1.6),
        bounce=0.35, size_m=(0.012, 0.012), colour=(0.36, 0.25, 0.14),
    ),
}  # fmt: skip
NAMES = tuple(EFFECTS)
NUMBER = {name: k for k, name in enumerate(NAMES)}
