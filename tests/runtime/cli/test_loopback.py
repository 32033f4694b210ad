"""`understudy loopback`: every protocol through real sockets, and what is said when it fails."""

from __future__ import annotations

import json
import os
import socket

import pytest

from understudy.bridge.protocols import livelinkface
from understudy.runtime.cli import loopback as command
from understudy.runtime.cli.main import main
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.outputs import freed, loopback

CASES = [
    ("vmc", {}),
    ("vmc", {"dialect": "vmclivelink"}),
    ("vmc", {"dialect": "godot", "travel": "root", "mtu": "512"}),
    ("vmc", {"bundle": "0"}),
    ("freed", {}),
    ("opentrackio", {}),
    ("opentrackio", {"encoding": "cbor"}),
    ("livelinkface", {}),
    ("rokoko", {}),
]


@pytest.mark.parametrize(("protocol", "options"), CASES)
def test_every_value_comes_back(protocol, options):
    if options.get("travel") == "root":
        options = {**options, "dialect": "standard"}
    heard = loopback.run(protocol, 0, 5, options)
    assert command.verdict(protocol, heard) == "", heard
    assert heard.received >= 4 and heard.datagrams >= heard.received
    assert heard.last and heard.differing == []


def test_the_wire_comes_back():
    heard = loopback.run("wire", 0, 5)
    assert command.verdict("wire", heard) == "", heard
    assert heard.received == heard.sent == 5


def test_multicast_comes_back_where_the_machine_has_it():
    try:
        heard = loopback.run("opentrackio", 0, 3, {"source": "200"}, multicast=True)
    except UnderstudyError as error:
        pytest.skip(str(error))
    if heard.reason:
        pytest.skip(heard.reason)
    assert heard.where.startswith("udp 239.135.1.200:")
    assert command.verdict("opentrackio", heard) == ""


def test_the_command_prints_the_values(understudy):
    done = understudy("loopback", "freed", "--port", 0, "--frames", 3)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 frames, 3 datagrams, 87 bytes" in done.stdout
    assert "pan (deg)" in done.stdout and "All of it came back" in done.stdout


def test_json_is_one_object(capsys):
    assert main(["loopback", "wire", "--port", "0", "--frames", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["received"] == 3


@pytest.mark.parametrize(
    ("protocol", "kind"), [("vmc", socket.SOCK_DGRAM), ("wire", socket.SOCK_STREAM)]
)
def test_a_port_that_is_taken_is_named_with_its_owner(protocol, kind):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UnderstudyError) as refused:
            loopback.run(protocol, port, 3)
    assert f"Port {port}" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)


def test_when_nothing_comes_it_says_so_and_fails(monkeypatch):
    class Mute(freed.OUTPUT):
        def datagrams(self, frame, time_s):
            return []

    monkeypatch.setattr(freed, "OUTPUT", Mute)
    heard = loopback.run("freed", 0, 5, timeout_s=0.05)
    assert (heard.received, heard.datagrams) == (0, 0)
    assert "Nothing came on udp 127.0.0.1" in command.verdict("freed", heard)


def test_a_value_that_changes_on_the_way_is_named(monkeypatch):
    class Deaf(freed.OUTPUT):
        def datagrams(self, frame, time_s):
            frame.cameras[0].focal_mm += 1.0
            return super().datagrams(frame, time_s)

    monkeypatch.setattr(freed, "OUTPUT", Deaf)
    heard = loopback.run("freed", 0, 2)
    assert "zoom came back changed" in command.verdict("freed", heard)
    assert "<- changed" in command.text("freed", heard)


def test_the_performer_goes_to_a_receiver_elsewhere(capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        port = ears.getsockname()[1]
        words = ["loopback", "livelinkface", "--to", "127.0.0.1", "--port", str(port)]
        assert main([*words, "--frames", "5"]) == 0
        ears.setblocking(False)
        assert [livelinkface.decode(ears.recv(4096)).subject for _ in range(5)] == ["Ann"] * 5
    said = capsys.readouterr().out
    assert "5 frames, 5 datagrams" in said and "Nothing answered" in said


def test_a_machine_that_answers_that_nobody_listens_is_heard(capsys):
    assert main(["loopback", "freed", "--to", "127.0.0.1", "--port", "9", "--frames", "5"]) == 1
    said = capsys.readouterr()
    assert "nobody listens on udp 9" in said.err and "Nothing answered" not in said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("wire", "--to", "127.0.0.1"), "understudy listen"),
        (("opentrackio", "--multicast", "--interface", "203.0.113.7"), "no network card"),
        (("vmx",), "no protocol 'vmx'"),
        (("vmc", "--port", "70000"), "--port"),
        (("vmc", "--frames", "0"), "--frames"),
        (("vmc", "--multicast"), "no multicast"),
        (("vmc", "--option", "dialect"), "NAME=VALUE"),
        (("vmc", "--port", "0", "--option", "dialekt=vrm4u"), "did you mean 'dialect'"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, words, expected):
    assert main(["loopback", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("understudy loopback: ") and expected in line
