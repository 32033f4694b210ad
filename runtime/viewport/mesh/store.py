"""Meshes by skeleton: built once, kept in memory and in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from understudy.runtime.core.skeleton import Skeleton

from . import anatomy, detail, field, mannequin, paint, skin
from .mannequin import Mesh

_FIELDS = tuple(Mesh.__dataclass_fields__)


def cache_folder() -> Path:
    """The user's cache folder for meshes; UNDERSTUDY_CACHE overrides the platform's place."""
    if "UNDERSTUDY_CACHE" in os.environ:
        return Path(os.environ["UNDERSTUDY_CACHE"]) / "meshes"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "understudy" / "meshes"


@lru_cache(maxsize=1)
def _design() -> str:
    """A hash of the design's own code: a changed mannequin is never taken from an old file."""
    digest = hashlib.blake2b(digest_size=6)
    for module in (anatomy, detail, field, mannequin, paint, skin):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


def load(skeleton: Skeleton, grid_m: float = mannequin.GRID_M) -> Mesh:
    """The skeleton's mesh, from the cache where it is sound, else built and put there."""
    name = f"{skeleton.id:016x}-{round(grid_m * 1e4)}-{_design()}.npz"
    path = cache_folder() / name
    with contextlib.suppress(Exception):  # a damaged or foreign file is built anew
        with np.load(path, allow_pickle=False) as data:
            stored = {key: data[key] for key in _FIELDS}
            return Mesh(**{**stored, "note": str(stored["note"])})
    mesh = mannequin.build(skeleton, grid_m)
    with contextlib.suppress(OSError):  # a full or read-only disk costs speed, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **{key: getattr(mesh, key) for key in _FIELDS})
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return mesh


class Wardrobe:
    """Meshes by skeleton id. With `wait` false a new one is built beside the frame loop."""

    def __init__(self, wait: bool = True, grid_m: float = mannequin.GRID_M) -> None:
        self._wait, self._grid_m = wait, grid_m
        self._ready: dict[int, Mesh] = {}
        self._making: dict[int, Future[Mesh]] = {}
        self._pool = ThreadPoolExecutor(1, "mannequin")

    def mesh(self, skeleton: Skeleton) -> Mesh | None:
        """The mesh, or None while it is being built."""
        key = skeleton.id
        if key in self._ready:
            return self._ready[key]
        if self._wait:
            self._ready[key] = load(skeleton, self._grid_m)
            return self._ready[key]
        if key not in self._making:
            self._making[key] = self._pool.submit(load, skeleton, self._grid_m)
        if self._making[key].done():
            self._ready[key] = self._making.pop(key).result()
            return self._ready[key]
        return None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
