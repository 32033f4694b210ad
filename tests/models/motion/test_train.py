"""Training end to end on a few seconds of made-up walking."""

import argparse
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.train

# ruff: noqa: E402
from understudy.models.motion import network, rollout, train
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.layout import BODY, PATH, PHASE, POSE
from understudy.runtime.performer.control.performer import Performer

from .gait import folder


def options(data, out, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.arguments(parser)
    small = "--steps 6 --batch 8 --hidden 24 --bodies 6 --frames 90 --hold-out slow --threads 1"
    return parser.parse_args(["--data", str(data), "--out", str(out), *small.split(), *more])


def test_quaternions_and_kinematics_agree_with_core():
    q = rotation.normalize(np.random.default_rng(0).normal(size=(64, 22, 4)))
    columns = torch.tensor(rotation.to_6d(q).reshape(64, -1))
    assert rotation.angle_between(network.quaternions(columns).numpy(), q).max() < 1e-6
    # Halves of turns, where naive formulas divide by nothing.
    for axis in np.eye(3):
        for angle in (np.pi, -np.pi / 2, np.pi / 2):
            one = rotation.from_axis_angle(axis, angle)
            six = torch.tensor(rotation.to_6d(one).reshape(1, -1))
            assert rotation.angle_between(network.quaternions(six).numpy()[0, 0], one) < 1e-6
    hips = np.random.default_rng(1).normal(size=(64, 3))
    places = np.repeat(PERFORMER.rest_positions[None], 64, 0)
    places[:, 0] = hips
    pose = torch.cat([torch.tensor(hips), columns], -1)
    found = network.Skeletal().double()(pose).numpy()
    np.testing.assert_allclose(found, PERFORMER.globals(places, q)[0], atol=1e-6)


def test_moving_is_the_inverse_of_travel():
    before, after = torch.rand(5, 3), torch.rand(5, 3)
    torch.testing.assert_close(rollout.moved(before, rollout.travel(before, after)), after)


def test_the_phase_never_goes_backward():
    net = network.Performer(16, 16)
    body = torch.randn(32, BODY)
    body[:, PHASE.start : PHASE.start + 2] = torch.nn.functional.normalize(
        body[:, PHASE.start : PHASE.start + 2], dim=-1
    )
    after, _, _ = net(body, torch.randn(32, PATH), torch.zeros(32, 16))
    c, s = body[:, PHASE.start], body[:, PHASE.start + 1]
    turn = c * after[:, PHASE.start + 1] - s * after[:, PHASE.start]
    assert (turn >= -1e-6).all()
    assert (turn < network.FASTEST + 1e-6).all()
    assert torch.isfinite(after[:, POSE]).all()


def test_from_bvh_to_a_moving_body(tmp_path, capsys):
    data = folder(tmp_path / "bvh")
    assert train.run(options(data, tmp_path / "out")) == 0
    said = capsys.readouterr().out
    assert "hold" in said and "damped velocity" in said and "network" in said
    card = json.loads((tmp_path / "out" / "motion.json").read_text())
    assert card["inputs"]["body"]["shape"] == ["count", BODY]
    assert card["measured"]["prediction_cm"]["hold"]["0.5"] > 0
    with Performer(3, tmp_path / "out" / "motion.onnx", "cpu") as performer:
        for _ in range(20):
            performer.step([Intent(np.array([0.0, 1.0]))] * 3)
        assert np.isfinite(performer.positions).all()


def test_an_interrupted_training_goes_on(tmp_path, capsys):
    data, out = folder(tmp_path / "bvh"), tmp_path / "out"
    train.run(options(data, out, "--minutes", "0"))
    saved = torch.load(out / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 1
    train.run(options(data, out, "--resume"))
    assert "resumed at step 1" in capsys.readouterr().out
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 6
    with pytest.raises(UnderstudyError, match="other settings"):
        train.run(options(data, out, "--resume", "--seed", "5"))
