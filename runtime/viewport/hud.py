"""The text over the picture: figures, subjects' names and states, notices. Dear ImGui draws it.

ImGui's own GLFW and OpenGL backends are used (imgui_bundle has them); without a window the OpenGL
backend alone draws into the renderer's target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import imgui_bundle
import moderngl
from imgui_bundle import imgui

from understudy.runtime.core.pose import Camera, Prop, State, Subject

from .overlay import STATE_COLOUR
from .sliders import Slider

Colour = tuple[float, float, float]
INK: Colour = (0.95, 0.96, 0.98)
DIM: Colour = (0.66, 0.70, 0.76)
FONT = Path(imgui_bundle.__file__).parent / "assets" / "fonts" / "Roboto" / "Roboto-Regular.ttf"
BOLD = FONT.with_name("Roboto-Bold.ttf")
PANEL = (0.05, 0.06, 0.08, 0.62)
REASON_LETTERS = 64


@dataclass
class Label:
    """A name over a subject's head, pixels from the top left; `below` is a smaller line."""

    x: float
    y: float
    text: str
    below: str
    colour: Colour


def state_text(thing: Subject | Camera | Prop) -> tuple[str, str]:
    """What stands over a subject's head: name, state and trust; and the reason below it."""
    if thing.state is State.LIVE:
        return thing.name, ""
    text = f"{thing.name}  {thing.state.name}"
    if isinstance(thing, Subject) and thing.uncertainty_m > 0.0:
        text += f"  ±{max(1.0, 100.0 * thing.uncertainty_m):.0f} cm"
    reason = thing.reason
    return text, reason if len(reason) <= REASON_LETTERS else reason[: REASON_LETTERS - 3] + "..."


@dataclass
class Board:
    """What the HUD shows in one picture. rows: (what, value) pairs; an empty pair is a gap."""

    title: str = ""
    light: Colour = STATE_COLOUR[0]  # type: ignore[index]
    rows: list[tuple[str, str]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    notice: str = ""
    hints: str = ""
    caption: str = ""
    sliders: list[Slider] = field(default_factory=list)


def spread(boxes: list[tuple[float, float, float, float]], gap: float = 3.0) -> list[float]:
    """New tops for boxes (left, top, width, height) moved up until none covers another."""
    order = sorted(range(len(boxes)), key=lambda i: -boxes[i][1])
    tops = [box[1] for box in boxes]
    done: list[int] = []
    for i in order:
        left, _, width, height = boxes[i]
        moved = True
        while moved:
            moved = False
            for j in done:
                other_left, _, other_width, other_height = boxes[j]
                across = left < other_left + other_width + gap and other_left < left + width + gap
                down = tops[i] < tops[j] + other_height + gap and tops[j] < tops[i] + height + gap
                if across and down:
                    tops[i] = tops[j] - height - gap
                    moved = True
        done.append(i)
    return tops


class Hud:
    """Owns ImGui. `window` is a GLFW window or None."""

    def __init__(self, window: object | None = None) -> None:
        self._context = imgui.create_context()
        io = imgui.get_io()
        io.set_ini_filename("")
        self._font = io.fonts.add_font_from_file_ttf(str(FONT), 15.0)
        self._bold = io.fonts.add_font_from_file_ttf(str(BOLD), 15.0)
        self._window = window
        if window is not None:
            import ctypes

            address = ctypes.cast(window, ctypes.c_void_p).value  # type: ignore[arg-type]
            imgui.backends.glfw_init_for_opengl(address or 0, True)
        imgui.backends.opengl3_init("#version 330")

    def draw(self, target: moderngl.Framebuffer, board: Board, dt_s: float) -> None:
        """Draws over `target`. Sizes follow the picture's height."""
        width, height = target.size
        imgui.set_current_context(self._context)
        io = imgui.get_io()
        imgui.backends.opengl3_new_frame()
        if self._window is not None:
            imgui.backends.glfw_new_frame()
        io.display_size = imgui.ImVec2(width, height)
        io.display_framebuffer_scale = imgui.ImVec2(1.0, 1.0)
        io.delta_time = max(dt_s, 1e-4)
        imgui.new_frame()
        unit = max(11.0, min(22.0, height / 46.0))
        paper = imgui.get_background_draw_list()
        self._labels(paper, board.labels, unit, width)
        self._panel(paper, board, unit)
        self._sliders(board.sliders, unit, width)
        if board.notice:
            self._pill(paper, board.notice, unit, width / 2, height * 0.88, (1.0, 0.85, 0.5))
        for text, side in ((board.hints, 0), (board.caption, 1)):
            if text:
                size = self._size(text, unit * 0.86)
                x = unit if side == 0 else width - unit - size[0]
                self._shadowed(paper, x, height - unit - size[1], text, unit * 0.86, INK)
        imgui.render()
        target.use()
        imgui.backends.opengl3_render_draw_data(imgui.get_draw_data())

    def wants_mouse(self) -> bool:
        return bool(imgui.get_io().want_capture_mouse)

    def _size(self, text: str, size: float, bold: bool = False) -> tuple[float, float]:
        imgui.push_font(self._bold if bold else self._font, size)
        box = imgui.calc_text_size(text)
        imgui.pop_font()
        return box.x, box.y

    def _text(self, paper, x: float, y: float, text: str, size: float, colour: Colour,
              bold: bool = False, alpha: float = 1.0) -> None:  # fmt: skip
        imgui.push_font(self._bold if bold else self._font, size)
        paper.add_text(imgui.ImVec2(round(x), round(y)), _packed((*colour, alpha)), text)
        imgui.pop_font()

    def _shadowed(self, paper, x: float, y: float, text: str, size: float, colour: Colour) -> None:
        self._text(paper, x + 1, y + 1, text, size, (0.0, 0.0, 0.0), alpha=0.55)
        self._text(paper, x, y, text, size, colour)

    def _box(self, paper, x: float, y: float, w: float, h: float, colour, round_px: float) -> None:
        low, high = imgui.ImVec2(x, y), imgui.ImVec2(x + w, y + h)
        paper.add_rect_filled(low, high, _packed(colour), round_px)

    def _pill(self, paper, text: str, size: float, x: float, y: float, colour: Colour) -> None:
        w, h = self._size(text, size)
        self._box(paper, x - w / 2 - size, y - h * 0.4, w + 2 * size, h * 1.8, PANEL, size)
        self._text(paper, x - w / 2, y, text, size, colour)

    def _panel(self, paper, board: Board, unit: float) -> None:
        if not board.title and not board.rows:
            return
        small, pad = unit * 0.9, unit * 0.75
        names = max((self._size(a, small)[0] for a, _ in board.rows), default=0.0)
        values = max((self._size(b, small)[0] for _, b in board.rows), default=0.0)
        title = self._size(board.title, unit, True)
        line = small * 1.32
        w = max(names + values + unit * 1.4, title[0] + unit * 1.2) + 2 * pad
        rows_h = sum(line if a or b else line * 0.45 for a, b in board.rows)
        h = title[1] + rows_h + 2.2 * pad
        x, y = unit * 0.8, unit * 0.8
        self._box(paper, x, y, w, h, PANEL, unit * 0.45)
        centre = imgui.ImVec2(x + pad + unit * 0.3, y + pad * 0.9 + title[1] / 2)
        paper.add_circle_filled(centre, unit * 0.28, _packed((*board.light, 1.0)), 24)
        self._text(paper, x + pad + unit * 0.9, y + pad * 0.9, board.title, unit, INK, True)
        at = y + pad * 1.3 + title[1]
        for name, value in board.rows:
            self._text(paper, x + pad, at, name, small, DIM)
            wide = self._size(value, small)[0]
            self._text(paper, x + w - pad - wide, at, value, small, INK)
            at += line if name or value else line * 0.45

    def _sliders(self, sliders: list[Slider], unit: float, width: int) -> None:
        """The one part of the HUD that answers the mouse."""
        if not sliders:
            return
        flags, colours, looks = imgui.WindowFlags_, imgui.Col_, imgui.StyleVar_
        names = max(self._size(slider.name, unit * 0.9)[0] for slider in sliders)
        bar, wide = unit * 8.0, names + unit * 12.6
        imgui.push_font(self._font, unit * 0.9)
        imgui.push_style_var(looks.window_rounding, unit * 0.45)
        imgui.push_style_var(looks.frame_rounding, unit * 0.25)
        imgui.push_style_var(looks.window_border_size, 0.0)
        for colour, value in (
            (colours.window_bg, PANEL),
            (colours.frame_bg, (1.0, 1.0, 1.0, 0.10)),
            (colours.frame_bg_hovered, (1.0, 1.0, 1.0, 0.16)),
            (colours.frame_bg_active, (1.0, 1.0, 1.0, 0.16)),
            (colours.slider_grab, (*DIM, 1.0)),
            (colours.slider_grab_active, (*INK, 1.0)),
            (colours.text, (*INK, 1.0)),
        ):
            imgui.push_style_color(colour, imgui.ImVec4(*value))
        imgui.set_next_window_pos(imgui.ImVec2(width - wide - unit * 0.8, unit * 0.8))
        imgui.set_next_window_size(imgui.ImVec2(wide, 0.0))
        imgui.begin("style", None, flags.no_decoration | flags.no_move | flags.no_nav)
        for slider in sliders:
            imgui.align_text_to_frame_padding()
            imgui.text(slider.name)
            imgui.same_line(names + unit * 1.4)
            imgui.set_next_item_width(bar)
            moved, to = imgui.slider_float(f"##{slider.name}", slider.value, -1.0, 1.0, "")
            if moved:
                slider.value, slider.moved = min(1.0, max(-1.0, float(to))), True
            imgui.same_line(names + bar + unit * 2.0)
            imgui.text(f"{slider.value:+.2f}")
        imgui.end()
        imgui.pop_style_color(7)
        imgui.pop_style_var(3)
        imgui.pop_font()

    def _labels(self, paper, labels: list[Label], unit: float, width: int) -> None:
        small = unit * 0.9
        boxes = []
        for label in labels:
            w, h = self._size(label.text, small, True)
            below = self._size(label.below, small * 0.86) if label.below else (0.0, 0.0)
            w = max(w + unit * 1.1, below[0]) + unit * 1.0
            h = h + (below[1] * 1.1 if label.below else 0.0) + unit * 0.5
            left = min(max(label.x - w / 2, 4.0), max(4.0, width - w - 4.0))
            boxes.append((left, label.y - h, w, h))
        for label, box, top in zip(labels, boxes, spread(boxes), strict=True):
            left, _, w, h = box
            self._box(paper, left, top, w, h, PANEL, unit * 0.4)
            middle = imgui.ImVec2(left + unit * 0.75, top + unit * 0.25 + small * 0.58)
            paper.add_circle_filled(middle, unit * 0.24, _packed((*label.colour, 1.0)), 20)
            self._text(paper, left + unit * 1.25, top + unit * 0.22, label.text, small, INK, True)
            if label.below:
                y = top + unit * 0.22 + small * 1.22
                self._text(paper, left + unit * 0.5, y, label.below, small * 0.86, label.colour)

    def close(self) -> None:
        imgui.set_current_context(self._context)
        imgui.backends.opengl3_shutdown()
        if self._window is not None:
            imgui.backends.glfw_shutdown()
        imgui.destroy_context(self._context)


def _packed(colour: tuple[float, float, float, float]) -> int:
    return imgui.color_convert_float4_to_u32(imgui.ImVec4(*colour))
