"""The slate: what is being shot, how takes are called by it, and what is noted after a take.

What was known when a take began is in the take. What is noted later stands beside it, in
NAME.slate.json, so that a file that holds a performance is never written again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

LAST_TAKE = 99_999
SIDECAR = ".slate.json"
TRASH = ".trash"

Name = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4096)]
Number = Annotated[int, Meta(ge=1, le=LAST_TAKE)]


class Note(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What can be noted of a take; what is None was not said."""

    project: Name | None = None
    scene: Name | None = None
    shot: Name | None = None
    take: Number | None = None
    description: Text | None = None
    notes: Text | None = None
    circled: bool | None = None

    @property
    def said(self) -> dict[str, Any]:
        """The words that were said, as a plain mapping."""
        return {word: value for word in WORDS if (value := getattr(self, word)) is not None}


WORDS = tuple(field.name for field in msgspec.structs.fields(Note))


def changed(words: Mapping[str, Any], where: str) -> dict[str, Any]:
    """These words of a slate, checked."""
    return typed.convert(dict(words), Note, where).said


def parse(text: str) -> dict[str, Any]:
    """The words of `--slate scene=12,shot=B`; a comma in a description stays one."""
    words: dict[str, Any] = {}
    for part in re.split(rf",\s*(?=(?:{'|'.join(WORDS)})\s*=)", text):
        word, equals, value = part.partition("=")
        word = word.strip()
        if not equals or word not in WORDS or word == "circled":
            raise UnderstudyError(
                f"--slate has {part!r}; give words as scene=12,shot=B, of "
                f"{', '.join(w for w in WORDS if w != 'circled')}."
            )
        words[word] = value.strip()
        if word == "take":
            try:
                words[word] = int(value)
            except ValueError:
                raise UnderstudyError(
                    f"--slate has take={value!r}; a take is a number of 1 to {LAST_TAKE}."
                ) from None
    return changed(words, "--slate")


def stem(project: str, scene: str, shot: str, take: int) -> str:
    """What a take's file is called: project_scene_shot_T001."""
    return f"{_head(project, scene, shot)}{take:03}"


def _head(project: str, scene: str, shot: str) -> str:
    words = [word for word in (project, scene, shot) if word]
    plain = "_".join("".join(c if c.isalnum() or c in "-." else "-" for c in w) for w in words)
    return f"{_cut(plain) or 'take'}_T"


def _cut(plain: str) -> str:
    """A name that a file can have: shorter than 200 bytes, and not hidden."""
    return plain.encode()[:200].decode(errors="ignore").lstrip(".")


def next_take(folder: Path, slate: Mapping[str, Any]) -> int:
    """The number of the slate's next take.

    It is one above the highest that the folder has of this scene and shot, taken away ones
    included, and at least what the slate says; one that was asked for (`exact`) counts as it is
    where it is free.
    """
    head = _head(slate.get("project", ""), slate.get("scene", ""), slate.get("shot", ""))
    pattern = re.compile(rf"{re.escape(head)}(\d{{3,5}})(?!\d)")
    there = {int(m[1]) for name in _names(folder) if (m := pattern.match(name)) is not None}
    wished = int(slate.get("take", 1))
    if slate.get("exact") and wished not in there:
        return wished
    number = max([wished, *(n + 1 for n in there)])
    if number > LAST_TAKE:
        raise UnderstudyError(
            f"{shown(folder)} has a take {LAST_TAKE} of {head[:-2]}; begin another shot."
        )
    return number


def _names(folder: Path) -> Iterable[str]:
    for place in (folder, folder / TRASH):
        with contextlib.suppress(OSError):
            yield from os.listdir(place)


def sidecar(take: Path) -> Path:
    """Where what is noted of a take stands."""
    return take.with_name(f"{take.name.removesuffix(take.suffix)}{SIDECAR}")


def noted(take: Path) -> dict[str, Any]:
    """What was noted of a take after it began; raises a sentence where that cannot be read."""
    file = sidecar(take)
    if not os.path.lexists(file):
        return {}
    return typed.read_json(file, Note, "slate", "correct it, or take it away").said


def note(take: Path, words: Mapping[str, Any]) -> dict[str, Any]:
    """Notes words of a take, whole or not at all; gives all that is noted of it then.

    A file that cannot be read stays beside the new one as NAME.slate.json~.
    """
    if not take.is_file():
        raise UnderstudyError(f"There is no take {shown(take)}; `understudy take ls` lists them.")
    said, file = changed(words, "the slate"), sidecar(take)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        try:
            before = noted(take)
        except UnderstudyError:
            before = {}
            os.replace(file, f"{file}~")
        now = {**before, **said}
        with open(part, "w", encoding="utf-8") as out:
            out.write(json.dumps(now, ensure_ascii=False, indent=1) + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UnderstudyError(
            f"{shown(file)} cannot be written ({error.strerror}); what was noted is as it was."
        ) from None
    return now


def of_facts(facts: Mapping[str, str]) -> dict[str, Any]:
    """The slate of a take's own metadata; what cannot be is left out."""
    words: dict[str, Any] = {}
    for word in WORDS:
        if said := facts.get(f"slate_{word}"):
            with contextlib.suppress(UnderstudyError, ValueError):
                value: Any = int(said) if word == "take" else said
                words |= changed({word: said == "True" if word == "circled" else value}, "the take")
    return words
