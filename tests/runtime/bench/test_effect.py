"""The effect's figures name what was measured and where."""

from __future__ import annotations

import pytest

from understudy.runtime.bench import effect
from understudy.runtime.core.errors import UnderstudyError


def test_the_network_stands_beside_the_classical_estimators():
    try:
        figures = effect.measure(quick=True)
    except UnderstudyError as error:
        pytest.skip(str(error))
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names)) == len(effect.QUALITIES)
    assert "gtao-16" in names[1] and "sao-16" in names[2]
    for figure in figures:
        assert figure.unit == "ms" and figure.value > 0.0
        assert "of the network" in figure.conditions
    assert figures[0].target and "1.00 of the network" in figures[0].conditions


def test_the_stage_that_is_timed_is_a_floor_with_pillars():
    image = effect.pillars((96, 54), effect.Lens())
    assert (image[..., 3] > 1e4).any() and (image[..., 1] == 1.0).any()
    covered = image[..., 3] < 1e4
    lengths = (image[covered][:, :3] ** 2).sum(-1)
    assert abs(lengths - 1.0).max() < 1e-4
