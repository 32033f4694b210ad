"""The contact pass: the same numbers as numpy, and shading where a user expects it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.runtime.viewport.effects.conftest import Eye, ball, corner, nearest, pixels, plane
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.effects import contact_network as network
from understudy.runtime.viewport.effects import contact_weights as files
from understudy.runtime.viewport.effects.contact import Contact

SIZE = (128, 72)


def shade(ctx, buffers, image, eye, radius_m=0.5, **options) -> np.ndarray:
    """(H, W) occlusion of a G-buffer."""
    made = buffers(image)
    with Contact(ctx, made.size, radius_m, **options) as contact:
        return pixels(contact.render(made.depth, made.normal, eye))[..., 0]


def scene(eye: Eye, size=SIZE) -> np.ndarray:
    """A ball on the floor before a wall, sky left of it."""
    image = nearest(corner(*size, eye), ball(*size, eye, (0.25, -0.8, 2.4), 0.4))
    image[-20:, :15] = (0.0, 0.0, 0.0, 1.0e5)
    return image


@pytest.mark.parametrize("quality", sorted(files.load().networks))
def test_the_shader_computes_what_numpy_computes(ctx, buffers, eye, quality):
    image = scene(eye)
    stored = image.copy()
    stored[..., :3] = stored[..., :3].astype(np.float16)
    length = np.maximum(np.linalg.norm(stored[..., :3], axis=-1, keepdims=True), 1e-6)
    stored[..., :3] /= length
    one = files.load().networks[quality]
    for radius_m in (0.25, 0.7):
        raw = network.estimate(one, stored.astype(np.float64), eye.tan_y, radius_m)
        want = network.blur(raw, stored.astype(np.float64), eye.tan_y, radius_m)
        have = shade(ctx, buffers, image, eye, radius_m, quality=quality, half=False)
        off = np.abs(have - want)
        # A tap on a texel's border may round to either side: a few pixels, a little.
        assert np.percentile(off, 99) < 2e-3
        assert off.max() < 0.08


def test_an_open_floor_is_open(ctx, buffers, eye):
    image = plane(*SIZE, eye, (0.0, 1.0, 0.0), -1.2)
    for half in (False, True):
        ao = shade(ctx, buffers, image, eye, half=half)
        assert ao[:30].min() > 0.95


def test_a_corner_is_darker_than_the_open_floor_and_the_dark_stays_near(ctx, buffers, eye):
    size = (160, 90)
    ao = shade(ctx, buffers, corner(*size, eye), eye, half=False)
    floor_row = int(np.argmax(corner(*size, eye)[:, 80, 1] < 0.5))  # the wall's first row
    assert ao[floor_row - 4 : floor_row + 4, 40:120].mean(axis=1).min() < 0.75
    assert ao[2, 40:120].mean() > 0.95
    assert ao[-2, 40:120].mean() > 0.95


@pytest.mark.parametrize("half", [False, True])
def test_a_larger_radius_darkens(ctx, buffers, eye, half):
    image = scene(eye, (256, 144))
    means = [shade(ctx, buffers, image, eye, r, half=half).mean() for r in (0.25, 0.5, 1.0)]
    assert means[0] > means[1] + 0.005 > means[2] + 0.01


def test_the_sky_is_open_and_all_values_are_finite(ctx, buffers, eye):
    image = scene(eye)
    image[:3, :3, 3] = 0.0  # the other way to say sky
    for half in (False, True):
        ao = shade(ctx, buffers, image, eye, half=half)
        assert np.isfinite(ao).all()
        assert ao.min() >= 0.0 and ao.max() <= 1.0
        assert (ao[-20:, :15] == 1.0).all()


def test_the_same_picture_twice_is_the_same(ctx, buffers, eye):
    image = scene(eye)
    assert np.array_equal(shade(ctx, buffers, image, eye), shade(ctx, buffers, image, eye))


def test_half_size_is_close_to_full_size(ctx, buffers, eye):
    size = (256, 144)
    image = scene(eye, size)
    full = shade(ctx, buffers, image, eye, half=False)
    half = shade(ctx, buffers, image, eye, half=True)
    assert np.sqrt(np.mean((full - half) ** 2)) < 0.06


@pytest.mark.parametrize("size", [(31, 17), (64, 33), (1, 1)])
def test_odd_sizes_are_drawn(ctx, buffers, eye, size):
    image = plane(*size, eye, (0.0, 0.0, 1.0), -2.0)
    ao = shade(ctx, buffers, image, eye)
    assert ao.shape == size[::-1] and ao.min() > 0.8


def test_classical_estimators_go_through_the_same_pass(ctx, buffers, eye):
    for quality in ("sao-16", "gtao-16"):
        size = (160, 90)
        ao = shade(ctx, buffers, corner(*size, eye), eye, quality=quality, half=False)
        row = int(np.argmax(corner(*size, eye)[:, 80, 1] < 0.5))
        near, open_floor = ao[row - 4 : row + 4, 40:120].mean(axis=1).min(), ao[2, 40:120].mean()
        assert near < 0.8 and open_floor > 0.95


def test_what_was_bound_before_is_bound_after(ctx, buffers, eye):
    made = buffers(scene(eye))
    with Contact(ctx, made.size) as contact:
        contact.render(made.depth, made.normal, eye)
    assert ctx.fbo is ctx.extra
    ctx.extra.clear(0.25)
    assert ctx.extra.read(components=1)[0] == 64


def test_an_unknown_quality_is_one_sentence(ctx):
    with pytest.raises(UnderstudyError, match=r"'ultra' is unknown; there are .*gtao-N"):
        Contact(ctx, SIZE, quality="ultra")


def test_damaged_weights_are_one_sentence(ctx, tmp_path):
    stored = json.loads(files.SHIPPED.read_text())
    name = stored["default"]
    path = tmp_path / "contact.json"

    def refused(change) -> str:
        copy = json.loads(json.dumps(stored))
        change(copy)
        path.write_text(json.dumps(copy))
        with pytest.raises(UnderstudyError) as caught:
            Contact(ctx, SIZE, weights=path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    layer = lambda s: s["networks"][name]["tap_layers"][0]  # noqa: E731
    assert "tap layer 0: weight" in refused(lambda s: layer(s)["weight"].pop())
    assert "not JSON: invalid character" in refused(
        lambda s: layer(s)["bias"].__setitem__(0, float("nan"))
    )
    assert "tap layer 0: weight" in refused(lambda s: layer(s)["weight"][1].pop())
    assert f"networks.{name}.steps is 9; it must be a whole number from 1 to 8" in refused(
        lambda s: s["networks"][name].update(steps=9)
    )
    assert "tap_features" in refused(lambda s: s["tap_features"].reverse())
    assert "format" in refused(lambda s: s.__setitem__("format", "contact-0"))
    assert "not among" in refused(lambda s: s.__setitem__("default", "99x99"))
    assert f"networks.{name}: head_layers is missing" in refused(
        lambda s: s["networks"][name].pop("head_layers")
    )
    path.write_text(files.SHIPPED.read_text()[:500])
    with pytest.raises(
        UnderstudyError, match=r"contact\.json is not JSON: it ends too early .*; reinstall"
    ):
        Contact(ctx, SIZE, weights=path)
    with pytest.raises(UnderstudyError, match="missing; reinstall"):
        Contact(ctx, SIZE, weights=tmp_path / "none.json")
