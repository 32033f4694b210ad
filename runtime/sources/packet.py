"""What a source of motion hands to the stage.

A motion source is any object with

    name, skeleton      whom it moves, and on which joints
    poll(now_s)         the packets that came since the last poll, in order of arrival
    silence             why nothing will come any more, a few words for people; "" while it may
    close()

and nothing else: a file, a network protocol and a test differ in `poll` alone. A packet may be
late, early or out of order; its `capture_s` says when it was seen, on the clock of `now_s`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton


@dataclass(slots=True)
class Packet:
    """One pose as seen: positions (J, 3), rotations (J, 4), seen (J,) bool or None for all.

    What stands at joints that were not seen is of no account.
    """

    capture_s: float
    positions: Array
    rotations: Array
    seen: Array | None = None


class MotionSource(Protocol):
    """See above."""

    name: str
    skeleton: Skeleton

    @property
    def silence(self) -> str: ...

    def poll(self, now_s: float) -> list[Packet]: ...

    def close(self) -> None: ...
