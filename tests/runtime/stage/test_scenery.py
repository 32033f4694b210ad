"""Cameras and props of the frame: from sources, and shared over the control socket."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge.requests import Camera as Request
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.stage.scenery import LEAVES_AFTER_S, MOST_SHARED, Scenery


def camera(name: str) -> Camera:
    return Camera(name, np.zeros(3), rotation.identity())


def request(name: str = "V", **more) -> Request:
    return Request(name=name, **{"position": (1.0, 2.0, 3.0), "rotation": (0, 0, 0, 1), **more})


def test_names_are_there_once_whoever_brings_them():
    sword = Prop("sword", np.zeros(3), rotation.identity())
    streams = [Stream(Kind.CAMERA, camera(name), name) for name in ("A", "B", "A")]
    streams += [Stream(Kind.PROP, sword, "sword")] * 2
    scenery = Scenery()
    scenery.share(request("A"), 0.0, 1)
    scenery.sense(0.0, streams)
    assert [c.name for c in scenery.cameras] == ["A", "B", "A-2", "A-3"]
    assert [p.name for p in scenery.props] == ["sword", "sword-2"]


def test_a_shared_camera_is_there_as_it_was_sent_and_leaves_when_it_falls_silent():
    scenery = Scenery()
    half = np.sqrt(0.5)
    more = {"focal_mm": 50.0, "sensor_mm": (24.0, 13.5), "focus_m": 2.0, "iris": 4.0}
    scenery.share(request(rotation=(0.0, half, 0.0, half), **more), 1.0, 77)
    scenery.sense(1.0 + LEAVES_AFTER_S, ())
    (one,) = scenery.cameras
    np.testing.assert_array_equal(one.position, (1.0, 2.0, 3.0))
    np.testing.assert_allclose(one.rotation, (0.0, half, 0.0, half))
    assert (one.focal_mm, one.sensor_mm, one.focus_m, one.iris) == (50.0, (24.0, 13.5), 2.0, 4.0)
    assert one.capture_ns == 77
    scenery.sense(1.1 + LEAVES_AFTER_S, ())
    assert scenery.cameras == []


@pytest.mark.parametrize("wrong", [{"name": ""}, {"rotation": (0.0, 0.0, 0.0, 0.0)}])
def test_what_is_no_camera_is_counted(wrong):
    scenery = Scenery()
    scenery.share(request(**wrong), 0.0, 1)
    scenery.sense(0.0, ())
    assert scenery.cameras == [] and scenery.refused == 1


def test_nobody_can_fill_the_stage_with_cameras():
    scenery = Scenery()
    for number in range(100):
        scenery.share(request(f"V{number}"), 0.0, 1)
    scenery.sense(0.0, ())
    assert len(scenery.cameras) == MOST_SHARED and scenery.refused == 100 - MOST_SHARED
