"""Ctrl-C and SIGTERM: what they stop, and the exit status that tells of them afterwards."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

# On Windows no process can be sent SIGTERM; Ctrl-Break is what our own processes send there.
STOPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
_received: int | None = None


def interrupt() -> None:
    """Ends whatever runs, from the inside out, so that files and sockets are let go."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM call `stop`; the exit status is theirs all the same."""

    def told(number: int, _frame: object) -> None:
        global _received
        _received = number
        stop()

    before = [signal.signal(number, told) for number in STOPS]
    try:
        yield
    finally:
        for number, handler in zip(STOPS, before, strict=True):
            signal.signal(number, handler)


def received() -> str:
    """The signal that asked this process to end, "" where none did."""
    if _received is None:
        return ""
    return "SIGINT" if _received == signal.SIGINT else "SIGTERM"


def status(code: int) -> int:
    """The exit status of a command that ended with `code`: 130 or 143 where a signal ended it."""
    if code or not received():
        return code
    return 128 + getattr(signal, received())


def forget() -> None:
    """For a program that runs more than one command."""
    global _received
    _received = None
