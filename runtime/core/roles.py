"""Joint roles: which joint of a skeleton is the left knee.

Roles are VRM's humanoid bone names in snake case. Every part that needs to know a body part goes
through `roles`: retargeting, feet, the mannequin, protocols. They come from names, tree and
geometry together: a word such as "shoulder" or "leg" means one joint or the next by what hangs
below it, and where names say nothing the tree and the lengths of its bones do (`body_plan`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from . import body_plan, numbered_limbs
from .joint_names import Said, read_names
from .skeleton import Skeleton

# role -> parent role, parents first
HIERARCHY: dict[str, str | None] = {
    "hips": None,
    "spine": "hips",
    "chest": "spine",
    "upper_chest": "chest",
    "neck": "upper_chest",
    "head": "neck",
    **{
        f"{side}_{part}": (parent if parent in ("hips", "upper_chest") else f"{side}_{parent}")
        for side in ("left", "right")
        for part, parent in (
            ("upper_leg", "hips"),
            ("lower_leg", "upper_leg"),
            ("foot", "lower_leg"),
            ("toes", "foot"),
            ("shoulder", "upper_chest"),
            ("upper_arm", "shoulder"),
            ("lower_arm", "upper_arm"),
            ("hand", "lower_arm"),
        )
    },
}
LEG = ("upper_leg", "lower_leg", "foot", "toes")
ARM = ("shoulder", "upper_arm", "lower_arm", "hand")
SIDES = ("left", "right")

# What words are worth for a role; a chain of joints takes the roles that are worth most together.
# "up" and "low" with "leg" or "arm" are read as thigh, shin, uparm and forearm.
_WORTH: dict[str, dict[str, float]] = {
    "thigh": {"upper_leg": 3.0},
    "shin": {"lower_leg": 3.0},
    "leg": {"upper_leg": 1.5, "lower_leg": 2.0},
    "knee": {"lower_leg": 2.5},
    "hips": {"upper_leg": 2.0},
    "ankle": {"foot": 3.0},
    "ashi": {"upper_leg": 3.0, "foot": 2.5},
    "foot": {"foot": 2.5, "toes": 1.0},
    "toe": {"toes": 3.0},
    "metatarsal": {"toes": 1.0},
    "collar": {"shoulder": 3.0},
    "thorax": {"shoulder": 2.0},
    "shoulder": {"shoulder": 2.0, "upper_arm": 2.25},
    "shldr": {"shoulder": 1.0, "upper_arm": 3.0},
    "uparm": {"upper_arm": 3.0},
    "arm": {"upper_arm": 2.5, "lower_arm": 1.0},
    "forearm": {"lower_arm": 3.0},
    "elbow": {"lower_arm": 2.5},
    "wrist": {"hand": 3.0},
    "hand": {"hand": 2.9},
    "palm": {"hand": 1.0},
}
_ELSEWHERE = frozenset(("beside", "finger", "beast", "paw", "twist", "face"))
_STRANGE = 0.3


class Guess(NamedTuple):
    """Role -> joint, and what of it is uncertain, each a sentence."""

    roles: dict[str, int]
    notes: tuple[str, ...] = ()


_guesses: WeakKeyDictionary[Skeleton, Guess] = WeakKeyDictionary()


def roles(skeleton: Skeleton) -> dict[str, int]:
    """Role -> joint index, for the roles that were given or that the skeleton reveals.

    A role that is not found is not in the dict; what is no humanoid gives a small dict or none.
    """
    return dict(guess(skeleton).roles)


def guess(skeleton: Skeleton) -> Guess:
    """The roles of a skeleton, and how sure they are."""
    found = _guesses.get(skeleton)
    if found is None:
        if skeleton.given_roles is not None:
            found = Guess(dict(skeleton.given_roles))
        else:
            found = _guess(skeleton)
        _guesses[skeleton] = found
    return found


def helpers(skeleton: Skeleton) -> list[str]:
    """The joints with a side that twist, aim or hang beside the limb that they are named after."""
    taken = set(roles(skeleton).values())
    return [
        skeleton.names[j]
        for j, one in enumerate(read_names(skeleton.names))
        if j not in taken
        and one.side
        and one.words & {"twist", "beside"}
        and one.words & set(_WORTH)
    ]


def missing(found: dict[str, int]) -> list[str]:
    """The roles that a whole humanoid needs and that are not there."""
    need = ["hips", *(f"{s}_{p}" for p in (*LEG[:3], *ARM[1:]) for s in SIDES)]
    lacks = [role for role in need if role not in found]
    if not {"head", "neck", "upper_chest", "chest"} & found.keys():
        lacks.append("head")
    return lacks


def is_part(found: Collection[str]) -> bool:
    """Whether these roles are enough of a body to tell how it holds itself: a head with a neck or

    without, a trunk with both arms, hips with both legs.
    """
    arms, legs = ({f"{s}_{limb}" for s in SIDES} for limb in (ARM[1], LEG[0]))
    return "head" in found or arms <= set(found) or {"hips", *legs} <= set(found)


def _guess(skeleton: Skeleton) -> Guess:
    names, parents = skeleton.names, tuple(skeleton.parents.tolist())
    named = _named(names, parents)
    numbered = numbered_limbs.guess(skeleton, read_names(names), _paths(parents), named.roles)
    if numbered.roles:
        whole = _with_trunk(names, parents, named.roles | numbered.roles, body_plan.Plan({}))
        return Guess(whole.roles, numbered.notes + whole.notes)
    if named.notes or all(f"{side}_{LEG[1]}" in named.roles for side in SIDES):
        return named if named.notes else _whole(names, parents)
    return _with_trunk(names, parents, dict(named.roles), body_plan.guess(skeleton))


@lru_cache(maxsize=64)
def _named(names: tuple[str, ...], parents: tuple[int, ...]) -> Guess:
    """The limbs that names tell."""
    said = read_names(names)
    # VRoid has skirts with a front; a beast has legs with one, or paws.
    limbs = [s.words for s in said if "beside" not in s.words]
    beastly = [w for w in limbs if "paw" in w or ("beast" in w and w & _WORTH.keys())]
    if len(beastly) >= 2:
        return Guess({}, ("The names are a beast's, so it is no humanoid.",))
    above = _paths(parents)
    found: dict[str, int] = {}
    for side in SIDES:
        for parts in (LEG, ARM):
            found |= _limb(names, said, above, side, parts)
    return Guess(found)


@lru_cache(maxsize=64)
def _whole(names: tuple[str, ...], parents: tuple[int, ...]) -> Guess:
    """All roles where names tell the limbs."""
    return _with_trunk(names, parents, dict(_named(names, parents).roles), body_plan.Plan({}))


def _with_trunk(
    names: tuple[str, ...],
    parents: tuple[int, ...],
    found: dict[str, int],
    plan: body_plan.Plan,
) -> Guess:
    said, above = read_names(names), _paths(parents)
    notes: list[str] = []
    if plan.roles:
        taken = set(found.values())
        new = {r: j for r, j in plan.roles.items() if r not in found and j not in taken}
        # All of it or nothing: half a plan beside half the names fits nobody.
        if all(found.get(r, j) == j for r, j in plan.roles.items()):
            found |= new
            notes += plan.notes
    _trunk(names, said, parents, above, found, notes)
    return Guess({role: found[role] for role in HIERARCHY if role in found}, tuple(notes))


def _paths(parents: tuple[int, ...]) -> list[list[int]]:
    """For each joint those above it, nearest first."""
    paths: list[list[int]] = []
    for parent in parents:
        paths.append([] if parent < 0 else [parent, *paths[parent]])
    return paths


def _worth(said: Said) -> dict[str, float]:
    words = set(said.words)
    if words & _ELSEWHERE:
        return {}
    for near, far, whole in (("leg", "up", "thigh"), ("leg", "low", "shin"),
                             ("arm", "up", "uparm"), ("arm", "low", "forearm"),
                             ("arm", "fore", "forearm")):  # fmt: skip
        if {near, far} <= words:
            words = (words - {near, far}) | {whole}
    if "toe" in words:
        words -= {"foot"}
    worth: dict[str, float] = {}
    for word in words:
        for role, value in _WORTH.get(word, {}).items():
            worth[role] = max(worth.get(role, 0.0), value - _STRANGE * said.strange)
    return worth


def _parts_of_one(names: tuple[str, ...], upper: int, lower: int) -> bool:
    """Whether a joint is called as one above it but for what follows: upper_arm.L.001, 左肩C."""
    one, other = (re.sub(r"[\d._]", "", names[j]) for j in (upper, lower))
    return other.startswith(one)


def _limb(
    names: tuple[str, ...],
    said: tuple[Said, ...],
    above: list[list[int]],
    side: str,
    parts: tuple[str, ...],
) -> dict[str, int]:
    """The chain of joints of a side, each below the one before, that its names fit best."""
    best: dict[tuple[int, int], tuple[float, tuple[int, int] | None]] = {}
    top: tuple[float, tuple[int, int] | None] = (0.0, None)
    for j, one in enumerate(said):
        if one.side != side:
            continue
        worth = _worth(one)
        for k, part in enumerate(parts):
            value = worth.get(part, 0.0)
            if value <= 0.0:
                continue
            before: tuple[float, tuple[int, int] | None] = (0.0, None)
            for a in above[j]:
                for i in range(k):
                    if (a, i) not in best:
                        continue
                    more = best[a, i][0] - before[0]
                    if more > 1e-9 or (
                        # Nearer to the root wins a tie: a bone in two parts begins with the first.
                        more > -1e-9 and before[1] and _parts_of_one(names, a, before[1][0])
                    ):
                        before = (best[a, i][0], (a, i))
            best[j, k] = (before[0] + value, before[1])
            if best[j, k][0] > top[0] + 1e-9:
                top = (best[j, k][0], (j, k))
    chain: dict[str, int] = {}
    at = top[1]
    while at is not None:
        chain[f"{side}_{parts[at[1]]}"] = at[0]
        at = best[at][1]
    lone = chain.get(f"{side}_upper_arm")
    if lone is not None and len(chain) == 1 and "shoulder" in said[lone].words:
        return {f"{side}_shoulder": lone}  # no forearm hangs on it
    return chain


def _common(joints: list[int], above: list[list[int]]) -> int | None:
    """The lowest joint that all of them hang on, or are."""
    if not joints:
        return None
    shared = [joints[0], *above[joints[0]]]
    for j in joints[1:]:
        own = {j, *above[j]}
        shared = [a for a in shared if a in own]
    return shared[0] if shared else None


def _trunk(
    names: tuple[str, ...],
    said: tuple[Said, ...],
    parents: tuple[int, ...],
    above: list[list[int]],
    found: dict[str, int],
    notes: list[str],
) -> None:
    """Hips, spine, neck and head, into found."""
    middle = [
        j for j, s in enumerate(said) if not s.side and not s.words & (_ELSEWHERE - {"twist"})
    ]

    def named(word: str) -> list[int]:
        with_word = [j for j in middle if word in said[j].words]
        return sorted(with_word, key=lambda j: (said[j].strange, j))

    heads = [j for j in named("head") if "twist" not in said[j].words]
    if heads and "head" not in found:
        found["head"] = heads[0]
    necks = [j for j in named("neck") if "head" not in found or j in above[found["head"]]]
    if necks and "neck" not in found:
        found["neck"] = min(necks)
    arms = [found[f"{s}_{p}"] for s in SIDES for p in ARM[:2] if f"{s}_{p}" in found]
    both = all(any(f"{s}_{p}" in found for p in ARM[:2]) for s in SIDES)
    chest = _common(arms, above) if both else None
    if chest is not None and "head" not in found:
        _head_above(names, said, parents, above, chest, found, notes)
    legs = [found[f"{s}_{LEG[0]}"] for s in SIDES if f"{s}_{LEG[0]}" in found]
    top = found.get("head", found.get("neck", chest))
    body = [*legs, *([top] if top is not None else [])]
    base = _common(body, above) if len(legs) == 2 else None
    if "hips" not in found:
        hips = [j for j in named("hips") if base is None or j == base or j in above[base]]
        if base is not None and base not in hips and "spine" in said[base].words and hips:
            base = hips[0]  # 3ds Max hangs the legs on the spine
        if hips and (top is None or top == hips[0] or hips[0] in above[top]):
            found["hips"] = hips[0]
        elif base is not None:
            found["hips"] = base
    if "hips" in found:
        _spine(said, above, found, chest)


def _head_above(
    names: tuple[str, ...],
    said: tuple[Said, ...],
    parents: tuple[int, ...],
    above: list[list[int]],
    chest: int,
    found: dict[str, int],
    notes: list[str],
) -> None:
    """Neck and head where no name says so: what goes on from the chest between the arms."""
    arms = {found[r] for r in found if r.endswith(("_shoulder", "_upper_arm"))}
    chain: list[int] = []
    at = chest
    while True:
        below = [
            j
            for j, parent in enumerate(parents)
            if parent == at
            and not said[j].side
            and not said[j].words & _ELSEWHERE
            and j not in arms
            and not any(j in above[a] for a in arms)
        ]
        spines = [j for j in below if said[j].words & {"spine", "neck"}]
        if len(spines or below) != 1 or (chain and not spines and len(below) != 1):
            break
        at = (spines or below)[0]
        chain.append(at)
    if "neck" in found and found["neck"] in chain:
        chain = chain[chain.index(found["neck"]) :]
    if chain and "neck" in said[chain[-1]].words:
        below = [j for j, parent in enumerate(parents) if parent == chain[-1]]
        chain += [j for j in below if said[j].words == {"face"}][:1]
    if not chain or "neck" in said[chain[-1]].words:
        return
    found["head"] = chain[-1]
    if len(chain) > 1:
        found.setdefault("neck", chain[0])
    notes.append(
        f"{names[chain[-1]]!r} is taken for the head: it is the last joint between the arms."
    )


def _spine(
    said: tuple[Said, ...], above: list[list[int]], found: dict[str, int], chest: int | None
) -> None:
    """Names the joints between hips and neck spine, chest, upper_chest: first, middle, last."""
    if "neck" in found or "head" in found:
        path = above[found.get("neck", found.get("head", 0))]
    elif chest is not None:
        path = [chest, *above[chest]]
    else:
        path = [j for j, s in enumerate(said) if "spine" in s.words and not s.side][::-1]
        path = [j for j in path if found["hips"] in above[j]]
    if found["hips"] in path:
        path = path[: path.index(found["hips"])]
    else:  # hips and spine are siblings below a common root
        path = [j for j in path if "spine" in said[j].words]
    taken = set(found.values())
    path = [j for j in path[::-1] if j not in taken]
    if len(path) == 1:
        found["chest"] = path[0]
    elif path:
        found["spine"], found["upper_chest"] = path[0], path[-1]
        if len(path) > 2:
            found["chest"] = path[len(path) // 2]
