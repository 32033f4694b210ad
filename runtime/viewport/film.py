"""A clip as a film: offline, every frame drawn, as good as it gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources import speech
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.placement import lift_m

from . import handheld
from .camera import Camera, Lens, Rig
from .capture import Movie, Sheet, Stills
from .exr import Exrs
from .focus import focus_of, focus_point, overview
from .hud import Board
from .particle_feed import ParticleFeed
from .renderer import Options, Renderer

Output = Movie | Stills | Exrs
MOST_FPS = 60.0
# Where a film looks from: the body's front, a little from its left.
SHOW_YAW_RAD = float(np.pi + np.radians(35))


def film_rate(clip: Clip, fps: float | None) -> float:
    """Pictures per second: what was asked, else the clip's own rate brought under MOST_FPS."""
    if fps is not None:
        return checked_rate(fps)
    rate = clip.rate_hz
    return rate / int(np.ceil(rate / MOST_FPS - 1e-6))


def checked_rate(fps: float) -> float:
    """A rate of pictures that a film can have."""
    if not 1.0 <= fps <= 240.0:
        raise UnderstudyError(f"--fps is {fps:g}; it can be 1 to 240.")
    return fps


def sample(clip: Clip, time_s: float) -> Pose:
    """The pose at a time, between frames along the shortest way."""
    at = float(np.clip(time_s / clip.frame_time_s, 0, len(clip) - 1))
    i = min(int(at + 1e-4), len(clip) - 1)
    j, t = min(i + 1, len(clip) - 1), at - i
    if t < 1e-3:
        return Pose(clip.positions[i], clip.rotations[i])
    positions = (1 - t) * clip.positions[i] + t * clip.positions[j]
    return Pose(positions, rotation.slerp(clip.rotations[i], clip.rotations[j], t))


def frames(clip: Clip, fps: float, name: str, mouth: Array | None = None) -> Iterator[Frame]:
    """The clip's frames at a rate, as a stage would publish them.

    mouth (T, len(speech.CURVES))  a voice's curves, beside the clip
    """
    skeleton = clip.skeleton
    if mouth is not None:
        skeleton = replace(skeleton, curve_names=speech.CURVES)
    for number in range(max(1, round(clip.duration_s * fps))):
        subject = Subject(name, skeleton, sample(clip, number / fps))
        if mouth is not None:
            subject.curves = speech.between(mouth, number / fps)
        yield Frame(number, 0, 0, round(fps * 1000), 1000, "", [subject])


def space(clip: Clip) -> tuple[Array, Array]:
    """The box (3,), (3,) that a clip moves in, from at most 200 of its frames."""
    step = max(1, len(clip) // 200)
    world_p, _ = clip.skeleton.globals(clip.positions[::step], clip.rotations[::step])
    flat = world_p.reshape(-1, 3)
    low, high = flat.min(0), flat.max(0)
    low[1] = min(low[1], 0.0)
    return low, high


def level(clip: Clip) -> tuple[Clip, float]:
    """The clip brought to the ground where it floats or sinks far from it, and the lift in metres.

    Near the ground nothing is touched.
    """
    lift = lift_m(clip.skeleton, clip.positions, clip.rotations)
    if lift == 0.0:
        return clip, 0.0
    positions = clip.positions.copy()
    positions[:, 0, 1] += lift
    return replace(clip, positions=positions, raw=None), lift


def rig_for(kind: str, focal_mm: float | None, lens: Lens | None = None) -> Rig:
    """A camera rig for a film: turned a little from the front, and never swinging about."""
    rig = Rig(kind=kind, turns=False, yaw_rad=SHOW_YAW_RAD, pitch_rad=0.12)
    rig.focal_mm = focal_mm or rig.focal_mm
    rig.lens = lens or rig.lens
    if kind == "orbit":
        rig.yaw_rad = np.radians(35)
    return rig


def render(
    clip: Clip,
    out: Output,
    renderer: Renderer,
    options: Options,
    fps: float,
    camera_kind: str = "third",
    focal_mm: float | None = None,
    sheet: Sheet | None = None,
    caption: str = "",
    mouth: Array | None = None,
    lens: Lens | None = None,
    particles: ParticleFeed | None = None,
) -> Iterator[int]:
    """Draws the clip; yields each frame's number when it is handed to the file."""
    size = (renderer.width, renderer.height)
    rig, camera = rig_for(camera_kind, focal_mm, lens), Camera(width=size[0], height=size[1])
    opening = next(frames(clip, fps, caption))
    tall_m = tall_of(renderer, opening)
    first = focus_of(opening, tall_m=tall_m)
    # The film starts in front of the body, whichever way the mocap stage looked.
    turn = first.heading_rad if first else 0.0
    rig.yaw_rad += turn if camera_kind != "third" else 0.0  # that one turns with the body by itself
    if camera_kind == "fixed":
        low, high = space(clip)
        camera = overview(low, high, size, turn + np.radians(40), focal_mm or 35.0)
    if camera_kind == "first" and "head" in roles(clip.skeleton):
        options.hidden = caption
    rig.distance_m = 1.02 * (first.radius_m if first else 1.0) * rig.focal_mm / 12.0
    for number, frame in enumerate(frames(clip, fps, caption, mouth)):
        focus = focus_of(frame, tall_m=tall_m)
        if camera_kind == "orbit":
            rig.yaw_rad += np.radians(12) / fps
        if focus is not None:
            rig.follow(camera, focus, 1.0 / fps)
        rig.pull(camera, focus_point(frame, rig.lens), 1.0 / fps)
        eye = replace(camera)
        handheld.hold(eye, rig.lens.handheld, number / fps)
        if particles is not None:
            frame.publish_ns = round((number + 1) / fps * 1e9)
            particles.follow(renderer, frame, [], options, 0.5 / fps)
        board = Board(caption=f"{caption}   {number / fps:6.2f} s") if options.hud else None
        renderer.draw(frame, eye, options, board)
        pixels = renderer.read()
        hand_on(out, renderer, eye, pixels)
        if sheet is not None:
            sheet.add(pixels, number / fps)
        yield number


def hand_on(out: Output, renderer: Renderer, camera: Camera, pixels: Array) -> None:
    """Gives a picture, or what it was made of, to whoever writes it."""
    if isinstance(out, Exrs):
        out.add(renderer.data(camera))
    else:
        out.add(pixels)


def tall_of(renderer: Renderer, frame: Frame) -> float:
    """How tall the first subject's character is; 0 for a bare body."""
    name = frame.subjects[0].character
    if not name:
        return 0.0
    renderer.outfits.prepare([name])
    return renderer.outfits.tall_m(name)


def size_of(text: str) -> tuple[int, int]:
    """ "1280x720" to numbers."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise UnderstudyError(
            f"The size {text!r} is none; write WIDTHxHEIGHT, as 1280x720."
        ) from None
    if not (64 <= width <= 8192 and 64 <= height <= 8192):
        raise UnderstudyError(f"The size {text} is out of range; each side can be 64 to 8192.")
    return width, height


def output(
    out: Path,
    png: bool,
    size: tuple[int, int],
    fps: float,
    sound: Array | None = None,
    codec: str = "h264",
    exr: bool = False,
) -> Output:
    """A movie, with its sound, or a folder of PNGs where `out` is one or --png asks for it."""
    if exr:
        return Exrs(out)
    if png or out.is_dir() or out.suffix == "":
        return Stills(out)
    return Movie(out, size, fps, sound=sound, codec=codec)
