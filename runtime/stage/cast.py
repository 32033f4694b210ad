"""The cast: who is on stage, what drives each, and their poses at this tick."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent, Pose, Subject
from understudy.runtime.performer.control.layout import STYLES
from understudy.runtime.sources.controls.gamepad import GamepadSource
from understudy.runtime.sources.controls.pad_script import PadScript
from understudy.runtime.sources.controls.remote_pad import RemotePad
from understudy.runtime.sources.controls.style import Style, checked
from understudy.runtime.sources.devices.livelinkface import LiveLinkFaceSource
from understudy.runtime.sources.devices.vmc import VmcSource
from understudy.runtime.sources.files.bvh import BvhSource
from understudy.runtime.sources.files.dropout import Link
from understudy.runtime.sources.registry import NetworkSource, open_all

from .faces import Faces
from .live import Live
from .scenery import Scenery

if TYPE_CHECKING:
    from understudy.runtime.performer.control.performer import Performer

    from .config import StageConfig

SPACING_M = 1.6


class Cast:
    """Every subject on stage: those whom a pad asks, in one batch, and those whom mocap moves."""

    def __init__(self, config: StageConfig) -> None:
        self.capture_ns = 0
        self._remote: RemotePad | None = None
        self.notes: list[str] = []
        # Ports first, as with the stage's own.
        self.network: list[NetworkSource] = open_all(config.sources)
        self._notices: dict[int, str] = {}
        try:
            self._assemble(config)
        except BaseException:
            for source in self.network:
                source.close()
            raise

    def _assemble(self, config: StageConfig) -> None:
        pads, links = self._pads(config), self._links(config)
        bodies = [(s.name, s) for s in self.network if isinstance(s, VmcSource)]
        there = [name for name, _ in (*pads, *links, *bodies)]
        alone = [
            (s.name, s)
            for s in self.network
            if isinstance(s, LiveLinkFaceSource)
            and (s.subject not in there if s.subject else not there)
        ]
        if not pads and not links and not self.network:
            raise UnderstudyError(
                "The stage is empty: give it a source with --pad FILE, --bvh FILE, --gamepad or "
                "--from URL."
            )
        if config.copies < 1:
            raise UnderstudyError(f"--copies is {config.copies}; it needs at least 1.")

        copies, staged = config.copies, len(pads) + len(links)
        places = grid(copies * staged, SPACING_M)
        self._intent_sources = [s for _, s in pads for _ in range(copies)]
        self._intents = [Intent() for _ in self._intent_sources]
        self.performer = self._engage(config, places) if self._intent_sources else None
        # What is tracked stands where it is, bodies and cameras in one room; a file has no place.
        tracked = [grid(copies, SPACING_M) for _ in (*bodies, *alone)]
        self._offsets = np.concatenate([places[len(self._intents) :], *tracked])
        moved: list[tuple[str, Any]] = [*links, *bodies, *alone]
        self.live = Live(
            [source for _, source in moved],
            copies,
            config.takeover,
            config.stop_after_s,
            config.takeover_weights,
        )
        self._beside = [s for s in self.network if all(s is not m for _, m in moved)]
        self._time_s = 0.0
        self._subjects = self._seats(pads, moved, copies)
        self._unknown = {
            i + len(self._intents)
            for i, source in enumerate(source for _, source in moved for _ in range(copies))
            if isinstance(source, VmcSource)
        }
        self.scenery = Scenery(self.network)
        self.faces = self._faces([name for name, _ in (*pads, *moved)], moved, copies)
        self.style("", config.style)

    def _faces(self, names: list[str], moved: list[tuple[str, Any]], copies: int) -> Faces:
        """Who wears which face: a body its own, a phone's who was named, or the first."""
        faces = Faces()
        moving = {id(source): i for i, (_, source) in enumerate(moved, len(names) - len(moved))}
        for source in self.network:
            if not isinstance(source, VmcSource | LiveLinkFaceSource):
                continue
            named = names.index(source.name) if source.name in names else 0
            number = moving.get(id(source), named)
            for place in range(number * copies, (number + 1) * copies):
                faces.wear(place, source.face)
        return faces

    def _pads(self, config: StageConfig) -> list[tuple[str, Any]]:
        sources: list[tuple[str, Any]] = [(path.stem, PadScript(path)) for path in config.pads]
        if config.gamepad:
            gamepad = GamepadSource()
            sources.append(("gamepad", gamepad))
            self.notes += [gamepad.reason] if gamepad.reason else []
        if config.remote:
            self._remote = RemotePad()
            sources.append(("pad", self._remote))
        return sources

    def _links(self, config: StageConfig) -> list[tuple[str, Link]]:
        for name, drop in config.drops:
            if name not in ("", *(path.stem for path in config.bvhs)):
                raise UnderstudyError(
                    f"--drop {name}={drop}: no --bvh file is called {name!r}; there are "
                    f"{', '.join(path.stem for path in config.bvhs) or 'none'}."
                )
        links = []
        for number, path in enumerate(config.bvhs):
            source = BvhSource(path, target=PERFORMER, **config.bvh)
            self.notes += [f"{path.name}: {note}" for note in source.notes]
            drops = [drop for name, drop in config.drops if name in ("", path.stem)]
            links.append((path.stem, Link(source, drops, config.jitter_s, seed=number)))
        return links

    def _engage(self, config: StageConfig, places: np.ndarray) -> Performer:
        # A stage that only plays files back needs no controller.
        from understudy.runtime.performer.control.performer import Performer

        performer = Performer(len(self._intent_sources), config.weights)
        for i, (x, _, z) in enumerate(places[: performer.count]):
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
        if self.performer is not None:
            return self.performer.provider_name
        return self.live.provider_name or "none: no subject is acted"

    def remote_pad(self, request: Any) -> None:
        """Takes a pad state that came over the control socket; a name must be that of our pad."""
        if self._remote is not None and request.subject in ("", "pad"):
            self._remote.put(request)

    def remote_camera(self, request: Any) -> None:
        """Takes a camera that came over the control socket."""
        self.scenery.share(request, self._time_s, time.monotonic_ns())

    def news(self) -> list[str]:
        """What is to be told of the sources since it was asked last: who is heard, who is not."""
        told = []
        for source in self.network:
            if self._notices.get(id(source)) != (notice := source.reception.notice):
                self._notices[id(source)] = notice
                told.append(f"{source.endpoint.text}: {notice}")
        return told

    def figures(self) -> dict[str, float]:
        """Of the sources, for the wire: how many are silent now, datagrams that were no good."""
        if not self.network:
            return {}
        receptions = [source.reception for source in self.network]
        return {
            "silent_sources": float(sum(bool(reception.silence) for reception in receptions)),
            "damaged_datagrams": float(sum(reception.damaged for reception in receptions)),
        }

    def recorded(self, subjects: list[Subject]) -> list[Subject]:
        """Those of whom there is something to record: not who stands there until a sender comes."""
        if not self._unknown:
            return subjects
        self._unknown = {i for i in self._unknown if subjects[i].skeleton.names == PERFORMER.names}
        return [one for i, one in enumerate(subjects) if i not in self._unknown]

    def style(self, name: str, traits: Mapping[str, Any]) -> dict[str, Style]:
        """Sets traits of the acted subject of that name, "" for all; gives what each has then."""
        acted = [subject.name for subject in self._subjects[: len(self._intents)]]
        if name and name not in acted:
            there = f"on a pad {'are' if len(acted) > 1 else 'is'} {', '.join(acted)}"
            raise UnderstudyError(
                f"No subject called {name!r} is on a pad, so none can be given a style; "
                f"{there if acted else 'nobody is on a pad'}."
            )
        values = checked(traits, "style")
        if self.performer is None:
            if values:
                raise UnderstudyError(
                    "Nobody on this stage is on a pad, so nobody can be given a style: add --pad "
                    "FILE, --gamepad or --remote."
                )
            return {}
        chosen = range(len(acted)) if not name else [acted.index(name)]
        for i in chosen:
            self._style(i, values)
        now = self.performer.style
        return {acted[i]: {t: float(v) for t, v in zip(STYLES, now[i])} for i in chosen}

    def _style(self, i: int, traits: Style) -> None:
        assert self.performer is not None
        for trait, value in traits.items():
            self.performer.style[i, STYLES.index(trait)] = value

    def sense(self, time_s: float) -> None:
        """Reads every source once, however many copies hang on it."""
        self._time_s = time_s
        now_ns = time.monotonic_ns()
        seen: dict[int, Any] = {}
        for i, source in enumerate(self._intent_sources):
            if id(source) not in seen:
                seen[id(source)] = source.intent(time_s)
            self._intents[i] = seen[id(source)]
            if isinstance(source, PadScript) and (traits := source.style(time_s)):
                self._style(i, traits)
        self.live.sense(time_s)
        for beside in self._beside:
            beside.poll(time_s)
        self.scenery.sense(time_s)
        stamps = [intent.capture_ns for intent in self._intents if intent.capture_ns]
        self.capture_ns = min(stamps, default=now_ns)

    def perform(self, dt_s: float) -> None:
        """One network call for all who are on a pad, and one for all whose mocap is missing."""
        if self.performer is not None:
            self.performer.step(self._intents, dt_s)
        self.live.step(self._time_s)

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
                subject.capture_ns = self._intents[i].capture_ns
        self.live.solve(self._subjects[acted:], self._offsets)
        self.faces.put_on(self._subjects)
        return self._subjects

    def close(self) -> None:
        for source in {id(s): s for s in self._intent_sources}.values():
            source.close()
        self.live.close()
        for beside in self._beside:
            beside.close()
        if self.performer is not None:
            self.performer.close()

    def __enter__(self) -> Cast:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def grid(count: int, spacing_m: float) -> np.ndarray:
    """(count, 3) places on the ground, the first at the origin, the rest around it in rows."""
    side = int(np.ceil(np.sqrt(count)))
    cells = np.array([(x, 0.0, z) for z in range(side) for x in range(side)], float)
    cells = cells.reshape(-1, 3)[:count]
    cells[:, 0] = np.where(cells[:, 0] % 2 == 1, (cells[:, 0] + 1) / 2, -cells[:, 0] / 2)
    cells[:, 2] = -cells[:, 2]
    return cells * spacing_m
