"""A phone that is asked now and then how full its battery is, and how hot it is."""

from __future__ import annotations

import contextlib
import socket

from understudy.bridge.protocols import ProtocolError
from understudy.bridge.protocols import livelinkface_phone as phone

ASK_S, MOST_ANSWERS = 20.0, 8
# What was said longer ago is said no more.
KEPT_S = 70.0


class Phone:
    """The OSC side of Live Link Face on one phone; opens a port for its answers."""

    def __init__(self, address: str, port: int = phone.PORT) -> None:
        self._to = address, port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("", 0))
        self._asked_s = self._said_s = float("-inf")
        self.battery: float | None = None
        self.heat: int | None = None

    def poll(self, now_s: float) -> None:
        """Reads its answers, and asks where it is time; never waits."""
        if now_s - self._asked_s >= ASK_S:
            self._asked_s = now_s
            with contextlib.suppress(OSError):  # no way to it now: asked again later
                self._ask()
        for _ in range(MOST_ANSWERS):
            try:
                data, peer = self.socket.recvfrom(2048)
            except OSError:
                break
            if peer[0] != self._to[0]:
                continue
            with contextlib.suppress(ProtocolError):  # it has no source to be damaged
                self._take(phone.decode(data), now_s)
        if now_s - self._said_s > KEPT_S:
            self.battery = self.heat = None

    def _ask(self) -> None:
        with socket.socket(self.socket.family, socket.SOCK_DGRAM) as way:
            way.connect(self._to)  # tells which of our addresses it can answer to
            here = way.getsockname()[0]
        for data in phone.questions(here, self.socket.getsockname()[1]):
            self.socket.sendto(data, self._to)

    def _take(self, said: phone.Said, now_s: float) -> None:
        self._said_s = now_s
        self.battery = self.battery if said.battery is None else said.battery
        self.heat = self.heat if said.heat is None else said.heat

    @property
    def words(self) -> str:
        """Battery, and heat where there is any."""
        words = [] if self.battery is None else [f"battery {100.0 * self.battery:.0f}%"]
        words += [phone.HEAT[self.heat]] if self.heat else []
        return ", ".join(words)

    def close(self) -> None:
        self.socket.close()
