"""A character's face: curves by name go in, weights of morphs and turns of eyes come out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array

from .character import Character
from .face_names import ARKIT_KEYS, EXACT, ROUGH, key, meant

SIDES = ("left", "right")
# How far an eye turns at a curve of 1: sideways, and up and down. Drawn eyes turn less (VRM says).
LOOK_RAD = np.radians((30.0, 22.0))
# What a VRM's expression can hold down while it is shown.
_SILENCED = {
    "blink": ("blink", "blinkleft", "blinkright"),
    "look": ("lookup", "lookdown", "lookleft", "lookright"),
    "mouth": ("a", "i", "u", "e", "o"),
}
_NO_EYE = re.compile(r"lid|brow|lash|blink|look|target|aim|socket|corner|squint|end|nub", re.I)


@dataclass(frozen=True)
class Eye:
    """A joint that is an eye, the joint that it turns in, and which side it is on."""

    joint: int
    parent: int
    side: str


class FaceRig:
    """What of a character's face curves can move: morphs, and eyes where no morph is a glance."""

    def __init__(self, character: Character) -> None:
        self._rest = np.array([m.rest for m in character.morphs], np.float64)
        self._targets = _targets(character)
        self._words = {word: k for k, word in enumerate(self._targets)}
        self._shares = np.zeros((len(self._rest), len(self._words)))  # of words in morphs
        for word, parts in self._targets.items():
            for morph, share in parts:
                self._shares[morph, self._words[word]] += share
        self._drives = _drives(self._targets)
        said = {meant(one.name): one for one in character.expressions}
        self._binary = [self._words[word] for word, one in said.items() if one.binary]
        self._silences = [
            (self._words[word], [k for w, k in self._words.items() if w in _SILENCED[what]], block)
            for word, one in said.items()
            for what, block in one.silences
        ]
        self._mixes: dict[tuple[str, ...], Array] = {}
        looks = any(k.startswith("eyelook") for k in self._targets)
        self.eyes = () if looks else eyes(character)
        self._ways: dict[tuple[str, ...], Array] = {}
        self._home = character.skeleton.rest_globals[1]
        self._look_rad = LOOK_RAD if character.look_rad is None else character.look_rad

    @property
    def curves(self) -> tuple[str, ...]:
        """Those of ARKit's that move something here."""
        moved = {curve for _, shares in self._drives for curve in shares}
        if self.eyes:
            moved |= {name for name in ARKIT if name.startswith("eyeLook")}
        return tuple(name for name in ARKIT if name in moved)

    @property
    def still(self) -> bool:
        """Whether nothing of it moves."""
        return not self._targets and not self.eyes

    def weights(self, names: Sequence[str], values: Array) -> Array:
        """(M,) weights of all morphs, from curves (K,) by name."""
        names = tuple(names)
        if not names:
            return self._rest
        if names not in self._mixes:
            self._mixes[names] = self._mix(names)
        words = np.clip(self._mixes[names] @ np.clip(values, -1.0, 1.0), 0.0, 1.0)
        words[self._binary] = words[self._binary] > 0.5
        held = np.ones(len(words))
        for word, others, block in self._silences:
            shown = float(words[word])
            held[others] *= 1.0 - (float(shown > 0.0) if block else shown)
        return np.clip(self._rest + self._shares @ (words * held), 0.0, 1.0)

    def _mix(self, names: tuple[str, ...]) -> Array:
        """(W, K) how much of each curve goes into each word."""
        out = np.zeros((len(self._words), len(names)))
        heard = {ARKIT_KEYS[key(n)]: k for k, n in enumerate(names) if key(n) in ARKIT_KEYS}
        direct = {k: meant(n) for k, n in enumerate(names) if key(n) not in ARKIT_KEYS}
        told: set[str] = set()
        for k, word in direct.items():  # a word that the face has itself
            if word in self._words:
                told.add(word)
                out[self._words[word], k] = 1.0
        for word, shares in self._drives:
            for curve, share in shares.items() if word not in told else ():
                if curve in heard:
                    out[self._words[word], heard[curve]] += share
        # VRM's words for a face that has ARKit's shapes alone.
        for k, word in direct.items():
            if word in self._words or word not in ROUGH:
                continue
            for curve, share in ROUGH[word].items():
                if key(curve) in self._words:
                    out[self._words[key(curve)], k] += share / max(ROUGH[word].values())
        return out

    def look(self, names: Sequence[str], values: Array) -> list[tuple[int, int, Array]]:
        """For each eye the joint, its parent and its turn (4,) in the world of the rest pose."""
        names = tuple(names)
        if not self.eyes or not len(names):
            return []
        if names not in self._ways:
            at = {key(n): k for k, n in enumerate(names)}
            rows = [[at.get(f"eyelook{way}{eye.side}", -1) for way in ("in", "out", "up", "down")]
                    for eye in self.eyes]  # fmt: skip
            self._ways[names] = np.array(rows)
        got = np.append(values, 0.0)[self._ways[names]]
        out = []
        for eye, (inward, outward, up, down) in zip(self.eyes, got, strict=True):
            sign = 1.0 if eye.side == "left" else -1.0  # the left eye looks out to +X
            yaw = sign * (outward - inward) * self._look_rad[0]
            pitch = (down - up) * self._look_rad[1]
            turn = rotation.multiply(
                rotation.from_axis_angle((0.0, 1.0, 0.0), yaw),
                rotation.from_axis_angle((1.0, 0.0, 0.0), pitch),
            )
            out.append((eye.joint, eye.parent, turn))
        return out

    def turned(self, names: Sequence[str], values: Array, world_r: Array) -> Array:
        """World rotations (J, 4) of the character's joints, its eyes turned as the curves say."""
        looks = self.look(names, values)
        if not looks:
            return world_r
        out = world_r.copy()
        for joint, parent, turn in looks:
            # The turn is in the world of the rest pose; the head has carried it along.
            carried = rotation.multiply(world_r[parent], rotation.conjugate(self._home[parent]))
            back = rotation.multiply(carried, rotation.multiply(turn, rotation.conjugate(carried)))
            out[joint] = rotation.multiply(back, world_r[joint])
        return out


def _targets(character: Character) -> dict[str, list[tuple[int, float]]]:
    """Word -> the morphs that it moves and how much; a VRM's words before its morphs' own names."""
    out: dict[str, list[tuple[int, float]]] = {}
    for one in character.expressions:
        out.setdefault(meant(one.name), list(one.morphs))
    for k, morph in enumerate(character.morphs):
        out.setdefault(meant(morph.name), [(k, 1.0)])
    return out


def _drives(targets: dict[str, list[tuple[int, float]]]) -> list[tuple[str, dict[str, float]]]:
    """The words of a face that ARKit's curves drive, and by which of them.

    ARKit's own first; what is left over goes to rougher words, so that no curve moves two shapes.
    """
    out = [(word, {ARKIT_KEYS[word]: 1.0}) for word in targets if word in ARKIT_KEYS]
    taken = {curve for _, shares in out for curve in shares}
    for word in targets:
        if word in EXACT and not taken & EXACT[word].keys():
            out.append((word, EXACT[word]))
    # One eye's own word comes before the word for both.
    for word in sorted((w for w in targets if w in ROUGH), key=lambda w: len(ROUGH[w])):
        taken = {curve for _, shares in out for curve in shares}
        if left := {curve: share for curve, share in ROUGH[word].items() if curve not in taken}:
            out.append((word, left))
    return out


def eyes(character: Character) -> tuple[Eye, ...]:
    """The eye joints: as a VRM says, or by their names below the head."""
    skeleton, found = character.skeleton, []
    head = roles(skeleton).get("head")
    for side in SIDES:
        joint = character.named.get(f"{side}_eye")
        if joint is None:
            named = [j for j, name in enumerate(skeleton.names) if _is_eye(name, side)]
            named = [j for j in named if head is None or _below(skeleton.parents, j, head)]
            joint = named[0] if named else None
        if joint is not None and skeleton.parents[joint] >= 0:
            found.append(Eye(joint, int(skeleton.parents[joint]), side))
    return tuple(found) if len(found) == 2 else ()


def _is_eye(name: str, side: str) -> bool:
    plain = re.sub(r"^.*[:|]", "", name)
    if "eye" not in plain.lower() or _NO_EYE.search(plain):
        return False
    words = [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]", plain)]
    marks = {side, side[0]}
    other = {"left", "l", "right", "r"} - marks
    return bool(marks & set(words)) and not other & set(words)


def _below(parents: np.ndarray, joint: int, head: int) -> bool:
    while joint >= 0 and joint != head:
        joint = int(parents[joint])
    return joint == head
