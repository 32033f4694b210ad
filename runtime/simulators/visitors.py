"""Who asks a simulated device to send to them."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

# A device forgets who has been silent for so long.
FORGETS_S = 10.0
LARGEST = 2048


class Visitors:
    """Answers what comes to a device's socket; peers are whom it sends to.

    A port that is taken, as by the real program beside it, leaves only whom the user named.
    """

    def __init__(self, out: socket.socket, port: int, simulator: Any, named: Any) -> None:
        self._out, self._named = out, named
        self._answers = getattr(simulator, "answers", None)
        self._heard_s: dict[Any, float] = {}
        if port and self._answers is not None:
            with contextlib.suppress(OSError):
                out.bind(("", port))
            out.setblocking(False)

    def answer(self, now_s: float) -> None:
        """Answers whoever has asked by now."""
        if self._answers is None:
            return
        with contextlib.suppress(OSError):
            while True:
                data, peer = self._out.recvfrom(LARGEST)
                found = self._answers(data)
                if found is None:
                    self._heard_s.pop(peer, None)
                    continue
                if found or peer in self._heard_s:  # who never connected is sent nothing
                    self._heard_s[peer] = now_s
                for one in found:
                    self._out.sendto(one, peer)
        for peer in [p for p, at_s in self._heard_s.items() if now_s - at_s > FORGETS_S]:
            del self._heard_s[peer]

    @property
    def peers(self) -> list[Any]:
        """Whom it sends to."""
        return [self._named, *(peer for peer in self._heard_s if peer != self._named)]
