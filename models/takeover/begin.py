"""A training that begins from a network that was trained before, as its ONNX file holds it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from understudy.runtime.core.errors import UnderstudyError

from .network import CLOCK, FEATURES, GATES, RATE, SEEN, SHAPE, Understudy

# Before 29 November 2026 the network had neither gates nor a clock, and before the 30th it did not
# look at the shape of a motion apart from its size; all else was as now.
_OPEN = 2.0


def stored(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers of an exported network, by the names that they have in `Understudy`.

    Constants that a graph of another layout holds are given under names that nothing reads.
    """
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise UnderstudyError(f"{path} is no ONNX file: {error}") from None
    arrays = {i.name: np.array(numpy_helper.to_array(i)) for i in graph.initializer}
    out = {name.removeprefix("net."): torch.tensor(a) for name, a in arrays.items()}
    recurrent = [node for node in graph.node if node.op_type == "GRU"]
    if len(recurrent) != 1 or "decode.weight" not in out:
        raise UnderstudyError(f"{path} holds no takeover network; give one made by this command.")
    w, r, b = (torch.tensor(arrays[name][0]) for name in recurrent[0].input[1:4])
    # ONNX has the gates in another order: update, reset, new instead of reset, update, new.
    for name, part in (("weight_ih", w), ("weight_hh", r), ("bias_ih", b), ("bias_hh", b)):
        half = len(part) // 2
        if name.startswith("bias"):
            part = part[:half] if name == "bias_ih" else part[half:]
        update, reset, new = part.chunk(3)
        out[f"gate.{name}_l0"] = torch.cat([reset, update, new])
    return out


@torch.no_grad()
def begin(net: Understudy, path: Path, exact: bool = False) -> None:
    """Makes net the network that a file holds.

    What it did not have yet it gets: gates that are open, inputs that are not looked at. exact: as
    far open as they go, so that it says the very same.
    """
    arrays = stored(path)
    lacks = FEATURES - arrays["encode.weight"].shape[1]
    if lacks in (SHAPE, SHAPE + CLOCK):
        first = FEATURES - SEEN - lacks
        for name in ("mean", "scale", "encode.weight"):
            own = dict(net.named_parameters()) | dict(net.named_buffers())
            new = own[name][..., first : first + lacks]
            new = torch.zeros_like(new) if name == "encode.weight" else new
            a = arrays[name]
            arrays[name] = torch.cat([a[..., :first], new.to(a), a[..., first:]], -1)
    if len(arrays["decode.weight"]) == RATE + 4:
        opened = 30.0 if exact else _OPEN
        weight, bias = arrays["decode.weight"], arrays["decode.bias"]
        share = 1.0 + math.exp(-opened)
        weight[:RATE] *= share
        bias[:RATE] *= share
        arrays["decode.weight"] = torch.cat([weight, weight.new_zeros(2 * GATES, weight.shape[1])])
        gates = torch.cat([bias.new_zeros(GATES), bias.new_full((GATES,), opened)])
        arrays["decode.bias"] = torch.cat([bias, gates])
    wanted = net.state_dict()
    for name, value in wanted.items():
        if name not in arrays or arrays[name].shape != value.shape:
            raise UnderstudyError(
                f"{path} is a network of another size: its {name} is not {tuple(value.shape)}; "
                "give --hidden and --width as it was trained with."
            )
    net.load_state_dict({name: arrays[name] for name in wanted})


@torch.no_grad()
def keep(net: Understudy, path: Path, share: float) -> None:
    """Keeps a share of the network that a file holds in the weights of one that began from it.

    Between two networks of one valley lies one that is better on what neither has seen (Wortsman et
    al. 2022, "Robust fine-tuning of zero-shot models").
    """
    first = Understudy(net.hidden, net.width)
    begin(first, path)
    for own, before in zip(net.parameters(), first.parameters(), strict=True):
        own.lerp_(before.to(own), share)
