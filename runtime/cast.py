"""The cast: who is on stage, what drives each, and their poses at this tick."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent, Pose, State, Subject
from understudy.runtime.sources.bvh import BvhSource
from understudy.runtime.sources.gamepad import GamepadSource
from understudy.runtime.sources.pad_script import PadScript
from understudy.runtime.sources.remote_pad import RemotePad

if TYPE_CHECKING:
    from understudy.runtime.performer.performer import Performer

    from .stage import StageConfig

# Silence of a source for longer than this turns HOLD into LOST.
LOST_AFTER_S = 2.0
SPACING_M = 1.6


class Cast:
    """Every subject on stage: those that the network acts, in one batch, and those played back."""

    def __init__(self, config: StageConfig) -> None:
        self.capture_ns = 0
        self._remote: RemotePad | None = None
        sources: list[tuple[str, Any]] = []
        for path in config.pads:
            sources.append((path.stem, PadScript(path)))
        self.notes: list[str] = []
        if config.gamepad:
            gamepad = GamepadSource()
            sources.append(("gamepad", gamepad))
            self.notes += [gamepad.reason] if gamepad.reason else []
        if config.remote:
            self._remote = RemotePad()
            sources.append(("pad", self._remote))
        players = [
            (path.stem, BvhSource(path, target=PERFORMER, **config.bvh)) for path in config.bvhs
        ]
        for path, (_, player) in zip(config.bvhs, players):
            self.notes += [f"{path.name}: {note}" for note in player.notes]
        if not sources and not players:
            raise UnderstudyError(
                "The stage is empty: give it a source with --pad FILE, --bvh FILE or --gamepad."
            )
        if config.copies < 1:
            raise UnderstudyError(f"--copies is {config.copies}; it needs at least 1.")

        total = config.copies * (len(sources) + len(players))
        places = iter(grid(total, SPACING_M))
        self._intent_sources = [s for _, s in sources for _ in range(config.copies)]
        self._intents = [Intent() for _ in self._intent_sources]
        self.performer = self._engage(config, places) if self._intent_sources else None
        self._players = [player for _, player in players for _ in range(config.copies)]
        self._offsets = [next(places) for _ in self._players]
        self._silent_since_s = [0.0] * len(self._players)
        self._samples: list[Pose | None] = [None] * len(self._players)
        self._time_s = 0.0
        self._subjects = self._seats(sources, players, config.copies)

    def _engage(self, config: StageConfig, places: Any) -> Performer:
        # A stage that only plays files back needs no ONNX Runtime.
        from understudy.runtime.performer.performer import Performer

        performer = Performer(len(self._intent_sources), config.weights)
        for i in range(len(self._intent_sources)):
            x, _, z = next(places)
            performer.reset(i, (x, z))
        return performer

    def _seats(self, acted: list, played: list, copies: int) -> list[Subject]:
        """One Subject for each place, whose arrays are rewritten at every tick."""
        seats, taken = [], set()
        for name, source in acted + played:
            skeleton = PERFORMER if (name, source) in acted else source.skeleton
            for copy in range(copies):
                unique, number = name if copies == 1 else f"{name}.{copy + 1}", 1
                while unique in taken:
                    number += 1
                    unique = f"{name}-{number}" if copies == 1 else f"{name}-{number}.{copy + 1}"
                taken.add(unique)
                seats.append(Subject(unique, skeleton, Pose.rest(skeleton)))
        return seats

    def __len__(self) -> int:
        return len(self._subjects)

    @property
    def provider_name(self) -> str:
        return self.performer.provider_name if self.performer else "none: no subject is acted"

    def remote_pad(self, request: Any) -> None:
        """Takes a pad state that came over the control socket; a name must be that of our pad."""
        if self._remote is not None and request.subject in ("", "pad"):
            self._remote.put(request)

    def sense(self, time_s: float) -> None:
        """Reads every source once, however many copies hang on it."""
        self._time_s = time_s
        now_ns = time.monotonic_ns()
        seen: dict[int, Any] = {}
        for i, source in enumerate(self._intent_sources):
            if id(source) not in seen:
                seen[id(source)] = source.intent(time_s)
            self._intents[i] = seen[id(source)]
        for i, player in enumerate(self._players):
            if id(player) not in seen:
                seen[id(player)] = player.sample(time_s)
            self._samples[i] = seen[id(player)]
        stamps = [intent.capture_ns for intent in self._intents if intent.capture_ns]
        self.capture_ns = min(stamps, default=now_ns)

    def perform(self, dt_s: float) -> None:
        """One network call for all acted subjects."""
        if self.performer is not None:
            self.performer.step(self._intents, dt_s)

    def solve(self) -> list[Subject]:
        """The subjects as they stand at this tick."""
        acted = len(self._intents)
        if self.performer is not None:
            for i, subject in enumerate(self._subjects[:acted]):
                subject.pose.positions = self.performer.positions[i]
                subject.pose.rotations = self.performer.rotations[i]
                subject.contacts = self.performer.contacts[i]
                subject.trajectory = self.performer.trajectory[i]
                subject.intent = self._intents[i]
        for i, subject in enumerate(self._subjects[acted:]):
            self._play(i, subject)
        return self._subjects

    def _play(self, i: int, subject: Subject) -> None:
        pose = self._samples[i]
        if pose is None:
            silent_s = self._time_s - self._silent_since_s[i]
            subject.state = State.LOST if silent_s > LOST_AFTER_S else State.HOLD
            subject.reason = "the source has ended"
            return
        self._silent_since_s[i] = self._time_s
        subject.state, subject.reason = State.LIVE, ""
        subject.pose.positions = pose.positions.copy()
        subject.pose.positions[0] += self._offsets[i]
        subject.pose.rotations = pose.rotations

    def close(self) -> None:
        for source in {id(s): s for s in [*self._intent_sources, *self._players]}.values():
            source.close()
        if self.performer is not None:
            self.performer.close()

    def __enter__(self) -> Cast:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def grid(count: int, spacing_m: float) -> np.ndarray:
    """(count, 3) places on the ground, the first at the origin, the rest around it in rows."""
    side = int(np.ceil(np.sqrt(count)))
    cells = np.array([(x, 0.0, z) for z in range(side) for x in range(side)], float)[:count]
    cells[:, 0] = np.where(cells[:, 0] % 2 == 1, (cells[:, 0] + 1) / 2, -cells[:, 0] / 2)
    cells[:, 2] = -cells[:, 2]
    return cells * spacing_m
