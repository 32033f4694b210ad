"""Cameras and props of the frame: from sources, and shared over the control socket."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from understudy.bridge.requests import Camera as Request
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.stage.scenery import LEAVES_AFTER_S, MOST_SHARED, Scenery


def camera(name: str) -> Camera:
    return Camera(name, np.zeros(3), rotation.identity())


def request(name: str = "V", **more) -> Request:
    return Request(name=name, **{"position": (1.0, 2.0, 3.0), "rotation": (0, 0, 0, 1), **more})


def test_names_are_there_once_whoever_brings_them():
    sources = [
        SimpleNamespace(
            cameras=[camera("A"), camera("B")],
            props=[Prop("sword", np.zeros(3), rotation.identity())] * 2,
        ),
        SimpleNamespace(cameras=[camera("A")], props=[]),
    ]
    floor = Scenery(sources)
    floor.share(request("A"), 0.0, 1)
    floor.sense(0.0)
    assert [c.name for c in floor.cameras] == ["A", "B", "A-2", "A-3"]
    assert [p.name for p in floor.props] == ["sword", "sword-2"]


def test_a_shared_camera_is_there_as_it_was_sent_and_leaves_when_it_falls_silent():
    floor = Scenery([])
    half = np.sqrt(0.5)
    more = {"focal_mm": 50.0, "sensor_mm": (24.0, 13.5), "focus_m": 2.0, "iris": 4.0}
    floor.share(request(rotation=(0.0, half, 0.0, half), **more), 1.0, 77)
    floor.sense(1.0 + LEAVES_AFTER_S)
    (one,) = floor.cameras
    np.testing.assert_array_equal(one.position, (1.0, 2.0, 3.0))
    np.testing.assert_allclose(one.rotation, (0.0, half, 0.0, half))
    assert (one.focal_mm, one.sensor_mm, one.focus_m, one.iris) == (50.0, (24.0, 13.5), 2.0, 4.0)
    assert one.capture_ns == 77
    floor.sense(1.1 + LEAVES_AFTER_S)
    assert floor.cameras == []


@pytest.mark.parametrize("wrong", [{"name": ""}, {"rotation": (0.0, 0.0, 0.0, 0.0)}])
def test_what_is_no_camera_is_counted(wrong):
    floor = Scenery([])
    floor.share(request(**wrong), 0.0, 1)
    floor.sense(0.0)
    assert floor.cameras == [] and floor.refused == 1


def test_nobody_can_fill_the_stage_with_cameras():
    floor = Scenery([])
    for number in range(100):
        floor.share(request(f"V{number}"), 0.0, 1)
    floor.sense(0.0)
    assert len(floor.cameras) == MOST_SHARED and floor.refused == 100 - MOST_SHARED
