"""The cast on the GPU: a mesh for each skeleton, a row of skin matrices for each subject."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

import moderngl
import numpy as np

from understudy.runtime.core.palette import LEFT, RIGHT, linear
from understudy.runtime.core.pose import Subject
from understudy.runtime.core.rotation import Array

from . import gl
from .mesh.mannequin import Mesh, transforms
from .mesh.paint import sleeve_m
from .mesh.store import Wardrobe

MATRICES_UNIT, TINTS_UNIT = 8, 9
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


class _Costume:
    """One mesh's buffers and the matrices of all subjects that wear it."""

    def __init__(self, ctx: moderngl.Context, mesh: Mesh, programs: dict[str, moderngl.Program]):
        self.mesh, self.count, self._ctx = mesh, 0, ctx
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
        self._indices = ctx.buffer(mesh.triangles.astype("u4").tobytes())
        layout = {
            "body": ("3f4 3f4 4u2 4f4 4f4", _BODY),
            "shadow": ("3f4 12x 4u2 4f4 16x", _SHADOW),
        }
        self._vaos = {
            name: ctx.vertex_array(programs[name], [(self._vertices, form, *inputs)], self._indices)
            for name, (form, inputs) in layout.items()
        }
        self._rows = 0
        self._matrices: moderngl.Texture | None = None
        self._tints: moderngl.Texture | None = None

    def write(self, matrices: Array, tints: Array, veils: Array) -> None:
        """matrices (N, J, 4, 4), tints (N, 4), veils (N, J, 4)."""
        self.count = len(matrices)
        if self.count == 0:
            return
        if self.count > self._rows:
            self.release_rows()
            self._rows = max(4, 1 << (self.count - 1).bit_length())
            width = 4 * matrices.shape[1]
            self._matrices = self._ctx.texture((width, self._rows), 4, dtype="f4")
            self._tints = self._ctx.texture((self._rows, 1), 4, dtype="f4")
            for texture in (self._matrices, self._tints):
                texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        assert self._matrices and self._tints
        rows = np.concatenate([matrices[:, :, :3, :], veils[:, :, None, :]], 2).astype("f4")
        self._matrices.write(rows.tobytes(), (0, 0, 4 * matrices.shape[1], self.count))
        self._tints.write(tints.astype("f4").tobytes(), (0, 0, self.count, 1))

    def render(self, name: str) -> None:
        if self.count and self._matrices and self._tints:
            self._matrices.use(MATRICES_UNIT)
            self._tints.use(TINTS_UNIT)
            self._vaos[name].render(moderngl.TRIANGLES, instances=self.count)

    def release_rows(self) -> None:
        for texture in (self._matrices, self._tints):
            if texture is not None:
                texture.release()

    def release(self) -> None:
        self.release_rows()
        for vao in self._vaos.values():
            vao.release()
        self._vertices.release()
        self._indices.release()


class Cast:
    """All subjects of a frame, ready to draw into the shadow map or the G-buffer."""

    def __init__(self, ctx: moderngl.Context, wardrobe: Wardrobe) -> None:
        self._ctx, self._wardrobe = ctx, wardrobe
        self._programs = {
            "body": gl.program(ctx, "body.glsl", LEFT=_vec3(LEFT), RIGHT=_vec3(RIGHT)),
            "shadow": gl.program(ctx, "shadow.glsl"),
        }
        for made in self._programs.values():
            made["skin_matrices"].value = MATRICES_UNIT  # type: ignore[union-attr]
        self._programs["body"]["tints"].value = TINTS_UNIT  # type: ignore[union-attr]
        self._costumes: dict[int, _Costume] = {}
        self.placed: list[Placed] = []
        self.waiting = 0

    def place(
        self,
        subjects: list[Subject],
        hidden: str | None = None,
        veils: Mapping[str, Array] | None = None,
    ) -> None:
        """Takes this frame's poses. `hidden`: the subject whose eyes the camera looks through.

        veils  a subject's name to (4,) or (J, 4): a linear colour that lies over it, and how much
        """
        veils = veils or {}
        self.placed, self.waiting = [], 0
        alike: dict[int, list[int]] = {}
        for number, subject in enumerate(subjects):
            alike.setdefault(subject.skeleton.id, []).append(number)
        seen: dict[int, Placed] = {}
        for costume in self._costumes.values():
            costume.count = 0
        for key, numbers in alike.items():  # one pass of kinematics for all who share a skeleton
            skeleton = subjects[numbers[0]].skeleton
            world_p, world_r = skeleton.globals(
                np.stack([np.asarray(subjects[n].pose.positions, np.float64) for n in numbers]),
                np.stack([np.asarray(subjects[n].pose.rotations, np.float64) for n in numbers]),
            )
            sound = np.isfinite(world_p.sum((1, 2)) + world_r.sum((1, 2)))
            mesh = self._wardrobe.mesh(skeleton)
            note = mesh.note if mesh is not None else ""
            for row, n in enumerate(numbers):
                if sound[row]:
                    dressed = mesh is not None
                    seen[n] = Placed(subjects[n], world_p[row], world_r[row], dressed, note)
            if mesh is None:
                self.waiting += len(numbers)
                continue
            if key not in self._costumes:
                self._costumes[key] = _Costume(self._ctx, mesh, self._programs)
            shown = [r for r, n in enumerate(numbers) if sound[r] and subjects[n].name != hidden]
            matrices = transforms(world_p[shown], world_r[shown]) @ mesh.unbind
            tints = np.array(
                [(*tint(numbers[r]), sleeve_m(mesh.positions)) for r in shown]
            ).reshape(-1, 4)
            over = np.zeros((len(shown), len(skeleton), 4))
            for row, r in enumerate(shown):
                over[row] = veils.get(subjects[numbers[r]].name, 0.0)
            self._costumes[key].write(matrices, tints, over)
        self.placed = [seen[n] for n in sorted(seen)]

    def bounds(self) -> tuple[Array, float]:
        """Middle (3,) and radius in metres of a ball around all subjects, ground included."""
        if not self.placed:
            return np.array([0.0, 0.9, 0.0]), 1.5
        joints = np.concatenate([p.world_p for p in self.placed])
        low, high = joints.min(0), joints.max(0)
        low[1] = min(low[1], 0.0)
        middle = 0.5 * (low + high)
        return middle, float(np.linalg.norm(high - middle)) + 0.35

    def render(self, name: str) -> None:
        for costume in self._costumes.values():
            costume.render(name)

    def release(self) -> None:
        for costume in self._costumes.values():
            costume.release()
        for made in self._programs.values():
            made.release()
