"""Prediction: what the networks expect of a body, brought onto its own skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.rotation import Array

from . import coasting, forecast, ground, relief
from .coasting import Coast
from .forecast import Forecast
from .ground import Level
from .network import Snapshot, Understudy
from .relief import Bearing, Relief
from .stream import Packet
from .transfer import Transfer

CARRIES_M = 0.02
SINKS = 0.35  # of what is left, so much a knot do hips sink whose legs are too short
# A body stands when its hips have moved no faster for so many knots.
GOES_ON = 0.5  # share of its speed at which a lost actor is expected to leave one who stops
STILL_MPS = 0.08
STANDS_KNOTS = 12
# The base of a forecast that is made without the network.
ALONE = (-np.inf, False)


class Prediction:
    """One humanoid's forecast, and where it stands in the network's time.

    network_s   of the network's memory, on the source's clock; -inf: it has seen nobody yet
    branch      the memory as it was, while a forecast uses it
    base        where the forecast begins, and whether the whole body was missing there
    acted_from_s  since when the control performer moves the body; inf: it does not
    does        what it does then, in words: on its way to rest, and at rest
    """

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.level = Level()
        self.relief: Relief | None = None  # level ground
        self.forecast = Forecast()
        self.network_s = -np.inf
        self.branch: Snapshot | None = None
        self.base = (np.nan, False)
        self.acted_from_s = np.inf
        self.does = "stopping", "standing"
        self._stood = 0
        self._sunk_m, self._bearing = 0.0, Bearing()
        self._error_then_m: Array = np.zeros(1)
        self._apart_mps = 0.0
        self._hips: Array = np.zeros(3)
        self._coast = Coast(len(transfer.others))
        self._carries = False
        self._carried: tuple[Array, Array] = (np.zeros(3), np.zeros(3))

    @property
    def acting(self) -> bool:
        return bool(self.acted_from_s < np.inf)

    @property
    def stands(self) -> bool:
        """Whether the control performer has brought the body to rest."""
        return self.acting and self._stood >= STANDS_KNOTS

    def end(self) -> None:
        """Everything is seen again."""
        if self.forecast:
            self.forecast = Forecast()
        self.stop_using()

    def stop_using(self) -> None:
        """What comes next is another forecast."""
        self.base, self.acted_from_s = (np.nan, False), np.inf

    def there(self, positions: Array, rotations: Array, learn: bool = False) -> tuple[Array, Array]:
        """PERFORMER's hips (3,) and rotations (22, 4), standing on the ground.

        learn: take the pose into account for where the ground is.
        """
        hips, turns = there([self], [positions], [rotations], [learn])
        return hips[0], turns[0]

    def coast(
        self, lost: np.ndarray, packets: list[Packet], before: Packet | None, dt_s: float
    ) -> None:
        """Joints lost (J,) were seen for the last time in the last of these packets.

        before is a packet dt_s earlier that tells their speed, None where there is none.
        """
        last, others = packets[-1], self.transfer.others
        if self.base == ALONE:
            self.base = (np.nan, False)
        which = np.flatnonzero(lost[others])
        if len(which):
            joints, rate = others[which], None
            if before is not None:
                was = rotation.conjugate(before.rotations[joints])
                turn = rotation.multiply(last.rotations[joints], was)
                rate = rotation.to_rotation_vector(turn) / dt_s
            self._coast.lose(which, joints, packets, rate)
        if self.transfer.carriers:
            root = np.array([p.positions[0] for p in packets])
            self._carries = bool(np.ptp(root[:, [0, 2]], axis=0).max() > CARRIES_M)
            hips = self.transfer.there(last.positions, last.rotations)[0] / self.transfer.scale
            self._carried = last.positions[0], hips

    # The forecast.

    def begin(
        self,
        base: tuple[float, bool],
        newest: Packet,
        before: tuple[Packet, float] | None,
        missing: np.ndarray,
        network: Understudy,
        i: int,
    ) -> None:
        """A forecast from what was seen last, or, of a part, from what the network made of it.

        before is an earlier packet and how much earlier, in seconds.
        """
        self.base, self.acted_from_s = base, np.inf
        self.forecast, self._sunk_m, self._bearing = Forecast(), 0.0, Bearing()
        if not base[1]:
            extend([self], [base[0]], [newest], [missing], network, [i])
            return
        contacts = network.contacts[i].copy()
        rate = None if before is None else _rate(before[0], newest, before[1])
        self.forecast.add(base[0], newest.positions, newest.rotations, contacts, 0.0, rate)

    def go_alone(self, until_s: float, tick_s: float, newest: Packet, missing: np.ndarray) -> None:
        """A forecast of missing joints (J,), which the network does not know, until a time.

        They go on alone, so it has no need of the network and is not made anew at its every tick.
        """
        if self.base != ALONE or self.forecast.end_s < self.network_s:  # or it slept
            self.base, self.acted_from_s = ALONE, np.inf
            self.forecast = Forecast()
            self._alone(self.network_s, newest, missing)
        while self.forecast.end_s < until_s:
            self._alone(self.forecast.end_s + tick_s, newest, missing)

    def _alone(self, time_s: float, newest: Packet, missing: np.ndarray) -> None:
        """A knot with what is missing as it will be at a time."""
        rotations, others = newest.rotations.copy(), self.transfer.others
        lost = missing[others]
        rotations[others[lost]] = coasting.turned([self._coast], [time_s])[0, lost]
        self.forecast.add(time_s, newest.positions, rotations, np.zeros(4), 0.0)

    def hand_to_performer(self, time_s: float, tick_s: float) -> tuple[Pose, Pose]:
        """PERFORMER's pose of now and of a tick before; the forecast goes on from now alone."""
        old = self.forecast
        now, before = old.at(time_s), old.at(time_s - tick_s)
        poses = []
        for shown in (now, before):
            hips, turns = self.there(*shown)
            positions = PERFORMER.rest_positions.copy()
            positions[0] = hips
            poses.append(Pose(positions, turns))
        rate = (now[0] - before[0]) / tick_s, (now[1] - before[1]) / tick_s
        self._error_then_m = old.errors_at(time_s)
        gone = (poses[0].positions[0] - poses[1].positions[0])[[0, 2]]
        speed_mps = float(np.linalg.norm(gone)) / tick_s / self.transfer.scale
        self._apart_mps = GOES_ON * speed_mps
        self.forecast = Forecast()
        self.forecast.add(time_s, *now, old.contacts_at(time_s), self._error_then_m, rate)
        self.acted_from_s, self._stood = time_s, 0
        self._hips = poses[0].positions[0]
        return poses[0], poses[1]

    def _onto(self, floor: Relief, hips: Array, turns: Array, contacts: Array) -> None:
        """Brings PERFORMER's hips (3,) and legs of turns (22, 4) from the level onto a floor."""
        scale = self.transfer.scale
        hips[1] += relief.raised_m(floor, hips, scale)
        need_m = 0.0
        if relief.shift_feet(floor, hips, turns, scale, 1.0):
            lift_m = self.level.lift_m
            need_m = self._bearing.short_m(floor, hips, turns, contacts, lift_m, scale)
        self._sunk_m += (need_m - self._sunk_m) * SINKS
        hips[1] -= self._sunk_m

    def _acted(self, dt_s: float, hips: Array, newest: Packet) -> tuple[float, Array]:
        """The next knot's time and expected errors (1 + J,); its hips (3,) are there."""
        time_s = self.forecast.end_s + dt_s
        still = np.linalg.norm(hips - self._hips) < STILL_MPS * dt_s
        self._stood = self._stood + 1 if still else 0
        self._hips = hips.copy()
        # Nobody knows where the actor went: what is not known grows like a random walk, and some
        # who walked go on while this one stops.
        silent_s, then_s = time_s - newest.time_s, self.acted_from_s - newest.time_s
        error_m = self._error_then_m * float(np.sqrt(max(silent_s, 0.0) / max(then_s, dt_s)))
        return time_s, error_m + self._apart_mps * (silent_s - then_s)


def _rate(before: Packet, after: Packet, dt_s: float) -> tuple[Array, Array]:
    """How fast positions (J, 3) and rotations (J, 4) change, a second."""
    opposite = np.sum(after.rotations * before.rotations, axis=-1, keepdims=True) < 0.0
    turned = after.rotations - np.where(opposite, -1.0, 1.0) * before.rotations
    return (after.positions - before.positions) / dt_s, turned / dt_s


# Many bodies of one skeleton at once.


def there(
    predictions: Sequence[Prediction],
    positions: Sequence[Array],
    rotations: Sequence[Array],
    learn: Sequence[bool],
) -> tuple[Array, Array]:
    """PERFORMER's hips (n, 3) and rotations (n, 22, 4), as `Prediction.there` gives them."""
    transfer = predictions[0].transfer
    hips, turns = transfer.there(np.array(positions), np.array(rotations))
    if any(learn):
        some = np.flatnonzero(learn).tolist()
        those = [predictions[k] for k in some]
        ground.note(
            *([one.level for one in those], hips[some], turns[some]),
            *([one.relief for one in those], transfer.scale),
        )
    hips[:, 1] += [one.level.lift_m for one in predictions]
    for k, one in enumerate(predictions):
        if one.relief is not None:
            hips[k, 1] -= relief.raised_m(one.relief, hips[k], transfer.scale)
            relief.shift_feet(one.relief, hips[k], turns[k], transfer.scale, -1.0)
    return hips, turns


def extend(
    predictions: Sequence[Prediction],
    times_s: Sequence[float],
    newest: Sequence[Packet],
    missing: Sequence[np.ndarray],
    network: Understudy,
    which: Sequence[int],
) -> None:
    """The network went on with its bodies `which`, each to a time."""
    rows = np.array(which)
    contacts = network.contacts[rows]
    pose = _here(
        *(predictions, times_s, network.hips[rows], network.rotations[rows], contacts),
        *(newest, missing),
    )
    transfer, own = predictions[0].transfer, network.error_m[rows]
    both = [own.mean(axis=-1, keepdims=True), own[:, transfer.nearest]]
    errors_m = list(np.concatenate(both, axis=-1) / transfer.scale)
    forecasts = [one.forecast for one in predictions]
    forecast.extend(forecasts, times_s, *pose, list(contacts), errors_m)


def extend_acting(
    predictions: Sequence[Prediction],
    dt_s: float,
    hips: Array,
    turns: Array,
    contacts: Array,
    newest: Sequence[Packet],
) -> None:
    """The control performer went on: hips (n, 3), rotations (n, 22, 4), contacts (n, 4)."""
    expected = [one._acted(dt_s, h, p) for one, h, p in zip(predictions, hips, newest, strict=True)]
    times_s, errors_m = [time_s for time_s, _ in expected], [error_m for _, error_m in expected]
    all_of = np.ones(len(predictions[0].transfer.source), bool)
    pose = _here(predictions, times_s, hips, turns, contacts, newest, [all_of] * len(predictions))
    forecasts = [one.forecast for one in predictions]
    forecast.extend(forecasts, times_s, *pose, list(contacts), errors_m)


def _here(
    predictions: Sequence[Prediction],
    times_s: Sequence[float],
    hips: Array,
    turns: Array,
    contacts: Array,
    newest: Sequence[Packet],
    missing: Sequence[np.ndarray],
) -> tuple[Array, Array]:
    """Positions (n, J, 3) and rotations (n, J, 4) of PERFORMER's hips (n, 3), turns (n, 22, 4).

    contacts (n, 4): which heels and toes bear it.
    """
    transfer = predictions[0].transfer
    positions = np.array([packet.positions for packet in newest])
    rotations = np.array([packet.rotations for packet in newest])
    if len(transfer.others):
        others = transfer.others
        lost = np.array(missing)[:, others, None]
        on = coasting.turned([one._coast for one in predictions], times_s)
        rotations[:, others] = np.where(lost, on, rotations[:, others])
    hips, turns = hips.astype(float), turns.astype(float)
    hips[:, 1] -= [one.level.lift_m for one in predictions]
    for k, one in enumerate(predictions):
        if one.relief is not None:
            one._onto(one.relief, hips[k], turns[k], contacts[k])
        if one._carries:
            root, was = one._carried
            positions[k, 0, [0, 2]] = (root + hips[k] / transfer.scale - was)[[0, 2]]
    transfer.back(hips, turns, positions, rotations)
    return positions, rotations
