"""What is done otherwise on Windows and macOS, driven here with the platform's name changed.

The module under test alone sees another `sys.platform`: libraries load by it, and would not here.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from understudy.runtime.cli import main as command
from understudy.runtime.core import processes
from understudy.runtime.doctor import checks
from understudy.runtime.viewport.mesh import store


def on(platform: str) -> SimpleNamespace:
    """A `sys` for a module that is to believe it runs elsewhere."""
    return SimpleNamespace(**{**vars(sys), "platform": platform})


class Child:
    """A process that only notes what is asked of it."""

    def __init__(self, has_console: bool = True) -> None:
        self.asked: list[object] = []
        self._has_console = has_console

    def poll(self) -> None:
        return None

    def send_signal(self, number: int) -> None:
        if not self._has_console:
            raise OSError(6, "The handle is invalid")
        self.asked.append(number)

    def terminate(self) -> None:
        self.asked.append("terminate")

    def wait(self, timeout: float | None = None) -> int:
        return 0


def test_windows_asks_a_child_by_ctrl_break_since_terminate_would_kill_it(monkeypatch):
    monkeypatch.setattr(processes, "sys", on("win32"))
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    assert processes._apart() == {"creationflags": 0x200}
    asked, alone = Child(), Child(has_console=False)
    processes.end([asked, alone])  # type: ignore[list-item]
    assert asked.asked == [1]
    assert alone.asked == ["terminate"]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_elsewhere_it_is_sigterm_to_a_group_of_its_own(monkeypatch, platform):
    monkeypatch.setattr(processes, "sys", on(platform))
    assert processes._apart() == {"process_group": 0}
    child = Child()
    processes.end([child])  # type: ignore[list-item]
    assert child.asked == ["terminate"]


def test_ctrl_break_ends_in_order_with_the_status_of_sigterm():
    code = """
        import signal
        signal.SIGBREAK = signal.SIGUSR1  # a signal that Linux can raise
        from understudy.runtime.core import signals
        with signals.stopping(lambda: print("stopped")):
            signal.raise_signal(signal.SIGBREAK)
        print(signals.status(0))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["stopped", "143"], done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="orphans are told by their parent's id here")
def test_without_a_word_from_the_kernel_a_child_sees_that_its_parent_died():
    child = """
        import sys, time
        from types import SimpleNamespace
        from understudy.runtime.core import processes, signals
        processes.sys = SimpleNamespace(**{**vars(sys), "platform": "darwin"})
        with signals.stopping(signals.interrupt):
            processes.end_with_parent()
            print("here", flush=True)
            try:
                while True:
                    time.sleep(0.1)
            except KeyboardInterrupt:
                print(signals.received(), flush=True)
    """
    parent = f"""
        import os, subprocess, sys
        child = subprocess.Popen(
            [sys.executable, "-c", {textwrap.dedent(child)!r}],
            env={{**os.environ, "UNDERSTUDY_PARENT": str(os.getpid())}},
        )
        sys.stdin.readline()
        os._exit(9)  # without a word
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(parent)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as killed:  # fmt: skip
        assert killed.stdout is not None and killed.stdin is not None
        assert killed.stdout.readline() == "here\n"
        killed.stdin.write("\n")
        killed.stdin.flush()
        assert (
            killed.stdout.readline() == "SIGTERM\n"
        )  # the orphan's, on the pipe that it inherited


@pytest.mark.parametrize(
    ("platform", "base"),
    [("darwin", "Library/Caches"), ("win32", "Local"), ("linux", ".cache")],
)
def test_meshes_are_cached_where_the_system_wants_it(monkeypatch, tmp_path, platform, base):
    for name in ("UNDERSTUDY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(store, "sys", on(platform))
    assert store.cache_folder() == tmp_path / base / "understudy" / "meshes"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_desktop_is_taken_for_granted(monkeypatch, platform):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(processes, "sys", on(platform))
    assert processes.has_display()


def test_windows_word_for_a_pipe_that_nobody_reads_any_more(monkeypatch):
    closed, wrong = OSError(errno.EINVAL, "Invalid argument"), OSError(errno.EINVAL, "", "a<b")
    assert not command._reader_left(closed)
    monkeypatch.setattr(command, "sys", on("win32"))
    assert command._reader_left(closed)
    assert not command._reader_left(wrong)  # a file's name


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="no xvfb-run for a hidden window")
@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_headless_means_a_hidden_window_where_there_is_no_egl(platform):
    code = f"""
        import sys
        from types import SimpleNamespace
        from understudy.runtime.viewport import gl
        gl.sys = SimpleNamespace(**{{**vars(sys), "platform": {platform!r}}})
        from understudy.runtime.viewport.renderer import Renderer
        with Renderer(32, 16) as renderer:
            print(renderer.ctx.version_code >= 330, type(renderer.ctx.extra).__name__)
    """
    done = subprocess.run(
        ["xvfb-run", "-a", sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "Window"], done.stderr


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_without_a_desktop_the_hidden_window_is_a_sentence(platform):
    code = f"""
        import sys
        from types import SimpleNamespace
        from understudy.runtime.core.errors import Failure
        from understudy.runtime.viewport import gl
        gl.sys = SimpleNamespace(**{{**vars(sys), "platform": {platform!r}}})
        try:
            gl.headless()
        except Failure as error:
            print(error)
    """
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, env=env,
    )  # fmt: skip
    assert done.stdout.startswith("No OpenGL 3.3 in a hidden window ("), done.stderr
    assert "apt-get" not in done.stdout


def test_doctor_tells_of_a_clock_that_is_too_coarse_to_tick_by(monkeypatch):
    """As Windows' is before Python 3.13."""
    assert checks.python().level == checks.OK
    coarse = SimpleNamespace(get_clock_info=lambda _: SimpleNamespace(resolution=0.015625))
    monkeypatch.setattr(checks, "time", coarse)
    found = checks.python()
    assert found.level == checks.LACKING
    assert "15.6 ms" in found.found and "3.13" in found.remedy
