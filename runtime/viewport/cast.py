"""The cast on the GPU: a mesh for each skeleton, a row of skin matrices for each subject."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

import moderngl
import numpy as np

from understudy.runtime.characters.life import Life, alive
from understudy.runtime.characters.springs import State as SwingState
from understudy.runtime.core.palette import LEFT, RIGHT, linear
from understudy.runtime.core.pose import Subject
from understudy.runtime.core.rotation import Array

from . import gl
from .camera import Camera
from .character_costume import CharacterCostume, Programs
from .detail import Group, groups_of, level_of, shadow_level
from .mesh.mannequin import Mesh, transforms
from .mesh.paint import sleeve_m
from .mesh.store import Wardrobe
from .outfit import Fit, Outfit, Outfits
from .rows import LAST_UNIT, MATRICES_UNIT, Rows

TINTS_UNIT = 9
MOVING = "body motion"
_BODY = ("position", "normal", "joints", "weights", "paint")
_SHADOW = ("position", "joints", "weights")
_CORAL_HUE = 0.035


def tint(number: int) -> tuple[float, float, float]:
    """Linear accent colour of the n-th subject: coral first, then hues a golden angle apart."""
    hue = (_CORAL_HUE + 0.381966 * number) % 1.0
    r, g, b = colorsys.hsv_to_rgb(hue, 0.86, 0.90)
    return r**2.2, g**2.2, b**2.2


def _vec3(colour: tuple[float, float, float]) -> str:
    """A colour as linear GLSL."""
    return f"vec3({', '.join(f'{c:.4f}' for c in linear(colour))})"


@dataclass
class Placed:
    """A subject with its joints in the world."""

    subject: Subject
    world_p: Array
    world_r: Array
    dressed: bool = True  # is there a mesh for its skeleton yet
    note: str = ""  # why it is drawn as its bones
    above_m: float = 0.27  # how far over its highest joint its name stands


@dataclass(frozen=True)
class Scene:
    """What characters go by: the camera, the stage's time, whether faces live by themselves."""

    camera: Camera | None = None  # tells how fine they have to be; None: as fine as they are
    time_s: float = 0.0
    life: bool = False


def character_of(subject: Subject) -> str:
    """The name of the character that a subject is on stage; its own where it says none."""
    return subject.character or subject.name


class _Costume:
    """One mannequin's buffers, and the matrices of all subjects that wear it."""

    def __init__(self, ctx: moderngl.Context, mesh: Mesh, programs: dict[str, moderngl.Program]):
        self.mesh, self._ctx = mesh, ctx
        self._groups: list[Group] = []
        self._worn: dict[str, int] = {}  # a subject's name -> the level that it had last
        self._errors_m = [0.0, *mesh.levels[:, 1].tolist()]
        vertices = np.zeros(
            len(mesh.positions),
            [
                ("position", "f4", 3),
                ("normal", "f4", 3),
                ("joints", "u2", 4),
                ("weights", "f4", 4),
                ("paint", "f4", 4),
            ],
        )
        for name in vertices.dtype.names or ():
            plural = {"position": "positions", "normal": "normals"}.get(name, name)
            vertices[name] = getattr(mesh, plural)
        self._vertices = ctx.buffer(vertices.tobytes())
        counts = mesh.levels[:, 0].astype(int)
        levels = [mesh.triangles, *np.split(mesh.coarser, np.cumsum(counts)[:-1])][
            : 1 + len(counts)
        ]
        self._counts = [3 * len(level) for level in levels]
        self._indices = ctx.buffer(np.concatenate(levels).astype("u4").tobytes())
        self._programs = programs
        layout = {
            "body": ("3f4 3f4 4u2 4f4 4f4", _BODY),
            "shadow": ("3f4 12x 4u2 4f4 16x", _SHADOW),
            MOVING: ("3f4 3f4 4u2 4f4 4f4", _BODY),
        }
        self._vaos = {
            name: ctx.vertex_array(programs[name], [(self._vertices, form, *inputs)], self._indices)
            for name, (form, inputs) in layout.items()
        }
        self.rows = Rows(ctx)
        self._tints: moderngl.Texture | None = None

    def write(
        self,
        names: list[str],
        matrices: Array,
        tints: Array,
        veils: Array,
        near: list[float],
        numbers: list[int],
    ) -> None:
        """Who wears it now: matrices (N, J, 4, 4), tints (N, 4), veils (N, J, 4).

        near  for each how many pixels a metre at its root takes; numbers: theirs in the frame
        """
        self._groups = []
        if not names:
            return
        chosen = [
            level_of(self._errors_m, scale, self._worn.get(name, 0))
            for name, scale in zip(names, near, strict=True)
        ]
        self._worn = dict(zip(names, chosen, strict=True))
        order = sorted(range(len(names)), key=chosen.__getitem__)  # one level beside the other
        self._groups = groups_of([chosen[k] for k in order])
        matrices, tints, veils = matrices[order], tints[order], veils[order]
        in_order = [names[k] for k in order]
        self.rows.write(in_order, matrices, veils, [numbers[k] for k in order])
        if self._tints is None or self._tints.width < self.count:
            if self._tints is not None:
                self._tints.release()
            self._tints = self._ctx.texture((max(4, 2 * self.count), 1), 4, dtype="f4")
            self._tints.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._tints.write(tints.astype("f4").tobytes(), (0, 0, self.count, 1))

    def render(self, name: str) -> None:
        if not (self.count and self._tints and name in self._vaos):
            return
        self.rows.use()
        self._tints.use(TINTS_UNIT)
        least = shadow_level(self._errors_m) if name == "shadow" else 0
        for level, first, count in self._groups:
            level = max(level, least)
            self._programs[name]["first_row"].value = first  # type: ignore[union-attr]
            self._vaos[name].render(
                moderngl.TRIANGLES, vertices=self._counts[level],
                first=sum(self._counts[:level]), instances=count,
            )  # fmt: skip

    @property
    def count(self) -> int:
        return sum(count for _, _, count in self._groups)

    def clear(self) -> None:
        self._groups = []

    def release(self) -> None:
        for vao in self._vaos.values():
            vao.release()
        self.rows.release()
        self._vertices.release()
        self._indices.release()
        if self._tints is not None:
            self._tints.release()


class Cast:
    """All subjects of a frame, ready to draw into the shadow map or the G-buffer."""

    def __init__(self, ctx: moderngl.Context, wardrobe: Wardrobe, outfits: Outfits) -> None:
        self._ctx, self._wardrobe, self._outfits = ctx, wardrobe, outfits
        self._programs = {
            "body": gl.program(ctx, "body.glsl", LEFT=_vec3(LEFT), RIGHT=_vec3(RIGHT)),
            "shadow": gl.program(ctx, "shadow.glsl"),
            MOVING: gl.program(ctx, "body.glsl", MOTION=1, LEFT=_vec3(LEFT), RIGHT=_vec3(RIGHT)),
        }
        for name, made in self._programs.items():
            made["skin_matrices"].value = MATRICES_UNIT  # type: ignore[union-attr]
            if name != "shadow":
                made["tints"].value = TINTS_UNIT  # type: ignore[union-attr]
        self._programs[MOVING]["last_matrices"].value = LAST_UNIT  # type: ignore[union-attr]
        self.moving = False  # whether it is told how everything moves
        self.variants = Programs(ctx)
        self._costumes: dict[int, _Costume] = {}
        self._characters: dict[str, CharacterCostume] = {}
        self._lives: dict[str, Life] = {}
        self._swings: dict[tuple[str, str], SwingState] = {}
        self._fits: dict[tuple[str, int], tuple[Outfit, Fit]] = {}
        self.placed: list[Placed] = []
        self.notes: list[str] = []
        self.waiting = 0
        self._numbers: dict[str, int] = {}

    def place(
        self,
        subjects: list[Subject],
        hidden: str | None = None,
        veils: Mapping[str, Array] | None = None,
        scene: Scene | None = None,
    ) -> None:
        """Takes this frame's poses. `hidden`: the subject whose eyes the camera looks through.

        veils  a subject's name to (4,) or (J, 4): a linear colour that lies over it, and how much
        """
        veils = veils or {}
        self.placed, self.waiting = [], 0
        self._numbers = {subject.name: 1 + n for n, subject in enumerate(subjects)}
        alike: dict[int, list[int]] = {}
        for number, subject in enumerate(subjects):
            alike.setdefault(subject.skeleton.id, []).append(number)
        seen: dict[int, Placed] = {}
        worn: dict[str, list[tuple[Placed, Fit]]] = {}
        for name in self._characters.keys() - self._outfits.files.keys():
            self._characters.pop(name).release()
            self._outfits.forget(name)
        for costume in self._worn():
            costume.clear()
        for key, numbers in alike.items():  # one pass of kinematics for all who share a skeleton
            skeleton = subjects[numbers[0]].skeleton
            world_p, world_r = skeleton.globals(
                np.stack([np.asarray(subjects[n].pose.positions, np.float64) for n in numbers]),
                np.stack([np.asarray(subjects[n].pose.rotations, np.float64) for n in numbers]),
            )
            sound = np.isfinite(world_p.sum((1, 2)) + world_r.sum((1, 2)))
            plain: list[int] = []  # rows of those who wear the mannequin
            for row, n in enumerate(numbers):
                if not sound[row]:
                    continue
                seen[n] = Placed(subjects[n], world_p[row], world_r[row])
                if (fit := self._fit(subjects[n])) is not None:
                    worn.setdefault(character_of(subjects[n]), []).append((seen[n], fit))
                    seen[n].above_m = fit.above_m
                else:
                    plain.append(row)
            if not plain:
                continue
            mesh = self._wardrobe.mesh(skeleton)
            for row in plain:
                seen[numbers[row]].dressed = mesh is not None
                seen[numbers[row]].note = mesh.note if mesh is not None else ""
            if mesh is None:
                self.waiting += len(plain)
                continue
            if key not in self._costumes:
                self._costumes[key] = _Costume(self._ctx, mesh, self._programs)
            shown = [row for row in plain if subjects[numbers[row]].name != hidden]
            matrices = transforms(world_p[shown], world_r[shown]) @ mesh.unbind
            tints = np.array(
                [(*tint(numbers[r]), sleeve_m(mesh.positions)) for r in shown]
            ).reshape(-1, 4)
            over = np.zeros((len(shown), len(skeleton), 4))
            for row, r in enumerate(shown):
                over[row] = veils.get(subjects[numbers[r]].name, 0.0)
            camera = (scene or Scene()).camera
            near = [_pixels_per_m(camera, world_p[r, 0]) for r in shown]
            names = [subjects[numbers[r]].name for r in shown]
            ids = [1 + numbers[r] for r in shown]
            self._costumes[key].rows.moving = self.moving
            self._costumes[key].write(names, matrices, tints, over, near, ids)
        for name, wearers in worn.items():
            shown_ = [one for one in wearers if one[0].subject.name != hidden]
            self._dress(name, shown_, veils, scene or Scene())
        self.placed = [seen[n] for n in sorted(seen)]

    def _worn(self) -> list[_Costume | CharacterCostume]:
        return [*self._costumes.values(), *self._characters.values()]

    def _fit(self, subject: Subject) -> Fit | None:
        """How a subject wears its character; None where it has none that is ready and fits."""
        name = character_of(subject)
        if (outfit := self._outfits.outfit(name)) is None:
            return None
        key = name, subject.skeleton.id
        known = self._fits.get(key)
        if known is None or known[0] is not outfit:
            known = self._fits[key] = outfit, Fit(outfit, subject.skeleton)
            if lacks := known[1].lacks:
                some = ", ".join(lacks[:4]) + (" ..." if len(lacks) > 4 else "")
                self.notes.append(
                    f"{subject.name} is not drawn as {name}: its skeleton is no humanoid's and "
                    f"lacks the character's joints {some}."
                )
        return None if known[1].lacks else known[1]

    def _dress(
        self,
        name: str,
        wearers: list[tuple[Placed, Fit]],
        veils: Mapping[str, Array],
        scene: Scene,
    ) -> None:
        """Everybody who wears one character."""
        outfit = self._outfits.outfit(name)
        if outfit is None or not wearers:
            return
        costume = self._characters.get(name)
        if costume is None or costume.outfit is not outfit:
            if costume is not None:
                costume.release()
            costume = CharacterCostume(self._ctx, outfit, self.variants)
            self._characters[name] = costume
        character, face = outfit.character, outfit.face
        worlds, over, near = [], [], []
        faces: list[Array | None] = []
        for placed, fit in wearers:
            subject = placed.subject
            world_p, world_r = fit.world(subject.pose, placed.world_p, placed.world_r)
            curves: tuple[tuple[str, ...], Array] = subject.skeleton.curve_names, subject.curves
            if scene.life and not face.still:
                life = self._lives.setdefault(subject.name, Life(subject.name))
                curves = alive(life, *curves, scene.time_s)
            faces.append(face.weights(*curves))
            if outfit.springs.count:
                key = subject.name, name
                swinging = self._swings.setdefault(key, SwingState())
                world_p, world_r = outfit.springs.swing(swinging, world_p, world_r, scene.time_s)
            worlds.append((world_p, face.turned(*curves, world_r)))
            veil = np.zeros((len(placed.world_p), 4))
            veil[:] = veils.get(subject.name, 0.0)
            over.append(veil[fit.joints][character.bones])
            near.append(_pixels_per_m(scene.camera, placed.world_p[0]))
        matrices = character.skin_matrices(*(np.stack(part) for part in zip(*worlds, strict=True)))
        names = [placed.subject.name for placed, _ in wearers]
        ids = [self._numbers[name] for name in names]
        costume.rows.moving = self.moving
        costume.write(names, matrices, np.array(over), faces, near, ids)

    def cut(self) -> None:
        """The next picture is another place: nothing has moved to there."""
        for costume in self._worn():
            costume.rows.forget()

    def bounds(self) -> tuple[Array, float]:
        """Middle (3,) and radius in metres of a ball around all subjects, ground included."""
        if not self.placed:
            return np.array([0.0, 0.9, 0.0]), 1.5
        joints = np.concatenate([p.world_p for p in self.placed])
        low, high = joints.min(0), joints.max(0)
        low[1] = min(low[1], 0.0)
        middle = 0.5 * (low + high)
        reach = [c.outfit.reach_m for c in self._characters.values() if c.count]
        return middle, float(np.linalg.norm(high - middle)) + min(max(reach, default=0.35), 1.5)

    def render(self, name: str) -> None:
        """ "shadow", "body", "over" and "over linear"."""
        name = MOVING if name == "body" and self.moving else name
        for costume in self._worn():
            costume.render(name)

    @property
    def is_over(self) -> bool:
        """Whether anything is drawn over the picture."""
        return any(costume.count and costume.is_over for costume in self._characters.values())

    def release(self) -> None:
        for costume in self._worn():
            costume.release()
        for made in self._programs.values():
            made.release()
        self.variants.release()


def _pixels_per_m(camera: Camera | None, point: Array) -> float:
    """How many pixels a metre at a point takes."""
    if camera is None:
        return float("inf")
    away = max(float(np.linalg.norm(point - camera.position)) - 1.0, 0.3)
    return 0.5 * camera.height / (np.tan(0.5 * camera.fov_y_rad) * away)
