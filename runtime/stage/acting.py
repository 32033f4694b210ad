"""Acted subjects: whom a pad asks and the performer moves, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.pose import Intent, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.layout import TRAITS
from understudy.runtime.sources.controls.style import Style

if TYPE_CHECKING:
    from understudy.runtime.performer.control.performer import Performer


class Batch:
    """Bodies that one network call moves, and what each is asked."""

    def __init__(self, performer: Performer) -> None:
        self.performer = performer
        self.intents = [Intent() for _ in range(performer.count)]
        self.left = performer.count


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

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._batches: list[Batch] = []

    def actors(self, count: int) -> list[Actor]:
        """Bodies for so many, not on stage yet; it takes long, and may be done beside the loop."""
        # A stage that only plays files back needs no controller.
        from understudy.runtime.performer.control.performer import Performer

        batch = Batch(Performer(count, self._weights))
        return [Actor(batch, i) for i in range(count)]

    def admit(self, actors: Sequence[Actor]) -> None:
        """They are on stage from the next step on."""
        for actor in actors:
            if actor.batch not in self._batches:
                self._batches.append(actor.batch)

    def leave(self, actor: Actor) -> None:
        """One goes; a batch without anybody is closed."""
        batch = actor.batch
        batch.intents[actor.i] = Intent()
        batch.left -= 1
        if not batch.left:
            self._batches.remove(batch)
            batch.performer.close()

    def step(self, dt_s: float) -> None:
        """One network call a batch."""
        for batch in self._batches:
            batch.performer.step(batch.intents, dt_s)

    @property
    def provider_name(self) -> str:
        """What the networks run on; "" where nobody is acted."""
        return self._batches[0].performer.provider_name if self._batches else ""

    def close(self) -> None:
        for batch in self._batches:
            batch.performer.close()
        self._batches.clear()


def oldest_ns(intents: Sequence[Intent], now_ns: int) -> int:
    """When the oldest of the inputs was read; now where none says."""
    return min((intent.capture_ns for intent in intents if intent.capture_ns), default=now_ns)
