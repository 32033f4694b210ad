"""Exporters by the suffix of a take's file: `--record take.bvh`.

An exporter is a module with `write(path, clip)`, which writes a `Clip` whole or not at all. Those
of other packages join by an entry point of the group `understudy.exporters`, whose name is the
suffix without its dot: docs/architecture.md.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from understudy.runtime.core import plugins
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.plugins import Broken
from understudy.runtime.core.typed import nearest

from . import bvh

KNOWN: dict[str, Any] = {"bvh": bvh}
# What a module of another package must have.
MEMBERS = ("write",)


@functools.cache
def known() -> dict[str, Any]:
    """Our exporters, and those of other packages; one that cannot be loaded costs itself alone."""
    return KNOWN | plugins.load(plugins.EXPORTERS, KNOWN, MEMBERS)


def exporter(path: Path) -> Any:
    """The module that writes such a file. What is ours needs no look at other packages."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in KNOWN:
        return KNOWN[suffix]
    there = known()
    if suffix not in there:
        every = ", ".join(f".{one}" for one in there)
        said = f"the suffix .{suffix}{nearest(suffix, there)}" if suffix else "no suffix"
        raise UnderstudyError(
            f"{shown(path)} has {said}, which says how a take is written; there are {every}."
        )
    if isinstance(there[suffix], Broken):
        raise UnderstudyError(f"{shown(path)}: {there[suffix]}")
    return there[suffix]
