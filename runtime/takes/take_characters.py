"""Who wore which character in a take, and the files that they are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from understudy.runtime.characters.character import Character, without
from understudy.runtime.characters.gltf_document import has_mesh
from understudy.runtime.characters.loading import load
from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.retarget import profile as profiles

from .take_motion import Motion, Track


class _Row(msgspec.Struct):
    name: str
    character: str = ""


class _Session(msgspec.Struct):
    """What of a session says who wears what; docs/session.md."""

    subject: list[_Row] = []
    characters: dict[str, str] = {}

    def file(self, name: str) -> str:
        said = {row.name: row.character for row in self.subject}
        plain = name.rpartition(".")[0]  # of a copy
        known = self.characters
        return said.get(name) or known.get(name) or known.get(plain) or known.get("*", "")


@dataclass(frozen=True)
class Worn:
    """A track's character, None for whom has none or none that is here; and why that is so."""

    character: Character | None = None
    note: str = ""


def worn(motion: Motion, given: Mapping[str, Path]) -> list[Worn]:
    """For each track what it wears: a file that is given for its name or "*", or the session's."""
    if unknown := sorted(given.keys() - {track.name for track in motion.tracks} - {"*"}):
        there = ", ".join(dict.fromkeys(track.name for track in motion.tracks))
        raise UnderstudyError(f"The take has no subject {unknown[0]!r} to dress; it has {there}.")
    session = _Session()
    if any(track.skeleton.character for track in motion.tracks) and motion.session:
        session = typed.convert(tomllib.loads(motion.session), _Session, "the take's session")
    known: dict[Path, Character | str] = {}
    return [_worn(track, session, given, known) for track in motion.tracks]


def said_files(session: str, names: Iterable[str]) -> dict[str, str]:
    """The files that a take's session (TOML) names for its subjects."""
    said = typed.convert(tomllib.loads(session), _Session, "the take's session")
    return {name: file for name in names if (file := said.file(name))}


def _worn(
    track: Track,
    session: _Session,
    given: Mapping[str, Path],
    known: dict[Path, Character | str],
) -> Worn:
    said = given.get(track.name, given.get("*"))
    if said is None:
        if not track.skeleton.character:
            return Worn()
        file = session.file(track.name)
        if not file:
            return Worn(None, _note(track, "the take does not say where its file is"))
        said = Path(file)
    if said not in known:
        known[said] = _read(said)
    found = known[said]
    if isinstance(found, str):
        return Worn(None, _note(track, found))
    if found.skeleton.names != track.skeleton.names:
        return Worn(None, _note(track, f"{said.name} has another skeleton now"))
    return Worn(found)


def _read(said: Path) -> Character | str:
    """The character of a file or a profile, or why there is none."""
    try:
        path, profile = profiles.file_of(said)
        if not path.is_file():
            return f"{path} is not there"
        if not has_mesh(path):
            return f"{path.name} has no mesh"
        return without(load(path), profile.hide)
    except UnderstudyError as error:
        return str(error).rstrip(".")


def _note(track: Track, why: str) -> str:
    name = track.skeleton.character or "the character"
    return (
        f"{track.name} is the mannequin and not {name}: {why}; --character {track.name}=FILE "
        "names another."
    )
