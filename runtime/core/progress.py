"""How far a long piece of work is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
LINE_EVERY_S = 10.0
LARGE_BYTES = 8 << 20
Progress = Callable[[int, int], None]  # how much of how much is done


def told(
    items: Iterable[Item],
    total: int,
    label: str,
    done: int = 0,
    detail: Callable[[], str] = str,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Item]:
    """The items, of `total`, `done` of which were done before; detail says how it goes."""
    if sys.stdout.isatty():
        yield from _bar(items, total, label, done, detail)
        return
    began_s = shown_s = now()
    first = done
    print(f"{label}: {done} of {total}", flush=True)
    for item in items:
        yield item
        done += 1
        now_s = now()
        if now_s - shown_s >= LINE_EVERY_S or done == total:
            shown_s = now_s
            left_s = (total - done) * (now_s - began_s) / (done - first)
            words = " ".join(filter(None, (f"{label}: {done} of {total}", detail())))
            print(f"{words}, {left_s:.0f} s left", flush=True)


def _bar(
    items: Iterable[Item], total: int, label: str, done: int, detail: Callable[[], str]
) -> Iterator[Item]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = ("{task.description}", "{task.completed}/{task.total}", "{task.fields[detail]}")
    what, count, how = map(TextColumn, columns)
    with Progress(what, BarColumn(), count, how, TimeRemainingColumn()) as bar:
        task = bar.add_task(label, total=total, completed=done, detail="")
        for item in items:
            yield item
            bar.update(task, advance=1, detail=detail())


@contextmanager
def loading(path: Path) -> Iterator[Callable[[str], Progress | None]]:
    """Bars on a terminal, on standard error, while a large file is made ready.

    Gives a function: from what is being done to the bar that is told how far it is; None where
    there is no terminal or the file is small.
    """
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LARGE_BYTES:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:

        def bar(label: str) -> Progress:
            task = bars.add_task(f"{label} {path.name}")
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield bar
