"""The viewport on a stream: newest frame, silence, restarts, files, signals, a window."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from understudy.bridge import ControlServer, Publisher
from understudy.runtime.core import pose
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport import keymap
from understudy.runtime.viewport.camera import Camera, Rig
from understudy.runtime.viewport.feed import Feed
from understudy.runtime.viewport.focus import focus_of
from understudy.runtime.viewport.player import PlayerPad
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.share import SharedCamera
from understudy.runtime.viewport.viewer import Viewer

from .conftest import frame_of, standing

PATIENCE_S = 60.0


def until(what: Callable[[], object], patience_s: float = PATIENCE_S) -> object:
    """Waits for something to come true; fails when it has not within the patience."""
    deadline = time.monotonic() + patience_s
    pause = threading.Event()
    while time.monotonic() < deadline:
        if found := what():
            return found
        pause.wait(0.01)
    raise AssertionError(f"did not happen within {patience_s:g} s")


class Stage:
    """Publishes a standing performer from a thread, as fast as 60 Hz."""

    def __init__(self, address: str = "tcp://127.0.0.1:*", start: int = 0) -> None:
        self.publisher = Publisher(address)
        self.address = self.publisher.address
        self._numbers = itertools.count(start)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(1 / 60):
            self.publish()

    def publish(self) -> None:
        frame = frame_of(standing())
        frame.sequence = next(self._numbers)
        frame.capture_ns = frame.publish_ns = time.monotonic_ns()
        self.publisher.publish(frame)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.publisher.close()


def _stage_on(address: str) -> Stage | None:
    """A stage on an address that another has just left, once the system gives it free."""
    try:
        return Stage(address, start=0)
    except UnderstudyError:
        return None


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def command(*words: object, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", "viewport", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    )


def test_the_feed_gives_the_newest_and_says_when_it_is_silent(stage: Stage) -> None:
    feed = Feed(stage.address)
    assert feed.notice() == "" or "Waiting" in feed.notice()
    until(lambda: feed.newest(0.1))
    assert feed.is_new and feed.notice() == ""
    feed.presented()
    assert not feed.is_new
    assert len(feed.publish_to_present) == len(feed.publish_to_receive) == 1
    feed._heard_ns -= 5_000_000_000
    assert feed.notice().startswith("No signal for 5.")
    feed.close()


def test_the_feed_goes_on_when_the_stage_starts_anew() -> None:
    first = Stage(start=1000)
    feed = Feed(first.address)
    until(lambda: feed.newest(0.1))
    address = first.address
    first.close()
    second = until(lambda: _stage_on(address))
    assert isinstance(second, Stage)
    until(lambda: (frame := feed.newest(0.1)) is not None and frame.sequence < 1000)
    second.close()
    feed.close()


def test_a_picture_is_one_frame_of_the_stream(renderer: Renderer, stage: Stage) -> None:
    feed = Feed(stage.address)
    viewer = Viewer(renderer, feed, Options(hud=True, labels=True), Rig(), Camera())
    until(lambda: (viewer.frame(), feed.shown)[1] >= 2)
    figures = viewer.figures()
    assert figures["frames"] == feed.shown and figures["renderer"]
    for name in ("publish_to_receive_ms", "publish_to_present_ms", "capture_to_present_ms"):
        assert set(figures[name]) == {"p50", "p99", "max"}
    assert figures["publish_to_present_ms"]["p50"] >= figures["publish_to_receive_ms"]["p50"]
    json.dumps(figures)
    feed.close()


def test_without_a_stage_the_viewport_waits_and_draws(renderer: Renderer) -> None:
    feed = Feed("tcp://127.0.0.1:9")
    viewer = Viewer(renderer, feed, Options(hud=True), Rig(), Camera())
    feed._opened_ns -= 3_000_000_000
    viewer.run(pictures=2)
    assert viewer.pictures == 2
    assert viewer.board(0.1).notice == "Waiting for a stage on tcp://127.0.0.1:9"
    feed.close()


def test_files_of_a_run(stage: Stage, tmp_path: Path, renderer: Renderer) -> None:
    out, movie, stats = tmp_path / "frames", tmp_path / "m.mp4", tmp_path / "s.json"
    sheet = tmp_path / "sheet.png"
    child = command("--connect", stage.address, "--headless", "--out", out, "--movie", movie,
                    "--size", "128x96", "--frames", 12, "--stats", stats,
                    "--contact-sheet", sheet)  # fmt: skip
    said, wrong = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, wrong
    figures = json.loads(stats.read_text())
    assert figures["pictures"] == 12 and figures["frames"] >= 1
    files = sorted(out.iterdir())
    assert files and Image.open(files[0]).size == (128, 96)
    with av.open(str(movie)) as file:
        assert len(list(file.decode(video=0))) >= 1
    assert Image.open(sheet).width > 100
    assert figures["renderer"] in said  # which renderer it was is always told
    assert not [p for p in tmp_path.rglob(".*")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_leaves_whole_files(
    stage: Stage, tmp_path: Path, renderer: Renderer, number: signal.Signals
) -> None:
    out, movie = tmp_path / "frames", tmp_path / "m.mp4"
    child = command("--connect", stage.address, "--headless", "--out", out, "--movie", movie,
                    "--size", "96x64")  # fmt: skip
    until(lambda: out.is_dir() and len(list(out.glob("frame_*.png"))) >= 3)
    child.send_signal(number)
    _, wrong = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 128 + number, wrong
    assert "Traceback" not in wrong
    with av.open(str(movie)) as file:
        assert len(list(file.decode(video=0))) >= 1
    for path in out.iterdir():
        assert Image.open(path).size == (96, 64)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--headless"], "--out DIR"),
        (["--headless", "--discard", "--size", "huge"], "WIDTHxHEIGHT"),
        (["--headless", "--discard", "--connect", "nowhere"], "address"),
        (["--headless", "--discard", "--fps", "0"], "--fps"),
        (["--headless", "--discard", "--fixed-at", "1,2"], "--fixed-at"),
        (["--headless", "--movie", "x.avi"], ".mp4"),
        ([], "--headless --out DIR"),  # there is no display
    ],
)
def test_wrong_input_is_one_sentence(
    tmp_path: Path, renderer: Renderer, words: list[str], says: str
) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    child = command(*words, cwd=tmp_path, env=env)
    _, wrong = child.communicate(timeout=PATIENCE_S)
    lines = wrong.strip().splitlines()
    assert child.returncode == (2 if words else 1)
    assert len(lines) == 1 and says in lines[0], wrong
    assert list(tmp_path.iterdir()) == []


def test_no_gl_is_a_sentence(tmp_path: Path) -> None:
    env = {**os.environ, "GLCONTEXT_GL": "/no/libGL.so", "GLCONTEXT_EGL": "/no/libEGL.so",
           "__EGL_VENDOR_LIBRARY_FILENAMES": "/no/vendor.json", "LIBGL_DRIVERS_PATH": "/no",
           "GLCONTEXT_DEVICE_INDEX": "99"}  # fmt: skip
    child = command("--headless", "--discard", "--frames", 1, env=env)
    _, wrong = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 1, wrong
    assert "EGL" in wrong and "apt-get install" in wrong and "Traceback" not in wrong


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="no xvfb-run for a window")
def test_a_window_opens_draws_and_closes(stage: Stage, tmp_path: Path, renderer: Renderer) -> None:
    movie, stats = tmp_path / "m.mp4", tmp_path / "s.json"
    words = ["viewport", "--connect", stage.address, "--size", "160x120", "--frames", "8",
             "--movie", movie, "--stats", stats]  # fmt: skip
    run = [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)]
    done = subprocess.run(
        ["xvfb-run", "-a", *run], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(stats.read_text())["pictures"] == 8
    with av.open(str(movie)) as file:
        pictures = [f.to_ndarray(format="gray") for f in file.decode(video=0)]
    assert pictures and pictures[-1].std() > 5.0


class FakeWindow:
    """A window of which certain keys are held."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.handle = None
        names = {
            "KEY_LEFT_ALT": 342,
            "KEY_RIGHT_ALT": 346,
            "KEY_TAB": 258,
            "KEY_ESCAPE": 256,
            "KEY_HOME": 268,
            "KEY_END": 269,
            "KEY_F7": 296,
            "KEY_F8": 297,
            "KEY_F11": 300,
            "KEY_F12": 301,
            "KEY_LEFT_CONTROL": 341,
            "KEY_RIGHT_CONTROL": 345,
            "KEY_P": ord("P"),
        }
        self.glfw = SimpleNamespace(**names, PRESS=1, get_mouse_button=lambda *_: 0)

    def holds(self, key: int) -> bool:
        return key in self.held


def test_the_pad_reaches_the_stage_with_the_cameras_heading() -> None:
    window = FakeWindow()
    with ControlServer("tcp://127.0.0.1:*") as server, \
            PlayerPad(server.address, window) as pad:  # type: ignore[arg-type]  # fmt: skip
        window.held = {ord("W"), 340}  # Shift: run
        got: list = []

        def sent() -> bool:
            pad.send(0.75)
            got.extend(server.poll())
            return bool(got) and got[-1].left_stick[1] > 0.9

        until(sent)
    assert got[-1].camera_heading_rad == pytest.approx(0.75)
    assert "run" in got[-1].buttons
    assert pad.heard and pad.moved


def test_plain_digits_choose_the_camera_and_alt_digits_act() -> None:
    window = FakeWindow()
    with PlayerPad("tcp://127.0.0.1:9", window) as pad:  # type: ignore[arg-type]
        window.held = {ord("1")}
        assert "action1" not in pad._keyboard.read().buttons
        window.held = {ord("1"), 342}
        assert "action1" in pad._keyboard.read().buttons


def test_every_command_can_be_searched_for_and_a_screenshot_is_the_picture(
    renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    feed = Feed("tcp://127.0.0.1:9")
    window = FakeWindow()
    viewer = Viewer(renderer, feed, Options(), Rig(), Camera(), window=window)  # type: ignore[arg-type]
    commands = {one.name: one for one in viewer.commands()}
    assert {"screenshot", "bones", "camera: orbit", "set: street", "sun: evening"} <= set(commands)
    commands["bones"].do()
    commands["sun: evening"].do()
    assert viewer.options.skeleton and viewer.lighting.sun == "evening" and viewer.lighting.moved
    renderer.draw(frame_of(standing()), viewer.camera, Options())
    for _ in range(2):
        commands["screenshot"].do()
    first, second = sorted(tmp_path.iterdir())
    with Image.open(first) as one, Image.open(second) as two:
        assert np.array_equal(np.asarray(one), renderer.read()) and one.size == two.size
    assert str(first) in " ".join(viewer.files.notes)
    feed.close()


def test_keys_of_the_window(renderer: Renderer) -> None:
    feed = Feed("tcp://127.0.0.1:9")
    window = FakeWindow()
    viewer = Viewer(renderer, feed, Options(), Rig(), Camera(), window=window)  # type: ignore[arg-type]
    for key, kind in zip("12345", Rig.KINDS, strict=True):
        viewer.press(ord(key))
        assert viewer.rig.kind == kind
    for key, option in (("O", "effect"), ("K", "skeleton"), ("H", "hud"), ("L", "labels")):
        before = getattr(viewer.options, option)
        viewer.press(ord(key))
        assert getattr(viewer.options, option) != before
    feed.frame = frame_of(standing(-20.0, "a"), standing(20.0, "b"))
    for key, scope, far in (("0", "all", True), ("9", "one", False)):
        viewer.press(ord(key))
        viewer.follow()
        assert viewer.rig.scope == scope and (viewer.rig.distance_m > 15.0) == far
    viewer.press(window.glfw.KEY_HOME)
    assert viewer.rig.scope == "all" and "everybody" in viewer.board(0.1).caption
    viewer.press(window.glfw.KEY_TAB)
    assert viewer.rig.scope == "near"
    viewer.press(window.glfw.KEY_END)
    focus = focus_of(feed.frame, viewer.lead, viewer.rig.scope)
    assert focus is not None
    viewer.rig.follow(viewer.camera, focus, 10.0)
    assert viewer.camera.target[0] == pytest.approx(20.0, abs=0.5)
    viewer.press(ord("V"))
    viewer.press(window.glfw.KEY_F7)
    viewer.press(window.glfw.KEY_F8)
    assert viewer.options.lens and viewer.options.shutter_deg == 180.0
    assert viewer.options.antialias == "taa"
    viewer.follow()
    assert viewer.camera.focus_m > 0.0 and ("lens" in dict(viewer.board(0.1).rows))
    viewer.press(window.glfw.KEY_F7)
    assert viewer.options.shutter_deg == 0.0
    viewer.press(window.glfw.KEY_ESCAPE)
    assert not viewer.running
    feed.close()


def test_first_person_hides_the_body_it_looks_out_of(renderer: Renderer, stage: Stage) -> None:
    feed = Feed(stage.address)
    viewer = Viewer(renderer, feed, Options(), Rig(kind="first"), Camera())
    until(lambda: (viewer.frame(), feed.shown)[1] >= 1)
    assert viewer.options.hidden == "hero"
    assert np.isfinite(viewer.camera.position).all()
    feed.close()


def test_key_5_looks_through_the_stages_cameras_one_after_another(renderer: Renderer) -> None:
    feed = Feed("tcp://127.0.0.1:9")
    window = FakeWindow()
    viewer = Viewer(renderer, feed, Options(), Rig(), Camera(), window=window)  # type: ignore[arg-type]
    frame = frame_of(standing())
    level = np.array([0.0, 0.0, 0.0, 1.0])
    frame.cameras = [
        pose.Camera("A", np.array([0.0, 1.5, 4.0]), level, 50.0),
        pose.Camera("B", np.array([2.0, 1.0, 3.0]), level, 24.0),
    ]
    feed.frame = frame
    for caption, x in (
        ("camera A, 50 mm", 0.0),
        ("camera B, 24 mm", 2.0),
        ("camera A, 50 mm", 0.0),
    ):
        viewer.press(ord("5"))
        viewer.follow()
        assert viewer.board(0.1).caption == caption
        assert viewer.camera.position[0] == x
    frame.cameras = []
    viewer.follow()
    assert viewer.board(0.1).caption == "no camera on stage"
    assert viewer.camera.position[0] == 0.0
    feed.close()


def test_the_shared_camera_is_not_in_its_own_picture_however_it_moves(renderer: Renderer) -> None:
    feed = Feed("tcp://127.0.0.1:9")
    share = SharedCamera("A", "tcp://127.0.0.1:9")
    viewer = Viewer(renderer, feed, Options(), Rig(), Camera(), share=share)
    level, far = np.array([0.0, 0.0, 0.0, 1.0]), np.array([5.0, 1.0, 5.0])
    frame = feed.frame = frame_of(standing())
    for names, heard, own in (
        (["A"], True, {"A"}),
        (["A"], False, set()),  # nobody has taken ours: that one is another's
        (["A", "B", "A-2"], True, {"A-2"}),  # the name was taken: the stage gave ours a number
        (["AB", "B"], True, set()),
    ):
        frame.cameras = [pose.Camera(name, far, level, 35.0) for name in names]
        share.send = lambda _camera, _lens, heard=heard: setattr(share, "heard", heard)  # type: ignore
        viewer.follow()
        viewer.follow()
        assert viewer.options.hidden_cameras == own
    # Key 5 looks through the others' cameras, never through the one that shows this picture.
    frame.cameras = [pose.Camera("A", far, level, 35.0)]
    share.heard, viewer.rig.kind = True, "stage"
    assert viewer.stage_camera is None and viewer.board(0.1).caption == "no camera on stage"
    feed.close()
    share.close()


def test_every_key_of_the_window_is_in_the_docs_and_the_help() -> None:
    table = (Path(__file__).parents[3] / "docs" / "viewport.md").read_text()
    said = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", "play", "--help"],
        capture_output=True, text=True, timeout=PATIENCE_S,
    ).stdout  # fmt: skip
    for key, does in keymap.KEYS:
        assert f"{key} {does}" in " ".join(said.split()), key
    for key in ("Home or 0", "End or 9", "Tab", "P", "O", "E", "Esc"):
        assert f"| {key} |" in table, key
