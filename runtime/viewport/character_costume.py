"""A character of a file on the GPU: its buffers, its pictures, and who wears it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import moderngl
import numpy as np

from understudy.runtime.characters.levels import Level
from understudy.runtime.core.rotation import Array

from . import gl
from .detail import Group, groups_of, level_of, shadow_level
from .outfit import MAPS, Outfit, Picture, turned
from .rows import LAST_UNIT, MATRICES_UNIT, Rows

MORPHS_UNIT, FIRST_MAP_UNIT = 10, 11
SHADOW_UNIT, NEAR_UNIT, SET_UNIT, SKY_UNIT = 4, 5, 6, 7  # as in the light pass
SRGB8_ALPHA8 = 0x8C43
MORPH_WIDTH = 1024
SOLID = 0.9  # alpha from which a translucent surface counts as solid

_FORMAT = "3f4 3f4 4f4 4f1 4u2 4f4 1i4"
_INPUTS = ("position", "normal", "uvs", "tone", "joints", "weights", "slot")


class Programs:
    """Variants of character.glsl, compiled when a material first needs them."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._made: dict[tuple[str, ...], moderngl.Program] = {}
        self.light: tuple[str, ...] = ()  # words of what lights, for what is drawn over the picture

    def light_by(self, words: Iterable[str]) -> None:
        """Compiles what is lit by itself with these words from now on."""
        self.light = tuple(words)

    def of(self, words: tuple[str, ...]) -> moderngl.Program:
        if words not in self._made:
            defines = {word: 1 for word in words}
            made = gl.program(self._ctx, "character.glsl", SOLID=SOLID, **defines)
            units = {"skin_matrices": MATRICES_UNIT, "last_matrices": LAST_UNIT,
                     "morph_moves": MORPHS_UNIT,
                     "shadow_map": SHADOW_UNIT, "near_map": NEAR_UNIT,
                     "set_shadow_map": SET_UNIT, "sky_map": SKY_UNIT}  # fmt: skip
            units |= {name: FIRST_MAP_UNIT + k for k, name in enumerate(MAPS)}
            for name, unit in units.items():
                if name in made:
                    made[name].value = unit  # type: ignore[union-attr]
            self._made[words] = made
        return self._made[words]

    def release(self) -> None:
        for made in self._made.values():
            made.release()


@dataclass(frozen=True)
class _Draw:
    """A run of triangles of one material."""

    material: int
    first: int
    count: int


def _runs(level: Level) -> list[_Draw]:
    """Parts of one material that lie beside each other are drawn at once."""
    out: list[_Draw] = []
    for part in level.parts:
        if out and out[-1].material == part.material:
            out[-1] = _Draw(part.material, out[-1].first, out[-1].count + part.count)
        elif part.count:
            out.append(_Draw(part.material, part.first, part.count))
    return out


class CharacterCostume:
    """One character's buffers, and the matrices and faces of all subjects that wear it."""

    def __init__(self, ctx: moderngl.Context, outfit: Outfit, programs: Programs) -> None:
        self.outfit, self._ctx, self._programs = outfit, ctx, programs
        self._vertices = ctx.buffer(outfit.vertices.tobytes())
        self._levels: list[Level] = []
        self._indices: list[moderngl.Buffer] = []
        self._draws: list[list[_Draw]] = []
        self._vaos: dict[tuple[int, tuple[str, ...]], moderngl.VertexArray] = {}
        self._textures = [self._texture(picture) for picture in outfit.pictures]
        outfit.pictures.clear()  # hundreds of megabytes, and on the GPU now
        self.rows = Rows(ctx)
        self._worn: dict[str, int] = {}  # a subject's name -> the level that it had last
        self._groups: list[Group] = []
        self._faces: dict[str, Array] = {}
        self._morphs: moderngl.Texture | None = None
        self._morph_rows = 0
        self._take_levels()

    # -- once

    def _texture(self, picture: Picture) -> moderngl.Texture:
        height, width = picture.pixels.shape[:2]
        texture = self._ctx.texture(
            (width, height),
            4,
            picture.pixels.tobytes(),
            internal_format=SRGB8_ALPHA8 if picture.srgb else None,
        )
        texture.repeat_x, texture.repeat_y = picture.repeat
        if picture.nearest:
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        else:
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            if not gl.is_software(self._ctx):
                texture.anisotropy = 8.0
        return texture

    def _take_levels(self) -> None:
        """Levels of detail come after the mesh itself."""
        for level in self.outfit.levels[len(self._levels) :]:
            self._levels.append(level)
            self._indices.append(self._ctx.buffer(level.triangles.astype("u4").tobytes()))
            self._draws.append(_runs(level))

    # -- every frame

    def write(
        self,
        names: list[str],
        matrices: Array,
        veils: Array,
        faces: list[Array | None],
        near: list[float],
        numbers: list[int],
    ) -> None:
        """Who wears it now: matrices (N, B, 4, 4), veils (N, B, 4), weights of morphs or None.

        near  for each how many pixels a metre at its root takes; numbers: theirs in the frame
        """
        self._groups = []
        if not names:
            return
        self._take_levels()
        errors_m = [level.error_m for level in self._levels]
        chosen = [
            level_of(errors_m, scale, self._worn.get(name, 0))
            for name, scale in zip(names, near, strict=True)
        ]
        # Far ones first, for what is translucent; those of one level beside each other.
        order = sorted(range(len(names)), key=lambda k: (-chosen[k], near[k]))
        in_order = [names[k] for k in order]
        self.rows.write(in_order, matrices[order], veils[order], [numbers[k] for k in order])
        self._write_faces(in_order, [faces[k] for k in order])
        self._groups = groups_of([chosen[k] for k in order])
        self._worn = dict(zip(names, chosen, strict=True))

    def _write_faces(self, names: list[str], faces: list[Array | None]) -> None:
        """Moves of position and normal, a row of texels for each subject."""
        slots = self.outfit.slots
        if not slots or all(face is None or not face.any() for face in faces):
            self._morph_rows = 0
            return
        rows = -(-slots // MORPH_WIDTH)
        size = (2 * MORPH_WIDTH, rows * len(names))
        if self._morphs is None or self._morphs.size[1] < size[1]:
            if self._morphs is not None:
                self._morphs.release()
            self._morphs = self._ctx.texture(size, 4, dtype="f4")
            self._morphs.filter = (moderngl.NEAREST, moderngl.NEAREST)
            self._faces = {}
        keys = [f"{row} {name}" for row, name in enumerate(names)]
        for row, (key, face) in enumerate(zip(keys, faces, strict=True)):
            weights = np.zeros(len(self.outfit.moves)) if face is None else face
            if key in self._faces and np.array_equal(self._faces[key], weights):
                continue
            self._faces[key] = weights
            texels = np.zeros((rows * MORPH_WIDTH, 2, 4), np.float32)
            for weight, (where, moves) in zip(weights.tolist(), self.outfit.moves, strict=True):
                if weight:
                    texels[where, :, :3] += (weight * moves).reshape(-1, 2, 3)
            self._morphs.write(texels.tobytes(), (0, row * rows, 2 * MORPH_WIDTH, rows))
        self._faces = {key: self._faces[key] for key in keys}
        self._morph_rows = rows

    def render(self, name: str) -> None:
        """ "body" and "body motion" into the G-buffer, "shadow" as the sun sees it, "over" and
        "over linear"."""
        least = shadow_level([level.error_m for level in self._levels]) if name == "shadow" else 0
        for level, first, count in self._groups:
            level = max(level, least)
            for draw in self._draws[level]:
                self._draw(name, level, draw, first, count)

    def _draw(self, name: str, level: int, draw: _Draw, first: int, count: int) -> None:
        material = self.outfit.character.materials[draw.material]
        look = self.outfit.looks[draw.material]
        over = name.startswith("over")
        if over and not self._is_over(draw.material):
            return
        words = [material.alpha] if material.alpha != "OPAQUE" else []
        maps = ["colour_map"] if name == "shadow" else list(MAPS)
        words += [map_.upper() for map_ in maps if map_ in look]
        if name == "shadow":
            words = ["SHADOW", *(words if material.alpha != "OPAQUE" else [])]
        if name == "body motion":
            words.append("MOTION")
        if over:
            words += ["OVER", *(["LINEAR"] if name == "over linear" else []), *self._programs.light]
        if not turned(look):
            words.append("PLAIN_UV")
        program = self._programs.of(tuple(words))
        self._set(program, draw.material, first)
        for map_ in maps:
            if map_ in look:
                self._textures[look[map_][0]].use(FIRST_MAP_UNIT + MAPS.index(map_))
        self.rows.use()
        if self._morphs is not None and self._morph_rows:
            self._morphs.use(MORPHS_UNIT)
        if material.double_sided or name == "shadow":
            self._ctx.disable(moderngl.CULL_FACE)
        vao = self._vao(level, tuple(words), program)
        vao.render(
            moderngl.TRIANGLES, vertices=3 * draw.count, first=3 * draw.first, instances=count
        )
        if material.double_sided or name == "shadow":
            self._ctx.enable(moderngl.CULL_FACE)

    def _set(self, program: moderngl.Program, row: int, first: int) -> None:
        material, look = self.outfit.character.materials[row], self.outfit.looks[row]
        cutoff = material.cutoff if material.alpha == "MASK" else 0.5
        values = {
            "first_row": first,
            "morph_rows": self._morph_rows,
            "colour_factor": material.colour,
            "surface": (material.metallic, material.roughness, material.normal_scale,
                        material.occlusion),
            "emissive_factor": (*material.emissive, float(material.unlit)),
            "cutoff": cutoff,
        }  # fmt: skip
        if turned(look):
            ways = [look[name][1] if name in look else None for name in MAPS]
            plain = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
            values["turn_u"] = [(w.turn if w else plain)[0] for w in ways]
            values["turn_v"] = [(w.turn if w else plain)[1] for w in ways]
            values["uv_set"] = [w.uv if w else 0 for w in ways]
        for name, value in values.items():
            if name not in program:
                continue
            uniform = program[name]
            if isinstance(value, list):  # compilers cut off what is not looked at
                count = uniform.array_length  # type: ignore[union-attr]
                value = value[:count] if count > 1 else value[0]
            uniform.value = value  # type: ignore[union-attr]

    def _vao(
        self, level: int, words: tuple[str, ...], program: moderngl.Program
    ) -> moderngl.VertexArray:
        if (level, words) not in self._vaos:
            kept = [name if name in program else None for name in _INPUTS]
            forms = _FORMAT.split()
            sizes = {"f4": 4, "f1": 1, "u2": 2, "i4": 4}
            form = " ".join(
                f if name else f"{int(f[0]) * sizes[f[1:]]}x"
                for f, name in zip(forms, kept, strict=True)
            )
            content = [(self._vertices, form, *(name for name in kept if name))]
            self._vaos[level, words] = self._ctx.vertex_array(
                program, content, self._indices[level]
            )
        return self._vaos[level, words]

    def _is_over(self, row: int) -> bool:
        """Whether a material is translucent, or glows by itself."""
        material = self.outfit.character.materials[row]
        return material.alpha == "BLEND" or (any(material.emissive) and not material.unlit)

    @property
    def is_over(self) -> bool:
        """Whether anything of it is drawn over the picture."""
        return any(map(self._is_over, range(len(self.outfit.character.materials))))

    @property
    def count(self) -> int:
        return sum(count for _, _, count in self._groups)

    def clear(self) -> None:
        self._groups = []

    def release(self) -> None:
        for vao in self._vaos.values():
            vao.release()
        for buffer in (*self._indices, self._vertices):
            buffer.release()
        for texture in self._textures:
            texture.release()
        self.rows.release()
        if self._morphs is not None:
            self._morphs.release()
