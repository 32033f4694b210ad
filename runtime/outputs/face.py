"""A subject's face in the words of whoever reads it: ARKit's 52 shapes, or VRM's few clips."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from understudy.bridge.protocols.livelinkface import ARKIT, COUNT, CURVES
from understudy.bridge.protocols.vmc import VRM1_NAMES
from understudy.runtime.characters.face_names import CLIPS
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.rotation import Array

from . import scene
from .body import has_body, humanoid

# How the VMC output may name blend shapes.
BLENDS = ("names", "arkit", "perfectsync", "vrm0", "vrm1")

_PLACES = {name.lower(): i for i, name in enumerate(CURVES)}
_VRM0_NAMES = {new.lower(): old for old, new in VRM1_NAMES.items()} | {
    name.lower(): name for name in VRM1_NAMES
}


def curves(one: Subject) -> Array:
    """(61,) Live Link Face's curves out of the subject's, names in any case; 0 where none is."""
    here, there = _shared(one.skeleton.curve_names)
    out = np.zeros(COUNT, np.float32)
    out[there] = one.curves[here]
    return out


def shapes(one: Subject) -> dict[str, float]:
    """ARKit's 52 by name; nothing where the subject has none of them."""
    if not has_shapes(one):
        return {}
    return dict(zip(ARKIT, curves(one)[: len(ARKIT)].tolist(), strict=True))


def has_shapes(one: Subject) -> bool:
    """Whether the subject has any curve that Live Link Face knows."""
    return bool(len(_shared(one.skeleton.curve_names)[0]))


def blend(one: Subject, naming: str) -> dict[str, float]:
    """The subject's curves by the names of one of `BLENDS`, all as they are."""
    if not len(one.curves):
        return {}
    mix = _mix(one.skeleton.curve_names, naming)
    values = one.curves if mix.weights is None else np.clip(mix.weights @ one.curves, 0.0, 1.0)
    return dict(zip(mix.names, values.tolist(), strict=True))


def wearer(frame: Frame, name: str) -> Subject:
    """The subject of that name; where none is given the first with a face, or else a body."""
    if not name:
        for one in frame.subjects:
            if has_shapes(one):
                return one
    one = scene.subject(frame, name)
    if has_shapes(one) or has_body(one.skeleton):
        return one
    return humanoid(frame, name)[0]  # another one, or the sentence


@lru_cache(maxsize=64)
def _shared(names: tuple[str, ...]) -> tuple[Array, Array]:
    """Which of a skeleton's curves are Live Link Face's, and where they go there."""
    pairs = {_PLACES[name.lower()]: i for i, name in enumerate(names) if name.lower() in _PLACES}
    return np.array(list(pairs.values()), int), np.array(list(pairs), int)


class _Mix(NamedTuple):
    """Names out, and the weights (names, curves) that make their values; None: the curves' own."""

    names: tuple[str, ...]
    weights: Array | None = None


@lru_cache(maxsize=64)
def _mix(names: tuple[str, ...], naming: str) -> _Mix:
    if naming == "names":
        return _Mix(names)
    if naming in ("arkit", "perfectsync"):
        told = tuple(_told(name, capital=naming == "perfectsync") for name in names)
        return _Mix(told if len(set(told)) == len(told) else names)
    rows: dict[str, Array] = {}
    places = {name.lower(): i for i, name in enumerate(names)}
    for clip, parts in CLIPS.items():
        found = {places[p.lower()]: share for p, share in parts.items() if p.lower() in places}
        if found:
            rows[clip] = np.zeros(len(names))
            rows[clip][list(found)] = list(found.values())
    for name, i in places.items():  # what is a clip already says it better
        if (clip := _VRM0_NAMES.get(name, "")) or name not in _PLACES:
            rows[clip or names[i]] = np.eye(len(names))[i]
    clips = [VRM1_NAMES.get(clip, clip) if naming == "vrm1" else clip for clip in rows]
    return _Mix(tuple(clips), np.array(list(rows.values())).reshape(-1, len(names)))


def _told(name: str, capital: bool) -> str:
    """An ARKit name as ARKit writes it or with a capital, another one as it is."""
    place = _PLACES.get(name.lower())
    if place is None:
        return name
    return CURVES[place][0].upper() + CURVES[place][1:] if capital else CURVES[place]
