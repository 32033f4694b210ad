"""Ways out of a stage's timecode: Art-Net, MIDI, a sound card, a file; each in its own time."""

from __future__ import annotations

import os
import socket
import threading
import time
import wave
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from understudy.bridge.protocols import artnet, mtc
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.sources.midi import opened_output

from .timecode_day import BLOCK_S, DAY_S, SAMPLE_RATE, Day, LtcSound

# Pieces of labels that come later than this are left out.
MOST_LATE = 16


class Way(Protocol):
    """One output. trouble: why nobody hears it, "" for nothing."""

    where: str
    trouble: str

    def figures(self) -> dict[str, Any]: ...

    def close(self) -> None: ...


class _Thread(threading.Thread):
    """Sends pieces of labels when they are due, so many a frame."""

    def __init__(self, day: Day, rate: str, where: str, pieces: int) -> None:
        super().__init__(name=f"timecode to {where}", daemon=True)
        self.where, self.trouble = where, ""
        self._day, self._rate, self._pieces = day, rate, pieces
        self._hz = float(timecode.rate(rate))
        self._ended = threading.Event()
        self.offset_s, self.sent = 0.0, 0
        self.start()

    def send(self, number: int, piece: int) -> None:
        """Piece 0 is the beginning of frame `number`."""
        raise NotImplementedError

    def run(self) -> None:
        done: int | None = None
        while not self._ended.is_set():
            day_s = self._day.at(time.monotonic())
            if day_s is None:
                self._ended.wait(0.02)
                continue
            now = day_s * self._hz * self._pieces
            due = int(np.floor(now + 1e-6))
            if due != done:
                self.offset_s = (now - due) / (self._hz * self._pieces)
                # A label in pieces is none without one of them: those that are late still go.
                late = done is not None and 1 < due - done <= MOST_LATE and self._pieces > 1
                for one in range(done + 1, due + 1) if late and done is not None else (due,):
                    self._sent(one)
                done = due
            left_s = (due + 1 - self._day_pieces()) / (self._hz * self._pieces)
            self._ended.wait(min(max(left_s, 0.0005), 0.05))

    def _sent(self, due: int) -> None:
        try:
            self.send(due // self._pieces, due % self._pieces)
            self.sent += 1
            self.trouble = ""
        except Exception as error:  # the device went away, or the network did
            self.trouble = f"{self.where}: {getattr(error, 'strerror', None) or error}"

    def _day_pieces(self) -> float:
        return (self._day.at(time.monotonic()) or 0.0) * self._hz * self._pieces

    def figures(self) -> dict[str, Any]:
        return {"sent": self.sent, "offset_ms": round(1e3 * self.offset_s, 2)}

    def close(self) -> None:
        self._ended.set()
        self.join(1.0)


def named(number: int, rate: str) -> artnet.Timecode:
    """A label with the name that Art-Net and MIDI have for its rate."""
    label = timecode.label(number % round(DAY_S * float(timecode.rate(rate))), rate)
    plain = rate.lower().removesuffix("ndf")
    named = {"23.976": "24", "23.98": "24", "29.97": "30"}.get(plain, plain)
    return artnet.Timecode(label, named)


class ArtNetOut(_Thread):
    """A datagram at the beginning of each frame."""

    def __init__(self, day: Day, rate: str, host: str, port: int) -> None:
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._to = host, port
        super().__init__(day, rate, f"artnet {host}:{port}", 1)

    def send(self, number: int, piece: int) -> None:
        self._out.sendto(artnet.encode(named(number, self._rate)), self._to)

    def close(self) -> None:
        super().close()
        self._out.close()


class MidiOut(_Thread):
    """Four quarter frames a frame, so that a label takes two."""

    def __init__(self, day: Day, rate: str, name: str) -> None:
        self._port, where = opened_output(name, "mtc")
        self._bytes: list[int] = []
        super().__init__(day, rate, where, 4)

    def send(self, number: int, piece: int) -> None:
        import mido

        even = number % 2 == 0
        if even and piece == 0:
            self._bytes = mtc.quarters(named(number, self._rate))
        if self._bytes:
            self._port.send(
                mido.Message.from_bytes([mtc.QUARTER, self._bytes[piece + (0 if even else 4)]])
            )

    def close(self) -> None:
        super().close()
        self._port.close()


class SoundOut:
    """LTC to a sound card, whose own clock is followed."""

    def __init__(self, day: Day, rate: str, name: str) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise UnderstudyError(
                f"ltc:// needs the package sounddevice and PortAudio: {error}. A file needs "
                "neither: ltc:///takes/ltc.wav."
            ) from None
        self.where, self.trouble = f"audio {name or 'output'}", ""
        self._sound = LtcSound(day, rate)
        self._began: tuple[int, float] | None = None
        self._count, self._drift = 0, 0.0
        try:
            self._stream = sounddevice.OutputStream(
                SAMPLE_RATE, round(BLOCK_S * SAMPLE_RATE), name or None, 1, callback=self._give,
                finished_callback=self._finished,
            )  # fmt: skip
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise UnderstudyError(f"ltc://{name} cannot be played to: {error}.") from None

    def _give(self, block: Any, count: int, times: Any, status: Any) -> None:
        at_s = time.monotonic() + times.outputBufferDacTime - times.currentTime
        if self._began is None:
            self._began = self._count, at_s
        elif at_s - self._began[1] > 1.0:
            first, began_s = self._began
            self._drift = (self._count - first) / SAMPLE_RATE / (at_s - began_s) - 1.0
        block[:, 0] = self._sound.samples(count, at_s)
        self._count += count

    def _finished(self) -> None:
        self.trouble = f"{self.where} has stopped"

    def figures(self) -> dict[str, Any]:
        return {
            "sent": self._sound.frames,
            "offset_ms": round(1e3 * self._sound.offset_s, 2),
            "drift_ppm": round(1e6 * self._drift, 1),
            "jumps": self._sound.jumps,
        }

    def close(self) -> None:
        self._stream.close()


class WavOut(threading.Thread):
    """LTC into a file, which is there when the stage has ended."""

    def __init__(self, day: Day, rate: str, path: Path) -> None:
        super().__init__(name=f"timecode to {path.name}", daemon=True)
        writable(path)
        self.where, self.trouble = str(path), ""
        self._sound, self._path = LtcSound(day, rate), path
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        part = self._path.with_name(self._path.name + ".part")
        try:
            with wave.open(str(part), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(SAMPLE_RATE)
                start_s, count = time.monotonic(), 0
                while not self._ended.wait(BLOCK_S):
                    due = round((time.monotonic() - start_s) * SAMPLE_RATE)
                    sound = self._sound.samples(due - count, start_s + count / SAMPLE_RATE)
                    out.writeframes((sound * 32767.0).astype("<i2").tobytes())
                    count = due
            os.replace(part, self._path)
        except OSError as error:
            self.trouble = f"{self._path}: {error.strerror or error}"

    def figures(self) -> dict[str, Any]:
        return {
            "sent": self._sound.frames,
            "offset_ms": round(1e3 * self._sound.offset_s, 2),
            "jumps": self._sound.jumps,
        }

    def close(self) -> None:
        self._ended.set()
        self.join(2.0)
