"""What a user says of a motion file instead of what is guessed: words to values."""

from __future__ import annotations

import re

from understudy.runtime.core.errors import UnderstudyError

UNITS_M = {
    "m": 1.0, "metre": 1.0, "meter": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "inch": 0.0254,
    "in": 0.0254, "foot": 0.3048, "ft": 0.3048, "cmu": 0.056444,
}  # fmt: skip


def up_axis(text: str) -> str:
    """The vertical axis, "Y" or "-Z", of words such as y, -Z, Y-down."""
    match = re.fullmatch(r"(?i)([+-]?)([xyz])(-|-?down)?", text.strip())
    if match is None:
        raise UnderstudyError(f"{text!r} is no axis; give Y, Z, X, -Y, -Z or -X")
    down = (match[1] == "-") != bool(match[3])
    return ("-" if down else "") + match[2].upper()


def unit_m(text: str) -> float:
    """Metres per unit, of a number or a unit's name."""
    if text.strip().lower() in UNITS_M:
        return UNITS_M[text.strip().lower()]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e6:
        raise UnderstudyError(
            f"{text!r} is no length; give metres above 0, or one of {', '.join(UNITS_M)}"
        )
    return value


def rest_pose(text: str) -> int | str:
    """The frame in which the body stands in a T-pose, or "t-pose": zero angles are one."""
    if text.strip().lower() in ("t-pose", "tpose"):
        return "t-pose"
    if not text.strip().isdigit():
        raise UnderstudyError(f"{text!r} is neither a frame's number nor t-pose")
    return int(text)
