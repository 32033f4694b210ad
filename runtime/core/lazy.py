"""Modules by name that are imported when they are first asked for.

A stage knows two dozen protocols and speaks two: those that it does not speak cost it nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


class Lazy(Mapping[str, Any]):
    """A name -> "module", or "module:attribute"; or the thing itself."""

    def __init__(self, package: str, places: Mapping[str, Any]) -> None:
        """places: of our own, relative to a package."""
        self._package, self._places = package, dict(places)

    def __getitem__(self, name: str) -> Any:
        place = self._places[name]
        if isinstance(place, str):
            module, _, attribute = place.partition(":")
            found = import_module(module, self._package)
            place = self._places[name] = getattr(found, attribute) if attribute else found
        return place

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def with_more(self, more: Mapping[str, Any]) -> Lazy:
        """These and others, which are there already."""
        return Lazy(self._package, {**self._places, **more})
