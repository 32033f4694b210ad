"""What a viewport's window was like when it was closed: its size, what is drawn over the picture,
and camera bookmarks. Set, light and lens belong to the session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import tomli_w

from .bookmarks import Bookmark

KEPT = ("labels", "hud", "trajectory", "contacts", "skeleton", "guides", "life")


class Settings(msgspec.Struct):
    """size  of the window, in points; 0: as the command says"""

    size: tuple[int, int] = (0, 0)
    shown: dict[str, bool] = {}
    bookmark: dict[str, Bookmark] = {}


def folder() -> Path:
    """Where the user's settings are; UNDERSTUDY_CONFIG moves it."""
    own = os.environ.get("UNDERSTUDY_CONFIG")
    return Path(own or platformdirs.user_config_dir("understudy", appauthor=False))


def load(path: Path) -> tuple[Settings, str]:
    """What is kept there, and a sentence where it cannot be read; then it is as at first."""
    if not path.is_file():
        return Settings(), ""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings), ""
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError) as error:
        beside = path.with_suffix(".damaged.toml")
        try:
            os.replace(path, beside)
        except OSError:
            beside = path
        return Settings(), f"{path.name} cannot be read ({error}); it is kept as {beside.name}."


def save(path: Path, settings: Settings) -> None:
    """Writes it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables: dict[str, Any] = msgspec.to_builtins(settings)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(tomli_w.dumps(tables), encoding="utf-8")
    os.replace(part, path)
