"""The viewport: a subscriber that draws. `frame` is one picture, each line a stage of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.runtime.core import pose
from understudy.runtime.core.clock import Histogram
from understudy.runtime.core.pose import Frame
from understudy.runtime.performer.control.layout import ACTIONS

from . import gl
from .camera import Camera, Rig, look_through
from .capture import Movie, Sheet, Stills
from .feed import Feed
from .focus import focus_of
from .hud import Board
from .overlay import STATE_COLOUR
from .player import PlayerPad
from .renderer import Options, Renderer
from .share import SharedCamera
from .sliders import StyleSliders
from .window import Window

KIND_NAME = {"third": "third person", "first": "first person", "orbit": "orbit", "fixed": "fixed"}
HINTS = (
    "1-5 camera   drag, wheel turn, zoom   Tab subject   O contact shading   K bones   "
    "T path   F feet   L names   H figures   Esc quit\n"
    "WASD go   Shift run   Ctrl strafe   Space jump   "
    + "   ".join(f"Alt+{b[-1]} {does}" for b, does in ACTIONS.items() if b != "jump")
)
# With nothing new to show, a picture this often keeps notices and cameras alive.
IDLE_S = 0.1
MAKING_S = 0.4


@dataclass
class Viewer:
    """What one viewport process owns, wired together by the command."""

    renderer: Renderer
    feed: Feed
    options: Options
    rig: Rig
    camera: Camera
    window: Window | None = None
    pad: PlayerPad | None = None
    style: StyleSliders | None = None
    share: SharedCamera | None = None
    outputs: list[Movie | Stills] = field(default_factory=list)
    sheet: Sheet | None = None
    fps_limit: float = 60.0
    read_back: bool = False
    running: bool = True
    lead: int = 0
    lead_camera: int = 0
    draw_time: Histogram = field(default_factory=Histogram)
    pictures: int = 0
    _start_s: float = field(default_factory=time.monotonic)
    _last_s: float = 0.0
    _recent_s: float = 0.0
    _film_s: float = 0.0

    def frame(self) -> None:
        """One picture: sense, receive, follow, draw, present, keep."""
        self.sense()
        frame = self.wait_for_frame()
        dt_s = self.follow()
        before_ns = time.monotonic_ns()
        self.renderer.draw(frame, self.camera, self.options, self.board(dt_s))
        pixels = self.present()
        self.feed.presented(settled=self.renderer.cast.waiting == 0)
        self.draw_time.add_ns(time.monotonic_ns() - before_ns)
        self.keep(pixels)
        self.pictures += 1

    def run(self, seconds: float | None = None, pictures: int | None = None) -> None:
        """Draws until told to stop, by time, count, window or signal."""
        # The first picture compiles shaders: better before a frame is waiting for it.
        self.renderer.draw(None, self.camera, self.options, Board("understudy"))
        self.renderer.ctx.finish()
        self._start_s = time.monotonic()
        while self.running:
            if seconds is not None and time.monotonic() - self._start_s >= seconds:
                break
            if pictures is not None and self.pictures >= pictures:
                break
            self.frame()

    def sense(self) -> None:
        """Keys and mouse, and the player's pad on its way before anything is drawn."""
        if self.window is None:
            return
        self.window.poll()
        keys, drag, scroll = self.window.taken()
        if self.renderer.holds_mouse:
            drag, scroll = (0.0, 0.0), 0.0
        if any(drag):
            self.rig.drag(*drag)
        if scroll:
            self.rig.zoom(scroll)
        for key in keys:
            self.press(key)
        if self.window.wants_to_close:
            self.running = False
        size = self.window.size
        if min(size) >= 16 and size != (self.renderer.width, self.renderer.height):
            self.renderer.resize(*size)
        if self.pad is not None:
            self.pad.send(self.camera.heading_rad)
            self.rig.turns = self.pad.moved
        if self.style is not None:
            self.style.send()

    def press(self, key: int) -> None:
        """A key of the window."""
        assert self.window is not None
        glfw, options = self.window.glfw, self.options
        alt = self.window.holds(glfw.KEY_LEFT_ALT) or self.window.holds(glfw.KEY_RIGHT_ALT)
        switches = {"O": "effect", "K": "skeleton", "T": "trajectory", "F": "contacts",
                    "L": "labels", "H": "hud", "E": "image_effect"}  # fmt: skip
        name = chr(key) if 32 <= key < 127 else ""
        if name in switches:
            setattr(options, switches[name], not getattr(options, switches[name]))
        elif name in "12345" and name and not alt:
            kind = Rig.KINDS[int(name) - 1]
            self.lead_camera += kind == self.rig.kind == "stage"
            self.rig.kind = kind
        elif key == glfw.KEY_TAB:
            self.lead += 1
        elif key == glfw.KEY_ESCAPE:
            self.running = False

    def wait_for_frame(self) -> Frame | None:
        """The newest frame; waits for a new one, but not so long that the window seems dead."""
        # A mannequin in the making needs the interpreter more than the picture does.
        making = self.renderer.cast.waiting > 0
        due_s = self._last_s + (MAKING_S if making else 1.0 / self.fps_limit)
        early_s = due_s - time.monotonic()
        if early_s > 0.001:
            time.sleep(
                early_s
            )  # frames that come meanwhile are passed over: only the newest counts
        frame = self.feed.newest()
        if not self.feed.is_new:
            frame = self.feed.newest(IDLE_S)
        return frame

    def follow(self) -> float:
        """Moves the camera; returns the seconds since the last picture."""
        now_s = time.monotonic()
        dt_s = min(0.25, now_s - self._last_s) if self._last_s else 1.0 / 60.0
        self._last_s = now_s
        self._recent_s += 0.08 * (dt_s - self._recent_s)
        frame = self.feed.frame
        focus = focus_of(frame, self.lead) if frame is not None else None
        if focus is not None and frame is not None:
            self.rig.follow(self.camera, focus, dt_s)
            lead = frame.subjects[self.lead % len(frame.subjects)].name
            self.options.hidden = lead if self.rig.kind == "first" else None
        if self.rig.kind == "stage" and (seen := self.stage_camera) is not None:
            look_through(self.camera, seen)
        elif self.share is not None:  # a stage's camera is not ours to show
            self.share.send(self.camera)
        return dt_s

    @property
    def stage_camera(self) -> pose.Camera | None:
        """The camera of the stage that key 5 looks through."""
        cameras = self.feed.frame.cameras if self.feed.frame is not None else []
        return cameras[self.lead_camera % len(cameras)] if cameras else None

    def present(self) -> np.ndarray | None:
        """Shows the picture in the window, or brings it to memory."""
        if self.window is not None:
            self.window.show(self.renderer.ctx, self.renderer.target)
        if self.outputs or self.sheet is not None or self.read_back:
            return self.renderer.read()
        if self.window is None:
            self.renderer.ctx.finish()
        return None

    def keep(self, pixels: np.ndarray | None) -> None:
        """Hands the picture to whoever writes it; a film begins with the first frame."""
        if pixels is None or self.feed.frame is None:
            return
        self._film_s = self._film_s or time.monotonic()
        time_s = time.monotonic() - self._film_s
        for output in self.outputs:
            output.add(pixels, time_s)
        if self.sheet is not None:
            self.sheet.add(pixels, time_s)

    def board(self, dt_s: float) -> Board:
        """What the HUD says now."""
        feed, frame = self.feed, self.feed.frame
        notice = feed.notice()
        board = Board("understudy", STATE_COLOUR[3 if notice else 0], notice=notice)  # type: ignore[index]
        rows = board.rows
        if frame is not None:
            nominal = frame.rate_num / max(1, frame.rate_den)
            rows.append(("stage", f"{feed.rate_hz or nominal:.1f} Hz"))
            for key, name in (("late", "late ticks"), ("skipped", "skipped ticks")):
                if key in frame.stats:
                    rows.append((name, f"{frame.stats[key]:.0f}"))
            if "tick_ms" in frame.stats:
                rows.append(("tick", f"{frame.stats['tick_ms']:.2f} ms"))
            if frame.timecode:
                rows.append(("timecode", frame.timecode))
            rows.append(("", ""))
            rows.append(("latency, ms", "p50     p99"))
            for name, histogram in (
                ("publish to receive", feed.publish_to_receive),
                ("publish to picture", feed.publish_to_present),
                ("intent to picture", feed.capture_to_present),
            ):
                if len(histogram):
                    p50, p99 = histogram.percentile_ms(50), histogram.percentile_ms(99)
                    rows.append((name, f"{p50:5.1f}  {p99:6.1f}"))
            rows.append(("", ""))
        rate = 1.0 / self._recent_s if self._recent_s > 1e-4 else 0.0
        rows.append(("picture", f"{rate:.0f} fps"))
        contact = "off"
        if self.renderer.contact is None:
            contact = "not there"
        elif self.options.effect:
            contact = "on"
        rows.append(("contact shading", contact))
        if self.renderer.cast.waiting:
            board.notice = board.notice or "Making the mannequin"
        if self.window is not None:
            board.hints = HINTS
            if self.pad is not None:
                device = self.pad.device if self.pad.heard else "no stage listens"
                rows.append(("pad", "refused" if self.pad.refusal else device))
                board.notice = board.notice or self.pad.refusal
        if self.style is not None:
            lead = frame.subjects[self.lead % len(frame.subjects)] if frame else None
            board.sliders = self.style.follow(lead if self.options.hud else None)
        board.caption = KIND_NAME.get(self.rig.kind, "no camera on stage")
        if self.rig.kind == "stage" and (seen := self.stage_camera) is not None:
            board.caption = f"camera {seen.name}, {seen.focal_mm:.0f} mm"
        return board

    def figures(self) -> dict[str, Any]:
        """What was drawn and how long it took, for `--stats`."""
        seconds = max(1e-6, time.monotonic() - self._start_s)
        return {
            "frames": self.feed.shown,
            "pictures": self.pictures,
            "seconds": round(seconds, 3),
            "rate_hz": round(self.feed.shown / seconds, 2),
            "size": [self.renderer.width, self.renderer.height],
            "renderer": gl.renderer_name(self.renderer.ctx),
            "effect": self.options.effect and self.renderer.contact is not None,
            "draw_ms": self.draw_time.summary_ms(),
            "dropped": sum(output.dropped for output in self.outputs),
            **self.feed.figures(),
        }

    def close(self) -> None:
        """Ends files first, so that they are whole whatever follows."""
        with contextlib.ExitStack() as stack:
            if self.window is not None:
                stack.callback(self.window.close)
            stack.callback(self.renderer.close)
            stack.callback(self.feed.close)
            if self.pad is not None:
                stack.callback(self.pad.close)
            if self.style is not None:
                stack.callback(self.style.close)
            if self.share is not None:
                stack.callback(self.share.close)
            if self.sheet is not None:
                stack.callback(self.sheet.close)
            for output in self.outputs:
                stack.callback(output.close)
