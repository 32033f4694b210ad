"""A pad that sits in another process and arrives over the control socket."""

from __future__ import annotations

import time
from collections.abc import Callable

from understudy.bridge.requests import Pad
from understudy.runtime.core.buttons import named
from understudy.runtime.core.pose import Intent

from .pad import CENTRED, PadState, round_stick, to_intent

# A viewport sends at its frame rate; half a second without a word means that it hangs or is gone.
SILENCE_S = 0.5


class RemotePad:
    """Intents from pad messages. A sender that falls silent lets go of the sticks.

    silences counts how often that happened.
    """

    def __init__(
        self, silence_s: float = SILENCE_S, now: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.silence_s = silence_s
        self.silences = 0
        self._now = now
        self._pad = PadState()
        self._heading_rad = 0.0
        self._received_ns: int | None = None

    def put(self, message: Pad) -> None:
        """Takes what a sender says; buttons that there are not are nobody's."""
        now_ns = self._now()
        left, right = round_stick(message.left_stick), round_stick(message.right_stick)
        buttons = named(message.buttons)
        capture_ns = message.capture_ns
        # A sender on another machine has another clock: then the arrival is the capture.
        if not 0 <= now_ns - capture_ns < 1_000_000_000:
            capture_ns = now_ns
        self._pad = PadState(left, right, buttons, capture_ns)
        self._heading_rad = message.camera_heading_rad
        self._received_ns = now_ns

    def intent(self, time_s: float) -> Intent:
        """The last message's intent, or rest when there is none or it is too old."""
        if self._received_ns is None:
            return to_intent(PadState(CENTRED))
        if self._now() - self._received_ns > self.silence_s * 1e9:
            self.silences += 1
            self._received_ns = None
            return to_intent(PadState(CENTRED))
        return to_intent(self._pad, self._heading_rad)

    def close(self) -> None:
        """Nothing is held open: the socket is the stage's."""
