"""Style: continuous traits of a body that the performer acts, as names and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.performer.control.layout import STYLES

Style = dict[str, float]


def checked(traits: Mapping[str, Any], where: str) -> Style:
    """The traits, if each is one of STYLES and lies in -1..1."""
    for name, value in traits.items():
        if name not in STYLES:
            raise UnderstudyError(
                f"{where}: the trait {name!r} is unknown; known are {', '.join(STYLES)}."
            )
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or abs(value) > 1.0:
            raise UnderstudyError(f"{where}: {name} is {value!r}; it lies between -1 and 1.")
    return {name: float(value) for name, value in traits.items()}


def parse_style(text: str) -> Style:
    """The traits that a user wrote: energy=0.5,crouch=-0.3."""
    traits: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        try:
            traits[name] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise UnderstudyError(
                f"--style {text!r}: {part!r} is no trait; write NAME=VALUE,..., as "
                f"{','.join(f'{name}=0.5' for name in STYLES)}."
            )
    return checked(traits, f"--style {text!r}")
