"""`understudy monitor` as a user meets it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.conftest import sentence
from understudy.runtime.cli.main import main
from understudy.runtime.cli.monitor import greeting


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--token", "short"), "--token has 5 characters"),
        (("--rate", "0"), "--rate is 0"),
        (("--port", "70000"), "--port is 70000"),
        (("--connect", "nowhere"), "'nowhere' is not an address"),
        (("--host", "203.0.113.9"), "203.0.113.9"),
        (("--key", "/no/such.key"), "/no/such.key"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(capsys, words, said):
    assert main(["monitor", "--port", "0", *words]) == 2
    heard = capsys.readouterr().err
    assert said in heard and heard.count("\n") == 1


def test_a_port_in_use_is_refused_in_a_sentence(understudy):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in sentence(understudy("monitor", "--port", port))


def test_it_says_where_it_is_and_ends_when_asked():
    words = [sys.executable, "-m", "understudy.runtime.cli.main", "monitor", "--port", "0"]
    words += ["--connect", "tcp://127.0.0.1:1", "--control", "tcp://127.0.0.1:1"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        address = child.stdout.readline().split()[-1]
        with urllib.request.urlopen(address, timeout=30) as page:
            assert page.status == 200
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=30)
    assert (child.returncode, said) == (143, "")


def test_the_greeting_names_addresses_and_what_may_be_seen():
    lines = greeting("127.0.0.1", 8080, None, False)
    assert lines[0] == "http://127.0.0.1:8080/"
    assert not any("encrypted" in line for line in lines)
    lines = greeting("0.0.0.0", 8080, "abc", True)
    assert "http://127.0.0.1:8080/#token=abc" in lines
    assert any("not encrypted" in line for line in lines)
    assert greeting("::1", 80, None, False)[0] == "http://[::1]:80/"
