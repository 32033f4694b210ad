"""What of a body can be changed beside age, sex, build and height: name -> MakeHuman's targets.

Each is a folder of targets and the words for -1 and +1. What has a left and a right is changed on
both. An empty word is no target: the change has one way.
"""

from __future__ import annotations


def _grown(part: str, *words: str) -> dict[str, tuple[str, str, str]]:
    return {word.removeprefix("measure-"): (part, f"{word}-decr", f"{word}-incr") for word in words}


def _ways(part: str, word: str, low: str, high: str) -> dict[str, tuple[str, str, str]]:
    return {word: (part, f"{word}-{low}", f"{word}-{high}")}


# Changes of size: what the network of measures and `character fit` answer with.
SIZES: dict[str, tuple[str, str, str]] = {
    **_grown("torso", "measure-shoulder-dist", "measure-bust-circ", "measure-waist-circ",
             "measure-hips-circ", "measure-napetowaist-dist", "measure-waisttohip-dist"),
    **_grown("neck", "measure-neck-circ", "measure-neck-height"),
    **_grown("arms", "measure-upperarm-length", "measure-lowerarm-length",
             "measure-upperarm-circ"),
    **_grown("hands", "hand-scale"),
    **_grown("legs", "measure-upperleg-height", "measure-lowerleg-height", "measure-thigh-circ",
             "measure-calf-circ"),
    **_grown("feet", "foot-scale"),
    **_grown("head", "head-scale-horiz", "head-scale-vert", "head-scale-depth"),
}  # fmt: skip

FEATURES: dict[str, tuple[str, str, str]] = {
    **_grown("stomach", "stomach-tone"),
    **_grown("buttocks", "buttocks-volume"),
    **{word: ("head", "", word) for word in (
        "head-diamond", "head-invertedtriangular", "head-oval", "head-rectangular", "head-round",
        "head-square", "head-triangular")},
    **_grown("head", "head-fat", "head-age"),
    **_grown("forehead", "forehead-scale-vert", "forehead-temple", "forehead-nubian"),
    **_ways("eyebrows", "eyebrows-trans", "down", "up"),
    **_ways("eyebrows", "eyebrows-angle", "down", "up"),
    **_grown("eyes", "eye-scale", "eye-height2", "eye-bag"),
    **_ways("eyes", "eye-corner1", "down", "up"),
    **_ways("eyes", "eye-corner2", "down", "up"),
    **_ways("eyes", "eye-eyefold-angle", "down", "up"),
    **_ways("eyes", "eye-eyefold", "down", "up"),
    **_ways("eyes", "eye-trans", "in", "out"),
    **_grown("nose", "nose-scale-horiz", "nose-scale-vert", "nose-scale-depth", "nose-hump",
             "nose-flaring", "nose-nostrils-width", "nose-point-width", "nose-volume",
             "nose-width1", "nose-width2", "nose-width3", "nose-greek"),
    **_ways("nose", "nose-point", "down", "up"),
    **_ways("nose", "nose-base", "down", "up"),
    **_ways("nose", "nose-curve", "concave", "convex"),
    **_grown("mouth", "mouth-scale-horiz", "mouth-scale-vert", "mouth-lowerlip-height",
             "mouth-lowerlip-volume", "mouth-upperlip-height", "mouth-upperlip-volume",
             "mouth-cupidsbow", "mouth-philtrum-volume"),
    **_ways("mouth", "mouth-angles", "down", "up"),
    **_ways("mouth", "mouth-trans", "down", "up"),
    **_grown("chin", "chin-bones", "chin-cleft", "chin-height", "chin-prominent", "chin-width",
             "chin-jaw-drop"),
    **_grown("cheek", "cheek-bones", "cheek-volume", "cheek-inner"),
    **_grown("ears", "ear-scale", "ear-wing", "ear-lobe"),
    **_grown("neck", "neck-double"),
}  # fmt: skip

LOCALS = {**SIZES, **FEATURES}
