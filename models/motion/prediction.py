"""How well the network predicts captured motion that it never saw, beside its baselines.

No torch here: the network comes as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import SAMPLES_S, local_path
from understudy.runtime.performer.control.layout import (
    BODY,
    CONTACTS,
    PHASE,
    POSE,
    RATE,
    RATE_HZ,
    STYLES,
    TRAVEL,
)

from .data import Strip

AFTER_S = (0.1, 0.25, 0.5, 1.0)
DT_S = 1.0 / RATE_HZ
Step = Callable[[Array, Array, Array], tuple[Array, Array]]


def measure(
    step: Step, memory: int, strips: list[Strip], phases: dict[str, Array]
) -> dict[str, Any]:
    """Mean joint error in cm on held-out clips, freely running with the true path as control.

    step(body (B, 280), path (B, 26), memory (B, H)) gives the next body and memory; phases holds
    each clip's (T, 3) phase. Baselines:
    hold (the pose stays, the root keeps its velocity), velocity (joints keep turning, damped with
    a half-life of 0.1 s).
    """
    horizon = int(max(AFTER_S) * RATE_HZ)
    errors: dict[str, list[Array]] = {"network": [], "hold": [], "damped velocity": []}
    marks = [round(a * RATE_HZ) for a in AFTER_S]
    for s in strips:
        first = np.arange(10, len(s) - horizon - 1, 10)
        if not len(first):
            continue
        six = rotation.to_6d(s.rotations).reshape(len(s), -1)
        pose = np.concatenate([s.hips, six], -1)
        travel, phase = _travel(s), phases[s.name]
        body: Array = np.zeros((len(first), BODY))
        body[:, POSE], body[:, RATE] = pose[first], pose[first] - pose[first - 1]
        body[:, CONTACTS], body[:, TRAVEL] = s.contacts[first], travel[first - 1]
        body[:, PHASE] = phase[first]
        root, yaw = s.root[first].copy(), s.yaw[first].copy()
        truth = _joints(s.hips, s.rotations, s.root, s.yaw)
        state: Array = np.zeros((len(first), memory))
        far = np.arange(len(s) + 200)
        long_root = _extend(s.root, far)
        long_yaw = _extend(s.yaw[:, None], far)[:, 0]
        held = {"root": root.copy(), "yaw": yaw.copy()}
        rate = rotation.to_rotation_vector(
            rotation.multiply(s.rotations[first], rotation.conjugate(s.rotations[first - 1]))
        )
        hips_rate = s.hips[first] - s.hips[first - 1]
        for k in range(1, horizon + 1):
            at = first[:, None] + k + np.round(SAMPLES_S * RATE_HZ).astype(int)
            path = local_path(long_root[at], long_yaw[at], root, yaw)
            path = np.concatenate([path, np.zeros((len(path), len(STYLES)))], -1)
            body, state = step(body, path, state)
            root, yaw = _moved(root, yaw, body[:, TRAVEL])
            held["root"], held["yaw"] = _moved(held["root"], held["yaw"], travel[first - 1])
            if k not in marks:
                continue
            goal = truth[first + k]
            turns = rotation.from_6d(body[:, POSE][:, 3:].reshape(len(first), -1, 6))
            shown = _joints(body[:, :3], turns, root, yaw)
            stay = _joints(s.hips[first], s.rotations[first], held["root"], held["yaw"])
            # The integral of a rate that halves every 0.1 s.
            span = (1.0 - 0.5 ** (k * DT_S / 0.1)) * 0.1 / np.log(2.0) * RATE_HZ
            onward = rotation.multiply(
                rotation.from_rotation_vector(rate * span), s.rotations[first]
            )
            flown = _joints(s.hips[first] + hips_rate * span, onward, held["root"], held["yaw"])
            for name, guess in (("network", shown), ("hold", stay), ("damped velocity", flown)):
                errors[name].append(
                    np.stack(
                        [np.full(len(first), k), np.linalg.norm(guess - goal, axis=-1).mean(-1)]
                    )
                )
    table = {}
    for name, parts in errors.items():
        k, e = np.concatenate(parts, axis=1)
        table[name] = {
            f"{a}": round(float(100 * e[k == m].mean()), 2)
            for a, m in zip(AFTER_S, marks, strict=True)
        }
    windows = len(np.concatenate(errors["network"], axis=1)[0]) // len(marks)
    return {"prediction_cm": table, "windows": windows, "clips": [s.name for s in strips]}


def _travel(s: Strip) -> Array:
    """(T, 3) root's velocity from each frame to the next, in the frame it has."""
    step = np.diff(s.root, axis=0, append=s.root[-1:])
    turn = np.diff(s.yaw, append=s.yaw[-1])
    c, n = np.cos(s.yaw), np.sin(s.yaw)
    return RATE_HZ * np.stack(
        [c * step[:, 0] - n * step[:, 1], n * step[:, 0] + c * step[:, 1], turn], -1
    )


def _moved(root: Array, yaw: Array, travel: Array) -> tuple[Array, Array]:
    c, n = np.cos(yaw), np.sin(yaw)
    x, z, turn = np.moveaxis(travel, -1, 0)
    return root + DT_S * np.stack([c * x + n * z, -n * x + c * z], -1), yaw + DT_S * turn


def _extend(x: Array, at: np.ndarray) -> Array:
    """Values (T, K) at frames beyond the end, going on as at the end."""
    last = len(x) - 1
    over = np.maximum(at - last, 0)[:, None]
    return x[np.minimum(at, last)] + over * (x[-1] - x[-13]) / 12.0


def _joints(hips: Array, rotations: Array, root: Array, yaw: Array) -> Array:
    """(B, J, 3) world joints of root-relative poses."""
    turn = rotation.from_yaw(yaw)
    world = rotation.rotate(turn, np.asarray(hips, float))
    world[:, [0, 2]] += root
    turns = np.array(rotations, float)
    turns[:, 0] = rotation.multiply(turn, turns[:, 0])
    places = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    places[:, 0] = world
    return PERFORMER.globals(places, turns)[0]
