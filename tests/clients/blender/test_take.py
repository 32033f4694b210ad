"""Recorded actions give the poses back."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge import Subscriber
from understudy.runtime.core import rotation, timecode

from .test_pose import CLOSE_M, CLOSE_RAD, expected, turns

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("place", ["CURRENT", "TIMECODE"])
def test_an_action_has_every_frame_at_its_time(stage, scene, place):
    running = scene("record", stage.publish, 40, place)
    running.read("ready")
    ours = {}
    with Subscriber(stage.publish, timeout_s=10) as subscriber:
        first = next(subscriber)
        ours[first.sequence] = first
        running.tell("go")
        while running.process.poll() is None:
            frame = subscriber.receive(0.2)
            if frame is not None:
                ours[frame.sequence] = frame
    said = running.said
    assert said["action"] == "take 001 random-walk"
    assert said["kept"]
    sequences = [played["sequence"] for played in said["played"]]
    assert sequences == [s for s in sorted(ours) if sequences[0] <= s <= sequences[-1]]
    worst_m = worst_rad = 0.0
    for played in said["played"]:
        frame = ours[played["sequence"]]
        names = frame.subjects[0].skeleton.names
        places, turned = expected(frame)
        heads = np.array([played["bones"][name]["head"] for name in names])
        worst_m = max(worst_m, np.abs(heads - places).max())
        worst_rad = max(worst_rad, rotation.angle_between(turns(played, names), turned).max())
    print(f"{worst_m * 1e3:.4f} mm, {np.degrees(worst_rad):.5f} degrees")
    assert worst_m < CLOSE_M
    assert worst_rad < CLOSE_RAD
    (start, at), *_, (stop, end) = said["markers"]
    assert start == f"START {said['first']}"
    assert stop == f"STOP {said['last']}"
    assert at == round(said["begin"])
    assert end > at
    assert said["end"] >= end
    if place == "TIMECODE":
        zero = timecode.frame_number(said["first"][:2] + ":00:00:00", "30")
        number = timecode.frame_number(said["first"], "30") - zero
        assert at == round(number / 30 * 24 / 1.001)
