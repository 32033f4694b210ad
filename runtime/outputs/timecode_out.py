"""A stage's timecode, out: as sound (LTC), by MIDI (MTC) and by Art-Net.

    ltc://            the first audio output; ltc://NAME another; ltc:///takes/ltc.wav a file
    mtc://            the first MIDI output; mtc://NAME another
    artnet://HOST     by UDP; a broadcast address reaches all

The loop says at every tick what time of its day it is; threads and the sound card take it from
there, so that no tick waits. Where the loop says nothing for half a second, or a device is gone,
that is a state: labels run on at the pace that they had, and the stage says so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import wave
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from understudy.bridge.protocols import artnet, ltc, mtc
from understudy.runtime.core import timecode, url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.typed import Table

SCHEMES = ("ltc", "mtc", "artnet")
SAMPLE_RATE, BLOCK_S = 48000, 0.02
# The loop has said nothing for so long.
SILENT_S = 0.5
# Further off than this the day's time was set; nearer, sound runs by so much faster or slower.
JUMP_FRAMES, PULL, MOST_PULL = 2.0, 0.05, 0.002
DAY_S = 86400.0
# Pieces of labels that come later than this are left out.
MOST_LATE = 16


class State(StrEnum):
    """waits: the loop has said nothing yet; free: nothing more; gone: the device is no more."""

    WAITS = "waits"
    RUNS = "runs"
    FREE = "free run"
    GONE = "gone"


class Day:
    """The stage's time of day at every moment, by what the loop said last."""

    def __init__(self) -> None:
        self._said: tuple[float, float] | None = None
        self._start_s = float("inf")

    def tick(self, day_s: float, tick_s: float, now_s: float | None = None) -> None:
        """It is day_s at the tick that is due at tick_s of the stage's own clock."""
        now_s = time.monotonic() if now_s is None else now_s
        # The tick that was least late tells when ticks are due.
        self._start_s = min(self._start_s, now_s - tick_s)
        self._said = day_s, self._start_s + tick_s

    def at(self, now_s: float) -> float | None:
        """Seconds since midnight; None as long as nothing was said."""
        if self._said is None:
            return None
        day_s, at_s = self._said
        return (day_s + now_s - at_s) % DAY_S

    def state(self, now_s: float) -> State:
        """Whether the loop still says it."""
        if self._said is None:
            return State.WAITS
        return State.RUNS if now_s - self._said[1] < SILENT_S else State.FREE


class LtcSound:
    """Linear timecode as samples that never break off, drawn to the stage's day.

    offset_s  by how much the label that began last was behind the stage's
    jumps     how often the day was set
    """

    def __init__(self, day: Day, rate: str, sample_rate: int = SAMPLE_RATE) -> None:
        self._day, self._rate, self._sample_rate = day, rate, sample_rate
        self._hz = float(timecode.rate(rate))
        self._rest: Array = np.zeros(0)
        self._number: int | None = None  # of the label that is next
        self.offset_s, self.jumps, self.frames = 0.0, 0, 0

    def samples(self, count: int, at_s: float) -> Array:
        """So many (N,), of which the first is heard at at_s of the monotonic clock."""
        made = [self._rest]
        length = len(self._rest)
        while length < count:
            made.append(self._next(at_s + length / self._sample_rate))
            length += len(made[-1])
        sound = np.concatenate(made)
        self._rest = sound[count:]
        return sound[:count]

    def _next(self, at_s: float) -> Array:
        """The next frame, which begins at at_s; or silence until one does."""
        day_s = self._day.at(at_s)
        if day_s is None:
            return np.zeros(round(BLOCK_S * self._sample_rate))
        wanted = day_s * self._hz
        if self._number is not None:
            off = wanted - self._number
            off -= round(off / (DAY_S * self._hz)) * DAY_S * self._hz
            if abs(off) > JUMP_FRAMES:
                self._number = None
                self.jumps += 1
        if self._number is None:
            self._number = int(np.ceil(wanted - 1e-6))
            silent = round((self._number - wanted) / self._hz * self._sample_rate)
            if silent > 0:
                return np.zeros(silent)
            off = 0.0
        self.offset_s = off / self._hz
        pull = min(max(PULL * off, -MOST_PULL), MOST_PULL)
        number, self._number = self._number, self._number + 1
        self.frames += 1
        labels = [timecode.label(number % round(DAY_S * self._hz), self._rate)]
        return ltc.encode(labels, self._hz * (1.0 + pull), self._sample_rate)


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


def _said(number: int, rate: str) -> artnet.Timecode:
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
        self._out.sendto(artnet.encode(_said(number, self._rate)), self._to)

    def close(self) -> None:
        super().close()
        self._out.close()


class MidiOut(_Thread):
    """Four quarter frames a frame, so that a label takes two."""

    def __init__(self, day: Day, rate: str, name: str) -> None:
        from understudy.runtime.sources.midi import opened_output

        self._port, where = opened_output(name, "mtc")
        self._bytes: list[int] = []
        super().__init__(day, rate, where, 4)

    def send(self, number: int, piece: int) -> None:
        import mido

        even = number % 2 == 0
        if even and piece == 0:
            self._bytes = mtc.quarters(_said(number, self._rate))
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


class TimecodeOut:
    """All ways out of a stage's timecode."""

    def __init__(self, lines: list[str], rate: str) -> None:
        self._day = Day()
        self._news: dict[str, str] = {}
        self._ways: list[Way] = []
        with contextlib.ExitStack() as undo:
            for line in lines:
                self._ways.append(_opened(line, self._day, rate))
                undo.callback(self._ways[-1].close)
            self._undo = undo.pop_all()

    def tick(self, day_s: float, tick_s: float) -> None:
        """It is day_s of the stage's day."""
        if self._ways:
            self._day.tick(day_s, tick_s)

    def states(self) -> dict[str, State]:
        """How each way stands, by where it goes."""
        now = self._day.state(time.monotonic())
        return {way.where: State.GONE if way.trouble else now for way in self._ways}

    def news(self) -> list[str]:
        """What has changed since it was asked last, for people."""
        told = []
        for way, state in zip(self._ways, self.states().values(), strict=True):
            said = f"timecode to {way.where}: {way.trouble or state}"
            if self._news.get(way.where) != said:
                self._news[way.where] = said
                told.append(said)
        return told

    def figures(self) -> list[dict[str, Any]]:
        """For `stats`."""
        return [
            {"where": way.where, "state": str(state), "trouble": way.trouble, **way.figures()}
            for way, state in zip(self._ways, self.states().values(), strict=True)
        ]

    def close(self) -> None:
        self._undo.close()


class _NoOptions(Table, frozen=True, kw_only=True):
    """A line of timecode has a place alone."""


class _ArtNet:
    PORT, Options = artnet.PORT, _NoOptions


def check(line: str, rate: str) -> None:
    """Raises the sentence about a line that is none; opens nothing."""
    scheme, mark, place = line.partition("://")
    if not mark or scheme not in SCHEMES:
        raise UnderstudyError(
            f"{line!r} is no way for timecode; write ltc://, ltc:///FILE.wav, mtc:// or "
            "artnet://HOST."
        )
    if scheme == "artnet" and not _art_net(line).host:
        raise UnderstudyError(f"{line!r} names no host; write artnet://HOST.")
    if timecode.rate(rate) > 30:
        raise UnderstudyError(f"{line!r}: timecode goes out at 30 frames a second at most.")
    if scheme == "ltc" and place.startswith("/") and not place.lower().endswith(".wav"):
        raise UnderstudyError(f"{line!r}: a file of timecode is a .wav.")


def _art_net(line: str) -> url.Url:
    return url.parse(line, url.Kind("timecode", "to"), {"artnet": _ArtNet})


def _opened(line: str, day: Day, rate: str) -> Way:
    check(line, rate)
    scheme, _, place = line.partition("://")
    if scheme == "artnet":
        said = _art_net(line)
        return ArtNetOut(day, rate, said.host, said.port or artnet.PORT)
    if scheme == "mtc":
        return MidiOut(day, rate, place)
    if place.lower().endswith(".wav"):
        return WavOut(day, rate, Path(place))
    return SoundOut(day, rate, place)
