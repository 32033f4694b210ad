"""The bench of BVH reading gives figures, with and without its peers."""

from __future__ import annotations

import math

from understudy.runtime.bench import bvh as bench


def test_figures_have_values_and_conditions(tmp_path, monkeypatch):
    monkeypatch.setitem(bench.PEERS, "no-such-reader", (_missing, "nothing", 2.0))
    figures = bench._figures({"made up": bench.made_up(tmp_path, 2)}, quick=True)
    by_name = {(f.name, f.unit): f for f in figures}
    assert by_name["BVH reading, made up", "frames/s"].value > 0.0
    assert by_name["BVH reading, made up", "x real time"].met is not None
    skipped = by_name["BVH reading against no-such-reader, made up", "times as fast"]
    assert skipped.met is None and "pip install no-such-reader" in skipped.conditions
    assert all(math.isfinite(f.value) and f.conditions for f in figures)


def _missing(path):
    raise ImportError
