"""What lies over the picture: marks of the stage, names, the HUD."""

from __future__ import annotations

import time
from collections.abc import Callable

import moderngl

from understudy.runtime.core import pose
from understudy.runtime.core.pose import Frame

from .camera import Camera
from .cast import Placed
from .hud import Board, Hud
from .labels import over_heads
from .options import Options
from .overlay import Mark, Overlay, axes, bones, feet, frustum, path, wish


class Annotations:
    """Release it with its context current.

    points, density  the window's, as `Hud.draw` takes them
    """

    def __init__(self, ctx: moderngl.Context, window: object | None) -> None:
        self._overlay = Overlay(ctx)
        self._window = window
        self._hud: Hud | None = None
        self._hud_s = 0.0
        self.points: tuple[int, int] | None = None
        self.density = 1.0
        self.shaped: frozenset[str] = frozenset()  # props that are drawn as what they are

    def mark(
        self,
        target: moderngl.Framebuffer,
        depth: moderngl.Texture,
        frame: Frame | None,
        placed: list[Placed],
        options: Options,
        written: Callable[[], None],
    ) -> None:
        """Cameras, props, paths, feet, bones. `written` tells shaders the shown picture's size."""
        marks: list[Mark] = [mark for seen in _cameras(frame, options) for mark in frustum(seen)]
        marks += [mark for prop in self._bare(frame) for mark in axes(prop)]
        for one in placed:
            marks += path(one.subject) if options.trajectory else []
            marks += wish(one.subject) if options.trajectory else []
            marks += feet(one) if options.contacts else []
            seen = one.subject.name != options.hidden
            marks += bones(one) if seen and (options.skeleton or not one.dressed) else []
        if marks:
            written()
            self._overlay.draw(target, depth, marks)

    def write(
        self,
        target: moderngl.Framebuffer,
        frame: Frame | None,
        placed: list[Placed],
        camera: Camera,
        options: Options,
        board: Board | None,
    ) -> None:
        """Names, figures, the panel."""
        editor = board.editor if board is not None else None
        framed = bool(options.aspect or options.guides)
        palette = board.palette if board is not None else None
        asked = palette is not None and palette.open
        if not (options.hud or options.labels or editor or framed or asked or self.holds_keys):
            return  # a field that was closed lets go of the keys in one more picture
        if self._hud is None:
            self._hud = Hud(self._window)
        board = (
            board if board is not None and options.hud else Board(editor=editor, palette=palette)
        )
        board.aspect, board.guides = options.aspect, options.guides
        if options.labels:
            things: list[pose.Camera | pose.Prop] = list(_cameras(frame, options))
            things += self._bare(frame)
            board.labels = over_heads(placed, things, camera, options.hidden, options.followed)
        now_s = time.monotonic()
        dt_s = now_s - self._hud_s if self._hud_s else 1 / 60
        self._hud.draw(target, board, dt_s, self.points, self.density)
        self._hud_s = now_s

    def _bare(self, frame: Frame | None) -> list[pose.Prop]:
        """The props that are no more than marks."""
        return [one for one in (frame.props if frame else []) if one.name not in self.shaped]

    @property
    def holds_mouse(self) -> bool:
        """Whether the pointer is on something of the HUD's, so that it means no camera."""
        return self._hud is not None and self._hud.wants_mouse()

    @property
    def holds_keys(self) -> bool:
        """Whether keys are letters of a field now."""
        return self._hud is not None and self._hud.wants_keys()

    @property
    def missing_letters(self) -> str:
        """Letters of names that no font of this machine has."""
        return "".join(sorted(self._hud.fonts.missing)) if self._hud is not None else ""

    def release(self) -> None:
        if self._hud is not None:
            self._hud.close()
        self._overlay.release()


def _cameras(frame: Frame | None, options: Options) -> list[pose.Camera]:
    """The stage's, less those that this eye is."""
    every = frame.cameras if frame is not None else []
    return [one for one in every if one.name not in options.hidden_cameras]
