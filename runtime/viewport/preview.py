"""A sheet of a motion and what it was carried onto: source above, character below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.core.roles import roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes.clip import Clip

from .camera import Camera, fov_of_lens
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


def line_up(path: Path, characters: list[Path], columns: int = 6) -> None:
    """Draws characters at rest, each from a little aside, and writes a PNG."""
    from understudy.runtime.characters.loading import load

    tall = (360, 560)
    cells = []
    with Renderer(*tall, scale=2.0) as renderer:
        renderer.set_quality(2.0, 2048)
        for file in characters:
            skeleton = replace(load(file).skeleton, character=file.stem)
            renderer.characters = {file.stem: file}
            renderer.outfits.prepare([file.stem])
            subject = Subject(file.stem, skeleton, _at_ease(skeleton))
            frame = Frame(0, 0, 0, 30, 1, "", [subject])
            camera = Camera(width=tall[0], height=tall[1], fov_y_rad=fov_of_lens(60.0))
            camera.target = np.array([0.0, 0.92, 0.0])
            camera.position = np.array([1.6, 1.25, 4.95])
            renderer.draw(frame, camera, Options())
            cells.append(Image.fromarray(renderer.read().copy()))
            renderer.outfits.forget(file.stem)
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (min(columns, len(cells)) * tall[0], rows * tall[1]), (24, 26, 30))
    for k, cell in enumerate(cells):
        sheet.paste(cell, (k % columns * tall[0], k // columns * tall[1]))
    save_png(np.asarray(sheet), path, 9)


def _at_ease(skeleton: Skeleton) -> Pose:
    """The rest pose with the arms let down."""
    pose, role = Pose.rest(skeleton), roles(skeleton)
    at, turned = skeleton.rest_globals
    for side, sign in (("left", 1.0), ("right", -1.0)):
        if (arm := role.get(f"{side}_upper_arm")) is None or f"{side}_hand" not in role:
            continue
        way = at[role[f"{side}_hand"]] - at[arm]
        down = rotation.between(way, np.array([0.22 * sign, -1.0, 0.1]))
        above = turned[skeleton.parents[arm]]
        here = rotation.multiply(rotation.conjugate(above), rotation.multiply(down, above))
        pose.rotations[arm] = rotation.multiply(here, pose.rotations[arm])
    return pose


def _picture(renderer: Renderer, subject: Subject) -> Image.Image:
    frame = Frame(0, 0, 0, 30, 1, "", [subject])
    rig = rig_for("third", 50.0)
    camera = Camera(width=SIZE[0], height=SIZE[1])
    if (focus := focus_of(frame, tall_m=tall_of(renderer, frame))) is not None:
        rig.distance_m = 1.35 * focus.radius_m * rig.focal_mm / 12.0
        rig.follow(camera, focus, 10.0)
    renderer.draw(frame, camera, Options())
    return Image.fromarray(renderer.read().copy())
