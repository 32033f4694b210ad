"""Eight suits of four kinds, what each sends in a life of its program, and what its network does.

All suits play the same film in a circle. What one would send is made beforehand, so that who sends
needs little of the machine that is measured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from understudy.runtime.simulators.device import DEVICES, RESTARTS_S, Performance
from understudy.runtime.simulators.line import Line
from understudy.runtime.takes.clip import Clip

from .suit_film import RATE_HZ, SECONDS, bare

KINDS = ("mvn", "natnet", "neuron", "rokoko")
SUITS = tuple(f"{kind}{n}" for n in (1, 2) for kind in KINDS)
# Body of one, hands of another. The kinds that have hands are bodies of their own besides.
MERGED = {"mvn1": "neuron1", "mvn2": "neuron2", "rokoko1": "natnet1", "rokoko2": "natnet2"}


def made_of(suit: str) -> dict[str, str]:
    """The parts of a suit's subject: its body's suit, and its hands'."""
    return {"body": suit} | ({"hands": MERGED[suit]} if suit in MERGED else {})


@dataclass(frozen=True)
class Network:
    """What a suit's datagrams meet; without restarts a program lives as long as the film."""

    loss: float = 0.0
    jitter_s: float = 0.0
    every_s: float = 0.0
    silent_s: float = 0.0
    restarts: bool = False

    def line(self, number: int) -> Line:
        return Line(self.loss, self.jitter_s, self.every_s, self.silent_s, number)

    @property
    def words(self) -> str:
        if not self.jitter_s:
            return "a good network"
        return (
            f"{self.loss:.0%} loss, {1e3 * self.jitter_s:.0f} ms jitter, a silence of "
            f"{self.silent_s:g} s every {self.every_s:g} s, a restart every {SECONDS} s"
        )


GOOD, BAD = Network(), Network(0.02, 0.02, 5.0, 0.5, restarts=True)


Lives = dict[str, list[list[bytes]]]


def lives(clip: Clip) -> Lives:
    """Of each suit the datagrams of every frame of the film, from where its program begins."""
    found = {}
    plain = bare(clip)
    for number, suit in enumerate(SUITS):
        kind = suit[:-1]
        performance = Performance(clip if suit in MERGED.values() else plain)
        simulator, begins = DEVICES[kind].made(), first(number)
        found[suit] = [
            simulator.datagrams(performance.frame(begins + n), n / RATE_HZ)
            for n in range(SECONDS * RATE_HZ)
        ]
    return found


def first(number: int) -> int:
    """The frame of the film with which a suit's program begins: no two die together."""
    return number * SECONDS * RATE_HZ // len(SUITS)


@dataclass(frozen=True)
class Sent:
    """A datagram: when it leaves the network, whose it is, and in which life of its program."""

    leaves_s: float
    suit: int
    life: int
    data: bytes


class Suits:
    """Everybody's datagrams, frame by frame of the film."""

    def __init__(self, made: Lives, network: Network, worn: Collection[str]) -> None:
        self._made, self._worn = made, [(n, suit) for n, suit in enumerate(SUITS) if suit in worn]
        self._lines = [network.line(number) for number in range(len(SUITS))]
        self._lives = [0] * len(SUITS)
        self._restarts = network.restarts
        self._away = round(RESTARTS_S * RATE_HZ) if network.restarts else 0

    def frame(self, number: int) -> Iterator[Sent]:
        """What is sent of a frame of the film, which goes round and round."""
        count, at_s = SECONDS * RATE_HZ, number / RATE_HZ
        for suit, name in self._worn:
            own = (number - first(suit)) % count
            self._lives[suit] += self._restarts and own == 0
            if own >= count - self._away:
                continue
            # Silences are each suit's own too.
            offset_s = 0.6 * suit
            for leaves_s, data in self._lines[suit].carry(self._made[name][own], at_s + offset_s):
                yield Sent(leaves_s - offset_s, suit, self._lives[suit], data)
