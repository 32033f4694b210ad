"""Which level of detail a body is drawn at, by its size on screen."""

from __future__ import annotations

from collections.abc import Sequence

# A level is taken when it is off by less than so many pixels.
MOST_OFF_PX, SHADOW_OFF_M = 0.45, 0.005
KEEP = 1.25  # a coarser level is left later than it is taken, so that nobody flickers between two

Group = tuple[int, int, int]  # a level, the first row that is drawn at it, and how many


def level_of(errors_m: Sequence[float], pixels_per_m: float, before: int) -> int:
    """The coarsest level that nobody sees; errors_m says of each how far its surface is off.

    pixels_per_m  how many pixels a metre takes where the body is
    before        the level that it had last
    """
    for k in range(len(errors_m) - 1, 0, -1):
        most = MOST_OFF_PX * (KEEP if k <= before else 1.0)
        if errors_m[k] * pixels_per_m < most:
            return k
    return 0


def groups_of(levels: Sequence[int]) -> list[Group]:
    """Rows that lie beside each other at one level, together."""
    out: list[Group] = []
    for row, level in enumerate(levels):
        if out and out[-1][0] == level:
            out[-1] = level, out[-1][1], out[-1][2] + 1
        else:
            out.append((level, row, 1))
    return out


def shadow_level(errors_m: Sequence[float]) -> int:
    """The coarsest level whose shadow nobody tells from the whole mesh's."""
    return max((k for k, error_m in enumerate(errors_m) if error_m < SHADOW_OFF_M), default=0)
