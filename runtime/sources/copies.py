"""Frames that came before: by two network cards, or from a sender that says all twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

# Of one that stands still every frame is like the one before; a copy comes sooner than a frame can.
AT_ONCE_S, SHARE = 0.0009, 0.5
REMEMBERED, REMEMBERED_S = 64, 0.25


class Copies:
    """The last frames of one sender.

    unlike   no two frames of what moves are alike but copies, such as those of a body: then one
             that comes much later is known too
    """

    def __init__(self, unlike: bool = False) -> None:
        self._unlike = unlike
        self._last: deque[tuple[Hashable, float]] = deque(maxlen=REMEMBERED)
        self._at_s: dict[Hashable, float] = {}  # of the same frames, when each came last
        self._repeats = 0

    def has(self, frame: Hashable, arrived_s: float, period_s: float) -> bool:
        """Whether a frame came before; else it is remembered."""
        last = self._last
        if last and last[-1][0] == frame:
            # The first that is alike is a copy, the second says that what was moving stands still.
            self._repeats += 1
            if arrived_s - last[-1][1] < max(AT_ONCE_S, SHARE * period_s):
                return True
            if self._unlike and self._repeats == 1:
                return True
        else:
            self._repeats = 0
            # Two frames and their copies may overtake one another: who makes faces is not back at
            # the one before in less than half of a frame.
            soon_s = REMEMBERED_S if self._unlike else max(AT_ONCE_S, SHARE * period_s)
            if arrived_s - self._at_s.get(frame, float("-inf")) < soon_s:
                return True
        if len(last) == REMEMBERED and self._at_s.get(last[0][0]) == last[0][1]:
            del self._at_s[last[0][0]]
        last.append((frame, arrived_s))
        self._at_s[frame] = arrived_s
        return False
