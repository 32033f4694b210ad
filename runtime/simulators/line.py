"""A bad network between a simulated device and who hears it: loss, jitter, dropouts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from understudy.runtime.core.errors import UnderstudyError

_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s)")
LONGEST_S = 3600.0


@dataclass
class Line:
    """loss of datagrams, a share; jitter_s: each is late by up to so much, so that one may overtake
    another; every_s a silence of silent_s begins, 0: none."""

    loss: float = 0.0
    jitter_s: float = 0.0
    every_s: float = 0.0
    silent_s: float = 0.0
    seed: int = 0
    lost: int = 0
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def carry(self, datagrams: list[bytes], at_s: float) -> list[tuple[float, bytes]]:
        """What leaves of datagrams that are sent at a time, and when."""
        if self.every_s and at_s >= self.every_s and at_s % self.every_s < self.silent_s:
            self.lost += len(datagrams)
            return []
        kept = [data for data in datagrams if self._random.random() >= self.loss]
        self.lost += len(datagrams) - len(kept)
        return [(at_s + self._random.random() * self.jitter_s, data) for data in kept]


def restart_s(text: str) -> float:
    """--restart EVERY: 30s."""
    value = duration_s("--restart", text)
    if value < 1.0:
        raise UnderstudyError(f"--restart is {text!r}; it takes a second at least.")
    return value


def share(text: str) -> float:
    """--loss: 2% as 0.02."""
    number = text.removesuffix("%")
    try:
        value = float(number) / 100.0
    except ValueError:
        value = -1.0
    if not text.endswith("%") or not 0.0 <= value <= 1.0:
        raise UnderstudyError(f"--loss is {text!r}; write a share of 0% to 100%, as 2%.")
    return value


def duration_s(option: str, text: str) -> float:
    """A time with its unit: 20ms, 0.5s."""
    match = _TIME.fullmatch(text)
    value = float(match[1]) * (1e-3 if match[2] == "ms" else 1.0) if match else -1.0
    if not 0.0 <= value <= LONGEST_S:
        raise UnderstudyError(f"{option} is {text!r}; write a time with its unit, as 20ms or 0.5s.")
    return value


def dropout_s(text: str) -> tuple[float, float]:
    """--dropout EVERY/FOR: 5s/0.5s."""
    every, slash, silent = text.partition("/")
    if not slash:
        raise UnderstudyError(
            f"--dropout is {text!r}; write how often and how long, as 5s/0.5s: every five seconds "
            "half a second of silence."
        )
    pair = duration_s("--dropout", every), duration_s("--dropout", silent)
    if not 0.0 < pair[1] < pair[0]:
        raise UnderstudyError(f"--dropout is {text!r}; a silence is shorter than the time between.")
    return pair
