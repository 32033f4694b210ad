"""The example effect: ink lines where normals or depth bend, and warm paper tones.

Nothing here is trained. The weights are written down, so that whoever builds an effect of their own
can see a whole one on a page: `python -m understudy.models.effects.ink DIR` writes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

CHANNELS = 7  # colour 3, normal 3, depth 1, as effect.toml lists them
LAPLACE = np.array([[1, 2, 1], [2, -12, 2], [1, 2, 1]], np.float32) / 12.0
NORMAL_GAIN, DEPTH_GAIN = 0.9, 12.0
WARM = np.array([[1.04, 0.05, 0.0], [0.03, 0.97, 0.0], [0.0, 0.06, 0.84]], np.float32)


def weights() -> dict[str, np.ndarray]:
    """Both signs of the Laplacian of normal and depth; their sum, three times; the tint."""
    bend = np.zeros((8, CHANNELS, 3, 3), np.float32)
    for i, (channel, gain) in enumerate(
        ((3, NORMAL_GAIN), (4, NORMAL_GAIN), (5, NORMAL_GAIN), (6, DEPTH_GAIN))
    ):
        bend[2 * i, channel] = gain * LAPLACE
        bend[2 * i + 1, channel] = -gain * LAPLACE
    line = np.full((3, 8, 1, 1), -1.0, np.float32)
    tint = np.zeros((3, CHANNELS, 1, 1), np.float32)
    tint[:, :3, 0, 0] = WARM
    return {"bend": bend, "line": line, "line_bias": np.ones(3, np.float32), "tint": tint}


def build() -> bytes:
    """The ONNX file."""
    from onnx import TensorProto, checker, helper, numpy_helper

    held = [numpy_helper.from_array(value, name) for name, value in weights().items()]
    held.append(numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "pads"))
    held.append(numpy_helper.from_array(np.array(0.0, np.float32), "zero"))
    held.append(numpy_helper.from_array(np.array(1.0, np.float32), "one"))
    nodes = [
        # Zeros beyond the border would be drawn as a frame.
        helper.make_node("Pad", ["gbuffer", "pads"], ["padded"], mode="edge"),
        helper.make_node("Conv", ["padded", "bend"], ["bends"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["bends"], ["absolute"]),
        helper.make_node("Conv", ["absolute", "line", "line_bias"], ["paper"]),
        helper.make_node("Clip", ["paper", "zero", "one"], ["ink"]),
        helper.make_node("Conv", ["gbuffer", "tint"], ["warm"]),
        helper.make_node("Mul", ["warm", "ink"], ["picture"]),
    ]
    graph = helper.make_graph(
        nodes,
        "ink",
        [helper.make_tensor_value_info("gbuffer", TensorProto.FLOAT, [1, CHANNELS, "h", "w"])],
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])],
        held,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="understudy"
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "ink.onnx.part"
    part.write_bytes(build())
    os.replace(part, folder / "ink.onnx")
    print(f"wrote {folder / 'ink.onnx'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("models/weights/effects/ink"))
