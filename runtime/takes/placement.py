"""Where a file's body stands: its vertical axis, its unit and its origin, guessed and said.

A BVH says none of them. The axis is told by how the body stands over the ground in the motion and
at rest, the unit by bones that no pose changes. Whatever is not plain gets a sentence, and the user
can overrule it (--up, --unit).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.joint_names import read_names
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.rest import stands

AXES = ("Y", "Z", "X", "-Y", "-Z", "-X")
# Rotation that stands each axis up; what was ahead of a body that faced +Z or -Y comes to +Z.
_TURN = {
    "Y": ((1.0, 0.0, 0.0), 0.0),
    "-Y": ((1.0, 0.0, 0.0), np.pi),
    "Z": ((1.0, 0.0, 0.0), -0.5 * np.pi),
    "-Z": ((1.0, 0.0, 0.0), 0.5 * np.pi),
    "X": ((0.0, 0.0, 1.0), 0.5 * np.pi),
    "-X": ((0.0, 0.0, 1.0), -0.5 * np.pi),
}
# How much each kind of evidence weighs; a body that lies down is no reason to raise the world.
_PRIOR = {"Y": 0.3, "Z": 0.2, "X": 0.0, "-Y": -0.1, "-Z": -0.1, "-X": -0.2}
_REST, _GROUND, _FLAT = 0.6, 1.0, 0.5
SURE = 0.25
SAMPLES = 40

# Metres for one unit of the files that people have, and how rare each is. CMU's is an inch over
# its capture scale 0.45.
UNITS: dict[str, tuple[float, float]] = {
    "metre": (1.0, 0.0),
    "centimetre": (0.01, 0.0),
    "millimetre": (0.001, 0.3),
    "inch": (0.0254, 0.5),
    "CMU unit": (0.056444, 0.7),
    "decimetre": (0.1, 1.5),
    "foot": (0.3048, 2.0),
}
LEG_M = 0.85  # an adult's hip joint to ankle
ARM_M = 0.53  # shoulder to wrist
SPINE_M = 0.5  # hips to neck
HAND_M = 0.17  # wrist to the farthest finger joint
THING_M = (0.15, 2.5)
# The top of a head that stands or sits; higher it may be on a stage, or far from the origin.
HEAD_M, MOST_DOUBT = 1.75, 2.0
TINY = 1e-3
SMALL = 0.75
# From a toddler to a giant, as shares of an adult.
HUMAN = (0.44, 1.36)
FAR_M = 100.0
# A root that stands this many times as high as its legs are long is written in another unit.
_ROOT_RATIOS = (100.0, 1000.0, 39.37, 0.01, 0.001, 0.0254)


@dataclass(frozen=True)
class Placement:
    """How a file's root was brought onto the stage: turned, scaled on its own, moved.

    Of a position p (3,) in file units: turn p * root_scale * unit_m - origin_m.
    """

    up: str = "Y"
    turn: Array = field(default_factory=rotation.identity)
    root_scale: float = 1.0
    origin_m: Array = field(default_factory=lambda: np.zeros(3))

    def to_file(self, positions_m: Array, unit_m: float) -> Array:
        """Root positions (..., 3) as the file has them."""
        back = rotation.rotate(rotation.conjugate(self.turn), positions_m + self.origin_m)
        return back / unit_m / self.root_scale


def turn_of(up: str) -> Array:
    """(4,) rotation that takes the axis, such as "Z" or "-Y", to +Y."""
    axis, angle = _TURN[up]
    return rotation.from_axis_angle(axis, angle)


def _direction(axis: str) -> Array:
    sign = -1.0 if axis.startswith("-") else 1.0
    return sign * np.eye(3)["XYZ".index(axis[-1])]


def _ends(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """The joints at the top of the body and those at its bottom, as far as roles are known."""
    role = roles(skeleton)

    def first(*groups: tuple[str, ...]) -> list[int]:
        for group in groups:
            if found := [role[name] for name in group if name in role]:
                return found
        return []

    pair = [(f"left_{p}", f"right_{p}") for p in ("foot", "lower_leg", "upper_leg")]
    arms = [(f"left_{p}", f"right_{p}") for p in ("upper_arm", "shoulder")]
    top = first(("head",), ("neck",), *arms, ("upper_chest",), ("chest",), ("spine",))
    bottom = first(*pair, ("hips",))
    return (top, bottom) if top and bottom and top != bottom else ([], [])


@dataclass(frozen=True)
class Sight:
    """Some of a motion's frames in file units: joints (T, J, 3) and bone ends (T, E, 3)."""

    world: Array
    ends: Array

    def heights(self, up: str) -> tuple[float, float]:
        """The lowest and the highest point of the first frame along an axis."""
        along = np.concatenate([self.world[0], self.ends[0]]) @ _direction(up)
        return float(along.min()), float(along.max())


def sight(skeleton: Skeleton, positions: Array, rotations: Array) -> Sight:
    """What a body looks like in up to SAMPLES frames of its local motion (T, J, ...)."""
    some = slice(None, None, -(-len(rotations) // SAMPLES))
    world_p, world_r = skeleton.globals(positions[some], rotations[some])
    tipped = np.flatnonzero(np.isfinite(skeleton.tips).all(axis=1))
    turned = rotation.rotate(world_r[:, tipped], skeleton.tips[tipped])
    return Sight(world_p, world_p[:, tipped] + turned)


def guess_up(skeleton: Skeleton, seen: Sight) -> tuple[str, list[str]]:
    """The world's vertical axis, one of AXES, and what is to be said of it."""
    world, ends = seen.world, seen.ends
    every = np.concatenate([world, ends], axis=1)
    top, bottom = _ends(skeleton)
    rest = skeleton.rest_globals[0]
    score = dict(_PRIOR)
    travel = np.ptp(world[:, 0], axis=0)
    upright: Array = np.zeros(3)
    at_rest: Array = np.zeros(3)
    size = float(np.median(np.ptp(every, axis=1).max(axis=-1)))
    if size <= 0.0:
        return "Y", ["The skeleton has no size that would tell its vertical axis; Y is taken."]
    if top:
        stand = world[:, top].mean(axis=1) - world[:, bottom].mean(axis=1)
        size = max(float(np.median(np.linalg.norm(stand, axis=-1))), 1e-9)
        upright = np.median(rotation.normalize(stand), axis=0)
        if stands(skeleton, rest):
            at_rest = rotation.normalize(rest[top].mean(axis=0) - rest[bottom].mean(axis=0))
    feet = bool(top) and bottom != [roles(skeleton).get("hips")]
    for axis in AXES:
        along = _direction(axis)
        height = every @ along
        if feet or not top:
            low = float(np.percentile(height.min(axis=1), 10)) / size
            score[axis] += _GROUND * float(np.exp(-((low / (0.06 if low < 0.0 else 0.15)) ** 2)))
        if travel.max() > 0.5 * size:
            score[axis] += _FLAT * (1.0 - float(np.abs(travel @ along)) / travel.max())
        if top:
            # Without feet the head alone speaks, and it nods.
            score[axis] += (1.0 if feet else 0.7) * float(upright @ along)
            # A rest pose of another axis than the motion's is no word against that.
            score[axis] += _REST * max(float(at_rest @ along), 0.0)
        else:  # legs of any beast or table: several bone ends on the ground
            low_end = height.min(axis=1, keepdims=True)
            standing = ((ends @ along) - low_end < 0.05 * size).mean(axis=0) > 0.5
            score[axis] += float(standing.sum() >= 2) * float(standing.mean())
    order = sorted(AXES, key=lambda a: -score[a])
    best, second = order[:2]
    return best, _about_up(best, second, score, upright, at_rest, bool(top))


def _axis_of(vector: Array) -> str:
    """The axis that a direction follows, "" where it follows none."""
    near = [axis for axis in AXES if float(vector @ _direction(axis)) > 0.85]
    return near[0] if near else ""


def _about_up(
    best: str, second: str, score: dict[str, float], upright: Array, at_rest: Array, body: bool
) -> list[str]:
    motion, rest = _axis_of(upright), _axis_of(at_rest)
    says = "; --up overrules it"
    if not body:
        if score[best] - score[second] < SURE:
            return [f"Nothing tells which way is up; {best} is taken (or is it {second}?){says}."]
        return [] if best == "Y" else [f"{best} is taken for up: there it stands on the ground."]
    if motion and rest and motion != rest:
        if motion == best:
            return [
                f"The rest pose stands along {rest}, the motion along {motion}: {best} is taken "
                f"for up{says}."
            ]
        return [f"The body lies along {motion} in a world whose up is taken for {best}{says}."]
    if score[best] - score[second] < SURE:
        return [f"{best} is taken for up, and it might be {second}{says}."]
    if best != "Y":
        return [f"{best} is taken for up: along it the head is above the feet."]
    return []


@dataclass(frozen=True)
class _Measure:
    what: str
    units: float
    human_m: float


def _measure(skeleton: Skeleton, height: float) -> _Measure:
    """The most telling length of a skeleton in file units, and how long a human's is."""
    role = roles(skeleton)
    world = skeleton.rest_globals[0]

    def chain(*names: str) -> float:
        joints = [role[name] for name in names if name in role]
        if len(joints) < len(names):
            return 0.0
        return float(np.linalg.norm(np.diff(world[joints], axis=0), axis=1).sum())

    for what, human_m, parts in (
        ("leg", LEG_M, ("upper_leg", "lower_leg", "foot")),
        ("arm", ARM_M, ("upper_arm", "lower_arm", "hand")),
    ):
        lengths = [chain(*(f"{side}_{p}" for p in parts)) for side in ("left", "right")]
        if any(lengths):
            return _Measure(what, max(lengths), human_m)
    said = read_names(skeleton.names)
    fingers = [j for j, one in enumerate(said) if "finger" in one.words]
    if len(fingers) > 0.5 * len(skeleton):
        bone = np.linalg.norm(skeleton.rest_positions, axis=1)
        reach = np.zeros(len(skeleton))
        for j in range(1, len(skeleton)):
            parent = int(skeleton.parents[j])
            hangs = bool(said[parent].words & {"finger", "hand", "wrist"})
            reach[j] = bone[j] + reach[parent] if hangs else 0.0
        return _Measure("hand", float(reach.max()), HAND_M)
    spine = chain("hips", "neck") or chain("hips", "head")
    if spine:
        return _Measure("spine", spine, SPINE_M)
    return _Measure("height", height, 0.0)


def _cost(size_m: float, human_m: float, rare: float) -> float:
    """How unlikely a size in metres is. Children are small; nobody has a leg of 1.2 m."""
    least, most = (human_m, human_m) if human_m else THING_M
    above, below = np.log(size_m / most), np.log(size_m / least)
    if above > 0.0:
        return float((above / 0.12) ** 2) + rare
    return (float((below / 0.45) ** 2) if below < 0.0 else 0.0) + rare


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _also_human(measure: _Measure, name: str) -> list[str]:
    """The other units that make it a toddler's or a giant's: no length tells them apart."""
    if not measure.human_m:
        return []
    least, most = (share * measure.human_m for share in HUMAN)
    return [
        other
        for other, (metres, _) in UNITS.items()
        if other != name and least <= measure.units * metres <= most
    ]


def guess_unit(skeleton: Skeleton, height: float, top: float = 0.0) -> tuple[float, str]:
    """Metres for one unit of a skeleton in file units, and the sentence that says why.

    Told by the legs, else by arms, hand or spine, which no pose changes; of what has none of them
    by height, the extent along the vertical axis in file units. Where a head is that has no legs,
    top over the origin, tells more.
    """
    measure = _measure(skeleton, height)
    head = "head" in roles(skeleton) and measure.what != "leg" and np.isfinite(top)
    if head and top > 0.0 and measure.units < TINY * top:
        measure = _Measure("head's height over the ground", top, HEAD_M)
    if measure.units <= 0.0 or not np.isfinite(measure.units):
        return 1.0, "The skeleton has no size to tell its unit by; 1 unit is taken for 1 m."
    cost = {
        name: _cost(measure.units * metres, measure.human_m, rare)
        for name, (metres, rare) in UNITS.items()
    }
    if head:
        for name, (metres, _) in UNITS.items():
            above = np.log(max(top * metres / HEAD_M, 1.0))
            cost[name] += min((above / 0.2) ** 2, MOST_DOUBT)
    name, second = sorted(cost, key=lambda n: cost[n])[:2]
    unit = UNITS[name][0]
    size_m = measure.units * unit
    text = (
        f"1 unit is taken for {_a(name)} ({unit:g} m), by its {measure.what} of "
        f"{measure.units:.4g} units = {size_m:.2f} m"
    )
    if cost[name] - UNITS[name][1] > 6.0:
        return unit, f"{text}, which is an odd size; --unit overrules it."
    others = _also_human(measure, name)
    if not others and cost[second] - cost[name] < 1.8:
        others = [second]
    if others:
        text += "".join(
            f"; as {_a(other)} it would be {measure.units * UNITS[other][0]:.2f} m "
            f"(--unit {UNITS[other][0]:g})"
            for other in others
        )
    elif size_m < SMALL * measure.human_m:
        adult = measure.human_m / measure.units
        text += f", a small person's; for an adult give --unit {adult:.3g}"
    return unit, text + "."


def root_scale(skeleton: Skeleton, seen: Sight, up: str) -> float:
    """By what the root's positions are to be multiplied to be in the unit of the OFFSETs.

    Some exporters write centimetres in one and metres in the other: then the hips stand a hundred
    times as high as the legs are long.
    """
    role = roles(skeleton)
    feet = [role[f"{side}_foot"] for side in ("left", "right") if f"{side}_foot" in role]
    hips = role.get("hips")
    if hips is None or not feet:
        return 1.0
    world, along = seen.world, _direction(up)
    legs = float(np.median((world[:, hips] - world[:, feet].mean(axis=1)) @ along))
    above = float(np.median(world[:, 0] @ along))
    if legs <= 0.0 or above <= 0.0:
        return 1.0
    ratio = above / legs
    near = min(_ROOT_RATIOS, key=lambda r: abs(np.log(r / ratio)))
    spread = float(np.ptp(world[:, 0] @ along)) / above
    return 1.0 / near if abs(np.log(near / ratio)) < 0.15 and spread < 0.5 else 1.0


def far_origin(root: Array, low_m: float) -> Array:
    """(3,) what a clip's root positions (T, 3) lose where they lie far from the world's origin.

    Single precision on the wire and in a viewport has a millimetre at 8 km and half a metre at
    4,000 km, and a stage is no map.
    """
    start = root[0]
    across = np.array([start[0], 0.0, start[2]])
    origin = across if np.linalg.norm(across) > FAR_M else np.zeros(3)
    if abs(low_m) > FAR_M:
        origin = origin + np.array([0.0, low_m, 0.0])
    return np.round(origin)


def lift_m(skeleton: Skeleton, positions: Array, rotations: Array) -> float:
    """How far a clip (T, J, ...) in metres is to be lifted to stand on the ground, 0 near it.

    Some rigs count heights from the hips' rest. Near the ground nothing is touched: a stage may
    have steps, and a jump is no error.
    """
    some = slice(None, None, max(1, len(rotations) // 200))
    heights = skeleton.globals(positions[some], rotations[some])[0][..., 1]
    lowest = float(np.percentile(heights.min(axis=-1), 5))
    measure = _measure(skeleton, float(np.median(np.ptp(heights, axis=-1))))
    tall = 2.1 * measure.units if measure.what == "leg" else float(np.ptp(heights, axis=-1).max())
    return 0.0 if abs(lowest) < 0.15 * tall else 0.012 * tall - lowest
