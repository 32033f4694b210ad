"""What a key may do, as the file says that lets it in: `may = "listen, steer"`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from understudy.runtime.core.errors import UnderstudyError

LISTEN, STEER, RECORD = "listen", "steer", "record"
# listen: frames, figures, the session as it is. steer: pads, styles, cameras, every change of
# sources and subjects, the stage's end. record: takes and slate.
RIGHTS = (LISTEN, STEER, RECORD)
EVERYTHING = frozenset(RIGHTS)
# Of a key that is given away without a word: it sees what everyone in the room sees.
USUAL = frozenset({LISTEN})

_LINE = re.compile(r"\s*may\s*=\s*[\"']?([^\"'#]*)[\"']?\s*(?:#.*)?", re.IGNORECASE)
_HEADING = re.compile(r"\s*metadata\s*(?:#.*)?")


def checked(words: Iterable[str]) -> frozenset[str]:
    """Rights from a command line: words, or lists with commas; "all" is every one."""
    may, unknown = _sorted_out(" ".join(words))
    if unknown:
        raise UnderstudyError(
            f"{unknown[0]!r} is no right; a key may {', '.join(RIGHTS)}, or all of it (all)."
        )
    if not may:
        raise UnderstudyError(
            f"No right is named; give some of {', '.join(RIGHTS)}, or end it all with "
            "`understudy keys revoke NAME`."
        )
    return may


def text(may: Iterable[str]) -> str:
    """Rights in their usual order: "listen, steer"; "nothing" for none."""
    has = frozenset(may)
    return ", ".join(right for right in RIGHTS if right in has) or "nothing"


def of_file(content: str) -> tuple[frozenset[str] | None, list[str]]:
    """The rights in an allowed key's file, and the words that are none.

    None where the file does not say, as those written before there were rights. Of two lines that
    differ, what both allow.
    """
    said = [_sorted_out(m[1]) for m in map(_LINE.fullmatch, content.splitlines()) if m is not None]
    if not said:
        return None, []
    may = frozenset.intersection(*(rights for rights, _ in said))
    return may, [word for _, unknown in said for word in unknown]


def into_file(content: str, may: frozenset[str]) -> str:
    """The content of an allowed key's file with other rights; all else in it stays."""
    lines = [line for line in content.splitlines() if not _LINE.fullmatch(line)]
    line = f'    may = "{text(may)}"'
    at = next((n for n, one in enumerate(lines) if _HEADING.fullmatch(one)), None)
    if at is None:
        lines[:0] = ["metadata", line]
    else:
        lines.insert(at + 1, line)
    return "\n".join(lines) + "\n"


def _sorted_out(words: str) -> tuple[frozenset[str], list[str]]:
    """The rights among the words, and the others."""
    each = re.split(r"[\s,;]+", words.strip().lower())
    may = frozenset(word for word in each if word in RIGHTS)
    if "all" in each:
        may = EVERYTHING
    known = {*RIGHTS, "all", "nothing", ""}
    return may, [word for word in each if word not in known]
