"""One live subject: its stream, what is missing of it, and what is shown."""

from __future__ import annotations

from collections import deque

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import NotHumanoid

from .blend import BRISK_MPS2, SMALL_M, PoseBlend
from .envelope import SHORT_S, Envelope
from .forecast import Forecast
from .pace import Pace
from .prediction import Prediction
from .stream import NEAR_S, Packet, Stream
from .transfer import Transfer

# A forecast that is younger has the right speed; what it differs by is the packet's noise.
YOUNG_S = 0.12
LET_GO_MPS2 = 12.0
FRAME_S = 1.0 / 60.0
# A stream that is younger, or was interrupted for a moment so lately, comes unevenly.
UNEVEN_S, MOMENT_S = 3.0, 0.45
NEW_S = 1.0
# A new stream whose delay varies by less than this over so long comes evenly.
SURELY_S, SURELY_SPREAD_S = 0.25, 0.018
ON_TIME = 1.1  # ticks
# Of a stream that comes evenly, what was sent is measured so many packets at a time, and at the
# latest when it is asked for.
AT_ONCE = 32
# Until then nobody knows how long the silences of a stream are.
SILENCES, SILENCES_S = 8, 1.5
NONE: Array = np.zeros(0)
# Who comes back within a step of where he is shown, facing about the same way, is blended.
STEP_M, FACES_RAD = 0.45, np.radians(60.0)
FAR_M, TURNED_RAD = 0.7, np.radians(80.0)
# What was shown so far from what was predicted is what is handed over from.
HELD_BACK_M = 0.3
# On the way back at this speed, and a moment more; then he is blended wherever he is.
RETURNS_MPS, RETURNS_S, LONGEST_RETURN_S = 1.0, 2.0, 12.0


def transfer_of(skeleton: Skeleton, known: dict[int, Transfer | None]) -> Transfer | None:
    """The way to PERFORMER and back, made once a skeleton; None where it is no humanoid's."""
    if skeleton.id not in known:
        try:
            known[skeleton.id] = Transfer(skeleton)
        except NotHumanoid:
            known[skeleton.id] = None
    return known[skeleton.id]


class Body:
    """A subject's side of `Takeover`; the networks are on the other.

    i                which of all subjects it is; blend is that of all
    missing (J,)     joints that are shown from the forecast, or held where there is none
    whole_lost       nothing has come although it was due
    newly_partial    the newest packet lacks joints that the one before had
    fingers_alone    what is missing is nothing that the network knows
    waits            it is back, but its speed is not known before the next packet, or it `returns`
    returns          it is back, so far from where it is shown that the performer walks it there
    away             it returns, or was lost again on the way
    walks            whether there is a performer who can
    """

    def __init__(
        self, i: int, skeleton: Skeleton, transfer: Transfer | None, blend: PoseBlend
    ) -> None:
        self.i = i
        self.skeleton = skeleton
        self.stream = Stream()
        self.prediction = None if transfer is None else Prediction(transfer)
        self._blend = blend
        self.positions = skeleton.rest_positions.copy()
        self.rotations = skeleton.rest_rotations.copy()
        self._aim = self.positions, self.rotations  # what is shown, less what still fades
        self.state, self.reason, self.uncertainty_m = State.HOLD, "no mocap has come yet", 0.0
        self.joint_uncertainty_m: Array = NONE
        self.time_s = -np.inf  # of what is shown, on the source's clock
        self.missing = np.zeros(len(skeleton), bool)
        self.whole_lost, self.newly_partial, self.waits = True, False, False
        self.any_missing = self._all_missing = self.fingers_alone = False
        self.returns, self.away, self.walks, self.apart_m = False, False, False, 0.0
        self._returns_until_s = np.inf
        self._still = self.missing  # missing at this tick and the one before
        self.lost_s = -np.inf  # since when something is missing
        self._waits_from_s = np.inf
        self.step_s = FRAME_S
        self._envelope, self._pace = Envelope(len(skeleton)), Pace(len(skeleton))
        self._sent: list[Packet] = []  # which neither has measured yet
        self._at_once = 1 + i % AT_ONCE  # bodies that came together do not all measure in one tick
        self._noted_s = self._began_s = self._uneven_s = -np.inf
        # Who jerks before the rate is known looks like disorder; it is judged again once it is.
        self._hasty = False
        self._kept = False  # whether what is predicted stays within the envelope
        self._root_then: tuple[Array, Array] = (np.zeros(3), np.zeros(3))
        self._now_s, self._tick_s = -np.inf, 0.0
        self._gone_s = 0.0  # for how long something was missing
        self._silences_s: deque[float] = deque(maxlen=SILENCES)  # the last ones

    @property
    def silent_s(self) -> float:
        return self.time_s - self.stream.newest.time_s

    @property
    def lost_for_s(self) -> float:
        """How long the body, or some joints of it, have been missing."""
        return self.silent_s if self.whole_lost else self.time_s - self.lost_s

    @property
    def before(self) -> tuple[Array, Array, float] | None:
        """The source's pose before the newest and their distance in seconds, if it is near."""
        one = None if self.whole_lost else self.stream.before_newest
        if one is None:
            return None
        newest = self.stream.newest
        return one.positions, one.rotations, self.stream.elapsed_s(one, newest)

    # Which joints are missing now.

    def sense(self, now_s: float) -> None:
        """Takes the stream's time on to a tick of the stage and finds what is missing."""
        stream = self.stream
        self._now_s, self._tick_s = now_s, min(max(now_s - self._now_s, 0.0), NEAR_S)
        self.newly_partial = False
        if not stream.packets:
            return
        stream.advance(now_s)
        newest = stream.newest
        self.whole_lost = stream.overdue
        self.returns &= not self.whole_lost
        before_s = self.time_s
        self.time_s = max(before_s, stream.playhead_s if self.whole_lost else newest.time_s)
        if 0.0 < self.time_s - before_s < NEAR_S:
            self.step_s = self.time_s - before_s
        self._note_sent()
        if self._all_missing if self.whole_lost else not self.any_missing and newest.seen is None:
            self.waits, self._still = False, self.missing  # as at the tick before
            return
        was = self.missing
        missing = np.full(len(was), self.whole_lost)
        if not self.whole_lost and newest.seen is not None:
            missing = ~newest.seen
        back = was & ~missing
        self.waits = bool(back.any()) and not self._hand_back(np.flatnonzero(back))
        if self.waits:
            missing |= back
        lost = missing & ~was
        if lost.any():
            self._lose(lost, not was.any())
        # A frame that is lost from an even stream is no sign that it comes unevenly.
        gone_s = self.time_s - self.lost_s
        short = was.any() and not missing.any() and gone_s < MOMENT_S
        if short and not (stream.holed and self._is_even):
            self._uneven_s = self.time_s
            self._silences_s.append(self._gone_s)
        self._still = was & missing
        self.missing = missing
        self.any_missing, self._all_missing = bool(missing.any()), bool(missing.all())
        self.fingers_alone = (
            self.any_missing
            and self.prediction is not None
            and bool(self.prediction.transfer.seen_there(~missing).all())
        )

    def _note_sent(self) -> None:
        """What was sent since the tick before widens the envelope, and may be faster than ever."""
        fresh: list[Packet] = []
        for packet in self.stream.packets[::-1]:
            if packet.time_s <= self._noted_s:
                break
            fresh.append(packet)
        fresh.reverse()
        newest = self.stream.newest
        if self._began_s == -np.inf:
            self._began_s = newest.time_s
        self._noted_s = newest.time_s
        if fresh and not self._is_even:
            self._measure()
            self._sent = fresh
            self._measure()
            if self._pace.disordered_s >= fresh[0].time_s:
                self._uneven_s = self._pace.disordered_s
                self._hasty = not self.stream.rated
            return
        if self._hasty and self.stream.rated:  # and even
            self._hasty, self._uneven_s = False, -np.inf
        self._sent += fresh
        if len(self._sent) >= self._at_once:
            self._at_once = AT_ONCE
            self._measure()

    def _measure(self) -> None:
        """Measures what was sent and is not measured yet."""
        if not self._sent:
            return
        self._envelope.note(self._sent)
        whole = [packet for packet in self._sent if packet.seen is None]
        self._sent = []
        if whole:
            self._pace.note(
                [packet.time_s for packet in whole],
                [packet.positions[0] for packet in whole],
                [packet.rotations for packet in whole],
                self.stream.interval_s,
            )

    def _lose(self, lost: np.ndarray, first: bool) -> None:
        """Joints lost (J,) are missing from now on."""
        if first:
            self.lost_s = self.time_s
            new_s = -np.inf if self._is_surely_even else self._began_s + NEW_S
            uneven_s = max(self._uneven_s + UNEVEN_S, new_s)
            uneven = self.time_s < uneven_s
            # What is being handed over from beyond the envelope is not pulled into it.
            self._kept = uneven and (self._kept or not self._fading().any())
            one, newest = self.stream.before_newest, self.stream.newest
            self._root_then = newest.positions[0], np.zeros(3)
            if self._kept and one is not None:
                gone = newest.positions[0] - one.positions[0]
                self._root_then = newest.positions[0], gone / self.stream.elapsed_s(one, newest)
        packets = self.stream.packets
        self.newly_partial = not (self.whole_lost or self.waits) and len(packets) > 1
        if self.prediction is not None:
            seen = packets[:-1] if self.newly_partial else packets
            before = self.stream.before(seen[-1])
            dt_s = 0.0 if before is None else self.stream.elapsed_s(before, seen[-1])
            self.prediction.coast(lost, seen, before, dt_s)

    def _hand_back(self, joints: np.ndarray) -> bool:
        """Joints (n,) are seen again; False: not yet shown, the first packet tells no speed."""
        newest, before = self.stream.newest, self.stream.before_newest
        t, dt_s = self.time_s, NEAR_S
        source = newest.positions, newest.rotations
        source_before = source
        if before is not None and before.sees(joints):
            dt_s = self.stream.elapsed_s(before, newest)
            source_before = before.positions, before.rotations
        elif t < min(self._waits_from_s, t) + NEAR_S:
            self._waits_from_s = min(self._waits_from_s, t)
            return False
        self._waits_from_s = np.inf
        if self._returning(joints, t):
            return False
        shown = shown_before = self._aim
        if self.prediction is not None and self.prediction.forecast:
            forecast = self.prediction.forecast
            shown, shown_before = forecast.at(t), forecast.at(t - dt_s)
        if self._is_held_back(shown[0]):
            shown = shown_before = self.positions, self.rotations
        self._change(joints, dt_s, (shown, shown_before), (source, source_before), t - self.lost_s)
        return True

    def _returning(self, joints: np.ndarray, time_s: float) -> bool:
        """Whether the whole body is back further away than a blend may take it."""
        self.returns = self.away = self._is_far(joints, time_s)
        return self.returns

    def _is_far(self, joints: np.ndarray, time_s: float) -> bool:
        ahead, newest = self.prediction, self.stream.newest
        whole = len(joints) == len(self.skeleton)
        if not (self.walks and whole and ahead is not None and ahead.forecast):
            return False
        goes_on = ahead.forecast.at(time_s)
        if self._is_held_back(goes_on[0]):
            goes_on = self.positions, self.rotations
        shown = ahead.transfer.there(*goes_on)
        there = ahead.transfer.there(newest.positions, newest.rotations)
        off = (shown[0] - there[0])[[0, 2]]
        self.apart_m = float(np.hypot(*off)) / ahead.transfer.scale
        turned = float(rotation.yaw(shown[1][0]) - rotation.yaw(there[1][0]))
        turned = abs((turned + np.pi) % (2.0 * np.pi) - np.pi)
        if not self.returns:
            lasts_s = RETURNS_S + self.apart_m / RETURNS_MPS
            self._returns_until_s = time_s + min(lasts_s, LONGEST_RETURN_S)
            return self.apart_m > FAR_M or turned > TURNED_RAD
        near = self.apart_m < STEP_M and turned < FACES_RAD
        return not near and time_s < self._returns_until_s

    def _is_held_back(self, positions: Array) -> bool:
        """Whether the envelope shows the body far from where it is predicted, positions (J, 3)."""
        off = positions[0] - self.positions[0]
        return self._kept and float(np.sqrt(off @ off)) > HELD_BACK_M

    def turn_to_forecast(self, old: Forecast) -> None:
        """What was shown from an older forecast goes on in the new one."""
        joints = np.flatnonzero(self._still)
        if self.prediction is None or not old or not len(joints):
            return
        new, t, dt_s = self.prediction.forecast, self.time_s, self.step_s
        pairs = (old.at(t), old.at(t - dt_s)), (new.at(t), new.at(t - dt_s))
        self._change(joints, dt_s, *pairs, t - new.times[0])

    def _change(
        self,
        joints: np.ndarray,
        dt_s: float,
        old: tuple[tuple[Array, Array], tuple[Array, Array]],
        new: tuple[tuple[Array, Array], tuple[Array, Array]],
        age_s: float,
    ) -> None:
        """Joints (n,) aim at new from now on; the forecast between the two is age_s old."""
        if age_s >= YOUNG_S:
            self._blend.jump(self.i, joints, self.time_s, dt_s, old, new)
            return
        # Late packets mend something at every tick: what hardly pushes in one is let go at once.
        free_m = max(SMALL_M, LET_GO_MPS2 * self.step_s**2)
        old, new = (old[0],) * 2, (new[0],) * 2
        self._blend.jump(self.i, joints, self.time_s, dt_s, old, new, BRISK_MPS2, free_m)

    # What is shown.

    def expect(self, errors_m: Array) -> None:
        """How far what is shown is from the truth (1 + J,): the body's mean, and each joint's."""
        self.uncertainty_m, self.joint_uncertainty_m = float(errors_m[0]), errors_m[1:]

    def show_source(self) -> None:
        """Nothing is missing, and nothing fades."""
        newest = self.stream.newest
        pose = positions, rotations = newest.positions, newest.rotations
        self._aim = pose
        self.state, self.reason, self.uncertainty_m = State.LIVE, "", 0.0
        self.joint_uncertainty_m = NONE
        if self._is_uneven:
            shown = self.positions, self.rotations
            self._measure()
            positions, rotations = self._pace.slow(self._tick_s, shown, *pose)
            if rotations is not newest.rotations or positions is not newest.positions:
                self.state, self.reason = self._why(newest)
        self.positions, self.rotations = positions, rotations
        if self.prediction is not None:
            self.prediction.end()

    @property
    def _is_even(self) -> bool:
        """Whether what was taken at a steady rate came so too, to a tick of the stage."""
        return self.stream.spread_s <= ON_TIME * self._tick_s and self.stream.steady

    @property
    def _is_surely_even(self) -> bool:
        """The same of a stream that is new: whether it is known for long enough to tell."""
        known_s = self.stream.newest.time_s - self._began_s
        return known_s > SURELY_S and self.stream.spread_s < SURELY_SPREAD_S and self._is_even

    @property
    def _is_uneven(self) -> bool:
        """Whether it was interrupted for a moment, or came in disorder, of late."""
        return self.time_s < self._uneven_s + UNEVEN_S

    def show(self, positions: Array, rotations: Array, aim: tuple[Array, Array]) -> None:
        """A pose that is not, or not wholly, the source's; aim is what it is without fading."""
        self._aim = aim
        if self.any_missing:
            # Who is back and waits for a second packet is not lost.
            whole = self.whole_lost or self.stream.newest.seen is None
            self._gone_s = self.silent_s if whole else self.time_s - self.lost_s
        if self._kept:
            # What is acted, what fades, and what planted feet bend.
            other = (rotations != aim[1]).any(-1)
            other[0] |= (positions[0] != aim[0][0]).any()
            joints = np.flatnonzero(self.missing | other)
            positions, rotations = positions.copy(), rotations.copy()
            self._measure()
            # A silence that is no longer than those before it is nothing new.
            usual_s = max(self._silences_s, default=0.0)
            if self.time_s < self._began_s + SILENCES_S:
                usual_s = max(usual_s, SHORT_S)
            at, mps = self._root_then
            most_mps = self._pace.fastest_mps * self.missing[0]  # who is back goes nowhere new
            root = at, np.clip(mps, -most_mps, most_mps)
            self._envelope.keep(joints, self._gone_s, usual_s, root, positions, rotations)
            if self.waits and self._is_held_back(positions):
                positions[0] = self.positions[0]  # the packet that it waits for tells the way
        if self._is_uneven and self._gone_s < MOMENT_S:
            shown = self.positions, self.rotations
            self._measure()
            positions, rotations = self._pace.slow(self._tick_s, shown, positions, rotations)
        self.positions, self.rotations = positions, rotations
        self.state, self.reason = self._why(self.stream.newest)

    def _fading(self) -> np.ndarray:
        """(J,) bool, joints that are being handed over."""
        return self._blend.fading(self.i, self.time_s)[: len(self.skeleton)]

    def _why(self, newest: Packet) -> tuple[State, str]:
        """Who moves the body, and the reason."""
        if self.whole_lost:
            what = f"mocap silent for {self.silent_s:.1f} s"
            if self.prediction is not None and self.prediction.stands:
                return State.HOLD, f"{what}: {self.prediction.does[1]}"
            if self.prediction is not None and self.prediction.acting:
                return State.TAKEOVER, f"{what}: {self.prediction.does[0]}"
        elif newest.seen is not None:
            names = [self.skeleton.names[j] for j in np.flatnonzero(~newest.seen)]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            what = f"mocap lacks {', '.join(names[:3])}{more}"
        elif self.returns:
            return State.TAKEOVER, f"mocap is back {self.apart_m:.1f} m away: walking there"
        else:
            return State.TAKEOVER, "mocap is back: handing over"
        if self.prediction is None:
            return State.HOLD, what + "; this skeleton is no humanoid, its last pose is held"
        if not self.prediction.forecast:
            return State.HOLD, what + "; nothing to go on from, held"
        return State.TAKEOVER, what
