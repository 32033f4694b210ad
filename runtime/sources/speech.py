"""Speech heard: sound into mel bands, and those by a small recurrent network into a mouth's curves.

A frame is 20 ms. Its curves are known 57.5 ms after its middle: the network looks that far ahead
(`LOOK_AHEAD_S`), and no farther.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core import networks, typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .throat import Throat

RATE_HZ = 16000
FRAME_S, HOP = 0.02, 160  # two columns of bands to a frame
WINDOW = 400
BANDS = 40
# Frames that the network has heard beyond the one that it answers.
AHEAD = 2
# Of the sound that a frame's two columns hear, and how long after it the last that is waited for.
MIDDLE_S = (HOP / 2 + WINDOW / 2) / RATE_HZ
LOOK_AHEAD_S = AHEAD * FRAME_S + (HOP + WINDOW) / RATE_HZ - MIDDLE_S
LEAST = 1e-5
PIECE = 60 * RATE_HZ
MEL = 2595 * np.log10(1 + 60.0 / 700), 2595 * np.log10(1 + 7600.0 / 700)
NETWORK = networks.WEIGHTS / "voice.onnx"
# What the network answers; a name without a side is of both.
MOUTH = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile",
    "mouthRollLower", "mouthRollUpper", "mouthPress", "mouthLowerDown", "mouthUpperUp",
    "tongueOut",
)  # fmt: skip
SIDED = ("mouthStretch", "mouthSmile", "mouthPress", "mouthLowerDown", "mouthUpperUp")
# ARKit's names of the mouth in the order of `faced`.
CURVES: tuple[str, ...] = tuple(
    name + side for name in MOUTH for side in (("Left", "Right") if name in SIDED else ("",))
)


_FACED = np.repeat(np.arange(len(MOUTH)), [2 if name in SIDED else 1 for name in MOUTH])


def faced(values: Array) -> Array:
    """(..., K) as `CURVES` of the network's (..., C); lips close no farther than the jaw opens."""
    out = np.minimum(np.maximum(values, 0.0), 1.0).astype(np.float32, copy=False)
    out[..., 1] = np.minimum(out[..., 1], out[..., 0])
    return out.take(_FACED, axis=-1)


@functools.cache
def filters() -> Array:
    """(WINDOW + 2, BANDS) triangles, even on the mel scale from 60 to 7,600 Hz.

    They are of a window's power by its length, for the squares of real and imaginary parts in turn.
    """
    mel = np.linspace(MEL[0], MEL[1], BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    high_side, low_side = (high - bins) / (high - mid), (bins - low) / (mid - low)
    rows = np.maximum(0.0, np.minimum(low_side, high_side)).T / WINDOW
    return np.ascontiguousarray(rows.repeat(2, axis=0), np.float32)


_LEAST, _HALF, _ONE = map(np.float32, (LEAST, 0.5, 1.0))
_SHAPE = np.hanning(WINDOW).astype(np.float32)
_WITHIN = np.arange(WINDOW)
_FRAME = HOP * np.arange(2)[:, None] + _WITHIN  # the two windows of a frame


def bands(sound: Array) -> Array:
    """(N, BANDS) logarithms of a sound's (S,) bands, a column each HOP; whole windows alone."""
    if len(sound) < WINDOW:
        return np.zeros((0, BANDS), np.float32)
    count = (len(sound) - WINDOW) // HOP + 1
    at = _FRAME if count == 2 else np.arange(0, count * HOP, HOP)[:, None] + _WITHIN
    windows = np.asarray(sound, np.float32).take(at) * _SHAPE
    parts = np.asarray(np.fft.rfft(windows), np.complex64).view(np.float32)
    parts *= parts
    heard = parts @ filters()
    heard += _LEAST
    np.log10(heard, heard)
    heard *= _HALF
    heard += _ONE
    return heard


def frames(sound: Array) -> Array:
    """(T, 2 * BANDS) what the network hears of a whole sound."""
    flat = bands(sound)
    return flat[: len(flat) // 2 * 2].reshape(-1, 2 * BANDS)


class Card(msgspec.Struct):
    """What is read of the network's card. usual (BANDS,): the mean of speech that it learned from;

    without it nobody's throat is thought of.
    """

    usual: list[float] = []


class Listener:
    """Sound in pieces of any length in, the mouth's curves out, frame by frame."""

    def __init__(self) -> None:
        import onnxruntime

        if not NETWORK.exists():
            raise UnderstudyError(f"{NETWORK} is missing; `understudy train face` makes it.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(NETWORK), options, providers=["CPUExecutionProvider"]
        )
        card = typed.read_json(NETWORK.with_suffix(".json"), Card, "network's card")
        known = len(card.usual) == BANDS
        self._throat = Throat(np.array(card.usual), MEL) if known else None
        wide = self._session.get_inputs()[1].shape[-1]
        self._column = np.zeros((1, 2 * BANDS), np.float32)
        self._mouth = np.zeros((1, len(MOUTH)), np.float32)
        self._states = np.zeros((2, 1, wide), np.float32)
        # Memory that is named once: from one state into the other, and back.
        self._steps = [self._bound(*self._states[::way]) for way in (1, -1)]
        self.clear()

    def _bound(self, state: Array, after: Array) -> Any:
        bound = self._session.io_binding()
        for name, array in (("heard", self._column), ("state", state)):
            bound.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in (("mouth", self._mouth), ("after", after)):
            bound.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return bound

    def clear(self) -> None:
        """Forgets what it heard: another speaker, or a sound that begins anew."""
        self._states[:] = 0.0
        if self._throat is not None:
            self._throat.clear()
        self._rest = np.zeros(0, np.float32)
        self._heard = 0

    def hear(self, sound: Array) -> list[Array]:
        """(C,) for every frame that is known now; sound (S,) -1..1 at RATE_HZ."""
        self._rest = np.concatenate([self._rest, sound])
        count = max((len(self._rest) - WINDOW + HOP) // (2 * HOP), 0)
        if not count:
            return []
        used = count * 2 * HOP
        columns = bands(self._rest[: used + WINDOW - HOP]).reshape(-1, 2 * BANDS)
        self._rest = self._rest[used:]
        out = []
        for column in columns:
            if self._throat is not None:
                column = self._throat.bent(column.reshape(2, BANDS)).reshape(-1)
            self._column[0] = column
            self._session.run_with_iobinding(self._steps[self._heard % 2])
            self._heard += 1
            if self._heard > AHEAD:
                out.append(faced(self._mouth[0]))
        return out


def between(rows: Array, time_s: float) -> Array:
    """(C,) of rows (T, C), a frame each, at a time: rest beyond their ends."""
    at = time_s / FRAME_S - MIDDLE_S / FRAME_S
    one = int(np.floor(at))
    a, b = (rows[k] if 0 <= k < len(rows) else np.zeros_like(rows[0]) for k in (one, one + 1))
    return np.asarray(a + np.float32(at - one) * (b - a), np.float32)


def of_sound(sound: Array) -> Array:
    """(T, len(CURVES)) the curves of a whole sound, a row for each frame."""
    listener, rows = Listener(), []
    for begin in range(0, len(sound), PIECE):  # windows of an hour at once are gigabytes
        rows += listener.hear(sound[begin : begin + PIECE])
    rows += listener.hear(np.zeros(RATE_HZ // 10))
    return np.array(rows).reshape(-1, len(CURVES))
