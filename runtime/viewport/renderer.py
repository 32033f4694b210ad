"""The renderer: a frame of poses goes in, a picture comes out. `draw` reads as the frame."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from understudy.runtime.core.pose import Frame

from . import frame_data, gl
from .annotations import Annotations
from .camera import Camera
from .cast import MOVING, Cast, Scene
from .gbuffer import GBuffer
from .hud import Board
from .light_passes import LightPasses
from .linear_light import LinearLight
from .mesh.mannequin import GRID_M
from .mesh.store import Wardrobe
from .optics import LEAST_CIRCLE, MOST_CIRCLE, circle_px
from .options import Options
from .outfit import Outfits
from .overlay import state_veils
from .particles import Particles
from .props import Props
from .sets.scenery import Scenery
from .shadow import ShadowMap, sun_box
from .stand import Stand
from .temporal import Temporal
from .uniforms import FrameBlock

SHADOW_LIMIT_M = 12.0
# Further than this, or more turned or zoomed, between two pictures is a cut.
CUT_M, CUT_COSINE, CUT_FOV = 0.6, 0.9, 1.25
SPARE_GRID_M = 0.016
MOST_PIXELS, SPARE_PIXELS = 4096, 1024  # along the edge of a character's picture

__all__ = ["Options", "Renderer"]


class Renderer:
    """Draws frames of one size. Without a window it makes its own context through EGL.

    scale    pixels drawn for each pixel shown along an edge: 2 for films, below 1 for slow machines
    shadow   texels along the shadow map's edge
    """

    def __init__(
        self,
        width: int,
        height: int,
        window: object | None = None,
        scale: float = 1.0,
        shadow: int = 1024,
        wait_for_meshes: bool = True,
    ) -> None:
        self.ctx = gl.of_window() if window is not None else gl.headless()
        # Live, a software renderer gets a coarser mannequin: it is made and drawn sooner.
        spare = not wait_for_meshes and gl.is_software(self.ctx)
        self.wardrobe = Wardrobe(wait_for_meshes, SPARE_GRID_M if spare else GRID_M)
        # There a character's pictures are smaller too: less to decode, less to look up.
        self.outfits = Outfits(wait_for_meshes, SPARE_PIXELS if spare else MOST_PIXELS)
        self.cast = Cast(self.ctx, self.wardrobe, self.outfits)
        self.props = Props(self.ctx, self.cast.variants, self.outfits.most_pixels)
        self.shadow_map = ShadowMap(self.ctx, shadow)
        self.block = FrameBlock(self.ctx)
        self._ground_program = gl.program(self.ctx, "ground.glsl")
        self._ground = self.ctx.vertex_array(self._ground_program, [])
        self.stand: Stand | None = None
        self._fxaa = gl.Pass(self.ctx, "fxaa.glsl", ("picture",))
        self._copy = gl.Pass(self.ctx, "copy.glsl", ("picture",))
        self._moving_ground_program = gl.program(self.ctx, "ground.glsl", MOTION=1)
        self._moving_ground = self.ctx.vertex_array(self._moving_ground_program, [])
        self._idle = self.ctx.simple_framebuffer((1, 1))
        self.lit = LightPasses(self.ctx, self._idle)
        self.annotations = Annotations(self.ctx, window)
        self._start = time.monotonic()
        self._sized: list = []
        self.scale = scale
        self.notes: list[str] = []
        self.contact = None
        self.temporal: Temporal | None = None
        self.particles: Particles | None = None
        self._eye: Camera | None = None  # of the picture before
        self.resize(width, height, scale)

    def resize(self, width: int, height: int, scale: float | None = None) -> None:
        """Makes the targets for a size; everything else stays."""
        # moderngl goes back to the framebuffer in use whenever it makes another: that must live on.
        self._idle.use()
        for thing in self._sized:
            thing.release()
        self.width, self.height = max(16, int(width)), max(16, int(height))
        self.scale = scale if scale is not None else self.scale
        size = (max(16, round(self.width * self.scale)), max(16, round(self.height * self.scale)))
        self._size = size
        self.gbuffer = GBuffer(self.ctx, size, self.cast.moving)
        self._picture = self.ctx.texture(size, 4)
        self._final = self.ctx.texture((self.width, self.height), 4)
        self._picture_target = self.ctx.framebuffer([self._picture])
        self.target = self.ctx.framebuffer([self._final])
        self._picture.repeat_x = self._picture.repeat_y = False
        self._sized = [self.gbuffer, self._picture_target, self.target,
                       self._picture, self._final]  # fmt: skip
        self.contact = self._make_contact(size)
        if self.contact is not None:
            self._sized.append(self.contact)
        self.temporal = None
        self.lit.resize(size)

    def _make_temporal(self) -> Temporal:
        """Pictures are gathered over time from now on."""
        if self.temporal is None:
            self._idle.use()
            self.temporal = Temporal(self.ctx, self._size)
            self._sized.append(self.temporal)
        return self.temporal

    def _tell_motion(self, wanted: bool) -> None:
        """Whether the G-buffer says how everything moves from now on."""
        if self.cast.moving == wanted:
            return
        self.cast.moving = wanted
        self._idle.use()
        self._sized.remove(self.gbuffer)
        self.gbuffer.release()
        self.gbuffer = GBuffer(self.ctx, self._size, wanted)
        self._sized.append(self.gbuffer)

    def set_effect(self, folder: Path | None) -> None:
        """Puts an effect, a folder of effect.toml and a network, before the tone map."""
        self.lit.effect_folder = folder
        self.resize(self.width, self.height)

    def keep_linear(self) -> None:
        """From now on `data` gives what pictures are made of."""
        self.lit.keeps_linear = self.cast.moving = True
        self.resize(self.width, self.height)

    def set_quality(self, scale: float, shadow: int) -> None:
        """Pixels drawn for each pixel shown along an edge, and the shadow map's texels."""
        if shadow != self.shadow_map.texels:
            self._idle.use()
            self.shadow_map.release()
            self.shadow_map = ShadowMap(self.ctx, shadow)
        if scale != self.scale:
            self.resize(self.width, self.height, scale)

    def set_scenery(self, scenery: Scenery | None) -> None:
        """Puts a set around the cast; None takes it away."""
        self._idle.use()
        if self.stand is not None:
            self.stand.release()
        self.stand = None
        if scenery is not None:
            self.stand = Stand(self.ctx, scenery, self.cast.variants, self.outfits.most_pixels)
            for note in self.stand.notes:
                self._note(f"The set: {note}")

    def make_particles(self) -> None:
        """Particles may be drawn from now on."""
        if self.particles is None:
            self._idle.use()
            self.particles = Particles(self.ctx)

    def _make_contact(self, size: tuple[int, int]) -> Any:
        """The learned contact shading, or None and a note where it cannot be had."""
        try:
            module = importlib.import_module("understudy.runtime.viewport.effects.contact")
            return module.Contact(self.ctx, size)
        except Exception as error:
            note = f"Drawing without contact shading: {error}"
            self._note(note)
            return None

    def draw(
        self, frame: Frame | None, camera: Camera, options: Options, board: Board | None = None
    ) -> None:
        """One picture into `target`; `board` holds the HUD's text."""
        camera = replace(camera, width=self.width, height=self.height)
        inner = replace(camera, width=self.gbuffer.albedo.width, height=self.gbuffer.albedo.height)
        subjects = frame.subjects if frame else []
        veils = {**state_veils(subjects), **options.veils}
        time_s = frame.sequence * frame.rate_den / max(1, frame.rate_num) if frame else 0.0
        scene = Scene(inner, time_s, options.life)
        self._look_on(inner, options)
        self.cast.place(subjects, options.hidden, veils, scene)
        self.props.place(frame.props if frame else [], inner, self.cast.moving)
        for note in (*self.cast.notes, *self.outfits.notes, *self.props.notes):
            self._note(note)
        for placed in self.cast.placed:
            if placed.note:
                self._note(f"{placed.subject.name} is drawn as its bones: {placed.note}")
        self.lit.compile(options.look, self.stand, self.cast.variants)
        self._draw_set_shadow(inner, options)
        self._write_block(inner, options)
        self._draw_shadows(options)
        self._draw_geometry()
        contact = self._draw_contact(inner, options)
        self.lit.light(self._picture_target, self.gbuffer, contact, self.shadow_map, self.stand)
        lit_by = self.gbuffer, self.shadow_map, self.stand
        self.lit.over(self._picture, *lit_by, [self.cast, self.props], self.particles)
        self.lit.develop(self._picture_target, self.gbuffer)
        self._smooth(options)
        self.block.jitter_px = (0.0, 0.0)
        self.block.last_view_projection = inner.projection @ inner.view
        everybody, over = self.cast.placed, self.annotations
        over.shaped = self.props.shown
        over.mark(
            self.target, self.gbuffer.depth, frame, everybody, options,
            lambda: self._write_block(camera, options),
        )  # fmt: skip
        over.write(self.target, frame, everybody, camera, options, board)

    def _look_on(self, camera: Camera, options: Options) -> None:
        """Takes what this picture and the one before have to do with each other."""
        lens = circle_px(camera) if options.lens else 0.0
        shutter = options.shutter_deg / 360.0
        over_time = options.antialias == "taa"
        self._tell_motion(bool(shutter) or over_time or self.lit.keeps_linear)
        if _is_cut(self._eye, camera):
            self.block.last_view_projection = None
            self.cast.cut()
            self.props.cut()
            if self.temporal is not None:
                self.temporal.forget()
        self._eye = replace(camera)
        most = MOST_CIRCLE * camera.height
        self.block.optics = (lens, camera.focus_m, shutter, most)
        self.block.jitter_px = (0.0, 0.0)
        if self.temporal is not None and not over_time:
            self.temporal.forget()  # what it has is of pictures long gone by the time it goes on
        if over_time:
            self.block.jitter_px = self._make_temporal().jitter_px
        self.lit.begin(options, lens > LEAST_CIRCLE)

    def _smooth(self, options: Options) -> None:
        """The picture into the final one, its edges softened."""
        if options.antialias == "taa":
            gathered = self._make_temporal().render(self._picture, self.gbuffer)
            self._copy.render(self.target, gathered)
        else:
            smooth = self._fxaa if options.antialias == "fxaa" else self._copy
            smooth.render(self.target, self._picture)

    def _write_block(self, camera: Camera, options: Options) -> None:
        center, radius_m = self.cast.bounds()
        if radius_m <= SHADOW_LIMIT_M:
            radius_m = min(self.props.widen(center, radius_m, SHADOW_LIMIT_M), SHADOW_LIMIT_M)
        if radius_m > SHADOW_LIMIT_M:  # a crowd: shadows for those near the camera's target
            center, radius_m = camera.target * [1.0, 0.5, 1.0], SHADOW_LIMIT_M
        sun, box = sun_box(options.look.sun, center, radius_m, self.shadow_map.texels)
        self._box_m = box
        contact = 1.0 if options.effect and self.contact is not None else 0.0
        time_s = time.monotonic() - self._start
        if self.stand is None:
            self.block.write(camera, options.look, sun, box, contact, time_s)
            return
        scenery, stand = self.stand.scenery, self.stand
        look = replace(options.look, grid=0.0, sky_share=options.look.sky_share * scenery.sky_share)
        set_box = stand.projection, stand.depth_m
        self.block.write(
            camera, look, sun, box, contact, time_s, scenery.floor_m, scenery.lamps, set_box
        )

    def _draw_set_shadow(self, camera: Camera, options: Options) -> None:
        """The shadow of what stands still, where the sun has moved."""
        stand = self.stand
        if stand is None or not (options.shadows and stand.aim(options.look.sun)):
            return
        box_m = (stand.depth_m, stand.depth_m)
        self.block.write(camera, options.look, stand.projection, box_m, 0.0, 0.0)
        self.ctx.enable_only(moderngl.DEPTH_TEST)
        stand.draw_shadow()
        self.ctx.enable_only(moderngl.NOTHING)

    def _draw_shadows(self, options: Options) -> None:
        self.ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self.shadow_map.begin()
        if options.shadows:
            self.cast.render("shadow")
            self.props.render("shadow")
        self.ctx.enable_only(moderngl.NOTHING)
        self.shadow_map.summarize(self._box_m[0])

    def _draw_geometry(self) -> None:
        self.ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self.gbuffer.target.use()
        self.gbuffer.target.clear(depth=1.0)
        self.cast.render("body")
        self.props.render("body", self.cast.moving)
        if self.stand is not None:
            self.stand.render(MOVING if self.cast.moving else "body")
        self.ctx.enable_only(moderngl.DEPTH_TEST)
        ground = self._moving_ground if self.cast.moving else self._ground
        ground.render(moderngl.TRIANGLE_STRIP, vertices=4)
        self.ctx.enable_only(moderngl.NOTHING)

    def _draw_contact(self, camera: Camera, options: Options) -> moderngl.Texture:
        if self.contact is None or not options.effect:
            return self.lit.open
        texture = self.contact.render(self.gbuffer.depth, self.gbuffer.normal, camera)
        self.ctx.enable_only(moderngl.NOTHING)
        return texture

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    @property
    def holds_mouse(self) -> bool:
        """Whether the pointer is on something of the HUD's, so that it means no camera."""
        return self.annotations.holds_mouse

    @property
    def holds_keys(self) -> bool:
        """Whether keys are letters of a field now."""
        return self.annotations.holds_keys

    @property
    def missing_letters(self) -> str:
        """Letters of names that no font of this machine has."""
        return self.annotations.missing_letters

    def read(self) -> np.ndarray:
        """(H, W, 3) uint8, top row first."""
        data = self.target.read(components=3, alignment=1)
        return np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)[::-1]

    def data(self, camera: Camera) -> dict[str, np.ndarray]:
        """What the last picture was made of, float32, top row first, after `keep_linear`.

        colour (H, W, 3) linear before the tone map; depth (H, W) in metres, infinite for sky;
        normal (H, W, 3) in the world, 0 for sky; albedo (H, W, 3) linear
        motion (H, W, 2) pixels since the picture before, right and down; id (H, W) the subject's
        number in the frame, from 1, 0 for what is none
        """
        assert self.lit.linear is not None
        return frame_data.read(self.gbuffer, self.lit.linear.shown, camera)

    @property
    def linear(self) -> LinearLight | None:
        """The light before the tone map, where it is kept."""
        return self.lit.linear

    @property
    def characters(self) -> dict[str, Path]:
        """A character's name -> its file; subjects whose `character` names one are drawn as it."""
        return self.outfits.files

    @characters.setter
    def characters(self, files: dict[str, Path]) -> None:
        self.outfits.files = files

    def close(self) -> None:
        self.wardrobe.close()
        self.outfits.close()
        passes = (self._fxaa, self._copy, self._moving_ground, self._moving_ground_program,
                  self.annotations, self.lit)  # fmt: skip
        for optional in (self.stand, self.particles):
            if optional is not None:
                optional.release()
        for thing in (*self._sized, *passes, self.props, self.cast, self.shadow_map,
                      self.block, self._ground,
                      self._ground_program, self._idle):  # fmt: skip
            thing.release()
        self.ctx.release()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_cut(before: Camera | None, now: Camera) -> bool:
    """Whether a picture has nothing to do with the one before."""
    if before is None:
        return True
    ways = before.target - before.position, now.target - now.position
    lengths = np.linalg.norm(ways[0]) * np.linalg.norm(ways[1])
    zoomed = before.fov_y_rad / now.fov_y_rad
    return bool(
        np.linalg.norm(now.position - before.position) > CUT_M
        or ways[0] @ ways[1] < CUT_COSINE * lengths
        or not 1.0 / CUT_FOV < zoomed < CUT_FOV
    )
