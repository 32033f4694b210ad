"""What is exported of a take: bodies, faces, cameras, props, markers and cuts, on one clock.

Row 0 is the first tick after Record at which anybody is there. Who comes later stands in its first
pose until then, and in its last one after it left and over ticks that are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Camera, Frame, Prop, State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .clip import Clip
from .take_reader import TakeReader

# A stage that skipped more ticks than this in one go was asleep; nobody wants them as held poses.
LONGEST_S = 24 * 3600.0


@dataclass
class Track:
    """A subject on one skeleton: its poses and its face, and at which ticks it had them."""

    name: str
    skeleton: Skeleton
    ticks: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    positions: list[Array] = field(default_factory=list)
    rotations: list[Array] = field(default_factory=list)
    faces: list[tuple[tuple[str, ...], Array]] = field(default_factory=list)

    def add(self, tick: int, subject: Subject) -> None:
        self.ticks.append(tick)
        self.states.append(int(subject.state))
        self.positions.append(np.array(subject.pose.positions))
        self.rotations.append(np.array(subject.pose.rotations))
        self.faces.append((subject.skeleton.curve_names, np.array(subject.curves)))

    @property
    def curve_names(self) -> tuple[str, ...]:
        """Every curve that it ever had, in the order in which they came."""
        return tuple(dict.fromkeys(name for names, _ in self.faces for name in names))

    def curves(self) -> Array:
        """(N, K) values for `curve_names` at its own ticks; 0 before a curve is known."""
        names = self.curve_names
        out = np.zeros((len(self.faces), len(names)))
        columns: dict[tuple[str, ...], list[int]] = {}
        for row, (there, values) in enumerate(self.faces):
            if there not in columns:
                columns[there] = [names.index(name) for name in there]
            if len(values) == len(there):
                out[row, columns[there]] = values
        return out


@dataclass
class Rigid:
    """A camera or a prop, and at which ticks it was there.

    lens  of a camera: focal length, sensor's width and height (mm), focus (m), iris (f-number)
    """

    name: str
    ticks: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    positions: list[Array] = field(default_factory=list)
    rotations: list[Array] = field(default_factory=list)
    lens: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, tick: int, thing: Camera | Prop) -> None:
        self.ticks.append(tick)
        self.states.append(int(thing.state))
        self.positions.append(np.array(thing.position))
        self.rotations.append(np.array(thing.rotation))
        if isinstance(thing, Camera):
            self.lens.append((thing.focal_mm, *thing.sensor_mm, thing.focus_m, thing.iris))


@dataclass(frozen=True)
class Mark:
    """Something at a tick: a marker's text, or the camera that a cut goes to."""

    tick: int
    text: str


@dataclass
class Motion:
    """What is exported of a take. Ticks are the stage's own; timecodes are by tick.

    timecode_rate  its name, such as "29.97df"; "" where the take does not say
    facts          what the take says of itself
    session        the stage's, as TOML
    files          of the take, which hold its sound
    """

    rate_hz: float
    first: int
    last: int
    timecodes: dict[int, str]
    tracks: list[Track]
    cameras: list[Rigid] = field(default_factory=list)
    props: list[Rigid] = field(default_factory=list)
    markers: list[Mark] = field(default_factory=list)
    cuts: list[Mark] = field(default_factory=list)
    timecode_rate: str = ""
    name: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    session: str = ""
    files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return self.last - self.first + 1

    def rows(self, track: Track | Rigid) -> tuple[np.ndarray, np.ndarray]:
        """For every row (T,) which pose of the track it shows, and whether it is its own."""
        ticks = np.arange(self.first, self.last + 1)
        own = np.array(track.ticks)
        shown = np.clip(np.searchsorted(own, ticks, side="right") - 1, 0, len(own) - 1)
        return shown, own[shown] == ticks

    def poses(self, track: Track | Rigid) -> tuple[Array, Array, np.ndarray]:
        """Positions (T, ..., 3), rotations (T, ..., 4), and whether each row is its own (T,)."""
        rows, own = self.rows(track)
        positions, rotations = np.array(track.positions)[rows], np.array(track.rotations)[rows]
        return positions.astype(np.float64), rotations.astype(np.float64), own

    @property
    def times_s(self) -> Array:
        """(T,) seconds since row 0."""
        return np.arange(len(self)) / self.rate_hz

    @property
    def start_timecode(self) -> str:
        return self.timecodes.get(self.first, "")

    def absent(self, own: np.ndarray) -> list[list[int]]:
        """First and last row of each time that somebody was not there."""
        return _spans(~own & self._known)

    @property
    def gaps(self) -> list[list[int]]:
        """First and last row of each time that no frame of the take has."""
        return _spans(~self._known)

    @property
    def _known(self) -> np.ndarray:
        ticks = np.arange(self.first, self.last + 1)
        return np.isin(ticks, np.fromiter(self.timecodes, np.int64, len(self.timecodes)))


def _spans(marked: np.ndarray) -> list[list[int]]:
    """First and last row of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [[int(a), int(b) - 1] for a, b in edges.reshape(-1, 2)]


class _Part:
    """One file of a take: what its events say, and its frames, one after the other."""

    def __init__(self, path: Path) -> None:
        self.reader = TakeReader(path)
        self.since: dict[str, int] = {}
        self.marks: dict[str, list[Mark]] = {"marker": [], "cut": []}
        self._start: int | None = None
        for one in TakeReader(path).events():
            match one.get("event"):
                case "record":
                    self._start = int(one.get("published", 0))
                    self.since.update({str(name): 0 for name in one.get("present", [])})
                case "present":
                    for name in one.get("subjects", []):
                        self.since.setdefault(str(name), int(one.get("sequence", 0)))
                case "marker" | "cut" as what:
                    text = one.get("camera" if what == "cut" else "text", "")
                    self.marks[what].append(Mark(int(one.get("sequence", -1)), str(text)))

    def frames(self) -> Iterator[tuple[Frame, bool]]:
        """Each frame, and whether it was before Record."""
        for one in self.reader.frames():
            if not isinstance(one, dict):
                frame, origin = one
                yield frame, self._start is not None and origin.published < self._start


def load(
    paths: Path | Sequence[Path], preroll: bool = False, subjects: Iterable[str] = ()
) -> Motion:
    """Reads a take, or the parts that one take went on in; subjects alone where they are named.

    preroll takes in what was performed before Record.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    parts = [_Part(path) for path in files]
    tracks: dict[tuple[str, int], Track] = {}
    bodies: dict[int, Skeleton] = {}
    cameras: dict[str, Rigid] = {}
    props: dict[str, Rigid] = {}
    timecodes: dict[int, str] = {}
    rate_name = ""
    for part in parts:
        for frame, before in part.frames():
            if before and not preroll:
                continue
            tick = frame.sequence
            for subject in frame.subjects:
                if not before and tick < part.since.get(subject.name, 0):
                    continue  # it stands there until its sender comes
                # A face that learns a curve makes another skeleton of the same body.
                body = bodies.get(subject.skeleton.id)
                if body is None:
                    body = replace(subject.skeleton, curve_names=())
                    bodies[subject.skeleton.id] = body
                track = tracks.setdefault((subject.name, body.id), Track(subject.name, body))
                if not track.ticks or tick > track.ticks[-1]:
                    track.add(tick, subject)
            for found, things in ((cameras, frame.cameras), (props, frame.props)):
                for thing in things:
                    rigid = found.setdefault(thing.name, Rigid(thing.name))
                    if not rigid.ticks or tick > rigid.ticks[-1]:
                        rigid.add(tick, thing)
            timecodes[tick] = frame.timecode
            rate_name = rate_name or _rate_name(frame)
    facts = parts[0].reader.facts
    rate_hz = parts[0].reader.rate_hz
    chosen = _chosen(list(tracks.values()), list(subjects), files[0])
    there: list[Track] | list[Rigid] = chosen or [*cameras.values(), *props.values()]
    first = min((one.ticks[0] for one in there), default=min(timecodes, default=0))
    last = max(timecodes, default=-1)
    if last - first > LONGEST_S * rate_hz:
        raise UnderstudyError(
            f"{shown(files[0])} spans {(last - first) / rate_hz / 3600.0:.0f} hours; that is more "
            "than a take can be exported with."
        )
    marks = {what: [m for part in parts for m in part.marks[what]] for what in ("marker", "cut")}
    return Motion(
        rate_hz, first, last, timecodes, chosen,
        _within(cameras, first, last), _within(props, first, last),
        [m for m in marks["marker"] if first <= m.tick <= last],
        sorted((m for m in marks["cut"] if m.tick <= last), key=lambda m: m.tick),
        facts.get("timecode_rate", "") or rate_name,
        files[0].stem, facts, parts[0].reader.session, tuple(files),
    )  # fmt: skip


def of_clip(clip: Clip) -> Motion:
    """A clip as what is exported of a take: one body, a row for every frame."""
    count = len(clip)
    ticks = list(range(count))
    states = [int(State.LIVE)] * count
    track = Track(clip.name, clip.skeleton, ticks, states, list(clip.positions),
                  list(clip.rotations), [((), np.zeros(0))] * count)  # fmt: skip
    return Motion(clip.rate_hz, 0, count - 1, dict.fromkeys(ticks, ""), [track], name=clip.name)


def _rate_name(frame: Frame) -> str:
    """The name of a frame's timecode rate; a label with a semicolon drops frames."""
    drop = "df" if ";" in frame.timecode else ""
    for name, exact in timecode.RATES.items():
        if (exact.numerator, exact.denominator) == (frame.rate_num, frame.rate_den):
            return name + drop
    return ""


def _within(found: dict[str, Rigid], first: int, last: int) -> list[Rigid]:
    return [one for one in found.values() if one.ticks[0] <= last and one.ticks[-1] >= first]


def _chosen(tracks: list[Track], names: list[str], path: Path) -> list[Track]:
    there = list(dict.fromkeys(track.name for track in tracks))
    for name in names:
        if name not in there:
            raise UnderstudyError(
                f"{shown(path)} has no subject {name!r}; it has {', '.join(there) or 'none'}."
            )
    return [track for track in tracks if not names or track.name in names]


def unique_names(motion: Motion) -> list[str]:
    """A name for each track; a subject that changed its skeleton has several tracks."""
    names: list[str] = []
    for track in motion.tracks:
        name, number = track.name, 1
        while name in names:
            number += 1
            name = f"{track.name}-{number}"
        names.append(name)
    return names


def description(motion: Motion) -> dict[str, Any]:
    """What a file says of the take beside its motion: timecode, slate, markers, cuts, gaps."""
    return {
        "take": motion.name,
        "rate_hz": motion.rate_hz,
        "frames": len(motion),
        "start_timecode": motion.start_timecode,
        "timecode_rate": motion.timecode_rate,
        "slate": {
            name.removeprefix("slate_"): value
            for name, value in motion.facts.items()
            if name.startswith("slate")
        },
        "markers": [{"row": m.tick - motion.first, "text": m.text} for m in motion.markers],
        "cuts": [{"row": max(0, m.tick - motion.first), "camera": m.text} for m in motion.cuts],
        "gaps": motion.gaps,
    }
