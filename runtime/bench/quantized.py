"""8-bit variants of the motion network, made in a folder of the caller's, and what they cost it.

Dynamic: weights in 8 bits, activations scaled anew in every call. Static: both, with scales from
the performer's own inputs under random pads. Only the matrix products are touched.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import networks, rotation
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.layout import BODY, JOINTS, POSE, RATE_HZ, TRAVEL
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.sources.controls.random_pad import RandomPad

SPAN_S = 1.0  # of a roll-out


def record(weights: Path | None, bodies: int, seconds: float) -> dict[str, Array]:
    """What the network is given under random pads: body, path, memory, each (T, N, ...)."""
    pads = [RandomPad(1000 + seed, seconds / 60.0) for seed in range(bodies)]
    out: dict[str, list[Array]] = {"body": [], "path": [], "memory": []}
    with Performer(bodies, weights, "cpu") as performer:
        for t in range(round(seconds * RATE_HZ)):
            before = performer._sets[performer._turn]
            held = {name: before[name].copy() for name in ("body", "memory")}
            performer.step([pad.intent(t / RATE_HZ) for pad in pads])
            for name, array in {**held, "path": performer._path.copy()}.items():
                out[name].append(array)
    return {name: np.array(arrays) for name, arrays in out.items()}


def make(weights: Path, folder: Path, inputs: dict[str, Array]) -> dict[str, Path]:
    """Writes both variants, each with its card; returns their paths."""
    try:
        import onnx
        from onnxruntime import quantization as q
    except ImportError as error:
        raise Failure(f"Quantization needs the package onnx: {error}.") from None
    logging.getLogger().setLevel(logging.ERROR)  # it advises on vision models
    source = folder / "source.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(onnx.load(str(weights))), str(source))

    class Reader(q.CalibrationDataReader):
        def __init__(self) -> None:
            ticks = range(0, len(inputs["body"]), 7)
            self.rows = iter([{n: a[t] for n, a in inputs.items()} for t in ticks])

        def get_next(self) -> Any:
            return next(self.rows, None)

    products = ["Gemm", "MatMul"]
    paths = {name: folder / f"{name}.onnx" for name in ("dynamic", "static")}
    q.quantize_dynamic(source, paths["dynamic"], op_types_to_quantize=products, per_channel=True)
    q.quantize_static(
        source, paths["static"], Reader(), op_types_to_quantize=products, per_channel=True
    )
    for path in paths.values():
        card = networks.read_card(weights)
        card |= {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    beside = weights.with_name("actions.onnx")
    for extra in (beside, beside.with_suffix(".json")):
        if extra.exists():
            shutil.copy(extra, folder / extra.name)
    return paths


def bound(path: Path, count: int, provider: str = "cpu") -> tuple[Any, dict[str, Array], Any]:
    """An open network, its arrays for `count` bodies, and a function that runs it."""
    network = networks.open_network(path, provider)
    arrays = {
        name: np.zeros((count, *entry["shape"][1:]), np.float32)
        for side in ("inputs", "outputs")
        for name, entry in network.card[side].items()
    }
    run = network.bind(
        {n: arrays[n] for n in network.card["inputs"]},
        {n: arrays[n] for n in network.card["outputs"]},
    )
    return network, arrays, run


def milliseconds(path: Path, count: int, times: int = 300) -> float:
    """Median time of the network's call alone, this thread's own."""
    network, arrays, run = bound(path, count)
    spent = []
    with network:
        for _ in range(times + 20):
            before = time.thread_time()
            run()
            spent.append(time.thread_time() - before)
            arrays["body"][:], arrays["memory"][:] = arrays["next_body"], arrays["next_memory"]
    return 1e3 * float(np.median(spent[20:]))


def rolled_out(path: Path, inputs: dict[str, Array], starts: Array) -> tuple[Array, Array]:
    """Joints (S, N, J, 3) about the root and the root's way (S, N, 2) after SPAN_S of free running.

    Each roll-out begins with the body and memory of a recorded tick and gets the recorded paths.
    """
    shape, ways = [], []
    network, arrays, run = bound(path, inputs["body"].shape[1])
    with network:
        for start in starts:
            arrays["body"][:], arrays["memory"][:] = inputs["body"][start], inputs["memory"][start]
            at, yaw = np.zeros((len(arrays["body"]), 2)), np.zeros(len(arrays["body"]))
            for t in range(start, start + round(SPAN_S * RATE_HZ)):
                arrays["path"][:] = inputs["path"][t]
                run()
                arrays["body"][:], arrays["memory"][:] = arrays["next_body"], arrays["next_memory"]
                x, z, turn = arrays["body"][:, TRAVEL].astype(float).T / RATE_HZ
                c, s = np.cos(yaw), np.sin(yaw)
                at += np.stack([c * x + s * z, c * z - s * x], -1)
                yaw += turn
            shape.append(_joints(arrays["body"]))
            ways.append(at)
    return np.array(shape), np.array(ways)


def _joints(body: Array) -> Array:
    """(N, J, 3) joints in the root's frame from network bodies (N, BODY)."""
    assert body.shape[1] == BODY
    pose = body[:, POSE].astype(float)
    turns = rotation.from_6d(pose[:, 3:].reshape(-1, JOINTS, 6))
    positions = np.broadcast_to(PERFORMER.rest_positions, (len(body), JOINTS, 3)).copy()
    positions[:, 0] = pose[:, :3]
    return PERFORMER.globals(positions, turns)[0]
