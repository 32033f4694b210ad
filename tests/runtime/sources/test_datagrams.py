"""Ports that are listened on, with real sockets, and what is made of who is heard."""

from __future__ import annotations

import os
import socket
import time

import pytest

from tests.runtime.sources.receivers import ANN, BOB, Told, free_udp_ports
from understudy.bridge.protocols import ProtocolError
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.datagrams import MOST_A_TICK, SILENT_S, Port, Reception


def at(line: str) -> endpoint.Endpoint:
    return endpoint.parse(line, registry.KNOWN)


@pytest.fixture
def sender():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield one


def heard(port: Port, count: int, tick: int = 0) -> list:
    """What the port hears until that many datagrams are there."""
    got: list = []
    until_s = time.monotonic() + 5.0
    while len(got) < count and time.monotonic() < until_s:
        tick += 1
        got += port.poll(float(tick))
    return got


def test_datagrams_come_once_with_their_sender_and_the_time_of_arrival(sender):
    (number,) = free_udp_ports(1)
    port = Port(at(f"vmc://:{number}"))
    before_ns = time.monotonic_ns()
    sender.sendto(b"one", ("127.0.0.1", number))
    sender.sendto(b"two", ("127.0.0.1", number))
    one, two = heard(port, 2)
    assert (one.data, two.data) == (b"one", b"two")
    assert one.peer == two.peer == sender.getsockname()
    # The wall clock, by which the kernel stamps, may be slewed a little against the monotonic.
    assert before_ns - 10**6 <= one.arrived_ns <= two.arrived_ns <= time.monotonic_ns()
    port.close()


def test_sources_of_one_port_hear_the_same_and_a_tick_reads_the_socket_once(sender):
    (number,) = free_udp_ports(1)
    sources = registry.open_all([at(f"freed://:{number}?id=1"), at(f"freed://:{number}?id=2")])
    one, two = [source.reception.receiver for source in sources]
    sender.sendto(b"x", ("127.0.0.1", number))
    got: list = []
    tick, until_s = 0.0, time.monotonic() + 5.0
    while not got and time.monotonic() < until_s:
        tick += 1.0
        got = one.poll(tick)
    (heard_one,) = got
    assert two.poll(tick)[0] is heard_one and two.tick_ns == one.tick_ns
    assert one.poll(tick + 1.0) == two.poll(tick + 1.0) == []
    # One that is removed leaves the port to the other; with the last it is free again.
    sources[0].close()
    sender.sendto(b"y", ("127.0.0.1", number))
    (later,) = heard(two, 1, tick=10)
    assert later.data == b"y"
    sources[1].close()
    Port(at(f"freed://:{number}")).close()


def test_a_tick_reads_no_more_than_it_may(sender):
    (number,) = free_udp_ports(1)
    port = Port(at(f"vmc://:{number}"))
    for _ in range(MOST_A_TICK + 20):
        sender.sendto(b"x", ("127.0.0.1", number))
    assert len(port.poll(0.0)) == MOST_A_TICK
    assert len(port.poll(1.0)) == 20
    port.close()


def test_a_port_that_is_taken_names_who_has_it(sender):
    with pytest.raises(UnderstudyError, match=f"taken by process {os.getpid()} "):
        Port(at(f"vmc://:{sender.getsockname()[1]}"))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_a_sentence(host):
    with pytest.raises(UnderstudyError, match=r"0\.0\.0\.0"):
        Port(at(f"vmc://{host}:39999"))


def test_a_network_card_that_is_not_there_is_a_sentence():
    with pytest.raises(UnderstudyError, match=r"'192\.0\.2\.1'"):
        registry.open_all([at("opentrackio://multicast?interface=192.0.2.1")])


def test_ports_are_given_back_when_a_later_source_cannot_be(sender):
    (number,) = free_udp_ports(1)
    with pytest.raises(UnderstudyError):
        registry.open_all([at(f"vmc://:{number}"), at("freed://?id=999")])
    Port(at(f"vmc://:{number}")).close()


# Whom a source follows.


def follow(reception: Reception, now_s: float, *peers: tuple) -> list[bool]:
    receiver = reception.receiver
    assert isinstance(receiver, Told)
    out = []
    for peer in peers:
        receiver.say(b"", peer=peer)
    for datagram in reception.poll(now_s):
        out.append(reception.may_follow(datagram))
        if out[-1]:
            reception.follow(datagram)
    return out


def test_the_first_sender_is_followed_until_it_is_silent_and_others_are_counted():
    reception = Reception(Told())
    assert reception.silence == "nothing has come on udp 39539 yet"
    assert follow(reception, 0.0, ANN, BOB, ANN) == [True, False, True]
    assert reception.others == 1 and reception.frames == 2 and reception.datagrams == 3
    assert reception.silence == ""
    assert "10.0.0.8:5002 sends there too" in reception.notice
    assert follow(reception, SILENT_S, BOB) == [False]
    assert follow(reception, SILENT_S + 0.1, BOB, ANN) == [True, False]
    assert follow(reception, 3 * SILENT_S) == []
    assert reception.silence == "nothing comes on udp 39539"


def test_what_cannot_be_read_is_told_with_whom_it_is_from():
    reception = Reception(Told())
    reception.receiver.say(b"?", peer=BOB)
    (datagram,) = reception.poll(0.0)
    reception.damage(datagram, ProtocolError("Not VMC."))
    assert reception.damaged == 1
    assert reception.silence == "what comes on udp 39539 from 10.0.0.8:5002 cannot be read"
    assert reception.notice.endswith(": Not VMC.")
    follow(reception, 0.1, ANN)
    assert reception.silence == ""
    assert "damaged datagrams come from 10.0.0.8:5002" in reception.notice
    follow(reception, 5.0, ANN)
    assert reception.notice == "hears 10.0.0.7:5001 on udp 39539"


def test_all_ports_of_a_stage_have_one_time_for_a_tick():
    numbers = free_udp_ports(2)
    sources = registry.open_all([at(f"freed://:{number}") for number in numbers])
    one, two = [source.reception.receiver for source in sources]
    for tick in (0.0, 1.0, 5.0):  # the second is read later than the first
        one.poll(tick)
        two.poll(tick)
        assert one.tick_ns == two.tick_ns
    for source in sources:
        source.close()
