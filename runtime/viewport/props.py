"""Props as they are drawn: a mesh for each shape and material, a row for each prop of a frame."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import moderngl
import msgspec
import numpy as np

from understudy.runtime.characters.character import Character
from understudy.runtime.core import pose, rotation, typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.props.table import PropTable

from .camera import Camera
from .cast import MOVING
from .character_costume import CharacterCostume, Programs
from .outfit import made
from .sets import set_file
from .sets.builder import Builder, Paint

_PICTURES = {"wood": "planks", "stone": "plaster", "cloth": "weave"}
_ROUND, _RINGS = 32, 20


class Props:
    """The props of a frame whose shapes are known; the others are marks over the picture.

    tables  by the prop's name
    shown   the names of those that are drawn
    """

    def __init__(self, ctx: moderngl.Context, programs: Programs, most_pixels: int) -> None:
        self._ctx, self._programs, self._most_pixels = ctx, programs, most_pixels
        self.tables: Mapping[str, PropTable] = {}
        self.shown: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self._costumes: dict[str, CharacterCostume | None] = {}
        self._at = np.zeros((0, 3))

    def place(self, props: Sequence[pose.Prop], camera: Camera, moving: bool) -> None:
        """Takes a frame's props."""
        alike: dict[str, list[tuple[pose.Prop, PropTable]]] = {}
        for prop in props:
            table = self.tables.get(prop.name)
            if table is not None and np.isfinite(prop.position).all():
                alike.setdefault(_look(table), []).append((prop, table))
        for worn in self._worn():
            worn.clear()
        shown: list[pose.Prop] = []
        for look, mine in alike.items():
            costume = self._costume(look, mine[0][1])
            if costume is None:
                continue
            body = costume.outfit.character
            at = np.array([prop.position for prop, _ in mine], float)
            room = np.zeros((len(mine), 1, 4, 4))
            room[:, 0, :3, :3] = rotation.to_matrix(
                rotation.normalize(np.array([prop.rotation for prop, _ in mine], float))
            )
            room[:, 0, :3, :3] *= mine[0][1].scale
            room[:, 0, :3, 3], room[:, 0, 3, 3] = at, 1.0
            matrices = room @ body.skin_matrices(*body.skeleton.rest_globals)
            count = len(mine)
            veils = np.zeros((count, len(body.bones), 4))
            names = [prop.name for prop, _ in mine]
            away = np.maximum(np.linalg.norm(at - camera.position, axis=1) - 0.5, 0.3)
            near = 0.5 * camera.height / (np.tan(0.5 * camera.fov_y_rad) * away)
            none: list[Array | None] = [None] * count
            costume.rows.moving = moving
            costume.write(names, matrices, veils, none, near.tolist(), [0] * count)
            shown += [prop for prop, _ in mine]
        self.shown = frozenset(prop.name for prop in shown)
        self._at = np.array([prop.position for prop in shown], float).reshape(-1, 3)

    def _costume(self, look: str, table: PropTable) -> CharacterCostume | None:
        """The mesh of a shape; None where its file cannot be drawn."""
        if look not in self._costumes:
            self._costumes[look] = None
            try:
                outfit = made(body_of(table), self._most_pixels)
                self._costumes[look] = CharacterCostume(self._ctx, outfit, self._programs)
            except UnderstudyError as error:
                self.notes.append(f"The prop {table.name} is not drawn: {error}")
        return self._costumes[look]

    def _worn(self) -> list[CharacterCostume]:
        return [costume for costume in self._costumes.values() if costume is not None]

    def widen(self, middle: Array, radius_m: float, limit_m: float) -> float:
        """The radius of a ball about a point that holds the props within the limit too."""
        away = np.linalg.norm(self._at - middle, axis=1)
        near = away[away < limit_m]
        return max(radius_m, float(near.max(initial=0.0)) + 0.5) if len(near) else radius_m

    def render(self, name: str, moving: bool = False) -> None:
        """ "shadow", "body", "over" and "over linear"."""
        name = MOVING if name == "body" and moving else name
        for costume in self._worn():
            costume.render(name)

    @property
    def is_over(self) -> bool:
        """Whether anything of them is translucent."""
        return any(costume.count and costume.is_over for costume in self._worn())

    def cut(self) -> None:
        """The next picture is another place: nothing has moved to there."""
        for costume in self._worn():
            costume.rows.forget()

    def release(self) -> None:
        for costume in self._worn():
            costume.release()


def of_session(session: str) -> dict[str, PropTable]:
    """The tables of a take's session (TOML), by name; none where it cannot be read."""
    try:
        said = typed.convert(tomllib.loads(session), _Session, "the take's session")
    except (UnderstudyError, tomllib.TOMLDecodeError):
        return {}
    return {table.name: table for table in said.prop}


class _Session(msgspec.Struct):
    prop: list[PropTable] = []


def _look(table: PropTable) -> str:
    """What props share that are drawn alike."""
    if table.is_file:
        return f"{table.shape} {table.scale}"
    return f"{table.shape} {table.size} {table.material}"


def body_of(table: PropTable) -> Character:
    """The mesh of a prop, about its origin."""
    if table.is_file:
        return set_file.read(Path(table.shape)).body
    made_of = table.made_of
    paint = Paint(
        made_of.colour, made_of.rough, made_of.metal, alpha=made_of.alpha,
        picture=_PICTURES.get(table.material, ""),
    )  # fmt: skip
    builder, size = Builder(), table.size
    if table.shape == "box":
        x, y, z = size
        builder.box(paint, (0.0, -0.5 * y, 0.0), (x, y, z))
    elif table.shape == "cylinder":
        builder.cylinder(paint, (0.0, -0.5 * size[1], 0.0), 0.5 * size[0], size[1], _ROUND)
    else:
        radius = 0.5 * size[0]
        straight = 0.5 * size[1] - radius if table.shape == "capsule" else 0.0
        angle = np.linspace(-0.5 * np.pi, 0.0, _RINGS)
        low = [(radius * np.cos(a), radius * np.sin(a) - straight) for a in angle]
        outline = low + [(r, -y) for r, y in reversed(low)]
        builder.turned(paint, (0.0, 0.0, 0.0), [(float(r), float(y)) for r, y in outline], _ROUND)
    return builder.character(table.shape)
