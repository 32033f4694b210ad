"""The contact network written out as GLSL."""

from __future__ import annotations

from understudy.runtime.core.rotation import Array

from .contact_network import HEAD_FEATURES, TAP_FEATURES, Network


def _number(value: float) -> str:
    """A GLSL float: strict compilers take no integer for one."""
    text = f"{value:.7g}"
    return text if any(mark in text for mark in ".e") else text + ".0"


def _sum(weights: Array, names: list[str], bias: float) -> str:
    pairs = zip(weights, names, strict=True)
    terms = [f"{_number(w)} * {name}" for w, name in pairs if w != 0.0]
    return " + ".join([_number(bias), *terms]).replace("+ -", "- ")


def _block(
    layers: tuple[tuple[Array, Array], ...], names: list[str], prefix: str, last_relu: bool
) -> tuple[list[str], list[str]]:
    """Lines that compute the layers, and the names that hold their result."""
    lines = []
    for i, (weight, bias) in enumerate(layers):
        out = [f"{prefix}{i}_{j}" for j in range(len(bias))]
        relu = last_relu or i + 1 < len(layers)
        for j, name in enumerate(out):
            value = _sum(weight[j], names, bias[j])
            lines.append(f"float {name} = {f'max({value}, 0.0)' if relu else value};")
        names = out
    return lines, names


def glsl(network: Network) -> dict[str, str]:
    """Parts of shaders/contact.glsl: DECLARE the sums, LOOK adds a direction, HEAD gives `ao`."""
    width = len(network.tap_layers[-1][1])
    steps = network.steps
    look = [f"Tap f{i} = look(way, reach + {_number(i / steps)});" for i in range(steps)]
    names = [f"f{i}.{name}" for i in range(steps) for name in TAP_FEATURES]
    lines, result = _block(network.tap_layers, names, "t", last_relu=True)
    look += [*lines, *(f"s{j} += {name};" for j, name in enumerate(result))]
    means = [f"(s{j} * {_number(1.0 / network.directions)})" for j in range(width)]
    head, result = _block(
        network.head_layers, [*means, *(f"h_{n}" for n in HEAD_FEATURES)], "o", last_relu=False
    )
    return {
        "DIRECTIONS": str(network.directions),
        "STEPS": str(steps),
        "DECLARE": "\n".join(f"float s{j} = 0.0;" for j in range(width)),
        "LOOK": "\n".join(look),
        "HEAD": "\n".join([*head, f"float ao = {result[0]};"]),
    }
