"""What senders of others do: ports, copies, two programs, odd fields."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from tests.runtime.sources.devices.test_vmc_source import LEGS_AND_TRUNK, performance
from tests.runtime.sources.receivers import ANN, BOB, TICK_S, source
from understudy.bridge.protocols import freed, livelinkface, osc
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as otp
from understudy.bridge.protocols.vmc_packer import Packer
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State


def phone(frame: int, rate: tuple[int, int] = (60, 1), name: str = "P", jaw: float = 0.5) -> bytes:
    curves = livelinkface.curves({"jawOpen": 0.0})
    curves[livelinkface.INDEX["jawOpen"]] = jaw
    data = livelinkface.encode(livelinkface.Face("d", name, frame, curves=curves))
    at = data.index(struct.pack(">ii", 60, 1))
    return data[:at] + struct.pack(">ii", *rate) + data[at + 8 :]


def test_a_sender_with_a_new_port_for_every_message_is_one_sender():
    face_source, receiver = source("livelinkface://")
    for tick in range(120):
        jaw = tick / 200
        receiver.wait(tick * TICK_S)
        receiver.say(phone(tick, jaw=jaw), peer=(ANN[0], 20000 + tick))
        face_source.poll(tick * TICK_S)
    shown = face_source.face.values[livelinkface.INDEX["jawOpen"]]
    assert shown == pytest.approx(119 / 200, abs=0.01)
    assert "a new port each time" in face_source.reception.notice


def test_two_programs_of_one_machine_are_two_senders():
    face_source, receiver = source("livelinkface://")
    for tick in range(120):
        receiver.wait(tick * TICK_S)
        receiver.say(phone(tick, jaw=0.25), peer=(ANN[0], 5001))
        receiver.say(phone(tick, jaw=0.75), peer=(ANN[0], 5002))
        face_source.poll(tick * TICK_S)
        assert face_source.face.values[livelinkface.INDEX["jawOpen"]] == 0.25
    assert face_source.reception.others == 120


@pytest.mark.parametrize("body_first", [True, False])
def test_a_body_and_a_face_come_from_two_programs(body_first):
    vmc_source, receiver = source("vmc://")
    pack = Packer()
    curves = [
        osc.bundle(
            [osc.encode("/VMC/Ext/Blend/Val", "Joy", 0.5), osc.encode("/VMC/Ext/Blend/Apply")]
        )
    ]
    packets = []
    for tick in range(60):
        receiver.wait(tick * TICK_S)
        if body_first or tick >= 20:
            receiver.say(*pack.pack(performance(tick, LEGS_AND_TRUNK)), peer=ANN)
        if not body_first or tick >= 20:
            receiver.say(*curves, peer=BOB)
        packets.append(vmc_source.poll(tick * TICK_S))
    assert all(packets[40:]) and vmc_source.reception.others == 0
    shown = dict(zip(vmc_source.face.names, vmc_source.face.values, strict=True))
    assert shown["Joy"] == 0.5


def test_a_phone_whose_rate_is_30_over_0_has_a_face():
    face_source, receiver = source("livelinkface://")
    for tick in range(10):
        receiver.say(phone(tick, (30, 0), jaw=3.4e38))
        face_source.poll(tick * TICK_S)
    assert face_source.face.values[livelinkface.INDEX["jawOpen"]] == 1.0
    assert face_source.clamped > 0 and face_source.reception.damaged == 0


def test_of_two_phones_of_one_program_the_first_counts():
    face_source, receiver = source("livelinkface://")
    for tick in range(30):
        receiver.say(phone(tick, name="one", jaw=0.25), phone(tick, name="two", jaw=0.75))
        face_source.poll(tick * TICK_S)
    assert face_source.face.values[livelinkface.INDEX["jawOpen"]] == 0.25
    assert face_source.elsewhere == 30


def test_vrm_1s_names_are_read():
    vmc_source, receiver = source("vmc://")
    for tick in range(6):
        said = [m for d in Packer(size=65507).pack(performance(tick)) for m in osc.decode(d)]
        out = []
        for one in said:
            arguments = list(one.arguments)
            if one.address == "/VMC/Ext/Bone/Pos":
                name = arguments[0][0].lower() + arguments[0][1:]
                name = name.replace("ThumbProximal", "ThumbMetacarpal")
                arguments[0] = name.replace("ThumbIntermediate", "ThumbProximal")
            out.append(osc.encode(one.address, *arguments))
        receiver.say(osc.bundle(out))
        packets = vmc_source.poll(tick * TICK_S)
    assert {"LeftUpperArm", "LeftThumbProximal", "LeftThumbIntermediate"} <= set(
        vmc_source.skeleton.names
    )
    assert packets[0].seen is None


@pytest.mark.parametrize(
    "odd",
    [
        {"timing": {"timecode": {"hours": 1, "minutes": 2, "seconds": 3, "frames": 130}}},
        {"timing": {"timecode": {"hours": 24, "minutes": 2, "seconds": 3, "frames": 1}}},
        {"timing": {"sampleTimestamp": {"seconds": -1, "nanoseconds": 0}}},
        {"lens": {"distortion": [{"model": "x"}], "pinholeFocalLength": 50.0}},
        {"lens": {"fStop": "wide open", "pinholeFocalLength": 50.0}},
        {"tracker": {"notes": "n" * 1500}},
        {"sourceNumber": 5.0},
    ],
)
def test_an_odd_field_costs_that_field_and_never_the_pose(odd):
    camera_source, receiver = source("opentrackio://")
    sample = {
        "protocol": {"name": "OpenTrackIO", "version": [1, 0, 1]},
        "transforms": [
            {
                "translation": {"x": 1.0, "y": 2.0, "z": 1.5},
                "rotation": {"pan": 0.0, "tilt": 0.0, "roll": 0.0},
            }
        ],
        **odd,
    }
    receiver.say(*otp.encode(json.dumps(sample).encode(), otp.Encoding.JSON, 1))
    camera_source.poll(0.0)
    (camera,) = camera_source.cameras
    np.testing.assert_allclose(camera.position, (-1.0, 1.5, 2.0))
    assert camera.state is State.LIVE and camera_source.reception.damaged == 0
    if "lens" in odd:
        assert camera.focal_mm == 50.0


def test_a_pose_that_is_odd_is_no_sample():
    with pytest.raises(ot.ProtocolError, match="transforms"):
        ot.from_json(
            b'{"protocol":{"name":"OpenTrackIO","version":[1,0,1]},"transforms":'
            b'[{"translation":{"x":"left"},"rotation":{}}]}'
        )


def test_freed_without_checksums_is_taken_after_a_second_and_said():
    camera_source, receiver = source("freed://")
    heard = []
    for tick in range(120):
        receiver.say(freed.encode(freed.Tracking(1, x_mm=float(tick)))[:-1] + b"\0")
        camera_source.poll(tick * TICK_S)
        heard.append(bool(camera_source.cameras))
    assert not any(heard[:60]) and heard[65] and camera_source.unsummed > 40
    assert "checksums are 0" in camera_source.reception.notice


def test_a_lens_and_a_mask_say_what_counts_mean(tmp_path):
    file = tmp_path / "lens.csv"
    file.write_text("zoom,focal_mm,focus,focus_m\n0,20,0,0.5\n1000,40,500,10\n")
    camera_source, receiver = source(f"freed://?lens={file}&iris_mask=4095")
    receiver.say(freed.encode(freed.Tracking(1, zoom=500, focus=500, user=0xF000 | 280)))
    camera_source.poll(0.0)
    (camera,) = camera_source.cameras
    assert (camera.focal_mm, camera.focus_m, camera.iris) == (30.0, 10.0, 2.8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns"),
        ("zoom,focus\n1,2\n", "columns"),
        ("zoom,focal_mm\n0,20\n", "two at least"),
        ("zoom,focal_mm\n0,20\n5,x\n", "line 3"),
        ("zoom,focal_mm\n0,20\n0,30\n", "twice"),
    ],
)
def test_a_bad_lens_is_a_sentence(tmp_path, text, said):
    (tmp_path / "lens.csv").write_text(text)
    with pytest.raises(UnderstudyError, match=said):
        source(f"freed://?lens={tmp_path / 'lens.csv'}")
