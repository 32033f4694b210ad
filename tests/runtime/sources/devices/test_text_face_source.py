"""iFacialMocap and Facemotion3d in: curves, the head, who is asked, who is followed."""

from __future__ import annotations

import select
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_ifacialmocap import FIRST, SECOND
from tests.runtime.sources.receivers import BOB, TICK_S, free_udp_ports, source
from understudy.bridge.protocols import ifacialmocap
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import endpoint, registry

SCHEMES = ("ifacialmocap", "facemotion3d")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_phone_s_curves_arrive_and_its_head_turns(scheme):
    one, receiver = source(f"{scheme}://?subject=ann")
    packets = []
    for tick in range(30):
        receiver.wait(tick * TICK_S)
        receiver.say(ifacialmocap.encode({"jawOpen": 0.5 + tick / 100, "headYaw": 0.25}))
        packets += one.poll(tick * TICK_S)
    shown = dict(zip(one.face.names, one.face.shown, strict=True))
    assert shown["jawOpen"] == pytest.approx(0.79) and one.name == "ann"
    np.testing.assert_allclose(packets[-1].rotations[1], rotation.from_yaw(np.pi / 4), atol=1e-6)
    assert one.streams[0].wearer == "ann" and one.streams[1].only_face


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_silent_phone_is_asked_once_a_second(scheme):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5.0)
        port = phone.getsockname()[1]
        one, receiver = source(f"{scheme}://127.0.0.1:{port}?phone=127.0.0.1")
        for tick in range(90):
            one.poll(tick * TICK_S)
        assert one.asked == 2 and "asks 127.0.0.1" in one.notice
        hello = phone.recv(200)
        assert hello == (
            ifacialmocap.HELLO if scheme == "ifacialmocap" else ifacialmocap.FACEMOTION3D_HELLO
        )
        for tick in range(90, 200):  # it answers, and is asked no more
            receiver.wait(tick * TICK_S)
            receiver.say(ifacialmocap.encode({"jawOpen": tick / 1000}))
            one.poll(tick * TICK_S)
        assert one.asked == 2 and one.silence == ""
        one.close()


def test_a_phone_that_is_no_address_is_refused():
    with pytest.raises(UnderstudyError, match="phone"):
        source("ifacialmocap://?phone=my-phone")


def test_a_second_phone_is_not_followed():
    one, receiver = source("ifacialmocap://")
    for tick in range(20):
        receiver.wait(tick * TICK_S)
        receiver.say(FIRST)
        receiver.say(SECOND, peer=BOB)
        one.poll(tick * TICK_S)
    assert one.reception.others == 20 and one.unknown == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(mutations([FIRST, SECOND]), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_curves_are_numbers(said):
    one, receiver = source("ifacialmocap://")
    for number, data in enumerate(said):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-6)
    assert np.isfinite(one.face.shown).all()
    figures = one.figures()
    assert figures["damaged"] + figures["frames"] == figures["datagrams"] == len(said)


@pytest.mark.parametrize(
    ("scheme", "port", "hello", "mark"),
    [
        ("ifacialmocap", 49983, b"iFacialMocap_UDPTCP_", b"___iFacialMocap"),
        ("facemotion3d", 49993, b"FACEMOTION3D_OtherStreaming|protocol=tcp", b"___FACEMOTION3D"),
    ],
)
def test_over_tcp_a_phone_is_asked_by_udp_and_connects(scheme, port, hello, mark):
    (ours,) = free_udp_ports(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.9", port))
        phone.settimeout(5.0)
        line = f"{scheme}://127.0.0.1:{ours}?tcp=listen&phone=127.0.0.9&delay=0"
        one = registry.Ports().open(endpoint.parse(line, registry.KNOWN))
        one.poll(0.0)
        assert phone.recv(200).startswith(hello)
        said = b"".join(ifacialmocap.encode({"jawOpen": 0.2 + n / 100}) + mark for n in range(10))
        with socket.create_connection(("127.0.0.1", ours), 5.0) as stream:
            stream.sendall(mark + said[:700])
            one.poll(0.02)
            stream.sendall(said[700:])
            for tick in range(2, 60):
                one.poll(tick * 0.02)
                if one.reception.datagrams >= 10:
                    break
                select.select([], [], [], 0.005)
            one.poll(tick * 0.02 + 0.01)
            shown = dict(zip(one.face.names, one.face.shown, strict=True))
            assert (one.reception.datagrams, one.reception.damaged) == (10, 0)
            assert shown["jawOpen"] > 0.0
        one.close()


def test_where_tcp_is_asked_for_the_apps_own_port_is_heard():
    for scheme in SCHEMES:
        assert endpoint.parse(f"{scheme}://?tcp=listen", registry.KNOWN).port == 49986
        assert endpoint.parse(f"{scheme}://:5000?tcp=listen", registry.KNOWN).port == 5000


@given(st.integers(1, 4), st.integers(0, 5000))
def test_a_stream_is_cut_into_what_was_sent_wherever_it_is_broken(count, at):
    said = [one.removesuffix(b"___iFacialMocap") for one in (FIRST, SECOND, SECOND, FIRST)][:count]
    stream = b"".join(one + b"___iFacialMocap" for one in said)
    first, used = ifacialmocap.cut(stream[:at])
    rest, left = ifacialmocap.cut(stream[:at][used:] + stream[at:])
    assert first + rest == said and used + left == len(stream)
