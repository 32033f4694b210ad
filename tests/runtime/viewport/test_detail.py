"""Levels of detail: fewer triangles far away, and nobody sees it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.viewport import detail
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.mesh.store import load
from understudy.runtime.viewport.renderer import Options, Renderer

from .conftest import SIZE, frame_of, standing


def test_a_mannequin_has_coarser_levels_over_the_same_vertices(_cache: None) -> None:
    mesh = load(PERFORMER)
    counts, errors_m = mesh.levels[:, 0].astype(int), mesh.levels[:, 1]
    assert len(counts) == 3 and counts.sum() == len(mesh.coarser)
    assert counts[-1] < 0.06 * len(mesh.triangles)
    assert (np.diff([len(mesh.triangles), *counts]) < 0).all()
    assert (np.diff([0.0, *errors_m]) > 0.0).all() and errors_m[-1] < 0.015
    for level in np.split(mesh.coarser, np.cumsum(counts)[:-1]):
        edges = np.sort(level[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, times = np.unique(edges, axis=0, return_counts=True)
        assert (times == 2).mean() > 0.995  # closed


def test_the_coarsest_level_that_nobody_sees_is_taken_and_kept() -> None:
    errors_m = [0.0, 0.001, 0.004]
    assert detail.level_of(errors_m, np.inf, 0) == 0
    assert detail.level_of(errors_m, 300.0, 0) == 1
    assert detail.level_of(errors_m, 100.0, 0) == 2
    between = 1.1 * detail.MOST_OFF_PX / 0.004  # too near to take it, not near enough to leave it
    assert detail.level_of(errors_m, between, 1) == 1
    assert detail.level_of(errors_m, between, 2) == 2
    assert detail.groups_of([0, 0, 2, 2, 2]) == [(0, 0, 2), (2, 2, 3)]
    assert detail.groups_of([]) == []


@pytest.mark.parametrize("away_m", [4.0, 12.0])
def test_nobody_tells_a_level_from_the_whole_mesh(
    renderer: Renderer, front: Camera, away_m: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = replace(front, position=np.array([0.0, 1.0, away_m]))
    cast = frame_of(*(standing(x, f"s{x}") for x in (-1.5, 0.0, 1.5)))
    renderer.draw(cast, camera, Options())
    seen = renderer.read().astype(int)
    levels = {
        level for costume in renderer.cast._costumes.values() for level, *_ in costume._groups
    }
    assert levels and 0 not in levels
    monkeypatch.setattr(detail, "MOST_OFF_PX", -1.0)
    monkeypatch.setattr(detail, "SHADOW_OFF_M", -1.0)
    renderer.draw(cast, camera, Options())
    whole = renderer.read().astype(int)
    assert seen.shape == (SIZE[1], SIZE[0], 3)
    off = np.abs(seen - whole).max(axis=2)
    assert off.mean() < 1.5 and (off > 24).mean() < 0.01
