"""The viewport: a subscriber that draws. `frame` is one picture, each line a stage of it."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import pose, rotation
from understudy.runtime.core.clock import Histogram
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.palette import STATE_COLOUR
from understudy.runtime.core.pose import Frame, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.particles.effects import NAMES

from . import gl, handheld, picking
from .bookmarks import Bookmark, Glide
from .camera import Camera, Focus, Rig, fov_of_lens, look_through
from .capture import Movie, Sheet, Stills, save_png
from .cast import character_of
from .character_files import CharacterFiles, parse
from .editing import Editor
from .feed import Feed
from .focus import focus_of, focus_point
from .hud import Board
from .keymap import HINTS, KEYS, KIND_NAME, RESETS, SCOPE_NAME
from .labels import short
from .lighting import Lighting
from .look import HOURS, TONES
from .palette import Command, Palette, choices
from .particle_feed import ParticleFeed
from .player import PlayerPad
from .quality import Quality
from .renderer import Options, Renderer
from .sets.scenery import OURS
from .settings import KEPT, Settings, save
from .share import SharedCamera
from .sliders import StyleSliders
from .window import Window

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
    editor: Editor | None = None
    lighting: Lighting = field(default_factory=Lighting)
    palette: Palette = field(default_factory=Palette)
    files: CharacterFiles = field(default_factory=CharacterFiles)
    particles: ParticleFeed = field(default_factory=ParticleFeed)
    quality: Quality = field(default_factory=lambda: Quality("normal"))
    edits: bool = False  # is the panel of sources and subjects open
    outputs: list[Movie | Stills] = field(default_factory=list)
    sheet: Sheet | None = None
    fps_limit: float = 60.0
    read_back: bool = False
    running: bool = True
    shutter_deg: float = 180.0  # of the key's motion blur
    lead: int = 0
    lead_camera: int = 0
    draw_time: Histogram = field(default_factory=Histogram)
    pictures: int = 0
    settings: Settings = field(default_factory=Settings)
    settings_file: Path | None = None  # where they are kept when it ends
    _glide: Glide | None = None
    _still: tuple[Array, Array, Array] | None = None  # the eye, less what a hand moves it
    _start_s: float = field(default_factory=time.monotonic)
    _last_s: float = 0.0
    _recent_s: float = 0.0
    _film_s: float = 0.0
    _told: set[str] = field(default_factory=set)

    def frame(self) -> None:
        """One picture: sense, receive, follow, draw, present, keep, tell."""
        self.sense()
        frame = self.wait_for_frame()
        dt_s = self.follow()
        before_ns = time.monotonic_ns()
        self.renderer.characters = self.files.follow(frame)
        self.renderer.props.tables = self.files.props
        self.lighting.follow(self.renderer, self.options)
        self.particles.sources.rain = self.lighting.rain
        self.particles.sources.cold = self.lighting.cold
        self.particles.follow(self.renderer, frame, self.feed.happened(), self.options)
        self.renderer.draw(frame, self.camera, self.affordable(), self.board(dt_s))
        pixels = self.present()
        self.feed.presented(settled=self.renderer.cast.waiting == 0)
        took_ns = time.monotonic_ns() - before_ns
        self.draw_time.add_ns(took_ns)
        self.keep(pixels)
        self.afford(took_ns)
        self.tell()
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

    def affordable(self) -> Options:
        """What is drawn of what was asked for."""
        if self.quality.level.contact:
            return self.options
        return replace(self.options, effect=False)

    def afford(self, took_ns: int) -> None:
        """Draws finer or coarser from now on, by what the picture took."""
        making = self.renderer.cast.waiting or self.renderer.outfits.making
        if not making and self.quality.note(took_ns / 1e6, time.monotonic()):
            level = self.quality.level
            self.renderer.set_quality(level.scale, level.shadow)

    def sense(self) -> None:
        """Keys and mouse, and the player's pad on its way before anything is drawn."""
        if self.window is None:
            return
        self.window.poll()
        keys, drag, scroll = self.window.taken()
        if self.renderer.holds_mouse:
            drag, scroll = (0.0, 0.0), 0.0
        click = self.window.click()
        if click is not None and not self.renderer.holds_mouse:
            self.pick(click)
        if any(drag):
            self.rig.drag(*drag)
        if scroll:
            self.rig.zoom(scroll)
        typing = self.renderer.holds_keys
        glfw = self.window.glfw
        control = self.window.holds(glfw.KEY_LEFT_CONTROL) or self.window.holds(
            glfw.KEY_RIGHT_CONTROL
        )
        for key in keys:
            if control and key == glfw.KEY_P:
                self.palette.commands = self.commands()
                self.palette.toggle()
            elif control and ord("1") <= key <= ord("9") and not typing:
                self.bookmark(chr(key))
            elif control and key in (glfw.KEY_Z, glfw.KEY_Y) and not typing:
                self.undo(again=key == glfw.KEY_Y)
            elif not (typing or self.palette.open):
                self.press(key)
        for path in self.window.dropped_files():
            self.dress(path)
        if self.window.wants_to_close:
            self.running = False
        size = self.window.size
        if min(size) >= 16 and size != (self.renderer.width, self.renderer.height):
            self.renderer.resize(*size)
        over = self.renderer.annotations
        over.points, over.density = self.window.points, self.window.density
        if self.pad is not None:
            self.pad.send(self.camera.heading_rad, typing)
            self.rig.turns = self.pad.moved
        if self.style is not None:
            self.style.send()

    def press(self, key: int) -> None:
        """A key of the window."""
        assert self.window is not None
        glfw, options = self.window.glfw, self.options
        alt = self.window.holds(glfw.KEY_LEFT_ALT) or self.window.holds(glfw.KEY_RIGHT_ALT)
        switches = {"O": "effect", "K": "skeleton", "T": "trajectory", "F": "contacts",
                    "L": "labels", "H": "hud", "E": "image_effect", "B": "life",
                    "U": "guides", "V": "lens"}  # fmt: skip
        name = chr(key) if 32 <= key < 127 else ""
        if name in switches:
            setattr(options, switches[name], not getattr(options, switches[name]))
        elif name in "12345" and name and not alt:
            kind = Rig.KINDS[int(name) - 1]
            self.lead_camera += kind == self.rig.kind == "stage"
            self.rig.kind, self.rig.scope = kind, "near"
        elif (name == "0" and not alt) or key == glfw.KEY_HOME:
            self.frame_scope("all")
        elif (name == "9" and not alt) or key == glfw.KEY_END:
            self.frame_scope("one")
        elif key == glfw.KEY_TAB:
            self.lead += 1
            self.rig.scope = "near" if self.rig.scope == "all" else self.rig.scope
        elif key == glfw.KEY_F7:
            options.shutter_deg = 0.0 if options.shutter_deg else self.shutter_deg
        elif key == glfw.KEY_F8:
            options.antialias = "fxaa" if options.antialias == "taa" else "taa"
        elif name == "P":
            self.edits = not self.edits and self.editor is not None
        elif name in ("G", ",", ".", "N") and name and self.editor is not None:
            self.editor.watch(self.feed.frame)
            asked: dict[str, dict[str, Any]] = {
                "G": {"play": None},
                ",": {"step": -1},
                ".": {"step": 1},
                "N": {"cue": 0},
            }
            self.editor.transport(**asked[name])
        elif name == "I" and self.editor is not None:
            self.editor.watch(self.feed.frame)
            self.editor.learn(self.style.last if self.style is not None else "")
        elif name in ("R", "M", "C") and name and self.editor is not None:
            self.shoot(self.editor, name)
        elif name in RESETS and self.editor is not None:
            self.reset(self.editor, RESETS[name])
        elif key == glfw.KEY_F11:
            self.window.fill_screen()
        elif key == glfw.KEY_F12:
            self.screenshot()
        elif key == glfw.KEY_ESCAPE:
            self.running = False

    def pick(self, at: tuple[float, float]) -> None:
        """Follows who is at a place of the window, in points, and selects them on the panel."""
        assert self.window is not None
        wide, high = self.window.points
        eye = replace(self.camera, width=max(wide, 1), height=max(high, 1))
        name = picking.picked(self.renderer.cast.placed, eye, at)
        frame = self.feed.frame
        names = [subject.name for subject in frame.subjects] if frame is not None else []
        if name is None or name not in names:
            return
        self.lead = names.index(name)
        if self.editor is not None and self.edits:
            self.editor.select(name)

    def bookmark(self, number: str) -> None:
        """Goes to a camera bookmark; with Shift keeps this view as that."""
        assert self.window is not None
        glfw, kept = self.window.glfw, self.settings.bookmark
        shift = self.window.holds(glfw.KEY_LEFT_SHIFT) or self.window.holds(glfw.KEY_RIGHT_SHIFT)
        eye = self.camera
        if shift:
            (x, y, z), (u, v, w) = eye.position.tolist(), eye.target.tolist()
            kept[number] = Bookmark((x, y, z), (u, v, w), self.rig.focal_mm)
            self.files.notes.append(f"This view is bookmark {number}: Ctrl+{number} goes there.")
        elif (mark := kept.get(number)) is not None:
            begin = eye.position.copy(), eye.target.copy(), self.rig.focal_mm
            end = np.array(mark.position), np.array(mark.target), mark.focal_mm
            self.rig.kind, self._glide = "fixed", Glide(begin, end)

    def undo(self, again: bool = False) -> None:
        """Takes back the stage's newest edit, whoever made it, or makes it again."""
        if self.editor is not None:
            self.editor.watch(self.feed.frame)
            self.editor.undo(again)

    def in_front(self) -> tuple[float, float, float]:
        """A place a hand's breadth before the one who is followed; the origin where nobody is."""
        frame = self.feed.frame
        if frame is None or not frame.subjects:
            return 0.0, 1.0, 0.0
        subject = frame.subjects[self.lead % len(frame.subjects)]
        x, y, z = map(float, subject.pose.positions[0])
        ahead = rotation.rotate(subject.pose.rotations[0], np.array([0.0, 0.0, 0.4]))
        return x + float(ahead[0]), y + 0.2, z + float(ahead[2])

    def screenshot(self) -> None:
        """Writes the picture as it is seen into the folder that the viewport was started in."""
        stamp = time.strftime("understudy-%Y%m%d-%H%M%S")
        path, number = Path.cwd() / f"{stamp}.png", 1
        while path.exists():
            number += 1
            path = path.with_name(f"{stamp}-{number}.png")
        try:
            save_png(self.renderer.read(), path)
            self.files.notes.append(f"wrote {path}")
        except OSError as error:
            self.files.notes.append(f"{path} could not be written: {error.strerror}.")

    def commands(self) -> list[Command]:
        """Everything that can be searched for and done."""
        assert self.window is not None
        glfw = self.window.glfw
        special = {"Tab": glfw.KEY_TAB, "Home or 0": glfw.KEY_HOME, "End or 9": glfw.KEY_END,
                   "F7": glfw.KEY_F7, "F8": glfw.KEY_F8, "F11": glfw.KEY_F11,
                   "F12": glfw.KEY_F12, "Esc": glfw.KEY_ESCAPE}  # fmt: skip
        found = []
        for key, does in KEYS:
            code = special.get(key) or (ord(key) if len(key) == 1 else None)
            if code is not None:
                found.append(Command(does, key, partial(self.press, code)))
        for key, does in ((",", "take: a frame back"), (".", "take: a frame on")):
            found.append(Command(does, key, partial(self.press, ord(key))))
        for n, kind in enumerate(Rig.KINDS, 1):
            name = KIND_NAME.get(kind, "the stage's own")
            found.append(Command(f"camera: {name}", str(n), partial(self.press, ord(str(n)))))

        def light(**words: str) -> None:
            for word, value in words.items():
                setattr(self.lighting, word, value)
            self.lighting.moved = True

        if self.editor is not None:
            found.append(Command("undo the stage's last edit", "Ctrl+Z", self.undo))
            found.append(Command("redo it", "Ctrl+Y", partial(self.undo, True)))
            editor = self.editor
            found += choices("effect", NAMES, lambda name: editor.cue(name, self.in_front()))
            if self.files.props:
                found.append(Command("props: to their marks", "", editor.props_to_marks))
        found += choices("set", OURS, lambda name: light(set=name))
        found.append(Command("set: none", "", lambda: light(set="")))
        found += choices("sun", HOURS, lambda name: light(sun=name))
        found += choices("tone", TONES, lambda name: light(tone=name))
        return found

    def shoot(self, editor: Editor, key: str) -> None:
        """Record or stop, a marker at the frame that is seen, a circle for the take."""
        frame = self.feed.frame
        editor.watch(frame)
        if key == "R":
            editor.record(bool(frame is not None and frame.stats.get("recording")))
        elif key == "C":
            editor.circle()
        elif frame is not None:
            editor.mark(frame.sequence)

    def reset(self, editor: Editor, what: str) -> None:
        """Puts the followed subject right: see `ResetSubject`."""
        frame = self.feed.frame
        editor.watch(frame)
        if frame is not None and frame.subjects:
            x, y, z = map(float, self.camera.position)
            editor.eye_m = x, y, z
            editor.reset(what, frame.subjects[self.lead % len(frame.subjects)].name)

    def dress(self, path: str) -> None:
        """A character's file that was dropped onto the window: the followed subject wears it."""
        frame = self.feed.frame
        if frame is None or not frame.subjects:
            return
        subject = frame.subjects[self.lead % len(frame.subjects)]
        try:
            name, file = parse(f"{subject.character or subject.name}={path}")
        except UnderstudyError as error:
            self.files.notes.append(str(error))
            return
        self.files.given[name] = file

    def frame_scope(self, scope: str) -> None:
        """Brings everybody ("all") or the followed one ("one") into the picture, whole."""
        frame = self.feed.frame
        focus = self._focus(frame, scope)
        if focus is not None:
            size = replace(self.camera, width=self.renderer.width, height=self.renderer.height)
            self.rig.frame(size, scope, focus)

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
        if self._still is not None:  # what a hand moved it by is not where it stands
            self.camera.position, self.camera.target, self.camera.up = self._still
        now_s = time.monotonic()
        dt_s = min(0.25, now_s - self._last_s) if self._last_s else 1.0 / 60.0
        self._last_s = now_s
        self._recent_s += 0.08 * (dt_s - self._recent_s)
        frame = self.feed.frame
        if self.editor is not None:
            self.lead = self.editor.lead(frame, self.lead)
        focus = self._focus(frame, self.rig.scope)
        linear = self.renderer.linear
        if linear is not None and frame is not None and "effect" in frame.stats:
            linear.mix(frame.stats["effect"])  # a fader's
        if focus is not None and frame is not None:
            self.rig.follow(self.camera, focus, dt_s)
        if self._glide is not None and self.rig.kind == "fixed":
            self.rig.focal_mm = self._glide.move(self.camera, dt_s)
            self.camera.sensor_mm = self.rig.sensor_mm
            self.camera.fov_y_rad = fov_of_lens(self.rig.focal_mm, self.rig.sensor_mm)
            if self._glide.is_there:
                self._glide = None
        if focus is not None and frame is not None:
            lead = frame.subjects[self.lead % len(frame.subjects)].name
            self.options.hidden = lead if self.rig.kind == "first" else None
            self.options.followed = lead
        if (seen := self.stage_camera) is not None and self.rig.kind == "stage":
            look_through(self.camera, seen)
        if frame is not None:
            point = focus_point(frame, self.rig.lens, self.lead)
            self.rig.pull(self.camera, point, dt_s)
        self._still = None
        if self.rig.lens.handheld and self.rig.kind not in ("first", "stage"):
            eye = self.camera
            self._still = eye.position, eye.target, eye.up
            handheld.hold(eye, self.rig.lens.handheld, now_s)
        if self.share is not None and self.rig.kind != "stage":  # that one is not ours to show
            self.share.send(self.camera, self.options.lens)
        eyes = {self._own_camera, seen.name if self.rig.kind == "stage" and seen else None}
        self.options.hidden_cameras = frozenset(name for name in eyes if name)
        return dt_s

    def _focus(self, frame: Frame | None, scope: str) -> Focus | None:
        if frame is None or not frame.subjects:
            return None
        lead = frame.subjects[self.lead % len(frame.subjects)]
        return focus_of(frame, self.lead, scope, self.renderer.outfits.tall_m(character_of(lead)))

    @property
    def _own_camera(self) -> str | None:
        """The name under which the stage sends the viewport's own camera back."""
        frame = self.feed.frame
        return self.share.own(frame.cameras) if self.share is not None and frame else None

    @property
    def stage_camera(self) -> pose.Camera | None:
        """The camera of the stage that key 5 looks through: any but the viewport's own."""
        cameras = self.feed.frame.cameras if self.feed.frame is not None else []
        cameras = [camera for camera in cameras if camera.name != self._own_camera]
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

    def tell(self) -> None:
        """Says in the terminal what has come up since: each thing once."""
        notes = [*self.renderer.notes, *self.files.notes]
        if missing := self.renderer.missing_letters:
            notes.append(
                f"No font of this machine has {missing}: install one that does, such as "
                "fonts-noto-cjk."
            )
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                print(f"viewport: {note}", file=sys.stderr, flush=True)

    def board(self, dt_s: float) -> Board:
        """What the HUD says now."""
        feed, frame = self.feed, self.feed.frame
        notice = feed.notice()
        board = Board(
            "understudy", STATE_COLOUR[State.LOST if notice else State.LIVE], notice=notice
        )
        board.palette = self.palette
        board.rows = rows = feed.rows()
        rate = 1.0 / self._recent_s if self._recent_s > 1e-4 else 0.0
        rows.append(("picture", f"{rate:.0f} fps"))
        if self.quality.said:
            rows.append(("quality", self.quality.said))
        if self.options.lens:
            eye = self.camera
            lens, where = self.rig.lens, f"{eye.focus_m:.2f} m"
            named = lens.focus and not lens.focus_m
            if frame is not None and named and focus_point(frame, lens, self.lead) is None:
                where = f"{lens.focus} is not there"
            rows.append(("lens", f"{eye.focal_mm:.0f} mm, T{eye.stop:.1f}, {where}"))
        contact = "off" if self.quality.level.contact else "left out"
        if self.renderer.contact is None:
            contact = "not there"
        elif self.options.effect and self.quality.level.contact:
            contact = "on"
        rows.append(("contact shading", contact))
        if self.renderer.cast.waiting:
            board.notice = board.notice or "Making the mannequin"
        if self.renderer.outfits.making:
            board.notice = board.notice or "Reading the character"
        if self.window is not None:
            board.hints = HINTS
            if self.pad is not None:
                device = self.pad.device if self.pad.heard else "no stage listens"
                rows.append(("pad", "refused" if self.pad.refusal else device))
                board.notice = board.notice or self.pad.refusal
        if self.style is not None:
            lead = frame.subjects[self.lead % len(frame.subjects)] if frame else None
            board.sliders = self.style.follow(lead if self.options.hud else None)
        if self.editor is not None and not self.edits:
            board.notice = board.notice or self.editor.news
        if self.editor is not None and self.edits:
            self.editor.watch(frame)
            x, y, z = map(float, self.camera.position)
            self.editor.eye_m = x, y, z
            board.editor = self.editor
            board.lighting, board.eye = self.lighting, (self.rig, self.options)
        board.caption = KIND_NAME.get(self.rig.kind, "no camera on stage")
        board.caption += SCOPE_NAME[self.rig.scope] if self.rig.kind in ("third", "orbit") else ""
        if self.rig.kind == "stage" and (seen := self.stage_camera) is not None:
            board.caption = f"camera {short(seen.name)}, {seen.focal_mm:.0f} mm"
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
            "quality": str(self.quality.level),
            "dropped": sum(output.dropped for output in self.outputs),
            **self.feed.figures(),
        }

    def remember(self) -> None:
        """Keeps what the window is like, for the next one."""
        if self.window is None or self.settings_file is None:
            return
        size = self.window.points
        if min(size) >= 64:
            self.settings.size = size
        self.settings.shown = {name: bool(getattr(self.options, name)) for name in KEPT}
        try:
            save(self.settings_file, self.settings)
        except OSError as error:
            print(f"viewport: {self.settings_file}: {error.strerror}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends files first, so that they are whole whatever follows."""
        self.remember()
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
            if self.editor is not None:
                stack.callback(self.editor.close)
            if self.sheet is not None:
                stack.callback(self.sheet.close)
            for output in self.outputs:
                stack.callback(output.close)
