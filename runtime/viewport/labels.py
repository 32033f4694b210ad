"""Names over heads: what they say, and where each finds a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.palette import STATE_COLOUR, Colour
from understudy.runtime.core.pose import Camera, Prop, State, Subject, trust
from understudy.runtime.core.rotation import Array

from .camera import Camera as Eye
from .cast import Placed
from .overlay import thing_colour

Box = tuple[float, float, float, float]  # left, top, width, height in pixels

NAME_LETTERS, REASON_LETTERS = 28, 64
NEAREST_M, FARTHEST_M = 0.2, 120.0
BONES_ONLY = "no mannequin fits: drawn as its bones"
# How far a label goes from its head to find a place, in heights of its own: up, down, aside.
UP, DOWN, ASIDE = 6, 3, 2


@dataclass
class Label:
    """A name over a head at x, y pixels from the top left; `below` is a smaller line."""

    x: float
    y: float
    text: str
    below: str
    colour: Colour
    first: int = 1  # the lower, the sooner it gets its place


def short(text: str, letters: int = NAME_LETTERS) -> str:
    """The text on one line, its middle left out where it is too long: copies differ at the end."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) <= letters:
        return text
    end = letters // 3
    return f"{text[: letters - end - 1].rstrip()}…{text[-end:].lstrip()}"


def state_text(thing: Subject | Camera | Prop, note: str = "") -> tuple[str, str]:
    """What stands over a head: name, state and trust; and the reason, or a note, below it."""
    if thing.state is State.LIVE:
        return short(thing.name), short(note, REASON_LETTERS)
    words = [short(thing.name), thing.state.name]
    if isinstance(thing, Subject) and (expected := trust(thing.uncertainty_m)):
        words.append(expected)
    return "  ".join(words), short(thing.reason or note, REASON_LETTERS)


def over_heads(
    placed: Sequence[Placed],
    things: Sequence[Camera | Prop],
    camera: Eye,
    hidden: str | None = None,
    followed: str | None = None,
) -> list[Label]:
    """Names of all that can be seen; those of whom something is wrong get their place first."""
    out = []
    for one in placed:
        subject = one.subject
        top = one.world_p[np.argmax(one.world_p[:, 1])] + np.array([0.0, one.above_m, 0.0])
        at = _above(camera, top, one.world_p)
        if at is not None and subject.name != hidden:
            first = int(subject.state is State.LIVE) + (subject.name != followed)
            said = state_text(subject, BONES_ONLY if one.note else "")
            out.append(Label(*at, *said, STATE_COLOUR[subject.state], first))
    for thing in things:
        place = np.asarray(thing.position, float)
        at = _above(camera, place + np.array([0.0, 0.2, 0.0]), place[None])
        if at is not None:
            text, below = state_text(thing)
            if not below and isinstance(thing, Camera):
                below = f"{thing.focal_mm:.0f} mm"
            first = 3 if thing.state is State.LIVE else 1
            out.append(Label(*at, text, below, thing_colour(thing), first))
    return out


def _above(camera: Eye, top: Array, body: Array) -> tuple[float, float] | None:
    """Where a name for a body of points (N, 3) goes, in pixels; None for one out of the picture."""
    xy, depth = camera.project(np.concatenate([top[None], body]))
    size = np.array([camera.width, camera.height])
    seen = np.all((xy >= 0.0) & (xy < size), axis=1) & (depth > camera.near_m)
    if not seen[1:].any() or not NEAREST_M < depth[0] < FARTHEST_M:
        return None
    x, y = np.clip(xy[0], 0.0, size)
    return float(x), float(y)


def arrange(
    boxes: Sequence[Box], size: tuple[float, float], taken: Sequence[Box] = (), gap: float = 3.0
) -> list[tuple[float, float] | None]:
    """Where boxes go: (left, top) inside the picture of `size`, none on another or on `taken`.

    First come, first served. A box goes up before down and aside, and not far from where it wants
    to be; None where no place is free there.
    """
    held = np.array(taken, float).reshape(-1, 4)
    out: list[tuple[float, float] | None] = []
    for box in boxes:
        at = _place(np.array(box, float), size, held, gap)
        out.append(at)
        if at is not None:
            held = np.concatenate([held, [[*at, box[2], box[3]]]])
    return out


def _place(
    box: Array, size: tuple[float, float], held: Array, gap: float
) -> tuple[float, float] | None:
    wide, high = box[2:]
    most = np.array(size) - box[2:]
    if not np.all(np.isfinite(box)) or np.any(most < 0.0):
        return None
    wanted = np.clip(box[:2], 0.0, most)
    down, aside = np.meshgrid(
        np.arange(-2 * UP, 2 * DOWN + 1) * 0.5 * (high + gap),
        np.arange(-ASIDE, ASIDE + 1) * 0.5 * (wide + gap),
    )
    spots = wanted + np.stack([aside.ravel(), down.ravel()], -1)
    # Right beside whatever covers it: a panel is wider than any of these steps.
    for left, top, other_wide, other_high in held[_covers(wanted[None], box[2:], held, gap)[0]]:
        beside = [(left - wide - gap, wanted[1]), (left + other_wide + gap, wanted[1]),
                  (wanted[0], top - high - gap), (wanted[0], top + other_high + gap)]  # fmt: skip
        spots = np.concatenate([spots, beside])
    spots = spots[np.all((spots >= 0.0) & (spots <= most), axis=1)]
    spots = spots[~_covers(spots, box[2:], held, gap).any(1)]
    if len(spots) == 0:
        return None
    away = spots - wanted
    cost = np.abs(away[:, 0]) * 0.8 + np.where(away[:, 1] > 0, 2.0, 1.0) * np.abs(away[:, 1])
    x, y = spots[np.argmin(cost)]
    return float(x), float(y)


def _covers(spots: Array, extent: Array, held: Array, gap: float) -> Array:
    """(K, M) whether a box of an extent (2,) at spots (K, 2) comes too near to each held (M, 4)."""
    low = spots[:, None] < held[None, :, :2] + held[None, :, 2:] + gap - 1e-6
    high = held[None, :, :2] < spots[:, None] + extent + gap - 1e-6
    return np.all(low & high, axis=2)


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share a pixel."""
    across = a[0] < b[0] + b[2] and b[0] < a[0] + a[2]
    return across and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
