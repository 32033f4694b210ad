"""Colours that mean something, the same wherever they are seen: sRGB, 0..1.

The viewport draws with them, the monitor's page is told them, demos print them.
"""

from __future__ import annotations

from .pose import State

Colour = tuple[float, float, float]

# Who moves the subject: its source, the network, nobody. Words say which of the two reds it is.
STATE_COLOUR: dict[State, Colour] = {
    State.LIVE: (0.35, 0.85, 0.52),
    State.TAKEOVER: (1.0, 0.69, 0.125),
    State.HOLD: (1.0, 0.29, 0.24),
    State.LOST: (1.0, 0.29, 0.24),
}
# Sleeves of the mannequin. Bones are drawn in paler ones, so that they show over it.
LEFT: Colour = (0.90, 0.40, 0.19)
RIGHT: Colour = (0.19, 0.56, 0.64)


def linear(colour: Colour) -> Colour:
    """For light: the colour with its display's curve taken off."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return r, g, b
