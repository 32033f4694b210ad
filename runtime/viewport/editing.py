"""Editing a stage from the viewport: what the stage says of itself, and what is asked of it.

A thread of its own talks to the control socket, so that a stage that answers late, or not at all,
costs no picture. Drawing is in `panel.py`; nothing here knows ImGui.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, State

from .costume_entries import Costume

POLL_S = 1.0
NEWS_S = 3.0
# What is said of a reset, by its word of the control socket.
RESET = {
    "heading": "{} faces ahead.",
    "camera": "{} faces this camera.",
    "mark": "{} stands on the mark.",
    "t_pose": "{} stands in a T-pose: joints are put right.",
    "off": "{}'s joints are as they come.",
}
SHARE_S = 60  # seconds over which a subject's share of takeover is counted


class Client(Protocol):
    """The calls of `understudy.bridge.ControlClient` that are made here."""

    def session(self) -> dict[str, Any]: ...
    def add_source(self, url: str, name: str = "") -> dict[str, Any]: ...
    def remove_source(self, name: str) -> dict[str, Any]: ...
    def remove_subject(self, name: str) -> dict[str, Any]: ...
    def rename_subject(self, name: str, to: str) -> dict[str, Any]: ...
    def place_subject(self, name: str, at_m: Any, heading_deg: float) -> dict[str, Any]: ...
    def reset_subject(self, what: str, name: str = "", **words: Any) -> dict[str, Any]: ...
    def adjust_subject(self, name: str, **words: Any) -> dict[str, Any]: ...
    def set_profile(self, name: str, save: bool = False, **profile: Any) -> dict[str, Any]: ...
    def edit_person(self, name: str, **person: Any) -> dict[str, Any]: ...
    def transport(self, source: str = "", **words: Any) -> dict[str, Any]: ...
    def save_session(self, path: str = "") -> dict[str, Any]: ...
    def record(self, start: bool) -> dict[str, Any]: ...
    def marker(self, text: str, colour: str, sequence: int) -> dict[str, Any]: ...
    def circle(self) -> dict[str, Any]: ...
    def learn(self, to: str) -> dict[str, Any]: ...
    def undo(self, again: bool = False) -> dict[str, Any]: ...
    def cue(self, name: str, at_m: tuple[float, float, float]) -> dict[str, Any]: ...
    def order_prop(self, what: str) -> dict[str, Any]: ...
    def close(self) -> None: ...


class Deck(msgspec.Struct):
    """A take that is played, as its source tells of it."""

    take: str
    position_s: float
    seconds: float
    playing: bool
    speed: float
    cue: int
    takes: list[str] = msgspec.field(name="list", default_factory=list)
    timecode: str = ""
    raw: bool = False  # solved once more, so that it goes nowhere but on
    at_s: float = 0.0  # when that was so, on our own clock

    @property
    def now_s(self) -> float:
        """Where it is by now."""
        gone_s = (time.monotonic() - self.at_s) * self.speed if self.playing else 0.0
        return min(self.position_s + gone_s, self.seconds)


class SourceRow(msgspec.Struct):
    """A source as the stage tells of it. notice: what is to be done about it, "" where nothing."""

    name: str
    line: str = msgspec.field(name="from", default="")
    notice: str = ""
    streams: list[str] = []
    figures: dict[str, Any] = {}
    quality: str = ""  # how well it tracks, in words
    rate_hz: float | None = None  # counted here, between two looks
    deck: Deck | None = None  # of a take

    @property
    def delay_s(self) -> float | None:
        """What its line asks to be waited for packets that come late."""
        try:
            said = parse_qs(urlsplit(self.line).query).get("delay", [""])[0]
            return float(said)
        except ValueError:
            return None


class SubjectRow(msgspec.Struct):
    """A subject as it was last placed: at_m (3,) metres, heading_deg about +Y."""

    name: str
    at_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    heading_deg: float = 0.0
    made_of: str = ""  # SOURCE/KEY
    character: str = ""  # the file that it wears
    profile: dict[str, Any] = {}  # how that is fitted
    person: dict[str, Any] = {}  # its recipe, where it was made
    mirror: bool = False
    root: str = "free"
    t_pose: int = 0  # how many joints are put right


class Snapshot(msgspec.Struct):
    """What the stage said last; replaced as a whole, so that no lock is needed to read it."""

    sources: list[SourceRow] = []
    subjects: list[SubjectRow] = []
    trouble: str = ""  # why there is none


@dataclass
class Request:
    """One thing that was asked for; `done` is what to say when it happened."""

    call: str
    words: tuple[Any, ...]
    done: str
    named: dict[str, Any] = field(default_factory=dict)


@dataclass
class Entries:
    """What stands in the panel's fields, between two pictures."""

    url: str = ""
    path: str = ""
    selected: str = ""
    name: str = ""
    at_m: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    heading_deg: float = 0.0
    costume: Costume = field(default_factory=Costume)
    high_px: float = 0.0  # of all of it, when it was last drawn


class Editor:
    """Asks the stage once a second while somebody looks, and at once for what is to be changed.

    open_client  makes the connection; called in the thread, which alone uses it
    """

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self.entries = Entries()
        self.snapshot = Snapshot()
        self.said, self.refused = "", False
        self.shares: dict[str, Share] = {}
        self.states: dict[str, State] = {}
        self.ages_s: dict[str, float] = {}  # of the newest input of each subject
        self.recording, self.sequence = False, 0  # as the newest frame says
        self.follow = ""  # who was selected and is not followed yet
        self.eye_m: tuple[float, float, float] = (0.0, 0.0, 0.0)  # where this picture is seen from
        self._open = open_client
        self._waiting: deque[Request] = deque()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._frames: dict[str, tuple[float, float]] = {}
        self._seen_s = 0.0
        self._said_s = float("-inf")

    def watch(self, frame: Frame | None) -> None:
        """Takes the states of a frame; to be called for each picture that shows the panel."""
        self._seen_s = now_s = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="editor", daemon=True)
            self._thread.start()
        if frame is None:
            return
        self.states = {subject.name: subject.state for subject in frame.subjects}
        self.recording, self.sequence = bool(frame.stats.get("recording")), frame.sequence
        self.ages_s = {
            subject.name: max(0, frame.publish_ns - subject.capture_ns) / 1e9
            for subject in frame.subjects
            if subject.capture_ns
        }
        self.shares = {name: self.shares.get(name, Share()) for name in self.states}
        for name, state in self.states.items():
            self.shares[name].add(now_s, state is State.TAKEOVER)

    def lead(self, frame: Frame | None, lead: int) -> int:
        """Whom the camera follows: who was selected since it was last asked, else as before."""
        names = [subject.name for subject in frame.subjects] if frame is not None else []
        chosen, self.follow = self.follow, ""
        return names.index(chosen) if chosen in names else lead

    @property
    def subjects(self) -> list[SubjectRow]:
        """Who is on stage: as the frame has them, with what the stage said of each."""
        told = {row.name: row for row in self.snapshot.subjects}
        return [told.pop(name, SubjectRow(name)) for name in self.states] + list(told.values())

    def age_s(self, source: str) -> float | None:
        """How old the newest input of a source is, on whoever is made of it."""
        ages = [
            self.ages_s[row.name]
            for row in self.snapshot.subjects
            if row.made_of.partition("/")[0] == source and row.name in self.ages_s
        ]
        return min(ages, default=None)

    @property
    def texts(self) -> str:
        """Every letter that the panel may have to show."""
        shown, entries = self.snapshot, self.entries
        said = [self.said, shown.trouble, *self.states, entries.url, entries.path, entries.name]
        said += [row.name + row.line + row.notice for row in shown.sources]
        return "".join(said + [row.name for row in shown.subjects])

    # -- what a user does ----------------------------------------------------------------------

    def select(self, name: str) -> None:
        """Puts a subject's name and place into the fields."""
        row = next((row for row in self.subjects if row.name == name), None)
        chosen = row or SubjectRow("")
        entries = self.entries
        entries.selected = entries.name = chosen.name
        entries.at_m, entries.heading_deg = list(chosen.at_m), chosen.heading_deg
        self.follow = chosen.name

    def add_source(self) -> None:
        if url := self.entries.url.strip():
            self._ask(Request("add_source", (url,), f"Added {url}."))

    def remove_source(self, name: str) -> None:
        self._ask(Request("remove_source", (name,), f"Removed {name}."))

    def remove_subject(self) -> None:
        name = self.entries.selected
        self._ask(Request("remove_subject", (name,), f"{name} left the stage."))
        self.select("")

    def rename_subject(self) -> None:
        entries = self.entries
        to = entries.name.strip()
        if to and to != entries.selected:
            self._ask(
                Request("rename_subject", (entries.selected, to), f"{entries.selected} is {to}.")
            )
            entries.selected = entries.name = to

    def place_subject(self) -> None:
        """Sends the place in the fields; of those that wait only the last is worth sending."""
        entries = self.entries
        place = (entries.selected, tuple(entries.at_m), entries.heading_deg)
        for waiting in list(self._waiting):
            if waiting.call == "place_subject" and waiting.words[0] == entries.selected:
                with contextlib.suppress(ValueError):  # the thread has just taken it
                    self._waiting.remove(waiting)
        self._ask(Request("place_subject", place, ""))

    def reset(self, what: str, name: str = "") -> None:
        """Puts a subject right where it stands, the selected one where none is named."""
        name = name or self.entries.selected
        words = {"towards": list(self.eye_m)} if what == "camera" else {}
        self._ask(Request("reset_subject", (what, name), RESET[what].format(name), words))

    def adjust(self, **words: Any) -> None:
        """Mirrors the selected subject, or says where its root may go."""
        self._ask(Request("adjust_subject", (self.entries.selected,), "", words))

    def set_profile(self, **words: Any) -> None:
        """Sends words of the profile of what is worn; those that wait go with them."""
        name = self.entries.selected
        for waiting in list(self._waiting):
            if waiting.call == "set_profile" and waiting.words == (name,):
                with contextlib.suppress(ValueError):  # the thread has just taken it
                    self._waiting.remove(waiting)
                    words = {**waiting.named, **words}
        self._ask(Request("set_profile", (name,), "", copy.deepcopy(words)))

    def save_profile(self) -> None:
        name = self.entries.selected
        self._ask(Request("set_profile", (name, True), "Saved the profile of {character}."))

    def edit_person(self, **words: Any) -> None:
        """Has the person made anew."""
        name = self.entries.selected
        self.said, self.refused = f"{name} is made anew ...", False
        self._ask(Request("edit_person", (name,), f"{name} is {{character}}.", dict(words)))

    def save_session(self) -> None:
        self._ask(Request("save_session", (self.entries.path.strip(),), "Saved {path}."))

    def transport(self, source: str = "", **words: Any) -> None:
        """Plays, stops and moves a take: see `Transport`; play=None is play or stop."""
        self._ask(Request("transport", (source,), "", words))

    def record(self, running: bool) -> None:
        """Begins the slate's next take, or ends the one that runs."""
        done = "The take is written." if running else "Recording {take}."
        self._ask(Request("record", (not running,), done))

    def mark(self, sequence: int) -> None:
        """Marks the frame that is seen."""
        self._ask(Request("marker", ("", "", sequence), "Marked."))

    def learn(self, to: str) -> None:
        """The next fader of the stage's controllers that is moved does this: see `Learn`."""
        self._ask(Request("learn", (to or "record",), "Move a fader: it will do {to}."))

    def undo(self, again: bool = False) -> None:
        """Takes back the stage's newest edit, or makes the one again that was undone last."""
        done = "Made again: {edit}." if again else "Undone: {edit}."
        self._ask(Request("undo", (again,), done))

    def props_to_marks(self) -> None:
        """Puts all props that move by physics back to their marks."""
        self._ask(Request("order_prop", ("reset",), "Props are on their marks."))

    def cue(self, name: str, at_m: tuple[float, float, float]) -> None:
        """Tells the stage of a cue, such as an effect's name, for everybody."""
        self._ask(Request("cue", (name, at_m), f"Cue: {name}."))

    def circle(self) -> None:
        """Circles the take that runs, or the last."""
        self._ask(Request("circle", (), "Circled {take}."))

    @property
    def news(self) -> str:
        """What came of what was asked last, for as long as it is new."""
        return self.said if time.monotonic() - self._said_s < NEWS_S else ""

    def _ask(self, request: Request) -> None:
        self._waiting.append(request)
        self._wake.set()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.closing(self._open()) as client:
            while not self._ended.is_set():
                if self._waiting or time.monotonic() - self._seen_s < POLL_S:
                    self.step(client)
                self._wake.wait(POLL_S)
                self._wake.clear()

    def step(self, client: Client) -> None:
        """Sends what waits, then asks how things stand."""
        while self._waiting:
            request = self._waiting.popleft()
            try:
                if request.named.get("play", True) is None:
                    standing = client.transport(*request.words)
                    request.named["play"] = not standing["playing"]
                reply = getattr(client, request.call)(*request.words, **request.named)
            except UnderstudyError as error:
                self.said, self.refused = str(error), True
            else:
                self.said, self.refused = request.done.format_map(_Reply(reply or {})), False
            finally:
                self._said_s = time.monotonic()
            if not self.refused and request.call == "add_source":
                self.entries.url = ""
        try:
            told = typed.convert(client.session(), Snapshot, "the stage's session")
        except UnderstudyError as error:
            self.snapshot = Snapshot(trouble=str(error))
            return
        for row in told.sources:
            row.rate_hz = self._rate(row)
            with contextlib.suppress(UnderstudyError):
                row.deck = _deck(row)
        self.snapshot = told

    def _rate(self, row: SourceRow) -> float | None:
        """Frames a second since the last look; None where the source counts none."""
        now_s, frames = time.monotonic(), row.figures.get("frames")
        if not isinstance(frames, int | float):
            return None
        before_s, before = self._frames.get(row.name, (now_s, frames))
        self._frames[row.name] = (now_s, frames)
        return max(0.0, (frames - before) / (now_s - before_s)) if now_s > before_s else None

    def close(self) -> None:
        """Ends the thread; one that waits for a silent stage ends by itself soon after."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(0.5)


def _deck(row: SourceRow) -> Deck | None:
    if "position_s" not in row.figures:
        return None
    deck = typed.convert(row.figures, Deck, "the take's place")
    deck.at_s = time.monotonic()
    return deck


class Share:
    """The part of the last minute that a subject was taken over."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque(maxlen=SHARE_S)  # second, taken over, all
        self.share = 0.0

    def add(self, now_s: float, taken_over: bool) -> None:
        if not self._seconds or self._seconds[-1][0] != int(now_s):
            self._seconds.append([int(now_s), 0, 0])
        while self._seconds[0][0] <= int(now_s) - SHARE_S:
            self._seconds.popleft()
        self._seconds[-1][1] += taken_over
        self._seconds[-1][2] += 1
        self.share = sum(s[1] for s in self._seconds) / sum(s[2] for s in self._seconds)


def source_words(row: SourceRow, age_s: float | None = None) -> str:
    """How a source stands: the reason why it gives nothing, or rate, age, delay and sender."""
    if row.notice:
        return row.notice
    if row.deck is not None:
        return f"plays {row.deck.take.rpartition('/')[2]}"
    words = [] if row.rate_hz is None else [f"{row.rate_hz:.0f} Hz"]
    words += [row.quality] if row.quality else []
    words += [] if age_s is None else [f"{_time(age_s)} old"]
    words += [] if row.delay_s is None else [f"{_time(row.delay_s)} delay"]
    if isinstance(drift := row.figures.get("drift_ppm"), int | float):
        words.append(f"clock {drift:+.0f} ppm")
    senders = row.figures.get("senders")
    if isinstance(senders, list) and senders:
        words.append(f"from {', '.join(map(str, senders[:2]))}")
    return ", ".join(words) or ", ".join(row.streams) or "open"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1.0 else f"{1000 * seconds:.0f} ms"


class _Reply(dict):
    """A reply for a sentence; what it lacks is left out."""

    def __missing__(self, key: str) -> str:
        return "it"
