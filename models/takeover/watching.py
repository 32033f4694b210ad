"""A graph that foretells nothing of bodies that are seen whole: half of its work is left out then.

What only tells how a body goes on moves into a branch that runs where a joint of some body is not
seen; the other branch gives the body as it is seen. The run time asks of those seen whole and of
the rest apart, so on an even stage nothing but the memory is worked out.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from .network import JOINTS, chained

# What the memory needs, always; what comes of the branch.
REMEMBERED = ("next_memory", "was", "came_now", "known_now")
FORETOLD = ("next", "next_rotations", "contacts", "error_m")
PREFIX = "whole/"
SEEN = "everything_is_seen"


class Whole(nn.Module):
    """What is foretold of bodies that are seen whole: they are where they are."""

    def forward(self, hips: Tensor, rotations: Tensor) -> tuple[Tensor, ...]:
        from .export import from_quaternions  # which writes this

        nothing = 0.0 * rotations[..., 0]
        return chained(hips, from_quaternions(rotations)), 1.0 * rotations, nothing[:, :4], nothing


def branch(path: Path) -> None:
    """Rewrites an exported takeover network, in place."""
    model = onnx.load(str(path))
    graph = model.graph
    always = _needed(graph, REMEMBERED)
    nodes = list(graph.node)
    kept = [node for k, node in enumerate(nodes) if k in always]
    apart = [node for k, node in enumerate(nodes) if k not in always]
    shapes = {out.name: out for out in graph.output}
    otherwise = helper.make_graph(apart, "foretell", [], [shapes[name] for name in FORETOLD])
    whole = _whole(shapes)
    del graph.node[:]
    graph.node.extend([*kept, *_condition()])
    graph.node.append(
        helper.make_node("If", [SEEN], list(FORETOLD), then_branch=whole, else_branch=otherwise)
    )
    onnx.checker.check_model(model)
    part = path.with_suffix(".branched.onnx")
    onnx.save(model, str(part))
    os.replace(part, path)


def _needed(graph: onnx.GraphProto, outputs: tuple[str, ...]) -> set[int]:
    """Which nodes these outputs need."""
    made_by = {name: k for k, node in enumerate(graph.node) for name in node.output}
    found: set[int] = set()
    open_names = list(outputs)
    while open_names:
        k = made_by.get(open_names.pop())
        if k is not None and k not in found:
            found.add(k)
            open_names += graph.node[k].input
    return found


def _condition() -> list[onnx.NodeProto]:
    half = helper.make_tensor("value", TensorProto.FLOAT, [], [0.5])
    return [
        helper.make_node("Constant", [], [SEEN + "/half"], value=half),
        helper.make_node("ReduceMin", ["seen"], [SEEN + "/least"], keepdims=0),
        helper.make_node("Greater", [SEEN + "/least", SEEN + "/half"], [SEEN]),
    ]


def _whole(shapes: dict[str, onnx.ValueInfoProto]) -> onnx.GraphProto:
    """The branch of bodies that are seen whole, reading hips and rotations of the graph around."""
    turned = torch.zeros(2, JOINTS, 4)
    turned[..., 3] = 1.0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "whole.onnx")
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as silent,
            contextlib.redirect_stdout(silent),
        ):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Whole().eval(),
                (torch.zeros(2, 3), turned),
                path,
                input_names=["hips", "rotations"],
                output_names=list(FORETOLD),
                dynamic_axes={n: {0: "count"} for n in ("hips", "rotations", *FORETOLD)},
                opset_version=17,
                dynamo=False,
            )
        graph = onnx.load(path).graph
    own = {name for node in graph.node for name in node.output} | {
        t.name for t in graph.initializer
    }
    for node in graph.node:
        node.name = PREFIX + node.name
        for names in (node.input, node.output):
            names[:] = [PREFIX + name if name in own else name for name in names]
    for tensor in graph.initializer:
        tensor.name = PREFIX + tensor.name
    outputs = []
    for name in FORETOLD:
        out = onnx.ValueInfoProto()
        out.CopyFrom(shapes[name])
        out.name = PREFIX + name
        outputs.append(out)
    return helper.make_graph(list(graph.node), "watch", [], outputs, list(graph.initializer))
