"""Landmarks of a body, as MediaPipe's pose and its kin find them: 33 points in metres.

As JSON by UDP, {"landmarks": [[x, y, z, visibility], ...], "time": seconds}, its points also as
{"x": ...}, or as OSC, /landmarks with 99 numbers, or 132 with visibility behind each point. Axes
are MediaPipe's "world landmarks": x to the right of the picture, y down, z away from the camera,
the middle of the hips at the origin. Whoever faces the camera faces +Z of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array

from . import osc
from .error import ProtocolError

PORT = 5065
COUNT = 33
ADDRESS = "/landmarks"
LARGEST, LARGEST_M = 32 << 10, 100.0
POINTS = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye"),
    *("right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    *("left_heel", "right_heel", "left_foot_index", "right_foot_index"),
)
assert len(POINTS) == COUNT
_TO_OURS = np.array([1.0, -1.0, -1.0])


@dataclass(slots=True)
class Landmarks:
    """points (33, 3) in our axes, visible (33,) 0 to 1; the sender's time, None: it says none."""

    points: Array
    visible: Array
    time_s: float | None = None


def decode(data: bytes) -> Landmarks:
    """The points in a datagram."""
    if len(data) > LARGEST:
        raise ProtocolError(f"Landmarks have up to {LARGEST} bytes, and these {len(data)}.")
    return _json(data) if data.lstrip()[:1] in (b"{", b"[") else _osc(data)


def _osc(data: bytes) -> Landmarks:
    for message in osc.decode(data):
        if message.address == ADDRESS:
            return _made(list(message.arguments), None)
    raise ProtocolError(f"OSC brings landmarks as {ADDRESS}, and this has none.")


def _json(data: bytes) -> Landmarks:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError("Landmarks in JSON that cannot be read.") from None
    time_s = None
    if isinstance(said, dict):
        time_s, said = said.get("time"), said.get("landmarks")
    if not isinstance(said, list):
        raise ProtocolError('Landmarks in JSON are {"landmarks": [[x, y, z], ...]}.')
    numbers: list[Any] = []
    for point in said[: COUNT + 1]:
        if isinstance(point, dict):
            numbers += [point.get(name, 1.0) for name in ("x", "y", "z", "visibility")]
        elif isinstance(point, list):
            numbers += point[:4] if len(point) != 3 else [*point, 1.0]
        else:
            numbers.append(point)
    good = isinstance(time_s, int | float) and not isinstance(time_s, bool) and 0 < time_s < 1e11
    return _made(numbers, float(time_s) if good and time_s is not None else None)


def _made(numbers: list[Any], time_s: float | None) -> Landmarks:
    if len(numbers) not in (3 * COUNT, 4 * COUNT):
        raise ProtocolError(
            f"Landmarks are {COUNT} points of 3 or 4 numbers, and these {len(numbers)} numbers."
        )
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise ProtocolError("Landmarks have something among their numbers that is none.")
    rows = np.array([min(max(float(n), -1e9), 1e9) for n in numbers]).reshape(COUNT, -1)
    if not np.isfinite(rows).all() or np.abs(rows[:, :3]).max() > LARGEST_M:
        raise ProtocolError("A landmark is at a place that is none.")
    visible = np.clip(rows[:, 3], 0.0, 1.0) if rows.shape[1] == 4 else np.ones(COUNT)
    return Landmarks(rows[:, :3] * _TO_OURS, visible, time_s)


def encode(said: Landmarks) -> bytes:
    """The points as JSON."""
    rows = np.concatenate([said.points * _TO_OURS, said.visible[:, None]], axis=1)
    content: dict[str, Any] = {"landmarks": rows.round(6).tolist()}
    if said.time_s is not None:
        content["time"] = said.time_s
    return json.dumps(content).encode()


def encode_osc(said: Landmarks) -> bytes:
    """The points as OSC."""
    rows = np.concatenate([said.points * _TO_OURS, said.visible[:, None]], axis=1)
    return osc.encode(ADDRESS, *map(float, rows.ravel()))
