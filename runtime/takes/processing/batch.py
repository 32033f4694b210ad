"""Whole shoots: every file of a folder, over the cores of this machine or of a Ray cluster.

What is done is kept beside the output, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure, UnderstudyError

from .job import SUFFIXES, Done, Wanted, before, process

Task = tuple[Path, str, Path, Wanted]
Tell = Callable[[Done, int, int], None]


def files(folder: Path) -> list[tuple[Path, str]]:
    """Takes and BVH files below a folder, or the one file, and the name of what comes of each.

    A BVH that was made of a take beside it is left out: the take has more.
    """
    if folder.is_file():
        if folder.suffix.lower() not in SUFFIXES:
            raise UnderstudyError(f"{folder} is neither a take (.mcap) nor a BVH file.")
        return [(folder, folder.stem)]
    if not folder.is_dir():
        raise UnderstudyError(f"There is no folder {folder}.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    takes = {p.with_suffix("") for p in found if p.suffix.lower() == ".mcap"}
    found = [
        p
        for p in found
        if p.suffix.lower() == ".mcap"
        or not any(p.parent == t.parent and f"{p.stem}-".startswith(f"{t.name}-") for t in takes)
    ]
    names: set[str] = set()
    out = []
    for path in found:
        name = str(path.relative_to(folder).with_suffix(""))
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = f"{name}-{number}"
        names.add(unique)
        out.append((path, unique))
    if not out:
        raise UnderstudyError(f"{folder} holds no take (.mcap) and no BVH file.")
    return out


def run(
    found: list[tuple[Path, str]],
    out: Path,
    wanted: Wanted,
    jobs: int | None = None,
    ray: str | None = None,
    tell: Tell = lambda done, number, total: None,
) -> list[Done]:
    """Does what is not done yet, and gives what came of every file, in their order."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnderstudyError(f"{out} cannot be written to ({error.strerror}).") from None
    results: dict[str, Done] = {}
    todo: list[Task] = []
    for path, name in found:
        if (done := before(path, name, out, wanted)) is not None:
            results[name] = done
            tell(done, len(results), len(found))
        else:
            todo.append((path.resolve(), name, out.resolve(), wanted))
    workers = _on_ray(todo, ray) if ray is not None else _here(todo, jobs)
    for name, done in workers:
        results[name] = done
        tell(done, len(results), len(found))
    return [results[name] for _, name in found]


def _here(todo: list[Task], jobs: int | None) -> Iterator[tuple[str, Done]]:
    count = min(jobs or os.cpu_count() or 1, len(todo))
    if count <= 1:
        for task in todo:
            yield task[1], process(*task)
        return
    # Networks hold threads and locks that a fork would copy.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(process, *task): task for task in todo}
        for future in as_completed(waiting):
            task = waiting[future]
            try:
                yield task[1], future.result()
            except Exception as error:  # a worker that was killed costs its own file
                yield task[1], Done(str(task[0]), "", error=_died(error))


def _on_ray(todo: list[Task], address: str) -> Iterator[tuple[str, Done]]:
    try:
        import ray
    except ImportError:
        raise Failure(distribution.lacking("ray")) from None
    try:
        ray.init(address or None, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise Failure(f"The Ray cluster at {address!r} cannot be reached: {error}") from None
    try:
        remote = ray.remote(num_cpus=1, max_retries=2)(process)
        waiting = {remote.remote(*task): task for task in todo}
        while waiting:
            ready, _ = ray.wait(list(waiting))
            task = waiting.pop(ready[0])
            try:
                yield task[1], ray.get(ready[0])
            except ray.exceptions.RayError as error:
                yield task[1], Done(str(task[0]), "", error=_died(error))
    finally:
        ray.shutdown()


def _died(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"The worker ended in the middle of it ({type(error).__name__}: {first})."
