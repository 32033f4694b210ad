"""What a phone with Live Link Face says of itself by OSC: how full its battery is, and its heat.

On the app's OSC port, 8000, it is asked by /BatteryQuery and /ThermalsQuery. It answers /Battery
with 0..1 and /Thermals with 0..3, iOS' thermal states, to where /OSCSetSendTarget last sent it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import osc
from .error import ProtocolError

PORT = 8000
HEAT = ("cool", "warm", "hot", "too hot")


@dataclass(slots=True)
class Said:
    """battery 0..1 and heat, a row of HEAT; None: not in this datagram."""

    battery: float | None = None
    heat: int | None = None


def questions(host: str, port: int) -> list[bytes]:
    """The datagrams that ask it to answer there."""
    return [
        osc.encode("/OSCSetSendTarget", host, port),
        osc.encode("/BatteryQuery"),
        osc.encode("/ThermalsQuery"),
    ]


def decode(data: bytes) -> Said:
    """What a datagram says; of its other answers nothing."""
    said = Said()
    for message in osc.decode(data):
        if message.address not in ("/Battery", "/Thermals"):
            continue
        value = message.arguments[0] if message.arguments else None
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ProtocolError(f"{message.address} of Live Link Face has a number, and this not.")
        if message.address == "/Battery":
            said.battery = min(max(float(value), 0.0), 1.0)
        else:
            said.heat = min(max(int(value), 0), len(HEAT) - 1)
    return said
