"""Hands that take hold and let go: by closing fingers, by a pad's buttons, and on orders.

A hand that is about to take hold is armed for a while: the first prop that comes within its reach
is its own. A gap between the two closes within a blink.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import mujoco
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.event import GRAB, RELEASE, Event
from understudy.runtime.core.pose import Subject
from understudy.runtime.core.roles import SIDES
from understudy.runtime.core.rotation import Array

from .grips import Grip, grip
from .limbs import CLOSED_RAD, OPEN_RAD, Fingers
from .world import Driven, Moved, World

# How near a prop has to be: to fingers that close, and to a hand that is told to take it.
REACH_M, TOLD_REACH_M = 0.06, 0.2
CLOSES_S, ARMED_S, TOLD_S, GAP_S = 0.3, 4.0, 15.0, 0.15
# What is put down is let go when it stands on something, or after so long; what is thrown, when the
# hand is slower again than it was, by so much.
DOWN_S, THROWN_S, THROW_MPS, SLOWER = 2.0, 3.0, 2.0, 0.85
# A hand that has taken a prop over from another's leaves it to that for so long no more.
HANDED_S = 0.25
# A thrown prop goes as the hand did over so long.
SPEED_S = 0.034
PICK = next(button for button, action in ACTIONS.items() if action == "pick")
THROW = next(button for button, action in ACTIONS.items() if action == "throw")
_APART_M, _LEAVES_S = 0.005, 1.0
_DEEP_M = 0.01
_SMALL_M = 0.16  # what is within a ball of this radius is taken with one hand


@dataclass(eq=False)
class Hand:
    """One hand of one subject: its row among the driven, and what it is about to do."""

    who: str
    side: str
    row: int
    joint: str
    palm: Array
    driven: Driven
    closed: bool = False
    armed_s: float = -1.0  # until then; it takes what is near
    reach_m: float = REACH_M
    wanted: str = ""  # the prop that it is told to take; "": any
    by_fingers: bool = False
    drops: str = ""  # "down" or "throw": when it lets go of what it holds
    drops_s: float = 0.0
    fastest_mps: float = 0.0
    ahead: Array = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))  # where the body faces

    @property
    def key(self) -> tuple[str, str]:
        return self.who, self.side


@dataclass(eq=False)
class Hold:
    """A hand on a prop; shift (3,), in the hand's frame, is the gap that is still to be closed."""

    hand: Hand
    grip: Grip
    shift: Array
    left_s: float
    by_fingers: bool
    since_s: float
    angle: float = 0.0  # of a door or drawer: its own less the hand's


@dataclass(eq=False)
class Held:
    """A prop in hands."""

    prop: Moved
    holds: list[Hold]
    was: deque[tuple[float, Array, Array]] = field(default_factory=lambda: deque(maxlen=8))

    @property
    def grips(self) -> list[Grip]:
        return [one.grip for one in self.holds]


class Hands:
    """Everybody's hands, and what is in them. `rows` of `follow` are joints of driven bodies."""

    def __init__(self) -> None:
        self.hands: dict[tuple[str, str], Hand] = {}
        self.held: dict[str, Held] = {}
        self._fingers: dict[int, Fingers] = {}
        self._pressed: dict[str, frozenset[str]] = {}
        self._leaving: dict[str, tuple[Hand, float]] = {}
        self._inside: set[str] = set()  # let go inside something, and still there
        self.touched: set[str] = set()  # props that met something, of the frame that ends

    def enter(self, world: World, subjects: list[Subject]) -> None:
        """The cast of a new world; who is in it still holds what was held."""
        names = {subject.name: subject.skeleton for subject in subjects}
        before, self.hands = self.hands, {}
        for row, one in enumerate(world.driven):
            if one.limb is None or not one.limb.is_hand or one.name not in names:
                continue
            side = one.limb.name.removesuffix("_hand")
            joint = names[one.name].names[one.limb.joint]
            hand = before.get((one.name, side)) or Hand(
                one.name, side, row, joint, one.limb.at, one
            )
            hand.row, hand.joint, hand.palm, hand.driven = row, joint, one.limb.at.copy(), one
            self.hands[hand.key] = hand
        held, self.held = self.held, {}
        for name, it in held.items():
            prop = world.named.get(name)
            it.holds = [one for one in it.holds if one.hand.key in self.hands]
            if prop is not None and it.holds:
                it.prop = prop
                self.held[name] = it
                self._bind(world, it)
        self._leaving.clear()
        self._inside.clear()

    # What a frame asks of them.

    def listen(self, subjects: list[Subject], now_s: float) -> None:
        """Fingers and buttons of a frame."""
        for subject in subjects:
            known = self._fingers.get(subject.skeleton.id)
            if known is None:
                known = self._fingers[subject.skeleton.id] = Fingers(subject.skeleton)
            for side in SIDES:
                hand = self.hands.get((subject.name, side))
                bent = known.bent_rad(side, subject.pose.rotations) if hand is not None else None
                if hand is not None and bent is not None:
                    self._close(hand, bent, now_s)
            buttons = subject.intent.buttons if subject.intent is not None else frozenset()
            fresh = buttons - self._pressed.get(subject.name, frozenset())
            self._pressed[subject.name] = buttons
            mine = [hand for hand in self.hands.values() if hand.who == subject.name]
            if mine:
                ahead = _ahead(subject)
                for hand in mine:
                    hand.ahead = ahead
            full = [hand for hand in mine if self.of(hand) is not None]
            if PICK in fresh and full:
                for hand in full:
                    hand.drops, hand.drops_s = "down", now_s + DOWN_S
            elif PICK in fresh:
                for hand in mine:
                    _arm(hand, now_s + ARMED_S, TOLD_REACH_M)
            if THROW in fresh:
                for hand in full:
                    hand.drops, hand.drops_s, hand.fastest_mps = "throw", now_s + THROWN_S, 0.0

    def _close(self, hand: Hand, bent_rad: float, now_s: float) -> None:
        if not hand.closed and bent_rad > CLOSED_RAD:
            hand.closed = True
            _arm(hand, now_s + CLOSES_S, REACH_M, by_fingers=True)
        elif hand.closed and bent_rad < OPEN_RAD:
            hand.closed = False
            held = self.of(hand)
            if held is not None and any(h.hand is hand and h.by_fingers for h in held.holds):
                hand.drops, hand.drops_s = "now", now_s

    def order(self, what: str, who: str, side: str, prop: str, now_s: float) -> None:
        """What somebody is told: "grab" or "release"; side "" is whichever hand can."""
        for hand in self.hands.values():
            if hand.who != who or side not in ("", hand.side):
                continue
            if what == GRAB:
                _arm(hand, now_s + TOLD_S, TOLD_REACH_M, prop)
            elif (held := self.of(hand)) is not None and prop in ("", held.prop.table.name):
                hand.drops, hand.drops_s = "now", now_s

    def drop(self, world: World, name: str) -> None:
        """Nobody holds a prop any more; its place is another's to say."""
        held = self.held.pop(name, None)
        if held is not None:
            for hold in held.holds:
                hold.hand.drops = ""
            world.meet(held.prop, 0)
            world.weigh(held.prop, heavy=False)
        self._leaving.pop(name, None)
        self._firm(world, name)

    def of(self, hand: Hand) -> Held | None:
        """What a hand holds."""
        for held in self.held.values():
            if any(hold.hand is hand for hold in held.holds):
                return held
        return None

    # What comes of it, at the end of a frame.

    def settle(
        self, world: World, joints_p: Array, joints_r: Array, now_s: float, dt_s: float
    ) -> Iterator[Event]:
        """Takes hold and lets go where the time has come; joints (R, 3), (R, 4) of the driven."""
        for held in list(self.held.values()):
            self._remember(held, world, now_s)
            self._draw(held, dt_s)
            for hold in list(held.holds):
                if self._lets_go(held, hold, joints_p, now_s, dt_s):
                    yield self._release(world, held, hold, joints_p, joints_r, now_s)
        armed = [hand for hand in self.hands.values() if hand.armed_s >= now_s]
        if armed:
            mujoco.mj_kinematics(world.model, world.data)
        for hand in armed:
            if self.of(hand) is None and (found := self._nearest(world, hand)) is not None:
                yield self._grab(world, hand, *found, joints_p, joints_r, now_s)
        self._part(world, now_s)

    def _draw(self, held: Held, dt_s: float) -> None:
        """Closes the gap between hand and prop."""
        for hold in held.holds:
            if hold.left_s > 0.0:
                share = min(1.0, dt_s / hold.left_s)
                step = share * hold.shift
                g = hold.grip
                hold.grip = Grip(g.who, g.joint, g.position + step, g.rotation, g.palm)
                hold.shift, hold.left_s = hold.shift - step, hold.left_s - dt_s

    def _remember(self, held: Held, world: World, now_s: float) -> None:
        if held.prop.free:
            q = world.data.qpos[held.prop.q : held.prop.q + 7]
            held.was.append((now_s, q[:3].copy(), q[3:].copy()))

    def _lets_go(self, held: Held, hold: Hold, joints_p: Array, now_s: float, dt_s: float) -> bool:
        hand = hold.hand
        others = [one for one in held.holds if one is not hold and one.hand.who != hand.who]
        if others and not hold.by_fingers:
            later = min(one.since_s for one in others)
            if later > hold.since_s and now_s > later + HANDED_S:
                return True
        if hand.drops == "now":
            return True
        if hand.drops == "down":
            return held.prop.table.name in self.touched or now_s > hand.drops_s
        if hand.drops == "throw":
            speed = float(velocity(held)[:3] @ hand.ahead)  # not as the arm is drawn back
            hand.fastest_mps = max(hand.fastest_mps, speed)
            if hand.fastest_mps > THROW_MPS and speed < SLOWER * hand.fastest_mps:
                return True
            if now_s > hand.drops_s:
                hand.drops = ""
        return False

    def _nearest(self, world: World, hand: Hand) -> tuple[Moved, Array] | None:
        """The prop within a hand's reach that is nearest, and the gap (3,) between them."""
        model, data = world.model, world.data
        geom = hand.driven.geoms[0]
        best_m, best = hand.reach_m, None
        for prop in world.moved:
            if hand.wanted not in ("", prop.table.name):
                continue
            for other in prop.geoms:
                apart = np.linalg.norm(data.geom_xpos[other] - data.geom_xpos[geom])
                if apart - model.geom_rbound[other] - model.geom_rbound[geom] > best_m:
                    continue
                between = np.zeros(6)
                m = mujoco.mj_geomDistance(model, data, geom, other, best_m, between)
                if m < best_m:
                    gap = between[3:] - between[:3] if m > 0.0 else np.zeros(3)
                    best_m, best = m, (prop, gap)
        return best

    def _grab(
        self, world: World, hand: Hand, prop: Moved, gap: Array, joints_p: Array, joints_r: Array,
        now_s: float,
    ) -> Event:  # fmt: skip
        name = prop.table.name
        held = self.held.setdefault(name, Held(prop, []))
        place = world.place(prop)
        joint = joints_p[hand.row], joints_r[hand.row]
        shift = -rotation.rotate(rotation.conjugate(joint[1]), gap)
        hold = Hold(
            hand, grip(hand.who, hand.joint, hand.palm, joint, place), shift, GAP_S,
            hand.by_fingers, now_s,
        )  # fmt: skip
        held.holds.append(hold)
        self._again(held, world, joints_p, joints_r)
        hand.armed_s, hand.drops = -1.0, ""
        if world.model.geom_rbound[prop.geoms].max() < _SMALL_M:
            for other in self.hands.values():
                if other.who == hand.who and not other.by_fingers:
                    other.armed_s = -1.0
        self._leaving.pop(name, None)
        self._firm(world, name)
        self._bind(world, held)
        palm = joint[0] + rotation.rotate(joint[1], hand.palm)
        return _event(GRAB, hand, prop, palm, 0.0)

    def _again(self, held: Held, world: World, joints_p: Array, joints_r: Array) -> None:
        """All of a prop's hands hold it as it is now."""
        place = world.place(held.prop)
        for hold in held.holds:
            joint = joints_p[hold.hand.row], joints_r[hold.hand.row]
            hold.grip = grip(hold.hand.who, hold.hand.joint, hold.hand.palm, joint, place)
            if not held.prop.free:
                palm = joint[0] + rotation.rotate(joint[1], hold.hand.palm)
                hold.angle = float(world.data.qpos[held.prop.q]) - float(
                    world.along(held.prop, palm)
                )

    def _release(
        self, world: World, held: Held, hold: Hold, joints_p: Array, joints_r: Array, now_s: float
    ) -> Event:
        name, hand, prop = held.prop.table.name, hold.hand, held.prop
        held.holds.remove(hold)
        hand.drops = ""
        speed = _speed_mps(held)
        if held.holds:
            self._again(held, world, joints_p, joints_r)
            self._bind(world, held)
        else:
            del self.held[name]
            if prop.free:
                world.data.qvel[prop.v : prop.v + 6] = velocity(held)
            self._leaving[name] = hand, now_s + _LEAVES_S
            world.weigh(prop, heavy=False)
            if world.depth_m(prop) > _DEEP_M:
                world.soften(prop, soft=True)
                self._inside.add(name)
        palm = joints_p[hand.row] + rotation.rotate(joints_r[hand.row], hand.palm)
        return _event(RELEASE, hand, prop, palm, speed)

    def _firm(self, world: World, name: str) -> None:
        if name in self._inside:
            self._inside.discard(name)
            if (prop := world.named.get(name)) is not None:
                world.soften(prop, soft=False)

    def _bind(self, world: World, held: Held) -> None:
        """Who holds a prop does not push it."""
        bits = 0
        for hold in held.holds:
            bits |= world.bits.get(hold.hand.who, 0)
        world.meet(held.prop, bits)
        world.weigh(held.prop, heavy=True)

    def _part(self, world: World, now_s: float) -> None:
        """A prop that was let go meets the one who held it once they are apart."""
        for name in list(self._inside):
            if (one := world.named.get(name)) is None or world.depth_m(one) < _DEEP_M:
                self._firm(world, name)
        for name, (hand, until_s) in list(self._leaving.items()):
            prop = world.named.get(name)
            apart = True
            if prop is not None and now_s < until_s and hand.key in self.hands:
                ours = [d.geoms[0] for d in world.driven if d.name == hand.who and d.limb]
                for geom in ours:
                    for other in prop.geoms:
                        m = mujoco.mj_geomDistance(world.model, world.data, geom, other, 0.1, None)
                        apart = apart and m > _APART_M
            if apart and prop is not None:
                world.meet(prop, 0)
            if apart:
                del self._leaving[name]


def _ahead(subject: Subject) -> Array:
    """(3,) where a body faces."""
    rest = rotation.conjugate(subject.skeleton.rest_rotations[0])
    yaw = float(rotation.yaw(rotation.multiply(np.asarray(subject.pose.rotations[0], float), rest)))
    return np.array([np.sin(yaw), 0.0, np.cos(yaw)])


def _arm(
    hand: Hand, until_s: float, reach_m: float, wanted: str = "", by_fingers: bool = False
) -> None:
    hand.armed_s, hand.reach_m, hand.wanted, hand.by_fingers = until_s, reach_m, wanted, by_fingers


def velocity(held: Held) -> Array:
    """(6,) how a held prop goes, as MuJoCo has it: in the room, and its spin in its own axes."""
    now = held.was[-1] if held.was else None
    then = next((one for one in held.was if now and now[0] - one[0] <= SPEED_S + 1e-9), now)
    if now is None or then is None or now[0] <= then[0]:
        return np.zeros(6)
    dt_s = now[0] - then[0]
    turn = np.zeros(3)
    mujoco.mju_subQuat(turn, now[2], then[2])
    return np.concatenate([(now[1] - then[1]) / dt_s, turn / dt_s])


def _speed_mps(held: Held) -> float:
    """How fast a held prop was of late."""
    steps = [
        float(np.linalg.norm(b[1] - a[1])) / (b[0] - a[0])
        for a, b in pairwise(held.was)
        if b[0] > a[0]
    ]
    return steps[-1] if steps else 0.0


def _event(kind: str, hand: Hand, prop: Moved, at: Array, speed_mps: float) -> Event:
    x, y, z = (float(v) for v in at)
    return Event(
        kind, hand.who, f"{hand.side}_hand", prop.table.name, "", "flesh", prop.table.material,
        (x, y, z), speed_mps=speed_mps,
    )  # fmt: skip
