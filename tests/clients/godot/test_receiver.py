"""The node: states, silence, strangers, a taken port; camera, blend shapes and props."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bridge.protocols.test_vmc import performance
from understudy.bridge.protocols import vmc
from understudy.runtime.core import rotation

from .words import packed

pytestmark = pytest.mark.clients


def feed(godot, p: vmc.Performance, sender: int = 1) -> dict:
    """A frame, taken in."""
    before = godot.ask("seen")["datagrams"]
    datagrams = packed(p)
    godot.give(datagrams, sender)
    seen = godot.ask("step", 0.01)
    while seen["datagrams"] < before + len(datagrams):
        seen = godot.ask("step", 0.01)
    return seen


def test_states_are_told_once_and_silence_is_one(godot):
    godot.ask("mannequin")
    godot.ask("receiver", {}, False)
    assert godot.ask("step", 0.01)["summary"] == "waiting for VMC at port 39539"
    assert feed(godot, performance(time_s=1.0))["state"] == "LIVE"
    held = performance(time_s=1.1)
    held.tracking = 0
    assert feed(godot, held)["state"] == "HELD"
    assert feed(godot, performance(time_s=1.2))["state"] == "LIVE"
    godot.ask("change", {"lost_after_s": 0.25})
    while (seen := godot.ask("step", 0.01))["state"] == "LIVE":
        pass
    assert seen["silence_s"] > 0.25
    assert seen["summary"].startswith("lost, nothing for ")
    godot.ask("change", {"lost_after_s": 60.0})
    assert seen["sender"] == ""
    seen = feed(godot, performance(time_s=1.3), sender=2)  # from anybody, after the silence
    told = ["LIVE", "live", "HELD", "lost", "LIVE", "live", "LOST", "lost", "LIVE", "live"]
    assert seen["signals"] == told


def test_the_first_sender_has_the_receiver(godot):
    godot.ask("receiver", {}, False)
    assert feed(godot, performance(time_s=1.0), 1)["sender"] == "10.0.0.1:1"
    stamp_s = 5.0
    seen = feed(godot, performance(time_s=stamp_s, seed=3), 2)
    assert seen["strangers"] == len(packed(performance()))
    assert seen["stamp_s"] == pytest.approx(1.0)
    assert "of another sender" in seen["summary"]


def test_garbage_is_counted_and_does_not_take_the_receiver(godot):
    godot.ask("receiver", {}, False)
    godot.give([b"garbage!", b"#bundle\0", b"/other\0\0"], 3)
    while (seen := godot.ask("step", 0.01))["datagrams"] < 3:
        pass
    assert (seen["malformed"], seen["sender"], seen["state"]) == (2, "", "WAITING")
    assert seen["fault"].endswith(".")
    assert feed(godot, performance(), 1)["sender"] == "10.0.0.1:1"


def test_rate_is_measured_on_the_senders_clock(godot):
    godot.ask("receiver", {}, False)
    for k in range(30):
        seen = feed(godot, performance(("Hips", "Head"), time_s=1.0 + k / 50.0))
    assert seen["rate_hz"] == pytest.approx(50.0, rel=0.01)


def test_a_taken_port_is_a_sentence_and_is_tried_again(godot):
    godot.ask("receiver", {}, False)
    godot.ask("refuse", "Port taken.")
    assert godot.ask("step", 0.01)["summary"] == "Port taken."
    godot.ask("refuse", "")
    while godot.ask("step", 0.01)["problem"]:
        pass
    assert feed(godot, performance())["state"] == "LIVE"


def test_camera_shapes_and_props_stand_in_the_receivers_space(godot):
    godot.ask("mannequin")
    godot.ask("receiver", {}, False)
    shapes = ["blink_L", "Face.A", "eyeBlinkRight", "unused"]
    godot.ask("dress", shapes, ["LHR-1", "clap: 1"])
    p = performance()
    p.curves = {"BlinkLeft": 0.25, "a": 0.5, "EyeBlink_R": 0.75, "nobody": 1.0}
    p.devices = [
        vmc.Device("Tra", name, np.array([1.0, 2.0, 3.0]), rotation.from_yaw(0.5))
        for name in ("LHR-1", "clap: 1", "unknown")
    ]
    feed(godot, p)
    got = godot.ask("dressed")
    assert got["shapes"] == pytest.approx([0.25, 0.5, 0.75, 0.0])
    # the receiver stands at x = 10 and is turned to the left by a quarter
    here, quarter = np.array([10.0, 0.0, 0.0]), rotation.from_yaw(np.pi / 2)
    at, turn = got["camera"]
    assert np.allclose(at, here + rotation.rotate(quarter, p.camera.position), atol=1e-5)
    wanted = rotation.multiply(quarter, p.camera.rotation)
    assert abs(np.dot(turn, wanted)) == pytest.approx(1.0, abs=1e-6)
    assert got["fov_deg"] == pytest.approx(p.camera.fov_deg)
    wanted_at = here + rotation.rotate(quarter, np.array([1.0, 2.0, 3.0]))
    assert len(got["props"]) == 2
    for _, at, turn in got["props"]:
        assert np.allclose(at, wanted_at, atol=1e-5)
        wanted = rotation.from_yaw(np.pi / 2 + 0.5)
        assert abs(np.dot(turn, wanted)) == pytest.approx(1.0, abs=1e-6)
