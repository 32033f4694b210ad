"""The search of commands (Ctrl+P): everything that a key or the panel does, found by its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from imgui_bundle import imgui

from .labels import Box

SHOWN = 10


@dataclass(frozen=True)
class Command:
    """Something to do: what it is called, the key that does the same, and how it is done."""

    name: str
    key: str
    do: Callable[[], None]


@dataclass
class Palette:
    """What is searched for, and what is found."""

    commands: list[Command] = field(default_factory=list)
    open: bool = False
    text: str = ""
    at: int = 0  # which of those found
    fresh: bool = False  # it was opened since it was drawn last

    def toggle(self) -> None:
        self.open = self.fresh = not self.open
        self.text, self.at = "", 0

    def found(self) -> list[Command]:
        """The commands in which every word occurs; those that begin with the first come first."""
        words = self.text.lower().split()
        there = [one for one in self.commands if all(word in one.name.lower() for word in words)]
        if words:
            there.sort(key=lambda one: not one.name.lower().startswith(words[0]))
        return there

    def move(self, by: int) -> None:
        """Up or down among those found, round at the ends."""
        count = min(len(self.found()), SHOWN)
        self.at = (self.at + by) % count if count else 0

    def run(self, command: Command | None = None) -> None:
        """Does it, or the one that is chosen, and closes."""
        found = self.found()
        command = command or (found[min(self.at, len(found) - 1)] if found else None)
        self.open = False
        if command is not None:
            command.do()


def choices(what: str, names: Iterable[str], choose: Callable[[str], None]) -> list[Command]:
    """A command for each of some names: "sun: evening"."""
    return [Command(f"{what}: {name}", "", lambda name=name: choose(name)) for name in names]  # type: ignore[misc]


def draw(palette: Palette, unit: float, size: tuple[float, float]) -> Box:
    """The field and what it finds, in the middle of the picture's upper half; gives what it
    covers."""
    flags, keys = imgui.WindowFlags_, imgui.Key
    wide = min(30.0 * unit, size[0] - 1.6 * unit)
    imgui.set_next_window_pos(imgui.ImVec2(0.5 * (size[0] - wide), 0.12 * size[1]))
    imgui.set_next_window_size(imgui.ImVec2(wide, 0.0))
    imgui.push_style_color(imgui.Col_.window_bg, imgui.ImVec4(0.05, 0.06, 0.08, 0.92))
    imgui.begin("commands", None, flags.no_decoration | flags.no_move | flags.no_nav)
    imgui.set_next_item_width(-1.0)
    if palette.fresh:
        imgui.set_keyboard_focus_here()
        palette.fresh = False
    before = palette.text
    entered, palette.text = imgui.input_text_with_hint(
        "##command", "what is to be done", palette.text, imgui.InputTextFlags_.enter_returns_true
    )
    if palette.text != before:
        palette.at = 0
    if imgui.is_key_pressed(keys.down_arrow):
        palette.move(1)
    if imgui.is_key_pressed(keys.up_arrow):
        palette.move(-1)
    chosen = None
    for n, command in enumerate(palette.found()[:SHOWN]):
        clicked, _ = imgui.selectable(f"{command.name}##{n}", n == palette.at)
        if command.key:
            imgui.same_line(wide - imgui.calc_text_size(command.key).x - 1.4 * unit)
            imgui.text_disabled(command.key)
        chosen = command if clicked else chosen
    place, box = imgui.get_window_pos(), imgui.get_window_size()
    imgui.end()
    imgui.pop_style_color()
    if entered or chosen is not None:
        palette.run(chosen)
    elif imgui.is_key_pressed(keys.escape):
        palette.open = False
    return place.x, place.y, box.x, box.y
