"""What a viewport's window was like when it was closed: its size, what is drawn over the picture,
and camera bookmarks. Set, light and lens belong to the session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import tomli_w

from understudy.runtime.core.rotation import Array

from .camera import Camera

KEPT = ("labels", "hud", "trajectory", "contacts", "skeleton", "guides", "life")
GLIDE_S = 0.7


class Bookmark(msgspec.Struct):
    """Where a camera stood, and its lens."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    focal_mm: float = 38.0


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


@dataclass
class Glide:
    """A camera on its way to a bookmark: it begins and ends at rest."""

    begin: tuple[Array, Array, float]
    end: tuple[Array, Array, float]
    gone_s: float = 0.0

    def move(self, camera: Camera, dt_s: float) -> float:
        """Moves the camera on; gives its focal length in mm."""
        self.gone_s += dt_s
        share = min(self.gone_s / GLIDE_S, 1.0)
        share *= share * (3.0 - 2.0 * share)
        camera.position = self.begin[0] + share * (self.end[0] - self.begin[0])
        camera.target = self.begin[1] + share * (self.end[1] - self.begin[1])
        return self.begin[2] + share * (self.end[2] - self.begin[2])

    @property
    def is_there(self) -> bool:
        """Whether it has arrived."""
        return self.gone_s >= GLIDE_S
