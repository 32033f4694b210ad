"""Takes as a film: everybody in them, through the cameras that were live, every frame drawn.

A picture shows the frame of its moment as it was sent, of the tick that was the last by then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from understudy.bridge.wire.decoder import UnknownSkeleton
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core import pose
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.takes import take_sound
from understudy.runtime.takes.take_frames import TakeFrames
from understudy.runtime.takes.take_reader import TakeReader

from . import handheld
from .camera import Camera, Lens, look_through
from .capture import SOUND_HZ, Sheet
from .film import MOST_FPS, Output, hand_on, rig_for
from .focus import focus_of, focus_point, overview
from .hud import Board
from .particle_feed import ParticleFeed
from .renderer import Options, Renderer

CUTS = "cuts"  # whatever camera was live
FOLLOWING = ("third", "orbit", "first", "fixed")
_LOOKED_AT = 40  # frames, for the box that everybody moves in


@dataclass
class TakePart:
    """A take, or what of it is shown.

    cuts  the stage's tick and the camera that was live from it on, in order
    """

    path: Path
    frames: TakeFrames
    start_s: float = 0.0
    end_s: float = 0.0
    cuts: list[tuple[int, str]] = field(default_factory=list)
    cameras: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    def at(self, time_s: float) -> Frame | None:
        """The frame that is shown so many seconds after the part's first; None: it is damaged."""
        number = min(self.frames.number_at(self.start_s + time_s), len(self.frames) - 1)
        try:
            return self.frames.frame(number)
        except (WireError, UnknownSkeleton):
            return None


def opened(path: Path, start_s: float = 0.0, seconds: float | None = None) -> TakePart:
    """A take to be shown from start_s on; raises what is wrong with it in a sentence."""
    frames = TakeFrames(path)
    whole_s = frames.seconds
    end_s = whole_s if seconds is None else min(whole_s, start_s + seconds)
    if not 0.0 <= start_s < end_s:
        frames.close()
        raise UnderstudyError(
            f"{path.name} lasts {whole_s:.2f} s: nothing lies between --start {start_s:g} and its "
            "end."
        )
    cuts = [
        (int(one.get("sequence", 0)), str(one.get("camera", "")))
        for one in TakeReader(path).events()
        if one.get("event") == "cut"
    ]
    part = TakePart(path, frames, start_s, end_s, cuts)
    some = np.linspace(0.0, part.seconds, _LOOKED_AT, endpoint=False)
    seen = [frame for frame in map(part.at, some) if frame is not None]
    part.cameras = tuple(dict.fromkeys(camera.name for one in seen for camera in one.cameras))
    return part


def film_rate(parts: Sequence[TakePart], fps: float | None) -> float:
    """Pictures a second: what was asked, else the first take's own rate, under MOST_FPS."""
    if fps is not None:
        return fps
    rate = parts[0].frames.rate_hz
    return rate / int(np.ceil(rate / MOST_FPS - 1e-6))


def pictures(parts: Sequence[TakePart], fps: float) -> int:
    """How many a film of these takes has."""
    return sum(max(1, round(part.seconds * fps)) for part in parts)


def heard(parts: Sequence[TakePart]) -> Array | None:
    """(N,) -1..1 at SOUND_HZ of what was heard in each of them; None where nobody heard a thing."""
    found = []
    for part in parts:
        count = round(part.seconds * SOUND_HZ)
        sound = np.zeros(count, np.float32)
        if take_sound.names(part.path):
            tick = part.frames.frame(0).sequence + round(part.start_s * part.frames.rate_hz)
            with contextlib.suppress(UnderstudyError):  # it was heard in another part of the take
                sound = take_sound.mixed(part.path, tick, part.seconds)
        found.append(sound)
    whole = np.concatenate(found)
    return whole if whole.any() else None


def happened(part: TakePart) -> list[Event]:
    """Contacts and cues from its start on, by time."""
    first = part.at(0.0)
    begin_ns = first.publish_ns if first is not None else 0
    told = [one for one in TakeReader(part.path).happened() if one.time_ns >= begin_ns]
    return sorted(told, key=lambda one: one.time_ns)


class _Eye:
    """Where a take is looked at from."""

    def __init__(
        self,
        part: TakePart,
        kind: str,
        focal_mm: float | None,
        size: tuple[int, int],
        lens: Lens | None = None,
    ) -> None:
        """kind: `cuts`, a camera's name, or one of FOLLOWING."""
        self._part, self._name = part, "" if kind in FOLLOWING else kind
        self.rig = rig_for(kind if kind in FOLLOWING else "third", focal_mm, lens)
        self.camera = Camera(width=size[0], height=size[1])
        self.shown, self._time_s = self.camera, 0.0
        first = next((one for t in (0.0, 0.5, 1.0) if (one := part.at(t)) is not None), None)
        focus = focus_of(first, scope="all") if first is not None else None
        turn = focus.heading_rad if focus is not None else 0.0
        if kind != "third":
            self.rig.yaw_rad += turn
        self.rig.distance_m = 1.02 * (focus.radius_m if focus else 1.0) * self.rig.focal_mm / 12.0
        self._fixed: Camera | None = None
        if kind == "fixed":
            low, high = _space(part)
            self._fixed = overview(low, high, size, turn + np.radians(40), focal_mm or 35.0)

    def live(self, frame: Frame) -> pose.Camera | None:
        """The stage's camera that is looked through at a frame."""
        name = self._name
        if name == CUTS:
            cut = [camera for tick, camera in self._part.cuts if tick <= frame.sequence]
            name = cut[-1] if cut else (frame.cameras[0].name if frame.cameras else "")
        return next((one for one in frame.cameras if one.name == name), None)

    def follow(self, frame: Frame, options: Options, dt_s: float) -> pose.Camera | None:
        """Moves the eye; returns the stage's camera that it is in, if it is in one."""
        seen = self.live(frame) if self._name else None
        options.hidden_cameras = frozenset({seen.name} if seen is not None else ())
        options.hidden = None
        if seen is not None:
            look_through(self.camera, seen)
        elif self._fixed is not None:
            self.camera = self._fixed
            self.camera.stop = self.camera.focus_m = 0.0
        else:
            several = len(frame.subjects) > 1 and self.rig.kind != "first"
            if self.rig.kind == "orbit":
                self.rig.yaw_rad += np.radians(12) * dt_s
            if self.rig.kind == "first" and frame.subjects:
                options.hidden = frame.subjects[0].name
            if (focus := focus_of(frame, scope="all" if several else "near")) is not None:
                self.rig.follow(self.camera, focus, dt_s)
        self.rig.pull(self.camera, focus_point(frame, self.rig.lens), dt_s)
        self._time_s += dt_s
        self.shown = replace(self.camera)
        if seen is None:  # the stage's own cameras are where they were
            handheld.hold(self.shown, self.rig.lens.handheld, self._time_s)
        return seen


def _space(part: TakePart) -> tuple[Array, Array]:
    """The box (3,), (3,) that everybody moves in."""
    found = []
    for time_s in np.linspace(0.0, part.seconds, _LOOKED_AT, endpoint=False):
        for subject in getattr(part.at(time_s), "subjects", []):
            positions = np.asarray(subject.pose.positions, float)
            rotations = np.asarray(subject.pose.rotations, float)
            found.append(subject.skeleton.globals(positions, rotations)[0])
    flat = np.concatenate([np.zeros((0, 3)), *found])
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return np.array([-1.0, 0.0, -1.0]), np.array([1.0, 1.8, 1.0])
    low, high = flat.min(0), flat.max(0)
    low[1] = min(low[1], 0.0)
    return low, high


def caption(part: TakePart, frame: Frame, seen: pose.Camera | None) -> str:
    """Slate, timecode and lens, as they are burnt in."""
    facts = part.frames.facts
    said = [str(facts.get("slate") or part.path.stem), frame.timecode]
    if seen is not None:
        said.append(f"camera {seen.name}, {seen.focal_mm:.0f} mm")
        if seen.iris > 0.0:
            said.append(f"f/{seen.iris:.1f}")
        if seen.focus_m > 0.0:
            said.append(f"{seen.focus_m:.2f} m")
    return "   ".join(said)


def dressed(part: TakePart, files: Mapping[str, str], given: Mapping[str, Path]) -> dict[str, Path]:
    """Files of characters by the name that they are drawn under.

    files  what the take says, by the subject's name; given  what the user says, by that or "*"
    """
    out: dict[str, Path] = {}
    for name, skeleton in part.frames.who:
        said = given.get(name, given.get("*")) or files.get(name)
        if said:
            out[skeleton.character or name] = Path(said)
    return out


def render(
    parts: Sequence[TakePart],
    out: Output,
    renderer: Renderer,
    options: Options,
    fps: float,
    kind: str = "",
    focal_mm: float | None = None,
    sheet: Sheet | None = None,
    states: bool = False,
    lens: Lens | None = None,
    particles: ParticleFeed | None = None,
) -> Iterator[int]:
    """Draws one take after the other; yields each picture's number when it is handed on.

    kind    see `_Eye`; "" is `cuts` where a take has cameras, else it follows who is there
    states  who is taken over or held is coloured, as in the viewport
    """
    number = 0
    for part in parts:
        chosen = kind or (CUTS if part.cameras else "third")
        eye = _Eye(part, chosen, focal_mm, (renderer.width, renderer.height), lens)
        shown = None
        told = list(reversed(happened(part)))
        for n in range(max(1, round(part.seconds * fps))):
            frame = part.at(n / fps) or shown  # of a damaged frame the one before stays
            if frame is not None:
                seen = eye.follow(frame, options, 1.0 / fps)
                for subject in [] if states else frame.subjects:
                    subject.state = State.LIVE
                if particles is not None:
                    now_ns = frame.publish_ns
                    some = []
                    while told and told[-1].time_ns <= now_ns:
                        some.append(told.pop())
                    particles.follow(renderer, frame, some, options, 0.5 / fps)
                board = Board(caption=caption(part, frame, seen)) if options.hud else None
                renderer.draw(frame, eye.shown, options, board)
                shown = frame
            pixels = renderer.read()
            hand_on(out, renderer, eye.shown, pixels)
            if sheet is not None:
                sheet.add(pixels, number / fps)
            yield number
            number += 1
