"""When feet come down: the labels by hand, the judges, and a training that runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from understudy.models.footsteps import evaluate
from understudy.models.footsteps.data import RATE_HZ, Walk, touchdowns

pytestmark = pytest.mark.train

FORWARD, HIGH, OTHER = (np.array(p) for p in ((0.17, 0, 0), (0, 0.9, 0), (0.65, 0, 0.2)))


def stride(seconds: float = 6.0, period_s: float = 1.0, swing: float = 0.4) -> tuple:
    """Heel, ball and hips of one foot that swings a share of each period, and its landings."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = (t / period_s) % 1.0
    in_air = phase < swing
    share = np.clip(phase / swing, 0.0, 1.0)
    count = np.floor(t / period_s)
    # Off, up, ahead by a step, down; at rest on the floor else.
    x = 1.3 * (count + np.where(in_air, share * share * (3.0 - 2.0 * share), 1.0))
    y = np.where(in_air, 0.15 * np.sin(np.pi * share) ** 2, 0.0)
    heel = np.stack([x, y, np.zeros_like(t)], -1)
    ball = heel + FORWARD
    hips = np.stack([1.3 * t / period_s, np.full_like(t, 0.9), np.zeros_like(t)], -1)
    return heel, ball, hips, period_s * (np.arange(int(seconds / period_s)) + swing)


@pytest.mark.parametrize("lift", [0.0, 0.02, 0.35])
def test_labels_are_where_the_foot_stops(lift: float):
    heel, ball, hips, landings = stride()
    for points in (heel, ball, hips):
        points[:, 1] += lift  # a floor that is higher, or a stair
    down, steps = touchdowns(heel, ball, hips)
    assert len(steps) == len(landings)
    np.testing.assert_allclose(steps, landings, atol=0.05)
    assert (steps < landings).all()  # it has fallen and stopped before the swing is quite over
    assert 0.5 < down.mean() < 0.75


def test_who_stands_and_sways_has_not_stepped():
    t = np.arange(600) / RATE_HZ
    heel = np.stack([0.01 * np.sin(t), 0.004 * np.sin(3 * t) ** 2, 0.0 * t], -1)
    _, steps = touchdowns(heel, heel + FORWARD, heel + HIGH)
    assert len(steps) == 0


def test_errors_match_each_telling_once():
    late, missed, extra = evaluate.errors(np.array([1.02, 1.05, 5.0]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(late, [0.02])
    assert (missed, extra) == (1, 2)


def test_a_training_makes_a_network_that_the_run_time_opens(tmp_path, monkeypatch):
    import argparse

    from understudy.models.footsteps import train
    from understudy.runtime.contact.footsteps import Footsteps

    walks = []
    for seed in range(3):
        heel, ball, hips, _ = stride(8.0, 0.9 + 0.1 * seed)
        points = [np.stack([p, p + OTHER], 1) for p in (heel, ball)]
        found = [touchdowns(points[0][:, k], points[1][:, k], hips) for k in (0, 1)]
        down = np.stack([d for d, _ in found], 1)
        walks.append(
            Walk(f"w{seed}", hips, *points, down, (found[0][1], found[1][1]), RATE_HZ)
        )  # fmt: skip
    network = train.train(walks, 40, 1)
    args = argparse.Namespace(hold_out="", data=[tmp_path], steps=40, seed=1)
    row = {"name": "network", **evaluate.judged(
        evaluate.by_network(train.chances(network), 0.4), walks, 60.0)}  # fmt: skip
    train.save(tmp_path / "footsteps.onnx", network, [row], args, "three made walks")
    card = json.loads((tmp_path / "footsteps.json").read_text())
    assert card["command"].startswith("understudy train footsteps --data")
    with Footsteps(weights=tmp_path / "footsteps.onnx") as footsteps:
        assert footsteps.provider_name == "CPUExecutionProvider"
