"""A network on PERFORMER's skeleton as ONNX, with the card that `loader.open_network` checks."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.networks import FORMAT

Shapes = dict[str, list[str | int]]


def write(
    network: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    name: str,
    rate_hz: float,
    inputs: Shapes,
    outputs: Shapes,
    about: dict[str, Any],
    rewrite: Callable[[Path], None] | None = None,
) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all.

    inputs and outputs: name -> shape, its first dimension "count", in the order of `example` and
    of what the network gives, all float32. about: what else the card says.
    rewrite changes the exported file in place.
    """
    part = path.with_suffix(".part.onnx")
    with warnings.catch_warnings(), open(os.devnull, "w") as silent:
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(silent):
            torch.onnx.export(
                network.eval(),
                example,
                str(part),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes={n: {0: "count"} for n in (*inputs, *outputs)},
                opset_version=17,
                dynamo=False,
            )
    if rewrite is not None:
        rewrite(part)
    card = {
        "format": FORMAT,
        "name": name,
        "file": path.name,
        "sha256": hashlib.sha256(part.read_bytes()).hexdigest(),
        "rate_hz": rate_hz,
        "skeleton": {"id": f"{PERFORMER.id:016x}", "names": list(PERFORMER.names)},
        "inputs": {n: {"shape": shape, "dtype": "float32"} for n, shape in inputs.items()},
        "outputs": {n: {"shape": shape, "dtype": "float32"} for n, shape in outputs.items()},
        "units": "metres, seconds, radians; right-handed, +Y up, +Z forward",
        "parameters": sum(p.numel() for p in network.parameters()),
        "data": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding "
        "from NSF EIA-0196217",
        **about,
    }
    text = path.with_suffix(".part.json")
    # JSON has no NaN: what was not measured becomes null.
    plain = msgspec.json.encode(card, enc_hook=lambda number: number.item())
    text.write_bytes(msgspec.json.format(plain, indent=1) + b"\n")
    os.replace(part, path)
    os.replace(text, path.with_suffix(".json"))
