"""Cameras: where the eye is, and the five ways it moves.

A camera looks along its own -Z with +Y up (OpenGL and glTF). Lenses are given as focal length and
sensor height in millimetres, as on a shot list; fov = 2 atan(sensor / 2 focal).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core import pose, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import nearest

UP = np.array([0.0, 1.0, 0.0])
SENSOR_HEIGHT_MM = 24.0  # full frame
# Width and height in mm, open gate, as their makers state them; a phone's is 1/1.28 inch.
SENSORS = {
    "s16": (12.35, 7.42),
    "s35": (24.89, 18.66),
    "ff": (36.0, 24.0),
    "lf": (36.70, 25.54),
    "65": (54.12, 25.58),
    "phone": (9.8, 7.3),
}


def fov_of_lens(focal_mm: float, sensor_height_mm: float = SENSOR_HEIGHT_MM) -> float:
    """Vertical field of view in radians."""
    return float(2.0 * np.arctan(sensor_height_mm / (2.0 * focal_mm)))


def shown_mm(sensor_mm: tuple[float, float], aspect: float, window: float) -> float:
    """How high on the sensor, in mm, what a window shows is.

    The picture of an aspect is the largest that the sensor has; the window, whose aspect is
    `window`, is as large as needed to hold all of it.
    """
    wide = min(sensor_mm[0], sensor_mm[1] * aspect)
    return max(wide / aspect, wide / window)


@dataclass
class Camera:
    """An eye at `position` (3,) that looks at `target` (3,), in metres, `up` (3,) upwards."""

    position: Array = field(default_factory=lambda: np.array([0.0, 1.4, 4.0]))
    target: Array = field(default_factory=lambda: np.array([0.0, 1.0, 0.0]))
    fov_y_rad: float = fov_of_lens(38.0)
    width: int = 1280
    height: int = 720
    near_m: float = 0.05
    far_m: float = 1000.0
    up: Array = field(default_factory=lambda: UP)
    sensor_mm: float = SENSOR_HEIGHT_MM  # how high what the picture shows is on the sensor
    stop: float = 0.0  # the T-stop; 0: nothing is out of focus
    focus_m: float = 0.0  # what is in focus, along the view; 0: nobody said

    @property
    def focal_mm(self) -> float:
        """The focal length that its field of view has on its sensor."""
        return float(0.5 * self.sensor_mm / np.tan(0.5 * self.fov_y_rad))

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @property
    def to_world(self) -> Array:
        """(4, 4) camera to world."""
        back = normalize(self.position - self.target)
        # Straight up or down there is no horizon to keep level.
        up = self.up if abs(back @ self.up) < 0.9999 else np.array([0.0, 0.0, -1.0])
        right = normalize(np.cross(up, back))
        m = np.eye(4)
        m[:3, 0], m[:3, 1], m[:3, 2] = right, np.cross(back, right), back
        m[:3, 3] = self.position
        return m

    @property
    def view(self) -> Array:
        """(4, 4) world to camera."""
        m = self.to_world
        inverse = np.eye(4)
        inverse[:3, :3] = m[:3, :3].T
        inverse[:3, 3] = -m[:3, :3].T @ m[:3, 3]
        return inverse

    @property
    def projection(self) -> Array:
        """(4, 4) camera to clip space, z from -1 (near) to 1 (far)."""
        f, n, z = 1.0 / np.tan(self.fov_y_rad / 2), self.near_m, self.far_m
        m = np.zeros((4, 4))
        m[0, 0], m[1, 1] = f / self.aspect, f
        m[2, 2], m[2, 3] = (z + n) / (n - z), 2 * z * n / (n - z)
        m[3, 2] = -1.0
        return m

    @property
    def heading_rad(self) -> float:
        """Turn about +Y that takes +Z to where the camera looks: sticks are relative to it."""
        ahead = self.target - self.position
        return float(np.arctan2(ahead[0], ahead[2]))

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels (N, 2), top left (0, 0), and depths (N,) in metres of world points (N, 3)."""
        p = np.asarray(points, float) @ self.view[:3, :3].T + self.view[:3, 3]
        depth = np.maximum(-p[:, 2], 1e-6)
        half = np.tan(self.fov_y_rad / 2)
        x = (p[:, 0] / (depth * half * self.aspect) + 1.0) * 0.5 * self.width
        y = (1.0 - p[:, 1] / (depth * half)) * 0.5 * self.height
        return np.stack([x, y], -1), -p[:, 2]


def look_through(camera: Camera, seen: pose.Camera) -> None:
    """Puts the eye into a camera of the stage; all that its sensor sees is in the picture."""
    turn = normalize(np.asarray(seen.rotation, float))
    camera.position = np.asarray(seen.position, float)
    camera.target = camera.position + rotation.rotate(turn, np.array([0.0, 0.0, -1.0]))
    camera.up = rotation.rotate(turn, UP)
    width_mm, height_mm = seen.sensor_mm
    if seen.focal_mm > 0.0 and width_mm > 0.0 and height_mm > 0.0:
        camera.sensor_mm = max(height_mm, width_mm / camera.aspect)
        camera.fov_y_rad = fov_of_lens(seen.focal_mm, camera.sensor_mm)
    camera.stop, camera.focus_m = max(seen.iris, 0.0), max(seen.focus_m, 0.0)


def gaze(head_rotation: Array) -> tuple[float, float]:
    """Yaw and pitch, in radians, of where a head (4,) that faces +Z at rest looks."""
    ahead = rotation.rotate(head_rotation, np.array([0.0, 0.0, 1.0]))
    up = rotation.rotate(head_rotation, UP)
    flat = ahead - ahead[1] * up  # straight down, the crown points ahead
    return float(np.arctan2(flat[0], flat[2])), float(np.arcsin(np.clip(ahead[1], -1.0, 1.0)))


# People and rigs at ease hold the head 25 degrees down to 10 up, and the eyes level all the same.
AT_EASE_RAD, KNEE_RAD = np.radians(-8.0), np.radians(22.0)


def eyes_pitch(head_pitch_rad: float) -> float:
    """How far up the eyes look: level while the head is at ease, with it where it really tilts."""
    off = head_pitch_rad - AT_EASE_RAD
    return float(off - KNEE_RAD * np.tanh(off / KNEE_RAD))


VELOCITY_HALFLIFE_S = 0.2
GAZE_HALFLIFE_S = 0.1
PULL_HALFLIFE_S = 0.22  # of the focus, when it goes to somebody else
FARTHEST_M = 500.0
FASTEST_M_S = 15.0


def decay(halflife_s: float, dt_s: float) -> float:
    """The share that is left of a difference after dt_s."""
    return float(2.0 ** (-dt_s / max(halflife_s, 1e-5)))


@dataclass(frozen=True)
class Lens:
    """What a camera has that says nothing of its own.

    stop   the T-stop
    focus  metres; or a SUBJECT's head, or SUBJECT/JOINT; "" the head of whom it follows
    handheld  0 on a tripod, 1 on a shoulder
    """

    stop: float = 2.8
    focus: str = ""
    handheld: float = 0.0

    @property
    def focus_m(self) -> float:
        """Where it says a distance; else 0."""
        try:
            return float(self.focus)
        except ValueError:
            return 0.0

    def check(self, who: Iterable[tuple[str, Skeleton]]) -> None:
        """Refuses a focus on nobody, by the names of those that there are and their skeletons."""
        name, _, joint = self.focus.partition("/")
        there = dict(who)
        if not name or self.focus_m:
            return
        if name not in there:
            raise UnderstudyError(
                f"--focus {self.focus}: nobody is called {name!r}{nearest(name, there)}; there are "
                f"{', '.join(there) or 'none'}."
            )
        if joint and joint not in there[name].names:
            near = nearest(joint, there[name].names)
            raise UnderstudyError(f"--focus {self.focus}: {name} has no joint {joint!r}{near}.")


@dataclass
class Focus:
    """What a camera follows: the hips' point on the ground, heading, head, and the cast's size."""

    ground: Array = field(default_factory=lambda: np.zeros(3))
    heading_rad: float = 0.0
    head: Array = field(default_factory=lambda: np.array([0.0, 1.65, 0.05]))
    head_rotation: Array = field(default_factory=lambda: np.array([0.0, 0.0, 0.0, 1.0]))
    center: Array = field(default_factory=lambda: np.array([0.0, 0.95, 0.0]))
    radius_m: float = 1.0
    points: Array = field(default_factory=lambda: np.zeros((1, 3)))  # (N, 3) of whom it follows


@dataclass
class Rig:
    """The cameras over one eye: third, first, orbit, fixed, and one that the stage sends.

    `follow` moves it each frame; a camera of the stage is looked through by `look_through`.
    """

    kind: str = "third"
    yaw_rad: float = 0.0  # of the orbit, and of a third person turned by the mouse
    pitch_rad: float = 0.16
    distance_m: float = 3.4
    focal_mm: float = 38.0
    sensor_mm: float = SENSOR_HEIGHT_MM  # how high what the window shows is
    position_halflife_s: float = 0.12
    heading_halflife_s: float = 0.55
    turns: bool = True  # does the third person swing round behind the subject
    scope: str = "near"  # whom it follows, as `focus_of` takes it
    fits: bool = False  # does it step back when they spread
    lens: Lens = field(default_factory=lambda: Lens())
    _center: Array | None = None
    _seen: Array = field(default_factory=lambda: np.zeros(3))
    _velocity: Array = field(default_factory=lambda: np.zeros(3))
    _heading_rad: float = 0.0
    _pulled_m: float = 0.0
    _gaze: Array | None = None  # yaw and pitch of the first person, and the eye's height

    KINDS = ("third", "first", "orbit", "fixed", "stage")

    def follow(self, camera: Camera, focus: Focus, dt_s: float) -> Camera:
        """Moves the camera for this frame; the first call jumps there."""
        if self._center is None:
            self._center, self._heading_rad = focus.center.copy(), focus.heading_rad
            self._seen = focus.center
            dt_s = 1e3
        camera.stop = camera.focus_m = 0.0
        if self.kind in ("fixed", "stage"):
            return camera
        camera.near_m, camera.up = 0.05, UP
        camera.fov_y_rad = fov_of_lens(self.focal_mm, self.sensor_mm)
        camera.sensor_mm = self.sensor_mm
        left = decay(self.position_halflife_s, dt_s)
        # Going along with the subject's mean velocity, a runner stays in the middle of the picture.
        velocity = (focus.center - self._seen) / max(dt_s, 1e-4)
        if np.linalg.norm(velocity) > FASTEST_M_S:  # a loop's jump back is no movement
            velocity = np.zeros(3)
        self._velocity += (velocity - self._velocity) * (1.0 - decay(VELOCITY_HALFLIFE_S, dt_s))
        self._seen = focus.center.copy()
        self._center = self._center + self._velocity * min(dt_s, 0.1)
        self._center = focus.center + (self._center - focus.center) * left
        if self.kind == "first":
            return self._look_out(camera, focus, decay(GAZE_HALFLIFE_S, dt_s))
        self._gaze = None
        if self.kind == "third" and self.turns:
            apart = np.angle(np.exp(1j * (focus.heading_rad - self._heading_rad)))
            self._heading_rad += apart * (1.0 - decay(self.heading_halflife_s, dt_s))
        if self.fits and self.scope != "near":
            self.distance_m = max(self.distance_m, self._needed_m(camera, focus))
        distance = max(self.distance_m, 0.4)
        if self.kind == "third" and self.scope == "near":
            distance = max(distance, 1.02 * focus.radius_m / np.tan(0.5 * camera.fov_y_rad))
        camera.target = self._center.copy()
        camera.position = self._center + self._back() * distance
        camera.position[1] = max(camera.position[1], 0.08)  # never below the ground
        return camera

    def pull(self, camera: Camera, point: Array | None, dt_s: float) -> None:
        """Focuses a camera that has been moved and says no stop or focus of its own: on a point
        (3,), softly, or at its lens's own distance."""
        camera.stop = camera.stop or self.lens.stop
        if camera.focus_m > 0.0:
            self._pulled_m = camera.focus_m
            return
        wanted_m = self.lens.focus_m
        if not wanted_m and point is not None:
            wanted_m = float((point - camera.position) @ normalize(camera.target - camera.position))
        if wanted_m > 0.0:
            left = decay(PULL_HALFLIFE_S, dt_s) if self._pulled_m else 0.0
            self._pulled_m = wanted_m + (self._pulled_m - wanted_m) * left
        camera.focus_m = self._pulled_m

    def _look_out(self, camera: Camera, focus: Focus, left: float) -> Camera:
        """First person: the head's way to look without its nods, on a level horizon."""
        yaw, pitch = gaze(focus.head_rotation)
        now = np.array([yaw, eyes_pitch(pitch), focus.head[1]])
        if self._gaze is None:
            self._gaze = now
        apart = now - self._gaze
        apart[0] = np.angle(np.exp(1j * apart[0]))
        self._gaze = self._gaze + apart * (1.0 - left)
        yaw, pitch, height_m = self._gaze
        flat = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        camera.position = focus.head * [1.0, 0.0, 1.0] + UP * (height_m + 0.085) + 0.13 * flat
        camera.target = camera.position + flat * np.cos(pitch) + UP * np.sin(pitch)
        camera.fov_y_rad = fov_of_lens(18.0)
        return camera

    def frame(self, camera: Camera, scope: str, focus: Focus) -> None:
        """Turns to everybody ("all") or the followed one ("one"), as near as shows them whole."""
        self.scope = scope
        if self.kind not in ("third", "orbit"):
            self.kind = "orbit"
        self.fits, self.distance_m = True, self._needed_m(camera, focus)

    def _needed_m(self, camera: Camera, focus: Focus) -> float:
        """From how far all of whom it follows is in the picture."""
        back = self._back()
        right = normalize(np.cross(UP, back))
        off = focus.points - focus.center
        slope = np.tan(0.5 * fov_of_lens(self.focal_mm, self.sensor_mm))
        high = np.abs(off @ np.cross(back, right)) / slope
        wide = np.abs(off @ right) / (slope * camera.aspect)
        # What is nearer to the eye than the middle needs the eye to be farther off.
        needed_m = float(np.max(1.15 * np.maximum(wide, high) + off @ back))
        return float(np.clip(needed_m, 0.6, FARTHEST_M))

    def _back(self) -> Array:
        """(3,) from what is looked at to the eye."""
        around = self.yaw_rad + (self._heading_rad if self.kind == "third" else np.pi)
        flat = np.cos(self.pitch_rad)
        return np.array([-np.sin(around) * flat, np.sin(self.pitch_rad), -np.cos(around) * flat])

    def drag(self, dx_px: float, dy_px: float) -> None:
        """Turns by the mouse."""
        self.yaw_rad -= 0.006 * dx_px
        self.pitch_rad = float(np.clip(self.pitch_rad + 0.006 * dy_px, -0.25, 1.5))

    def zoom(self, clicks: float) -> None:
        self.fits = False
        self.distance_m = float(np.clip(self.distance_m * 0.9**clicks, 0.6, FARTHEST_M))


def shot(
    position: Array, target: Array, focal_mm: float, size: tuple[int, int], sensor_height_mm: float
) -> Camera:
    """A fixed camera from a shot list."""
    return Camera(
        np.asarray(position, float),
        np.asarray(target, float),
        fov_of_lens(focal_mm, sensor_height_mm),
        *size,
        sensor_mm=sensor_height_mm,
    )
