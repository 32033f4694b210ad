"""The mannequin's paint: which part of the shell is joint, stripe, visor or seam."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import palette
from understudy.runtime.core.palette import linear
from understudy.runtime.core.rotation import Array, normalize

from .anatomy import SIDES, Landmarks
from .field import exclusive

# What each vertex carries: signed distances, negative inside, in metres.
PAINT = ("joint", "accent", "visor", "seam")
# As in shaders/body.glsl, linear.
SHELL, JOINT, VISOR = (0.76, 0.74, 0.70), (0.055, 0.060, 0.070), (0.012, 0.016, 0.022)


def sleeve_m(positions: Array) -> float:
    """How far aside a body's sleeves begin, from its bind pose (V, 3): the chest ends before."""
    return 0.08 * float(np.ptp(positions[:, 1]))


def colours(positions: Array, paint: Array) -> Array:
    """(V, 3) linear colours of a bind pose's vertices (V, 3), from their paint (V, 4)."""
    out = np.tile(np.array(SHELL, np.float32), (len(positions), 1))
    right = positions[:, :1] < -sleeve_m(positions)
    stripe = np.where(right, linear(palette.RIGHT), linear(palette.LEFT))
    for column, colour in ((1, stripe), (0, JOINT), (2, VISOR)):
        share = np.clip(0.5 - paint[:, column : column + 1] / 0.004, 0.0, 1.0)
        out = out + share * (np.asarray(colour) - out)
    return out.astype(np.float32)


def paint(mark: Landmarks, p: Array) -> Array:
    """(N, 4) signed distances of PAINT at points (N, 3) of the bind pose.

    Distances are smooth along the surface, so a shader draws edges sharper than the triangles.
    """
    s = mark.s
    x, y, z = p[:, 0], p[:, 1], p[:, 2]
    far = np.full(len(p), 0.5)
    joint, accent, seam = far.copy(), far.copy(), far.copy()

    def ball(center: Array, radius: float) -> Array:
        return np.linalg.norm(p - center, axis=1) - radius * s

    def band(center: Array, axis: Array, low: float, high: float) -> Array:
        """Between two planes across an axis, at drawn distances from the center."""
        t = (p - center) @ axis
        return np.abs(t - 0.5 * (low + high) * s) - 0.5 * (high - low) * s

    for side, sign in SIDES:
        top, elbow, wrist = (mark[f"{side}_{n}"] for n in ("upper_arm", "lower_arm", "hand"))
        along, upper = mark[f"{side}_along"], normalize(elbow - top)
        t = np.clip((p - top) @ (elbow - top) / max(float(np.sum((elbow - top) ** 2)), 1e-9), 0, 4)
        near_arm = np.linalg.norm(p - top - t[:, None] * (elbow - top), axis=1) - 0.088 * s
        joint = np.minimum(joint, np.maximum(band(elbow, upper, -0.028, 0.026), ball(elbow, 0.09)))
        glove = np.maximum(-((p - wrist) @ along) - 0.012 * s, ball(wrist, 0.3))
        joint = np.minimum(joint, glove)
        stripe = np.maximum(band(top, upper, 0.142, 0.168), near_arm)
        accent = np.minimum(accent, stripe)
        outward = normalize(upper * 0.55 + np.array([sign, 0.0, 0.0]))
        seam = exclusive(seam, np.maximum(-((p - top) @ outward) - 0.03 * s, near_arm))

        hip, knee, ankle = (mark[f"{side}_{n}"] for n in ("upper_leg", "lower_leg", "foot"))
        bend = np.array([0.0, 1.0, -0.25]) / np.hypot(1.0, 0.25)
        joint = np.minimum(joint, np.maximum(band(knee, bend, -0.036, 0.03), ball(knee, 0.11)))
        cap = mark[f"{side}_toes"] + mark[f"{side}_ahead"] * 0.004 * s
        toes = np.maximum(-((p - cap) @ mark[f"{side}_ahead"]), y - ankle[1])
        seam = exclusive(seam, np.maximum(toes, np.abs(x - ankle[0]) - 0.09 * s))
        cuff = band(ankle, np.array([0.0, 1.0, 0.0]), 0.012, 0.046)
        joint = np.minimum(joint, np.maximum(cuff, ball(ankle, 0.11)))
        joint = np.minimum(joint, y - (mark.sole_m + 0.02 * s))
        crease = normalize(np.array([-sign * 0.62, -1.0, -0.1]))
        leg = np.maximum(-((p - hip) @ crease) - 0.012 * s, -(x * sign))
        beside = np.maximum(np.hypot(x - hip[0], z - hip[2]) - 0.17 * s, knee[1] - y)
        seam = exclusive(seam, np.maximum(leg, np.maximum(y - hip[1] - 0.12 * s, beside)))

    waist = mark.spine(0.30)
    vee = (y - waist[1]) - 0.2 * np.abs(x) * np.clip(
        0.7 + 6.0 * (z - mark["hip_line"][2]), 0.4, 1.0
    )
    trunk = np.hypot(x, z - waist[2]) - 0.2 * s
    joint = np.minimum(joint, np.maximum(np.abs(vee) - 0.05 * s, trunk))
    collar = mark["neck"][1] - 0.012 * s + 0.5 * (mark["neck"][2] - z)
    chin = mark["crown"][1] - 1.02 * (mark["crown"][1] - mark["skull"][1])
    jaw_line = chin + 0.012 * s + 0.55 * (mark["skull"][2] + 0.02 * s - z)
    neck = np.maximum(np.maximum(collar - y, y - jaw_line), ball(mark["skull"], 0.14))
    joint = np.minimum(joint, neck)

    chest = mark.spine(0.80)
    chevron = np.abs(y - chest[1] - 0.55 * np.abs(x)) - 0.016 * s
    chevron = np.maximum(chevron, np.abs(x) - 0.066 * s)
    accent = np.minimum(accent, np.maximum(chevron, chest[2] + 0.03 * s - z))

    up = mark["crown"][1] - mark["skull"][1]
    eye = mark["crown"][1] - 0.56 * up
    slope = (y - eye) + 0.10 * (mark["skull"][2] + 0.1 * s - z)
    visor = np.maximum(np.abs(slope) - 0.026 * s, mark["skull"][2] + 0.022 * s - z)
    visor = np.maximum(visor, ball(mark["skull"] + np.array([0.0, 0.07 * s, 0.0]), 0.17))
    seam = exclusive(seam, np.maximum(eye + 0.052 * s - y, ball(mark["crown"], 0.2)))
    return np.stack([joint, accent, visor, seam], axis=1)
