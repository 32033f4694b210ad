"""Particles and rain over the picture: one buffer of how each began, one draw call."""

from __future__ import annotations

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.particles.effects import EFFECTS, NAMES
from understudy.runtime.particles.flight import NEVER_S, RECORD, Records, drifts

from . import gl

MOST = 1 << 16
UP = np.array([0.0, 1.0, 0.0])
# Of `MOST_EFFECTS` in the shader.
_ROOM = 16
# Drops about the eye in a downpour, and half the box that they fall through, metres.
DROPS, BOX_M, FALLS_MPS = 14000, (9.0, 6.0, 14.0), 7.5


class Particles:
    """Those that are alive, in a ring: the oldest go where there are too many.

    born  so far; lost: those that had to go before their time
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self.born = self.lost = 0
        self.rain = 0.0
        self.wind: Array = np.zeros(3)
        self._zero_s: float | None = None
        self._records = np.zeros(MOST, RECORD)
        self._records["life_s"] = -1.0
        self._dies_s = np.full(MOST, -NEVER_S)
        self._next = self._high = 0
        self._buffer = ctx.buffer(self._records.tobytes(), dynamic=True)
        self._made: dict[tuple[bool, bool], tuple] = {}
        self.now_s = 0.0
        self.shutter_s = 0.0

    def add(self, records: Records) -> None:
        """More of them; their times are seconds of the stage's clock."""
        if not len(records):
            return
        if self._zero_s is None:
            self._zero_s = float(records["at_s"][0])
        for part in np.array_split(records, max(1, -(-len(records) // 4096))):
            room = min(len(part), MOST - self._next)
            for some in (part[:room], part[room:]):
                if not len(some):
                    continue
                at = slice(self._next, self._next + len(some))
                self.lost += int((self._dies_s[at] > self.now_s).sum())
                self._records[at] = some
                self._records["at_s"][at] = some["at_s"] - self._zero_s
                self._dies_s[at] = some["at_s"] + some["life_s"]
                self._buffer.write(self._records[at].tobytes(), offset=self._next * RECORD.itemsize)
                self._high = max(self._high, at.stop)
                self._next = at.stop % MOST
        self.born += len(records)

    @property
    def alive(self) -> int:
        """How many there are now."""
        return int((self._dies_s > self.now_s).sum())

    @property
    def is_there(self) -> bool:
        """Whether there is anything to draw."""
        return self.rain > 0.0 or bool((self._dies_s[: self._high] > self.now_s).any())

    def draw(self, linear: bool, has_set: bool, textures: dict[str, moderngl.Texture]) -> None:
        """Over what is drawn, against its depth; linear: before the tone map."""
        particles, rain = self._compiled(linear, has_set)
        # What is premultiplied may hide and shine at once; the luma of the picture stays.
        self._ctx.blend_func = (  # type: ignore[assignment]
            moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE,
        )  # fmt: skip
        for unit, texture in enumerate(textures.values()):
            texture.use(unit)
        for program, array, count in ((*particles, self._live()), (*rain, self._drops())):
            if not count:
                continue
            for unit, name in enumerate(textures):
                if name in program:
                    program[name].value = unit
            self._tell(program)
            array.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=count)

    def _live(self) -> int:
        """Up to which record any is alive."""
        alive = np.flatnonzero(self._dies_s[: self._high] > self.now_s)
        return int(alive[-1]) + 1 if len(alive) else 0

    def _drops(self) -> int:
        return round(DROPS * min(self.rain, 1.0)) if self.rain > 0.0 else 0

    def _tell(self, program: moderngl.Program) -> None:
        """The uniforms of this picture."""
        falls = (*(self.wind - FALLS_MPS * UP).tolist(), self.rain)
        since_s = self.now_s - (self._zero_s or 0.0)
        # Rain repeats itself after an hour, and keeps its 32 bits.
        values = {
            "now_s": since_s if "even_drag" in program else self.now_s % 3600.0,
            "shutter_s": self.shutter_s,
            "falls": falls,
            "box_m": (*BOX_M, self.shutter_s),
        }
        for name, value in values.items():
            if name in program:
                program[name].value = value  # type: ignore[union-attr]
        if "even_drag" not in program:
            return
        even, drag = drifts(self.wind)
        tables = np.zeros((5, _ROOM, 4), "f4")
        tables[0, : len(NAMES)] = np.concatenate([even, drag[:, None]], 1)
        for k, name in enumerate(NAMES):
            effect = EFFECTS[name]
            tables[1, k] = (*effect.colour, effect.alpha)
            tables[2, k] = (*effect.glow[0], effect.size_m[0])
            tables[3, k] = (*effect.glow[1], effect.size_m[1])
            tables[4, k, 0] = effect.streak
        for name, table in zip(("even_drag", "colours", "glow_first", "glow_last", "ways"), tables):
            program[name].write(table.tobytes())  # type: ignore[union-attr]

    def _compiled(self, linear: bool, has_set: bool) -> tuple:
        key = linear, has_set
        if key not in self._made:
            words = {"LINEAR": 1} if linear else {}
            words |= {"SET": 1} if has_set else {}
            program = gl.program(self._ctx, "particles.glsl", **words)
            attributes = ("4f4 4f4 4f4 4f4/i", "begin", "speed", "hit", "after")
            array = self._ctx.vertex_array(program, [(self._buffer, *attributes)])
            rain = gl.program(self._ctx, "rain.glsl", **words)
            bare = self._ctx.vertex_array(rain, [])
            self._made[key] = (program, array), (rain, bare)
        return self._made[key]

    def release(self) -> None:
        for pair in self._made.values():
            for program, array in pair:
                array.release()
                program.release()
        self._buffer.release()
