"""Changes while the stage runs: sources and subjects come, go, are renamed and moved.

What takes long, a file that is read or a network that is opened, is done beside the loop; then the
change itself is made between two ticks. Changes are made in the order in which they were asked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.requests import (
    AddSource,
    AddSubject,
    AdjustSubject,
    Edit,
    EditPerson,
    PlaceSubject,
    RemoveSource,
    RemoveSubject,
    RenameSubject,
    ResetSubject,
    SaveSession,
    SetCharacter,
    SetProfile,
    Transport,
    Undo,
)
from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import diagnosis, registry
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.streams import Kind, Source

from . import resets, wardrobe
from . import session as sessions
from .cast import Cast
from .history import Entry, History, entry_of, placed
from .session import Session, SubjectTable, check_subject

# Makes the change in the loop's thread and gives the reply, or what is still to be waited for.
Change = Callable[[], Any]
SUBJECTS = {Kind.BODY, Kind.CONTROL, Kind.FACE}


class Edits:
    """Takes requests, and hands back each with its reply or its error when it is done."""

    def __init__(self, cast: Cast, path: Path | None, autosave: Path | None) -> None:
        """path is where the session came from; autosave where it is kept as it goes."""
        self._cast, self._path, self._autosave = cast, path, autosave
        self._waiting: list[tuple[Edit | None, Future[Change]]] = []
        self._adopting: set[tuple[str, str]] = set()
        self._history = History()
        self.trouble = ""  # why the session cannot be kept
        if autosave is not None:  # at once: the thread beside gets the loop's priority, later
            self._keep(self.tables, autosave)

    @property
    def session(self) -> Session:
        """The session as it is now: every subject by its own table."""
        cast = self._cast
        now = copy.copy(cast.session)
        now.stage = copy.copy(cast.session.stage)
        now.stage.copies = 1
        now.subject = [member.table for member in cast.members]
        claimed = {source for table in now.subject for source in table.sources}
        now.source = []
        for table, name in zip(cast.session.source, cast.named, strict=True):
            kept = {"as": name, **{k: v for k, v in table.items() if k not in ("as", "auto")}}
            if cast.named[name].auto and name in claimed:
                kept["auto"] = True
            elif name not in claimed and set(cast.named[name].kinds) & SUBJECTS:
                kept["auto"] = False
            now.source.append(kept)
        return now

    @property
    def tables(self) -> dict[str, Any]:
        """The same as plain tables, copied."""
        return dict(msgspec.to_builtins(self.session))

    def ask(self, request: Edit) -> None:
        """Begins a change."""
        self._waiting.append((request, self._cast.live.beside(self._prepare, request)))

    def adopt(self) -> None:
        """Streams that came by themselves and that nobody is made of become subjects."""
        cast = self._cast
        fresh = cast.unclaimed()
        for member in cast.members:
            member.assemble_anew(cast.streams)  # who got a face with it
        for table in fresh:
            key = (table.name, str(table.body or table.control or table.face))
            if key not in self._adopting:
                self._adopting.add(key)
                future = cast.live.beside(lambda table=table: self._enter([table]))
                self._waiting.append((None, future))

    def done(self) -> list[tuple[Edit, dict[str, Any], str]]:
        """Makes the changes that are ready; for each its request, its reply and its error."""
        out: list[tuple[Edit, dict[str, Any], str]] = []
        changed = False
        while self._waiting and self._cast.live.ready(self._waiting[0][1]):
            request, ready = self._waiting.pop(0)
            reply, error = {}, ""
            try:
                reply = ready.result()()
                if isinstance(reply, Future):
                    self._waiting.insert(0, (request, reply))
                    continue
                changed = changed or not isinstance(request, SaveSession)
            except UnderstudyError as refusal:
                error = str(refusal)
            if request is not None:
                out.append((request, reply, error))
        if changed:
            self.save()
        return out

    def save(self) -> None:
        """Keeps the session where `--resume` finds it, beside the loop."""
        if self._autosave is None:
            return
        self._cast.live.beside(self._keep, self.tables, self._autosave)

    def _keep(self, tables: dict[str, Any], path: Path) -> None:
        try:
            sessions.write(tables, path)
            self.trouble = ""
        except UnderstudyError as error:
            self.trouble = str(error)

    # What is slow of each, done beside the loop; the change itself is what is returned.

    def _prepare(self, request: Edit) -> Change:
        """The change that a request is; it can be undone where it is an edit."""
        if isinstance(request, Undo):
            return lambda: self._go(request.again)
        made = self._prepare_once(request)

        def change() -> Any:
            entry = entry_of(self._cast, request)
            reply = made()
            if entry is not None:
                if isinstance(request, AddSource):
                    named = msgspec.structs.replace(request, name=reply["name"])
                    entry.forward, entry.back = [named], [RemoveSource(name=reply["name"])]
                if isinstance(request, ResetSubject) and request.what != "t_pose":
                    # Made again, it is put where it was put: it may stand elsewhere by then.
                    entry.forward = placed(self._cast, request.name)
                self._history.note(entry)
            return reply

        return change

    def _go(self, again: bool) -> Any:
        """Makes the newest edit undone, or the last that was undone made again."""
        entry = self._history.redo() if again else self._history.undo()
        return self._step(entry, entry.forward if again else entry.back, again)

    def _step(self, entry: Entry, left: list[Edit], again: bool) -> Any:
        """One request of an edit after the other: each is prepared once those before are made."""
        if not left:
            return {"edit": entry.words}

        def prepared() -> Change:
            what = "made again" if again else "undone"
            try:
                made = self._prepare_once(left[0])
            except UnderstudyError as refusal:
                self._history.drop(entry)
                raise UnderstudyError(f"{entry.words} cannot be {what}: {refusal}") from None

            def change() -> Any:
                try:
                    made()
                except UnderstudyError as refusal:
                    self._history.drop(entry)
                    raise UnderstudyError(f"{entry.words} cannot be {what}: {refusal}") from None
                return self._step(entry, left[1:], again)

            return change

        return self._cast.live.beside(prepared)

    def _prepare_once(self, request: Edit) -> Change:
        match request:
            case AddSource():
                return self._add_source(request)
            case RemoveSource():
                return lambda: self._remove_source(request.name)
            case AddSubject():
                table = typed.convert(request.subject, SubjectTable, "the subject")
                return self._enter([table])
            case RemoveSubject():
                return lambda: self._remove_subject(request.name)
            case RenameSubject():
                return lambda: self._rename(request.name, request.to)
            case PlaceSubject():
                return lambda: self._place(request)
            case ResetSubject():
                return lambda: resets.reset(self._cast, request)
            case AdjustSubject():
                return lambda: resets.adjust(self._cast, request)
            case SetCharacter():
                return self._set_character(request)
            case SetProfile():
                return wardrobe.refit(self._cast, request.name, request.profile, request.save)
            case EditPerson():
                return wardrobe.remake(self._cast, request.name, request.person)
            case Transport():
                return self._transport(request)
            case SaveSession():
                return self._save_as(request.path)
        raise UnderstudyError(f"{type(request).__name__} is no edit.")

    def _add_source(self, request: AddSource) -> Change:
        cast = self._cast
        table: dict[str, Any] = {"from": request.url, "as": request.name}
        if not request.subject:
            table["auto"] = False
        if not request.name:
            del table["as"]
        (named,) = registry.identify([table])
        named = replace(named, id=registry.free(named.id, cast.named), auto=request.subject)
        if request.name and named.id != request.name:
            raise UnderstudyError(
                f"A source is called {request.name!r} already; give another name."
            )
        source = registry.open_source(named.endpoint, cast.ports)
        table["as"] = named.id

        def change() -> dict[str, Any]:
            cast.join(named, source)
            cast.session.source.append(table)
            cast.find_streams()
            self.adopt()
            return {"name": named.id}

        return change

    def _enter(self, tables: list[SubjectTable]) -> Change:
        """Subjects onto the stage."""
        cast = self._cast
        for table in tables:
            check_subject(table, set(cast.sources))
            self._free(table.name)
        members = cast.seated(tables)

        def change() -> dict[str, Any]:
            for table in tables:
                self._free(table.name)
                if table.sources - set(cast.sources):
                    raise UnderstudyError(f"A source of {table.name!r} has left meanwhile.")
            cast.admit(members)
            return {"name": tables[0].name}

        return change

    def _free(self, name: str) -> None:
        if any(member.table.name == name for member in self._cast.members):
            raise UnderstudyError(f"A subject is called {name!r} already; names are unique.")

    def _remove_source(self, name: str) -> dict[str, Any]:
        cast = self._cast
        if name not in cast.named:
            there = ", ".join(cast.named) or "none"
            raise UnderstudyError(f"No source is called {name!r}; there are: {there}.")
        del cast.session.source[list(cast.named).index(name)]
        before = [member.table.name for member in cast.members]
        cast.leave(name)
        cast.find_streams()
        after = {member.table.name for member in cast.members}
        self._adopting = {key for key in self._adopting if key[1].partition("/")[0] != name}
        return {"left": [one for one in before if one not in after]}

    def _remove_subject(self, name: str) -> dict[str, Any]:
        cast = self._cast
        member = cast.member(name)
        cast.dismiss(member)
        for source in member.table.sources & cast.named.keys():  # else it would be back at once
            cast.named[source] = replace(cast.named[source], auto=False)
        return {"name": name}

    def _rename(self, name: str, to: str) -> dict[str, Any]:
        member = self._cast.member(name)
        if not to.strip():
            raise UnderstudyError("A subject needs a name that is not empty.")
        if to != name:
            self._free(to)
            member.table.name = member.subject.name = to
        return {"name": to}

    def _place(self, request: PlaceSubject) -> dict[str, Any]:
        self._cast.member(request.name).place(request.at_m, request.heading_deg)
        return {"name": request.name}

    def _set_character(self, request: SetCharacter) -> Change:
        cast = self._cast
        member = cast.member(request.name)
        skeleton = member.subject.skeleton
        acted = member.actor is not None
        costume = cast.worn(request.character, skeleton, acted) if request.character else None

        def change() -> dict[str, Any]:
            own = cast.member(request.name)
            own.table.character, own.costume = request.character, costume
            worn = costume.figure.skeleton.character if costume is not None else ""
            return {"name": request.name, "character": worn}

        return change

    def _transport(self, request: Transport) -> Change:
        decks: dict[str, Any] = {
            n: s for n, s in self._cast.sources.items() if getattr(s, "is_take", False)
        }
        if not decks:
            raise UnderstudyError("No take is played on this stage; add one with take://FILE.")
        if not request.source and len(decks) > 1:
            raise UnderstudyError(f"Takes are played by {', '.join(decks)}; say which is meant.")
        name = request.source or next(iter(decks))
        if name not in decks:
            raise UnderstudyError(f"No take is played by {name!r}; by {', '.join(decks)} one is.")
        deck = decks[name]
        cue = request.cue if request.cue != 0 else deck.cue + 2
        take = deck.opened(cue - 1) if cue is not None else None

        def change() -> dict[str, Any]:
            for word in ("speed", "loop", "start_s", "stop_s"):
                if (said := getattr(request, word)) is not None:
                    setattr(deck, word, said)
            if take is not None and cue is not None:
                deck.put_in(take, cue - 1)
                self._cast.find_streams()
                self.adopt()
            if request.position_s is not None:
                deck.seek(request.position_s)
            if request.play is not None:
                deck.play(request.play)
            if request.step is not None:
                deck.step(request.step)
            return deck.status

        return change

    def _save_as(self, path: str) -> Change:
        to = Path(path) if path else self._path
        if to is None:
            raise UnderstudyError("This stage came from no session file; name one to save it to.")
        if to.is_dir():
            raise UnderstudyError(f"{to} is a folder; name a file in it.")
        file = to

        def change() -> Future[Change]:
            now = self.tables  # as they are between two ticks; the disk comes later

            def write() -> Change:
                sessions.write(now, file)
                self._path = file
                return lambda: {"path": str(file)}

            return self._cast.live.beside(write)

        return change

    def describe(self) -> dict[str, Any]:
        """The session, and the state of every source and subject, for people."""
        cast = self._cast
        return {
            "session": self.tables,
            "sources": [
                {
                    "name": name,
                    "from": cast.named[name].endpoint.text,
                    **_notice(cast.named[name].endpoint, source),
                    "quality": str(getattr(source, "quality", "")),
                    "streams": [f"{s.kind}{'/' + s.key if s.key else ''}" for s in source.streams],
                    "figures": dict(source.figures()),
                }
                for name, source in cast.sources.items()
            ],
            "subjects": [
                {
                    "name": member.table.name,
                    "made_of": member.made_of,
                    "character": member.table.character,
                    "state": member.shown.state.name,
                    "reason": member.shown.reason,
                    "at_m": list(member.table.at_m),
                    "heading_deg": member.table.heading_deg,
                    "mirror": member.table.mirror,
                    "root": member.table.root,
                    "t_pose": len(member.table.t_pose),
                    **wardrobe.described(member.costume),
                }
                for member in cast.members
            ],
        }


def _notice(endpoint: Endpoint, source: Source) -> dict[str, str]:
    """What a crew should know of a source, and the hint in it that says what to do."""
    unread = getattr(getattr(source, "reception", None), "unread", b"")
    hint = diagnosis.hint(endpoint, source.figures(), unread)
    return {"notice": f"{source.notice}; {hint}" if hint else source.notice, "hint": hint}
