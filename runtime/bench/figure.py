"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside its target, with the conditions under which it was taken."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    conditions: str = ""
