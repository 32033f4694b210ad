"""Who announces itself on the network, and who finds it."""

from __future__ import annotations

import contextlib

import pytest

from understudy.runtime.core import discovery
from understudy.runtime.core.discovery import Announcement, Found
from understudy.runtime.core.errors import UnderstudyError


def test_a_stage_is_found_with_its_control_socket_and_leaves():
    pytest.importorskip("zeroconf")
    here = ["127.0.0.1"]
    words = {"control": "tcp://127.0.0.1:6001", "keys": "1"}
    with Announcement("stage", "tcp://127.0.0.1:6000", **words) as own:
        found = [one for one in discovery.look(cards=here) if one.name == own.name]
    if own.trouble:
        pytest.skip(f"this machine's loopback takes no multicast: {own.trouble}")
    (one,) = found
    assert (one.kind, one.address) == ("stage", "tcp://127.0.0.1:6000")
    assert one.control == "tcp://127.0.0.1:6001" and one.words["keys"] == "1"


def test_cards_are_those_that_are_listened_on(monkeypatch):
    cards = [("eth0", "10.0.0.5"), ("lo", "127.0.0.1")]
    monkeypatch.setattr(discovery.ports, "cards", lambda: cards)
    assert discovery.cards_of("tcp://0.0.0.0:5570") == ["10.0.0.5"]
    assert discovery.cards_of("tcp://127.0.0.1:5570") == ["127.0.0.1"]
    assert discovery.cards_of("tcp://10.0.0.5:5570") == ["10.0.0.5"]
    assert discovery.port_of("ipc:///tmp/x") == 0


def test_nobody_is_told_of_what_hears_this_machine_alone_or_asks_for_silence():
    for wanted, address in ((True, "tcp://127.0.0.1:5570"), (False, "tcp://0.0.0.0:5570")):
        told = discovery.announced(wanted, "stage", address)
        assert isinstance(told, contextlib.nullcontext)


def test_picking_from_a_list():
    one = Found("a", "stage", "10.0.0.5", 5570, {})
    two = Found("b", "stage", "10.0.0.6", 5570, {"keys": "1"})
    said: list[str] = []
    assert discovery.chosen([one], "stage", lambda _: "", said.append) is one and not said
    assert discovery.chosen([one, two], "stage", lambda _: " 2\n", said.append) is two
    assert said == ["1  a  tcp://10.0.0.5:5570", "2  b  tcp://10.0.0.6:5570  asks for a key"]
    with pytest.raises(UnderstudyError, match=r"'7' is none of 1 to 2\."):
        discovery.chosen([one, two], "stage", lambda _: "7", said.append)
    with pytest.raises(UnderstudyError, match="announces a stage"):
        discovery.chosen([], "stage", lambda _: "", said.append)
