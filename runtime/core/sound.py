"""Sound that is heard beside a stage: pieces of it, as takes have them, and other rates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from .rotation import Array

RATE_HZ = 48000
Samples = np.ndarray[Any, np.dtype[np.int16]]
# What a third of the rate can hold, by a window's sinc of so many samples.
_WIDE, _HIGHEST_HZ = 63, 7400.0


class Piece(msgspec.Struct, frozen=True):
    """Some samples of a microphone or a sound file, in the words of Foxglove's RawAudio.

    name   which sound of the stage it is of
    at_ns  when its first sample was heard, on the monotonic clock
    data   16 bits a sample, little-endian
    """

    name: str
    at_ns: Annotated[int, Meta(ge=0, lt=1 << 62)]
    data: bytes
    sample_rate: Annotated[int, Meta(ge=8000, le=384_000)] = RATE_HZ
    number_of_channels: Literal[1] = 1
    format: Literal["pcm-s16"] = "pcm-s16"

    @property
    def samples(self) -> Samples:
        """(N,) int16"""
        return np.frombuffer(self.data[: len(self.data) // 2 * 2], "<i2")


ENCODER, DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Piece)


def pcm(sound: Array) -> Samples:
    """(N,) int16 of a sound (N,) -1..1."""
    return np.clip(np.round(sound * 32767.0), -32768, 32767).astype("<i2")


def _taps() -> Array:
    at = np.arange(_WIDE) - _WIDE // 2
    taps = np.sinc(2.0 * _HIGHEST_HZ / RATE_HZ * at) * np.kaiser(_WIDE, 5.0)
    return np.asarray(taps / taps.sum(), np.float32)


class Thirds:
    """A sound in pieces at a third of its rate, 0.7 ms late; what a third cannot hold is gone."""

    def __init__(self) -> None:
        self._taps = _taps()
        self._rest = np.zeros(_WIDE - 1, np.float32)

    def __call__(self, sound: Array) -> Array:
        """(N / 3,) of the next piece (N,)."""
        flat = np.concatenate([self._rest, sound])
        count = max((len(flat) - _WIDE) // 3 + 1, 0)
        self._rest = flat[3 * count :]
        if not count:
            return np.zeros(0, np.float32)
        return np.convolve(flat[: 3 * count + _WIDE - 3], self._taps, "valid")[::3]
