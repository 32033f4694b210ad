"""Styles: how tired or energetic, how tall or crouched a body moves; made into the training motion.

What the data carries of a trait is its spread about the mean: arms swing more, knees bend more.
Here that spread is widened along each trait while the feet stay where they are planted, by
two-bone inverse kinematics, so that the network learns both ends and everything between. Cadence
is the director's share: for an energetic body it prefers quick short steps (library.py).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .data import RATE_HZ

DROP_M = 0.17  # of the hips, fully crouched
TALLER_M = 0.025
LEAN_RAD = (0.16, 0.10, 0.08, 0.06)  # hips, spine, spine1, spine2, fully crouched
SLUMP_RAD = (0.0, 0.09, 0.11, 0.11)  # the same when tired
CHEST_OUT_RAD = (0.0, 0.0, 0.04, 0.05)
SWING = (0.55, 0.45)  # how much less or more the arms swing, tired and energetic
BOUNCE = (0.4, 0.5)
ELBOW_RAD = (0.12, 0.45)
_TORSO = [PERFORMER.index(n) for n in ("Hips", "Spine", "Spine1", "Spine2")]
_NECK = [PERFORMER.index(n) for n in ("Neck", "Head")]
_ARMS = [PERFORMER.index(n) for n in ("LeftArm", "RightArm")]
_ELBOWS = [PERFORMER.index(n) for n in ("LeftForeArm", "RightForeArm")]
_LEFT = np.array([1.0, 0.0, 0.0])


def restyle(hips: Array, rotations: Array, style: Array, usual: Array) -> tuple[Array, Array]:
    """Hips (T, 3) and rotations (T, J, 4) of a root-relative motion, in styles (T, 2).

    usual (J, 4) is the mean pose of the data, about which arms swing.
    """
    energy, crouch = style[:, 0], style[:, 1]
    tired, keen = np.maximum(-energy, 0.0), np.maximum(energy, 0.0)
    low, tall = np.maximum(crouch, 0.0), np.maximum(-crouch, 0.0)
    p, r = legs.forward(hips, rotations)
    ankle, foot = p[:, :, 2].copy(), r[:, :, 2].copy()
    hips, rotations = hips.copy(), rotations.copy()

    gain = 1.0 - SWING[0] * tired + SWING[1] * keen
    for j in (*_ARMS, _TORSO[2], _TORSO[3]):
        away = rotation.multiply(rotations[:, j], rotation.conjugate(usual[j]))
        share = gain if j in _ARMS else 0.5 + 0.5 * gain
        swing = rotation.to_rotation_vector(away) * share[:, None]
        rotations[:, j] = rotation.multiply(rotation.from_rotation_vector(swing), usual[j])
    for j in _ELBOWS:
        bend = rotation.to_rotation_vector(usual[j])
        bend = bend / max(float(np.linalg.norm(bend)), 1e-6)
        # Elbows that are bent already, as in a run, have no need of more.
        room = np.clip(1.3 - rotation.to_rotation_vector(rotations[:, j]) @ bend, 0.0, 1.0)
        more = room * (ELBOW_RAD[1] * keen + 0.25 * low) - ELBOW_RAD[0] * tired
        rotations[:, j] = rotation.multiply(
            rotation.from_rotation_vector(more[:, None] * bend), rotations[:, j]
        )
    total = np.zeros(len(hips))
    for j, lean, slump, chest in zip(_TORSO, LEAN_RAD, SLUMP_RAD, CHEST_OUT_RAD, strict=True):
        angle = lean * low + slump * tired - chest * (keen + tall)
        total += angle
        rotations[:, j] = rotation.multiply(_about_left(angle), rotations[:, j])
    # Eyes stay ahead in a crouch; a tired head hangs. Arms hang whatever the chest does.
    nod = -0.45 * total + 0.3 * tired
    for j in _NECK:
        rotations[:, j] = rotation.multiply(_about_left(nod), rotations[:, j])
    for j in _ARMS:
        hang = _about_left(-0.85 * total - 0.12 * low)
        rotations[:, j] = rotation.multiply(hang, rotations[:, j])

    slow = gaussian_filter1d(hips[:, 1], 0.5 * RATE_HZ, mode="nearest")
    bounce = (hips[:, 1] - slow) * (BOUNCE[1] * keen - BOUNCE[0] * tired)
    hips[:, 1] += bounce - DROP_M * low + TALLER_M * tall - 0.015 * tired
    hips[:, 2] -= 0.05 * low
    hips[:, 1] -= _overreach(hips, rotations, ankle)
    p, r = legs.forward(hips, rotations)
    legs.reach(hips, rotations, p, r, ankle, foot)
    return hips, rotations


def _overreach(hips: Array, rotations: Array, ankle: Array) -> Array:
    """(T,) metres by which hips that were raised must sink for both legs to reach, smoothly."""
    top = legs.forward(hips, rotations)[0][:, :, 0]
    d = ankle - top
    flat = d[..., 0] ** 2 + d[..., 2] ** 2
    limit = (legs.THIGH_M + legs.SHIN_M) * 0.995
    need = np.maximum((-d[..., 1] - np.sqrt(np.maximum(limit**2 - flat, 0.01))).max(-1), 0.0)
    need = maximum_filter1d(need, 9, mode="nearest")
    return np.asarray(gaussian_filter1d(need, 3.0, mode="nearest"))


def _about_left(angle_rad: Array) -> Array:
    """(T, 4) turns about the body's left: forward where positive."""
    return rotation.from_rotation_vector(angle_rad[:, None] * _LEFT)


def usual_pose(rotations: Array) -> Array:
    """(J, 4) mean of poses (T, J, 4)."""
    return rotation.normalize(np.mean(rotation.continuous(rotations.astype(float)), axis=0))
