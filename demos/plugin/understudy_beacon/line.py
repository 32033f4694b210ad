"""The protocol: one line of text in a datagram, `NAME X Y Z`, in metres, +Y up, +Z forward.

A codec is pure: bytes to values and back. It raises ProtocolError, a sentence, and nothing else.
"""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import ProtocolError

PORT = 7410
FARTHEST_M = 1e4


def decode(data: bytes) -> tuple[str, np.ndarray]:
    """Name and position (3,) of a beacon."""
    try:
        name, *numbers = data.decode().split()
        position = np.array([float(number) for number in numbers])
    except ValueError:
        raise ProtocolError(f"{data[:40]!r} is no line NAME X Y Z.") from None
    if position.shape != (3,) or not (np.abs(position) <= FARTHEST_M).all():
        raise ProtocolError(f"{data[:40]!r} needs three numbers within {FARTHEST_M:g} m.")
    return name, position


def encode(name: str, position: np.ndarray) -> bytes:
    """The line of a beacon; position is (3,)."""
    x, y, z = position
    return f"{name.replace(' ', '_') or '-'} {x:.4f} {y:.4f} {z:.4f}\n".encode()
