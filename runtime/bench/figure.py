"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside its target, with the conditions under which it was taken.

    A value of None was not measured; the conditions say why.
    """

    name: str
    value: float | None
    unit: str
    target: str = ""
    met: bool | None = None
    conditions: str = ""
