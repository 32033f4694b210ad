"""A sheet of a motion and what it was carried onto: source above, character below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.takes.clip import Clip

from .camera import Camera
from .capture import contact_sheet, save_png
from .film import rig_for, sample, tall_of
from .focus import focus_of
from .outfit import is_drawn
from .renderer import Options, Renderer

MOMENTS = 6
SIZE = (360, 480)


def sheet(path: Path, source: Clip, carried: Clip, character: Path) -> None:
    """Draws both at the same moments, each from its own front, and writes a PNG."""
    skip_s = source.duration_s - carried.duration_s  # calibration frames at the start
    moments_s = np.linspace(0.0, carried.duration_s - carried.frame_time_s, MOMENTS)
    cells: list[tuple[float, Image.Image]] = []
    with Renderer(*SIZE, scale=2.0) as renderer:
        if is_drawn(character):
            renderer.characters = {carried.skeleton.character: character}
        for clip, begin_s in ((source, skip_s), (carried, 0.0)):
            for time_s in moments_s:
                pose = sample(clip, begin_s + float(time_s))
                subject = Subject(clip.name, clip.skeleton, pose)
                cells.append((float(time_s), _picture(renderer, subject)))
    save_png(np.asarray(contact_sheet(cells, MOMENTS)), path, 9)


def _picture(renderer: Renderer, subject: Subject) -> Image.Image:
    frame = Frame(0, 0, 0, 30, 1, "", [subject])
    rig = rig_for("third", 50.0)
    camera = Camera(width=SIZE[0], height=SIZE[1])
    if (focus := focus_of(frame, tall_m=tall_of(renderer, frame))) is not None:
        rig.distance_m = 1.35 * focus.radius_m * rig.focal_mm / 12.0
        rig.follow(camera, focus, 10.0)
    renderer.draw(frame, camera, Options())
    return Image.fromarray(renderer.read().copy())
