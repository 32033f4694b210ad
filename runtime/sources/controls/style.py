"""Style: continuous traits of a body that the performer acts, as names and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.performer.control.layout import TRAITS, Trait

Style = dict[str, float]
# What a file or a request may set.
Traits = dict[Trait, Annotated[float, Meta(ge=-1.0, le=1.0)]]


def checked(traits: Mapping[str, Any], where: str, strict: bool = True) -> Style:
    """The traits, if each is one of TRAITS and lies in -1..1; not strict, as `typed.convert`."""
    given = typed.convert(dict(traits), Traits, where, strict)
    return {str(name): value for name, value in given.items()}


def parse_style(text: str) -> Style:
    """The traits that a user wrote: energy=0.5,crouch=-0.3."""
    traits: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        traits[name] = value
        if not equals or not name:
            raise UnderstudyError(
                f"--style {text!r}: {part!r} is no trait; write NAME=VALUE,..., as "
                f"{','.join(f'{name}=0.5' for name in TRAITS)}."
            )
    return checked(traits, f"--style {text!r}", strict=False)
