"""A MIDI input of this machine, by a part of its name; it is read without waiting."""

from __future__ import annotations

import queue
import time
from typing import Any

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import UnderstudyError

# More than a tick can hold of the fastest desk: what is beyond it is lost, the oldest first.
MOST_WAITING = 4096


def input_names(scheme: str) -> list[str]:
    """The MIDI inputs of this machine; scheme: for the sentence where they cannot be asked."""
    return _names(scheme, "get_input_names")


def _names(scheme: str, ask: str) -> list[str]:
    try:
        import mido

        return list(getattr(mido, ask)())
    except (ImportError, OSError) as error:
        raise UnderstudyError(
            f"{scheme}:// needs the packages mido and python-rtmidi ({error}): "
            f"{distribution.install('midi')}"
        ) from None
    except Exception as error:  # the driver's own, where a machine has no MIDI at all
        raise UnderstudyError(f"{scheme}:// finds no MIDI on this machine: {error}.") from None


def _chosen(name: str, names: list[str], kind: str) -> str:
    chosen = next((one for one in names if name.lower() in one.lower()), None)
    if chosen is None:
        there = ", ".join(names) or "none"
        raise UnderstudyError(f"There is no MIDI {kind} {name!r}; there are {there}.")
    return chosen


def opened_output(name: str, scheme: str) -> tuple[Any, str]:
    """A MIDI output by a part of its name, and what it is called; the first for ""."""
    names = _names(scheme, "get_output_names")
    chosen = _chosen(name, names, "output")
    import mido

    return mido.open_output(chosen), f"MIDI {chosen}"


class MidiInput:
    """Messages as bytes, each with the monotonic second at which it came."""

    def __init__(self, name: str, scheme: str) -> None:
        """scheme: for the sentence where it cannot be opened."""
        chosen = _chosen(name, input_names(scheme), "input")
        self.where = f"MIDI {chosen}"
        self._heard: queue.SimpleQueue[tuple[list[int], float]] = queue.SimpleQueue()
        import mido

        self._input = mido.open_input(chosen, callback=self._take)

    def _take(self, message: object) -> None:
        while self._heard.qsize() >= MOST_WAITING:
            self._heard.get()
        self._heard.put((message.bytes(), time.monotonic()))  # type: ignore[attr-defined]

    def poll(self) -> list[tuple[list[int], float]]:
        """What came since the last poll."""
        return [self._heard.get() for _ in range(self._heard.qsize())]

    def close(self) -> None:
        self._input.close()
