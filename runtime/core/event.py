"""Something that happened at a moment, for whoever hears, shows or simulates it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Triple = tuple[float, float, float]

STEP, SCUFF, LIFT = "step", "scuff", "lift"
TOUCH, HIT, SLIDE = "touch", "hit", "slide"
GRAB, RELEASE, CUE = "grab", "release", "cue"
# What the simulation of props is told: who, with which hand, on which prop; on_part is what.
ORDER = "order"
KINDS = (STEP, SCUFF, LIFT, TOUCH, HIT, SLIDE, GRAB, RELEASE, CUE, ORDER)
FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Event:
    """Who touched what, where, when, how fast, on which material.

    number       counted by the stage; 0 before it has passed the stage
    who, part    the subject or prop that did it, and its joint; of a cue its name
    on, on_part  what was touched: "floor", a prop, another subject
    normal       (3,) away from what was touched, in the world
    speed_mps    at which they met; slip_mps along the surface
    impulse_ns   newton seconds; 0: not known
    time_ns      when it happens, on the stage's clock; of what is foretold later than now
    """

    kind: str
    who: str = ""
    part: str = ""
    on: str = ""
    on_part: str = ""
    material: str = ""
    on_material: str = ""
    position: Triple = (0.0, 0.0, 0.0)
    normal: Triple = (0.0, 1.0, 0.0)
    speed_mps: float = 0.0
    slip_mps: float = 0.0
    impulse_ns: float = 0.0
    time_ns: int = 0
    number: int = 0

    def counted(self, number: int, time_ns: int) -> Event:
        """The same under the stage's number, at this time."""
        return replace(self, number=number, time_ns=time_ns)

    @property
    def sound(self) -> bool:
        """Whether all of its numbers are finite."""
        numbers = (*self.position, *self.normal, self.speed_mps, self.slip_mps, self.impulse_ns)
        return all(map(math.isfinite, numbers))
