"""Doctor finds what is missing, names the remedy, and survives drivers that crash.

Firewalls' own words are tested on what they print; tests/runtime/test_network.py has the ports.
"""

from __future__ import annotations

import json
import os
import socket

import pytest

from tests.conftest import sentence
from understudy.runtime.cli import doctor
from understudy.runtime.doctor import checks


@pytest.fixture(scope="module")
def taken():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def test_json_has_every_check_and_a_remedy_for_each_thing_missing(understudy, taken):
    done = understudy("doctor", "--json", "--port", taken)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1)
    by_name = {check["name"]: check for check in found["checks"]}
    assert by_name.keys() >= {
        "python",
        "packages",
        "nvidia",
        "opengl",
        "display",
        "onnxruntime",
        "motion network",
        "actions network",
        "takeover network",
        "gamepad",
        f"tcp {taken}",
        "firewall",
        "real-time priority",
    }
    for check in found["checks"]:
        assert check["found"]
        assert check["level"] == "ok" or check["remedy"], check["name"]
    assert found["lacking"] == [c["name"] for c in found["checks"] if c["level"] == "lacking"]
    assert any(name.startswith("interface ") for name in by_name)
    port = by_name[f"tcp {taken}"]
    assert port["level"] == "lacking"
    if os.path.exists("/proc/net/tcp"):
        assert f"process {os.getpid()}" in port["found"]


def test_people_get_lines_and_no_traceback(understudy):
    done = understudy("doctor", "--port", 5570)
    assert "python" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 100


def test_the_network_alone_tells_of_cards_firewall_and_every_port(understudy):
    done = understudy("doctor", "--network")
    assert done.returncode == 0, done.stderr
    assert "python" not in done.stdout and "127.0.0.1" in done.stdout
    for word in ("firewall", "5570", "5571", "8080", "39539", "39540", "40000", "55555", "11111"):
        assert word in done.stdout


@pytest.mark.parametrize("port", ["70000", "sctp:5570", "udp:", "vmc"])
def test_a_port_that_is_none_is_one_sentence(understudy, port):
    assert port in sentence(understudy("doctor", "--port", port))


def test_free_ports_are_one_line_and_each_is_whole():
    group = [
        checks.Check(f"udp {n}", checks.OK, "free", group="ports free", item=f"udp {n} (VMC)")
        for n in range(39530, 39540)
    ]
    lines = doctor.together(group).splitlines()
    assert lines[0].startswith("ok  ports free ") and len(lines) > 1
    assert all(line.rstrip(",").endswith("(VMC)") for line in lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os; os.abort()", "signal 6"),
        ("raise RuntimeError('no driver')", "no driver"),
        ("while True: pass", "hung"),
    ],
)
def test_a_driver_that_crashes_or_hangs_is_a_finding(code, expected):
    assert expected in checks.Probe(code).result(timeout_s=1.0)["error"]


def test_what_a_probe_said_before_it_crashed_is_kept():
    found = checks.Probe("print('{\"a\": 1}', flush=True); import os; os.abort()").result()
    assert found["a"] == 1 and "signal" in found["error"]


def test_no_opengl_is_lacking_and_a_software_renderer_is_told():
    assert checks.opengl({"error": "no EGL"}).level == checks.LACKING
    software = checks.opengl({"renderer": "llvmpipe (LLVM 15)", "version": 450, "software": True})
    assert (software.level, "software" in software.found) == (checks.LACKING, True)
    assert checks.opengl({"renderer": "NVIDIA H100", "version": 460}).level == checks.OK
    assert checks.opengl({"renderer": "old", "version": 210}).remedy


def test_networks_that_are_damaged_are_broken_and_an_unused_card_is_told():
    whole = {"version": "1", "providers": ["CPUExecutionProvider"], "contact": 1}
    levels = {
        check.name: check
        for check in checks.networks({**whole, "motion_error": "It is damaged."}, False)
    }
    assert levels["motion network"].level == checks.BROKEN
    assert levels["motion network"].found == "It is damaged."
    unused = next(iter(checks.networks({**whole, "motion": "CPUExecutionProvider"}, True)))
    assert "onnxruntime-gpu" in unused.remedy
    crashed = list(checks.networks({"error": "crashed with signal 11"}, False))
    assert [c.level for c in crashed] == [checks.BROKEN]


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    version = checks._version
    gone = {"msgspec", "glfw"}
    monkeypatch.setattr(checks, "_version", lambda name: None if name in gone else version(name))
    found = {check.name: check for check in checks.packages()}
    assert found["msgspec"].level == checks.BROKEN
    assert found["glfw"].level == checks.LACKING
    assert found["glfw"].remedy == "pip install glfw"
