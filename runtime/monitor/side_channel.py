"""Questions to the stage that may take their time, beside the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from understudy.bridge import ControlClient

Answer = TypeVar("Answer")


class SideChannel:
    """One question at a time, on a thread that may wait for the answer."""

    def __init__(self, control: str, connect: Callable[[str], ControlClient], name: str) -> None:
        self._control, self._connect = control, connect
        self._client: ControlClient | None = None
        self._thread = ThreadPoolExecutor(1, name)

    async def ask(self, question: Callable[[ControlClient], Answer], timeout_s: float) -> Answer:
        """The stage's answer; raises its sentence, or the one about its silence."""

        def asked() -> Answer:
            if self._client is None:
                self._client = self._connect(self._control)
            self._client.timeout_s = timeout_s
            return question(self._client)

        return await asyncio.get_running_loop().run_in_executor(self._thread, asked)

    def close(self) -> None:
        def closed() -> None:
            if self._client is not None:
                self._client.close()

        with contextlib.suppress(RuntimeError):  # closed before
            self._thread.submit(closed)
        self._thread.shutdown(wait=False)
