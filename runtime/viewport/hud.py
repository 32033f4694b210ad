"""The text over the picture: figures, subjects' names and states, notices. Dear ImGui draws it.

ImGui's own GLFW and OpenGL backends are used (imgui_bundle has them); without a window the OpenGL
backend alone draws into the renderer's target.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import moderngl
import numpy as np
from imgui_bundle import imgui

from understudy.runtime.core.palette import STATE_COLOUR, Colour
from understudy.runtime.core.pose import State

from . import palette
from .editing import Editor
from .fonts import Fonts
from .labels import Box, Label, arrange, overlap
from .lighting import Lighting
from .palette import Palette
from .panel import PAPER, draw_editor, draw_sliders, style
from .sliders import Slider

if TYPE_CHECKING:
    from .camera import Rig
    from .renderer import Options

INK: Colour = (0.95, 0.96, 0.98)
DIM: Colour = (0.66, 0.70, 0.76)
WARM: Colour = (1.0, 0.85, 0.5)
# In a window text keeps a size to be read at; a film is looked at whole, so its text grows along.
SMALLEST, LARGEST, LINES = 11.0, 22.0, 46.0


@dataclass
class Board:
    """What the HUD shows in one picture. rows: (what, value) pairs; an empty pair is a gap."""

    title: str = ""
    light: Colour = STATE_COLOUR[State.LIVE]
    rows: list[tuple[str, str]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    notice: str = ""
    hints: str = ""
    caption: str = ""
    sliders: list[Slider] = field(default_factory=list)
    editor: Editor | None = None
    lighting: Lighting | None = None
    eye: tuple[Rig, Options] | None = None  # of this viewport, for the panel
    palette: Palette | None = None
    aspect: float = 0.0
    guides: bool = False

    @property
    def texts(self) -> str:
        """Every letter of it that may be in any script."""
        said = [self.title, self.notice, self.caption]
        said += [text for label in self.labels for text in (label.text, label.below)]
        said += [value for _, value in self.rows]
        return "".join(said) + (self.editor.texts if self.editor is not None else "")


# Of what is safe for action and for titles, SMPTE ST 2046-1; and what lies outside of the picture.
SAFE, SHADE = (0.93, 0.90), (0.0, 0.0, 0.0, 0.72)


def framed(aspect: float, width: float, height: float) -> tuple[float, float, float, float]:
    """x, y, width, height of the largest picture of an aspect in a window; 0: all of it."""
    if not aspect:
        return 0.0, 0.0, width, height
    w, h = min(width, height * aspect), min(height, width / aspect)
    return 0.5 * (width - w), 0.5 * (height - h), w, h


def text_px(width: float, height: float, density: float, windowed: bool) -> float:
    """The size of letters for a picture's size; density: pixels for each of a common screen."""
    size = min(height, 0.7 * width) / density / LINES
    return density * max(SMALLEST, min(LARGEST if windowed else np.inf, size))


class Hud:
    """Owns ImGui. `window` is a GLFW window or None."""

    def __init__(self, window: object | None = None) -> None:
        self._context = imgui.create_context()
        imgui.get_io().set_ini_filename("")
        self.fonts = Fonts()
        self.taken: list[Box] = []
        self._window = window
        if window is not None:
            address = ctypes.cast(window, ctypes.c_void_p).value  # type: ignore[arg-type]
            imgui.backends.glfw_init_for_opengl(address or 0, True)
        imgui.backends.opengl3_init("#version 330")

    def draw(
        self,
        target: moderngl.Framebuffer,
        board: Board,
        dt_s: float,
        points: tuple[int, int] | None = None,
        density: float = 1.0,
    ) -> None:
        """Draws over `target`. Sizes follow the picture's height.

        points   the window's size as its mouse counts; some systems have several pixels to a point
        density  how much larger than usual the system wants things drawn, in points
        """
        imgui.set_current_context(self._context)
        self.fonts.cover(board.texts)
        io = imgui.get_io()
        imgui.backends.opengl3_new_frame()
        if self._window is not None:
            imgui.backends.glfw_new_frame()
        width, height = points or target.size
        ratio = target.width / max(1, width)
        io.display_size = imgui.ImVec2(width, height)
        io.display_framebuffer_scale = imgui.ImVec2(ratio, ratio)
        io.delta_time = max(dt_s, 1e-4)
        imgui.new_frame()
        unit = text_px(width, height, density, points is not None)
        paper = imgui.get_background_draw_list()
        paper.channels_split(2)  # names and their lines lie under the rest
        paper.channels_set_current(1)
        windows = self._windows(board, unit, width, height)
        taken = windows + self._edges(paper, board, unit, width, height, windows)
        taken += self._panel(paper, board, unit, width, height, taken)
        self.taken = taken  # what no name may cover
        paper.channels_set_current(0)
        self._frame(paper, board, width, height)
        self._labels(paper, board.labels, unit, (width, height), taken, ratio)
        paper.channels_merge()
        imgui.render()
        target.use()
        imgui.backends.opengl3_render_draw_data(imgui.get_draw_data())

    def wants_mouse(self) -> bool:
        return bool(imgui.get_io().want_capture_mouse)

    def wants_keys(self) -> bool:
        """Whether somebody types into a field."""
        return bool(imgui.get_io().want_text_input)

    def _size(self, text: str, size: float, bold: bool = False) -> tuple[float, float]:
        imgui.push_font(self.fonts.bold if bold else self.fonts.regular, size)
        box = imgui.calc_text_size(text)
        imgui.pop_font()
        return box.x, box.y

    def _fit(self, text: str, size: float, wide: float, bold: bool = False) -> str:
        """The text, its end left out where it is wider than there is room for."""
        if self._size(text, size, bold)[0] <= wide:
            return text
        low, high = 0, len(text)
        while low < high:  # the most letters that go in with the dots
            middle = (low + high + 1) // 2
            fits = self._size(f"{text[:middle].rstrip()}…", size, bold)[0] <= wide
            low, high = (middle, high) if fits else (low, middle - 1)
        return f"{text[:low].rstrip()}…"

    def _text(self, paper, x: float, y: float, text: str, size: float, colour: Colour,
              bold: bool = False, alpha: float = 1.0) -> None:  # fmt: skip
        imgui.push_font(self.fonts.bold if bold else self.fonts.regular, size)
        paper.add_text(imgui.ImVec2(round(x), round(y)), _packed((*colour, alpha)), text)
        imgui.pop_font()

    def _shadowed(self, paper, x: float, y: float, text: str, size: float, colour: Colour) -> None:
        self._text(paper, x + 1, y + 1, text, size, (0.0, 0.0, 0.0), alpha=0.55)
        self._text(paper, x, y, text, size, colour)

    def _box(self, paper, x: float, y: float, w: float, h: float, colour, round_px: float) -> None:
        low, high = imgui.ImVec2(x, y), imgui.ImVec2(x + w, y + h)
        paper.add_rect_filled(low, high, _packed(colour), round_px)

    def _frame(self, paper, board: Board, width: float, height: float) -> None:
        """What lies outside of the picture that is meant, shaded; its thirds and safe areas."""
        x, y, w, h = framed(board.aspect, width, height)
        if x > 0.5 or y > 0.5:
            for box in ((0.0, 0.0, width, y), (0.0, y + h, width, height - y - h),
                        (0.0, y, x, h), (x + w, y, width - x - w, h)):  # fmt: skip
                self._box(paper, *box, SHADE, 0.0)
        if not board.guides:
            return
        ink = _packed((*INK, 0.35))
        for share in SAFE:
            low = imgui.ImVec2(x + 0.5 * (1 - share) * w, y + 0.5 * (1 - share) * h)
            high = imgui.ImVec2(x + 0.5 * (1 + share) * w, y + 0.5 * (1 + share) * h)
            paper.add_rect(low, high, ink)
        for third in (1 / 3, 2 / 3):
            paper.add_line(imgui.ImVec2(x + third * w, y), imgui.ImVec2(x + third * w, y + h), ink)
            paper.add_line(imgui.ImVec2(x, y + third * h), imgui.ImVec2(x + w, y + third * h), ink)
        middle, arm = (x + 0.5 * w, y + 0.5 * h), 0.02 * h
        for dx, dy in ((arm, 0.0), (0.0, arm)):
            low, high = (imgui.ImVec2(middle[0] + s * dx, middle[1] + s * dy) for s in (-1, 1))
            paper.add_line(low, high, _packed((*INK, 0.8)))

    def _edges(self, paper, board: Board, unit: float, width: float, height: float,
               windows: list[Box]) -> list[Box]:  # fmt: skip
        """Caption, hints and notice, from the lower edge upwards; gives what they cover.

        What has no room beside the windows is left out, the least needed first.
        """
        small = unit * 0.86
        taken: list[Box] = []

        def free(box: Box) -> bool:
            if any(overlap(box, other) for other in (*windows, *taken)):
                return False
            taken.append(box)
            return True

        text = self._fit(board.caption, small, width - 2 * unit)
        w, h = self._size(text, small)
        bottom, beside = height - unit, w + 2 * unit
        if text and free((width - unit - w, bottom - h, w, h)):
            self._shadowed(paper, width - unit - w, bottom - h, text, small, INK)
        notice = self._fit(board.notice, unit, width - 4 * unit)
        lines = self._wrapped(board.hints, small, width - 2 * unit - beside)
        w, h = self._size("\n".join(lines), small)
        up = h + unit if lines and h < 0.25 * height else 0.0
        if notice:
            wide, high = self._size(notice, unit)
            x, y = width / 2 - wide / 2 - unit, min(height * 0.88, bottom - up - 1.6 * high)
            if free((x, y - high * 0.4, wide + 2 * unit, high * 1.8)):
                self._box(paper, x, y - high * 0.4, wide + 2 * unit, high * 1.8, PAPER, unit)
                self._text(paper, x + unit, y, notice, unit, WARM)
        if up and free((unit, bottom - h, w, h)):
            self._shadowed(paper, unit, bottom - h, "\n".join(lines), small, INK)
        return taken

    def _wrapped(self, text: str, size: float, wide: float) -> list[str]:
        """Lines of hints, parted between two of them where a line is wider than the window."""
        gap, lines = "   ", []
        for line in filter(None, text.split("\n")):
            made = ""
            for hint in line.split(gap):
                longer = f"{made}{gap}{hint}" if made else hint
                if made and self._size(longer, size)[0] > wide:
                    lines.append(made)
                    longer = hint
                made = longer
            lines.append(made)
        return lines

    def _panel(self, paper, board: Board, unit: float, width: float, height: float,
               taken: list[Box]) -> list[Box]:  # fmt: skip
        """Title and figures at the top left, as many as there is room for beside the rest."""
        if not board.title and not board.rows:
            return []
        small, pad = unit * 0.9, unit * 0.75
        line, title = small * 1.32, self._size(board.title, unit, True)
        rows, rows_h = [], 0.0
        for name, value in board.rows:
            high = line if name or value else line * 0.45
            if title[1] + rows_h + high + 2.2 * pad > 0.6 * height:
                break
            rows.append((name, self._fit(value, small, 0.3 * width)))
            rows_h += high
        names = max((self._size(a, small)[0] for a, _ in rows), default=0.0)
        values = max((self._size(b, small)[0] for _, b in rows), default=0.0)
        w = max(names + values + unit * 1.4, title[0] + unit * 1.2) + 2 * pad
        h = title[1] + rows_h + 2.2 * pad
        x = y = unit * 0.8
        if any(overlap((x, y, w, h), other) for other in taken):
            return []
        self._box(paper, x, y, w, h, PAPER, unit * 0.45)
        centre = imgui.ImVec2(x + pad + unit * 0.3, y + pad * 0.9 + title[1] / 2)
        paper.add_circle_filled(centre, unit * 0.28, _packed((*board.light, 1.0)), 24)
        self._text(paper, x + pad + unit * 0.9, y + pad * 0.9, board.title, unit, INK, True)
        at = y + pad * 1.3 + title[1]
        for name, value in rows:
            self._text(paper, x + pad, at, name, small, DIM)
            wide = self._size(value, small)[0]
            self._text(paper, x + w - pad - wide, at, value, small, INK)
            at += line if name or value else line * 0.45
        return [(x, y, w, h)]

    def _windows(self, board: Board, unit: float, width: float, height: float) -> list[Box]:
        """What answers the mouse, down the right edge."""
        taken: list[Box] = []
        with style(self.fonts.regular, unit):
            if board.sliders:
                taken.append(draw_sliders(board.sliders, unit, width))
            if board.editor is not None:
                top = taken[0][1] + taken[0][3] if taken else 0.0
                size = (width, height)
                taken.append(draw_editor(board.editor, board.lighting, board.eye, unit, size, top))
            if board.palette is not None and board.palette.open:
                taken.append(palette.draw(board.palette, unit, (width, height)))
        return taken

    def _labels(self, paper, labels: list[Label], unit: float, size: tuple[float, float],
                taken: list[Box], ratio: float) -> None:  # fmt: skip
        small = unit * 0.9
        labels = sorted(labels, key=lambda label: label.first)
        boxes, texts = [], []
        for label in labels:
            room = min(size[0] - 2.5 * unit, 32 * unit)
            text = self._fit(label.text, small, room, True)
            below = self._fit(label.below, small * 0.86, room) if label.below else ""
            w, h = self._size(text, small, True)
            under = self._size(below, small * 0.86) if below else (0.0, 0.0)
            w = max(w + unit * 1.1, under[0]) + unit * 1.0
            h = h + under[1] * 1.1 + unit * 0.5
            texts.append((text, below))
            boxes.append((label.x / ratio - w / 2, label.y / ratio - h, w, h))
        places = arrange(boxes, size, taken)
        for label, box, place in zip(labels, boxes, places, strict=True):
            if place is None:  # no room for a name: a dot says where and in what state
                self._dot(paper, label.x / ratio, label.y / ratio, unit, label.colour)
            elif abs(place[0] - box[0]) + abs(place[1] - box[1]) > box[3]:
                middle = imgui.ImVec2(place[0] + box[2] / 2, place[1] + box[3] / 2)
                head = imgui.ImVec2(label.x / ratio, label.y / ratio)
                paper.add_line(middle, head, _packed((*DIM, 0.8)), max(1.0, unit * 0.07))
        for label, (text, below), box, place in zip(labels, texts, boxes, places, strict=True):
            if place is None:
                continue
            left, top = place
            self._box(paper, left, top, box[2], box[3], PAPER, unit * 0.4)
            self._dot(
                paper, left + unit * 0.75, top + unit * 0.25 + small * 0.58, unit, label.colour
            )
            self._text(paper, left + unit * 1.25, top + unit * 0.22, text, small, INK, True)
            if below:
                y = top + unit * 0.22 + small * 1.22
                colour = DIM if label.colour == STATE_COLOUR[State.LIVE] else label.colour
                self._text(paper, left + unit * 0.5, y, below, small * 0.86, colour)

    def _dot(self, paper, x: float, y: float, unit: float, colour: Colour) -> None:
        paper.add_circle_filled(imgui.ImVec2(x, y), unit * 0.24, _packed((*colour, 1.0)), 20)

    def close(self) -> None:
        imgui.set_current_context(self._context)
        imgui.backends.opengl3_shutdown()
        if self._window is not None:
            imgui.backends.glfw_shutdown()
        imgui.destroy_context(self._context)


def _packed(colour: tuple[float, float, float, float]) -> int:
    return imgui.color_convert_float4_to_u32(imgui.ImVec4(*colour))
