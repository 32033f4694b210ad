"""A flat: a living room with a window, a sofa, books, a table, lamps; open to the front."""

from __future__ import annotations

import numpy as np

from .builder import Builder, Paint, shade
from .scenery import Lamp, Scenery

FLOOR = Paint((0.42, 0.27, 0.15), 0.4, picture="planks")
WHITE = Paint((0.72, 0.71, 0.68), 0.7)
WOOD = Paint((0.36, 0.22, 0.12), 0.5, picture="planks")
DARK = Paint((0.05, 0.045, 0.04), 0.5)
LEAF = Paint((0.07, 0.19, 0.06), 0.8)
WALLS = ((0.55, 0.53, 0.47), (0.38, 0.46, 0.48), (0.53, 0.42, 0.36), (0.36, 0.41, 0.33))
CLOTHS = ((0.16, 0.24, 0.33), (0.42, 0.16, 0.12), (0.20, 0.28, 0.18), (0.48, 0.33, 0.14))
GLOW = (2.6, 1.9, 1.15)
LEFT_M, RIGHT_M, BACK_M, FRONT_M, TALL_M = -3.6, 3.6, -3.0, 2.6, 2.7
SILL_M, WINDOW_M, HEAD_M = 0.85, 1.9, 2.25  # of the window in the left wall: z from -1.9 on
MARKS = (("A", 0.0, 0.4, 0.0), ("sofa", -1.3, -1.35, 0.0), ("window", -2.7, -0.9, 90.0))


def make(seed: int = 1) -> Scenery:
    rng, build = np.random.default_rng(seed), Builder()
    wall = Paint(WALLS[int(rng.integers(len(WALLS)))], 0.9, picture="plaster")
    cloth = Paint(CLOTHS[int(rng.integers(len(CLOTHS)))], 0.95, picture="weave")
    build.floor(FLOOR, (LEFT_M, BACK_M), (RIGHT_M, FRONT_M))
    build.box(wall, (0.0, 0.0, BACK_M - 0.06), (RIGHT_M - LEFT_M, TALL_M, 0.12))
    build.box(wall, (RIGHT_M + 0.06, 0.0, -1.2), (0.12, TALL_M, 3.6))
    _window_wall(build, wall)
    for at, size in (((0.0, 0.0, BACK_M + 0.012), (7.2, 0.12, 0.024)),
                     ((RIGHT_M - 0.012, 0.0, -1.2), (0.024, 0.12, 3.6)),
                     ((LEFT_M + 0.012, 0.0, -0.2), (0.024, 0.12, 5.6))):  # fmt: skip
        build.box(WHITE, at, size)
    _sofa(build, cloth, -1.3, BACK_M + 0.62)
    rug = Paint(CLOTHS[int(rng.integers(len(CLOTHS)))], 0.98, picture="weave")
    build.box(rug, (-1.2, 0.0, -0.75), (2.8, 0.012, 1.7), without="below")
    build.box(shade(rug, 1.8), (-1.2, 0.0, -0.75), (2.5, 0.0135, 1.4), without="below")
    _table(build, -1.3, -0.70, 1.05, 0.55, 0.40)
    build.box(Paint((0.5, 0.09, 0.07), 0.5), (-1.45, 0.41, -0.67), (0.22, 0.03, 0.16), 20.0)
    build.cylinder(WHITE, (-1.05, 0.41, -0.75), 0.04, 0.09, 10)
    _shelves(build, rng, 1.9, BACK_M + 0.2)
    _table(build, 2.4, 0.3, 0.8, 1.3, 0.74)
    for z, turn in ((-0.25, 90.0), (0.75, 90.0)):
        _chair(build, 1.75, z, turn)
    lamps = [_floor_lamp(build, -3.05, BACK_M + 0.45), _pendant(build, 2.4, 0.3)]
    _plant(build, rng, 3.15, BACK_M + 0.5)
    for x, y, wide, tall in ((-1.9, 1.35, 0.7, 0.5), (-0.85, 1.30, 0.45, 0.6)):
        _picture(build, rng, x, y, wide, tall)
    return Scenery(
        "flat", build.character("flat"), tuple(lamps), sky_share=0.5, sun="300,27", marks=MARKS
    )


def _window_wall(build: Builder, wall: Paint) -> None:
    """The left wall, with its window open to the sun."""
    x, z0, z1 = LEFT_M - 0.06, -1.9, -1.9 + WINDOW_M
    middle = 0.5 * (z0 + z1)
    build.box(wall, (x, 0.0, 0.5 * (BACK_M + z0)), (0.12, TALL_M, z0 - BACK_M))
    build.box(wall, (x, 0.0, 0.5 * (z1 + FRONT_M)), (0.12, TALL_M, FRONT_M - z1))
    build.box(wall, (x, 0.0, middle), (0.12, SILL_M, WINDOW_M))
    build.box(wall, (x, HEAD_M, middle), (0.12, TALL_M - HEAD_M, WINDOW_M))
    build.box(WHITE, (x + 0.08, SILL_M - 0.04, middle), (0.26, 0.04, WINDOW_M + 0.16))
    tall = HEAD_M - SILL_M
    for z in (z0, middle, z1):
        build.box(WHITE, (x, SILL_M, z), (0.07, tall, 0.06))
    for y in (SILL_M, SILL_M + 0.62 * tall, HEAD_M - 0.05):
        build.box(WHITE, (x, y, middle), (0.07, 0.05, WINDOW_M))
    curtain = Paint((0.60, 0.55, 0.46), 0.95, picture="weave")
    for z in (z0 - 0.18, z1 + 0.18):
        for k in range(6):
            build.cylinder(curtain, (LEFT_M + 0.12, 0.05, z - 0.2 + 0.08 * k), 0.045, 2.35, 8)
    build.box(DARK, (LEFT_M + 0.12, 2.40, middle), (0.03, 0.03, WINDOW_M + 1.1))


def _sofa(build: Builder, cloth: Paint, x: float, z: float) -> None:
    build.box(cloth, (x, 0.10, z), (2.1, 0.24, 0.9))
    build.box(cloth, (x, 0.34, z - 0.34), (2.1, 0.46, 0.22))
    for side in (-0.98, 0.98):
        build.box(cloth, (x + side, 0.10, z), (0.2, 0.50, 0.9))
    for side in (-0.44, 0.44):
        build.box(shade(cloth, 1.15), (x + side, 0.34, z + 0.08), (0.84, 0.13, 0.66))
        build.box(shade(cloth, 1.1), (x + side, 0.47, z - 0.2), (0.80, 0.38, 0.14))
    build.box(
        Paint((0.62, 0.40, 0.12), 0.95, picture="weave"),
        (x - 0.66, 0.48, z - 0.08),
        (0.36, 0.34, 0.12),
        14.0,
    )
    for side in (-0.95, 0.95):
        for ahead in (-0.38, 0.38):
            build.box(DARK, (x + side, 0.0, z + ahead), (0.05, 0.10, 0.05))


def _table(build: Builder, x: float, z: float, wide: float, deep: float, tall: float) -> None:
    build.box(WOOD, (x, tall - 0.035, z), (wide, 0.035, deep))
    for side in (-1, 1):
        for ahead in (-1, 1):
            at = (x + side * (wide / 2 - 0.05), 0.0, z + ahead * (deep / 2 - 0.05))
            build.box(WOOD, at, (0.05, tall - 0.035, 0.05))


def _chair(build: Builder, x: float, z: float, turn: float) -> None:
    build.box(WOOD, (x, 0.43, z), (0.42, 0.035, 0.42), turn)
    for side in (-0.18, 0.18):
        for ahead in (-0.18, 0.18):
            build.box(WOOD, (x + side, 0.0, z + ahead), (0.035, 0.43, 0.035))
    build.box(WOOD, (x - 0.19, 0.46, z), (0.03, 0.45, 0.40))


def _shelves(build: Builder, rng: np.random.Generator, x: float, z: float) -> None:
    wide, tall, deep = 1.7, 2.1, 0.32
    build.box(WOOD, (x, 0.0, z - deep / 2 + 0.01), (wide, tall, 0.02))
    for side in (-wide / 2, wide / 2):
        build.box(WOOD, (x + side, 0.0, z), (0.035, tall, deep))
    for k in range(6):
        y = 0.04 + k * (tall - 0.08) / 5
        build.box(WOOD, (x, y, z), (wide, 0.03, deep))
        if k == 5:
            break
        at = x - wide / 2 + 0.05
        while at < x + wide / 2 - 0.1:
            thick, high = float(rng.uniform(0.02, 0.05)), float(rng.uniform(0.2, 0.31))
            if rng.random() < 0.12:
                at += float(rng.uniform(0.08, 0.25))
                continue
            colour = tuple((rng.uniform(0.05, 0.5) * rng.uniform(0.3, 1.0, 3)).tolist())
            build.box(
                Paint(colour, 0.7), (at + thick / 2, y + 0.03, z + 0.02), (thick * 0.94, high, 0.2)
            )
            at += thick


def _floor_lamp(build: Builder, x: float, z: float) -> Lamp:
    build.cylinder(DARK, (x, 0.0, z), 0.15, 0.025, 16)
    build.cylinder(DARK, (x, 0.025, z), 0.012, 1.45, 8)
    shadecloth = Paint((0.75, 0.62, 0.42), 0.9, glow=(1.3, 0.86, 0.45))
    build.turned(shadecloth, (x, 1.42, z), [(0.21, 0.0), (0.15, 0.30)], 18)
    return Lamp((x, 1.5, z + 0.05), GLOW, 6.0)


def _pendant(build: Builder, x: float, z: float) -> Lamp:
    build.cylinder(DARK, (x, 1.86, z), 0.006, 0.84, 6)
    build.turned(DARK, (x, 1.62, z), [(0.24, 0.0), (0.20, 0.12), (0.04, 0.24)], 18)
    build.cylinder(Paint((0.9, 0.85, 0.7), 0.4, glow=(3.2, 2.4, 1.5)), (x, 1.61, z), 0.10, 0.02, 14)
    return Lamp((x, 1.55, z), (3.2, 2.4, 1.5), 5.0, (0.0, -1.0, 0.0), 0.25, 2.0)


def _plant(build: Builder, rng: np.random.Generator, x: float, z: float) -> None:
    pot = [(0.14, 0.0), (0.19, 0.32), (0.20, 0.34)]
    build.turned(Paint((0.45, 0.20, 0.12), 0.8), (x, 0.0, z), pot, 14)
    for _ in range(26):
        angle, lean = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.12, 0.5)
        tall = float(rng.uniform(0.6, 1.2))
        out = np.array([np.cos(angle), 0.0, np.sin(angle)])
        side = np.array([-out[2], 0.0, out[0]]) * 0.05
        foot = np.array([x, 0.33, z])
        middle, tip = (
            foot + 0.4 * lean * out + (0, 0.6 * tall, 0),
            foot + lean * out + (0, 0.92 * tall, 0),
        )
        paint = shade(LEAF, float(rng.choice([0.7, 1.0, 1.4])))
        for flip in (1, -1):
            one, other = middle + flip * side, middle - flip * side
            build.triangles(paint, np.array([[foot, one, other], [other, one, tip]]))


def _picture(
    build: Builder, rng: np.random.Generator, x: float, y: float, wide: float, tall: float
) -> None:
    z = BACK_M + 0.015
    build.box(DARK, (x, y, z), (wide, tall, 0.03))
    build.box(WHITE, (x, y + 0.03, z + 0.003), (wide - 0.06, tall - 0.06, 0.03))
    for k in range(4):
        colour = tuple(rng.uniform(0.1, 0.7, 3).tolist())
        size = rng.uniform(0.2, 0.55, 2) * (wide - 0.16, tall - 0.16)
        off = rng.uniform(-0.5, 0.5, 2) * (np.array([wide, tall]) - 0.16 - size)
        at = (float(x + off[0]), float(y + tall / 2 + off[1] - size[1] / 2), z + 0.004 + 0.001 * k)
        build.box(Paint(colour, 0.8), at, (float(size[0]), float(size[1]), 0.03))
