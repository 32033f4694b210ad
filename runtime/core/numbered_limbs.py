"""Limbs whose joints have one word and a number: Left_arm1 ... Left_arm4.

The word says which limb it is and nothing of where it begins: arm1 is the clavicle in one rig and
the upper arm in the next. A named hand or shoulder at the limb's end tells, else its two long bones
do, else the count alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .body_plan import Plan, hinge
from .joint_names import Said
from .skeleton import Skeleton

LEAST = 3  # two joints of one word are an upper and a lower part, which words tell already
# word -> parts from the trunk on, words of a named end
_LIMBS = {
    "leg": (("upper_leg", "lower_leg", "foot", "toes"), frozenset(("foot", "ankle"))),
    "arm": (("upper_arm", "lower_arm", "hand"), frozenset(("hand", "wrist"))),
}


def guess(
    skeleton: Skeleton, said: Sequence[Said], above: Sequence[Sequence[int]], named: dict[str, int]
) -> Plan:
    """All roles of the limbs that are numbered; named are the roles that words tell."""
    found: dict[str, int] = {}
    notes: list[str] = []
    for word, (parts, ends) in _LIMBS.items():
        told: list[str] = []
        for side in ("left", "right"):
            chain = _chain(said, above, side, word)
            if len(chain) < LEAST:
                continue
            path = chain + _named_end(said, above, side, chain[-1], ends)
            shoulder = named.get(f"{side}_shoulder")
            if word == "arm" and shoulder is not None and shoulder in above[chain[0]]:
                at, why = 0, ""
            elif len(path) > len(chain):
                at, why = len(path) - 3, ""
            else:
                at, why = _start(skeleton, path, word)
                shoulder = None
            limb = {f"{side}_{p}": j for p, j in zip(parts, path[at:], strict=False)}
            if word == "arm" and shoulder is None and at > 0:
                limb[f"{side}_shoulder"] = path[at - 1]
            elif word == "arm" and shoulder is not None:
                limb[f"{side}_shoulder"] = shoulder
            if (toes := named.get(f"{side}_toes")) is not None and word == "leg":
                limb.setdefault(f"{side}_toes", toes)
            found |= limb
            if why and not told:
                first, last = skeleton.names[path[0]], skeleton.names[path[-1]]
                upper = skeleton.names[limb[f"{side}_{parts[0]}"]]
                told.append(
                    f"The joints {first} to {last} are told by {why}: {upper} is taken for the "
                    f"{parts[0].replace('_', ' ')}; --map overrules it."
                )
        notes += told
    return Plan(found, tuple(notes))


def _chain(said: Sequence[Said], above: Sequence[Sequence[int]], side: str, word: str) -> list[int]:
    """The longest way down through joints of that word alone."""
    own = {j for j, s in enumerate(said) if s.side == side and s.words == {word}}
    ways = [[*(a for a in above[j][::-1] if a in own), j] for j in sorted(own)]
    return max(ways, key=len, default=[])


def _named_end(
    said: Sequence[Said],
    above: Sequence[Sequence[int]],
    side: str,
    last: int,
    ends: frozenset[str],
) -> list[int]:
    """The hand or foot that hangs on a limb's last joint, if a name says so."""
    return [
        j
        for j, s in enumerate(said)
        if s.side == side and s.words and s.words <= ends and above[j][:1] == [last]
    ][:1]


def _start(skeleton: Skeleton, path: list[int], word: str) -> tuple[int, str]:
    """Where in the path the upper arm or thigh is, and what tells it."""
    world = skeleton.rest_globals[0][path]
    lengths = np.linalg.norm(np.diff(world, axis=0), axis=1).tolist()
    if not skeleton.children(path[-1]):
        lengths.append(float(np.nan_to_num(np.linalg.norm(skeleton.tips[path[-1]]))))
    at = hinge(lengths)
    if at is not None:
        return at, "the lengths of their bones"
    return (1 if word == "arm" and len(path) > LEAST else 0), "their number alone"
