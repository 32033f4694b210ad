"""A training that begins from a network that was trained before, as its ONNX file holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from understudy.runtime.core.errors import UnderstudyError

from .network import RECALLED, Understudy


def stored(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers of an exported network, by the names that they have in `Understudy`.

    Constants that a graph of another layout holds are given under names that nothing reads.
    """
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise UnderstudyError(f"{path} is no ONNX file: {error}") from None
    arrays = {i.name: np.array(numpy_helper.to_array(i)) for i in graph.initializer}
    out = {name[name.find("net.") + 4 :]: torch.tensor(a) for name, a in arrays.items()}
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
def begin(net: Understudy, path: Path) -> None:
    """Makes net do what the network does that a file holds, which may be smaller.

    What it did not have yet begins as net has it, and nothing that it had looks at that.
    """
    arrays = stored(path)
    wanted, recalls = net.state_dict(), "ask.weight" in arrays
    for name, own in wanted.items():
        if name not in arrays:
            continue
        old = arrays[name]
        parts = 3 if name.startswith("gate.") else 1  # a recurrent cell's three gates
        olds, news = old.chunk(parts), own.chunk(parts)
        try:
            filled = [_laid(name, a, b, net, recalls) for a, b in zip(olds, news, strict=True)]
        except RuntimeError:
            raise UnderstudyError(
                f"{path} is a network of another form: its {name} is {tuple(old.shape)} and does "
                f"not fit into {tuple(own.shape)}; give at least its own --hidden and --width."
            ) from None
        wanted[name] = torch.cat(filled)
    net.load_state_dict(wanted)


def _laid(name: str, old: Tensor, new: Tensor, net: Understudy, recalls: bool) -> Tensor:
    """The old array in the first rows and columns of the new one, whose other columns those rows do
    not look at."""
    new = new.clone()
    if old.ndim == 0 or old.shape == new.shape:
        return old.reshape(new.shape)
    new[: len(old)] = 0.0
    if old.ndim == 1:
        new[: len(old)] = old
    elif name in ("mix.weight", "doubt.weight", "ask.weight"):
        # Of the memory, then of what comes in, and then of what is recalled where the old one did.
        recalled = RECALLED if recalls and name != "ask.weight" else 0
        memory, rest = old.shape[1] - net.width - recalled, net.width + recalled
        new[: len(old), :memory] = old[:, :memory]
        new[: len(old), net.hidden : net.hidden + rest] = old[:, memory:]
    else:
        new[: len(old), : old.shape[1]] = old
    return new


@torch.no_grad()
def keep(net: Understudy, begun: Understudy, share: float) -> None:
    """Keeps a share of the network that it began from.

    Between two networks of one valley lies one that is better on what neither has seen (Wortsman et
    al. 2022, "Robust fine-tuning of zero-shot models").
    """
    for own, before in zip(net.parameters(), begun.parameters(), strict=True):
        own.lerp_(before, share)
