"""Edits of what subjects wear: the fit of a character, and the recipe of a person that was made.

Both are slow, so they are worked out beside the loop; what they give back makes the change itself.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.roles import roles
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.retarget.fitting import Figure

from . import figures
from .cast import Cast
from .dressing import Costume
from .member import Member

Change = Callable[[], Any]
EDITED = ".edited"  # in the name of a person's file that was made anew
PATIENCE_S = 60.0


def refit(cast: Cast, name: str, words: dict[str, Any], save: bool) -> Change:
    """A subject's character under a profile with other words; all who wear it change.

    save  writes the profile beside the character's file, and wears that
    """
    costume = _worn(cast, name)
    figure, character = costume.figure, cast.member(name).table.character
    profile = profiles.changed(figure.profile, words)
    if not words and not save:
        return lambda: told(figure)
    new = replace(figure, profile=profile)
    ready = _costumes(cast, figure, new) if words else []
    path = _written(Path(character), new) if save else None

    def change() -> dict[str, Any]:
        for member, own in ready:
            _put_on(member, own)
        if ready:
            cast.characters.replace(figure, new)
        for member in cast.members:
            worn = member.costume
            if path is not None and worn is not None and worn.figure is (new if ready else figure):
                member.table.character = str(path)
        return told(new)

    return change


def remake(cast: Cast, name: str, words: dict[str, Any]) -> Change:
    """The person that a subject wears, made anew with other words of its recipe.

    The file is written beside the first one, by a process of its own: making takes two seconds.
    """
    costume = _worn(cast, name)
    figure = costume.figure
    if figure.person is None:
        raise UnderstudyError(
            f"{figure.skeleton.character} was not made by `understudy character`: it has no recipe."
        )
    file, _ = profiles.file_of(Path(cast.member(name).table.character))
    if not words:
        return lambda: {"name": name, "person": figure.person}
    stem = file.stem.removesuffix(EDITED)
    out = file.with_name(f"{stem}{EDITED}{file.suffix}")
    made = processes.start(
        "character", "new", "--from", file, "--recipe", json.dumps(words), "--out", out,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = made.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        processes.end([made])
        raise UnderstudyError(f"{shown(out)} was not made within {PATIENCE_S:g} s.") from None
    if made.returncode != 0:
        lines = said.decode(errors="replace").strip().splitlines() or ["it was not made."]
        raise UnderstudyError(lines[-1].removeprefix("understudy character: "))
    # Another skeleton needs another name, or engines would bind the old one.
    there = {own.figure.skeleton.character for m in cast.members if (own := m.costume)}
    called = next(n for k in range(2, 10**6) if (n := f"{stem}-{k}") not in there)
    new = replace(figures.load(out, called), profile=figure.profile)
    ready = _costumes(cast, figure, new)

    def change() -> dict[str, Any]:
        for member, own in ready:
            member.table.character = str(out)
            _put_on(member, own)
        return {"name": name, "person": new.person, "character": called}

    return change


def told(figure: Figure) -> dict[str, Any]:
    """How a character is fitted, in the words that can be edited live."""
    whole = msgspec.structs.asdict(figure.profile)
    own = {word: whole[word] for word in profiles.LIVE}
    if own["floor_m"] is None:
        own["floor_m"] = figure.floor_m
    words = {**own, "roles": sorted(roles(figure.skeleton))}
    return {"profile": words, "character": figure.skeleton.character}


def described(costume: Costume | None) -> dict[str, Any]:
    """What an editor needs of a subject's costume: its profile, and its recipe where it has one."""
    if costume is None:
        return {}
    person = costume.figure.person
    own = {"profile": told(costume.figure)["profile"]}
    return own | ({"person": person} if person is not None else {})


def _worn(cast: Cast, name: str) -> Costume:
    costume = cast.member(name).costume
    if costume is None:
        raise UnderstudyError(f"{name} wears no character: set_character gives one.")
    return costume


def _costumes(cast: Cast, old: Figure, new: Figure) -> list[tuple[Member, Costume]]:
    """Everybody who wears the old figure, with a costume of the new one."""
    out = []
    for member in list(cast.members):
        if (own := member.costume) is not None and own.figure is old:
            out.append((member, own.of(new)))
    return out


def _put_on(member: Member, costume: Costume) -> None:
    if member.costume is not None:
        costume.floor_m = member.costume.floor_m  # the actor's, as found out so far
    member.costume = costume


def _written(character: Path, figure: Figure) -> Path:
    """Where a figure's profile was written: into the one that is worn, or beside the file."""
    file, _ = profiles.file_of(character)
    to = character if file != character else character.with_suffix(profiles.SUFFIX)
    if to != character and to.exists():
        beside = profiles.load(to)
        if (to.parent / beside.file).resolve() != file.resolve():
            raise UnderstudyError(f"{shown(to)} is the profile of another file; move it away.")
    profiles.save(to, file, figure.profile, figure.skeleton)
    return to
