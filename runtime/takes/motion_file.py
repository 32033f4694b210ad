"""Motion files of any kind that we read, by their suffix."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.progress import Progress

from . import bvh
from .bvh_clip import Given
from .clip import Clip
from .scene_clip import Which

SCHEMES = {
    **dict.fromkeys((".glb", ".vrm", ".vrma"), "glb"),
    **dict.fromkeys((".usd", ".usda", ".usdc", ".usdz"), "usd"),
    ".fbx": "fbx",
}
# Imported where they are asked for: some need packages that no plain installation brings.
_READERS = {"glb": "gltf_clip", "usd": "usd_clip", "fbx": "fbx_clip"}
ANY = Which()


def scheme(path: Path) -> str:
    """The scheme of a source that plays such a file."""
    return SCHEMES.get(path.suffix.lower(), "bvh")


def read(
    path: Path | str,
    unit_m: float | None = None,
    up: str | None = None,
    *,
    rest: int | str | None = None,
    roles: Mapping[str, str] | None = None,
    frame_time_s: float | None = None,
    progress: Progress | None = None,
    which: Which = ANY,
) -> Clip:
    """The clip of a motion file, in metres and +Y up; the words are those of `bvh.read`.

    which  body and animation, of files that have several
    """
    path = Path(path)
    kind = scheme(path)
    if kind == "bvh":
        if which != ANY:
            raise UnderstudyError(f"{path.name} is a BVH: it has one body and one clip.")
        said = {"rest": rest, "roles": roles, "frame_time_s": frame_time_s}
        return bvh.read(path, unit_m, up, progress=progress, **said)  # type: ignore[arg-type]
    given = Given(unit_m, up, rest, roles)
    reader = importlib.import_module(f".{_READERS[kind]}", __package__)
    clip: Clip = reader.read(path, given, which, frame_time_s)
    return clip
