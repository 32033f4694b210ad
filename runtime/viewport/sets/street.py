"""A street: houses with shop fronts, lamps, trees, a bench, a parked car; wet, at dusk."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .builder import Builder, Colour, Paint, shade
from .scenery import Lamp, Scenery, spot

ROAD = Paint((0.115, 0.118, 0.125), 0.35, picture="asphalt")
WALK = Paint((0.33, 0.33, 0.335), 0.55, picture="slabs")
KERB = Paint((0.40, 0.40, 0.39), 0.7)
LINE = Paint((0.62, 0.62, 0.60), 0.6)
STEEL = Paint((0.055, 0.06, 0.07), 0.4, metal=0.6)
WOOD = Paint((0.30, 0.18, 0.10), 0.6, picture="planks")
BARK, LEAF = Paint((0.13, 0.09, 0.06), 0.95), Paint((0.06, 0.13, 0.045), 0.9)
GLASS = Paint((0.03, 0.04, 0.05), 0.12)
WALLS = (
    (0.42, 0.19, 0.13),
    (0.52, 0.45, 0.35),
    (0.30, 0.32, 0.35),
    (0.50, 0.33, 0.23),
    (0.36, 0.38, 0.30),
)
SHOPS = (
    (0.55, 0.07, 0.06),
    (0.05, 0.25, 0.22),
    (0.08, 0.13, 0.35),
    (0.60, 0.38, 0.07),
    (0.33, 0.08, 0.28),
)
WARM, COLD = np.array([1.0, 0.66, 0.34]), np.array([0.58, 0.66, 0.72])
MARKS = (("A", 0.0, 0.0, 0.0), ("B", -2.0, -1.0, 60.0), ("door", 3.2, -3.6, 0.0))
FRONT_M, KERB_M, HALF_M = -4.6, -2.2, 23.0
OPPOSITE_M = 15.0  # the front of the houses over there
# Of the pavement over the road: as low as at a crossing, for whoever walks knows no step.
STEP_M = 0.02


def make(seed: int = 1) -> Scenery:
    rng, build = np.random.default_rng(seed), Builder()
    lamps: list[Lamp] = []
    # The action is on the road: its surface is the floor.
    build.floor(ROAD, (-HALF_M, KERB_M), (HALF_M, 6.0))
    for x in np.arange(-HALF_M + 1.0, HALF_M, 3.0):
        build.box(LINE, (float(x), 0.0, 1.9), (1.4, 0.003, 0.12), without="below")
    for low, high in (
        ((-HALF_M, FRONT_M), (HALF_M, KERB_M)),
        ((-HALF_M, 6.0), (HALF_M, OPPOSITE_M)),
    ):
        build.floor(WALK, low, high, STEP_M)
    for z in (KERB_M, 6.0):
        build.box(KERB, (0.0, 0.0, z), (2 * HALF_M, STEP_M + 0.01, 0.16), without="below")
    x = -HALF_M
    while x < HALF_M:
        wide = float(rng.uniform(5.4, 8.2))
        _house(build, rng, x, min(wide, HALF_M + 2.0 - x), lamps)
        x += wide
    # The other side lies far enough away that cameras stand before it.
    across, x = Builder(), -HALF_M
    while x < HALF_M:
        wide = float(rng.uniform(5.4, 8.2))
        _house(across, rng, x, min(wide, HALF_M + 2.0 - x), [], goods=False)
        x += wide
    build.add(across, (0.0, 0.0, OPPOSITE_M + FRONT_M), 180.0)
    for number, x in enumerate((-14.5, -5.5, 4.5, 13.5)):
        _street_lamp(build, x, KERB_M - 0.35, lamps)
        _tree(build, rng, x + 4.4, KERB_M - 0.7)
        if number == 1:
            _bench(build, x + 2.3, FRONT_M + 0.55)
    _car(build, rng, -7.2, KERB_M + 1.15)
    _car(build, rng, 9.6, KERB_M + 1.15)
    lamps.sort(key=lambda lamp: abs(lamp.at[0]))
    body = build.character("street")
    return Scenery("street", body, tuple(lamps[:12]), sky_share=0.9, sun="dusk", marks=MARKS)


def _times(strength: float, tone: ArrayLike) -> Colour:
    red, green, blue = (float(strength * c) for c in np.asarray(tone))
    return red, green, blue


def _glow(rng: np.random.Generator, strength: float) -> Colour:
    tone = WARM if rng.random() < 0.75 else COLD
    return _times(strength * float(rng.choice([0.5, 0.7, 0.95])), tone)


def _house(
    build: Builder, rng: np.random.Generator, x: float, wide: float, lamps: list[Lamp],
    goods: bool = True,
) -> None:  # fmt: skip
    """Its front lies on FRONT_M; a shop below, windows above."""
    floors, storey, shop = int(rng.integers(2, 5)), 3.0, 3.4
    tall, middle = shop + floors * storey, x + wide / 2
    kind = "brick" if rng.random() < 0.6 else "plaster"
    wall = Paint(WALLS[int(rng.integers(len(WALLS)))], 0.85, picture=kind)
    trim = shade(Paint(wall.colour, 0.7), 1.5)
    deep = 6.0
    build.box(wall, (middle, shop, FRONT_M - deep / 2), (wide, tall - shop, deep), without="below")
    build.box(trim, (middle, tall, FRONT_M - deep / 2 + 0.12), (wide + 0.1, 0.3, deep + 0.3))
    build.box(trim, (middle, shop - 0.05, FRONT_M - 0.02), (wide, 0.28, 0.3))
    count = max(2, int(wide / 1.9))
    for floor in range(floors):
        for k in range(count):
            at_x = x + wide * (k + 0.5) / count
            _window(build, rng, at_x, shop + floor * storey + 0.85, trim)
    _shop(build, rng, x, wide, shop, trim, lamps, goods)


def _window(build: Builder, rng: np.random.Generator, x: float, y: float, trim: Paint) -> None:
    lit = rng.random() < 0.35
    pane = Paint((0.05, 0.05, 0.05), 0.15, glow=_glow(rng, 0.9)) if lit else GLASS
    build.box(trim, (x, y - 0.08, FRONT_M + 0.05), (1.12, 0.09, 0.18))
    build.box(trim, (x, y, FRONT_M + 0.02), (1.04, 1.55, 0.08), without="back")
    build.box(pane, (x, y + 0.05, FRONT_M + 0.025), (0.92, 1.44, 0.08), without="back")
    build.box(trim, (x, y + 0.05, FRONT_M + 0.04), (0.05, 1.44, 0.08), without="back")
    build.box(trim, (x, y + 0.85, FRONT_M + 0.04), (0.92, 0.05, 0.08), without="back")


def _shop(
    build: Builder, rng: np.random.Generator, x: float, wide: float, tall: float, trim: Paint,
    lamps: list[Lamp], goods: bool,
) -> None:  # fmt: skip
    frame = Paint(SHOPS[int(rng.integers(len(SHOPS)))], 0.4)
    glow = _glow(rng, 1.5)
    inside = Paint((0.22, 0.20, 0.17), 0.9, glow=_times(0.35, glow))
    middle = x + wide / 2
    back, front = FRONT_M - 2.4, FRONT_M + 0.02
    # The shop is a lit room behind its panes.
    build.floor(WOOD, (x + 0.2, back), (x + wide - 0.2, front), STEP_M + 0.02)
    build.panel(inside, (middle, 0.1, back), wide - 0.3, tall - 0.2)
    for side, turn in ((x + 0.15, 90.0), (x + wide - 0.15, -90.0)):
        build.panel(inside, (side, 0.1, FRONT_M - 1.2), 2.4, tall - 0.2, turn)
        build.box(trim, (side, 0.0, FRONT_M - 0.1), (0.34, tall, 0.4))
    build.quad(Paint((0.5, 0.5, 0.48), 0.9, glow=glow), [
        [x + 0.2, tall - 0.3, back], [x + wide - 0.2, tall - 0.3, back],
        [x + wide - 0.2, tall - 0.3, front], [x + 0.2, tall - 0.3, front]])  # fmt: skip
    for shelf in range(3 if goods else 0):
        for k in range(int(wide / 0.28) - 2):
            colour = tuple(rng.uniform(0.05, 0.7, 3).tolist())
            high = float(rng.uniform(0.15, 0.38))
            at_x = x + 0.5 + 0.28 * k
            build.box(Paint(colour, 0.5, glow=(0.07, 0.06, 0.05)),
                      (at_x, 0.6 + 0.62 * shelf, back + 0.25), (0.18, high, 0.16))  # fmt: skip
        build.box(WOOD, (middle, 0.55 + 0.62 * shelf, back + 0.2), (wide - 0.6, 0.04, 0.4))
    door = float(rng.uniform(0.25, 0.75)) * (wide - 2.4) + x + 1.2
    build.box(frame, (middle, 0.1, front), (wide - 0.6, 0.45, 0.1))
    build.box(frame, (door, 0.1, front + 0.03), (0.95, 2.15, 0.06), without="back")
    build.box(Paint((0.10, 0.09, 0.08), 0.1, glow=_times(0.5, glow)),
              (door, 0.45, front + 0.04), (0.65, 1.55, 0.06), without="back")  # fmt: skip
    for k in range(int(wide // 1.5) + 1):
        at_x = x + 0.35 + (wide - 0.7) * k / int(wide // 1.5)
        build.box(frame, (at_x, 0.1, front), (0.07, 2.55, 0.09))
    build.box(frame, (middle, 2.5, front + 0.04), (wide - 0.5, 0.9, 0.14))
    sign = Paint((0.7, 0.66, 0.55), 0.5, glow=_times(0.9, WARM))
    letters = int(rng.integers(5, 9))
    for k in range(letters):
        tall_m = float(rng.choice([0.16, 0.22]))
        at_x = middle + 0.26 * (k - (letters - 1) / 2)
        build.box(sign, (at_x, 2.66, front + 0.12), (0.15, tall_m, 0.03), without="back")
    if rng.random() < 0.7:
        _awning(build, rng, middle, wide - 0.7, front)
    lamps.append(Lamp((middle, 2.3, FRONT_M + 0.7), _times(2.6, glow), 7.0))


def _awning(
    build: Builder, rng: np.random.Generator, middle: float, wide: float, front: float
) -> None:
    colours = Paint(SHOPS[int(rng.integers(len(SHOPS)))], 0.9), Paint((0.72, 0.70, 0.64), 0.9)
    count = max(4, 2 * int(wide / 0.8))
    for k in range(count):
        x0, x1 = middle - wide / 2 + wide * k / count, middle - wide / 2 + wide * (k + 1) / count
        top, low = (2.62, front + 0.1), (2.28, front + 1.15)
        sheet = np.array([[x0, *low], [x1, *low], [x1, *top], [x0, *top]])
        build.quad(colours[k % 2], sheet)
        build.quad(shade(colours[k % 2], 0.5), sheet[::-1])
        build.panel(colours[k % 2], ((x0 + x1) / 2, low[0] - 0.16, low[1]), x1 - x0, 0.16)


def _street_lamp(build: Builder, x: float, z: float, lamps: list[Lamp]) -> None:
    build.turned(STEEL, (x, STEP_M, z), [(0.16, 0.0), (0.13, 0.35), (0.06, 0.5), (0.045, 4.0)], 10)
    build.box(STEEL, (x, STEP_M + 3.95, z + 0.45), (0.06, 0.06, 1.0))
    build.turned(STEEL, (x, STEP_M + 3.68, z + 0.9), [(0.26, 0.0), (0.22, 0.12), (0.05, 0.3)], 12)
    bulb = Paint((0.9, 0.8, 0.6), 0.3, glow=_times(4.5, WARM))
    build.turned(bulb, (x, STEP_M + 3.60, z + 0.9), [(0.05, 0.0), (0.13, 0.04), (0.16, 0.1)], 12)
    lamps.append(spot((x, STEP_M + 3.6, z + 0.9), (x, 0.0, z + 1.3), _times(17.0, WARM),
                      135.0, 14.0))  # fmt: skip


def _tree(build: Builder, rng: np.random.Generator, x: float, z: float) -> None:
    build.box(KERB, (x, STEP_M, z), (1.0, 0.06, 1.0))
    build.turned(BARK, (x, STEP_M, z), [(0.11, 0.0), (0.07, 1.2), (0.06, 2.4)], 8)
    for _ in range(7):
        at = rng.normal(0.0, 0.42, 3)
        size = float(rng.uniform(0.5, 0.8))
        middle = (x + at[0], STEP_M + 2.8 + 0.8 * abs(at[1]), z + at[2])
        outline = [(size * float(np.sin(a)) + 1e-3, size * (1 - float(np.cos(a)))) for a in
                   np.linspace(0.0, np.pi, 6)]  # fmt: skip
        build.turned(shade(LEAF, float(rng.uniform(0.7, 1.5))), middle, outline, 8)


def _bench(build: Builder, x: float, z: float) -> None:
    for k in range(3):
        build.box(WOOD, (x, STEP_M + 0.43, z - 0.05 + 0.13 * k), (1.5, 0.035, 0.11))
    for k in range(2):
        build.box(WOOD, (x, STEP_M + 0.58 + 0.16 * k, z - 0.16), (1.5, 0.11, 0.03))
    for side in (-0.6, 0.6):
        build.box(STEEL, (x + side, STEP_M, z + 0.05), (0.05, 0.43, 0.36))
        build.box(STEEL, (x + side, STEP_M + 0.43, z - 0.17), (0.05, 0.42, 0.04))


def _car(build: Builder, rng: np.random.Generator, x: float, z: float) -> None:
    """Along the kerb; its sides are prisms of one outline."""
    body = Paint(SHOPS[int(rng.integers(len(SHOPS)))], 0.25, metal=0.2)
    low = [
        (-2.1, 0.32),
        (2.05, 0.32),
        (2.15, 0.62),
        (2.0, 0.84),
        (1.15, 0.92),
        (-1.75, 0.95),
        (-2.1, 0.82),
    ]
    top = [(1.05, 0.92), (0.35, 1.38), (-0.95, 1.42), (-1.6, 0.95)]
    _prism(build, body, x, z, low, 0.86)
    _prism(build, GLASS, x, z, top, 0.72)
    _prism(build, body, x, z, [(0.34, 1.375), (0.30, 1.43), (-0.92, 1.46), (-0.96, 1.41)], 0.70)
    for at_x in (-1.3, 1.3):
        for side in (-0.78, 0.78):
            _wheel(build, x + at_x, z + side)
    for at_x, glow in ((2.12, (0.6, 0.55, 0.45)), (-2.1, (0.5, 0.03, 0.02))):
        for side in (-0.6, 0.6):
            build.box(
                Paint((0.5, 0.5, 0.5), 0.2, glow=glow),
                (x + at_x, 0.58, z + side),
                (0.06, 0.14, 0.34),
            )


def _prism(
    build: Builder,
    paint: Paint,
    x: float,
    z: float,
    outline: list[tuple[float, float]],
    half: float,
) -> None:
    front = np.array([[x + a, b, z + half] for a, b in outline])
    back = front - (0.0, 0.0, 2 * half)
    middle = front.mean(0)
    for k in range(len(front)):
        a, b = front[k], front[(k + 1) % len(front)]
        c, d = back[(k + 1) % len(front)], back[k]
        build.quad(paint, [a, d, c, b])
        build.triangles(paint, np.array([[middle, a, b], [middle - (0, 0, 2 * half), c, d]]))


def _wheel(build: Builder, x: float, z: float) -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 15)
    rim = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    for radius, half, paint in ((0.32, 0.10, Paint((0.03, 0.03, 0.03), 0.9)), (0.19, 0.105, STEEL)):
        ring = rim * radius + (x, 0.32, z)
        for k in range(len(angle) - 1):
            a, b = ring[k], ring[k + 1]
            out = np.array([0.0, 0.0, half])
            build.quad(paint, [a - out, b - out, b + out, a + out])
            middle = np.array([x, 0.32, z])
            build.triangles(paint, np.array([[middle + out, a + out, b + out],
                                             [middle - out, b - out, a - out]]))  # fmt: skip
