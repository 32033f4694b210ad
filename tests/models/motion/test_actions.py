"""Actions from takes to an ONNX file with its card."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.train

# ruff: noqa: E402
from understudy.models.motion import actions, data
from understudy.runtime.core import networks
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.layout import ACTIONS

from .gait import walk


def test_a_blow_falls_ahead():
    clip = walk(3.0, 1.2)
    strip = data.strip(clip)
    turned = actions.aimed(strip, 60, 150, "RightFoot")
    assert np.ptp(turned.yaw) == 0.0
    assert turned.yaw[0] == pytest.approx(0.0, abs=0.1)  # the walk goes along +z
    a, b = data.world(strip), data.world(turned)
    np.testing.assert_allclose(a[0], b[0], atol=1e-9)


def test_takes_become_a_network_with_a_card(tmp_path, monkeypatch):
    strips = {"walk": data.strip(walk(3.0, 1.2))}
    takes = (
        actions.Take("wave", "walk", 0.5, 1.0, 1.5),
        actions.Take("kick", "walk", 1.0, 1.5, 2.2, "RightFoot"),
    )
    monkeypatch.setattr(actions, "TAKES", takes)
    net, error_cm = actions.train(actions.samples(strips), steps=150)
    assert error_cm < 8.0
    path = tmp_path / "actions.onnx"
    actions.write(net, path, {"mean_joint_error_cm": error_cm}, 0.0)
    card = json.loads(path.with_suffix(".json").read_text())
    assert [take["action"] for take in card["takes"]] == ["wave", "kick"]
    with networks.open_network(path, "cpu", skeleton=PERFORMER) as network:
        assert network.card["inputs"]["take"]["shape"] == ["count", 2]


def test_every_button_has_a_take():
    assert {take.action for take in actions.TAKES} == set(ACTIONS.values())


def test_clips_that_are_missing_are_named(tmp_path, capsys):
    assert not actions.make(tmp_path, tmp_path / "actions.onnx")
    assert "jumping_5" in capsys.readouterr().out
