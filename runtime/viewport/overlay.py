"""Marks over the picture: bones, root trajectory, intent, foot contacts, cameras and props."""

from __future__ import annotations

import moderngl
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.palette import STATE_COLOUR, linear
from understudy.runtime.core.pose import Camera, Prop, State, Subject
from understudy.runtime.core.rotation import Array

from . import gl
from .cast import Placed

LINE, RIBBON, DISC, ARROW = 0.0, 1.0, 2.0, 3.0
GROUND_M = 0.006  # above the ground, so that marks do not sink into it

# sRGB
BONE = (0.96, 0.97, 1.0)
BONE_LEFT = (1.0, 0.50, 0.32)
BONE_RIGHT = (0.28, 0.78, 0.88)
PAST, AHEAD = (0.75, 0.78, 0.82), (0.20, 0.80, 1.0)
TRAVEL, FACING = (1.0, 0.80, 0.22), (0.92, 0.94, 1.0)
CONTACT = (0.30, 0.95, 0.60)
CAMERA = (0.98, 0.86, 0.45)
AXES = ((0.95, 0.35, 0.35), (0.45, 0.85, 0.40), (0.35, 0.60, 1.0))
FRUSTUM_M = 0.5
PROP_M = 0.15

VEIL = 0.45  # how much of the state's colour lies over a body that its source does not move

Mark = tuple[Array, float, Array, float, tuple[float, float, float], float]


def state_veils(subjects: list[Subject]) -> dict[str, Array]:
    """A veil in the state's colour, linear, over everybody who is not live."""
    return {
        subject.name: np.array([*linear(STATE_COLOUR[subject.state]), VEIL])
        for subject in subjects
        if subject.state is not State.LIVE
    }


def bones(placed: Placed) -> list[Mark]:
    """A line for each bone: left ones warm, right ones cool."""
    skeleton, world_p = placed.subject.skeleton, placed.world_p
    out: list[Mark] = []
    for j, name in enumerate(skeleton.names):
        low = name.lower()
        colour = BONE_LEFT if "left" in low else BONE_RIGHT if "right" in low else BONE
        parent = int(skeleton.parents[j])
        if parent >= 0:
            out.append((world_p[parent], 4.5, world_p[j], LINE, colour, 0.9))
        if np.all(np.isfinite(skeleton.tips[j])):
            tip = world_p[j] + rotation.rotate(placed.world_r[j], skeleton.tips[j])
            out.append((world_p[j], 4.5, tip, LINE, colour, 0.9))
    out += [(p, 8.0, p, LINE, BONE, 1.0) for p in world_p]
    return out


def path(subject: Subject) -> list[Mark]:
    """The root's trajectory as a ribbon, past pale and future bright, with facings."""
    steps = np.asarray(subject.trajectory, float)
    if len(steps) < 2 or not np.all(np.isfinite(steps)):
        return []
    points = np.stack([steps[:, 0], np.full(len(steps), GROUND_M), steps[:, 1]], axis=1)
    root = np.asarray(subject.pose.positions[0], float)[[0, 2]]
    now = int(np.argmin(np.sum((steps[:, :2] - root) ** 2, axis=1)))
    out: list[Mark] = []
    for i in range(len(points) - 1):
        past = i < now
        alpha = 0.35 if past else 0.9 - 0.5 * (i - now) / max(1, len(points) - now)
        out.append((points[i], 0.035, points[i + 1], RIBBON, PAST if past else AHEAD, alpha))
    for i in range(0, len(points), max(1, len(points) // 6)):
        ahead = np.array([steps[i, 2], 0.0, steps[i, 3]])
        if np.linalg.norm(ahead) > 0.1 and i >= now:
            start = points[i] + ahead * 0.03
            out.append((start, 0.09, start + ahead * 0.10, ARROW, AHEAD, 0.75))
    return out


def wish(subject: Subject) -> list[Mark]:
    """Arrows on the ground for the intent: where to, and facing what."""
    if subject.intent is None:
        return []
    root = np.asarray(subject.pose.positions[0], float) * [1.0, 0.0, 1.0]
    out: list[Mark] = []
    for wanted, colour, length, width, lift in (
        (subject.intent.travel, TRAVEL, 1.1, 0.055, 3),
        (subject.intent.facing, FACING, 0.6, 0.035, 2),
    ):
        run = np.array([wanted[0], 0.0, wanted[1]], float)
        size = float(np.linalg.norm(run))
        if not 0.05 < size < 10.0:
            continue
        unit = run / size
        ground = np.array([0.0, GROUND_M * lift, 0.0])
        start = root + unit * 0.34 + ground
        end = start + unit * length * min(size, 1.0)
        out.append((start, width, end, RIBBON, colour, 0.92))
        out.append((end, 3.6 * width, end + unit * 3.2 * width, ARROW, colour, 0.92))
    return out


def feet(placed: Placed) -> list[Mark]:
    """A disc under each planted joint, as firm as the contact."""
    out: list[Mark] = []
    for joint, firm in np.asarray(placed.subject.contacts, float).reshape(-1, 2):
        if firm > 0.05 and 0 <= int(joint) < len(placed.world_p):
            at = placed.world_p[int(joint)] * [1.0, 0.0, 1.0] + [0.0, GROUND_M * 1.5, 0.0]
            out.append((at, 0.20, at, DISC, CONTACT, 0.85 * min(1.0, firm)))
    return out


def thing_colour(thing: Camera | Prop) -> tuple[float, float, float]:
    """Yellow, or the colour of its state where its source is silent."""
    return CAMERA if thing.state is State.LIVE else STATE_COLOUR[thing.state]


def frustum(camera: Camera) -> list[Mark]:
    """The pyramid that a camera sees, half a metre deep, with a tick on its upper edge."""
    focal_mm, (width_mm, height_mm) = camera.focal_mm, camera.sensor_mm
    eye = np.asarray(camera.position, float)
    numbers = (*eye, *camera.rotation, focal_mm, width_mm, height_mm)
    if not np.all(np.isfinite(numbers)) or focal_mm <= 0.0:
        return []
    x, y = 0.5 * FRUSTUM_M * width_mm / focal_mm, 0.5 * FRUSTUM_M * height_mm / focal_mm
    local = [(-x, -y), (x, -y), (x, y), (-x, y), (-0.3 * x, y), (0.0, 1.4 * y), (0.3 * x, y)]
    turn = np.asarray(camera.rotation, float)
    ends = [eye + rotation.rotate(turn, np.array([a, b, -FRUSTUM_M])) for a, b in local]
    lines = [(eye, end) for end in ends[:4]]
    lines += [(ends[i], ends[(i + 1) % 4]) for i in range(4)]
    lines += [(ends[4], ends[5]), (ends[5], ends[6])]
    return [(start, 2.5, end, LINE, thing_colour(camera), 0.9) for start, end in lines]


def axes(prop: Prop) -> list[Mark]:
    """A prop's own axes: x red, y green, z blue."""
    at, turn = np.asarray(prop.position, float), np.asarray(prop.rotation, float)
    if not np.all(np.isfinite((*at, *turn))):
        return []
    ends = at + rotation.rotate(turn, PROP_M * np.eye(3))
    return [(at, 4.0, end, LINE, colour, 0.95) for end, colour in zip(ends, AXES)]


class Overlay:
    """Draws marks into a target, over what is there; ground marks hide behind the scene's depth."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._program = gl.program(ctx, "overlay.glsl")
        self._program["depth_map"].value = 0  # type: ignore[union-attr]
        self._room = 0
        self._buffer: moderngl.Buffer | None = None
        self._vao: moderngl.VertexArray | None = None

    def draw(
        self, target: moderngl.Framebuffer, depth: moderngl.Texture, marks: list[Mark]
    ) -> None:
        if not marks:
            return
        rows = np.empty((len(marks), 12), np.float32)
        for row, (start, width, end, kind, colour, alpha) in zip(rows, marks, strict=True):
            row[:3], row[3], row[4:7], row[7] = start, width, end, kind
            row[8:11], row[11] = colour, alpha
        self._reserve(len(rows))
        assert self._buffer and self._vao
        self._buffer.write(rows.tobytes())
        target.use()
        depth.use(0)
        self._ctx.enable_only(moderngl.BLEND)
        self._ctx.blend_func = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA)
        self._vao.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(rows))
        self._ctx.enable_only(moderngl.NOTHING)

    def _reserve(self, count: int) -> None:
        if count <= self._room:
            return
        self._release_buffers()
        self._room = max(256, 1 << (count - 1).bit_length())
        self._buffer = self._ctx.buffer(reserve=self._room * 48, dynamic=True)
        inputs = (self._buffer, "4f4 4f4 4f4 /i", "from_width", "to_kind", "paint")
        self._vao = self._ctx.vertex_array(self._program, [inputs])

    def _release_buffers(self) -> None:
        for thing in (self._vao, self._buffer):
            if thing is not None:
                thing.release()

    def release(self) -> None:
        self._release_buffers()
        self._program.release()
