"""Where sound goes: a WAV file, or a device of this machine."""

from __future__ import annotations

import collections
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ, Samples, pcm
from understudy.runtime.takes import broadcast_wave
from understudy.runtime.takes.broadcast_wave import Origin

from .voices import BLOCK

# Sound for a file is made so much later than it is heard: what is told late is still in its place.
LOOKBACK_S = 0.25


class WavSink:
    """Broadcast Wave: the mix, or with stems one file for each.

    origin  when its first sample is heard
    """

    def __init__(self, path: Path, stems: Sequence[str], apart: bool) -> None:
        """apart: a file a stem beside the mix, name_STEM.wav."""
        if path.suffix.lower() != ".wav":
            raise UnderstudyError(f"{path} is to be sound; give a name that ends in .wav.")
        writable(path)
        self._path, self._stems = path, list(stems)
        self.origin = Origin()
        self._count = 0
        self._began_s: float | None = None
        # An hour of all stems is 2.8 GB: it lies on the disk beside the file that it becomes.
        each, here = range(1 + apart * len(stems)), path.parent
        self._files = [tempfile.TemporaryFile(dir=here) for _ in each]  # noqa: SIM115

    def wanted(self, now_s: float) -> int:
        """How many blocks are due."""
        if self._began_s is None:
            self._began_s = now_s
        return int((now_s - self._began_s - LOOKBACK_S) * RATE_HZ) // BLOCK - self._count

    def write(self, block: Array) -> None:
        """Takes the next block (stems, 2, BLOCK)."""
        stems = pcm(_held(block))
        mixed = np.clip(stems.astype(np.int32).sum(0), -32768, 32767).astype("<i2")
        for file, sound in zip(self._files, (mixed, *stems)):
            file.write(np.ascontiguousarray(sound.T).tobytes())
        self._count += 1

    def close(self) -> list[Path]:
        """Writes what there is; the files. Of stems those that are not silent."""
        written: list[Path] = []
        for name, file in zip(("mix", *self._stems), self._files):
            with file:
                file.flush()
                if not self._count:
                    continue
                sound = np.memmap(file, "<i2", "r", shape=(self._count * BLOCK, 2))
                if name == "mix" or sound.any():
                    path = self._path
                    if name != "mix":
                        path = path.with_name(f"{path.stem}_{name}.wav")
                    broadcast_wave.write(path, _named(name, sound.T), self.origin)
                    written.append(path)
        return written


def _named(name: str, sound: Samples) -> dict[str, Samples]:
    return {f"{name} left": sound[0], f"{name} right": sound[1]}


def _held(block: Array) -> Array:
    """No louder than full, without the edge of a clip."""
    return np.where(
        np.abs(block) > 0.7, np.sign(block) * (1.0 - 0.09 / (np.abs(block) - 0.4)), block
    )


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise UnderstudyError(
            f"Sound needs sounddevice and PortAudio ({error}): {distribution.install('voice')} "
            "Debian has PortAudio as libportaudio2. Or write a file with --wav."
        ) from None
    return sounddevice


def devices() -> list[str]:
    """The names of those that can play."""
    there = [one for one in _sounddevice().query_devices() if one["max_output_channels"] >= 2]
    return [str(one["name"]) for one in there] or ["no device here can play"]


class DeviceSink:
    """A device by PortAudio, by a part of its name; `ask` gives a block when it wants one."""

    def __init__(self, device: str | None, ask: Callable[[], Array]) -> None:
        sounddevice = _sounddevice()
        self._ask = ask
        self.late = 0
        try:
            self._stream = sounddevice.OutputStream(
                samplerate=RATE_HZ, channels=2, blocksize=BLOCK, device=device,
                dtype="float32", latency="low", callback=self._fill,
            )  # fmt: skip
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise UnderstudyError(
                f"The sound device {device if device is not None else 'of this machine'} cannot be "
                f"opened ({error}); `--device list` names those that there are."
            ) from None
        self.latency_s = float(self._stream.latency)

    def _fill(self, out: Array, frames: int, when: Any, status: Any) -> None:
        self.late += bool(status)
        out[:] = np.tanh(self._ask().sum(0).T[:frames])

    def close(self) -> list[Path]:
        self._stream.stop()
        self._stream.close()
        return []


class Handed:
    """Blocks that one thread makes and a device's takes; silence where it was not in time."""

    def __init__(self, stems: int, ahead: int = 3) -> None:
        self._queue: collections.deque[Array] = collections.deque()
        self._room = threading.Semaphore(ahead)
        self.ahead_s = ahead * BLOCK / RATE_HZ
        self._silence = np.zeros((stems, 2, BLOCK), np.float32)
        self.missed = 0

    def take(self) -> Array:
        """The next block, for the device."""
        try:
            block = self._queue.popleft()
        except IndexError:
            self.missed += 1
            return self._silence
        self._room.release()
        return block

    def give(self, block: Array) -> None:
        """Another one; waits while the device has enough."""
        self._room.acquire(timeout=1.0)
        self._queue.append(block)


def now_s() -> float:
    """On the clock of a stage on this machine."""
    return time.monotonic_ns() * 1e-9
