"""Our own programs as child processes: started, watched, ended with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

_PR_SET_PDEATHSIG = 1
_PARENT = "UNDERSTUDY_PARENT"


def start(*words: object, **pipes: Any) -> subprocess.Popen[bytes]:
    """Starts `understudy WORDS` in a process of its own; pipes are Popen's stdin and stdout.

    The child ends when its parent dies, however it dies. Ctrl-C at the terminal reaches the parent
    alone, which ends its children in its own order.
    """
    # The child itself asks to be told. Code that runs in it before it is a program of its own
    # (preexec_fn) makes Python copy the whole parent, which costs a running loop some ticks.
    return subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
        env={**os.environ, _PARENT: str(os.getpid())},
        **_apart(),
        **pipes,
    )


def _apart() -> dict[str, Any]:
    """What puts a child into a group of its own, so that it can be asked to end by a signal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def end_with_parent() -> None:
    """Of a process that `start` made: SIGTERM when its parent dies."""
    parent = os.environ.pop(_PARENT, "")
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if str(os.getppid()) != parent:  # it was quicker
            sys.exit(128 + signal.SIGTERM)
    else:
        threading.Thread(target=_outlive, args=(int(parent),), daemon=True).start()


def _outlive(parent: int) -> None:
    """Where the system does not tell of a parent's death it is looked for once a second."""
    import psutil

    # Windows does not hand orphans on to another parent.
    lives = psutil.pid_exists if sys.platform == "win32" else lambda pid: os.getppid() == pid
    while lives(parent):
        time.sleep(1.0)
    signal.raise_signal(signal.SIGTERM)


def end(children: Iterable[subprocess.Popen[bytes]], patience_s: float = 5.0) -> None:
    """Asks all children to end, then ends those that have not within `patience_s`."""
    alive = [child for child in children if child.poll() is None]
    for child in alive:
        ask(child)
    deadline = time.monotonic() + patience_s
    for child in alive:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def ask(child: subprocess.Popen[bytes]) -> None:
    """Asks a child to end: SIGTERM; on Windows, where that kills at once, Ctrl-Break."""
    if sys.platform == "win32":
        with contextlib.suppress(OSError):  # there is no console to send it through
            child.send_signal(signal.CTRL_BREAK_EVENT)
            return
    child.terminate()


def cause(code: int) -> str:
    """Why a process ended, by its return code: "SIGKILL", "exit status 2"."""
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def has_display() -> bool:
    """Whether a window can be hoped for."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Watch:
    """Restarts a child that dies, but not one that dies at once again and again."""

    def __init__(self, launch: Callable[[], subprocess.Popen[bytes]], limit: int = 3) -> None:
        self._launch = launch
        self._limit = limit
        self._deaths: list[float] = []
        self.child = launch()

    @property
    def exit_code(self) -> int | None:
        return self.child.poll()

    def restart(self) -> bool:
        """Starts the child again; False when it died `limit` times within ten seconds."""
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if now - t < 10.0] + [now]
        if len(self._deaths) >= self._limit:
            return False
        self.child = self._launch()
        return True


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
