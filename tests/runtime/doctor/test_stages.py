"""Doctor finds the stages that run here, and the ports that a session means to open."""

from __future__ import annotations

import os

import pytest

from tests.runtime.simulators.test_device import DEVICES
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.doctor import network, stages
from understudy.runtime.sources import registry

SESSION = """
[stage]
publish = "tcp://127.0.0.1:7701"
control = "tcp://127.0.0.1:7702"
timecode_from = "artnet://0.0.0.0:7703"
[[source]]
as = "suit"
from = "mvn://0.0.0.0:7704"
[[source]]
from = "neuron://0.0.0.0:7705?tcp=listen"
[[source]]
from = "neuron://0.0.0.0:7706?tcp=10.0.0.4"
[[source]]
from = "vicon://0.0.0.0?sdk=10.0.0.9"
[[controller]]
from = "osc://0.0.0.0:7707"
"""


def test_a_sessions_ports_are_those_that_it_listens_on(tmp_path):
    file = tmp_path / "show.toml"
    file.write_text(SESSION)
    assert stages.of_file(file) == {
        ("tcp", 7701): "poses",
        ("tcp", 7702): "control",
        ("udp", 7703): "timecode",
        ("udp", 7704): "mvn, suit",
        ("tcp", 7705): "neuron, neuron",
        ("udp", 7707): "controllers",
    }
    with pytest.raises(UnderstudyError, match=r"none\.toml"):
        stages.of_file(tmp_path / "none.toml")


def test_a_stage_that_runs_is_found_by_the_session_that_it_keeps(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path))
    (tmp_path / f"stage-{os.getpid()}.toml").write_text(SESSION)
    (tmp_path / "stage-999999999.toml").write_text(SESSION.replace("7702", "7799"))
    (one,) = stages.running()
    assert one.control == "tcp://127.0.0.1:7702" and one.key is None
    found = {check.name: check.found for check in network.examine((), [one])}
    assert "free (mvn, suit)" in found["udp 7704"]


def test_every_devices_own_port_is_looked_at():
    wanted = {("udp", module.PORT) for module in registry.KNOWN.values()}
    wanted |= {("udp", device.port) for device in DEVICES.values() if device.port}
    assert wanted <= network.USES.keys()
