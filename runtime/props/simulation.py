"""The simulation: a frame of the stage goes in, places of props and what they hit come out.

It is a function of the frames that it was given and of nothing else, no clock and no chance: the
same frames give the same numbers, to the bit, on the same machine. Its time is the frames' own
count; between two frames it makes steps of 1/120 to 1/240 s, while limbs go from one pose to the
next.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np

from understudy.runtime.core import kinematics, quaternion, rotation
from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame, Prop, State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import shapes
from .contacts import Touches
from .grips import Grip, carried
from .hands import Hands
from .surroundings import Ground
from .table import PropTable
from .world import Moved, World

STEPS_HZ = 240.0
# After a longer gap the time between is left out.
MOST_GAP_S = 0.25
# Who moves faster was put there. A fist has 15 m/s, the tip of a bat 35.
JUMP_MPS = 45.0
# Nothing is thrown faster; what is, has been squeezed out between two that cannot give way.
MOST_MPS, MOST_RAD_S = 40.0, 120.0
# A prop moves less than this share of its least measure in a step, if need be in smaller steps.
SHARE, MOST_PARTS = 0.5, 8
LOST_M = -3.0


@dataclass(frozen=True, eq=False)
class Place:
    """A prop after a frame; of one in hands also how each has it, for whoever knows where they are
    by now."""

    name: str
    position: Array
    rotation: Array
    grips: list[Grip] = field(default_factory=list)


@dataclass
class Figures:
    """Counted so far.

    lost      props that were put back to their marks, since they had fallen out of the world
    kept_out  times that a prop would have been on the other side of what stands still
    """

    frames: int = 0
    steps: int = 0
    lost: int = 0
    gaps: int = 0
    kept_out: int = 0


class Simulation:
    """Props among the bodies of a stage's frames."""

    def __init__(
        self, tables: Sequence[PropTable], rate_hz: float, ground: Ground | None = None
    ) -> None:
        self.props = [(table, shapes.solids(table)) for table in tables]
        self.ground = ground or Ground()
        self._still = [Place(t.name, *shapes.mark(t, p)) for t, p in self.props if t.static]
        self.rate_hz = rate_hz
        self.parts = max(1, math.ceil(STEPS_HZ / rate_hz - 1e-9))
        self.figures = Figures()
        self.hands, self._touches = Hands(), Touches()
        self._last: int | None = None
        self._rows: tuple[Array, Array] | None = None  # of the frame before
        self._time_s = 0.0
        self._cast: dict[str, int] = {}
        self._build([])

    @property
    def step_s(self) -> float:
        return 1.0 / (self.rate_hz * self.parts)

    @property
    def time_s(self) -> float:
        """So long it has run, by the frames' count."""
        return self._time_s

    def take(self, frame: Frame, orders: Sequence[Event] = ()) -> list[Event]:
        """Goes on to a frame; what happened on the way. Orders come first."""
        ticks = 1 if self._last is None else frame.sequence - self._last
        if ticks == 0:
            return []  # the stage stands still, and sends the frame that is there
        self.figures.frames += 1
        self.figures.gaps += ticks != 1
        self._last = frame.sequence
        told: list[Event] = []
        subjects = [s for s in frame.subjects if np.isfinite(s.pose.positions).all()]
        self._enter(subjects)
        rows = self._joints(subjects, frame.props)
        if self._rows is None:
            self._resume(frame.props)
        was = self._rows if ticks > 0 and self._rows is not None else rows
        count = min(max(ticks, 1), max(1, int(MOST_GAP_S * self.rate_hz)))
        for order in orders:
            self._order(order)
        self.hands.listen(subjects, self._time_s)
        told += self._go(was, rows, count * self.parts, frame.publish_ns)
        dt_s = count / self.rate_hz
        told += [
            event.counted(0, frame.publish_ns)
            for event in self.hands.settle(self.world, *rows, self._time_s, dt_s)
        ]
        self._rows = rows
        return told

    def places(self) -> list[Place]:
        """Where the props are that it moves, and those that stand still."""
        world, count = self.world, len(self.world.free)
        poses = world.data.qpos[: 7 * count].reshape(-1, 7).copy()
        out = list(self._still)
        for one, at, turn in zip(world.moved, poses[:, :3], poses[:, [4, 5, 6, 3]]):
            held = self.hands.held.get(one.table.name)
            out.append(Place(one.table.name, at, turn, held.grips if held is not None else []))
        out += [Place(one.table.name, *world.place(one)) for one in world.hung]
        return out

    def reset(self, name: str = "") -> None:
        """Puts a prop, "" is all of them, back to its mark; whoever held it holds it no more."""
        for one in self.world.moved:
            if name in ("", one.table.name):
                self.hands.drop(self.world, one.table.name)
                self.world.reset(one)

    # Who is there.

    def _build(self, subjects: list[Subject]) -> None:
        """A world with these bodies in it."""
        skeletons = {subject.name: subject.skeleton for subject in subjects}
        self.world = World(self.props, self.ground, skeletons, self.step_s)
        limbs = [driven.limb for driven in self.world.driven]
        at = [limb.at if limb is not None else np.zeros(3) for limb in limbs]
        turn = [limb.turn if limb is not None else rotation.identity() for limb in limbs]
        self._at, self._turn = np.array(at).reshape(-1, 3), np.array(turn).reshape(-1, 4)

    def _enter(self, subjects: list[Subject]) -> None:
        """Another cast is another model, in which props go on as they were."""
        cast = {subject.name: subject.skeleton.id for subject in subjects}
        if cast == self._cast:
            return
        self._cast, before = cast, self.world
        self._build(subjects)
        self.world.take_over(before)
        self.hands.enter(self.world, subjects)
        # Who was there goes on from where he was; who comes is put there.
        self._rows = self._carried_rows(before) if self._rows is not None else None

    def _carried_rows(self, before: World) -> tuple[Array, Array]:
        assert self._rows is not None
        was = {(d.name, d.limb.name if d.limb else ""): n for n, d in enumerate(before.driven)}
        count = len(self.world.driven)
        p, r = np.full((count, 3), np.nan), rotation.identity(count)
        for n, d in enumerate(self.world.driven):
            row = was.get((d.name, d.limb.name if d.limb else ""))
            if row is not None:
                p[n], r[n] = self._rows[0][row], self._rows[1][row]
        return p, r

    def _joints(self, subjects: list[Subject], props: list[Prop]) -> tuple[Array, Array]:
        """(R, 3) and (R, 4) of the joints of all driven bodies; of who is not there far below."""
        count = len(self.world.driven)
        p, r = np.zeros((count, 3)), rotation.identity(count)
        p[:, 1] = 5.0 * LOST_M
        there = worlds(subjects)
        tracked = {prop.name: prop for prop in props if prop.state is not State.LOST}
        for n, one in enumerate(self.world.driven):
            if one.limb is not None:
                world_p, world_r = there[one.name]
                p[n], r[n] = world_p[one.limb.joint], world_r[one.limb.joint]
            elif (prop := tracked.get(one.name)) is not None:
                p[n], r[n] = prop.position, rotation.normalize(np.asarray(prop.rotation, float))
        return p, r

    def _resume(self, props: list[Prop]) -> None:
        """Of a stage that has run already props are where it shows them."""
        shown = {prop.name: prop for prop in props}
        for one in self.world.free:
            if (prop := shown.get(one.table.name)) is not None:
                x, y, z, w = rotation.normalize(np.asarray(prop.rotation, float))
                self.world.data.qpos[one.q : one.q + 7] = [*prop.position, w, x, y, z]

    def _order(self, order: Event) -> None:
        if order.on_part == "reset":
            self.reset(order.on)
        else:
            side = order.part.removesuffix("_hand")
            self.hands.order(order.on_part, order.who, side, order.on, self._time_s)

    # The steps.

    def _go(
        self, was: tuple[Array, Array], now: tuple[Array, Array], steps: int, publish_ns: int
    ) -> list[Event]:
        """So many steps, in which joints go from where they were to where they are now."""
        world, data, step_s = self.world, self.world.data, self.step_s
        was = self._from(was, now, steps * step_s)
        share = np.linspace(0.0, 1.0, steps + 1)[:, None]
        p, r = self._limbs(np.stack([was[0], now[0]]), np.stack([was[1], now[1]]))
        r = rotation.continuous(r)
        ends = np.concatenate([p, r[..., [3, 0, 1, 2]]], -1).reshape(2, -1)
        rows = ends[0] + share * (ends[1] - ends[0])  # MuJoCo makes unit quaternions of them
        turns = rotation.to_rotation_vector(quaternion.relative(r[0], r[1]))
        speeds = np.concatenate([p[1] - p[0], turns], -1).ravel() / (steps * step_s)
        held = self._held(was, now, steps)
        told: list[Event] = []
        qpos, qvel, driven_q, driven_v = data.qpos, data.qvel, world.driven_q, world.driven_v
        free_v = qvel[: 6 * len(world.free)].reshape(-1, 6)
        free_q = qpos[: 7 * len(world.free)].reshape(-1, 7)
        # Of a calm stage, as most are, neither fine steps nor rays are asked for.
        pushes, calm = float(np.abs(speeds).max(initial=0.0)), world.calm_m / step_s
        fastest = float(np.abs(free_v).max(initial=0.0))
        for k in range(steps):
            parts = 1 if fastest < calm else self._parts(free_v, step_s)
            world.refine(step_s, parts)
            before = free_q[:, :3].copy()
            for part in range(parts):
                at = k + part / parts
                qpos[driven_q:] = _between(rows, at)
                qvel[driven_v:] = speeds
                for prop, track in held:
                    track.put(data, prop, at)
                mujoco.mj_step(world.model, data)
                self.figures.steps += 1
                was_fast, fastest = fastest, float(np.abs(free_v).max(initial=0.0))
                if not fastest < MOST_MPS:
                    self._slow(free_v)
            if not max(was_fast, fastest, pushes) < calm:
                self.figures.kept_out += world.keep_out(before)
            time_ns = publish_ns - round((steps - k) * step_s * 1e9)
            told += self._touches.of_step(world, self._time_s, time_ns)
            self._time_s += step_s
        touched = {name for hit in told for name in (hit.who, hit.on)}
        self.hands.touched = touched & self.hands.held.keys()
        data.qpos[world.driven_q :] = rows[-1]
        for prop, track in held:
            track.put(data, prop, float(steps))
        self._bring_back()
        return told

    def _limbs(self, joints_p: Array, joints_r: Array) -> tuple[Array, Array]:
        """Where the driven bodies are, (..., R, 3) and (..., R, 4), of their joints."""
        at = joints_p + quaternion.rotate(joints_r, self._at)
        return at, quaternion.multiply(joints_r, np.broadcast_to(self._turn, joints_r.shape))

    def _from(
        self, was: tuple[Array, Array], now: tuple[Array, Array], dt_s: float
    ) -> tuple[Array, Array]:
        """Where joints come from; of one that was put there, or that is new, where it is now."""
        far = np.linalg.norm(now[0] - was[0], axis=1) > JUMP_MPS * dt_s
        put = far | ~np.isfinite(was[0]).all(1)
        return np.where(put[:, None], now[0], was[0]), np.where(put[:, None], now[1], was[1])

    def _parts(self, free_v: Array, step_s: float) -> int:
        """In how many parts a step is made: more where something goes fast for its size."""
        squares = np.einsum("ij,ij->i", free_v[:, :3], free_v[:, :3])
        share = float((squares * self.world.thin_share).max()) ** 0.5 * step_s
        return int(min(max(1, math.ceil(share / SHARE)), MOST_PARTS)) if share == share else 1

    def _slow(self, free_v: Array) -> None:
        """Holds what is thrown to what can be thrown."""
        for one in [one for one, v in zip(self.world.free, free_v) if not np.isfinite(v).all()]:
            self._lose(one)
        for part, most in ((free_v[:, :3], MOST_MPS), (free_v[:, 3:], MOST_RAD_S)):
            speed = np.sqrt(np.einsum("ij,ij->i", part, part))
            part *= np.minimum(1.0, most / np.maximum(speed, 1e-9))[:, None]

    def _bring_back(self) -> None:
        """What has fallen out of the world goes to its mark."""
        heights = self.world.data.qpos[1 : 7 * len(self.world.free) : 7]
        lowest = LOST_M + self.ground.level_m
        if len(heights) and not heights.min() > lowest:
            for one in self.world.free:
                if not self.world.data.qpos[one.q + 1] > lowest:
                    self._lose(one)

    def _lose(self, one: Moved) -> None:
        self.figures.lost += 1
        self.hands.drop(self.world, one.table.name)
        self.world.reset(one)

    def _held(
        self, was: tuple[Array, Array], now: tuple[Array, Array], steps: int
    ) -> list[tuple[Moved, _Free | _Hung]]:
        """Where the props go that are in hands."""
        out: list[tuple[Moved, _Free | _Hung]] = []
        share = np.linspace(0.0, 1.0, steps + 1)[:, None]
        for held in self.hands.held.values():
            hands = [hold.hand.row for hold in held.holds]
            joints_p = was[0][hands] + share[..., None] * (now[0][hands] - was[0][hands])
            joints_r = rotation.slerp(was[1][hands], now[1][hands], share)
            if held.prop.free:
                p, r = carried(held.grips, joints_p, joints_r)
                out.append((held.prop, _Free(p, r, self.step_s)))
            else:
                hold = held.holds[0]
                palms = joints_p[:, 0] + rotation.rotate(joints_r[:, 0], hold.hand.palm)
                out.append(
                    (held.prop, _Hung(self.world, held.prop, palms, hold.angle, self.step_s))
                )
        return out


def worlds(subjects: Sequence[Subject]) -> dict[str, tuple[Array, Array]]:
    """Joints in the room of each subject, (J, 3) and (J, 4); those of one skeleton at once."""
    alike: dict[int, list[Subject]] = {}
    for subject in subjects:
        alike.setdefault(subject.skeleton.id, []).append(subject)
    out = {}
    for group in alike.values():
        p = np.stack([np.asarray(s.pose.positions, float) for s in group])
        r = np.stack([np.asarray(s.pose.rotations, float) for s in group])
        steps = _doubling(group[0].skeleton)
        turns = kinematics.world_rotations(r, steps)
        places = kinematics.world_positions(p, turns, steps)
        for subject, at, turn in zip(group, places, turns[:, :-1], strict=True):
            out[subject.name] = at, turn
    return out


@functools.lru_cache(maxsize=64)
def _doubling(skeleton: Skeleton) -> kinematics.Steps:
    return kinematics.doubling(skeleton.parents)


def _between(rows: Array, at: float) -> Array:
    """The row at a place between two of them; the parts of a step are small enough for a line."""
    k = int(at)
    share = at - k
    return rows[k] if share == 0.0 else rows[k] + share * (rows[k + 1] - rows[k])


class _Free:
    """The way of a prop in hands: places (N, 3) and rotations (N, 4), and the speeds between."""

    def __init__(self, p: Array, r: Array, step_s: float) -> None:
        r = rotation.continuous(r)
        self._rows = np.concatenate([p, r[:, [3, 0, 1, 2]]], 1)
        spin = rotation.to_rotation_vector(rotation.multiply(rotation.conjugate(r[:-1]), r[1:]))
        self._speeds = np.concatenate([np.diff(p, axis=0), spin], 1) / step_s

    def put(self, data: mujoco.MjData, prop: Moved, at: float) -> None:
        data.qpos[prop.q : prop.q + 7] = _between(self._rows, at)
        data.qvel[prop.v : prop.v + 6] = self._speeds[min(int(at), len(self._speeds) - 1)]


class _Hung:
    """The way of a door or drawer in a hand: it goes as far along its own as the palm does."""

    def __init__(
        self, world: World, prop: Moved, palms: Array, angle: float, step_s: float
    ) -> None:
        joint = int(world.model.body_jntadr[prop.body])
        low, high = world.model.jnt_range[joint]
        way = np.array([world.along(prop, palm) + angle for palm in palms])
        if prop.table.hinge is not None:
            now = float(world.data.qpos[prop.q])
            way = now + np.unwrap((way - now + np.pi) % (2.0 * np.pi) - np.pi)
        self._rows = np.clip(way, low, high)[:, None]
        self._speeds = np.diff(self._rows[:, 0]) / step_s

    def put(self, data: mujoco.MjData, prop: Moved, at: float) -> None:
        data.qpos[prop.q] = _between(self._rows, at)[0]
        data.qvel[prop.v] = self._speeds[min(int(at), len(self._speeds) - 1)]
