"""Frames and events in, stereo stems out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ

from .ears import Ears
from .room import ROOMS, Room
from .score import STEMS, Samples, Score
from .voices import BLOCK, Voices

# Limbs that rustle when they go faster than this against the hips, told so often.
RUSTLES_MPS, RUSTLE_S = 1.1, 0.07
LIMBS = ("left_hand", "right_hand", "left_lower_leg", "right_lower_leg")


class Foley:
    """What is to be heard of a stage from the sample on at which it begins.

    began_s  the moment of the first sample, on the stage's clock
    heard    events that made a sound
    """

    def __init__(
        self, began_s: float, room: str = "stage", gain: float = 1.0, cloth: bool = True,
        camera: str = "", seed: int = 1, own: Samples | None = None,
    ) -> None:  # fmt: skip
        """camera: by whose picture it is heard; "" is the first that there is."""
        self.began_s, self.heard = began_s, 0
        self.voices = Voices(len(STEMS), seed=seed)
        self._rooms = [Room(*ROOMS[room]) for _ in STEMS]
        self._score = Score(gain, seed, own)
        self._cloth, self._camera = cloth, camera
        self.ears = Ears()
        self._limbs: dict[str, tuple[float, Array]] = {}
        self._rustled_s: dict[tuple[str, int], float] = {}

    def sample(self, time_s: float) -> int:
        """Which sample a moment is."""
        return round((time_s - self.began_s) * RATE_HZ)

    def happened(self, events: Iterable[Event], earlier_s: float = 0.0) -> None:
        """Has events heard at their moments; earlier_s before, for a device's own delay."""
        for event in events:
            at = self.sample(event.time_ns * 1e-9 - earlier_s)
            for strike in self._score.strikes(event, at, self.ears):
                self.voices.strike(strike)
            self.heard += 1

    def frame(self, frame: Frame, time_s: float) -> None:
        """Whose picture it is, and clothes that rustle."""
        named = [c for c in frame.cameras if c.name == self._camera or not self._camera]
        if named:
            self.ears = Ears.of(named[0])
        if not self._cloth:
            return
        for subject in frame.subjects:
            self._rustle(subject, time_s)

    def _rustle(self, subject: Subject, time_s: float) -> None:
        found = roles(subject.skeleton)
        limbs = [found[name] for name in LIMBS if name in found]
        if len(limbs) < len(LIMBS):
            return
        world = subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)[0]
        points = world[limbs]
        before = self._limbs.get(subject.name)
        self._limbs[subject.name] = time_s, points - world[0]
        if before is None or not 1e-3 < time_s - before[0] < 0.2:
            return
        speeds = np.linalg.norm(points - world[0] - before[1], axis=-1) / (time_s - before[0])
        for k in np.flatnonzero(speeds > RUSTLES_MPS):
            key = subject.name, int(k)
            if time_s - self._rustled_s.get(key, -1.0) > RUSTLE_S:
                self._rustled_s[key] = time_s
                x, y, z = points[k].tolist()
                self.voices.strike(
                    self._score.rustle(self.sample(time_s), (x, y, z), float(speeds[k]), self.ears)
                )

    def block(self) -> Array:
        """(stems, 2, BLOCK) float32: the next one, with its room."""
        dry = self.voices.block()
        for stem, room in zip(dry, self._rooms):
            stem += room.block(stem)
        return dry

    @property
    def until_s(self) -> float:
        """Up to which moment blocks were made."""
        return self.began_s + self.voices.samples / RATE_HZ


def blocks(seconds: float) -> int:
    """How many blocks last so long."""
    return -(-round(seconds * RATE_HZ) // BLOCK)
