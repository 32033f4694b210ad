"""The page's side of a message, in Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def opened(block: bytes) -> tuple[dict[str, Any], int]:
    """The head of a block and where its arrays begin."""
    length = int.from_bytes(block[:4], "little")
    return json.loads(block[4 : 4 + length]), 4 + -(-length // 4) * 4


def frame(block: bytes) -> dict[str, Any]:
    """A frame's head; subjects have positions (J, 3) and rotations (J, 4) in the world."""
    head, at = opened(block)
    for subject in head.get("subjects", []):
        joints = subject["joints"]
        if subject["sound"]:
            subject["positions"] = np.frombuffer(block, "<f4", 3 * joints, at).reshape(-1, 3)
            at += 12 * joints
            rotations = np.frombuffer(block, "<i2", 4 * joints, at).reshape(-1, 4)
            subject["rotations"] = rotations / 32767.0
            at += 8 * joints
    assert "subjects" not in head or at == len(block), "bytes are left over"
    return head
