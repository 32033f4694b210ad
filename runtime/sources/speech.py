"""Speech heard: sound into mel bands, and those by a small recurrent network into a mouth's curves.

A frame is 20 ms. Its curves are known 57.5 ms after its middle: the network looks that far ahead
(`LOOK_AHEAD_S`), and no farther.
"""

from __future__ import annotations

import functools

import numpy as np

from understudy.runtime.core import networks
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

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
    """(WINDOW // 2 + 1, BANDS) triangles, even on the mel scale from 60 to 7,600 Hz.

    They are of a window's power, by its length.
    """
    mel = np.linspace(MEL[0], MEL[1], BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    high_side, low_side = (high - bins) / (high - mid), (bins - low) / (mid - low)
    return np.ascontiguousarray(np.maximum(0.0, np.minimum(low_side, high_side)).T / WINDOW)


_SHAPE = np.hanning(WINDOW)
_WITHIN = np.arange(WINDOW)


def bands(sound: Array) -> Array:
    """(N, BANDS) logarithms of a sound's (S,) bands, a column each HOP; whole windows alone."""
    if len(sound) < WINDOW:
        return np.zeros((0, BANDS), np.float32)
    count = (len(sound) - WINDOW) // HOP + 1
    windows = sound[np.arange(0, count * HOP, HOP)[:, None] + _WITHIN] * _SHAPE
    tones = np.fft.rfft(windows)
    power = tones.real * tones.real + tones.imag * tones.imag
    return (np.log10(power @ filters() + LEAST) * 0.5 + 1.0).astype(np.float32)


def frames(sound: Array) -> Array:
    """(T, 2 * BANDS) what the network hears of a whole sound."""
    flat = bands(sound)
    return flat[: len(flat) // 2 * 2].reshape(-1, 2 * BANDS)


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
        self.wide = self._session.get_inputs()[1].shape[-1]
        self.clear()

    def clear(self) -> None:
        """Forgets what it heard: another speaker, or a sound that begins anew."""
        self._state = np.zeros((1, self.wide), np.float32)
        self._rest = np.zeros(0)
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
            values, self._state = self._session.run(
                None, {"heard": column[None], "state": self._state}
            )
            self._heard += 1
            if self._heard > AHEAD:
                out.append(faced(values[0]))
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
