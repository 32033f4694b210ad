"""The recurrent performer at run time: intents in, poses out, all bodies in one network call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, quaternion, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent, Pose
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from . import entry
from .actions import BUTTONS, Actions
from .card import MotionCard
from .controller import (
    DEAD_TRAVEL,
    SAMPLES_S,
    STYLE_HALFLIFE_S,
    Controller,
    adjust,
    gather,
    local_path,
    spring_step,
)
from .feet import Feet
from .gaze import Gaze
from .hands import Hands
from .idle import TALL_M, Idle
from .inertialization import Inertialization
from .jump import Jump
from .layout import (
    BODY,
    CONTACTS,
    JOINTS,
    PATH,
    PHASE,
    POSE,
    RATE_HZ,
    SAMPLES,
    STYLES,
    TRAITS,
    TRAVEL,
)
from .limits import Limits
from .terrain import Terrain

TICK_S = 1.0 / RATE_HZ
PAST_S = 1.0
TRAIL = int(PAST_S * RATE_HZ)
# How far ahead of itself the network is shown the path, since it answers as late as that: starts,
# stops and turns come sooner, and the body lags less behind its path (docs/control.md).
LEAD_S = 4.0 / 60.0
# Which of the path's samples people look along: 0.6 s ahead.
LOOKS_AT = 3
# Hips and root are the network's of this tick, and by so much those of the tick before: from tick
# to tick they tremble.
STEADY = 0.3
TIRED = 1.25  # the network makes less of who is tired than it was taught
SLOWEST_RAD = 0.034  # of the gait's phase, a tick
# Joint of each contact the network gives: left heel, left toe, right heel, right toe.
CONTACT_JOINTS = np.array([legs.LEGS[0, 2], legs.LEGS[0, 3], legs.LEGS[1, 2], legs.LEGS[1, 3]])


class Performer:
    """Moves `count` bodies of the skeleton PERFORMER.

    After each `step`, in preallocated arrays that the next step overwrites:
    positions (count, J, 3), rotations (count, J, 4): local, the root's in the world;
    contacts (count, 4, 2): joint index and how firmly it is planted;
    trajectory (count, N, 4): x, z, facing x, facing z, from PAST_S ago to a second ahead.
    `style` (count, len(TRAITS)) may be written at any time: -1..1 each, 0 is neutral; so may
    `gaze.target` (count, 3), points in the world to look at, NaN: along the way.
    """

    skeleton = PERFORMER

    def __init__(self, count: int, weights: Path | None = None, provider: str = "auto") -> None:
        if count < 1:
            raise UnderstudyError(f"A performer moves at least one body, not {count}.")
        path = Path(weights or networks.WEIGHTS / "motion.onnx")
        self._network = networks.open_network(
            path, provider, PERFORMER, kind="motion", parts=MotionCard
        )
        card = self._network.card
        self.provider_name = self._network.provider_name
        self.count = count
        self.faults = 0  # ticks at which a body had to be put back on its feet
        self._start = np.asarray(card["start"], np.float32)
        # What the training motion stays within: other poses enter as an offset that fades.
        self._low = np.asarray(card.get("low", self._start - 1.0), np.float32)
        self._high = np.asarray(card.get("high", self._start + 1.0), np.float32)
        memory = int(card["inputs"]["memory"]["shape"][1])
        # Two sets of buffers: each is in turn what the network reads and writes.
        self._sets = [
            {
                "body": np.zeros((count, BODY), np.float32),
                "memory": np.zeros((count, memory), np.float32),
            }
            for _ in range(2)
        ]
        self._path = np.zeros((count, PATH), np.float32)
        self._local = np.zeros((count, JOINTS, 4), np.float32)
        self._runs = [
            self._network.bind(
                {"path": self._path, **self._sets[k]},
                {
                    "next_body": self._sets[1 - k]["body"],
                    "next_memory": self._sets[1 - k]["memory"],
                    "rotations": self._local,
                },
            )
            for k in (0, 1)
        ]
        self.style = np.zeros((count, len(TRAITS)), np.float32)
        self._style: Array = np.zeros(self.style.shape)
        self._style_rate: Array = np.zeros(self.style.shape)
        self._turn = 0
        self._then: Array = np.zeros((count, 10))  # hips, their turn and travel, as the network's
        self._fresh = np.ones(count, bool)
        self.controller = Controller(count)
        beside = path.with_name("actions.onnx")
        self._actions = Actions(
            count, beside if beside.exists() else networks.WEIGHTS / "actions.onnx"
        )
        self._hands = Hands(count, self._actions)
        self._acting = np.zeros(0, int)
        self._limits = Limits(card)
        self._feet, self._idle = Feet(count), Idle(count)
        self.gaze, self._look = Gaze(count), np.zeros((count, 2))
        self._inert = Inertialization(count, JOINTS)
        self._jump = Jump(count)
        self.floor: Floor | None = None  # may be given at any time; None is level ground
        self._terrain = Terrain(count)
        self.root = np.zeros((count, 2))
        self.yaw = np.zeros(count)
        self._trail = np.zeros((TRAIL + 1, count, 4), np.float32)
        self._head = 0
        self.positions = np.repeat(PERFORMER.rest_positions[None], count, 0).astype(np.float32)
        self.rotations = rotation.identity((count, JOINTS), np.float32)
        self.contacts = np.zeros((count, 4, 2), np.float32)
        self.contacts[..., 0] = CONTACT_JOINTS
        self._ahead = SAMPLES_S[1:]
        past = np.linspace(0, TRAIL, 6).astype(int)[::-1]  # now is the last of the past
        self._past = past
        self.trajectory = np.zeros((count, len(past) + len(self._ahead), 4), np.float32)
        self._left_s = 0.0
        # Bodies taken over since the last tick: their last two poses, and what the network got.
        self._carried: dict[int, tuple[entry.Known, entry.Known, entry.Known]] = {}
        self._before = (self.positions.copy(), self.rotations.copy())
        self._now = (self.positions.copy(), self.rotations.copy())
        for i in range(count):
            self.reset(i)

    def reset(self, i: int, position: Sequence[float] = (0.0, 0.0), yaw_rad: float = 0.0) -> None:
        """Stands body i at a place (x, z) and heading, at once."""
        self.controller.reset(i, np.asarray(position, float), yaw_rad)
        self.root[i], self.yaw[i] = position, yaw_rad
        for buffers in self._sets:
            buffers["body"][i] = self._start
            buffers["memory"][i] = 0.0
        self._fresh[i] = True
        self._feet.reset(i)
        self._inert.clear(i)
        self._jump.reset(i)
        self._actions.reset(i)
        self._hands.reset(i)
        self.gaze.reset(i)
        self._terrain.reset(i)
        self._carried.pop(i, None)
        self._idle.calm[i] = 1.0
        self._trail[:, i] = (*position, np.sin(yaw_rad), np.cos(yaw_rad))
        hips, rotations = self._standing(i)
        for positions, turns in (self._before, self._now, (self.positions, self.rotations)):
            positions[i, 0], turns[i] = hips, rotations

    def take_over(self, i: int, pose: Pose, before: Pose | None = None) -> None:
        """Goes on from any pose of PERFORMER, and the one of 1/60 s ago that tells its velocity."""
        known = (np.asarray(pose.positions[0], float), np.asarray(pose.rotations, float))
        past = known
        if before is not None:
            past = (np.asarray(before.positions[0], float), np.asarray(before.rotations, float))
        shown = known
        if self.floor is not None:  # the gait is on level ground
            raised = np.array([0.0, float(self.floor.heights(known[0][0], known[0][2])), 0.0])
            known, past = (known[0] - raised, known[1]), (past[0] - raised, past[1])
        body, root, yaw = entry.body(known, past, self._start)
        self.reset(i, (float(root[0]), float(root[1])), yaw)
        entered = self._standing(i)
        if entry.is_upright(known):
            body = np.clip(body, self._low, self._high)
            for buffers in self._sets:
                buffers["body"][i] = body
            entered = entry.pose(body, root, yaw)
            speed = entry.world_velocity(body, yaw)
            self.controller.velocity[i] = self.controller.wished_velocity[i] = speed
        self.gaze.reset(i, looks=0.0)  # the head goes on from where it is
        self._idle.calm[i] = self._feet.settled[i] = 0.0
        self._carried[i] = past, known, entered
        for positions, turns in (self._before, self._now, (self.positions, self.rotations)):
            positions[i, 0], turns[i] = shown

    @property
    def seats(self) -> dict[str, Sequence[float]]:
        """By action: the hips while it is held, as the root saw it when it began."""
        return self._actions.seats

    @property
    def reaches(self) -> dict[str, tuple[float, float, float]]:
        """By action: the palm at its farthest, as the root saw it when it began."""
        return self._hands.reaches

    def rise(self, i: int) -> None:
        """Body i gets up, if it sits."""
        self._actions.rise(i)

    def _standing(self, i: int) -> tuple[Array, Array]:
        """World hips (3,) and local rotations (J, 4) of body i in the starting pose."""
        turns = rotation.from_6d(self._start[POSE][3:].reshape(JOINTS, 6).astype(float))
        facing = rotation.from_yaw(self.yaw[i])
        hips = rotation.rotate(facing, self._start[:3].astype(float))
        hips += (self.root[i, 0], TALL_M, self.root[i, 1])
        turns[0] = rotation.multiply(facing, turns[0])
        return hips, turns

    def step(self, intents: Sequence[Intent], dt_s: float = TICK_S) -> None:
        """Advances every body by dt_s, following its intent.

        The network's own tick is 1/60 s. Any other dt_s is served by the ticks that fall into it
        and by interpolation between the last two, at the price of up to one tick of delay.
        """
        if len(intents) != self.count:
            raise UnderstudyError(f"{len(intents)} intents for {self.count} bodies; give each one.")
        travel, facing, run, strafe = gather(intents)
        speed = np.sqrt(np.sum(self.controller.velocity**2, axis=-1))
        pressed = np.array([[b in intent.buttons for b in BUTTONS] for intent in intents])
        moving = np.abs(travel).sum(axis=-1) > DEAD_TRAVEL
        mirror = np.zeros(self.count, bool)
        if pressed.any():
            mirror[:] = ["mirror" in intent.buttons for intent in intents]
        refused = self._actions.press(pressed, moving, speed, mirror)
        self._hands.begin(self._actions, intents)
        self._jump.press(refused[:, BUTTONS.index("jump")])
        busy = self._actions.busy
        travel[busy], facing[busy] = 0.0, 0.0
        self.controller.wish(travel, facing, run, strafe)
        self._look[:] = [intent.look for intent in intents]
        self._look[~np.isfinite(self._look)] = 0.0
        if abs(dt_s - TICK_S) < 1e-5:
            self._tick(self.positions, self.rotations)
            return
        self._left_s += min(dt_s, 0.25)
        while self._left_s > 0.0:
            self._before, self._now = self._now, self._before
            self._tick(*self._now)
            self._left_s -= TICK_S
        share = 1.0 + self._left_s / TICK_S
        self.positions[:] = self._before[0] + share * (self._now[0] - self._before[0])
        self.rotations[:] = rotation.slerp(
            self._before[1], self._now[1], np.full((self.count, JOINTS), share, np.float32)
        )

    def _tick(self, positions: Array, rotations: Array) -> None:
        controller = self.controller
        controller.step(TICK_S)
        place, heading = controller.path(SAMPLES_S + LEAD_S)
        self._path[:, : 4 * SAMPLES] = local_path(place, heading, self.root, self.yaw)
        goal = quaternion.clamp(self.style, -1.0, 1.0)
        self._style, self._style_rate = spring_step(
            self._style, self._style_rate, goal, STYLE_HALFLIFE_S, TICK_S
        )
        self._path[:, 4 * SAMPLES :] = self._style[:, : len(STYLES)]
        energy = self._path[:, 4 * SAMPLES]
        energy[energy < 0.0] *= TIRED
        self._runs[self._turn]()
        before = self._sets[self._turn]["body"]
        self._turn = 1 - self._turn
        body = self._sets[self._turn]["body"]
        self._mend(body)
        self._keep_step(before, body)
        self._acting = self._actions.step(TICK_S)
        hips, turn, travel = self._steadied(body)
        if len(self._acting):
            self._actions.travel(self._acting, travel)
        self._advance(travel)
        local = self._local.astype(float)
        local[:, 0] = turn
        self._pose(body, hips, local, heading[:, LOOKS_AT], positions, rotations)
        self._follow(place, heading)

    def _mend(self, body: Array) -> None:
        """Puts bodies that left the realm of numbers or of people back on their feet."""
        sane = np.isfinite(body.sum(axis=1)) & (body[:, 1] > 0.45) & (body[:, 1] < 1.5)
        if sane.all():
            return
        for i in np.flatnonzero(~sane):
            self.faults += 1
            shown = self.positions[i, 0].copy(), self.rotations[i].copy()
            body[i] = self._start
            self._sets[self._turn]["memory"][i] = 0.0
            self._fresh[i] = True
            self._local[i] = rotation.from_6d(self._start[POSE][3:].reshape(JOINTS, 6))
            self._inert.jump(int(i), shown, self._standing(int(i)))

    @staticmethod
    def _keep_step(before: Array, body: Array) -> None:
        """Turns the phase on, in bodies that travel but have all but stopped stepping.

        The slowest cadence that people walk at rises with speed; six tenths of it is the floor.
        """
        travel = body[:, TRAVEL]
        speed = np.sqrt(travel[:, 0] ** 2 + travel[:, 1] ** 2)
        c, s = body[:, PHASE.start], body[:, PHASE.start + 1]
        turned = before[:, PHASE.start] * s - before[:, PHASE.start + 1] * c
        least = np.where(speed > 0.35, SLOWEST_RAD * (1.0 + 0.5 * speed), 0.0)
        more = np.maximum(least - turned, 0.0)
        cosine, sine = np.cos(more), np.sin(more)
        body[:, PHASE.start], body[:, PHASE.start + 1] = (
            c * cosine - s * sine,
            s * cosine + c * sine,
        )

    def _steadied(self, body: Array) -> tuple[Array, Array, Array]:
        """Hips (N, 3), their turn (N, 4) and travel (N, 3), less what trembles."""
        now = np.concatenate([body[:, :3], self._local[:, 0], body[:, TRAVEL]], -1, dtype=float)
        before = np.where(self._fresh[:, None], now, self._then)
        same = (now[:, 3:7] * before[:, 3:7]).sum(-1, keepdims=True) >= 0.0
        before[:, 3:7] *= np.where(same, 1.0, -1.0)
        self._then = now
        self._fresh[:] = False
        mixed = now + STEADY * (before - now)
        return mixed[:, :3], quaternion.unit(mixed[:, 3:7]), mixed[:, 7:]

    def _advance(self, travel: Array) -> None:
        """Moves the roots by the network's velocity, drawn a little towards the wished path."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        self.root[:, 0] += TICK_S * (c * travel[:, 0] + s * travel[:, 1])
        self.root[:, 1] += TICK_S * (-s * travel[:, 0] + c * travel[:, 1])
        self.yaw += TICK_S * travel[:, 2]
        busy = self._actions.busy
        if busy.any():  # the take leads, the controller's point follows
            self.controller.halt(busy, self.root, self.yaw)
        self.root[:], self.yaw[:] = adjust(self.root, self.yaw, travel, self.controller, TICK_S)

    def _pose(
        self,
        body: Array,
        hips: Array,
        local: Array,
        ahead_rad: Array,
        positions: Array,
        rotations: Array,
    ) -> None:
        """World pose from the network's: life, heading, offsets of transitions, gaze, planted feet.

        hips (N, 3) and local rotations (N, J, 4) are the root's; ahead_rad (N,) is where the body
        will face.
        """
        speed = np.sqrt(np.sum(body[:, TRAVEL][:, :2] ** 2, axis=-1))
        sway = self._idle.apply(hips, local, speed, TICK_S)
        contacts = self.contacts[:, :, 1]
        contacts[:] = body[:, CONTACTS]
        if len(self._acting):
            self._actions.apply(self._acting, hips, local, contacts)
        facing = quaternion.about_y(self.yaw)
        hips, sway = quaternion.rotate(facing, hips), quaternion.rotate(facing, sway)
        hips[:, 0] += self.root[:, 0]
        hips[:, 2] += self.root[:, 1]
        local[:, 0] = quaternion.multiply(facing, local[:, 0])
        for i, (before, last, entered) in self._carried.items():
            shown, goal = entry.rates(last, before), entry.rates((hips[i], local[i]), entered)
            apart = shown[0] - goal[0], shown[1] - goal[1]
            self._inert.jump(i, last, entered, apart)
        self._carried.clear()
        self._inert.apply(hips, local, TICK_S)
        self._jump.apply(hips, local, contacts, TICK_S)
        restless = self._style[:, TRAITS.index("restless")]
        busy = self._actions.busy
        self.gaze.apply(hips, local, ahead_rad, self._look, speed, restless, busy, TICK_S)
        if len(self._acting):
            self._hands.lift = self._terrain.lift
            self._hands.apply(self._acting, self._actions, hips, local)
        standing = (body[:, PHASE.stop - 1] < 0.5) & ~self._actions.busy
        self._feet.solve(hips, local, contacts, TICK_S, standing, sway)
        unlimited = local[:, legs.LEGS[:, [0, 2]]]
        if self._limit(local) or self._feet.rolled:
            self._feet.limited(unlimited, hips, local)
        self._feet.wrung = self._limits.wrung
        if len(self._acting):
            self._hands.note(self._acting, self._actions, hips, local)
        on = self._feet.down
        if self.floor is not None:
            planted = self._feet.point >= 0
            velocity = self.controller.velocity
            self._terrain.apply(self.floor, hips, local, planted, velocity, TICK_S)
            on = on & self._terrain.close
        # Planted is what is held; a foot on its way down or up is not.
        np.minimum(contacts, np.where(on.reshape(-1, 4), 1.0, 0.3), out=contacts)
        positions[:, 0] = hips
        rotations[:] = local

    def _limit(self, local: Array) -> bool:
        """Takes rotations (N, J, 4) back to the limits of the gait, or of takes where they act."""
        who, settled = self._acting, self._feet.settled
        free = np.minimum(2.0 * self._feet.clear, 1.0)
        if not len(who):
            return self._limits.apply(local, settled, free)
        gait = settled.copy()
        gait[who] *= 1.0 - self._actions.weight[who]
        beyond = self._actions.limit(who, local, settled, free)
        return self._limits.apply(local, gait, free) | beyond

    def _follow(self, place: Array, heading: Array) -> None:
        """Writes the trajectory: the root's last second, where it is, and the wished path."""
        self._head = (self._head + 1) % (TRAIL + 1)
        trail = self._trail[self._head]
        trail[:, :2] = self.root
        trail[:, 2], trail[:, 3] = np.sin(self.yaw), np.cos(self.yaw)
        past = len(self._past)
        rows = (self._head - self._past) % (TRAIL + 1)
        self.trajectory[:, :past] = self._trail[rows].transpose(1, 0, 2)
        ahead = self.trajectory[:, past:]
        ahead[..., :2] = place[:, 1:]
        ahead[..., 2], ahead[..., 3] = np.sin(heading[:, 1:]), np.cos(heading[:, 1:])

    def close(self) -> None:
        """Lets the network go."""
        self._runs.clear()
        self._actions.close()
        self._network.close()

    def __enter__(self) -> Performer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
