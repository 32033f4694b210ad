"""A host's address, asked for beside the loop: a name server may take seconds to answer."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable

from understudy.runtime.core.errors import UnderstudyError

from .target import Target, resolve

RETRY_S = 5.0
Address = tuple[socket.AddressFamily, tuple]


def is_number(host: str) -> bool:
    """Whether a host is an address already, so that nobody has to be asked."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


class Resolver:
    """Asks for a target's address until it is known, and keeps it from then on.

    A machine that is not on yet has no name in many networks; it may come. One that is known
    keeps its address, so a name server that fails later costs nothing.

    reason  why there is no address yet
    failed  whether that is an answer, and no mere waiting for one
    """

    def __init__(self, to: Target, ask: Callable[[Target], Address] = resolve) -> None:
        self.reason = f"The address of host {to.host!r} is being asked for."
        self.failed = False
        self._target, self._ask = to, ask
        self._found: Address | None = None
        self._asking: threading.Thread | None = None
        self._next_s = float("-inf")

    def poll(self, now_s: float) -> Address | None:
        """The address, once it is known. Never waits."""
        if self._found is None and now_s >= self._next_s and not self._is_asking():
            self._next_s = now_s + RETRY_S
            self._asking = threading.Thread(target=self._run, name="resolver", daemon=True)
            self._asking.start()
        return self._found

    def _is_asking(self) -> bool:
        return self._asking is not None and self._asking.is_alive()

    def _run(self) -> None:
        try:
            self._found = self._ask(self._target)
        except UnderstudyError as error:
            self.reason, self.failed = str(error), True
