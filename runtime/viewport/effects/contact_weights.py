"""The weights file: networks, checked when they are read, whole when they are written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .contact_network import HEAD_FEATURES, TAP_FEATURES, Network

FORMAT = "understudy-contact-2"
SHIPPED = Path(__file__).parents[3] / "models" / "weights" / "contact.json"


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
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        raise UnderstudyError(
            f"{path} is missing; reinstall understudy, or make it with `understudy train effect`."
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"{path} is damaged ({error}); reinstall understudy.") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        found = stored.get("format") if isinstance(stored, dict) else type(stored).__name__
        raise UnderstudyError(
            f"{path.name}: format {found!r}, this version reads {FORMAT!r}; train it anew."
        )
    for key, ours in (("tap_features", TAP_FEATURES), ("head_features", HEAD_FEATURES)):
        if stored.get(key) != list(ours):
            raise UnderstudyError(
                f"{path.name}: {key} are {stored.get(key)}, this version computes {list(ours)}; "
                "train it anew."
            )
    networks = {
        name: _network(path.name, name, entry)
        for name, entry in (stored.get("networks") or {}).items()
    }
    default = str(stored.get("default"))
    light = str(stored.get("light", default))
    for name in (default, light):
        if name not in networks:
            raise UnderstudyError(
                f"{path.name}: the default network {name!r} is not among {sorted(networks)}."
            )
    fits = stored.get("classical") or {}
    classical = {kind: tuple(fits.get(kind, (1.0, 1.0)))[:2] for kind in ("sao", "gtao")}
    return Weights(networks, default, light, classical)


def _network(file: str, name: str, entry: Any) -> Network:
    """One checked network."""
    try:
        directions, steps = int(entry["directions"]), int(entry["steps"])
        groups = []
        for key in ("tap_layers", "head_layers"):
            groups.append(
                tuple(
                    (np.array(layer["weight"], float), np.array(layer["bias"], float))
                    for layer in entry[key]
                )
            )
    except (KeyError, TypeError, ValueError) as error:
        raise UnderstudyError(f"{file}: network {name!r} is damaged: {error!r}.") from None
    if not (1 <= directions <= 32 and 1 <= steps <= 8):
        raise UnderstudyError(
            f"{file}: network {name!r} has {directions} directions of {steps} steps; 1 to 32 of 1 "
            "to 8 are possible."
        )
    tap, head = groups
    width = len(TAP_FEATURES) * steps
    for kind, layers in (("tap", tap), ("head", head)):
        if kind == "head":
            width += len(HEAD_FEATURES)
        for i, (weight, bias) in enumerate(layers):
            if weight.ndim != 2 or weight.shape[1] != width or bias.shape != weight.shape[:1]:
                raise UnderstudyError(
                    f"{file}: network {name!r}, {kind} layer {i}: weight {weight.shape} and bias "
                    f"{bias.shape}, expected (n, {width}) and (n,)."
                )
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise UnderstudyError(
                    f"{file}: network {name!r}, {kind} layer {i} holds a value that is not finite."
                )
            width = len(bias)
    if not tap or not head or width != 1:
        raise UnderstudyError(
            f"{file}: network {name!r} ends in {width} values, expected 1 after at least one tap "
            "layer and one head layer."
        )
    return Network(name, directions, steps, tap, head)


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
    part.write_text(json.dumps(stored) + "\n")
    os.replace(part, path)
