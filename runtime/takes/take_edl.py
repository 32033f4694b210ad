"""A take as an EDL (CMX3600), for every editing program there is."""

from __future__ import annotations

import re
from pathlib import Path

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import whole

from .edit_list import edit_list
from .take_motion import Motion

# Three digits number the events, a reel's name has eight letters and a title seventy.
MOST_EVENTS, REEL, TITLE = 999, 8, 70


def ready() -> None:
    """It needs no other package."""


def write(path: Path, motion: Motion) -> list[str]:
    """Writes it; gives what is to be said, each a sentence."""
    edits = edit_list(motion)
    if len(edits.events) > MOST_EVENTS:
        raise UnderstudyError(
            f"{motion.name} has {len(edits.events)} cuts and an EDL holds {MOST_EVENTS} events; "
            "export otio."
        )
    slate = motion.facts.get("slate", "") or motion.name
    mode = "DROP FRAME" if timecode.is_drop_frame(edits.rate_name) else "NON-DROP FRAME"
    lines = [f"TITLE: {_line(slate)[:TITLE]}", f"FCM: {mode}", ""]
    reels: dict[str, str] = {}

    def at(frame: int) -> str:
        return timecode.label(frame, edits.rate_name)

    for number, event in enumerate(edits.events, 1):
        reel = _reel(event.camera or slate, reels)
        times = " ".join(map(at, (event.start, event.stop) * 2))
        lines.append(f"{number:03}  {reel:<{REEL}} V     C        {times}")
        clip = f"{slate} {event.camera}".strip()
        lines.append(f"* FROM CLIP NAME: {_line(clip)}")
        lines.append(f"* SOURCE FILE: {_line(motion.name)}.mcap")
        for frame, text in edits.markers:
            if event.start <= frame < event.stop:
                lines.append(f"* LOC: {at(frame)} RED     {_line(text)}".rstrip())
        lines.append("")
    with whole(path) as part:
        part.write_text("\n".join(lines), encoding="utf-8")
    return edits.notes


def _line(text: str) -> str:
    return " ".join(text.split())


def _reel(name: str, taken: dict[str, str]) -> str:
    """A reel's name of at most eight letters and digits, one for each camera."""
    if name not in taken:
        plain = re.sub(r"[^A-Z0-9_]", "", name.upper())[:REEL] or "AX"
        unique, number = plain, 1
        while unique in taken.values():
            number += 1
            unique = f"{plain[: REEL - len(str(number))]}{number}"
        taken[name] = unique
    return taken[name]
