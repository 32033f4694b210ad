"""The buttons of an Intent, by name."""

from __future__ import annotations

import functools

from understudy.bridge.schema.understudy_fb.Button import Button

# A button's name in an Intent -> its bit on the wire.
BUTTONS: dict[str, int] = {
    name.lower(): bit for name, bit in vars(Button).items() if not name.startswith("_")
}


@functools.lru_cache(maxsize=256)
def button_bits(names: frozenset[str]) -> int:
    """What is held down, as the wire has it; names that it does not know are left out."""
    return sum(BUTTONS.get(name, 0) for name in names)


@functools.lru_cache(maxsize=256)
def button_names(bits: int) -> frozenset[str]:
    """The names of what is held down."""
    return frozenset(name for name, bit in BUTTONS.items() if bits & bit)
