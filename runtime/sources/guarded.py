"""A source of another package: a fault in its code costs itself alone, and not the stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .packet import Packet
from .streams import Source, Stream

Value = TypeVar("Value")


class Guarded:
    """The source, with its exceptions counted and shown.

    faults  how often it raised
    """

    def __init__(self, source: Source) -> None:
        self._source, self.name = source, source.name
        self.faults, self._fault = 0, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def _asked(self, ask: Callable[[], Value], otherwise: Value) -> Value:
        try:
            return ask()
        except Exception as error:
            self.faults += 1
            self._fault = f"a fault in this source: {type(error).__name__}: {error}".rstrip(": ")
            return otherwise

    def poll(self, now_s: float) -> list[Packet]:
        """Its packets; none where it raises."""
        before = self.faults
        nothing: list[Packet] = []
        packets = self._asked(lambda: list(self._source.poll(now_s)), nothing)
        if self.faults == before:
            self._fault = ""
        return packets

    @property
    def streams(self) -> Sequence[Stream]:
        return self._asked(lambda: list(self._source.streams), [])

    @property
    def notice(self) -> str:
        """What its crew should know; its fault where the last poll raised."""
        return self._fault or self._asked(lambda: self._source.notice, "")

    def figures(self) -> Mapping[str, Any]:
        return {**self._asked(self._source.figures, {}), "faults": self.faults}

    def close(self) -> None:
        self._asked(self._source.close, None)
