"""Actions from takes to an ONNX file with its card."""

import argparse
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.train

# ruff: noqa: E402
from understudy.models.actions import network, takes, train
from understudy.models.motion import data
from understudy.runtime.core import networks
from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER

from ..motion.gait import walk


def test_a_blow_falls_ahead():
    clip = walk(3.0, 1.2)
    strip = data.strip(clip)
    turned = network.aimed(strip, 60, 150, "RightFoot")
    assert np.ptp(turned.yaw) == 0.0
    assert turned.yaw[0] == pytest.approx(0.0, abs=0.1)  # the walk goes along +z
    a, b = data.world(strip), data.world(turned)
    np.testing.assert_allclose(a[0], b[0], atol=1e-9)


def test_takes_become_a_network_with_a_card(tmp_path, monkeypatch):
    strips = {"walk": data.strip(walk(3.0, 1.2))}
    cut = (
        takes.Take("wave", "walk", 0.5, 1.0, 1.5),
        takes.Take("kick", "walk", 1.0, 1.5, 2.2, "RightFoot", legs="always"),
    )
    monkeypatch.setattr(takes, "TAKES", cut)
    net, error_cm = network.train(network.samples(strips), steps=150)
    assert error_cm < 8.0
    path = tmp_path / "actions.onnx"
    train.write(net, path, {"mean_joint_error_cm": error_cm}, "", 0.0)
    card = json.loads(path.with_suffix(".json").read_text())
    assert [take["action"] for take in card["takes"]] == ["wave", "kick"]
    with networks.open_network(path, "cpu", skeleton=PERFORMER) as opened:
        assert opened.card["inputs"]["take"]["shape"] == ["count", 2]


def test_every_button_has_a_take():
    assert {take.action for take in takes.TAKES} == set(ACTIONS.values())


def test_clips_that_are_missing_are_named(tmp_path):
    with pytest.raises(UnderstudyError, match="jumping_5"):
        train.run(argparse.Namespace(data=[tmp_path], threads=None))
