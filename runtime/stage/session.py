"""A session: one TOML file is a stage. What it says of sources, subjects, outputs, viewport, slate.

The flags of `understudy stage` and `play` are changes to it, and so is what is edited while the
stage runs; docs/session.md has every word.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
import platformdirs
import tomli_w
from msgspec import Meta

from understudy.runtime.core import timecode, typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.silence import Then
from understudy.runtime.outputs import timecode_out
from understudy.runtime.props import table as props
from understudy.runtime.props.table import PropTable
from understudy.runtime.sources import registry
from understudy.runtime.sources.controls.style import checked
from understudy.runtime.takes import slate

from . import bindings
from .bindings import ControllerTable
from .parts import HeadPart, Part

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Root = Literal["free", "in place", "hips only"]
Turn = Annotated[list[Annotated[float, Meta(ge=-1.0, le=1.0)]], Meta(min_length=4, max_length=4)]
Metres = Annotated[float, Meta(ge=-1e6, le=1e6)]
Place = tuple[Metres, Metres, Metres]
Point = Annotated[list[Metres], Meta(min_length=3, max_length=3)]  # as in bridge.requests
NOWHERE: Place = (0.0, 0.0, 0.0)
KEPT = 8


class Table(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all tables of a session are: exact in their words, short when they are written."""


class StageTable(Table):
    """[stage]: the loop, the wire and the networks."""

    rate_hz: Annotated[float, Meta(ge=1.0, le=1000.0)] = 60.0
    timecode: str = "30"
    timecode_from: str = ""  # ltc://, mtc:// or a network's; "": the time of day
    timecode_to: list[str] = []  # ltc://, mtc://, artnet://HOST: who hears the stage's own
    announce: bool = True  # by mDNS, on the cards on which it listens
    realtime: bool = True
    publish: str = "tcp://127.0.0.1:5570"
    control: str = "tcp://127.0.0.1:5571"
    insecure: bool = False
    keys: str | None = None  # the folder of `understudy keys`; "": the usual one
    takeover: bool = True
    stop_after_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 2.0
    then: Then = "stand"
    style: dict[str, float] = {}
    weights: str = ""
    takeover_weights: str = ""
    copies: Annotated[int, Meta(ge=1, le=4096)] = 1
    crowd: bool = False
    floor: str = ""


class SubjectTable(Table):
    """[[subject]]: a name on stage, and what it is made of.

    control, or body with hands, head and face: "SOURCE", "SOURCE/KEY", or a table (`parts.Part`).
    character is a .glb, .vrm or motion file, or a profile, onto whose skeleton it is carried over.
    at_m and heading_deg move it and turn it about +Y; a subject on a pad starts there, and looks at
    look_at: a subject's or camera's name, or a point. mirror shows what its source says as a mirror
    does. root: "in place" stays over at_m and keeps its height, "hips only" its hips' height too.
    t_pose is how far each joint was off when it was reset.
    """

    name: Name
    control: str = ""
    body: str | Part = ""
    hands: str | Part = ""
    head: str | HeadPart = ""
    face: str | list[str] = ""
    face_delay_s: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.0
    at_m: Place = NOWHERE
    heading_deg: Annotated[float, Meta(ge=-3600.0, le=3600.0)] = 0.0
    takeover: bool = True
    character: Annotated[str, Meta(max_length=4096)] = ""  # a file, or a profile; "": its own body
    look_at: Annotated[str, Meta(max_length=256)] | Point = ""
    mirror: bool = False
    root: Root = "free"
    t_pose: dict[str, Turn] = {}

    def part(self, which: str) -> Part | None:
        """Its body or hands as a Part; None where it has none."""
        said = getattr(self, which)
        kind = HeadPart if which == "head" else Part
        return (kind(said) if said else None) if isinstance(said, str) else said

    @property
    def faces(self) -> list[str]:
        """Addresses of the faces that it wears; of two, the later counts."""
        return [self.face] * bool(self.face) if isinstance(self.face, str) else self.face

    @property
    def sources(self) -> set[str]:
        """The sources that it is made of."""
        parts = [p.source for w in ("body", "hands", "head") if (p := self.part(w))]
        return {a.partition("/")[0] for a in (self.control, *parts, *self.faces) if a}


class ViewportTable(Table):
    """[viewport]: what `understudy play` shows.

    set to antialias are set, light and lens, as the command `viewport` takes them; the files of a
    set and a sky are from the session's own folder.
    """

    show: bool = True
    size: str = "1280x720"
    camera: str = "third"
    share: str = ""
    effect: bool = True
    aspect: str = ""
    guides: bool = False
    set: str = ""
    sun: str = ""
    tone: str = ""
    exposure: Annotated[float, Meta(ge=-10.0, le=10.0)] = 0.0
    clouds: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    fog: Annotated[float, Meta(ge=0.0, le=1e5)] = 0.0
    wet: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    rain: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    cold: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    wind: str = ""
    emit: list[str] = []
    sky: str = ""
    lens: bool = False
    stop: Annotated[float, Meta(ge=0.7, le=64.0)] = 2.8
    focus: str = ""
    shutter: Annotated[float, Meta(ge=0.0, le=360.0)] = 0.0
    handheld: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.0
    antialias: Literal["fxaa", "taa", "none"] = "fxaa"

    def settle(self, folder: Path) -> None:
        """Paths of its files from a folder."""
        for name in ("set", "sky"):
            said = getattr(self, name)
            if said and Path(said.partition("?")[0]).suffix:
                setattr(self, name, str(folder / said))


class SlateTable(Table):
    """[slate]: what is being shot; takes are named by it and count by themselves."""

    project: str = ""
    scene: str = ""
    shot: str = ""
    take: Annotated[int, Meta(ge=1, le=99999)] = 1
    description: str = ""
    notes: str = ""
    folder: str = ""  # of the takes

    @property
    def stem(self) -> str:
        """What a take's file is called: project_scene_shot_T001."""
        return slate.stem(self.project, self.scene, self.shot, self.take)


class ContactTable(Table):
    """[contact]: whether the stage tells of steps, and what soles and floor are made of.

    lead_s is how long before a foot is down it is told, so that a sound can be on time.
    """

    steps: bool = False
    lead_s: Annotated[float, Meta(ge=0.0, le=0.2)] = 0.05
    sole: Name = "rubber"
    floor: Name = "wood"


class Session(Table):
    """A stage, whole. `source`, `output` and `trigger` tables have the words of their protocols."""

    stage: StageTable = msgspec.field(default_factory=StageTable)
    source: list[dict[str, Any]] = []
    subject: list[SubjectTable] = []
    prop: list[PropTable] = []
    output: list[dict[str, Any]] = []
    trigger: list[dict[str, Any]] = []
    controller: list[ControllerTable] = []
    contact: ContactTable = msgspec.field(default_factory=ContactTable)
    viewport: ViewportTable = msgspec.field(default_factory=ViewportTable)
    slate: SlateTable = msgspec.field(default_factory=SlateTable)
    # Who wears what of those that have no table of their own: a subject's name, or "*" for all.
    characters: dict[str, str] = {}

    def character(self, table: SubjectTable) -> str:
        """The character of a subject, by its table or by its name."""
        plain = table.name.rpartition(".")[0]  # of a copy
        said = self.characters
        named = [said[name] for name in (table.name, plain, "*") if name in said]
        return table.character or (named[0] if named else "")


def session_of(*lines: str, subjects: tuple[SubjectTable, ...] = (), **stage: Any) -> Session:
    """A session of source lines such as `pad://walk.toml`, and words of its [stage] table."""
    tables: list[dict[str, Any]] = [{"from": line} for line in lines]
    return Session(stage=StageTable(**stage), source=tables, subject=list(subjects))


def load(path: Path) -> Session:
    """A session file, checked as a whole; paths in it are from its own folder."""
    session = typed.read_toml(path, Session, "session")
    base = path.resolve().parent
    for table in session.source:
        if isinstance(line := table.get("from"), str):
            table["from"] = registry.rooted(line, base)
        if isinstance(said := table.get("map"), str):
            table["map"] = str(base / said)
    loop = session.stage
    for name in ("weights", "takeover_weights", "keys", "floor"):
        if said := getattr(loop, name):
            setattr(loop, name, str(base / said))
    if session.slate.folder:
        session.slate.folder = str(base / session.slate.folder)
    session.viewport.settle(base)
    for prop in session.prop:
        prop.settle(base)
    for subject in session.subject:
        if subject.character:
            subject.character = str(base / subject.character)
    session.characters = {name: str(base / said) for name, said in session.characters.items()}
    check(session, str(path))
    return session


def loads(text: str, where: str) -> Session:
    """The session that `dumps` wrote; where is for people."""
    session = typed.convert(tomllib.loads(text), Session, f"{where}, its session")
    check(session, where)
    return session


def check(session: Session, file: str = "") -> None:
    """Raises the first sentence about what cannot be, with the file's name; opens nothing."""
    try:
        names = {named.id for named in registry.identify(session.source, file)}
        _check(session, names)
    except UnderstudyError as error:
        if not file or str(error).startswith(file):
            raise
        raise UnderstudyError(f"{file}: {error}") from None


def _check(session: Session, names: set[str]) -> None:
    timecode.rate(session.stage.timecode)
    if session.stage.timecode_from:
        from understudy.runtime.sources import timecode_in

        timecode_in.check(session.stage.timecode_from)
    if session.trigger:
        from . import triggers

        triggers.check(session.trigger)
    bindings.check(session.controller)
    for line in session.stage.timecode_to:
        timecode_out.check(line, session.stage.timecode)
    checked(session.stage.style, "stage.style")
    subjects: set[str] = set()
    for subject in session.subject:
        check_subject(subject, names)
        if subject.name in subjects:
            raise UnderstudyError(f"Two subjects are called {subject.name!r}; names are unique.")
        subjects.add(subject.name)
    props.check(session.prop)
    for number, table in enumerate(session.output, 1):
        if not isinstance(table.get("to"), str):
            raise UnderstudyError(
                f'[[output]] {number} has no to = "SCHEME://HOST:PORT"; `--to list` has them all.'
            )


def check_subject(subject: SubjectTable, sources: set[str]) -> None:
    """Raises the sentence about a subject that cannot be made of these sources."""
    if bool(subject.control) == bool(subject.body) and (subject.control or not subject.face):
        raise UnderstudyError(
            f"Subject {subject.name!r} needs a body, or a control, or a face alone; a body and a "
            "control exclude each other."
        )
    if subject.look_at and not subject.control:
        raise UnderstudyError(
            f"Subject {subject.name!r} is on no pad, so it looks where its source looks; leave "
            "look_at out."
        )
    if subject.control and (subject.mirror or subject.t_pose):
        raise UnderstudyError(
            f"Subject {subject.name!r} is on a pad, which has no mirror and no T-pose; leave them "
            "out."
        )
    for part in ("hands", "head"):
        if getattr(subject, part) and not subject.body:
            raise UnderstudyError(f"Subject {subject.name!r} has {part} and no body for them.")
    for source in sorted(subject.sources - sources):
        raise UnderstudyError(
            f"Subject {subject.name!r} is made of {source!r}, and no source is called so; there "
            f"{'are ' + ', '.join(sorted(sources)) if sources else 'is none'}."
        )


def dumps(session: Session, whole: bool = False) -> str:
    """The session as TOML; what is as usual is left out, unless it is to be whole."""
    if not whole:
        return tomli_w.dumps(msgspec.to_builtins(session))
    return tomli_w.dumps(
        {name: _whole(getattr(session, name)) for name in session.__struct_fields__}
    )


def _whole(value: Any) -> Any:
    """Plain tables of structs, defaults and all; what TOML has no word for is left out."""
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    if isinstance(value, msgspec.Struct):
        value = {
            field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)
        }
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items() if one is not None}
    return value


def save(session: Session, path: Path) -> None:
    """Writes a session, whole or not at all; the file that was there stays beside it as NAME~."""
    write(msgspec.to_builtins(session), path)


def write(tables: dict[str, Any], path: Path) -> None:
    """The same of a session's plain tables."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(tomli_w.dumps(tables), encoding="utf-8")
        if path.exists():
            os.replace(path, path.with_name(path.name + "~"))
        os.replace(part, path)
    except (OSError, ValueError) as error:
        raise UnderstudyError(
            f"The session cannot be written to {path}: {getattr(error, 'strerror', error)}."
        ) from None


def state_folder() -> Path:
    """Where stages keep their sessions as they go; UNDERSTUDY_STATE names another folder."""
    own = os.environ.get("UNDERSTUDY_STATE")
    return Path(own or platformdirs.user_state_dir("understudy", appauthor=False))


def state_file() -> Path:
    """Where this process keeps its session; all but the newest few of others are thrown away."""
    folder = state_folder()
    with contextlib.suppress(OSError):
        for old in _states(folder)[KEPT:]:
            old.unlink()
    return folder / f"stage-{os.getpid()}.toml"


def last_state() -> Path:
    """The session of the stage that ran last, however it ended."""
    folder = state_folder()
    try:
        return _states(folder)[0]
    except (OSError, IndexError):
        raise UnderstudyError(
            f"There is nothing to resume: no stage has kept a session in {folder} yet."
        ) from None


def _states(folder: Path) -> list[Path]:
    found = [(path.stat().st_mtime_ns, path) for path in folder.glob("stage-*.toml")]
    return [path for _, path in sorted(found, reverse=True)]


def output_line(table: Mapping[str, Any]) -> str:
    """An [[output]] table as one line, its other words as the line's options."""
    line = str(table["to"])
    words = [
        f"{name}={quote(str(value), safe='')}" for name, value in table.items() if name != "to"
    ]
    if not words:
        return line
    return line + ("&" if "?" in line else "?") + "&".join(words)
