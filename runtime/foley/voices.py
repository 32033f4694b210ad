"""Voices: what rings and what rustles, block by block, many at once and without a click.

A mode is a complex number that turns and shrinks from sample to sample. A voice begins with all its
sines at zero, and ends when it is 80 dB under full scale, or within a block where another needs its
room.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ

from .materials import MODES, Bank, bank
from .textures import texture

BLOCK = 256
MOST = 64
SILENT = 1e-4
ATTACK = 48  # samples in which a noise comes up: 1 ms
_NEVER = 1 << 40
# A sound that waited for a voice for so many samples, 0.1 s, is of nothing that is seen.
TOO_LATE = RATE_HZ // 10


@dataclass(frozen=True)
class Strike:
    """One thing that is to be heard.

    at           its first sample, counted from the beginning
    struck, by   materials
    ring, noise  how loud modes and noise are
    bright       how much higher than a firm tap it sounds: 1 as that does
    noise_s      how long its noise takes to go, seconds
    left, right  of each ear
    stem         which of the stems it belongs to
    sample       of the user's own: what is played in place of modes and noise, as loud as `ring`
    """

    at: int
    struck: str
    by: str
    ring: float
    noise: float
    bright: float
    noise_s: float
    left: float
    right: float
    stem: int = 0
    variant: int = 0
    sample: Array | None = None


@dataclass(frozen=True, eq=False)
class _Ringing:
    """A bank, and how its modes go on.

    sines   (2 M, BLOCK) what a state's real and imaginary parts sound like
    powers  (M, BLOCK + 1) how a mode has turned and shrunk after so many samples
    """

    modes: Bank
    sines: Array
    powers: Any


@functools.lru_cache(maxsize=512)
def _ringing(struck: str, by: str, variant: int) -> _Ringing:
    modes = bank(struck, by, variant)
    rate = (-6.91 / modes.ring_s + 2j * np.pi * modes.hertz) / RATE_HZ
    powers = np.exp(rate[:, None] * np.arange(BLOCK + 1)).astype(np.complex64)
    sines = np.concatenate([powers.imag[:, :BLOCK], powers.real[:, :BLOCK]])
    return _Ringing(modes, np.ascontiguousarray(sines), powers)


class Voices:
    """Sounds that go on, on so many stems.

    stolen   voices that had to make room
    dropped  strikes that would have been too late for it
    """

    def __init__(self, stems: int = 1, most: int = MOST, seed: int = 1) -> None:
        self.stems, self.most = stems, most
        self.stolen = self.dropped = 0
        self._draw = np.random.default_rng(seed)
        self._waiting: list[Strike] = []
        self._at = 0  # the sample with which the next block begins
        self._state = np.zeros((most, MODES), np.complex64)
        self._ringing: list[_Ringing | None] = [None] * most
        self._texture: list[Array | None] = [None] * most
        self._offset = np.zeros(most, np.int64)
        self._age = np.zeros(most, np.int64)
        self._rustle = np.zeros(most)  # of the noise, now
        self._falls = np.zeros(most, np.float32)  # the noise, by so much a sample; a logarithm
        self._round = np.full(most, RATE_HZ)  # where its noise begins again
        self._ends = np.full(most, _NEVER)  # with so many samples of it
        self._going = np.zeros(most, bool)  # to be gone with this block
        self._gains = np.zeros((most, 2), np.float32)
        self._stem = np.zeros(most, np.int64)
        self._loud = np.zeros(most)

    @property
    def samples(self) -> int:
        """How many were made."""
        return self._at

    @property
    def sounding(self) -> int:
        """How many there are now."""
        return int((self._loud > 0.0).sum())

    def strike(self, strike: Strike) -> None:
        """Has it heard at its time; now, where that is over."""
        self._waiting.append(strike)

    def block(self) -> Array:
        """(stems, 2, BLOCK) float32, the next one."""
        out = np.zeros((self.stems, 2, BLOCK), np.float32)
        begins = self._at
        self._at += BLOCK
        due = [s for s in self._waiting if s.at < self._at]
        if due:
            self._waiting = [s for s in self._waiting if s.at >= self._at]
        live = np.flatnonzero(self._loud > 0.0)
        if len(live):
            sound = self._sound(live)
            self._mix(out, live, sound)
        for strike in due:
            self._begin(strike, max(strike.at - begins, 0), out)
        return out

    def _sound(self, live: Any) -> Array:
        """(V, BLOCK) of voices that go on; they are a block older."""
        sound = np.empty((len(live), BLOCK), np.float32)
        state = self._state[live]
        parts = np.concatenate([state.real, state.imag], axis=1)
        noise = np.zeros_like(sound)
        rustling = self._rustle[live] > SILENT
        for k, voice in enumerate(live):
            ringing = self._ringing[voice]
            assert ringing is not None
            np.dot(parts[k], ringing.sines, out=sound[k])
            self._state[voice] *= ringing.powers[:, BLOCK]
            if rustling[k]:
                at, texture_ = self._offset[voice], self._texture[voice]
                assert texture_ is not None
                noise[k] = texture_[at : at + BLOCK]
        sound += noise * self._envelope(live)
        self._rustle[live] *= np.exp(self._falls[live] * BLOCK)
        self._offset[live] = (self._offset[live] + BLOCK) % self._round[live]
        self._age[live] += BLOCK
        return sound

    def _envelope(self, live: Any) -> Array:
        """(V, BLOCK) of their noises."""
        falls = self._rustle[live, None] * np.exp(self._falls[live, None] * _STEPS)
        young = self._age[live, None] + _STEPS
        return np.asarray(falls * np.minimum(young / ATTACK, 1.0), np.float32)

    def _mix(self, out: Array, live: Any, sound: Array) -> None:
        going = self._going[live]
        if going.any():
            sound[going] *= np.linspace(1.0, 0.0, BLOCK, dtype=np.float32) ** 2
        for k, voice in enumerate(live):
            out[self._stem[voice]] += self._gains[voice][:, None] * sound[k]
        self._loud[live] = np.abs(self._state[live]).sum(-1) + self._rustle[live]
        quiet = live[(self._loud[live] < SILENT) | going | (self._age[live] >= self._ends[live])]
        self._loud[quiet] = 0.0
        self._going[quiet] = False

    def _begin(self, strike: Strike, offset: int, out: Array) -> None:
        """Starts a voice `offset` samples into this block."""
        free = np.flatnonzero(self._loud <= 0.0)
        if not len(free):
            if self._at - strike.at > TOO_LATE:
                self.dropped += 1
                return
            # The quietest is on its way out anyway; this one waits for the block after.
            quietest = int(np.argmin(np.where(self._going, np.inf, self._loud)))
            self._going[quietest] = True
            self.stolen += 1
            self._waiting.append(strike)
            return
        voice = int(free[0])
        ringing = _ringing(strike.struck, strike.by, strike.variant)
        above = ringing.modes.hertz / (ringing.modes.bright_hz * strike.bright)
        state = (strike.ring * ringing.modes.gain / (1.0 + above * above)).astype(np.complex64)
        noise, at = texture(strike.struck), int(self._draw.integers(RATE_HZ))
        self._age[voice], self._rustle[voice] = 0, strike.noise
        self._falls[voice] = -1.0 / (max(strike.noise_s, 1e-3) * RATE_HZ)
        self._round[voice], self._ends[voice] = RATE_HZ, _NEVER
        if strike.sample is not None:
            noise, at, state = strike.sample, 0, np.zeros_like(state)
            self._rustle[voice], self._falls[voice] = strike.ring, 0.0
            self._round[voice], self._ends[voice] = _NEVER, len(noise) - BLOCK
        self._ringing[voice], self._texture[voice] = ringing, noise
        self._gains[voice] = strike.left, strike.right
        self._stem[voice], self._going[voice] = strike.stem, False
        self._loud[voice] = 1.0
        count = BLOCK - offset
        sound = state.real @ ringing.sines[:MODES, :count]
        sound = sound + noise[at : at + count] * self._envelope(np.array([voice]))[0, :count]
        out[strike.stem][:, offset:] += self._gains[voice][:, None] * sound
        self._state[voice] = state * ringing.powers[:, count]
        self._rustle[voice] *= np.exp(self._falls[voice] * count)
        self._offset[voice] = (at + count) % self._round[voice]
        self._age[voice] = count


_STEPS = np.arange(BLOCK, dtype=np.float32)


def loudest(blocks: Sequence[Array]) -> float:
    """The largest sample of some blocks."""
    return max((float(np.abs(one).max()) for one in blocks), default=0.0)
