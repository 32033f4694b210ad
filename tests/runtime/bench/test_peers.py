"""What others are measured by does the same work as ours."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from understudy.runtime.bench import peers
from understudy.runtime.bench.wire import cast


@pytest.mark.parametrize("package", peers._PACKERS)
def test_a_peer_packs_and_gives_back_every_pose(package):
    pytest.importorskip(package)
    pack, unpack = peers._PACKERS[package](importlib.import_module(package))
    frame = cast(2)
    read = unpack(pack(frame))
    for one, subject in zip(read, frame.subjects, strict=True):
        assert one["name"] == subject.name
        assert np.allclose(one["positions"], subject.pose.positions)
        assert np.allclose(one["rotations"], subject.pose.rotations, atol=1e-6)
        assert one["trajectory"].shape == subject.trajectory.shape


def test_rounds_alternate_and_a_ratio_is_of_pairs():
    order = []
    spent = peers.alternating(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, at_least_s=0.0
    )
    assert "".join(order[-6:]) == "ababab"
    assert {len(values) for values in spent.values()} == {3}
    value, told = peers.ratio({"a": [4.0, 9.0, 4.0], "b": [2.0, 3.0, 2.0]}, "a", "b")
    assert value == 2.0
    assert "2.00 to 3.00" in told
