"""Wrong card, blocked port, second sender, wrong version: each is said, with what to do."""

from __future__ import annotations

import pytest

from tests.runtime.simulators.test_device import clip
from tests.runtime.sources.receivers import ANN, BOB, source
from understudy.bridge.protocols import artnet, freed, ifacialmocap
from understudy.bridge.protocols.recognition import recognised
from understudy.runtime.doctor import checks, sources
from understudy.runtime.doctor.firewall import Firewall
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.sources import diagnosis, endpoint, registry


def frames(device: str) -> list[bytes]:
    return DEVICES[device].made().datagrams(Performance(clip()).frame(0), 0.0)


# A desk is a controller, whose bytes no source's port hears.
@pytest.mark.parametrize("device", [name for name in DEVICES if name not in ("midi", "osc")])
def test_every_devices_bytes_are_recognised(device):
    scheme = {"facemotion3d": "ifacialmocap", "mvn-points": "mvn"}.get(device, device)
    assert {recognised(data)[0] for data in frames(device)} == {scheme}


def test_bytes_of_nobody_are_nobodys():
    for data in (b"", b"\0", b"hello", b"GET / HTTP/1.1", bytes(64)):
        assert recognised(data) == ("", "")
    assert recognised(artnet.encode(artnet.Timecode("10:00:00:00", "25")))[0] == "artnet"
    assert freed and ifacialmocap


def hint(line: str, one) -> str:
    return diagnosis.hint(endpoint.parse(line, registry.KNOWN), one.figures(), one.reception.unread)


def test_the_wrong_card(monkeypatch):
    cards = [("eth0", "10.0.0.5"), ("wlan0", "10.1.0.5"), ("lo", "127.0.0.1")]
    monkeypatch.setattr(diagnosis.ports, "cards", lambda: cards)
    for line, says in (
        ("mvn://", "this machine alone; mvn://0.0.0.0:9763 hears others too"),
        ("mvn://10.0.0.5", "the card 10.0.0.5 alone, not 10.1.0.5; mvn://0.0.0.0:9763"),
        ("mvn://0.0.0.0", ""),
    ):
        one, _ = source(line)
        one.poll(0.0)
        assert says in hint(line, one) and bool(says) == bool(hint(line, one))


def test_another_protocol_and_a_version_that_is_not_read():
    one, receiver = source("mvn://0.0.0.0")
    receiver.say(*frames("rokoko"))
    one.poll(0.0)
    assert hint("mvn://0.0.0.0", one).startswith("what comes is Rokoko: listen with rokoko://")
    receiver.say(b"MXTP99" + bytes(3))
    one.poll(0.1)
    assert "Xsens MVN, in a version" in hint("mvn://0.0.0.0", one)
    receiver.say(b"hello")
    one.poll(0.2)
    assert "no protocol that we know" in hint("mvn://0.0.0.0", one)


def test_a_second_sender():
    one, receiver = source("neuron://0.0.0.0?delay=0")
    receiver.say(*frames("neuron"), peer=ANN)
    receiver.say(*frames("neuron"), peer=BOB)
    one.poll(0.0)
    assert "two senders" in hint("neuron://0.0.0.0?delay=0", one)


def test_doctor_says_what_a_firewall_does_to_a_silent_source(monkeypatch):
    row = {
        "name": "suit", "from": "mvn://0.0.0.0", "notice": "nothing has come on udp 9763 yet",
        "figures": {"datagrams": 0, "frames": 0, "where": "udp 9763 of 0.0.0.0"},
    }  # fmt: skip
    monkeypatch.setattr(Firewall, "bars", lambda self, port: port == ("udp", 9763))
    wall = Firewall.__new__(Firewall)
    object.__setattr__(wall, "name", "ufw")
    found = sources.check(row, [wall])
    assert found.level == checks.LACKING and "ufw lets nobody in on udp 9763" in found.found
    assert found.remedy == "Let udp 9763 in, in this machine's firewall."
    heard = {**row, "notice": "hears 10.0.0.7:5001", "figures": {"datagrams": 9, "frames": 9}}
    assert sources.check(heard, []).level == checks.OK
    hinted = {**row, "hint": "it hears this", "notice": "silent; it hears this"}
    said = sources.check(hinted, [])
    assert said.remedy == "It hears this." and said.found == "silent"
