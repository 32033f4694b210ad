"""One live subject: its stream, what is missing of it, and what is shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import NotHumanoid

from .forecast import Forecast
from .level import Level
from .planting import Planting
from .seam import BRISK_MPS2, GENTLE_MPS2, Seam
from .stream import NEAR_S, Packet, Stream
from .transfer import Transfer

# A forecast that is younger has the right speed; what it differs by is the packet's noise.
YOUNG_S = 0.12
# Joints that the network does not know roll out.
COAST_S = 0.15
CARRIES_M = 0.02
FASTEST_RAD_S = 10.0  # and no faster: a joint that flips does not go on flipping
# A body stands when its hips have moved no faster for so many knots.
STILL_MPS = 0.08
STANDS_KNOTS = 12


class Body:
    """A subject's side of `Takeover`; the network's side is in the arrays of Understudy."""

    def __init__(self, skeleton: Skeleton, transfers: dict[int, Transfer | None]) -> None:
        self.skeleton = skeleton
        if skeleton.id not in transfers:
            try:
                transfers[skeleton.id] = Transfer(skeleton)
            except NotHumanoid:
                transfers[skeleton.id] = None
        self.transfer = transfers[skeleton.id]
        count = len(skeleton)
        self.stream = Stream()
        self.seam = Seam(count)
        self.level = Level()
        self.planting = Planting(self.transfer) if self.transfer is not None else None
        self.positions = skeleton.rest_positions.copy()
        self.rotations = skeleton.rest_rotations.copy()
        self.state, self.reason, self.uncertainty_m = State.HOLD, "no mocap has come yet", 0.0
        self.time_s = -np.inf  # of what is shown, on the source's clock
        self.network_s: float | None = None  # of the network's memory
        self.branch: Any = None
        self.forecast: Forecast | None = None
        self.forecast_from: tuple[float | None, bool] | None = None
        self.acted_by_s: float | None = None  # since when the control performer moves it
        self._stood = 0
        self._error_then_m = 0.0
        self._hips = np.zeros(3)
        self.missing = np.zeros(count, bool)  # joints that are shown from the forecast
        self.newly_partial = False
        self.waits = False
        self.overdue = True
        self._coast_from = rotation.identity(count)
        self._coast_rate: Array = np.zeros((count, 3))
        self._coast_s: Array = np.zeros(count)
        self._carry = False
        self._carry_from = (np.zeros(3), np.zeros(3))
        self._lost_s = -np.inf  # since when something is missing
        self._still = np.zeros(count, bool)  # missing at this tick and the one before
        self._step_s = 1.0 / 60.0
        self._waits_from_s = np.inf

    # Which joints are missing now.

    def sense(self, now_s: float) -> None:
        """Takes the stream's time on to a tick of the stage and finds what is missing."""
        stream = self.stream
        stream.advance(now_s)
        self.newly_partial = False
        if not stream.packets:
            return
        newest = stream.newest
        self.overdue = stream.overdue
        before_s = self.time_s
        self.time_s = max(before_s, stream.playhead_s if self.overdue else newest.time_s)
        if 0.0 < self.time_s - before_s < NEAR_S:
            self._step_s = self.time_s - before_s
        was = self.missing
        if self.overdue:
            missing = np.ones(len(self.skeleton), bool)
        elif newest.seen is None:
            missing = np.zeros(len(self.skeleton), bool)
        else:
            missing = ~newest.seen
        back = was & ~missing
        self.waits = bool(back.any()) and not self._hand_back(np.flatnonzero(back))
        if self.waits:
            missing |= back  # a first packet tells no speed; the forecast is shown until the second
        lost = missing & ~was
        if lost.any():
            if not was.any():
                self._lost_s = self.time_s
            self._let_roll(lost)
            self.newly_partial = not (self.overdue or self.waits) and len(stream.packets) > 1
        self._still = was & missing
        self.missing = missing

    def _hand_back(self, joints: np.ndarray) -> bool:
        """Joints (n,) that were forecast are seen again; False: not yet, their speed is unknown."""
        newest, before = self.stream.newest, self.stream.before_newest
        t = self.time_s
        shown = self.positions, self.rotations
        if before is not None and before.sees(joints):
            dt_s = newest.time_s - before.time_s
            old = (
                (self.forecast.at(t), self.forecast.at(t - dt_s)) if self.forecast else (shown,) * 2
            )
            new = (newest.positions, newest.rotations), (before.positions, before.rotations)
        elif t < min(self._waits_from_s, t) + NEAR_S:
            self._waits_from_s = min(self._waits_from_s, t)
            return False
        else:
            dt_s, old = NEAR_S, (self.forecast.at(t) if self.forecast else shown,) * 2
            new = ((newest.positions, newest.rotations),) * 2
        young = self.forecast is not None and t - self._lost_s < YOUNG_S
        if young:
            old, new = (old[0],) * 2, (new[0],) * 2
        self.seam.jump(joints, t, dt_s, old, new, BRISK_MPS2 if young else GENTLE_MPS2)
        self._waits_from_s = np.inf
        return True

    def _let_roll(self, lost: np.ndarray) -> None:
        """Notes the speed at which joints (J,) were seen last."""
        packets = self.stream.packets
        at = len(packets) - 1 if self.overdue or len(packets) == 1 else len(packets) - 2
        last = packets[at]
        self._coast_from[lost] = last.rotations[lost]
        self._coast_s[lost] = last.time_s
        self._coast_rate[lost] = 0.0
        if at and last.time_s - packets[at - 1].time_s <= NEAR_S:
            turn = rotation.multiply(last.rotations, rotation.conjugate(packets[at - 1].rotations))
            rate = rotation.to_rotation_vector(turn) / (last.time_s - packets[at - 1].time_s)
            fast = np.sqrt(np.sum(rate * rate, axis=-1, keepdims=True))
            rate *= np.minimum(1.0, FASTEST_RAD_S / np.maximum(fast, FASTEST_RAD_S))
            self._coast_rate[lost] = rate[lost]
        if self.transfer is not None and self.transfer.carriers:
            root = np.array([p.positions[0] for p in packets])
            self._carry = bool(np.ptp(root[:, [0, 2]], axis=0).max() > CARRIES_M)
            hips = self.transfer.there(last.positions, last.rotations)[0] / self.transfer.scale
            self._carry_from = last.positions[0], hips

    # To and from the network's skeleton.

    def there(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """PERFORMER's hips (3,) and rotations (22, 4), standing on the ground."""
        hips, turns = self.transfer.there(positions, rotations)
        hips[1] += self.level.lift_m
        return hips, turns

    def seen_roles(self, seen: np.ndarray | None) -> np.ndarray | bool:
        """(22,) bool: PERFORMER's joints that seen (J,) tells."""
        return True if seen is None else self.transfer.seen_there(seen)

    def learn(self, positions: Array, rotations: Array) -> None:
        """Takes a whole pose into account for where the ground is."""
        self.level.note(*self.transfer.there(positions, rotations))

    # The forecast.

    def begin_forecast(self, base_s: float, network: Any, i: int) -> None:
        """A forecast from what was seen last, or what the network made of it."""
        contacts = network.contacts[i].copy()
        if self.overdue:
            newest, before = self.stream.newest, self.stream.before_newest
            rate = None
            if before is not None:
                dt_s = newest.time_s - before.time_s
                sign = np.where(
                    np.sum(newest.rotations * before.rotations, -1, keepdims=True) < 0.0, -1.0, 1.0
                )
                rate = (
                    (newest.positions - before.positions) / dt_s,
                    (newest.rotations - sign * before.rotations) / dt_s,
                )
            self.forecast = Forecast(
                base_s, newest.positions, newest.rotations, contacts, 0.0, rate
            )
        else:
            pose = self._from_network(base_s, network, i)
            self.forecast = Forecast(base_s, *pose, contacts, self._error_m(network, i))
        self.forecast_from = (base_s, self.overdue)

    def _from_network(self, time_s: float, network: Any, i: int) -> tuple[Array, Array]:
        """Positions (J, 3) and rotations (J, 4) of what the network has at a time."""
        return self._here(time_s, network.hips[i].astype(float), network.rotations[i].astype(float))

    def _here(self, time_s: float, hips: Array, turns: Array) -> tuple[Array, Array]:
        """Positions (J, 3) and rotations (J, 4) of PERFORMER's hips (3,) and turns (22, 4)."""
        transfer, newest = self.transfer, self.stream.newest
        positions, rotations = newest.positions.copy(), newest.rotations.copy()
        others = transfer.others[self.missing[transfer.others]]
        if len(others):
            rolled_s = COAST_S * (1.0 - np.exp((self._coast_s[others] - time_s) / COAST_S))
            turn = rotation.from_rotation_vector(self._coast_rate[others] * rolled_s[:, None])
            rotations[others] = rotation.multiply(turn, self._coast_from[others])
        hips[1] -= self.level.lift_m
        if self._carry:
            moved = hips / transfer.scale - self._carry_from[1]
            positions[0, [0, 2]] = self._carry_from[0][[0, 2]] + moved[[0, 2]]
        transfer.back(hips, turns, positions, rotations)
        return positions, rotations

    def _error_m(self, network: Any, i: int) -> float:
        return float(network.error_m[i].mean() / self.transfer.scale)

    def extend_forecast(self, dt_s: float, network: Any, i: int) -> None:
        """The network went a tick further."""
        end_s = self.forecast.end_s + dt_s
        pose = self._from_network(end_s, network, i)
        self.forecast.add(end_s, *pose, network.contacts[i].copy(), self._error_m(network, i))
        self.forecast.trim(self.time_s)

    @property
    def silent_s(self) -> float:
        return self.time_s - self.stream.newest.time_s

    def hand_to_performer(self, tick_s: float) -> tuple[Pose, Pose]:
        """PERFORMER's pose of now and of a tick before; the forecast goes on from now alone."""
        t, old = self.time_s, self.forecast
        poses = []
        for time_s in (t, t - tick_s):
            hips, turns = self.there(*old.at(time_s))
            positions = PERFORMER.rest_positions.copy()
            positions[0] = hips
            poses.append(Pose(positions, turns))
        (p1, q1), (p0, q0) = old.at(t), old.at(t - tick_s)
        rate = (p1 - p0) / tick_s, (q1 - q0) / tick_s
        self.forecast = Forecast(t, p1, q1, old.contacts_at(t), old.error_at(t), rate)
        self.acted_by_s, self._error_then_m = t, old.error_at(t)
        self._stood = 0
        self._hips = poses[0].positions[0]
        return poses[0], poses[1]

    def extend_acting(self, dt_s: float, hips: Array, turns: Array, contacts: Array) -> None:
        """The control performer went on: hips (3,), rotations (22, 4), contacts (4,)."""
        end_s = self.forecast.end_s + dt_s
        moved = float(np.linalg.norm(hips - self._hips)) / dt_s
        self._stood = self._stood + 1 if moved < STILL_MPS else 0
        self._hips = hips.copy()
        pose = self._here(end_s, hips.astype(float), turns.astype(float))
        # Nobody knows where the actor went: what is not known grows like a random walk.
        silent = end_s - self.stream.newest.time_s
        error_m = self._error_then_m * np.sqrt(
            silent / max(self.acted_by_s - self.stream.newest.time_s, dt_s)
        )
        self.forecast.add(end_s, *pose, contacts, float(error_m))
        self.forecast.trim(self.time_s)

    def turn_to_forecast(self, old: Forecast | None) -> None:
        """What was shown from an older forecast goes on in the new one."""
        shown = np.flatnonzero(self._still)
        if old is None or not len(shown):
            return
        t, dt_s = self.time_s, self._step_s
        new = self.forecast
        young = t - new.times[0] < YOUNG_S
        then_s = t if young else t - dt_s
        pairs = (old.at(t), old.at(then_s)), (new.at(t), new.at(then_s))
        self.seam.jump(shown, t, dt_s, *pairs, BRISK_MPS2 if young else GENTLE_MPS2)

    # What is shown.

    def compose(self, now_s: float, stop_after_s: float) -> None:
        """Pose, state and reason of this tick."""
        if not self.stream.packets:
            return
        newest, t = self.stream.newest, self.time_s
        blending = self.seam.under_way(t)
        planting = self.planting
        if not self.missing.any():
            if not blending.any() and not (planting and planting.busy):
                self.positions, self.rotations = newest.positions, newest.rotations
                self.state, self.reason, self.uncertainty_m = State.LIVE, "", 0.0
                self.forecast = self.forecast_from = self.acted_by_s = None
                return
        positions, rotations = newest.positions.copy(), newest.rotations.copy()
        if self.missing.any() and self.forecast is not None:
            there_p, there_r = self.forecast.at(t)
            positions[self.missing], rotations[self.missing] = (
                there_p[self.missing],
                there_r[self.missing],
            )
            self.uncertainty_m = self.forecast.error_at(t)
        if blending.any():
            self.seam.apply(np.flatnonzero(blending), t, positions, rotations)
        if planting and self.forecast and (planting.busy or t - self._lost_s > YOUNG_S):
            source = newest.positions, newest.rotations
            contacts = self.forecast.contacts_at(t)
            one = self.stream.before_newest
            before = one and (one.positions, one.rotations, newest.time_s - one.time_s)
            planting.solve(
                *(t, self._step_s, self.missing, blending, contacts, source, before),
                *(positions, rotations),
            )
        if not self.missing.any():
            self.forecast_from = self.acted_by_s = None
        self.positions, self.rotations = positions, rotations
        self.state, self.reason = State.TAKEOVER, self._why(newest)

    def _why(self, newest: Packet) -> str:
        if self.overdue:
            what = f"mocap silent for {self.silent_s:.1f} s"
            if self.acted_by_s is not None:
                stands = self._stood >= STANDS_KNOTS
                self.state = State.HOLD if stands else State.TAKEOVER
                return what + (": standing" if stands else ": stopping")
        elif newest.seen is not None:
            names = [self.skeleton.names[j] for j in np.flatnonzero(~newest.seen)]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            what = f"mocap lacks {', '.join(names[:3])}{more}"
        else:
            return "mocap is back: handing over"
        if self.forecast is None:
            self.state = State.HOLD
            return what + "; held"
        return what
