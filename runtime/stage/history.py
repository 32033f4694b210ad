"""What was edited, so that it can be undone and done again, whoever asked for it.

An edit is kept as requests: those that make it, and those that take it back, as they follow from
the stage before it. What moves by the mouse comes as many requests, and is one edit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    SetCharacter,
    SetProfile,
)
from understudy.runtime.core.errors import UnderstudyError

from . import wardrobe

if TYPE_CHECKING:
    from .cast import Cast

MOST = 200
# Requests of one kind for one subject that follow each other so closely are one edit.
ONE_S = 1.5
TOGETHER = (PlaceSubject, SetProfile)


@dataclass
class Entry:
    """One edit. words: what it was, for people."""

    words: str
    forward: list[Edit]
    back: list[Edit]
    at_s: float = field(default_factory=lambda: time.monotonic())


class History:
    """Edits that were made, the newest last, and those that were undone since."""

    def __init__(self) -> None:
        self._made: list[Entry] = []
        self._undone: list[Entry] = []

    def note(self, entry: Entry) -> None:
        """An edit was made; what was undone before it is gone."""
        self._undone.clear()
        last = self._made[-1] if self._made else None
        now, then = entry.forward[-1], last.forward[-1] if last is not None else None
        if (
            last is not None
            and isinstance(now, TOGETHER)
            and type(now) is type(then)
            and last.words == entry.words
            and entry.at_s - last.at_s < ONE_S
        ):
            if isinstance(now, SetProfile) and isinstance(then, SetProfile):
                first, new = last.back[0], entry.back[0]
                assert isinstance(first, SetProfile) and isinstance(new, SetProfile)
                last.back = [SetProfile(name=now.name, profile={**new.profile, **first.profile})]
                now = SetProfile(name=now.name, profile={**then.profile, **now.profile})
            last.forward, last.at_s = [now], entry.at_s
            return
        self._made.append(entry)
        del self._made[:-MOST]

    def undo(self) -> Entry:
        """The newest edit, which is undone now."""
        if not self._made:
            raise UnderstudyError("There is nothing to undo.")
        entry = self._made.pop()
        self._undone.append(entry)
        entry.at_s = float("-inf")  # what comes after it is an edit of its own
        return entry

    def redo(self) -> Entry:
        """The edit that was undone last, which is made again now."""
        if not self._undone:
            raise UnderstudyError("There is nothing to do again.")
        entry = self._undone.pop()
        self._made.append(entry)
        return entry

    def drop(self, entry: Entry) -> None:
        """It could not be undone or made again; others can."""
        for entries in (self._made, self._undone):
            if entry in entries:
                entries.remove(entry)


def entry_of(cast: Cast, request: Edit) -> Entry | None:
    """A request as an edit, to be asked for before it is made; None where it is none."""
    match request:
        case AddSource():
            return Entry(f"adding {request.url}", [request], [])  # its name is not known yet
        case RemoveSource() if request.name in cast.named:
            return Entry(f"removing {request.name}", [request], _with_source(cast, request.name))
        case AddSubject():
            name = str(request.subject.get("name", ""))
            return Entry(f"adding {name}", [request], [RemoveSubject(name=name)])
        case RemoveSubject():
            table = _table(cast, request.name)
            back: list[Edit] = [AddSubject(subject=table)]
            return Entry(f"removing {request.name}", [request], back)
        case RenameSubject():
            back = [RenameSubject(name=request.to, to=request.name)]
            return Entry(f"renaming {request.name}", [request], back)
        case PlaceSubject():
            was = cast.member(request.name).table
            back = [PlaceSubject(name=request.name, at_m=was.at_m, heading_deg=was.heading_deg)]
            return Entry(f"moving {request.name}", [request], back)
        case AdjustSubject():
            own = cast.member(request.name).table
            back = [AdjustSubject(name=request.name, mirror=own.mirror, root=own.root)]
            return Entry(f"adjusting {request.name}", [request], back)
        case ResetSubject() if request.what != "off":
            words = f"putting {request.name or 'everybody'} right"
            if request.what == "t_pose":
                return Entry(words, [request], [ResetSubject(name=request.name, what="off")])
            return Entry(words, [request], placed(cast, request.name))
        case SetCharacter() | EditPerson():
            if isinstance(request, EditPerson) and not request.person:
                return None
            was = cast.member(request.name).table
            back = [SetCharacter(name=request.name, character=was.character)]
            return Entry(f"dressing {request.name}", [request], back)
        case SetProfile() if request.profile and not request.save:
            said = wardrobe.described(cast.member(request.name).costume).get("profile", {})
            before = {word: said[word] for word in request.profile if word in said}
            back = [SetProfile(name=request.name, profile=before)]
            return Entry(f"fitting {request.name}", [request], back)
    return None


def placed(cast: Cast, name: str) -> list[Edit]:
    """What puts a subject, "" is everybody, where it is."""
    return [
        PlaceSubject(name=own.name, at_m=own.at_m, heading_deg=own.heading_deg)
        for own in (member.table for member in cast.members)
        if name in ("", own.name)
    ]


def _table(cast: Cast, name: str) -> dict[str, Any]:
    """A subject's table, as it is added."""
    table: dict[str, Any] = msgspec.to_builtins(cast.member(name).table)
    return table


def _with_source(cast: Cast, name: str) -> list[Edit]:
    """What brings a source back, and who is made of it."""
    named = cast.named[name]
    back: list[Edit] = [AddSource(url=named.endpoint.text, name=name, subject=False)]
    for member in cast.members:
        if name in member.table.sources:
            if member.without(name) is not None:  # it stays, with less
                back.append(RemoveSubject(name=member.table.name))
            back.append(AddSubject(subject=_table(cast, member.table.name)))
    return back
