"""Real-time priority: had where it may be, given back, and never at the price of the process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap

import pytest

from understudy.runtime.core.realtime import steady

linux = pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="Linux schedules so")


def test_garbage_waits_and_everything_is_given_back():
    with steady(realtime=False) as priority:
        assert priority == "normal" and not gc.isenabled()
    assert gc.isenabled() and gc.get_freeze_count() == 0


@linux
def test_what_was_said_was_had():
    before = os.sched_getscheduler(0)
    with steady(realtime=True, priority=3) as priority:
        policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        assert (policy == os.SCHED_FIFO) == (priority == "real-time")
        if priority == "real-time":
            assert os.sched_getparam(0).sched_priority == 3
    assert os.sched_getscheduler(0) == before


@linux
@pytest.mark.parametrize("limit", [None, 0])
def test_the_wires_threads_get_it_too_and_a_refusal_ends_nothing(limit):
    """libzmq ends the process where the system refuses: so it must not be asked then."""
    code = f"""
        import os, resource
        from pathlib import Path
        import zmq
        from understudy.runtime.core.realtime import steady_wire

        if {limit!r} is not None:
            resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
        steady_wire(True, priority=4)
        one, other = (zmq.Context.instance().socket(zmq.PAIR) for _ in range(2))
        one.bind("tcp://127.0.0.1:*")
        other.connect(one.getsockopt_string(zmq.LAST_ENDPOINT))
        other.send(b"")
        one.recv()  # the thread that carried it has begun, and asked for its priority
        tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
        ours = os.sched_getscheduler(0)
        others = {{os.sched_getscheduler(task) for task in tasks if task != os.getpid()}}
        print(ours == os.SCHED_OTHER, os.SCHED_FIFO in others)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    ours, others = done.stdout.split()
    assert ours == "True"  # only those threads, not the program itself
    if limit == 0:
        assert others == "False"
    elif may_be_realtime():
        assert others == "True"


def may_be_realtime() -> bool:
    with steady(realtime=True) as priority:
        return priority == "real-time"
