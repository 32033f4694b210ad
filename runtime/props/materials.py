"""What props are made of: weight, friction, bounce, and how it looks. No numpy.

Densities and frictions are round figures of engineering tables; two surfaces slide with the mean of
their frictions, and bounce with the mean of their restitutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Colour = tuple[float, float, float]
Word = Literal["wood", "metal", "stone", "glass", "cloth", "plastic", "rubber"]
WORDS: tuple[str, ...] = get_args(Word)


@dataclass(frozen=True)
class Material:
    """density kg/m3 of the whole thing; friction of sliding; restitution 0..1, speed after a bounce
    over the speed before; colour linear; rough and metal as in glTF."""

    density: float
    friction: float
    restitution: float
    colour: Colour
    rough: float = 0.7
    metal: float = 0.0
    alpha: float = 1.0


# Of hollow things a shell would be lighter than this; `mass_kg` says what one weighs.
MATERIALS: dict[str, Material] = {
    "wood": Material(600.0, 0.5, 0.35, (0.36, 0.21, 0.10), 0.75),
    "metal": Material(7800.0, 0.4, 0.3, (0.56, 0.57, 0.58), 0.35, 1.0),
    "stone": Material(2500.0, 0.7, 0.2, (0.38, 0.36, 0.33), 0.9),
    "glass": Material(2500.0, 0.4, 0.45, (0.75, 0.87, 0.86), 0.08, 0.0, 0.35),
    "cloth": Material(200.0, 0.8, 0.02, (0.42, 0.10, 0.11), 0.95),
    "plastic": Material(900.0, 0.4, 0.5, (0.06, 0.22, 0.55), 0.4),
    "rubber": Material(1100.0, 0.9, 0.75, (0.07, 0.07, 0.075), 0.85),
}
# What is no prop.
FLESH, GROUND = "flesh", "ground"
BODY = Material(1000.0, 0.8, 0.05, (0.6, 0.4, 0.3))
FLOOR = Material(2000.0, 0.7, 0.3, (0.4, 0.4, 0.4))


def of(word: str) -> Material:
    """The material of a word, of flesh and ground too."""
    return {FLESH: BODY, GROUND: FLOOR}.get(word) or MATERIALS[word]
