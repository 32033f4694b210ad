"""A studio: a white cyclorama, painted flats, marks on the floor, lamps on stands."""

from __future__ import annotations

import numpy as np

from .builder import Builder, Paint, shade
from .scenery import Scenery, spot

FLOOR = Paint((0.24, 0.24, 0.25), 0.45, picture="planks")
CYC = Paint((0.62, 0.64, 0.66), 0.9)
WOOD = Paint((0.50, 0.33, 0.18), 0.6, picture="planks")
BLACK = Paint((0.025, 0.025, 0.028), 0.5)
STEEL = Paint((0.42, 0.43, 0.45), 0.35, metal=1.0)
TAPE = (
    Paint((0.85, 0.12, 0.10), 0.6),
    Paint((0.95, 0.75, 0.10), 0.6),
    Paint((0.10, 0.45, 0.85), 0.6),
)
PAINTS = ((0.16, 0.30, 0.34), (0.40, 0.17, 0.14), (0.42, 0.36, 0.22), (0.17, 0.20, 0.33))
BULB = Paint((0.9, 0.85, 0.75), 0.3, glow=(2.6, 2.3, 1.9))
MARKS = (("A", 0.0, 0.0, 0.0), ("B", -1.5, -0.6, 20.0), ("C", 1.5, -0.6, -20.0))
BACK_M, WIDE_M, TALL_M, BEND_M = -5.0, 7.0, 4.2, 1.6


def make(seed: int = 1) -> Scenery:
    rng, build = np.random.default_rng(seed), Builder()
    build.floor(FLOOR, (-9.0, BACK_M), (9.0, 7.0))
    _cyclorama(build)
    for k in range(64):  # drapes around it
        z = BACK_M - 1.4 + 0.14 * (k % 2)
        build.box(BLACK, (-9.45 + 0.3 * k, 0.0, z), (0.3, 5.6, 0.1), without="back below")
    for x in (-9.4, 9.4):
        build.box(BLACK, (x, 0.0, 0.3), (0.1, 5.6, 13.4), without="below")
    for (_, x, z, _), paint in zip(MARKS, TAPE, strict=True):
        build.box(paint, (x, 0.0, z + 0.09), (0.34, 0.003, 0.05), without="below")
        build.box(paint, (x, 0.0, z - 0.05), (0.05, 0.003, 0.23), without="below")
    for number, (x, z, turn) in enumerate(
        ((-4.3, -2.2, 32.0), (-3.1, -3.3, 12.0), (4.2, -2.4, -30.0))
    ):
        _flat(build, rng, x, z, turn, number)
    _boxes(build, rng)
    _chair(build, -4.7, 1.0, 110.0)
    for x, z in ((-4.0, 2.6), (4.2, 2.2), (2.9, -3.4)):
        _stand(build, x, z)
    _truss(build)
    lamps = (
        spot((-4.0, 2.35, 2.6), (0.0, 1.1, 0.0), (9.0, 8.4, 7.4), 60.0),
        spot((4.2, 2.35, 2.2), (0.0, 1.1, 0.0), (4.2, 4.6, 5.4), 70.0),
        spot((2.9, 2.35, -3.4), (0.0, 1.5, 0.0), (11.0, 9.2, 6.6), 50.0),
        spot((-2.6, 4.1, -3.6), (-1.0, 2.4, BACK_M), (3.2, 4.4, 7.0), 110.0),
        spot((2.6, 4.1, -3.6), (1.0, 2.4, BACK_M), (5.6, 3.6, 5.0), 110.0),
    )
    return Scenery("stage", build.character("stage"), lamps, sky_share=0.5, sun="key", marks=MARKS)


def _cyclorama(build: Builder) -> None:
    """Floor that becomes wall without an edge."""
    angle = np.linspace(0.0, 0.5 * np.pi, 13)
    z = BACK_M + BEND_M - BEND_M * np.sin(angle)
    y = BEND_M - BEND_M * np.cos(angle) + 0.004
    z, y = np.append(z, BACK_M), np.append(y, TALL_M)
    way = np.stack([np.zeros_like(angle), np.cos(angle), np.sin(angle)], axis=1)
    way = np.vstack([way, way[-1:]])
    corners, normals = [], []
    for k in range(len(z) - 1):
        a, b = [-WIDE_M, y[k], z[k]], [WIDE_M, y[k], z[k]]
        c, d = [WIDE_M, y[k + 1], z[k + 1]], [-WIDE_M, y[k + 1], z[k + 1]]
        corners += [[a, b, c], [a, c, d]]
        normals += [[way[k], way[k], way[k + 1]], [way[k], way[k + 1], way[k + 1]]]
    build.triangles(CYC, np.array(corners), np.array(normals))


def _flat(
    build: Builder, rng: np.random.Generator, x: float, z: float, turn: float, n: int
) -> None:
    paint = Paint(PAINTS[int(rng.integers(len(PAINTS)))], 0.85, picture="plaster")
    tall = float(rng.uniform(2.5, 3.0))
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def at(across: float, up: float, ahead: float) -> tuple[float, float, float]:
        return (float(x + c * across + s * ahead), up, float(z - s * across + c * ahead))

    build.box(paint, at(0, 0, 0), (1.8, tall, 0.04), turn)
    build.box(shade(paint, 1.6), at(0, 0, 0.025), (1.8, 0.14, 0.02), turn)
    build.box(shade(paint, 1.6), at(0, tall - 0.1, 0.025), (1.8, 0.1, 0.03), turn)
    if n == 1:  # a window in its middle
        build.box(WOOD, at(0, 1.0, 0.02), (0.9, 1.1, 0.04), turn)
        build.box(Paint((0.35, 0.45, 0.55), 0.1), at(0, 1.06, 0.03), (0.78, 0.98, 0.04), turn)
        build.box(WOOD, at(0, 1.06, 0.04), (0.04, 0.98, 0.04), turn)
    for side in (-0.8, 0.8):
        build.box(WOOD, at(side, 0, -0.05), (0.06, tall, 0.05), turn)
        build.box(WOOD, at(side, 0, -0.35), (0.05, 0.05, 0.6), turn)


def _boxes(build: Builder, rng: np.random.Generator) -> None:
    for x, z in ((3.2, 0.9), (3.75, 0.7), (-3.3, 0.2)):
        turn, up = float(rng.uniform(-25, 25)), 0.0
        for tall in rng.choice([0.1, 0.2, 0.2], int(rng.integers(1, 3)), replace=False):
            build.box(WOOD, (x, up, z), (0.5, float(tall) - 0.005, 0.3), turn)
            build.box(BLACK, (x, up + 0.4 * float(tall), z), (0.502, 0.02, 0.12), turn)
            up += float(tall)


def _chair(build: Builder, x: float, z: float, turn: float) -> None:
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def at(across: float, up: float, ahead: float) -> tuple[float, float, float]:
        return (float(x + c * across + s * ahead), up, float(z - s * across + c * ahead))

    for side in (-0.27, 0.27):
        for ahead in (-0.2, 0.2):
            build.box(WOOD, at(side, 0.0, ahead), (0.03, 0.62, 0.03), turn)
        build.box(WOOD, at(side, 0.62, 0.0), (0.05, 0.03, 0.46), turn)
        build.box(WOOD, at(side, 0.62, -0.2), (0.03, 0.36, 0.03), turn)
    cloth = Paint((0.06, 0.07, 0.09), 0.9, picture="weave")
    build.box(cloth, at(0, 0.44, 0), (0.52, 0.015, 0.4), turn)
    build.box(cloth, at(0, 0.76, -0.2), (0.56, 0.18, 0.012), turn)


def _stand(build: Builder, x: float, z: float) -> None:
    """A lamp on a stand that looks at the middle."""
    turn = float(np.degrees(np.arctan2(-x, -z)))
    build.cylinder(STEEL, (x, 0.0, z), 0.018, 2.3, 8)
    for leg in (0.0, 120.0, 240.0):
        c, s = np.cos(np.radians(leg)), np.sin(np.radians(leg))
        build.box(STEEL, (float(x + 0.25 * s), 0.02, float(z + 0.25 * c)), (0.025, 0.02, 0.55), leg)
    build.box(BLACK, (x, 2.2, z), (0.34, 0.34, 0.26), turn)
    ahead = np.array([np.sin(np.radians(turn)), 0.0, np.cos(np.radians(turn))]) * 0.15
    build.panel(BULB, (float(x + ahead[0]), 2.24, float(z + ahead[2])), 0.26, 0.26, turn)


def _truss(build: Builder) -> None:
    for z in (-3.6, -3.25):
        for y in (4.0, 4.35):
            build.box(STEEL, (0.0, y, z), (10.0, 0.04, 0.04))
    for k, x in enumerate(np.arange(-4.75, 5.0, 0.5)):
        build.box(STEEL, (float(x), 4.0, -3.6 if k % 2 else -3.25), (0.03, 0.36, 0.03))
    for x in (-2.6, 0.0, 2.6):
        build.cylinder(BLACK, (x, 3.62, -3.42), 0.13, 0.34, 12, 0.10)
