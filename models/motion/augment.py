"""What the data lacks, made from what it has: mirror, tempo, bends, strafes, starts, stops.

Every function takes a strip and gives a new one. Feet are moved by two-bone IK in the root's frame;
what is left of sliding is cleaned when the director locks the feet (director.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .data import RATE_HZ, Strip, detect_contacts, smooth, smooth_rotations, world

_SWAP = np.array(
    [
        PERFORMER.index(n.replace("Left", "~").replace("Right", "Left").replace("~", "Right"))
        for n in PERFORMER.names
    ]
)
_FLIP_Q = np.array([1.0, -1.0, -1.0, 1.0])
_FLIP_P = np.array([-1.0, 1.0, 1.0])
_LEG_JOINTS = set(legs.LEGS.reshape(-1).tolist())
_UPPER = np.array([j for j in range(len(PERFORMER)) if j not in _LEG_JOINTS and j != legs.HIPS])


def mirror(s: Strip) -> Strip:
    """Left and right exchanged."""
    return replace(
        s,
        hips=s.hips * _FLIP_P,
        rotations=s.rotations[:, _SWAP] * _FLIP_Q,
        root=s.root * np.array([-1.0, 1.0]),
        yaw=-s.yaw,
        contacts=s.contacts[:, [2, 3, 0, 1]],
        kind=s.kind + " mirror",
    )


def reverse(s: Strip) -> Strip:
    """Backwards in time: forward walks become backward walks, starts become stops."""
    return replace(
        s,
        hips=s.hips[::-1].copy(),
        rotations=s.rotations[::-1].copy(),
        root=s.root[::-1].copy(),
        yaw=s.yaw[::-1].copy(),
        contacts=s.contacts[::-1].copy(),
        kind=s.kind + " reverse",
    )


def tempo(s: Strip, factor: float) -> Strip:
    """Played `factor` times as fast."""
    count = max(2, int((len(s) - 1) / factor) + 1)
    at = np.minimum(np.arange(count) * factor, len(s) - 1.0)
    low = np.minimum(at.astype(int), len(s) - 2)
    t = at - low

    def lerp(x: Array) -> Array:
        w = t.reshape(-1, *[1] * (x.ndim - 1))
        return x[low] * (1 - w) + x[low + 1] * w

    return replace(
        s,
        hips=lerp(s.hips),
        rotations=rotation.slerp(s.rotations[low], s.rotations[low + 1], t[:, None]),
        root=lerp(s.root),
        yaw=lerp(s.yaw),
        contacts=np.round(lerp(s.contacts)),
        kind=s.kind + f" tempo{factor:.2f}",
    )


def bend(s: Strip, rate_rad_s: Array | float, lean: float = 0.5) -> Strip:
    """The same gait along a path that turns by rate_rad_s (scalar or (T,)) more, leaning in."""
    rate = np.broadcast_to(np.asarray(rate_rad_s, float), (len(s),))
    turned = np.concatenate([[0.0], np.cumsum(rate[:-1])]) / RATE_HZ
    step = np.diff(s.root, axis=0)
    c, n = np.cos(turned[:-1]), np.sin(turned[:-1])
    step = np.stack([c * step[:, 0] + n * step[:, 1], -n * step[:, 0] + c * step[:, 1]], -1)
    root = np.concatenate([s.root[:1], s.root[:1] + np.cumsum(step, axis=0)])
    speed = np.linalg.norm(np.gradient(smooth(s.root, 6.0), axis=0), axis=-1) * RATE_HZ
    # Balance asks for atan(v w / g); leaning gives part of it, foot placement the rest.
    roll = np.clip(-lean * np.arctan(speed * rate / 9.81), -0.3, 0.3)
    tilt = rotation.from_axis_angle([0.0, 0.0, 1.0], roll)
    rotations = s.rotations.copy()
    rotations[:, 0] = rotation.multiply(tilt, rotations[:, 0])
    hips = rotation.rotate(tilt, s.hips)
    feet_p, feet_r = legs.forward(s.hips, s.rotations)
    _place(hips, rotations, feet_p[:, :, 2], feet_r[:, :, 2])
    return replace(
        s,
        hips=hips,
        rotations=rotations,
        root=root,
        yaw=s.yaw + turned,
        kind=s.kind + f" bend{np.mean(rate):+.1f}",
    )


def _place(hips: Array, rotations: Array, ankle: Array, foot: Array) -> None:
    """Bends the legs of poses (T, ...) in place so that ankles and feet are met."""
    p, r = legs.forward(hips, rotations)
    legs.reach(hips, rotations, p, r, ankle, foot)


def steer(
    s: Strip,
    stride: Array | float = 1.0,
    angle_rad: float = 0.0,
    calm: Array | float | None = None,
    widen_m: float = 0.0,
) -> Strip:
    """Strides scaled by `stride` (scalar or (T,)) and turned by angle_rad against the facing.

    The feet's excursion about the root along its way is scaled and turned, the root's travel with
    it: 0.1 marches on the spot, pi/2 walks sideways, pi backwards. `calm` (0..1) takes the swing of
    hips and upper body towards their mean; by default as much as the strides shrink.
    """
    scale = np.broadcast_to(np.asarray(stride, float), (len(s),))
    if calm is None:
        calm = np.clip(1.0 - np.sqrt(np.abs(scale)), 0.0, 1.0) * 0.9
    calm = np.broadcast_to(np.asarray(calm, float), (len(s),))
    feet_p, feet_r = legs.forward(s.hips, s.rotations)
    # Travel relative to the facing, so that a strip that drifts a little to the side stays itself.
    step = np.diff(s.root, axis=0, append=2 * s.root[-1:] - s.root[-2:-1])
    c, n = np.cos(angle_rad), np.sin(angle_rad)
    step = np.stack([c * step[:, 0] + n * step[:, 1], -n * step[:, 0] + c * step[:, 1]], -1)
    step = step * scale[:, None]
    root = s.root[:1] + np.concatenate([np.zeros((1, 2)), np.cumsum(step[:-1], axis=0)])

    rotations = s.rotations.copy()
    mean = rotation.normalize(np.mean(rotation.continuous(s.rotations), axis=0))
    amount = calm[:, None] * np.ones(len(PERFORMER))
    rotations[:, _UPPER] = rotation.slerp(
        rotations[:, _UPPER],
        np.broadcast_to(mean[_UPPER], rotations[:, _UPPER].shape),
        amount[:, _UPPER],
    )
    side = abs(np.sin(angle_rad))
    still = np.clip(calm + 0.6 * side, 0.0, 0.95)
    rotations[:, 0] = rotation.slerp(
        rotations[:, 0], np.broadcast_to(mean[0], rotations[:, 0].shape), still
    )
    hips = s.hips.copy()
    middle = hips.mean(axis=0)
    hips = middle + (hips - middle) * (1.0 - 0.7 * calm[:, None])

    ankle = feet_p[:, :, 2].copy()
    foot = feet_r[:, :, 2]
    middle_x, middle_z = np.median(ankle[..., 0], axis=0), np.median(ankle[..., 2], axis=0)
    base_x = middle_x + np.array([widen_m, -widen_m])
    ahead_x, ahead_z = way(s)
    away_x, away_z = ankle[..., 0] - middle_x, ankle[..., 2] - middle_z
    out = away_x * ahead_x + away_z * ahead_z
    sway_x = (away_x - out * ahead_x) * (1.0 - side)
    sway_z = (away_z - out * ahead_z) * (1.0 - side)
    out = out * scale[:, None]
    ankle[..., 0] = base_x + sway_x + (c * ahead_x + n * ahead_z) * out
    near = middle_z * np.clip(np.abs(scale[:, None]), 0, 1)
    ankle[..., 2] = near + sway_z * abs(ahead_x) + (c * ahead_z - n * ahead_x) * out
    # Short steps are low steps, and sideways feet stay flat.
    lift = np.clip(0.35 + 0.65 * np.abs(scale), 0.0, 1.0)[:, None]
    flatness = np.clip(1.0 - np.abs(scale) * abs(c) ** 2, 0.0, 0.85)
    # By the foot's side axis: a foot that hangs straight down has no heading of its own.
    across = rotation.rotate(foot, np.array([1.0, 0.0, 0.0]))
    heading = np.arctan2(-across[..., 2], across[..., 0])
    level = rotation.from_yaw(heading)
    flat_foot = rotation.slerp(foot, level, np.broadcast_to(flatness[:, None], heading.shape))
    toe_drop = (
        rotation.rotate(foot, legs.OFFSETS[:, 3]) - rotation.rotate(flat_foot, legs.OFFSETS[:, 3])
    )[..., 1]
    # A heel that is up because the foot rolls comes down as the foot is flattened.
    ankle[..., 1] = legs.ANKLE_M + (ankle[..., 1] + toe_drop - legs.ANKLE_M) * lift
    ankle[..., 1] = np.maximum(ankle[..., 1], legs.ANKLE_M - 0.02)
    hips[:, 1] -= _overreach(hips, rotations, ankle)
    _place(hips, rotations, ankle, flat_foot)
    return replace(
        s,
        hips=hips,
        rotations=rotations,
        root=root,
        kind=s.kind + f" steer{np.mean(scale):.2f}@{np.rad2deg(angle_rad):.0f}",
    )


def way(s: Strip) -> tuple[float, float]:
    """x and z of a unit vector: where a strip goes, in its own frame; (0, 1) where that is nearly
    ahead or backward."""
    step = np.diff(s.root, axis=0)
    c, n = np.cos(s.yaw[:-1]), np.sin(s.yaw[:-1])
    x, z = (
        float(np.sum(c * step[:, 0] - n * step[:, 1])),
        float(np.sum(n * step[:, 0] + c * step[:, 1])),
    )
    length = np.hypot(x, z)
    if length < 0.05 or abs(x) < 0.5 * length:
        return 0.0, 1.0
    return x / length, z / length


def calmed(s: Strip, usual: Array, keep: float = 0.35) -> Strip:
    """Arms and trunk as people walk: about a usual pose (J, 4), with a part of their own motion.

    What somebody does with a ball goes, the legs stay as they were captured.
    """
    out = s.rotations.copy()
    mean = rotation.normalize(np.mean(rotation.continuous(s.rotations), axis=0))
    goal = usual.copy()
    trunk = PERFORMER.index("Spine")
    upright = rotation.multiply(usual[legs.HIPS], usual[trunk])
    goal[trunk] = rotation.multiply(rotation.conjugate(mean[legs.HIPS]), upright)
    for j in _UPPER:
        own = rotation.multiply(rotation.conjugate(mean[j]), s.rotations[:, j])
        own = rotation.from_rotation_vector(keep * rotation.to_rotation_vector(own))
        out[:, j] = rotation.multiply(goal[j], own)
    return replace(s, rotations=out)


def _overreach(hips: Array, rotations: Array, ankle: Array) -> Array:
    """(T,) metres by which the hips must sink, smoothly, for both ankles to be in reach."""
    top = legs.forward(hips, rotations)[0][:, :, 0]
    d = ankle - top
    flat = d[..., 0] ** 2 + d[..., 2] ** 2
    limit = (legs.THIGH_M + legs.SHIN_M) * 0.995
    drop = -d[..., 1] - np.sqrt(np.maximum(limit**2 - flat, 0.01))
    need = np.maximum(drop.max(axis=-1), 0.0)
    need = smooth(np.array([need[max(0, i - 4) : i + 5].max() for i in range(len(need))]), 3.0)
    return np.maximum(need, 0.0)


def stand(s: Strip, start: int, stop: int, seconds: float = 6.0) -> Strip:
    """A few still frames as a long standing strip: played to and fro, slowly, on the spot."""
    part = s.cut(start, stop)
    count = int(seconds * RATE_HZ)
    # Half a sine goes out and back with no corner.
    at = 0.5 - 0.5 * np.cos(np.arange(count) / RATE_HZ * 2 * np.pi / 3.0)
    at = at * (len(part) - 1)
    low = np.minimum(at.astype(int), len(part) - 2)
    t = at - low
    hips, rotations = world(part)
    rotations = rotation.slerp(rotations[low], rotations[low + 1], t[:, None])
    rotations = smooth_rotations(rotations, 6.0)
    hips = hips[low] * (1 - t[:, None]) + hips[low + 1] * t[:, None]
    middle = len(part) // 2
    feet_p, feet_r = legs.forward(*(x[middle : middle + 1] for x in world(part)))
    ankle = feet_p[:, :, 2].copy()
    ankle[..., 1] = legs.ANKLE_M
    ahead = rotation.rotate(feet_r[:, :, 2], np.array([0.0, 0.0, 1.0]))
    foot = rotation.from_yaw(np.arctan2(ahead[..., 0], ahead[..., 2]))
    hips[:, 1] -= _overreach(hips, rotations, np.broadcast_to(ankle, (count, 2, 3)))
    rotations[:, legs.LEGS[:, 3]] = rotation.identity((count, 2))
    _place(
        hips,
        rotations,
        np.broadcast_to(ankle, (count, 2, 3)),
        np.broadcast_to(foot, (count, 2, 4)),
    )
    # The root stands between the feet, and looks where the hips look on average.
    root = np.broadcast_to(part.root[middle], (count, 2)).copy()
    yaw = np.full(count, part.yaw[middle])
    from .data import relative

    out = relative(s.name, hips, rotations, root, yaw, np.ones((count, 4)))
    return replace(out, kind="stand")


def halt(s: Strip, at: int, rest: Strip, seconds: float = 0.75) -> Strip:
    """Goes on until frame `at`, then slows down within `seconds` and stands as in `rest`."""
    slow, lead = int(seconds * RATE_HZ), int(0.5 * RATE_HZ)
    first = max(0, at - lead)
    part = s.cut(first, min(at + slow, len(s)))
    t = np.clip((np.arange(len(part)) - (at - first)) / slow, 0.0, 1.0)
    out = steer(part, (1.0 - t) ** 2 * (1.0 + 2.0 * t))
    tail = int(0.8 * RATE_HZ)
    hold = np.concatenate([np.arange(len(out)), np.full(tail, len(out) - 1)])
    blend = (np.arange(len(hold)) - (at - first) - 0.35 * slow) / (0.9 * slow)
    return _settle(out, hold, _ease(blend), rest, "halt")


def launch(s: Strip, at: int, rest: Strip, seconds: float = 0.65, angle_rad: float = 0.0) -> Strip:
    """Stands as in `rest`, then picks up the gait of frame `at` within `seconds`, turning first."""
    rise, lead = int(seconds * RATE_HZ), int(0.5 * RATE_HZ)
    first = max(0, at - rise)
    part = s.cut(first, min(at + lead, len(s)))
    t = np.clip(np.arange(len(part)) / max(at - first, 1), 0.0, 1.0)
    out = steer(part, 0.02 + 0.98 * t * t * (3.0 - 2.0 * t))
    head = int(0.25 * RATE_HZ)
    hold = np.concatenate([np.zeros(head, int), np.arange(len(out))])
    blend = 1.0 - _ease((np.arange(len(hold)) - head) / (0.7 * rise))
    strip = _settle(out, hold, blend, rest, "launch")
    if angle_rad:
        strip = bend(strip, _pulse(len(strip), head + int(0.35 * rise), 0.75, angle_rad), 0.2)
    return strip


def pivot(s: Strip, at: int, angle_rad: float, seconds: float = 0.8) -> Strip:
    """A gait that slows to a march at frame `at`, turns on the spot by angle_rad and goes on."""
    span = int(1.3 * seconds * RATE_HZ)
    first = max(0, at - span)
    part = s.cut(first, min(at + span, len(s)))
    away = np.abs(np.arange(len(part)) - (at - first)) / (0.75 * seconds * RATE_HZ)
    deep = min(1.0, abs(angle_rad) / np.pi) * 0.93
    stride = 1.0 - deep * (1.0 - _ease(away))
    return bend(steer(part, stride), _pulse(len(part), at - first, seconds, angle_rad), 0.2)


def _ease(t: Array) -> Array:
    """(...) smooth step from 0 to 1."""
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _pulse(count: int, centre: int, seconds: float, angle_rad: float) -> Array:
    """(count,) turning rate, a raised cosine around `centre` that turns by angle_rad in all."""
    t = (np.arange(count) - centre) / (seconds * RATE_HZ)
    shape = np.where(np.abs(t) < 0.5, 1.0 + np.cos(2.0 * np.pi * t), 0.0)
    return shape / max(shape.sum(), 1e-6) * RATE_HZ * angle_rad


def _settle(s: Strip, hold: Array, blend: Array, rest: Strip, kind: str) -> Strip:
    """Frames `hold` (T,) of a strip, blended (T,) into a standing pose."""
    still = np.arange(len(hold)) % len(rest)
    hips = s.hips[hold] * (1 - blend[:, None]) + rest.hips[still] * blend[:, None]
    weight = np.broadcast_to(blend[:, None], (len(hold), len(PERFORMER)))
    rotations = rotation.slerp(s.rotations[hold], rest.rotations[still], weight)
    out = replace(s, hips=hips, rotations=rotations, root=s.root[hold], yaw=s.yaw[hold])
    return replace(out, contacts=detect_contacts(*world(out)), kind=f"{s.kind} {kind}")
