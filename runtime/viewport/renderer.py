"""The renderer: a frame of poses goes in, a picture comes out. `draw` reads as the frame."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from understudy.runtime.core import pose
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array

from . import gl
from .camera import Camera
from .cast import MOVING, Cast, Scene
from .character_costume import NEAR_UNIT, SET_UNIT, SHADOW_UNIT, SKY_UNIT
from .gbuffer import LIT_BY, GBuffer
from .hud import Board, Hud
from .labels import over_heads
from .linear_light import LinearLight
from .look import Look
from .mesh.mannequin import GRID_M
from .mesh.store import Wardrobe
from .optics import LEAST_CIRCLE, MOST_CIRCLE, circle_px
from .outfit import Outfits
from .overlay import (
    Mark,
    Overlay,
    axes,
    bones,
    feet,
    frustum,
    path,
    state_veils,
    wish,
)
from .sets.scenery import Scenery
from .shadow import ShadowMap, sun_box
from .sky_map import SkyMap
from .stand import Stand
from .temporal import Temporal
from .uniforms import FrameBlock

SHADOW_LIMIT_M = 12.0
ANTIALIAS = ("fxaa", "taa", "none")  # of one picture, over time, not at all
# Further than this, or more turned or zoomed, between two pictures is a cut.
CUT_M, CUT_COSINE, CUT_FOV = 0.6, 0.9, 1.25
SPARE_GRID_M = 0.016
KEEP_LUMA = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE)
MOST_PIXELS, SPARE_PIXELS = 4096, 1024  # along the edge of a character's picture


@dataclass
class Options:
    """What to draw besides the cast."""

    effect: bool = True  # the learned contact shading
    image_effect: bool = True  # the effect of `Renderer.set_effect`, where one is set
    shadows: bool = True
    lens: bool = False  # depth of field, where the camera has a stop and something in focus
    shutter_deg: float = 0.0  # how long of a picture's time it is open, for motion blur; 0: sharp
    antialias: str = "fxaa"  # one of ANTIALIAS
    life: bool = True  # faces of characters blink and glance where nobody moves them
    skeleton: bool = False
    trajectory: bool = False
    contacts: bool = False
    labels: bool = False
    hud: bool = False
    aspect: float = 0.0  # of the picture that is meant: what lies outside is shaded; 0: all of it
    guides: bool = False  # its thirds, middle, and safe areas
    hidden: str | None = None  # the subject whose eyes the camera looks through
    hidden_cameras: frozenset[str] = frozenset()  # those that are this eye
    followed: str | None = None  # the subject that gets its name shown first
    veils: dict[str, Array] = field(
        default_factory=dict
    )  # a subject's name: `Cast.place` says what
    look: Look = field(default_factory=Look)


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
        self.shadow_map = ShadowMap(self.ctx, shadow)
        self.block = FrameBlock(self.ctx)
        self._ground_program = gl.program(self.ctx, "ground.glsl")
        self._ground = self.ctx.vertex_array(self._ground_program, [])
        self._sky: tuple[SkyMap, moderngl.Texture] | None = None
        self._words: dict[str, object] = {}  # that the passes which light are compiled with
        self._light = gl.Pass(self.ctx, "light.glsl", LIT_BY)
        self.stand: Stand | None = None
        self._fxaa = gl.Pass(self.ctx, "fxaa.glsl", ("picture",))
        self._copy = gl.Pass(self.ctx, "copy.glsl", ("picture",))
        self._moving_ground_program = gl.program(self.ctx, "ground.glsl", MOTION=1)
        self._moving_ground = self.ctx.vertex_array(self._moving_ground_program, [])
        self._open = self.ctx.texture((1, 1), 1, b"\xff")
        self._idle = self.ctx.simple_framebuffer((1, 1))
        self.overlay = Overlay(self.ctx)
        self._window = window
        self._hud: Hud | None = None
        self._hud_s = 0.0
        self._start = time.monotonic()
        self._cameras: list[pose.Camera] = []
        self._props: list[pose.Prop] = []
        self._sized: list = []
        self.scale = scale
        self.points: tuple[int, int] | None = None  # the window's, as `Hud.draw` takes them
        self.density = 1.0
        self.notes: list[str] = []
        self.contact = None
        self.linear: LinearLight | None = None
        self.temporal: Temporal | None = None
        self._eye: Camera | None = None  # of the picture before
        self._keeps_linear = False
        self._effect_folder: Path | None = None
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
        self.linear = self.temporal = None
        if self._effect_folder is not None or self._keeps_linear:
            self._make_linear()

    def _make_linear(self) -> LinearLight:
        """The light is kept linear from now on."""
        if self.linear is None:
            self._idle.use()
            self.linear = LinearLight(self.ctx, self._size, self._words)
            self._sized.append(self.linear)
            if self._effect_folder is not None:
                self.linear.set_effect(self._effect_folder)
        return self.linear

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
        self._effect_folder = folder
        self.resize(self.width, self.height)

    def keep_linear(self) -> None:
        """From now on `data` gives what pictures are made of."""
        self._keeps_linear = self.cast.moving = True
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

    def _compile(self, look: Look) -> None:
        """The passes that light, with what this look and set need and no more."""
        words = look.defines()
        if self.stand is not None:
            words |= {"SET": 1} | ({"LAMPS": 1} if self.stand.scenery.lamps else {})
        if words == self._words:
            return
        self._words = words
        self._light.release()
        self._light = gl.Pass(self.ctx, "light.glsl", LIT_BY, **words)
        self.cast.variants.light_by(words)
        if self.linear is not None:
            self.linear.light_by(words)

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
        for note in (*self.cast.notes, *self.outfits.notes):
            self._note(note)
        for placed in self.cast.placed:
            if placed.note:
                self._note(f"{placed.subject.name} is drawn as its bones: {placed.note}")
        self._compile(options.look)
        self._draw_set_shadow(inner, options)
        self._write_block(inner, options)
        self._draw_shadows(options)
        self._draw_geometry()
        contact = self._draw_contact(inner, options)
        self._draw_light(contact, options)
        self._draw_over(options)
        self._develop(options)
        self._smooth(options)
        self.block.jitter_px = (0.0, 0.0)
        self.block.last_view_projection = inner.projection @ inner.view
        self._cameras = (
            [c for c in frame.cameras if c.name not in options.hidden_cameras] if frame else []
        )
        self._props = frame.props if frame else []
        self._draw_overlay(camera, options)
        self._draw_hud(camera, options, board)

    def _look_on(self, camera: Camera, options: Options) -> None:
        """Takes what this picture and the one before have to do with each other."""
        lens = circle_px(camera) if options.lens else 0.0
        shutter = options.shutter_deg / 360.0
        self._lens = lens * (1.0 if camera.focus_m < camera.far_m else 0.0)
        over_time = options.antialias == "taa"
        self._tell_motion(bool(shutter) or over_time or self._keeps_linear)
        if _is_cut(self._eye, camera):
            self.block.last_view_projection = None
            self.cast.cut()
            if self.temporal is not None:
                self.temporal.forget()
        self._eye = replace(camera)
        most = MOST_CIRCLE * camera.height
        self.block.optics = (lens, camera.focus_m, shutter, most)
        self.block.jitter_px = (0.0, 0.0)
        if over_time:
            self.block.jitter_px = self._make_temporal().jitter_px
        if self._lens > LEAST_CIRCLE or shutter:
            self._make_linear()

    def _is_linear(self, options: Options) -> bool:
        """Whether something works on the light before the tone map."""
        if self.linear is None:
            return False
        effect = options.image_effect and self.linear.effect is not None
        return bool(
            effect or self._keeps_linear or self._lens > LEAST_CIRCLE or options.shutter_deg
        )

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
        self.ctx.enable_only(moderngl.NOTHING)
        self.shadow_map.summarize(self._box_m[0])

    def _draw_geometry(self) -> None:
        self.ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self.gbuffer.target.use()
        self.gbuffer.target.clear(depth=1.0)
        self.cast.render("body")
        if self.stand is not None:
            self.stand.render(MOVING if self.cast.moving else "body")
        self.ctx.enable_only(moderngl.DEPTH_TEST)
        ground = self._moving_ground if self.cast.moving else self._ground
        ground.render(moderngl.TRIANGLE_STRIP, vertices=4)
        self.ctx.enable_only(moderngl.NOTHING)

    def _draw_contact(self, camera: Camera, options: Options) -> moderngl.Texture:
        if self.contact is None or not options.effect:
            return self._open
        texture = self.contact.render(self.gbuffer.depth, self.gbuffer.normal, camera)
        self.ctx.enable_only(moderngl.NOTHING)
        return texture

    def _draw_light(self, contact: moderngl.Texture, options: Options) -> None:
        g, s = self.gbuffer, self.shadow_map
        still = self.stand.shadow if self.stand is not None else s.depth
        sky = self._sky_texture(options.look)
        lit_by = (g.albedo, g.normal, g.depth, contact, s.depth, s.near, still, sky)
        if self.linear is not None and self._is_linear(options):
            self.linear.light.render(self.linear.target, *lit_by)
        else:
            self._light.render(self._picture_target, *lit_by)

    def _sky_texture(self, look: Look) -> moderngl.Texture:
        """The sky of a picture; one texel where there is none."""
        sky = look.sky_map
        if sky is None:
            return self._open
        if self._sky is None or self._sky[0] is not sky:
            if self._sky is not None:
                self._sky[1].release()
            height, width = sky.pixels.shape[:2]
            rows = np.minimum(sky.pixels[::-1], 6e4).astype("f2")
            texture = self.ctx.texture((width, height), 3, rows.tobytes(), dtype="f2")
            texture.repeat_y = False
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._sky = sky, texture
        return self._sky[1]

    def _draw_over(self, options: Options) -> None:
        """What is translucent or glows, over what does not, in the same light."""
        stand = self.stand if self.stand is not None and self.stand.is_over else None
        if not (self.cast.is_over or stand):
            return
        linear = self.linear if self._is_linear(options) else None
        picture = linear.texture if linear is not None else self._picture
        target = self.ctx.framebuffer([picture], self.gbuffer.zbuffer)
        target.use()
        self.ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
        # The fourth number is the luma that the anti-aliasing goes by, and stays as it is.
        self.ctx.blend_func = KEEP_LUMA  # type: ignore[assignment]
        target.depth_mask = False
        self.ctx.depth_func = "<="
        self.shadow_map.depth.use(SHADOW_UNIT)
        self.shadow_map.near.use(NEAR_UNIT)
        self._sky_texture(options.look).use(SKY_UNIT)
        if self.stand is not None:
            self.stand.shadow.use(SET_UNIT)
        name = "over linear" if linear is not None else "over"
        if stand is not None:
            stand.render(name)
        self.cast.render(name)
        self.ctx.enable_only(moderngl.NOTHING)
        self.ctx.blend_func = moderngl.DEFAULT_BLENDING  # type: ignore[assignment]
        self.ctx.depth_func = "<"
        self._idle.use()
        target.release()

    def _develop(self, options: Options) -> None:
        """The lens, the shutter and the effect on linear light, then the tone map."""
        if self.linear is not None and self._is_linear(options):
            lens, shutter = self._lens > LEAST_CIRCLE, options.shutter_deg > 0.0
            light = self.linear.render(self.gbuffer, lens, shutter, options.image_effect)
            self.ctx.enable_only(moderngl.NOTHING)
            self.linear.present.render(self._picture_target, light)

    def _draw_overlay(self, camera: Camera, options: Options) -> None:
        marks: list[Mark] = [mark for seen in self._cameras for mark in frustum(seen)]
        marks += [mark for prop in self._props for mark in axes(prop)]
        for placed in self.cast.placed:
            marks += path(placed.subject) if options.trajectory else []
            marks += wish(placed.subject) if options.trajectory else []
            marks += feet(placed) if options.contacts else []
            seen = placed.subject.name != options.hidden
            marks += bones(placed) if seen and (options.skeleton or not placed.dressed) else []
        if marks:
            self._write_block(camera, options)  # lines are as wide as the shown picture's pixels
            self.overlay.draw(self.target, self.gbuffer.depth, marks)

    def _draw_hud(self, camera: Camera, options: Options, board: Board | None) -> None:
        editor = board.editor if board is not None else None
        framed = bool(options.aspect or options.guides)
        palette = board.palette if board is not None else None
        asked = palette is not None and palette.open
        if not (options.hud or options.labels or editor or framed or asked or self.holds_keys):
            return  # a field that was closed lets go of the keys in one more picture
        if self._hud is None:
            self._hud = Hud(self._window)
        board = (
            board if board is not None and options.hud else Board(editor=editor, palette=palette)
        )
        board.aspect, board.guides = options.aspect, options.guides
        if options.labels:
            things: list[pose.Camera | pose.Prop] = [*self._cameras, *self._props]
            board.labels = over_heads(
                self.cast.placed, things, camera, options.hidden, options.followed
            )
        now_s = time.monotonic()
        dt_s = now_s - self._hud_s if self._hud_s else 1 / 60
        self._hud.draw(self.target, board, dt_s, self.points, self.density)
        self._hud_s = now_s

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    @property
    def holds_mouse(self) -> bool:
        """Whether the pointer is on something of the HUD's, so that it means no camera."""
        return self._hud is not None and self._hud.wants_mouse()

    @property
    def holds_keys(self) -> bool:
        """Whether keys are letters of a field now."""
        return self._hud is not None and self._hud.wants_keys()

    @property
    def missing_letters(self) -> str:
        """Letters of names that no font of this machine has."""
        return "".join(sorted(self._hud.fonts.missing)) if self._hud is not None else ""

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
        g = self.gbuffer
        assert self.linear is not None and g.motion is not None

        def values(texture: moderngl.Texture, dtype: type, count: int) -> np.ndarray:
            shape = (texture.height, texture.width, count)
            return np.frombuffer(texture.read(), dtype).reshape(shape)[::-1].astype(np.float32)

        depth = values(g.depth, np.float32, 1)[..., 0]
        there = depth > 0.0
        moved = values(g.motion, np.float16, 4)
        normal = values(g.normal, np.float16, 4)[..., :3] @ camera.view[:3, :3].astype(np.float32)
        albedo = np.square(values(g.albedo, np.uint8, 4)[..., :3] / 255.0)
        return {
            "colour": values(self.linear.shown, np.float16, 4)[..., :3],
            "depth": np.where(there, depth, np.inf),
            "normal": normal * there[..., None],
            "albedo": albedo * there[..., None],
            "motion": moved[..., :2] * there[..., None] * [depth.shape[1], -depth.shape[0]],
            "id": moved[..., 2] * there,
        }

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
        if self._hud is not None:
            self._hud.close()
        passes = (self._light, self._fxaa, self._copy, self._moving_ground,
                  self._moving_ground_program, self.overlay)  # fmt: skip
        if self.stand is not None:
            self.stand.release()
        if self._sky is not None:
            self._sky[1].release()
        for thing in (*self._sized, *passes, self.cast, self.shadow_map, self.block, self._ground,
                      self._ground_program, self._open, self._idle):  # fmt: skip
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
