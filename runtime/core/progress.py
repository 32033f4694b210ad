"""How far a long piece of work is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
LINE_EVERY_S = 10.0


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
