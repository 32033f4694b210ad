"""From measures to a recipe: a small network answers at once, and a solver where it has time.

The network (`models/people`) takes any of the measures, with age and sex, and answers with height,
muscle, weight and the changes of size. It was trained to make bodies that measure as asked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from understudy.runtime.core import networks
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from . import measures
from .local import SIZES
from .recipe import Recipe, changed

NETWORK = networks.WEIGHTS / "measures.onnx"
MACROS = ("height", "muscle", "weight")
ANSWERS = (*MACROS, *SIZES)
# Metres that each measure is about, and spreads: what the network takes and a mean guess is.
USUAL: dict[str, tuple[float, float]] = {
    "height": (1.70, 0.12), "shoulders": (0.47, 0.05), "chest": (0.95, 0.10),
    "waist": (0.84, 0.11), "hips": (1.02, 0.09), "upper arm": (0.31, 0.05),
    "thigh": (0.56, 0.06), "calf": (0.40, 0.04), "upper arm length": (0.25, 0.025),
    "forearm length": (0.245, 0.025), "hand length": (0.185, 0.02),
    "upper leg length": (0.425, 0.04), "lower leg length": (0.43, 0.04),
    "foot length": (0.245, 0.025), "trunk length": (0.535, 0.045), "neck length": (0.104, 0.01),
    "head height": (0.15, 0.015),
}  # fmt: skip


# measure -> the change of size that is mostly its own
OWN = {
    "shoulders": "shoulder-dist", "chest": "bust-circ", "waist": "waist-circ",
    "hips": "hips-circ", "upper arm": "upperarm-circ", "thigh": "thigh-circ", "calf": "calf-circ",
    "upper arm length": "upperarm-length", "forearm length": "lowerarm-length",
    "hand length": "hand-scale", "upper leg length": "upperleg-height",
    "lower leg length": "lowerleg-height", "foot length": "foot-scale",
    "trunk length": "napetowaist-dist", "neck length": "neck-height",
    "head height": "head-scale-vert",
}  # fmt: skip


def asked(wanted: Mapping[str, float], age: float, sex: float) -> Array:
    """(1, 2M + 2) float32: each measure from the usual, whether it is given; age, sex."""
    for name in wanted:
        if name not in USUAL:
            raise UnderstudyError(f"{name!r} is no measure: {', '.join(USUAL)}.")
    value = [(wanted[n] - m) / s if n in wanted else 0.0 for n, (m, s) in USUAL.items()]
    given = [float(n in wanted) for n in USUAL]
    return np.array([[*value, *given, (age - 40.0) / 20.0, sex * 2.0 - 1.0]], np.float32)


@functools.cache
def _session():
    import onnxruntime

    if not NETWORK.exists():
        raise UnderstudyError(f"{NETWORK} is missing; `understudy train measures` makes it.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(NETWORK), options, providers=["CPUExecutionProvider"]
    )  # fmt: skip


def answered(wanted: Mapping[str, float], age: float, sex: float) -> dict[str, float]:
    """What the network says for measures in metres: `ANSWERS` by name."""
    (out,) = _session().run(None, {"asked": asked(wanted, age, sex)})
    return {name: float(value) for name, value in zip(ANSWERS, out[0])}


def fitted(recipe: Recipe, wanted: Mapping[str, float]) -> Recipe:
    """The recipe with the sizes that the network answers for measures in metres."""
    answer = answered(wanted, recipe.age, 1.0 if recipe.sex == "man" else 0.0)
    local = dict(recipe.local) | {
        name: round(float(np.clip(answer[name], -1.5, 1.5)), 4) for name in SIZES
    }
    changes: dict[str, object] = {"local": local, "shoulders_cm": None}
    changes |= {n: round(float(np.clip(answer[n], 0.0, 1.0)), 4) for n in ("muscle", "weight")}
    return changed(recipe, changes)


def refined(recipe: Recipe, wanted: Mapping[str, float], rounds: int = 2) -> Recipe:
    """The recipe with each size that has a change of its own brought nearer to what was asked.

    A second or two; the network's answer is near enough for each to be almost a line.
    """
    from . import body, making

    whole = body.load()
    for _ in range(rounds):
        shape, points = making.solved(whole, recipe)
        found, local = measures.of(whole, points), dict(recipe.local)
        for name, value in wanted.items():
            if (change := OWN.get(name)) is None:
                continue
            share = local.get(change, 0.0)
            by = 0.2 if value > found[name] else -0.2
            tried = replace(shape, local={**shape.local, change: share + by})
            slope = (measures.of(whole, whole.shaped(tried))[name] - found[name]) / by
            if slope > 1e-4:
                share += (value - found[name]) / slope
            local[change] = round(float(np.clip(share, -1.5, 1.5)), 4)
        recipe = changed(recipe, {"local": local})
    return recipe


def missed_m(recipe: Recipe, wanted: Mapping[str, float]) -> dict[str, float]:
    """measure -> how far the body of a recipe is from what was asked, metres."""
    from . import body, making

    _, points = making.solved(body.load(), recipe)
    found = measures.of(body.load(), points)
    return {name: found[name] - value for name, value in wanted.items()}
