"""How much later one performance is than another of the same person: a clap, a nod, a jump.

What two devices see of one movement is compared by how fast it goes: the speeds of all joints that
both have, or of the curves where those are all. Axes, rooms and proportions need not agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Subject
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget.fingers import fingers

LONGEST_S = 1.0
# Less than this of a second of movement tells nothing; slower than this is no movement.
LEAST_S, STILL = 2.0, 0.05
# How alike both movements have to be.
ALIKE = 0.5


class Lag(NamedTuple):
    """later_s: so much later is the second; alike: 1 where both move the same."""

    later_s: float
    alike: float


def lag(one: Array, two: Array, rate_hz: float, longest_s: float = LONGEST_S) -> Lag:
    """How much later the rows of `two` (N, K) are than those of `one` (N, K).

    The peak of the normalised cross-correlation of all columns together, between two samples.
    """
    most = min(round(longest_s * rate_hz), len(one) // 2)
    a, b = one - one.mean(axis=0), two - two.mean(axis=0)
    scores = np.zeros(2 * most + 1)
    for n, shift in enumerate(range(-most, most + 1)):
        x = a[max(-shift, 0) : len(a) - max(shift, 0)]
        y = b[max(shift, 0) : len(b) - max(-shift, 0)]
        norm = float(np.sqrt((x**2).sum() * (y**2).sum()))
        scores[n] = float((x * y).sum()) / norm if norm > 1e-12 else 0.0
    best = int(scores.argmax())
    between = 0.0
    if 0 < best < len(scores) - 1:
        before, at, after = scores[best - 1 : best + 2]
        bend = before - 2.0 * at + after
        between = 0.5 * (before - after) / bend if bend < -1e-12 else 0.0
    return Lag((best - most + between) / rate_hz, float(scores[best]))


def speeds(
    ones: Sequence[Subject], twos: Sequence[Subject], rate_hz: float
) -> tuple[Array, Array, str]:
    """Speeds (N - 1, K) of what both have, each row a moment of both, and what that is in words."""
    first, second = ones[0].skeleton, twos[0].skeleton
    both = [
        (roles(first)[role], roles(second)[role]) for role in roles(first) if role in roles(second)
    ]
    own, theirs = fingers(first), fingers(second)
    both += [(own[finger], theirs[finger]) for finger in own if finger in theirs]
    if len(both) > 1 or (both and not ones[0].skeleton.curve_names):
        words = f"{len(both)} joints"
        turns = [
            _turns(subjects, [pair[side] for pair in both])
            for side, subjects in enumerate((ones, twos))
        ]
        rows = [
            rotation.angle_between(turn[1:], turn[:-1]) * rate_hz for turn in turns
        ]  # radians a second
        return rows[0], rows[1], words
    names = [n for n in first.curve_names if n in second.curve_names]
    if not names:
        raise UnderstudyError(
            f"{ones[0].name} and {twos[0].name} have neither joints nor curves in common."
        )
    curves = [
        np.array([[s.curves[s.skeleton.curve_names.index(n)] for n in names] for s in subjects])
        for subjects in (ones, twos)
    ]
    rows = [np.abs(np.diff(values, axis=0)) * rate_hz for values in curves]
    return rows[0], rows[1], f"{len(names)} curves"


def _turns(subjects: Sequence[Subject], joints: list[int]) -> Array:
    """(N, K, 4) of joints in the room."""
    skeleton = subjects[0].skeleton
    positions = np.array([s.pose.positions for s in subjects])
    rotations = np.array([s.pose.rotations for s in subjects])
    _, world = skeleton.globals(positions, rotations)
    return world[:, joints]


def measured(ones: Sequence[Subject], twos: Sequence[Subject], rate_hz: float) -> tuple[Lag, str]:
    """How much later `twos` are than `ones`; raises the sentence where that cannot be told."""
    if len(ones) < LEAST_S * rate_hz:
        raise UnderstudyError(
            f"{ones[0].name if ones else 'One'} and the other were there together for "
            f"{len(ones) / rate_hz:.1f} s; {LEAST_S:g} s are needed, with a clap or a nod in them."
        )
    one, two, words = speeds(ones, twos, rate_hz)
    for subjects, rows in ((ones, one), (twos, two)):
        if float(np.abs(rows).max()) < STILL:
            raise UnderstudyError(f"{subjects[0].name} stands still: clap, nod or jump.")
    found = lag(one, two, rate_hz)
    if found.alike < ALIKE:
        raise UnderstudyError(
            f"{ones[0].name} and {twos[0].name} do not move alike ({found.alike:.2f} of 1): are "
            "both of the same person, who claps, nods or jumps?"
        )
    return found, words
