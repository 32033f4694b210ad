"""Cards, ports and firewalls: what doctor says of the network is so."""

from __future__ import annotations

import json
import os
import socket

import pytest

from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import ports
from understudy.runtime.core.processes import free_ports
from understudy.runtime.doctor import checks, firewall, network


def looked_at(port, walls=()):
    (found,) = network.port_checks([port], ["127.0.0.1"], list(walls))
    return found


def taken(kind):
    one = socket.socket(socket.AF_INET, kind)
    one.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        one.listen()
    return one, one.getsockname()[1]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_free_port_is_free_and_hears_what_this_machine_sends_to_it(kind):
    (port,) = free_ports(1)
    found = looked_at((kind, port))
    assert (found.level, found.group, found.remedy) == (checks.OK, "ports free", "")


def test_a_port_that_another_program_holds_is_taken_by_it():
    one, port = taken(socket.SOCK_STREAM)
    with one:
        found = looked_at(("tcp", port))
    assert found.level == checks.LACKING and found.remedy
    assert f"process {os.getpid()}" in found.found
    one, port = taken(socket.SOCK_DGRAM)
    with one:
        found = looked_at(("udp", port))
    # An engine that listens is as it should be.
    assert found.level == checks.OK and f"process {os.getpid()}" in found.found


def test_a_port_of_our_own_stage_reads_as_such(understudy, tmp_path):
    with StageProcess("--remote", seconds=60) as stage:
        port = stage.publish.rpartition(":")[2]
        done = understudy("doctor", "--network", "--json", "--port", port)
    (found,) = [c for c in json.loads(done.stdout)["checks"] if c["name"] == f"tcp {port}"]
    assert found["level"] == "ok"
    assert f"your `understudy stage` (process {stage.process.pid})" in found["found"]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (["python3", "-m", "understudy.runtime.cli.main", "send", "--to", "x"], "send"),
        (["/usr/bin/python3", "/home/a/.venv/bin/understudy", "play"], "play"),
        (["C:\\Python\\Scripts\\understudy.exe", "monitor"], "monitor"),
        (["vim", "understudy.txt"], ""),
        (["understudy"], ""),
    ],
)
def test_our_own_programs_are_known_by_their_command_line(line, command):
    assert ports._ours(line) == command


def test_a_port_that_a_firewall_swallows_is_blocked(monkeypatch):
    """The firewall is a stand-in: what is sent goes to a port that nobody hears."""
    (port,) = free_ports(1)
    monkeypatch.setattr(network, "PATIENCE_S", 0.05)
    monkeypatch.setattr(network, "_heard", lambda port, ears: "0.0.0.0")
    wall = firewall.Firewall("ufw", barred=[("udp", port, port)])
    found = looked_at(("udp", port), [wall])
    assert found.level == checks.LACKING
    assert "blocked" in found.found and "by ufw" in found.found and "127.0.0.1" in found.found


def test_a_port_that_a_rule_bars_to_others_is_said_to_be():
    (port,) = free_ports(1)
    closed = firewall.Firewall("nftables", closed=True, opened=[("tcp", port, port)])
    assert looked_at(("tcp", port), [closed]).level == checks.OK
    found = looked_at(("udp", port), [closed])
    assert (found.level, found.group) == (checks.LACKING, "ports blocked")
    assert "blocked for other machines by nftables" in found.found


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
def test_a_port_that_may_not_be_listened_on_is_blocked(monkeypatch):
    def refuse(port):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(network, "_bound", refuse)
    found = looked_at(("tcp", 80))
    assert found.level == checks.LACKING and "Permission denied" in found.found


def test_the_cards_have_addresses_and_the_loopback_is_among_them():
    found = network.interfaces()
    assert found and all(card.addresses for card in found)
    own = [card for card in found if card.kind == "loopback"]
    assert any("127.0.0.1" in card.addresses for card in own)
    assert not any(card.beyond for card in own)


def test_what_cannot_be_read_is_said_to_be_unread():
    said = network.wall_check(firewall.Firewall("ufw", unread="its rules need root to be read"))
    assert said.level == checks.LACKING and "root" in said.found and "sudo" in said.remedy


UFW = """Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
5570:5571/tcp              ALLOW IN    10.0.0.0/24
39539/udp                  ALLOW IN    Anywhere
40000                      ALLOW IN    Anywhere
14043/udp                  DENY IN     Anywhere
39539/udp (v6)             ALLOW IN    Anywhere (v6)
"""
FIREWALLD = """public (active)
  target: default
  interfaces: eth0
  services: dhcpv6-client ssh
  ports: 5570-5571/tcp 39539/udp 40000/udp
  masquerade: no
"""
NFTABLES = """table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		tcp dport { 22, 5570-5571 } accept
		udp dport 39539 counter packets 0 bytes 0 accept
		th dport 40000 accept
		udp dport 14043 drop
	}
}
"""
IPTABLES = """-P INPUT DROP
-P FORWARD ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p udp -m udp --dport 39539 -j ACCEPT
-A INPUT -p udp -m udp --dport 40000 -j ACCEPT
-A INPUT -p udp -m udp --dport 14043 -j DROP
-A INPUT -p tcp -m multiport --dports 22,5570:5571 -j ACCEPT
"""


@pytest.mark.parametrize(
    "wall",
    [
        firewall.read_ufw(UFW),
        firewall.read_firewalld(FIREWALLD),
        firewall.read_nftables(NFTABLES),
        firewall.read_iptables(IPTABLES),
    ],
    ids=lambda wall: wall.name,
)
def test_a_firewall_is_understood(wall):
    assert wall.closed
    for port in (("tcp", 5570), ("tcp", 5571), ("udp", 39539), ("udp", 40000)):
        assert not wall.bars(port), port
    for port in (("udp", 5570), ("tcp", 8080), ("udp", 14043), ("tcp", 39539)):
        assert wall.bars(port), port


def test_an_open_firewall_bars_what_it_names_alone():
    wall = firewall.read_nftables(NFTABLES.replace("policy drop", "policy accept"))
    assert not wall.closed
    assert wall.bars(("udp", 14043)) and not wall.bars(("tcp", 8080))
