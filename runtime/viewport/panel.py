"""What answers the mouse: sliders of a style, and the stage's sources and subjects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from understudy.runtime.core.palette import STATE_COLOUR
from understudy.runtime.core.pose import State

from . import costume_panel
from .camera import Rig
from .editing import Deck, Editor, SubjectRow, source_words
from .labels import Box, short
from .lighting import Lighting
from .look import HOURS, TONES
from .sets.scenery import OURS
from .sliders import Slider

if TYPE_CHECKING:
    from .renderer import Options

PAPER = (0.05, 0.06, 0.08, 0.62)
SOLID = (0.05, 0.06, 0.08, 0.86)  # under text that somebody edits
INK, DIM = (0.95, 0.96, 0.98, 1.0), (0.66, 0.70, 0.76, 1.0)
WARM = (1.0, 0.85, 0.5, 1.0)
URL_HINT = "vmc://0.0.0.0:39539?name=ann"


@contextlib.contextmanager
def style(font: imgui.ImFont, unit: float) -> Iterator[None]:
    """The look of everything here; unit: the size of letters."""
    colours, looks = imgui.Col_, imgui.StyleVar_
    imgui.push_font(font, unit * 0.9)
    imgui.push_style_var(looks.window_rounding, unit * 0.45)
    imgui.push_style_var(looks.frame_rounding, unit * 0.25)
    imgui.push_style_var(looks.window_border_size, 0.0)
    imgui.push_style_var(looks.frame_padding, imgui.ImVec2(unit * 0.35, unit * 0.2))
    imgui.push_style_var(looks.item_spacing, imgui.ImVec2(unit * 0.5, unit * 0.3))
    imgui.push_style_var(looks.window_padding, imgui.ImVec2(unit * 0.6, unit * 0.6))
    pushed = (
        (colours.window_bg, PAPER),
        (colours.frame_bg, (1.0, 1.0, 1.0, 0.10)),
        (colours.frame_bg_hovered, (1.0, 1.0, 1.0, 0.16)),
        (colours.frame_bg_active, (1.0, 1.0, 1.0, 0.16)),
        (colours.slider_grab, DIM),
        (colours.slider_grab_active, INK),
        (colours.button, (1.0, 1.0, 1.0, 0.12)),
        (colours.button_hovered, (1.0, 1.0, 1.0, 0.22)),
        (colours.button_active, (1.0, 1.0, 1.0, 0.30)),
        (colours.header, (1.0, 1.0, 1.0, 0.14)),
        (colours.header_hovered, (1.0, 1.0, 1.0, 0.20)),
        (colours.header_active, (1.0, 1.0, 1.0, 0.26)),
        (colours.text, INK),
    )
    for colour, value in pushed:
        imgui.push_style_color(colour, imgui.ImVec4(*value))
    yield
    imgui.pop_style_color(len(pushed))
    imgui.pop_style_var(6)
    imgui.pop_font()


def draw_sliders(sliders: list[Slider], unit: float, width: float) -> Box:
    """The style of the followed body, at the top right; gives what it covers."""
    flags = imgui.WindowFlags_
    names = max(imgui.calc_text_size(slider.name).x for slider in sliders)
    bar, wide = unit * 8.0, names + unit * 12.6
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
    return _end()


def draw_editor(
    editor: Editor,
    lighting: Lighting | None,
    eye: tuple[Rig, Options] | None,
    unit: float,
    size: tuple[float, float],
    top: float,
) -> Box:
    """The stage's sources and subjects, set and light, lens, below `top` at the right; gives what
    it covers."""
    flags = imgui.WindowFlags_
    wide = min(26.0 * unit, size[0] - 1.6 * unit)
    top += unit * 0.8
    most = max(6.0 * unit, size[1] - top - 3.0 * unit)
    imgui.set_next_window_pos(imgui.ImVec2(size[0] - wide - unit * 0.8, top))
    # As high as what stood in it last time: ImGui's own fitting leaves a scroll bar for nothing.
    high = min(editor.entries.high_px or most, most)
    imgui.set_next_window_size(imgui.ImVec2(wide, high))
    imgui.push_style_color(imgui.Col_.window_bg, imgui.ImVec4(*SOLID))
    bar = flags.no_scrollbar if high < most else flags.none
    imgui.begin("stage", None, flags.no_title_bar | flags.no_resize | flags.no_move | bar)
    _sources(editor, unit)
    imgui.separator()
    _subjects(editor, unit)
    imgui.separator()
    _takes(editor)
    imgui.separator()
    if lighting is not None:
        _light(lighting, unit)
        imgui.separator()
    if eye is not None:
        _lens(*eye, unit)
        imgui.separator()
    imgui.set_next_item_width(-unit * 4.4)
    entered, editor.entries.path = imgui.input_text_with_hint(
        "##path", "session.toml, or nothing: where it came from", editor.entries.path, _ENTER
    )
    imgui.same_line()
    if imgui.button("Save") or entered:
        editor.save_session()
    if imgui.is_item_hovered():
        imgui.set_tooltip("Saves the session on the stage's machine")
    for number, (label, again) in enumerate((("Undo", False), ("Redo", True))):
        if number:
            imgui.same_line()
        if imgui.button(label):
            editor.undo(again)
    if editor.said:
        _wrapped(editor.said, WARM if editor.refused else DIM)
    if editor.snapshot.trouble:
        _wrapped(editor.snapshot.trouble, WARM)
    editor.entries.high_px = imgui.get_cursor_pos().y + unit * 0.4 + imgui.get_scroll_y()
    box = _end()
    imgui.pop_style_color()
    return box


_ENTER = imgui.InputTextFlags_.enter_returns_true


def _sources(editor: Editor, unit: float) -> None:
    _dim("Sources")
    for row in editor.snapshot.sources:
        imgui.push_id(f"source {row.name}")
        imgui.align_text_to_frame_padding()
        imgui.text(short(row.name))
        if row.line and imgui.is_item_hovered():
            imgui.set_tooltip(row.line)
        _to_the_right("Remove", 0.7 * unit)
        if imgui.button("Remove"):
            editor.remove_source(row.name)
        _wrapped(source_words(row, editor.age_s(row.name)), WARM if row.notice else DIM)
        if row.deck is not None:
            _transport(editor, row.name, row.deck, unit)
        imgui.pop_id()
    imgui.set_next_item_width(-unit * 4.4)
    entered, editor.entries.url = imgui.input_text_with_hint(
        "##url", URL_HINT, editor.entries.url, _ENTER
    )
    imgui.same_line()
    if imgui.button("Add") or entered:
        editor.add_source()


def _transport(editor: Editor, source: str, deck: Deck, unit: float) -> None:
    """A take's buttons, and where it stands."""
    if imgui.button("Stop" if deck.playing else "Play"):
        editor.transport(source, play=not deck.playing)
    for label, step in (("<", -1), (">", 1))[deck.raw :]:
        imgui.same_line()
        if imgui.button(label):
            editor.transport(source, step=step)
        if imgui.is_item_hovered():
            imgui.set_tooltip("One frame " + ("back" if step < 0 else "on"))
    if len(deck.takes) > 1:
        imgui.same_line()
        if imgui.button(f"Next ({deck.cue} of {len(deck.takes)})"):
            editor.transport(source, cue=0)
    if deck.raw:
        _dim(f"{deck.now_s:.2f} s of {deck.seconds:.2f}")
        return
    imgui.set_next_item_width(-unit * 0.1)
    moved, to = imgui.slider_float(
        "##position", deck.now_s, 0.0, deck.seconds, f"%.2f s of {deck.seconds:.2f}"
    )
    if moved:
        deck.position_s, deck.playing = float(to), False  # until the stage has answered
        editor.transport(source, position_s=float(to))


def _takes(editor: Editor) -> None:
    """The slate's next take: begun and ended, marked and circled."""
    _dim("Recording" if editor.recording else "Takes")
    if imgui.button("Stop##take" if editor.recording else "Record"):
        editor.record(editor.recording)
    imgui.same_line()
    if imgui.button("Marker"):
        editor.mark(editor.sequence)
    imgui.same_line()
    if imgui.button("Circle"):
        editor.circle()


def _subjects(editor: Editor, unit: float) -> None:
    _dim("Subjects")
    entries = editor.entries
    for row in editor.subjects:
        imgui.push_id(f"subject {row.name}")
        state = editor.states.get(row.name)
        at = imgui.get_cursor_screen_pos()
        chosen, _ = imgui.selectable(f"##{row.name}", row.name == entries.selected)
        imgui.same_line(unit * 1.6)
        imgui.text(short(row.name))
        colour = (*STATE_COLOUR[state], 1.0) if state is not None else DIM
        middle = imgui.ImVec2(at.x + unit * 0.45, at.y + unit * 0.5)
        imgui.get_window_draw_list().add_circle_filled(
            middle, unit * 0.24, imgui.color_convert_float4_to_u32(imgui.ImVec4(*colour)), 20
        )
        words = standing(editor, row.name)
        _to_the_right(words)
        _dim(words)
        if chosen:
            editor.select("" if row.name == entries.selected else row.name)
        imgui.pop_id()
        if row.name == entries.selected:
            _selected(editor, unit)


def _light(lighting: Lighting, unit: float) -> None:
    """Set and light of this viewport."""
    _dim("Set and light")
    wide = -unit * 5.2
    for name, choices, nothing in (
        ("set", OURS, "no set"),
        ("sun", tuple(HOURS), "the set's own"),
        ("tone", TONES, TONES[0]),
    ):
        said = getattr(lighting, name)
        imgui.set_next_item_width(wide)
        if imgui.begin_combo(name, said or nothing):
            for choice in dict.fromkeys(("", *choices, said)):
                if imgui.selectable(choice or nothing, choice == said)[0]:
                    setattr(lighting, name, choice)
                    lighting.moved = True
            imgui.end_combo()
    for name, low, high, form in (
        ("exposure", -4.0, 4.0, "%+.1f stops"),
        ("clouds", 0.0, 1.0, "%.2f"),
        ("fog", 0.0, 200.0, "%.0f m" if lighting.fog else "none"),
        ("wet", 0.0, 1.0, "%.2f"),
        ("rain", 0.0, 1.0, "%.2f" if lighting.rain else "none"),
        ("cold", 0.0, 1.0, "%.2f" if lighting.cold else "none"),
    ):
        imgui.set_next_item_width(wide)
        moved, to = imgui.slider_float(name, getattr(lighting, name), low, high, form)
        if moved:
            setattr(lighting, name, min(high, max(low, float(to))))
            lighting.moved = True
    if lighting.said:
        _wrapped(lighting.said, WARM)


def _lens(rig: Rig, options: Options, unit: float) -> None:
    """Lens and shutter of this viewport."""
    _dim("Lens and shutter")
    wide = -unit * 5.2
    imgui.set_next_item_width(wide)
    moved, to = imgui.slider_float("focal length", rig.focal_mm, 10.0, 200.0, "%.0f mm")
    if moved:
        rig.focal_mm = min(400.0, max(8.0, float(to)))
    imgui.set_next_item_width(wide)
    held = "%.2f" if rig.lens.handheld else "tripod"
    moved, to = imgui.slider_float("handheld", rig.lens.handheld, 0.0, 2.0, held)
    if moved:
        rig.lens = replace(rig.lens, handheld=min(2.0, max(0.0, float(to))))
    _, options.lens = imgui.checkbox("depth of field", options.lens)
    imgui.same_line()
    over_time = options.antialias == "taa"
    changed, over_time = imgui.checkbox("smooth over time", over_time)
    if changed:
        options.antialias = "taa" if over_time else "fxaa"
    imgui.set_next_item_width(wide)
    moved, to = imgui.slider_float(
        "stop", rig.lens.stop, 0.7, 22.0, "T%.1f", imgui.SliderFlags_.logarithmic
    )
    if moved:
        rig.lens = replace(rig.lens, stop=min(64.0, max(0.7, float(to))))
    imgui.set_next_item_width(wide)
    entered, said = imgui.input_text_with_hint(
        "focus", "metres, SUBJECT or SUBJECT/JOINT", rig.lens.focus, _ENTER
    )
    if entered:
        rig.lens = replace(rig.lens, focus=said.strip())
    imgui.set_next_item_width(wide)
    moved, to = imgui.slider_float(
        "shutter",
        options.shutter_deg,
        0.0,
        360.0,
        "%.0f degrees" if options.shutter_deg else "none",
    )
    if moved:
        options.shutter_deg = min(360.0, max(0.0, float(to)))


def standing(editor: Editor, name: str) -> str:
    """A subject's state in words, and how much of the last minute it was taken over."""
    state = editor.states.get(name)
    if state is None:
        return "not in the stream"
    share = editor.shares[name].share
    words = "live" if state is State.LIVE else state.name
    return f"{words}, {share:.0%} taken over" if share >= 0.005 else words


def _selected(editor: Editor, unit: float) -> None:
    """Name and place of the subject that is edited."""
    entries = editor.entries
    imgui.indent(unit)
    imgui.set_next_item_width(unit * 12.0)
    entered, entries.name = imgui.input_text("##name", entries.name, _ENTER)
    imgui.same_line()
    if imgui.button("Rename") or entered:
        editor.rename_subject()
    imgui.same_line()
    if imgui.button("Remove"):
        editor.remove_subject()
    imgui.set_next_item_width(unit * 12.0)
    moved, at_m = imgui.drag_float3("metres x y z", list(entries.at_m), 0.01, -1e4, 1e4, "%.2f")
    imgui.set_next_item_width(unit * 12.0)
    turned, heading = imgui.drag_float("degrees", entries.heading_deg, 0.5, -360.0, 360.0, "%.0f")
    if moved or turned:
        entries.at_m, entries.heading_deg = [float(value) for value in at_m], float(heading)
        editor.place_subject()
    row = next((row for row in editor.subjects if row.name == entries.selected), None)
    if row is not None:
        _put_right(editor, row, unit)
        entries.costume.follow(row.name, row.character, row.profile, row.person)
        costume_panel.draw(editor, entries.costume, unit)
    imgui.unindent(unit)


def _put_right(editor: Editor, row: SubjectRow, unit: float) -> None:
    """Resets, mirror and root of the subject that is edited."""
    buttons = {"Face camera": "camera", "On the mark": "mark", "Ahead": "heading"}
    buttons["T-pose off" if row.t_pose else "T-pose"] = "off" if row.t_pose else "t_pose"
    for number, (label, what) in enumerate(buttons.items()):
        if number % 2:
            imgui.same_line()
        if imgui.button(label):
            editor.reset(what)
    changed, mirror = imgui.checkbox("mirror", row.mirror)
    if changed:
        row.mirror = bool(mirror)  # until the stage has answered
        editor.adjust(mirror=row.mirror)
    imgui.same_line()
    imgui.set_next_item_width(unit * 6.0)
    if imgui.begin_combo("root", row.root):
        for choice in ("free", "in place", "hips only"):
            if imgui.selectable(choice, choice == row.root)[0]:
                row.root = choice
                editor.adjust(root=choice)
        imgui.end_combo()


def _to_the_right(text: str, padding: float = 0.0) -> None:
    """What comes next, as wide as a text, ends at the right edge of the line."""
    imgui.same_line()
    room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x - padding
    imgui.set_cursor_pos_x(imgui.get_cursor_pos().x + max(0.0, room))


def _dim(text: str) -> None:
    imgui.text_colored(imgui.ImVec4(*DIM), text)


def _wrapped(text: str, colour: tuple[float, float, float, float]) -> None:
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(*colour))
    imgui.push_text_wrap_pos(0.0)
    imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
    imgui.pop_style_color()


def _end() -> Box:
    at, size = imgui.get_window_pos(), imgui.get_window_size()
    imgui.end()
    return at.x, at.y, size.x, size.y
