"""A speaker's throat beside those that a network of voices knows, by the mean of what is heard.

Formants of a longer throat lie lower. Of several lengths the one is taken whose bands, bent by it,
look on average most like those that the network learned from (vocal tract length normalisation, Lee
and Rose 1996, with a mean in place of a model). It moves slowly, so that no mouth jumps.
"""

from __future__ import annotations

import functools

import numpy as np

from understudy.runtime.core.rotation import Array

LENGTHS = np.round(np.arange(0.80, 1.151, 0.05), 2)
USUAL = int(np.argmin(np.abs(LENGTHS - 1.0)))
# Speech is what lies within so much of the loudest of late, of bands as `speech.bands` has them,
# and above silence; what is the loudest fades by so much. Every second frame is looked at.
LOUD, SILENT, FADES = 0.7, -1.45, 0.004
# A length is thought of after so many of them that were speech, and anew every so many; what was
# heard longer ago than so many fades.
FIRST, EVERY, KEPT = 25, 12, 250


@functools.cache
def bends(count: int, mel: tuple[float, float]) -> Array:
    """(K, B, B): bands, even on the mel scale between two ends, times these are of usual length."""
    middles = np.linspace(mel[0], mel[1], count + 2)[1:-1]
    hertz = 700.0 * (10.0 ** (middles / 2595.0) - 1.0)
    there = 2595.0 * np.log10(1.0 + hertz * LENGTHS[:, None] / 700.0)
    at = (there - middles[0]) / (middles[1] - middles[0])
    at = np.clip(at, 0.0, count - 1.001)[:, None, :]
    return np.maximum(1.0 - np.abs(at - np.arange(count)[:, None]), 0.0).astype(np.float32)


class Throat:
    """One speaker's; usual (B,) is the mean of speech that the network learned from."""

    def __init__(self, usual: Array, mel: tuple[float, float]) -> None:
        self._usual = np.asarray(usual, np.float32)
        self._bends = bends(len(self._usual), mel)
        self.clear()

    def clear(self) -> None:
        """Another speaker."""
        self._mean = np.zeros_like(self._usual)
        self._frames, self._peak, self.length = 0, float("-inf"), USUAL
        self._turn = False

    def bent(self, columns: Array) -> Array:
        """(2, B) two columns of bands, as if of a throat of usual length."""
        self._turn = not self._turn
        if self._turn:
            self._listen(columns[0])
        return columns if self.length == USUAL else columns @ self._bends[self.length]

    def _listen(self, column: Array) -> None:
        loud = float(np.add.reduce(column)) / len(column)
        self._peak = max(loud, self._peak - FADES)
        if loud > SILENT and loud > self._peak - LOUD:
            self._frames += 1
            self._mean += (column - self._mean) * np.float32(1.0 / min(self._frames, KEPT))
            if self._frames >= FIRST and self._frames % EVERY == 0:
                self.length += int(np.sign(self._nearest() - self.length))

    def _nearest(self) -> int:
        off = self._mean @ self._bends - self._usual
        return int(np.abs(off - off.mean(-1, keepdims=True)).sum(-1).argmin())
