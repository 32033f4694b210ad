"""What keeps a loop on time: real-time priority, and garbage collection out of its way."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator

import zmq


@contextlib.contextmanager
def prompt(realtime: bool, priority: int = 10) -> Iterator[str]:
    """Real-time priority of this thread where the system allows it.

    priority is 1 to 99: of two that want to run the higher one does. Yields what was had:
    "real-time" or "normal".
    """
    had = "normal"
    if realtime and hasattr(os, "sched_setscheduler"):
        # A refusal is the usual case for a plain user and no fault: `understudy doctor` tells.
        with contextlib.suppress(OSError):
            # Threads and processes that start later are not to inherit it.
            policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_param(priority))
            had = "real-time"
    try:
        yield had
    finally:
        if had == "real-time":
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def steady(realtime: bool, priority: int = 10) -> Iterator[str]:
    """The same, and no garbage collection inside a tick."""
    with prompt(realtime, priority) as had:
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            yield had
        finally:
            gc.enable()
            gc.unfreeze()


def steady_wire(realtime: bool, priority: int = 9) -> None:
    """Real-time priority for ZeroMQ's own threads, where the system allows it.

    They carry the bytes: a loop on time is no use while its frames wait for a core. To be called
    before the process's first socket; later it changes nothing.
    """
    if not realtime or not hasattr(os, "sched_setscheduler"):
        return
    # libzmq aborts the process where it is refused, so the right to it is tried first.
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        return
    os.sched_setscheduler(0, *before)
    context: zmq.Context = zmq.Context.instance()
    context.set(zmq.THREAD_SCHED_POLICY, os.SCHED_FIFO)
    context.set(zmq.THREAD_PRIORITY, priority)
