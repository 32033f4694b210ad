"""How well a source tracks, as its protocol says it: shown beside its rate."""

from __future__ import annotations

import select
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from tests.runtime.simulators.test_device import clip
from tests.runtime.sources.receivers import source
from understudy.bridge.protocols import (
    landmarks,
    livelinkface_phone,
    opentrackio,
    opentrackio_packet,
    osc,
    vmc,
)
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.sources.devices.livelinkface_phone import Phone


def heard(scheme: str, device: str = ""):
    one, receiver = source(f"{scheme}://?delay=0")
    simulator, performance = DEVICES[device or scheme].made(), Performance(clip())
    for n in range(3):
        receiver.say(*simulator.datagrams(performance.frame(n), n / 60))
        one.poll(n / 60)
    return one, receiver


def test_motive_says_how_many_bones_it_tracks():
    one, _ = heard("natnet")
    words = one.quality.split()
    assert words[0] == words[2] and int(words[0]) >= 21 and "tracked" in words


def test_a_tracker_says_its_status_and_its_notes():
    one, receiver = source("opentrackio://?delay=0")
    sample = opentrackio.Sample(
        opentrackio.protocol(),
        tracker=opentrackio.Tracker(status="Optical Good", notes="two markers hidden"),
        transforms=[opentrackio.transform(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))],
    )
    data = opentrackio.to_json(sample)
    receiver.say(*opentrackio_packet.encode(data, opentrackio_packet.Encoding.JSON, 1))
    one.poll(0.0)
    assert one.quality == "Optical Good, two markers hidden"


@pytest.mark.parametrize(
    ("state", "words"),
    [((1, 3, 0, 1), ""), ((1, 3, 0, 0), "tracks badly"), ((1, 1, 0, 1), "not calibrated")],
)
def test_vmc_says_where_not_all_is_well(state, words):
    one, receiver = source("vmc://?delay=0")
    hips = vmc.message("/VMC/Ext/Bone/Pos", "Hips", 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    for n in range(3):
        told = vmc.message("/VMC/Ext/OK", *state), vmc.message("/VMC/Ext/T", 1.0 + n / 60)
        receiver.say(osc.bundle([hips, *told]))
        one.poll(n / 60)
    assert words in one.quality and bool(words) == bool(one.quality)


def test_landmarks_say_how_visible_they_are():
    one, receiver = source("landmarks://?delay=0")
    said = landmarks.decode(
        DEVICES["landmarks"].made().datagrams(Performance(clip()).frame(0), 0.0)[0]
    )
    said.visible[:] = 0.6
    for n in range(60):
        said.time_s = 1.0 + n / 30
        receiver.say(landmarks.encode(said))
        one.poll(n / 30)
    assert one.quality == "points 60% visible"


def test_a_phone_with_live_link_face_says_its_battery_where_it_is_asked():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as app:
        app.bind(("127.0.0.8", 0))
        app.settimeout(5.0)
        phone = Phone("127.0.0.8", app.getsockname()[1])
        phone.poll(0.0)
        told = [osc.decode(app.recv(500))[0] for _ in range(3)]
        assert [one.address for one in told[1:]] == ["/BatteryQuery", "/ThermalsQuery"]
        host, port = told[0].arguments
        assert phone.words == ""
        for address, value in (("/Battery", 0.42), ("/Thermals", 2), ("/Battery", "full")):
            app.sendto(osc.encode(address, value), (host, port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(osc.encode("/Battery", 0.01), (host, port))
        select.select([phone.socket], [], [], 5.0)
        phone.poll(1.0)
        assert phone.words == "battery 42%, hot"
        phone.poll(100.0)
        assert phone.words == "", "what was said long ago is said no more"
        phone.close()


@given(st.one_of(st.binary(), mutations([osc.encode("/Battery", 0.5), osc.encode("/Thermals", 1)])))
def test_what_a_phone_says_of_itself_is_a_number_or_a_sentence(data):
    survives(livelinkface_phone.decode, data)
