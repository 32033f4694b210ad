"""What the mouth does for each phone: ARKit's curves, and how neighbours share it.

Shapes are from phonetics by hand: where a sound needs the lips it says so with a strong dominance,
and where it does not it lets the neighbours have them (Cohen and Massaro 1993, "Modeling
coarticulation in synthetic visual speech").
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.sources.speech import FRAME_S, MIDDLE_S, MOUTH

# Rows of MOUTH: jaw open, closed lips, funnel, pucker, stretch, smile, rolled lower, rolled upper,
# pressed, lower lip down, upper lip up, tongue.
_SHAPES: dict[str, dict[str, float]] = {
    "pau": {},
    "closed": {"jawOpen": 0.10, "mouthClose": 0.10, "mouthPress": 0.45, "mouthRollLower": 0.30,
               "mouthRollUpper": 0.25},
    "lip-teeth": {"jawOpen": 0.12, "mouthRollLower": 0.55, "mouthUpperUp": 0.30,
                  "mouthLowerDown": 0.05},
    "dental": {"jawOpen": 0.20, "tongueOut": 0.35, "mouthLowerDown": 0.20},
    "alveolar": {"jawOpen": 0.15, "mouthLowerDown": 0.20, "mouthStretch": 0.12},
    "hissing": {"jawOpen": 0.08, "mouthStretch": 0.30, "mouthLowerDown": 0.28, "mouthSmile": 0.08},
    "hushing": {"jawOpen": 0.14, "mouthFunnel": 0.45, "mouthPucker": 0.25, "mouthUpperUp": 0.12},
    "velar": {"jawOpen": 0.22, "mouthLowerDown": 0.12},
    "breath": {"jawOpen": 0.25},
    "liquid": {"jawOpen": 0.22, "mouthLowerDown": 0.12, "tongueOut": 0.05},
    "rhotic": {"jawOpen": 0.18, "mouthFunnel": 0.30, "mouthPucker": 0.22},
    "rounded": {"jawOpen": 0.14, "mouthPucker": 0.75, "mouthFunnel": 0.30},
    "glide": {"jawOpen": 0.14, "mouthStretch": 0.30, "mouthSmile": 0.20},
    "iy": {"jawOpen": 0.16, "mouthStretch": 0.40, "mouthSmile": 0.30, "mouthLowerDown": 0.15},
    "ih": {"jawOpen": 0.24, "mouthStretch": 0.25, "mouthSmile": 0.14, "mouthLowerDown": 0.15},
    "eh": {"jawOpen": 0.38, "mouthStretch": 0.25, "mouthSmile": 0.10, "mouthLowerDown": 0.22},
    "ae": {"jawOpen": 0.55, "mouthStretch": 0.28, "mouthSmile": 0.10, "mouthLowerDown": 0.28},
    "aa": {"jawOpen": 0.68, "mouthLowerDown": 0.25},
    "ah": {"jawOpen": 0.42, "mouthLowerDown": 0.18},
    "ax": {"jawOpen": 0.28, "mouthLowerDown": 0.12},
    "ao": {"jawOpen": 0.50, "mouthFunnel": 0.40, "mouthPucker": 0.18},
    "uh": {"jawOpen": 0.26, "mouthFunnel": 0.32, "mouthPucker": 0.35},
    "uw": {"jawOpen": 0.18, "mouthPucker": 0.70, "mouthFunnel": 0.35},
    "er": {"jawOpen": 0.26, "mouthFunnel": 0.32, "mouthPucker": 0.22},
}  # fmt: skip
# phone -> shapes one after the other
PHONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("p", "b", "m", "em"), ("closed",)),
    **dict.fromkeys(("f", "v"), ("lip-teeth",)),
    **dict.fromkeys(("th", "dh"), ("dental",)),
    **dict.fromkeys(("t", "d", "n", "nx", "dx", "en"), ("alveolar",)),
    **dict.fromkeys(("s", "z"), ("hissing",)),
    **dict.fromkeys(("sh", "zh", "ch", "jh"), ("hushing",)),
    **dict.fromkeys(("k", "g", "ng"), ("velar",)),
    **dict.fromkeys(("l", "el"), ("liquid",)),
    **dict.fromkeys(("r",), ("rhotic",)),
    **dict.fromkeys(("er", "axr"), ("er",)),
    **dict.fromkeys(("hh", "hv"), ("breath",)),
    **dict.fromkeys(("w", "wh"), ("rounded",)),
    "y": ("glide",), "iy": ("iy",), "ih": ("ih",), "ix": ("ih",), "eh": ("eh",), "ae": ("ae",),
    "aa": ("aa",), "ah": ("ah",), "ax": ("ax",), "ao": ("ao",), "uh": ("uh",), "uw": ("uw",),
    "ey": ("eh", "iy"), "ay": ("aa", "ih"), "oy": ("ao", "ih"), "aw": ("aa", "uw"),
    "ow": ("ao", "uw"), "pau": ("pau",), "h#": ("pau",), "brth": ("pau",),
}  # fmt: skip
# What the network learns to tell apart beside the curves, in training alone.
TOLD = tuple(PHONES)
# How strongly a shape asks for the lips, and for the jaw; how fast that fades, a second.
_LIPS = {"closed": 12.0, "lip-teeth": 6.0, "rounded": 3.0, "uw": 2.0, "hushing": 2.0, "pau": 1.2}
_WEAK = {"velar": 0.25, "breath": 0.15, "alveolar": 0.4, "liquid": 0.4}
_FADE = {"closed": 42.0, "lip-teeth": 34.0}
CLOSED_SHAPE = "closed"


# A p before these is let go with a breath, for which the lips are open: so long, and of its length.
_AFTER_BREATH = {"l", "r", "w", "y"}
BREATH_S, BREATH_SHARE = 0.035, 0.4


def _spans(phones: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """Shapes one after the other, each with its begin and end in seconds."""
    spans: list[tuple[str, float, float]] = []
    begin = 0.0
    for k, (name, end) in enumerate(phones):
        shapes = PHONES.get(name, ("ax",))
        cuts = np.linspace(begin, end, len(shapes) + 1).tolist()
        after = phones[k + 1][0] if k + 1 < len(phones) else "pau"
        if name == "p" and (after in _AFTER_BREATH or after[0] in "aeiou"):
            shapes = (CLOSED_SHAPE, "breath")
            cuts = [begin, end - min(BREATH_S, BREATH_SHARE * (end - begin)), end]
        spans += [(s, a, b) for s, a, b in zip(shapes, cuts, cuts[1:])]
        begin = end
    return spans


def _row(shape: str) -> Array:
    return np.array([_SHAPES[shape].get(name, 0.0) for name in MOUTH])


def curves(phones: list[tuple[str, float]], frames: int) -> tuple[Array, np.ndarray]:
    """(T, C) the mouth's curves at each frame, and (T,) whether a p, b or m shuts the lips."""
    spans = _spans(phones)
    time = np.arange(frames) * FRAME_S + MIDDLE_S
    if not spans:
        return np.zeros((frames, len(MOUTH))), np.zeros(frames, bool)
    middle = np.array([0.5 * (a + b) for _, a, b in spans])
    half = np.array([0.5 * (b - a) for _, a, b in spans])
    strong = np.array([_LIPS.get(s, _WEAK.get(s, 1.0)) for s, _, _ in spans])
    fade = np.array([_FADE.get(s, 24.0) for s, _, _ in spans])
    beyond = np.maximum(np.abs(time[:, None] - middle) - 0.6 * half, 0.0)
    share = strong * np.exp(-fade * beyond)
    rows = np.stack([_row(s) for s, _, _ in spans])
    out = share @ rows / np.maximum(share.sum(1, keepdims=True), 1e-6)
    shut = np.zeros(frames, bool)
    for s, a, b in spans:
        if s == CLOSED_SHAPE:
            shut |= (time >= a) & (time < b)
    return out, shut


def told(phones: list[tuple[str, float]], frames: int) -> np.ndarray:
    """(T,) which phone, of TOLD, is said at each frame; -1 for one that no table has."""
    time = np.arange(frames) * FRAME_S + MIDDLE_S
    ends = np.array([end for _, end in phones])
    which = np.array([TOLD.index(name) if name in PHONES else -1 for name, _ in phones])
    return which[np.minimum(np.searchsorted(ends, time, side="right"), len(which) - 1)]
