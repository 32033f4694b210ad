"""An audio input of this machine, in pieces with the time at which each was heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from understudy.runtime.core import sound
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

BLOCK_S = 0.01
# Some inputs know speech's rate and no other.
RATES_HZ = (sound.RATE_HZ, sound.RATE_HZ // 3)
LONGEST_LATENCY_S = 1.0


class Microphone:
    """Opens an input, and tells pieces of 16 bits on PortAudio's own thread.

    device  a part of its name; "" for the usual one
    tell    is called with samples (N,) and when the first was heard, on the monotonic clock in ns
    """

    def __init__(self, device: str, tell: Callable[[Array, int], None]) -> None:
        try:
            import sounddevice
        except (ImportError, OSError):
            raise UnderstudyError(
                "A microphone needs sounddevice and PortAudio: pip install sounddevice, and "
                "apt install libportaudio2 on Linux."
            ) from None
        self.rate_hz, self.lost, self._tell = 0, 0, tell
        why: Exception | None = None
        for rate_hz in RATES_HZ:
            try:
                self._stream = sounddevice.InputStream(
                    samplerate=rate_hz, channels=1, dtype="int16",
                    blocksize=round(BLOCK_S * rate_hz), device=device or None,
                    callback=self._heard,
                )  # fmt: skip
                self.rate_hz = rate_hz
                self._stream.start()
                return
            except (sounddevice.PortAudioError, ValueError) as error:
                why = why or error
        raise UnderstudyError(f"The microphone cannot be opened: {why}.")

    def _heard(self, data: Array, count: int, times: Any, status: Any) -> None:
        self.lost += bool(status)
        late_s = times.currentTime - times.inputBufferAdcTime
        if not 0.0 < late_s < LONGEST_LATENCY_S:  # some systems do not say
            late_s = count / self.rate_hz
        self._tell(data[:, 0].copy(), time.monotonic_ns() - round(late_s * 1e9))

    @property
    def notice(self) -> str:
        """What a crew should know; "" where all is well."""
        return "" if self._stream.active else "the microphone has stopped"

    def close(self) -> None:
        self._stream.close()
