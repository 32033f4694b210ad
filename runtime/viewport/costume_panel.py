"""The part of the panel that edits what a subject wears: its fit, and a person's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imgui_bundle import imgui

from .costume_entries import Costume
from .editing import Editor

# word, label, from, to, how it is written
_FIT = (
    ("lift_m", "hips", -0.3, 0.3, "%+.3f m"),
    ("scale", "travel", 0.25, 2.0, "%.2f"),
    ("arms", "arms", 0.5, 1.5, "%.2f"),
    ("floor_m", "floor", -0.3, 0.3, "%+.3f m"),
)
_PERSON = (
    ("height_cm", "height", 120.0, 215.0, "%.0f cm"),
    ("shoulders_cm", "shoulders", 28.0, 65.0, "%.0f cm"),
    ("age", "age", 12.0, 90.0, "%.0f years"),
    ("muscle", "muscle", 0.0, 1.0, "%.2f"),
    ("weight", "weight", 0.0, 1.0, "%.2f"),
    ("skin", "skin", 0.0, 1.0, "%.2f"),
)
_WORDS = ("sex", "hair", "hair_colour", "eyes", "top", "bottom")
_BY_BUILD = "by build"


def draw(editor: Editor, costume: Costume, unit: float) -> None:
    """Below a selected subject that wears a character."""
    if costume.fit:
        _heading("How it is fitted")
        _fit(editor, costume, unit)
    if costume.person:
        _heading("How the person is made")
        _person(editor, costume, unit)


def _heading(text: str) -> None:
    imgui.spacing()
    imgui.text_disabled(text)


def _fit(editor: Editor, costume: Costume, unit: float) -> None:
    fit = costume.fit
    for word, label, low, high, form in _FIT:
        imgui.set_next_item_width(unit * 12.0)
        moved, to = imgui.slider_float(label, float(fit.get(word) or 0.0), low, high, form)
        if moved:
            fit[word] = round(min(high, max(low, float(to))), 4)
            editor.set_profile(**{word: fit[word]})
    for number, (word, label) in enumerate((("feet", "feet on its floor"), ("hands", "hands"))):
        if number:
            imgui.same_line()
        moved, on = imgui.checkbox(label, bool(fit.get(word, True)))
        if moved:
            fit[word] = bool(on)
            editor.set_profile(**{word: fit[word]})
    _offset(editor, costume, unit)
    if imgui.button("Save profile"):
        editor.save_profile()
    if imgui.is_item_hovered():
        imgui.set_tooltip("Writes it beside the character's file, on the stage's machine")


def _offset(editor: Editor, costume: Costume, unit: float) -> None:
    """The turn of one joint's rest pose."""
    imgui.set_next_item_width(unit * 12.0)
    chosen = _chosen("joint", costume.role, ("", *costume.roles), "whose rest pose to turn")
    if chosen is not None:
        costume.role = chosen
    if not costume.role:
        return
    offsets: dict[str, Any] = costume.fit.setdefault("offsets_deg", {})
    imgui.set_next_item_width(unit * 12.0)
    angles = [float(a) for a in offsets.get(costume.role, (0.0, 0.0, 0.0))]
    moved, to = imgui.drag_float3("degrees x y z", angles, 0.5, -360.0, 360.0, "%.1f")
    if moved:
        offsets[costume.role] = [round(min(360.0, max(-360.0, float(a))), 2) for a in to]
        editor.set_profile(offsets_deg=offsets)


def _person(editor: Editor, costume: Costume, unit: float) -> None:
    """The recipe: asked for when the mouse lets go, since a body takes some seconds to make."""
    from understudy.runtime.characters.people.recipe import CHOICES

    person = costume.person
    for word, label, low, high, form in _PERSON:
        imgui.set_next_item_width(unit * 12.0)
        value = person.get(word)
        shown = form if value is not None else _BY_BUILD
        moved, to = imgui.slider_float(f"{label}##person", float(value or low), low, high, shown)
        if moved:
            person[word] = round(min(high, max(low, float(to))), 3)
        if imgui.is_item_deactivated_after_edit():
            editor.edit_person(**{word: person[word]})
    for number, word in enumerate(_WORDS):
        if number % 2:
            imgui.same_line(unit * 13.0)
        imgui.set_next_item_width(unit * 6.5)
        chosen = _chosen(word.replace("_", " "), str(person.get(word, "")), CHOICES[word])
        if chosen is not None:
            person[word] = chosen
            editor.edit_person(**{word: chosen})


def _chosen(label: str, now: str, choices: Sequence[str], nothing: str = "") -> str | None:
    """What was chosen of a list just now; None: nothing."""
    found = None
    if imgui.begin_combo(label, now.replace("_", " ") or nothing):
        for choice in choices:
            if imgui.selectable(choice.replace("_", " ") or "none", choice == now)[0]:
                found = choice
        imgui.end_combo()
    return found
