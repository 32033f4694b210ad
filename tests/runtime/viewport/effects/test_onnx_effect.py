"""Users' ONNX effects: the shipped example against numpy, the tensor's layout, refusals."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.runtime.viewport.effects.conftest import ball, corner, nearest, pixels
from understudy.models.effects import ink
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.effects.folders import SHIPPED
from understudy.runtime.viewport.effects.onnx_effect import OnnxEffect

pytest.importorskip("onnxruntime")

SIZE = (96, 54)


@pytest.fixture
def image(eye):
    return nearest(corner(*SIZE, eye), ball(*SIZE, eye, (0.2, -0.6, 2.2), 0.4))


@pytest.fixture
def picture(ctx, image):
    """A colour texture and the colours in it."""
    rng = np.random.default_rng(5)
    colour = rng.uniform(0.0, 1.5, (SIZE[1], SIZE[0], 4)).astype(np.float16)
    texture = ctx.texture(SIZE, 4, colour.tobytes(), dtype="f2")
    yield texture, colour.astype(np.float64)
    texture.release()


@pytest.fixture
def copy(tmp_path):
    """A copy of the example, with lines of its effect.toml replaced; or with another network."""

    def make(*changes: tuple[str, str], model: bytes | None = None):
        folder = tmp_path / "effect"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SHIPPED / "ink", folder)
        text = (folder / "effect.toml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "effect.toml").write_text(text)
        if model is not None:
            (folder / "ink.onnx").write_bytes(model)
        return folder

    return make


def tensor(image: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """(7, H, W) what the example's network is given."""
    depth = np.where(image[..., 3] < 1e4, np.clip(image[..., 3] / 10.0, 0.0, 1.0), 1.0)
    normal = image[..., :3].astype(np.float16).astype(np.float64)
    return np.concatenate([colour[..., :3], normal, depth[..., None]], -1).transpose(2, 0, 1)


def inked(x: np.ndarray) -> np.ndarray:
    """(H, W, 3) the example network in numpy."""
    w = ink.weights()
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
    h, wd = x.shape[1:]
    bends = sum(
        np.einsum("oc,chw->ohw", w["bend"][:, :, i, j], padded[:, i : i + h, j : j + wd])
        for i in range(3)
        for j in range(3)
    )
    paper = np.einsum("oc,chw->ohw", w["line"][:, :, 0, 0], np.maximum(bends, 0.0))
    lines = np.clip(paper + w["line_bias"][:, None, None], 0.0, 1.0)
    return (lines * np.einsum("oc,chw->ohw", w["tint"][:, :, 0, 0], x)).transpose(1, 2, 0)


def test_the_example_gives_what_numpy_gives(ctx, buffers, image, picture):
    texture, colour = picture
    made = buffers(image)
    with OnnxEffect(ctx, SIZE, SHIPPED / "ink") as effect:
        out = pixels(effect.render(texture, made.depth, made.normal))
        given = effect.network.input[0].astype(np.float64)
    assert np.abs(given - tensor(image, colour)).max() < 1e-4  # NCHW, lowest row first
    want = inked(tensor(image, colour))
    assert np.abs(out[..., :3] - want).max() < 4e-3  # half floats
    assert np.abs(out[..., 3] - colour[..., 3]).max() < 1e-3
    assert np.abs(want - colour[..., :3]).max() > 0.5  # there are lines to see


def test_the_shipped_file_is_what_the_script_writes():
    pytest.importorskip("onnx")
    assert ink.build() == (SHIPPED / "ink" / "ink.onnx").read_bytes()


def test_strength_and_blend_are_kept(ctx, buffers, image, picture, copy):
    texture, colour = picture
    made = buffers(image)
    plain = inked(tensor(image, colour))
    for blend, want in (
        ("replace", plain),
        ("multiply", colour[..., :3] * plain),
        ("add", colour[..., :3] + plain),
    ):
        folder = copy(
            ('blend = "replace"', f'blend = "{blend}"'), ("strength = 1.0", "strength = 0.5")
        )
        with OnnxEffect(ctx, SIZE, folder) as effect:
            out = pixels(effect.render(texture, made.depth, made.normal))[..., :3]
        assert np.abs(out - 0.5 * (colour[..., :3] + want)).max() < 6e-3


@pytest.mark.parametrize("downscale", [2, 4])
def test_a_smaller_size_gives_a_full_picture(ctx, buffers, image, picture, copy, downscale):
    texture, colour = picture
    made = buffers(image)
    with OnnxEffect(ctx, SIZE, copy(("downscale = 1", f"downscale = {downscale}"))) as effect:
        out = pixels(effect.render(texture, made.depth, made.normal))
        given = effect.network.input[0]
    small = (-(-SIZE[1] // downscale), -(-SIZE[0] // downscale))
    assert given.shape == (7, *small)
    block = colour[:downscale, :downscale, 0].mean()
    assert given[0, 0, 0] == pytest.approx(block, abs=1e-4)
    assert out.shape == (SIZE[1], SIZE[0], 4) and np.isfinite(out).all()


def test_history_comes_in_behind_the_channels(ctx, buffers, image, picture, copy):
    """A network that adds 1 to what it gave last counts the pictures."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    held = [
        onnx.numpy_helper.from_array(np.array(v, np.int64), n)
        for n, v in (("from", [3]), ("to", [4]), ("axes", [1]))
    ]
    held.append(onnx.numpy_helper.from_array(np.array(1.0, np.float32), "one"))
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "from", "to", "axes"], ["last"]),
            helper.make_node("Add", ["last", "one"], ["y"]),
        ],
        "count",
        [helper.make_tensor_value_info("x", kind.FLOAT, [1, 4, "h", "w"])],
        [helper.make_tensor_value_info("y", kind.FLOAT, [1, 1, "h", "w"])],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder = copy(
        ('channels = ["colour", "normal", "depth"]', 'channels = ["normal"]'),
        ("history = false", "history = true"),
        model=model.SerializeToString(),
    )
    made = buffers(image)
    with OnnxEffect(ctx, SIZE, folder) as effect:
        for n in (1.0, 2.0, 3.0):
            out = pixels(effect.render(picture[0], made.depth, made.normal))
            assert (out[..., :3] == n).all()


def test_refusals_are_one_sentence(ctx, tmp_path, copy):
    def refused(folder) -> str:
        with pytest.raises(UnderstudyError) as caught:
            OnnxEffect(ctx, SIZE, folder)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no effect.toml" in refused(tmp_path / "none")
    assert "is not TOML" in refused(copy(("[input]", "[input")))
    text = refused(copy(('"colour", ', '"color", ')))
    assert "effect.toml, input.channels, entry 1 is 'color', did you mean 'colour'; it" in text
    text = refused(copy(('channels = ["colour", "normal", "depth"]', "channels = []")))
    assert "input.channels is []; it must be a list of at least 1 entry of words out of" in text
    assert "input is 3; it must be a table" in refused(copy(("[input]", "input = 3\n[other]")))
    text = refused(copy(("depth_scale_m = 10.0", "depth_scale_m = nan")))
    assert "input.depth_scale_m is nan; it must be a number above 0 and of at most 10000" in text
    text = refused(copy(('["colour", "normal", "depth"]', '["colour"' + ', "normal"' * 5 + "]")))
    assert "make 18 planes; 16 are possible" in text
    assert "input.history is 1; it must be true or false" in refused(
        copy(("history = false", "history = 1"))
    )
    assert "model is missing" in refused(copy(('model = "ink.onnx"', "")))
    assert "input.downscale is 3" in refused(copy(("downscale = 1", "downscale = 3")))
    assert "output.blend is 'over'" in refused(copy(('blend = "replace"', 'blend = "over"')))
    assert "strength is 2" in refused(copy(("strength = 1.0", "strength = 2.0")))
    assert "output: 'strenght' is unknown, did you mean 'strength'" in refused(
        copy(("strength = 1.0", "strenght = 1.0"))
    )
    assert "is not in the folder" in refused(copy(('"ink.onnx"', '"gone.onnx"')))
    assert "not a network that loads" in refused(copy(model=b"no network"))
    text = refused(copy(('"colour", "normal", "depth"', '"colour", "depth"')))
    assert "colour + depth at this size is [1, 4, 54, 96]" in text
    assert "history" in refused(copy(("history = false", "history = true")))
