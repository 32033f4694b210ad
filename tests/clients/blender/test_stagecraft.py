"""Cameras, lenses, props and faces, from a publisher that has them all."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from understudy.bridge import Publisher
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Pose, Prop, State, Subject
from understudy.runtime.core.processes import free_ports
from understudy.runtime.core.skeleton import Skeleton

pytestmark = pytest.mark.clients

ANN = Skeleton(
    PERFORMER.names,
    PERFORMER.parents,
    PERFORMER.rest_positions,
    tips=PERFORMER.tips,
    curve_names=("jawOpen", "eyeBlinkLeft", "browInnerUp", "mouthClose"),
)
# The stage's x, y, z in Blender's axes.
AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def frame(number: int) -> Frame:
    """A frame that can be told from its number alone."""
    t = number / 60.0
    state = State.TAKEOVER if number % 40 >= 20 else State.LIVE
    turn = rotation.from_axis_angle([0.6, 0.0, 0.8], 0.02 * number)
    curves = np.array([0.2 + 0.1 * np.sin(t), 0.5, number % 100 / 100, 0.9], np.float32)
    return Frame(
        sequence=number,
        capture_ns=1_000_000_000 + round(t * 1e9),
        publish_ns=time.monotonic_ns(),
        rate_num=24,
        rate_den=1,
        timecode=f"01:00:{number // 24 % 60:02d}:{number % 24:02d}",
        subjects=[
            Subject(
                "Ann",
                ANN,
                Pose.rest(ANN),
                state=state,
                reason="no signal" if state else "",
                curves=curves,
            )
        ],
        cameras=[
            Camera(
                "A",
                np.array([t, 1.7, 4.0]),
                turn,
                focal_mm=24 + t,
                sensor_mm=(23.8, 13.4),
                focus_m=2.5 + t,
                iris=2.8,
            )
        ],
        props=[Prop("ball", np.array([-1.0, t, 0.25]), turn)],
    )


def test_everything_arrives_as_it_was_sent_and_comes_back_from_the_take(scene):
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    with Publisher(address) as publisher:
        running = scene("stagecraft", address, 60)
        number = 0
        while running.process.poll() is None:
            publisher.publish(frame(number))
            number += 1
            time.sleep(1 / 60)  # the pace of a stage
    said = running.said
    assert len(said["followed"]) == 60
    played = [look["sequence"] for look in said["played"]]
    assert played == list(range(played[0], said["followed"][-1]["sequence"] + 1)), "a gap"
    assert len(played) > 50
    for look in (*said["followed"], *said["played"]):
        check(look)
    assert said["markers"][0].startswith("START 01:00:")
    assert said["markers"][-1].startswith("STOP 01:00:")
    changes = [name for name in said["markers"][1:-1] if not name.startswith(("START", "STOP"))]
    assert any(name.startswith("TAKEOVER 01:00:") for name in changes)
    for name in changes:
        state, timecode = name.split()
        _, _, seconds, frames = map(int, timecode.split(":"))
        within = (24 * seconds + frames) % 40
        assert within == (20 if state == "TAKEOVER" else 0) or name == changes[0]


def test_an_edited_armature_stays_and_another_skeleton_gets_another(scene):
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    stick = Skeleton(("Root", "End"), np.array([-1, 0]), np.array([[0, 1.0, 0], [0, 0.5, 0]]))
    told = threading.Event()
    with Publisher(address) as publisher:
        running = scene("recast", address)
        waiting = threading.Thread(target=lambda: (running.read("ready"), told.set()))
        waiting.start()
        number = 0
        while waiting.is_alive() or running.process.poll() is None:
            one = frame(number)
            if told.is_set():
                one.subjects = [Subject("Ann", stick, Pose.rest(stick))]
            publisher.publish(one)
            number += 1
            time.sleep(1 / 60)
    said = running.said
    assert said["edited"] == said["first"] == "Ann"
    assert said["recast"] == "Ann.001"
    assert said["bones"] == ["Root", "End"]
    assert said["still there"]


def check(look: dict) -> None:
    sent = frame(look["sequence"])
    camera, prop, curves = sent.cameras[0], sent.props[0], sent.subjects[0].curves
    placed = np.array(look["camera"])
    assert np.abs(placed[:3, 3] - AXES @ camera.position).max() < 1e-4
    # Both look along -Z with +Y up in their own axes: where these point is what has to agree.
    axes = AXES @ rotation.to_matrix(camera.rotation)
    assert np.abs(placed[:3, :3] - axes).max() < 1e-4
    assert look["lens"] == pytest.approx(
        [camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris], rel=1e-4
    )
    assert look["fit"] == "HORIZONTAL"
    assert look["dof"]
    placed = np.array(look["prop"])
    assert np.abs(placed[:3, 3] - AXES @ prop.position).max() < 1e-4
    turned = AXES @ rotation.to_matrix(prop.rotation) @ AXES.T
    assert np.abs(placed[:3, :3] - turned).max() < 1e-4
    keys = look["keys"]
    assert [keys["jawOpen"], keys["EyeBlink_L"], keys["browinnerup"]] == pytest.approx(
        curves[:3].tolist(), abs=1e-4
    )
    assert keys["unrelated"] == 0.0
    assert look["vertex"] == pytest.approx(float(curves[:3] @ [1, 2, 3]), abs=1e-3)
