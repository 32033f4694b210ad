"""The network's arithmetic: taps, features, weights file, GLSL."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from understudy.runtime.viewport.effects import contact_network as network
from understudy.runtime.viewport.effects import contact_shader as shader
from understudy.runtime.viewport.effects import contact_weights as files


def test_any_four_by_four_block_holds_every_tile_value_once():
    y, x = np.mgrid[0:12, 0:12]
    values = network.tile(x, y)
    for dy in range(8):
        for dx in range(8):
            assert sorted(values[dy : dy + 4, dx : dx + 4].ravel()) == list(range(16))


@pytest.mark.parametrize(("directions", "steps"), [(4, 2), (8, 2), (5, 3)])
def test_taps_fill_the_disc_evenly_around(directions, steps):
    offsets = network.tap_offsets(directions, steps)
    length = np.hypot(offsets[..., 0], offsets[..., 1])
    assert np.allclose(length, offsets[..., 2]) and length.max() < 1.0
    assert np.abs(offsets[..., :2].mean((0, 1))).max() < 0.05
    # Together the sixteen patterns step outwards without a gap.
    assert np.diff(np.sort(offsets[..., 2].ravel())).max() < 1.01 / (16 * steps)
    ways = np.sort(np.arctan2(offsets[..., 1], offsets[..., 0]).ravel())
    assert np.diff(ways).max() < 1.01 * 2 * np.pi / (16 * directions)


finite = st.floats(-1e4, 1e4, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float64, (3, 4), elements=finite),
    hnp.arrays(np.float64, (3, 5, 4), elements=finite),
    st.floats(0.2, 1.0),
)
def test_features_are_bounded_whatever_the_gbuffer_holds(centre, tap, radius_m):
    centre[:, 3] = np.abs(centre[:, 3]) + 0.05
    for normal in (centre[..., :3], tap[..., :3]):
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1.0)
    ray = np.tile([0.3, -0.2, -1.0], (3, 1))
    tap_ray = np.tile([0.1, 0.1, -1.0], (3, 5, 1))
    r = np.full(3, radius_m)
    f = network.tap_features(np, centre, ray, tap, tap_ray, r, np.full((3, 5), 0.5))
    assert f.shape == (3, 5, len(network.TAP_FEATURES))
    assert np.isfinite(f).all()
    assert np.abs(f).max() <= 2.0


def test_features_of_a_tap_that_stands_on_the_floor():
    """A pixel of the floor seen from above, a tap 0.3 m above it at a quarter of a metre's side."""
    ray = np.array([[0.0, 0.0, -1.0]])
    centre = np.array([[0.0, 0.0, 1.0, 2.0]])  # faces the eye, 2 m away
    tap_ray = np.array([[[0.4 / 1.7, 0.0, -1.0]]])
    tap = np.array([[[-1.0, 0.0, 0.0, 1.7]]])  # at (0.4, 0, -1.7), faces the pixel
    r = np.array([0.5])
    f = network.tap_features(np, centre, ray, tap, tap_ray, r, np.array([[0.8]]))[0, 0]
    named = dict(zip(network.TAP_FEATURES, f, strict=True))
    assert named["cos_normal"] == pytest.approx(0.6)
    assert named["distance"] == pytest.approx(1.0)
    assert named["window"] == pytest.approx(0.0, abs=1e-9)
    assert named["normals"] == pytest.approx(0.0)
    assert named["cos_view"] == pytest.approx(0.6)
    assert named["cos_tap_normal"] == pytest.approx(-0.8)
    assert named["reach"] == 0.8


def test_features_for_numpy_and_torch_are_the_same():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    arrays = [
        rng.normal(3.0, 1.0, (6, 4)), rng.normal(-0.5, 0.2, (6, 3)),
        rng.normal(3.0, 1.0, (6, 7, 4)), rng.normal(-0.5, 0.2, (6, 7, 3)),
        rng.uniform(0.2, 1.0, 6), rng.uniform(0.0, 1.0, (6, 7)),
    ]  # fmt: skip
    one = network.tap_features(np, *arrays)
    two = network.tap_features(torch, *(torch.from_numpy(a) for a in arrays)).numpy()
    assert np.allclose(one, two, atol=1e-9)


def test_the_shipped_weights_are_whole_and_their_card_says_how_they_were_made():
    import json

    weights = files.load()
    assert weights.default in weights.networks
    card = json.loads(files.SHIPPED.read_text())["card"]
    assert "understudy train effect" in card["command"]
    names = {row["name"] for row in card["measured"]}
    assert {"no shading", "gtao-16", *weights.networks} <= names
    best = {row["name"]: row["held-out 0.5 m dB"] for row in card["measured"]}
    assert best[weights.default] > max(best["gtao-64"], best["sao-64"])


def test_writing_and_reading_keep_a_network(tmp_path):
    weights = files.load()
    one = weights.networks[weights.default]
    again = files._network("x", one.name, msgspec.convert(files.entry(one), files._Stored))
    image = np.zeros((12, 20, 4))
    image[..., 2] = 1.0
    image[..., 3] = 2.0 + 0.02 * np.arange(20)
    a, b = (network.estimate(n, image, 0.4, 0.5) for n in (one, again))
    assert np.abs(a - b).max() < 1e-5


def test_the_glsl_names_every_feature_and_adds_every_output():
    weights = files.load()
    for one in weights.networks.values():
        parts = shader.glsl(one)
        for name in network.TAP_FEATURES:
            assert all(f"f{i}.{name}" in parts["LOOK"] for i in range(one.steps))
        for name in network.HEAD_FEATURES:
            assert f"h_{name}" in parts["HEAD"]
        assert parts["LOOK"].count("+=") == len(one.tap_layers[-1][1])
        assert "nan" not in "".join(parts.values())


def test_a_file_that_was_written_is_read_also_where_something_was_not_measured(tmp_path):
    weights = files.load()
    path = tmp_path / "contact.json"
    card = {"measured": [{"name": "none", "dB": float("nan"), "count": np.float32(2.0)}]}
    files.save(path, weights.networks, weights.default, weights.light, weights.classical, card)
    again = files.load(path)
    assert (again.default, again.light) == (weights.default, weights.light)
    assert again.classical == weights.classical
    for name, one in weights.networks.items():
        for (w, b), (v, c) in zip(one.tap_layers, again.networks[name].tap_layers, strict=True):
            assert np.array_equal(w, v) and np.array_equal(b, c)
