"""The viewport: milliseconds a picture, what each pass and the effect cost, memory, mannequins."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, Subject

from .figure import Figure
from .processes import resident_mb

if TYPE_CHECKING:
    from understudy.runtime.viewport.camera import Camera
    from understudy.runtime.viewport.renderer import Options, Renderer


def measure(quick: bool) -> list[Figure]:
    """Draws a standing cast without a window; a picture counts when it has been read back."""
    from understudy.runtime.viewport import gl
    from understudy.runtime.viewport.camera import Camera, fov_of_lens
    from understudy.runtime.viewport.mesh import mannequin
    from understudy.runtime.viewport.renderer import Options, Renderer

    started = time.perf_counter()
    mesh = mannequin.build(PERFORMER)
    build_s = time.perf_counter() - started
    renderer = Renderer(960, 540)
    name = gl.renderer_name(renderer.ctx)
    threads = os.environ.get("LP_NUM_THREADS", f"all of {os.cpu_count()}")
    where = f"{name}, 960x540, shadow 1024" + (
        f", LP_NUM_THREADS {threads}" if gl.is_software(renderer.ctx) else ""
    )
    camera = Camera(
        np.array([1.9, 1.4, 3.1]), np.array([0.0, 0.9, 0.0]), fov_of_lens(38.0), 960, 540
    )
    pictures = 5 if quick else 25

    def cost(frame: Frame, options: Options, seen: Camera = camera) -> float:
        def draw() -> None:
            renderer.draw(frame, seen, options)
            renderer.read()

        return median_ms(draw, pictures)

    one, many = _cast(1), _cast(16)
    full = cost(one, Options())
    out = [
        Figure("viewport: one subject", full, "ms", "at most 80 on a CPU", full <= 80.0, where),
        Figure(
            "viewport: without contact shading, of full",
            cost(one, Options(effect=False)) / full,
            "ratio",
            conditions=where,
        ),
        Figure(
            "viewport: without shadow and contact shading, of full",
            cost(one, Options(effect=False, shadows=False)) / full,
            "ratio",
            conditions=where,
        ),
        Figure("viewport: 16 subjects", cost(many, Options()) / full, "x one", conditions=where),
    ]
    wide = replace(camera, position=np.array([6.0, 3.0, 9.0]), target=np.array([0.0, 0.9, -3.0]))
    alone, crowd = (cost(crowd(count), Options(), wide) for count in (1, 64))
    value = crowd / alone
    out.append(
        Figure(
            "viewport: 64 subjects", value, "x one", "<= 2.5", value <= 2.5, f"{where}, 9 m away"
        )
    )
    overlaid = Options(skeleton=True, labels=True, hud=True)
    out.append(
        Figure("viewport: overlays and HUD", cost(one, overlaid) / full, "x none", conditions=where)
    )
    renderer.set_quality(0.85, 1024)
    out.append(
        Figure("viewport: --quality low", cost(one, Options()) / full, "x normal", conditions=where)
    )
    out.append(
        Figure(
            "mannequin: built from a skeleton",
            build_s,
            "s",
            "at most 2",
            build_s <= 2.0,
            f"{len(mesh.triangles)} triangles, one core, no cache",
        )
    )
    here_mb = resident_mb(os.getpid())
    where = f"this process, {name}"
    out.append(
        Figure("viewport: resident memory", here_mb, "MB", "at most 700", here_mb <= 700.0, where)
    )
    renderer.set_quality(1.0, 1024)
    out += _character(renderer, camera, cost, full)
    out += _sets(renderer, cost, where)
    renderer.close()
    return out


def _sets(renderer: Renderer, cost: Callable[[Frame, Options], float], where: str) -> list[Figure]:
    """Our sets around one subject, in their own light, beside the bare ground measured before
    each."""
    from understudy.runtime.viewport.lighting import Lighting
    from understudy.runtime.viewport.renderer import Options
    from understudy.runtime.viewport.sets.scenery import OURS

    out, one = [], _cast(1)
    for name in OURS:
        bare = cost(one, Options())
        options, lighting = Options(), Lighting(set=name)
        lighting.apply(renderer, options)
        value = cost(one, options) / bare
        lighting.set = ""
        lighting.apply(renderer, options)
        out.append(Figure(f"viewport: set {name}", value, "x none", conditions=where))
    return out


def crowd(count: int) -> Frame:
    """So many in rows of eight, which a camera 9 m away has in its picture."""
    frame = _cast(count)
    for i, subject in enumerate(frame.subjects):
        subject.pose.positions[0, [0, 2]] = 1.1 * (i % 8 - 3.5), -1.3 * (i // 8)
    return frame


def _cast(count: int) -> Frame:
    """Subjects in a row, an arm turned differently on each."""
    subjects = []
    for i in range(count):
        pose = Pose.rest(PERFORMER)
        pose.positions[0, 0] += 0.8 * (i - 0.5 * (count - 1))
        arm = PERFORMER.index("LeftArm")
        pose.rotations[arm] = rotation.from_axis_angle((0.0, 0.0, 1.0), -1.2 + 0.1 * i)
        subjects.append(Subject(f"s{i}", PERFORMER, pose))
    return Frame(1, 0, 0, 60, 1, "", subjects)


def median_ms(draw: Callable[[], object], pictures: int) -> float:
    draw()
    times = []
    for _ in range(pictures):
        before = time.perf_counter()
        draw()
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1e3


def _character(
    renderer: Renderer, camera: Camera, cost: Callable[[Frame, Options], float], full: float
) -> list[Figure]:
    """A character of some 100k triangles: the mannequin's own, through a file and back."""
    from understudy.runtime.characters.levels import levels
    from understudy.runtime.characters.loading import load
    from understudy.runtime.viewport import gltf
    from understudy.runtime.viewport.mesh import mannequin
    from understudy.runtime.viewport.renderer import Options

    mesh = mannequin.build(PERFORMER, 0.0074)
    skeleton = replace(PERFORMER, character="character")

    def dressed(count: int) -> Frame:
        frame = _cast(count)
        for subject in frame.subjects:
            subject.skeleton = skeleton
        return frame

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "character.glb"
        gltf.write(path, PERFORMER, mesh)
        started = time.perf_counter()
        renderer.characters = {"character": path}
        renderer.draw(dressed(1), camera, Options())
        renderer.read()
        first_s = time.perf_counter() - started
        # A live viewport makes the coarser levels after its first picture; this one waited.
        character = load(path)
        started = time.perf_counter()
        levels(character.mesh, character.vertices())
        levels_s = time.perf_counter() - started
        one, many = cost(dressed(1), Options()), cost(dressed(16), Options())
    size = f"{len(mesh.triangles):,} triangles, no pictures"
    return [
        Figure("character: file to first picture", first_s - levels_s, "s", "at most 2",
               first_s - levels_s <= 2.0, size),
        Figure("character: levels of detail, after it", levels_s, "s", conditions=size),
        Figure("character: one, of a mannequin", one / full, "ratio", conditions=size),
        Figure("character: 16 alike, of one mannequin", many / full, "ratio", conditions=size),
    ]  # fmt: skip
