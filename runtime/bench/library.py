"""Ten thousand takes in a folder: how long it takes to read them once, and to search them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.takes.library import Library, Query
from understudy.runtime.takes.slate import note, stem
from understudy.runtime.takes.take_file import TakeWriter
from understudy.runtime.takes.tally import Tally, as_text, seen

from .figure import Figure

RATE_HZ, FRAMES, ROUNDS = 60.0, 6, 7
SEARCHES = {
    "scene and circle": Query(scene="12", circled=True),
    "words": Query(text="robin hand shakes"),
    "everything": Query(),
}


def measure(quick: bool) -> list[Figure]:
    """A folder is made, read, and searched, each search with a look at the folder before it."""
    count = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        takes = Path(folder) / "takes"
        for number in range(count):
            _take(takes, number)
        index = Path(folder) / "library.sqlite"
        began_s = time.monotonic()
        with Library(takes, index) as library:
            library.refresh()
        read_s = time.monotonic() - began_s
        found = {name: _search(takes, index, query) for name, query in SEARCHES.items()}
    where = f"{count} takes; median of {ROUNDS}, opening and looking at the folder included"
    return [
        Figure("reading a folder for the first time", read_s, "s", "", None, f"{count} takes"),
        *(
            Figure(f"search: {name}", s, "s", "<= 0.3 s", s <= 0.3, f"{where}; {rows} found")
            for name, (s, rows) in found.items()
        ),
    ]


def _search(takes: Path, index: Path, query: Query) -> tuple[float, int]:
    times_s, rows = [], 0
    for _ in range(ROUNDS):
        began_s = time.monotonic()
        with Library(takes, index) as library:
            library.refresh()
            rows = len(library.find(query))
        times_s.append(time.monotonic() - began_s)
    return float(np.median(times_s)), rows


def _take(folder: Path, number: int) -> None:
    scene, shot, take = str(number % 40), "ABCDE"[number // 40 % 5], number // 200 + 1
    facts = {
        "rate_hz": str(RATE_HZ),
        "begun_ns": str(10**18 + number * 10**11),
        "slate_project": "Robin",
        "slate_scene": scene,
        "slate_shot": shot,
        "slate_take": str(take),
    }
    path = folder / f"{stem('Robin', scene, shot, take)}.mcap"
    writer = TakeWriter(path, facts, "[stage]\n", 0)
    writer._sheet.syncs = False  # nothing here is worth waiting for a disk
    writer.add(encode_skeletons([PERFORMER]), 0, 0, 1)
    encoder, tally = FrameEncoder(7), Tally(0)
    for tick in range(FRAMES):
        subject = Subject("ann" if number % 3 else "ben", PERFORMER, Pose.rest(PERFORMER))
        message = encoder.encode(Frame(tick, 0, tick, 30, 1, "10:00:00:00", [subject]))
        tally.frame(seen(message))
        writer.add(message, tick, tick, 1)
    writer.finish(as_text(tally.summary(RATE_HZ)))
    if number % 20 == 12:
        note(path, {"circled": True, "notes": "her hand shakes at the end"})
