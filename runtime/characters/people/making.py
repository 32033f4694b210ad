"""From a recipe to a body that measures as asked, and to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.characters import made
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from . import body as bodies
from . import clothes, colliders, measures, person, person_glb, skin
from .body import Body, Shape
from .person_glb import Surface
from .recipe import CLOTH, Recipe


def shape_of(recipe: Recipe) -> Shape:
    """The recipe's shape before anything is measured."""
    return Shape(
        age=recipe.age,
        sex=1.0 if recipe.sex == "man" else 0.0,
        muscle=recipe.muscle,
        weight=recipe.weight,
        ideal=0.5,
        origin=recipe.origin,
        local=dict(recipe.local),
    )


def solved(body: Body, recipe: Recipe) -> tuple[Shape, Array]:
    """The shape that is as tall and as broad as the recipe says, and its points (K + J, 3)."""
    shape = shape_of(recipe)
    points = body.shaped(shape)
    for _ in range(6):
        shape, points = _step(body, recipe, shape, points)
        found = measures.of(body, points)
        wide = recipe.shoulders_cm
        if abs(found["height"] - recipe.height_cm / 100) < 5e-4 and (
            wide is None or abs(found["shoulders"] - wide / 100) < 1e-3
        ):
            return shape, points
    raise UnderstudyError(
        f"A body {recipe.height_cm:g} cm tall"
        + (f" and {recipe.shoulders_cm:g} cm broad" if recipe.shoulders_cm else "")
        + f" of this age and build is beyond what can be made: it came to "
        f"{100 * found['height']:.1f} and {100 * found['shoulders']:.1f} cm."
    )


def _step(body: Body, recipe: Recipe, shape: Shape, points: Array) -> tuple[Shape, Array]:
    """One secant step of the height, then of the shoulders."""
    want, now = recipe.height_cm / 100, measures.of(body, points)
    off = want - now["height"]
    by = 0.04 if (off > 0) == (shape.height < 0.96) else -0.04
    other = measures.of(body, body.shaped(replace(shape, height=shape.height + by)))
    slope = (other["height"] - now["height"]) / by
    shape = replace(shape, height=float(np.clip(shape.height + off / slope, 0.0, 1.0)))
    points = body.shaped(shape)
    if recipe.shoulders_cm is not None:
        name, now = "shoulder-dist", measures.of(body, points)
        off = recipe.shoulders_cm / 100 - now["shoulders"]
        share = shape.local.get(name, 0.0)
        side = 0.3 if off > 0 else -0.3
        tried = replace(shape, local={**shape.local, name: share + side})
        slope = (measures.of(body, body.shaped(tried))["shoulders"] - now["shoulders"]) / side
        share = float(np.clip(share + off / max(slope, 1e-4), -3.0, 3.0))
        shape = replace(shape, local={**shape.local, name: share})
        points = body.shaped(shape)
    return shape, points


def paint_of(recipe: Recipe) -> skin.Paint:
    bald = {"bald": 0.1, "buzz": 0.9}.get(recipe.hair, 1.0)
    return skin.Paint(
        recipe.skin, skin.HAIR[recipe.hair_colour], skin.EYES[recipe.eyes], recipe.beard,
        recipe.lips, recipe.freckles, recipe.age, bald, recipe.seed,
    )  # fmt: skip


def surfaces(body: Body, recipe: Recipe, worn: tuple[clothes.Cut, ...]) -> dict[str, Surface]:
    """material -> its colour or picture, and how rough it is."""
    paint = paint_of(recipe)
    out: dict[str, Surface] = {
        "face": (skin.face(body.masks, paint), 0.55),
        "skin": (skin.linear(skin.tone_of(recipe.skin)), 0.6),
        "mouth": (skin.linear((95, 40, 38)), 0.5),
        "tongue": (skin.linear((165, 80, 78)), 0.5),
        "teeth": (skin.linear((226, 216, 200)), 0.3),
        "eye": (skin.eye(paint), 0.08),
        "lashes": (skin.lashes(), 0.9),
        "hair": (skin.hair(paint.hair, recipe.seed), 0.6),
    }
    for cut, colour in zip(worn, recipe.colours):
        out[cut.name] = (skin.linear(CLOTH[colour]), 0.85)
    return out


def write(path: Path, recipe: Recipe) -> dict[str, float]:
    """Makes the person and writes the file; what it measures, metres."""
    body = bodies.load()
    _, points = solved(body, recipe)
    worn = clothes.worn((recipe.top, recipe.bottom, "shoes"))
    one = person.person(body, points, worn, recipe.hair)
    extras: dict[str, Any] = {
        "version": made.VERSION,
        "recipe": msgspec.to_builtins(recipe),
        "colliders": colliders.of(body, points, one.joints),
        "licence": "CC0-1.0: made from MakeHuman's body",
    }
    person_glb.write(path, one, surfaces(body, recipe, worn), {made.KEY: extras})
    return measures.of(body, points)
