"""Plug-ins: sources, outputs, exporters and effects of other packages, found by entry points.

The name of an entry point is the word that users write (the scheme of a source or an output, the
suffix of an exporter); its value is a module with a few names that docs/architecture.md lists. A
plug-in runs inside our processes: whoever installs one trusts it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import Failure, UnderstudyError

SOURCES = "understudy.sources"
OUTPUTS = "understudy.outputs"
EXPORTERS = "understudy.exporters"
EFFECTS = "understudy.effects"
NOUN = {SOURCES: "source", OUTPUTS: "output", EXPORTERS: "exporter", EFFECTS: "effect package"}
# Which plug-ins a user has been told of. Processes that we start inherit it and stay silent.
TOLD = "UNDERSTUDY_PLUGINS_TOLD"


@dataclass(frozen=True)
class Broken:
    """A plug-in that cannot be used, and why."""

    noun: str
    name: str
    package: str
    why: str

    def __str__(self) -> str:
        return (
            f"The {self.noun} {self.name!r} of the package {self.package} cannot be loaded "
            f"({self.why}); mend that package or remove it."
        )


def names(group: str) -> list[str]:
    """The names of a group's plug-ins; loads none of them."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, taken: Container[str], members: Sequence[str] = ()) -> dict[str, Any]:
    """The plug-ins of a group by their names; what cannot be used is `Broken`, and is told once.

    taken are names that are ours; members are the names that a module must have.
    """
    found: dict[str, Any] = {}
    # A package that is on the path twice has each entry twice.
    for entry in sorted({*entry_points(group=group)}, key=lambda one: (one.name, one.value)):
        if entry.name in taken:
            _tell(_broken(group, entry, "Understudy has that name itself"))
        elif entry.name in found:
            _tell(_broken(group, entry, "another plug-in has that name"))
        else:
            found[entry.name] = _loaded(group, entry, members)
            if isinstance(found[entry.name], Broken):
                _tell(found[entry.name])
    return found


def made(make: Callable[[], Any], what: str) -> Any:
    """What a plug-in's class makes; what it raises, other than a sentence, becomes one."""
    try:
        return make()
    except (UnderstudyError, OSError):
        raise
    except Exception as error:
        raise Failure(
            f"{what} cannot be opened: its package has a fault ({type(error).__name__}: {error}); "
            "mend that package or leave it out."
        ) from None


def _loaded(group: str, entry: EntryPoint, members: Sequence[str]) -> Any:
    try:
        module = entry.load()
    # A module may even end the program at its import, and must not end ours.
    except (Exception, SystemExit) as error:
        return _broken(group, entry, f"{type(error).__name__}: {error}".rstrip(": "))
    if lacking := [name for name in members if not hasattr(module, name)]:
        return _broken(group, entry, f"{entry.value} has no {' and no '.join(lacking)}")
    return module


def _broken(group: str, entry: EntryPoint, why: str) -> Broken:
    package = entry.dist.name if entry.dist is not None else entry.value
    return Broken(NOUN[group], entry.name, package, " ".join(why.split()))


def _tell(broken: Broken) -> None:
    told = os.environ.get(TOLD, "").split(",")
    key = f"{broken.noun}/{broken.package}/{broken.name}"
    if key not in told:
        os.environ[TOLD] = ",".join(filter(None, [*told, key]))
        print(f"understudy: {broken}", file=sys.stderr, flush=True)
