"""Curves of the stage and shape keys of a mesh, matched by their names. No bpy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name without the spelling of its tool.

    eyeBlinkLeft, EyeBlink_L, eye_blink_left and blendShape1.eyeBlink_L are one.
    """
    bare = re.sub(r"^.*[.:|](?=[A-Za-z]{3})", "", name)
    for letter, side in (("L", "left"), ("R", "right")):
        bare = re.sub(rf"(?:[_.\- ]{letter}|(?<=[a-z]){letter})$", side, bare)
    return re.sub(r"[^a-z0-9]", "", bare.lower())


def match(curves: Sequence[str], keys: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of a curve's and a key's index; equal names first, then those that mean the same."""
    same = {name: i for i, name in enumerate(curves)}
    alike: dict[str, int] = {}
    for i, name in enumerate(curves):
        alike.setdefault(plain(name), i)
    pairs = [(same.get(key, alike.get(plain(key), -1)), k) for k, key in enumerate(keys)]
    return [(curve, key) for curve, key in pairs if curve >= 0]
