"""Acted subjects: whom a pad asks and the performer moves, in batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from understudy.runtime.core.buttons import ACTIONS, named
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.pose import Intent, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control import crowd as crowd_module
from understudy.runtime.performer.control import goals
from understudy.runtime.performer.control.controller import RUN_MPS, WALK_MPS
from understudy.runtime.performer.control.goals import Goal
from understudy.runtime.performer.control.layout import TRAITS
from understudy.runtime.sources.controls.style import Style

if TYPE_CHECKING:
    from understudy.runtime.performer.control.performer import Performer


PUSHED = 0.2  # of a stick, from which a goal is given up


class Batch:
    """Bodies that one network call moves, and what each is asked."""

    def __init__(self, performer: Performer) -> None:
        self.performer = performer
        self.intents = [Intent() for _ in range(performer.count)]
        self.goals: list[Goal | None] = [None] * performer.count
        self.left = performer.count

    def asked(self) -> tuple[list[Intent], Array]:
        """What pads and goals ask, and the wished velocities (N, 2) in m/s."""
        performer, intents = self.performer, list(self.intents)
        wished = np.zeros((performer.count, 2))
        speeds = np.sqrt((performer.controller.velocity**2).sum(-1))
        for i, intent in enumerate(intents):
            goal = self.goals[i]
            if goal is not None and np.hypot(*intent.travel) > PUSHED:
                goal = self.goals[i] = None  # whoever pushes the stick takes over
            if goal is None:
                wished[i] = intent.travel * (RUN_MPS if "run" in intent.buttons else WALK_MPS)
                continue
            root, yaw = performer.root[i], float(performer.yaw[i])
            wished[i], own = goals.toward(goal, root, yaw, float(speeds[i]))
            buttons = own.buttons | intent.buttons
            hand = own.hand_at or intent.hand_at
            intents[i] = replace(intent, facing=own.facing, buttons=buttons, hand_at=hand)
        return intents, wished


class Actor:
    """One body of a batch."""

    def __init__(self, batch: Batch, i: int) -> None:
        self.batch, self.i = batch, i

    def stand(self, at_m: Sequence[float], heading_rad: float) -> None:
        """Stands on a mark, (x, y, z) of which the ground's two count, at once."""
        self.batch.performer.reset(self.i, (at_m[0], at_m[2]), heading_rad)

    @property
    def intent(self) -> Intent:
        return self.batch.intents[self.i]

    @intent.setter
    def intent(self, intent: Intent) -> None:
        self.batch.intents[self.i] = intent

    def style(self, traits: Style) -> None:
        """Sets traits, -1..1."""
        for trait, value in traits.items():
            self.batch.performer.style[self.i, TRAITS.index(trait)] = value

    def go(self, goal: Goal | None) -> None:
        """Gives it a goal, or none; a seat's is where it begins to sit down, and a hand's where it
        can reach from: which way is how it comes there, unless that is said. With none, who sits
        gets up."""
        performer = self.batch.performer
        if goal is None:
            performer.rise(self.i)
        if goal is not None and goal.hand_m:
            self.batch.goals[self.i] = self._reaching(goal)
            return
        seats = performer.seats
        if goal is not None and (seat := seats.get(ACTIONS.get(goal.button, ""))):
            goal = goals.seated(goal, seat, goal.heading_rad or 0.0)
        self.batch.goals[self.i] = goal

    def _reaching(self, goal: Goal) -> Goal:
        """The goal of a hand, by the action whose hand goes about as high."""
        performer, hand = self.batch.performer, goal.hand_m
        reaches = performer.reaches
        action = ACTIONS.get(goal.button, "")
        if not action:
            action = min(reaches, key=lambda name: abs(reaches[name][1] - hand[1]))
        if action not in reaches:
            raise UnderstudyError(
                f"{action} reaches for nothing; with a place for a hand the action is one of "
                f"{', '.join(reaches)}, or none."
            )
        away = np.array([hand[0], hand[2]]) - performer.root[self.i]
        heading = goal.heading_rad
        if heading is None:
            heading = math.atan2(away[0], away[1])
        goal = replace(goal, button=next(iter(named([action]))))
        return goals.reaching(goal, reaches[action], heading)

    def look_at(self, point_m: Array) -> None:
        """A point (3,) in the world; NaN: along the way that it goes."""
        self.batch.performer.gaze.target[self.i] = point_m

    @property
    def traits(self) -> dict[str, float]:
        """All traits as they are."""
        row = self.batch.performer.style[self.i]
        return {trait: float(value) for trait, value in zip(TRAITS, row)}

    def solve(self, subject: Subject) -> None:
        """Writes the pose of this tick."""
        performer, i = self.batch.performer, self.i
        subject.pose.positions = performer.positions[i]
        subject.pose.rotations = performer.rotations[i]
        subject.contacts = performer.contacts[i]
        subject.trajectory = performer.trajectory[i]
        subject.intent = self.intent
        subject.capture_ns = self.intent.capture_ns


class Acting:
    """All batches. Those at the start are one; who comes later has one of his own."""

    def __init__(
        self, weights: Path | None = None, floor: Floor | None = None, crowd: bool = False
    ) -> None:
        self._weights, self._floor, self._is_crowd = weights, floor, crowd
        self._batches: list[Batch] = []
        self._crowd: crowd_module.Crowd | None = None

    def actors(self, count: int) -> list[Actor]:
        """Bodies for so many, not on stage yet; it takes long, and may be done beside the loop."""
        # A stage that only plays files back needs no controller.
        from understudy.runtime.performer.control.performer import Performer

        batch = Batch(Performer(count, self._weights))
        batch.performer.floor = self._floor
        return [Actor(batch, i) for i in range(count)]

    def admit(self, actors: Sequence[Actor]) -> None:
        """They are on stage from the next step on."""
        for actor in actors:
            if actor.batch not in self._batches:
                self._batches.append(actor.batch)

    def leave(self, actor: Actor) -> None:
        """One goes; a batch without anybody is closed."""
        batch = actor.batch
        batch.intents[actor.i], batch.goals[actor.i] = Intent(), None
        batch.left -= 1
        if not batch.left:
            self._batches.remove(batch)
            batch.performer.close()

    def step(self, dt_s: float) -> None:
        """One network call a batch."""
        if self._is_crowd:
            self._step_apart(dt_s)
            return
        for batch in self._batches:
            intents = batch.intents
            if any(batch.goals):
                intents, wished = batch.asked()
                for i, goal in enumerate(batch.goals):
                    if goal is not None:
                        stick = goals.as_stick(wished[i], "run" in intents[i].buttons)
                        intents[i] = replace(intents[i], travel=stick)
            batch.performer.step(intents, dt_s)

    def _step_apart(self, dt_s: float) -> None:
        """The same for bodies of all batches, which make way for each other."""
        if not self._batches:
            return
        asked = [batch.asked() for batch in self._batches]
        performers = [batch.performer for batch in self._batches]
        count = sum(p.count for p in performers)
        if self._crowd is None or len(self._crowd.pace) != count:
            self._crowd = crowd_module.Crowd(count)
            for p, part in zip(performers, np.split(self._crowd.energy, _ends(performers))):
                p.style[:, TRAITS.index("energy")] += part
        led = np.array([goal is not None for batch in self._batches for goal in batch.goals])
        wished = self._crowd.wish(np.concatenate([w for _, w in asked]), led)
        position = np.concatenate([p.controller.position for p in performers])
        velocity = np.concatenate([p.controller.velocity for p in performers])
        velocities = crowd_module.apart(position, velocity, wished)
        for batch, (intents, own), kept in zip(
            self._batches, asked, np.split(velocities, _ends(performers)), strict=True
        ):
            for i, intent in enumerate(intents):
                run = "run" in intent.buttons
                stick = goals.as_stick(kept[i], run)
                intent = replace(intent, travel=stick)
                if not own[i].any() and stick.any():  # who makes room does not turn round for it
                    yaw = float(batch.performer.yaw[i])
                    ahead = np.array([math.sin(yaw), math.cos(yaw)])
                    facing = intent.facing if intent.facing.any() else ahead
                    intent = replace(intent, facing=facing, buttons=intent.buttons | {"strafe"})
                intents[i] = intent
            batch.performer.step(intents, dt_s)

    @property
    def provider_name(self) -> str:
        """What the networks run on; "" where nobody is acted."""
        return self._batches[0].performer.provider_name if self._batches else ""

    def close(self) -> None:
        for batch in self._batches:
            batch.performer.close()
        self._batches.clear()


def _ends(performers: Sequence[Performer]) -> Array:
    """Where each performer's bodies end in a row of all but the last."""
    return np.cumsum([p.count for p in performers])[:-1]


def oldest_ns(intents: Sequence[Intent], now_ns: int) -> int:
    """When the oldest of the inputs was read; now where none says."""
    return min((intent.capture_ns for intent in intents if intent.capture_ns), default=now_ns)
