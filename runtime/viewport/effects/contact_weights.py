"""The weights file: networks, checked when they are read, whole when they are written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .contact_network import HEAD_FEATURES, TAP_FEATURES, Network

FORMAT = "understudy-contact-2"
SHIPPED = Path(__file__).parents[3] / "models" / "weights" / "contact.json"


REMEDY = "reinstall understudy, or train it anew"


class _Format(msgspec.Struct):
    """What tells the version that wrote the file."""

    format: Any = None


class _Layer(msgspec.Struct):
    """One layer: a row of weights for each output."""

    weight: Annotated[list[list[float]], Meta(min_length=1)]
    bias: list[float]


class _Stored(msgspec.Struct):
    """A network as it is written."""

    directions: Annotated[int, Meta(ge=1, le=32)]
    steps: Annotated[int, Meta(ge=1, le=8)]
    tap_layers: Annotated[list[_Layer], Meta(min_length=1)]
    head_layers: Annotated[list[_Layer], Meta(min_length=1)]


class _File(msgspec.Struct):
    """The file; its card is for people."""

    tap_features: list[str]
    head_features: list[str]
    networks: dict[str, _Stored]
    default: str
    light: str = ""
    classical: dict[str, tuple[float, float]] = {}


@dataclass(frozen=True)
class Weights:
    """A weights file: networks by name, the default's name, the classical estimators' fits."""

    networks: dict[str, Network]
    default: str  # for graphics hardware
    light: str  # for software renderers
    classical: dict[str, tuple[float, float]]  # "sao", "gtao": gain and power


def load(path: Path | None = None) -> Weights:
    """A weights file, checked; the shipped one where no path is given."""
    path = path or SHIPPED
    if not os.path.exists(path):
        raise UnderstudyError(
            f"{path} is missing; reinstall understudy, or make it with `understudy train effect`."
        )
    # Another version's file is told by its format, whatever else is in it.
    found = typed.read_json(path, _Format, "weights file", REMEDY).format
    if found != FORMAT:
        raise UnderstudyError(
            f"{path.name}: format {found!r}, this version reads {FORMAT!r}; train it anew."
        )
    stored = typed.read_json(path, _File, "weights file", REMEDY)
    for key, theirs, ours in (
        ("tap_features", stored.tap_features, TAP_FEATURES),
        ("head_features", stored.head_features, HEAD_FEATURES),
    ):
        if tuple(theirs) != tuple(ours):
            raise UnderstudyError(
                f"{path.name}: {key} are {list(theirs)}, this version computes {list(ours)}; "
                "train it anew."
            )
    networks = {name: _network(path.name, name, one) for name, one in stored.networks.items()}
    default, light = stored.default, stored.light or stored.default
    for name in (default, light):
        if name not in networks:
            raise UnderstudyError(
                f"{path.name}: the default network {name!r} is not among {sorted(networks)}."
            )
    classical = {kind: stored.classical.get(kind, (1.0, 1.0)) for kind in ("sao", "gtao")}
    return Weights(networks, default, light, classical)


def _network(file: str, name: str, stored: _Stored) -> Network:
    """One checked network."""
    layers: dict[str, list[tuple[Array, Array]]] = {"tap": [], "head": []}
    width = len(TAP_FEATURES) * stored.steps
    for kind, said in (("tap", stored.tap_layers), ("head", stored.head_layers)):
        if kind == "head":
            width += len(HEAD_FEATURES)
        for i, layer in enumerate(said):
            rows, widths = len(layer.weight), sorted({len(row) for row in layer.weight})
            if widths != [width] or rows != len(layer.bias):
                raise UnderstudyError(
                    f"{file}: network {name!r}, {kind} layer {i}: weight has {rows} rows of "
                    f"{', '.join(map(str, widths))} and bias {len(layer.bias)} values, expected n "
                    f"rows of {width} and n values."
                )
            layers[kind].append((np.array(layer.weight), np.array(layer.bias)))
            width = rows
    if width != 1:
        raise UnderstudyError(f"{file}: network {name!r} ends in {width} values, expected 1.")
    return Network(
        name, stored.directions, stored.steps, tuple(layers["tap"]), tuple(layers["head"])
    )


def entry(network: Network) -> dict[str, Any]:
    """What the weights file says about one network, numbers to seven digits."""

    def numbers(layers: tuple[tuple[Array, Array], ...]) -> list[dict[str, Any]]:
        return [
            {
                "weight": [[float(f"{v:.7g}") for v in row] for row in weight],
                "bias": [float(f"{v:.7g}") for v in bias],
            }
            for weight, bias in layers
        ]

    return {
        "directions": network.directions,
        "steps": network.steps,
        "tap_layers": numbers(network.tap_layers),
        "head_layers": numbers(network.head_layers),
    }


def save(
    path: Path,
    networks: dict[str, Network],
    default: str,
    light: str,
    classical: dict[str, tuple[float, float]],
    card: dict[str, Any],
) -> None:
    """Writes the weights file, whole or not at all."""
    stored = {
        "format": FORMAT,
        "tap_features": list(TAP_FEATURES),
        "head_features": list(HEAD_FEATURES),
        "default": default,
        "light": light,
        "classical": classical,
        "card": card,
        "networks": {name: entry(n) for name, n in networks.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    # JSON has no NaN: what was not measured becomes null.
    part.write_bytes(msgspec.json.encode(stored, enc_hook=lambda number: number.item()) + b"\n")
    os.replace(part, path)
