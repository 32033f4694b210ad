"""SMPTE labels as seconds, for the timeline. No bpy."""

from __future__ import annotations

import re
from fractions import Fraction

_LABEL = re.compile(r"(\d+):(\d\d):(\d\d)([:;])(\d\d)")


def seconds(label: str, rate_num: int, rate_den: int) -> float | None:
    """Real time since 00:00:00:00 of a label, ';' for drop-frame; None where it is none."""
    match = _LABEL.fullmatch(label)
    if match is None or rate_num <= 0 or rate_den <= 0:
        return None
    rate = Fraction(rate_num, rate_den)
    nominal = round(rate)
    hours, minutes, whole, frames = (int(match[i]) for i in (1, 2, 3, 5))
    minutes += 60 * hours
    count = (60 * minutes + whole) * nominal + frames
    if match[4] == ";":  # two labels a minute are left out, four at 59.94, but in every tenth
        count -= nominal // 15 * (minutes - minutes // 10)
    return float(count / rate)


def between(zero: str, label: str, rate_num: int, rate_den: int) -> float | None:
    """Real time from one label to another, drop-frame if the second is; None where one is none."""
    begin = seconds(zero[:8] + label[8:9] + zero[9:], rate_num, rate_den)
    end = seconds(label, rate_num, rate_den)
    return None if begin is None or end is None else end - begin
