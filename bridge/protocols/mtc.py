"""MIDI timecode: eight quarter frames, which are two frames long, or a whole label at once."""

from __future__ import annotations

from .artnet import RATES, Timecode
from .error import ProtocolError

QUARTER, PIECES = 0xF1, 8
_FULL = (0xF0, 0x7F, None, 0x01, 0x01)


class Quarters:
    """Joins quarter frames. The label is that of the frame in which the first piece came."""

    def __init__(self) -> None:
        self._pieces: dict[int, int] = {}
        self._next = 0

    def feed(self, piece: int) -> Timecode | None:
        """Takes the byte behind F1; the label with the last piece, None before.

        It is two frames later by then. Pieces that come backwards are a tape that is wound: they
        are passed over.
        """
        number, value = piece >> 4 & 0x7, piece & 0xF
        if number != self._next:
            self._pieces.clear()
            self._next = 0
            if number:
                return None
        self._pieces[number] = value
        self._next = (number + 1) % PIECES
        if number < PIECES - 1:
            return None
        low = [self._pieces[2 * n] + 16 * self._pieces[2 * n + 1] for n in range(4)]
        return _label(low[3] & 0x1F, low[2], low[1], low[0], low[3] >> 5 & 0x3)


def full(data: bytes) -> Timecode | None:
    """The label of a full message, F0 7F .. 01 01 hh mm ss ff F7; None of another."""
    if len(data) != 10 or any(w is not None and w != g for w, g in zip(_FULL, data, strict=False)):
        return None
    hours, minutes, seconds, frames = data[5:9]
    return _label(hours & 0x1F, minutes, seconds, frames, hours >> 5 & 0x3)


def _label(hours: int, minutes: int, seconds: int, frames: int, kind: int) -> Timecode:
    if hours > 23 or minutes > 59 or seconds > 59 or frames > 29:
        raise ProtocolError("MIDI timecode has a number that is none.")
    mark = ";" if kind == 2 else ":"
    return Timecode(f"{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}", RATES[kind])


def quarters(said: Timecode) -> list[int]:
    """The eight bytes behind F1 of a label, in order."""
    hours, minutes, seconds, frames = map(int, said.label.replace(";", ":").split(":"))
    hours |= RATES.index(said.rate) << 5
    values = [v for n in (frames, seconds, minutes, hours) for v in (n & 0xF, n >> 4)]
    return [number << 4 | value for number, value in enumerate(values)]
