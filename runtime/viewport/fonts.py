"""Fonts: Roboto for what it has, and for other scripts whatever the machine has, when needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imgui_bundle
from imgui_bundle import imgui

REGULAR = Path(imgui_bundle.__file__).parent / "assets" / "fonts" / "Roboto" / "Roboto-Regular.ttf"
BOLD = REGULAR.with_name("Roboto-Bold.ttf")
SIZE = 15.0
# What macOS and Windows bring, for scripts that Roboto lacks; Linux is asked through fontconfig.
PLACES = {
    "darwin": [
        Path("/System/Library/Fonts", name)
        for name in (
            "Hiragino Sans GB.ttc",
            "AppleSDGothicNeo.ttc",
            "Supplemental/Arial Unicode.ttf",
        )
    ],
    "win32": [
        Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts", name)
        for name in ("segoeui.ttf", "msyh.ttc", "YuGothR.ttc", "malgun.ttf", "Nirmala.ttf")
    ],
}


def files_with(letter: str) -> list[Path]:
    """Font files of this machine that have a letter, or may have it; the plainest first."""
    if sys.platform in PLACES:
        return [path for path in PLACES[sys.platform] if path.is_file()]
    if shutil.which("fc-list") is None:
        return []
    try:
        said = subprocess.run(
            ["fc-list", f":charset={ord(letter):x}", "file", "style"],
            capture_output=True, text=True, timeout=5.0,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    found = [line.partition(":") for line in said.splitlines()]
    plain = sorted(
        (not any(word in style for word in ("Regular", "Book")), "Mono" in file, len(file), file)
        for file, _, style in found
        if file.lower().endswith((".ttf", ".otf", ".ttc"))
    )
    return [Path(file) for *_, file in plain]


class Fonts:
    """Two fonts of ImGui's current context. `cover` adds to them before a text is drawn."""

    def __init__(self) -> None:
        self._atlas = imgui.get_io().fonts
        self.regular = self._atlas.add_font_from_file_ttf(str(REGULAR), SIZE)
        self.bold = self._atlas.add_font_from_file_ttf(str(BOLD), SIZE)
        self._known: set[str] = set()
        self._merged: set[Path] = set()
        self.missing: set[str] = set()  # letters that no font of this machine has

    def cover(self, text: str) -> None:
        """Sees that both fonts have every letter; to be called between ImGui's frames."""
        for letter in set(text) - self._known:
            self._known.add(letter)
            if not letter.isprintable() or self.regular.is_glyph_in_font(ord(letter)):
                continue
            for path in files_with(letter):
                self._merge(path)
                if self.regular.is_glyph_in_font(ord(letter)):
                    break
            else:
                self.missing.add(letter)

    def _merge(self, path: Path) -> None:
        if path in self._merged:
            return
        self._merged.add(path)
        for font in (self.regular, self.bold):
            config = imgui.ImFontConfig()
            config.merge_mode, config.dst_font = True, font
            self._atlas.add_font_from_file_ttf(str(path), SIZE, config)
