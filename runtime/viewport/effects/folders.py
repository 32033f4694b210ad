"""Image effects by name: those that are shipped, and those of other packages.

An effect is a folder with effect.toml and one ONNX network. An entry point of the group
`understudy.effects` names a package; the folders in it that hold an effect.toml are its effects.
"""

from __future__ import annotations

import functools
from pathlib import Path

from understudy.runtime.core import plugins
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.plugins import Broken
from understudy.runtime.core.typed import nearest

SHIPPED = Path(__file__).parents[3] / "models" / "weights" / "effects"


@functools.cache
def known() -> dict[str, Path]:
    """The folder of each effect that has a name; a name that two have is the first's."""
    found = _in(SHIPPED)
    for package in plugins.load(plugins.EFFECTS, (), ("__path__",)).values():
        if not isinstance(package, Broken):
            for place in package.__path__:
                found = _in(Path(place)) | found
    return found


def _in(place: Path) -> dict[str, Path]:
    return {card.parent.name: card.parent for card in sorted(place.glob("*/effect.toml"))}


def folder(said: str) -> Path:
    """The folder that a user means: a path, or the name of an effect."""
    path = Path(said)
    if path.is_dir() or len(path.parts) != 1:
        return path
    if said not in known():
        raise UnderstudyError(
            f"There is no effect and no folder {said!r}{nearest(said, known())}; there are "
            f"{', '.join(known())}. An effect of your own is a folder with effect.toml."
        )
    return known()[said]
