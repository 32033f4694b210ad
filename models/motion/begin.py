"""A training that begins from a network that was trained before, as its ONNX file holds it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from understudy.runtime.core.errors import UnderstudyError

from .network import Performer


@torch.no_grad()
def begin(net: Performer, path: Path) -> None:
    """Makes net the network of a file: its weights, its normalisation, its standing body."""
    try:
        graph = onnx.load(str(path)).graph
        start = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["start"]
    except Exception as error:
        raise UnderstudyError(f"--begin {path} is no network with its card: {error}") from None
    arrays = {
        i.name.removeprefix("net."): torch.tensor(np.array(numpy_helper.to_array(i)))
        for i in graph.initializer
    }
    arrays["start"] = torch.tensor(start, dtype=torch.float32)
    for name, value in net.state_dict().items():
        if name not in arrays or arrays[name].shape != value.shape:
            raise UnderstudyError(
                f"--begin {path} is a network of another size: its {name} is not "
                f"{tuple(value.shape)}."
            )
    net.load_state_dict({name: arrays[name] for name in net.state_dict()})
