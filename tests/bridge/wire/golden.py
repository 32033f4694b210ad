"""Sound messages of every kind, for tests that damage them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from tests.bridge.things import ARM, FACE, small_frame
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame

KNOWN = {skeleton.id: skeleton for skeleton in (ARM, FACE, PERFORMER)}


def _frames() -> list[bytes]:
    """One of everything; many; a face; nobody; nobody but a camera and a prop."""
    face, nobody, empty = small_frame(skeleton=FACE), small_frame(), small_frame()
    face.subjects += small_frame(skeleton=PERFORMER).subjects
    nobody.subjects = []
    empty = replace(nobody, cameras=[], props=[], stats={}, timecode="")
    bare = small_frame()
    bare.subjects[0] = replace(bare.subjects[0], intent=None, reason="", contacts=np.zeros((0, 2)))
    frames = (small_frame(), small_frame(subjects=3), face, nobody, empty, bare)
    return [FrameEncoder(5).encode(frame) for frame in frames]


FRAMES = _frames()
SKELETONS = [encode_skeletons(cast) for cast in ([ARM], [FACE, PERFORMER], [])]
REQUESTS = [
    msgspec.msgpack.encode(request)
    for request in (
        {"op": "hello", "number": 1, "client": "a test"},
        {"op": "ping", "number": 2},
        {"op": "stats", "number": 3},
        {
            "op": "pad",
            "left_stick": [0.5, -1.0],
            "right_stick": [0.0, 0.25],
            "buttons": ["run", "jump"],
            "camera_heading_rad": 1.5,
            "capture_ns": 77,
            "subject": "Ann",
        },
        {"op": "record", "number": 4, "start": True, "path": "a.bvh", "slate": "12A"},
        {"op": "record", "number": 5, "start": False},
        {"op": "style", "number": 6, "subject": "Ann", "traits": {"energy": 0.5}},
        {"op": "camera", "number": 7, "name": "A", "position": [0.0, 1.5, 3.0]},
        {"op": "stop", "number": 8},
        {"op": "slate", "number": 9, "scene": "12", "take": 3, "notes": "again"},
        {"op": "marker", "number": 10, "text": "here", "colour": "red", "sequence": 77},
        {"op": "circle", "number": 11, "path": "a.mcap", "circled": False},
    )
]


def is_finite(frame: Frame) -> bool:
    """Whether every number that a reader may use as it is can be used so."""
    numbers: list[object] = []
    for one in frame.subjects:
        numbers += [one.pose.positions, one.pose.rotations, one.curves, one.contacts]
        numbers += [one.trajectory, one.uncertainty_m]
        numbers += [one.intent.travel, one.intent.facing] if one.intent is not None else []
    for camera in frame.cameras:
        numbers += [camera.focal_mm, camera.sensor_mm, camera.focus_m, camera.iris]
    for thing in (*frame.cameras, *frame.props):
        numbers += [thing.position, thing.rotation]
    return all(np.isfinite(number).all() for number in numbers)
