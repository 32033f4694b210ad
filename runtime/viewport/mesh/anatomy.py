"""The mannequin's design: shapes over a humanoid's joints.

Everything is placed from joints in a bind pose that faces +Z with the arms half way down, so a body
of any proportions gets limbs of its own lengths and a girth that goes with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import t_pose

from .field import Ellipsoid, Group, Limb, Shape

# Between T-pose and arms at the side: linear blend skinning then bends a shoulder by at most half.
ARMS_DOWN_RAD = np.radians(48.0)
# Hip joint to ankle, hip line to shoulders: what the girths below were drawn for (1.76 m tall).
DRAWN_LEG_M, DRAWN_SPINE_M = 0.84, 0.54
SIDES = (("left", 1.0), ("right", -1.0))


def bind_pose(skeleton: Skeleton) -> tuple[Array, Array]:
    """World positions (J, 3) and rotations (J, 4): T-pose with the arms turned down, soles at 0."""
    world_p, world_r = (a.copy() for a in t_pose(skeleton))
    role = roles(skeleton)
    for side, sign in SIDES:
        arm = role.get(f"{side}_upper_arm")
        if arm is None:
            continue
        turn = rotation.from_axis_angle((0.0, 0.0, 1.0), -sign * ARMS_DOWN_RAD)
        below = np.zeros(len(skeleton), bool)
        below[arm] = True
        for j in range(arm + 1, len(skeleton)):
            below[j] = below[skeleton.parents[j]]
        world_p[below] = world_p[arm] + rotation.rotate(turn, world_p[below] - world_p[arm])
        world_r[below] = rotation.multiply(turn, world_r[below])
    world_p -= [world_p[role["hips"], 0], 0.0, world_p[role["hips"], 2]]
    return world_p, world_r


@dataclass(frozen=True)
class Landmarks:
    """Points (3,) of a body in its bind pose, and `s`, its size as a fraction of the drawn one."""

    at: dict[str, Array]
    s: float
    sole_m: float

    def __getitem__(self, name: str) -> Array:
        return self.at[name]

    def spine(self, t: float, x: float = 0.0, z: float = 0.0) -> Array:
        """The point at fraction t from hip line (0) to neck (1), moved by x and z drawn metres."""
        p = self.at["hip_line"] + t * (self.at["neck"] - self.at["hip_line"])
        return p + np.array([x, 0.0, z]) * self.s


def landmarks(skeleton: Skeleton, world_p: Array) -> Landmarks:
    """Body points from a humanoid's bind pose; what a rig lacks is put where it would be."""
    role = roles(skeleton)
    need = [f"{side}_{part}" for side, _ in SIDES for part in ("upper_leg", "lower_leg", "foot")]
    need += [f"{side}_{part}" for side, _ in SIDES for part in ("upper_arm", "lower_arm", "hand")]
    top = top_joint(role)
    missing = [name for name in ["hips", *need] if name not in role]
    missing += ["head, neck or chest"] if top is None else []
    if missing:
        raise UnderstudyError(
            f"The skeleton of {len(skeleton)} joints has no {missing[0]}: no mannequin fits it."
        )
    at = {name: world_p[j] for name, j in role.items()}
    assert top is not None
    at.setdefault("head", world_p[top])  # held where anatomy has it, below
    at["hip_line"] = 0.5 * (at["left_upper_leg"] + at["right_upper_leg"])
    shoulders = 0.5 * (at["left_upper_arm"] + at["right_upper_arm"])
    leg = at["left_upper_leg"][1] - at["left_foot"][1]
    spine = shoulders[1] - at["hip_line"][1]
    s = float(0.5 * leg / DRAWN_LEG_M + 0.5 * spine / DRAWN_SPINE_M)
    # Rigs disagree on where "neck" and "head" lie, so both are held near where anatomy has them.
    neck = at.get("neck", 0.35 * at["head"] + 0.65 * shoulders).copy()
    neck[1] = np.clip(neck[1], shoulders[1] + 0.03 * s, shoulders[1] + 0.07 * s)
    at["neck"] = neck
    head = at["head"].copy()
    head[1] = np.clip(head[1], shoulders[1] + 0.115 * s, shoulders[1] + 0.19 * s)
    at["skull"] = head
    tip = world_p[top][1] + skeleton_tip(skeleton, top, 0.19 * s)
    at["crown"] = head.copy()
    at["crown"][1] += np.clip(tip - head[1], 0.175 * s, 0.215 * s)
    toe_heights = []
    for side, _ in SIDES:
        foot = at[f"{side}_foot"]
        toes = at.setdefault(f"{side}_toes", foot + np.array([0.0, -0.06, 0.125]) * s)
        ahead = normalize((toes - foot) * [1.0, 0.0, 1.0] + np.array([0.0, 0.0, 1e-4]))
        at[f"{side}_ahead"] = ahead
        at[f"{side}_tip"] = toes + ahead * 0.075 * s
        toe_heights.append(min(toes[1], foot[1] - 0.05 * s))
        arm = normalize(at[f"{side}_hand"] - at[f"{side}_lower_arm"])
        at[f"{side}_along"] = arm
        at[f"{side}_fingers"] = at[f"{side}_hand"] + arm * 0.18 * s
    return Landmarks(at, s, float(np.mean(toe_heights)) - 0.015 * s)


def top_joint(role: dict[str, int]) -> int | None:
    """The joint that carries the skull: the head, or what a rig without one has highest."""
    names = ("head", "neck", "upper_chest", "chest")
    return next((role[name] for name in names if name in role), None)


def skeleton_tip(skeleton: Skeleton, joint: int, default_m: float) -> float:
    """Length of a leaf's bone, or of the longest child's, in metres."""
    tip = skeleton.tips[joint]
    if np.all(np.isfinite(tip)):
        return float(np.linalg.norm(tip))
    children = skeleton.children(joint)
    if len(children) == 1:
        return float(np.linalg.norm(skeleton.rest_positions[children[0]]))
    return default_m


def groups(mark: Landmarks) -> list[Group]:
    """The body as groups of shapes: torso, left arm, right arm, left leg, right leg."""
    s = mark.s
    parts = [Group("torso", tuple(_torso(mark)), blend_m=0.03 * s)]
    for side, sign in SIDES:
        parts.append(Group(f"{side}_arm", tuple(_arm(mark, side, sign)), 0, 0.032 * s))
    for side, sign in SIDES:
        leg = tuple(_leg(mark, side, sign))
        parts.append(Group(f"{side}_leg", leg, 0, 0.022 * s, floor_m=mark.sole_m))
    return parts


def _torso(mark: Landmarks) -> list[Shape]:
    s, spine = mark.s, mark.spine
    hip = abs(mark["left_upper_leg"][0] - mark["right_upper_leg"][0]) / 2
    shoulder = abs(mark["left_upper_arm"][0] - mark["right_upper_arm"][0]) / 2
    girth = float(np.clip(hip, 0.075 * s, 0.12 * s))
    chest = float(np.clip(shoulder, 0.14 * s, 0.22 * s))
    length = float(np.linalg.norm(mark["neck"] - mark["hip_line"]))
    k = 0.05 * s
    shapes: list[Shape] = [
        Ellipsoid(spine(0.09, z=-0.004), (1.36 * girth, 0.1 * s, 0.094 * s), blend_m=k),
        Limb(
            spine(0.14, z=0.004),
            spine(0.5, z=0.0),
            (0.122 * s, 0.124 * s, 0.132 * s),
            0.74,
            blend_m=k,
        ),
        Ellipsoid(spine(0.66, z=-0.004), (0.80 * chest, 0.31 * length, 0.1 * s), blend_m=k),
        Limb(
            mark["neck"] + np.array([0.0, -0.06, -0.004]) * s,
            mark["skull"] + np.array([0.0, 0.035, 0.0]) * s,
            (0.064 * s, 0.053 * s, 0.054 * s),
            blend_m=0.03 * s,
        ),
    ]
    for sign in (1.0, -1.0):
        tilt = rotation.to_matrix(rotation.from_axis_angle((0.0, 0.0, 1.0), -0.25 * sign))
        shapes += [
            Ellipsoid(
                spine(0.0, sign * 0.66 * girth / s, -0.044),
                (0.072 * s, 0.082 * s, 0.066 * s),
                blend_m=0.03 * s,
            ),
            Ellipsoid(
                spine(0.79, sign * 0.38 * chest / s, 0.048),
                (0.09 * s, 0.064 * s, 0.028 * s),
                tilt.T,
                blend_m=0.055 * s,
            ),
            Ellipsoid(
                spine(0.72, sign * 0.5 * chest / s, -0.05),
                (0.07 * s, 0.115 * s, 0.054 * s),
                blend_m=0.04 * s,
            ),
        ]
    return shapes + _head(mark)


def _head(mark: Landmarks) -> list[Shape]:
    s, crown = mark.s, mark["crown"]
    up = crown[1] - mark["skull"][1]
    x, z = mark["skull"][0], mark["skull"][2]

    def at(dx: float, dy: float, dz: float) -> Array:
        return np.array([x + dx * s, crown[1] + dy * up, z + dz * s])

    k = 0.034 * s
    shapes: list[Shape] = [
        Ellipsoid(at(0, -0.54, -0.004), (0.081 * s, 0.54 * up, 0.102 * s), blend_m=0.02 * s),
        # forehead to chin: the plane of the face
        Limb(
            at(0, -0.55, 0.032),
            at(0, -1.12, 0.05),
            (0.07 * s, 0.059 * s, 0.041 * s),
            0.9,
            blend_m=k,
        ),
    ]
    for sign in (1.0, -1.0):
        shapes += [
            Limb(
                at(sign * 0.05, -0.84, 0.004),
                at(sign * 0.014, -1.15, 0.058),
                (0.03 * s, 0.027 * s, 0.024 * s),
                blend_m=k,
            ),
            Ellipsoid(
                at(sign * 0.079, -0.62, -0.006),
                (0.011 * s, 0.031 * s, 0.031 * s),
                blend_m=0.006 * s,
            ),
        ]
    return shapes


def _arm(mark: Landmarks, side: str, sign: float) -> list[Shape]:
    s = mark.s
    top, elbow, wrist = (mark[f"{side}_{n}"] for n in ("upper_arm", "lower_arm", "hand"))
    fingers, along = mark[f"{side}_fingers"], mark[f"{side}_along"]
    upper = normalize(elbow - top)
    thumb = np.array([0.0, 0.0, 1.0])
    back = np.cross(thumb, along) * sign  # out of the back of the hand
    neck = mark["neck"]

    def hand(a: float, t: float, b: float) -> Array:
        return wrist + (along * a + thumb * t + back * b) * s

    return [
        # collar bone and the slope of the neck
        Limb(
            neck + np.array([sign * 0.02, -0.055, -0.012]) * s,
            top + np.array([-sign * 0.03, 0.004, -0.004]) * s,
            (0.05 * s, 0.049 * s, 0.05 * s),
            blend_m=0.03 * s,
        ),
        Limb(
            neck + np.array([sign * 0.012, 0.035, -0.022]) * s,
            top + np.array([-sign * 0.055, 0.028, -0.014]) * s,
            (0.034 * s, 0.04 * s, 0.026 * s),
            blend_m=0.045 * s,
        ),
        Ellipsoid(
            top + upper * 0.02 * s + np.array([-sign * 0.002, -0.002, 0.0]) * s,
            (0.054 * s, 0.058 * s, 0.055 * s),
            blend_m=0.03 * s,
        ),
        Limb(top, elbow, (0.05 * s, 0.047 * s, 0.037 * s), blend_m=0.03 * s),
        Limb(
            top + (elbow - top) * 0.3 + thumb * 0.016 * s,
            top + (elbow - top) * 0.72 + thumb * 0.012 * s,
            (0.034 * s, 0.041 * s, 0.03 * s),
            blend_m=0.02 * s,
        ),
        Ellipsoid(elbow, (0.037 * s,) * 3, blend_m=0.02 * s),
        Limb(elbow, wrist, (0.038 * s, 0.042 * s, 0.0255 * s), 0.92, back, 0.02 * s),
        # a mitten: palm, two finger segments a little curled, thumb
        Limb(
            hand(0.004, 0.0, 0), hand(0.088, 0.002, 0), (0.03 * s, 0.04 * s, 0.041 * s), 0.44, back
        ),
        Limb(
            hand(0.082, 0.002, 0),
            hand(0.132, 0.001, -0.015),
            (0.041 * s, 0.04 * s, 0.036 * s),
            0.4,
            back,
            0.012 * s,
        ),
        Limb(
            hand(0.130, 0.001, -0.014),
            wrist + (fingers - wrist) * 0.86 + back * -0.042 * s,
            (0.036 * s, 0.034 * s, 0.029 * s),
            0.48,
            back,
            0.012 * s,
        ),
        Limb(
            hand(0.024, 0.02, -0.004),
            hand(0.07, 0.056, -0.014),
            (0.02 * s, 0.0185 * s, 0.0155 * s),
            blend_m=0.014 * s,
        ),
        Limb(
            hand(0.07, 0.056, -0.014),
            hand(0.108, 0.06, -0.022),
            (0.0155 * s, 0.0145 * s, 0.012 * s),
            blend_m=0.01 * s,
        ),
    ]


def _leg(mark: Landmarks, side: str, sign: float) -> list[Shape]:
    s, sole = mark.s, mark.sole_m
    hip, knee, ankle = (mark[f"{side}_{n}"] for n in ("upper_leg", "lower_leg", "foot"))
    ball, tip, ahead = (mark[f"{side}_{n}"] for n in ("toes", "tip", "ahead"))
    across = np.array([ahead[2], 0.0, -ahead[0]])
    up = (0.0, 1.0, 0.0)

    def ground(p: Array, height_m: float, forward_m: float = 0.0, out_m: float = 0.0) -> Array:
        q = p + ahead * forward_m * s + across * out_m * sign * s
        return np.array([q[0], sole + height_m * s, q[2]])

    return [
        Limb(
            hip + np.array([-sign * 0.004, 0.0, 0.0]) * s,
            knee,
            (0.08 * s, 0.076 * s, 0.052 * s),
            blend_m=0.03 * s,
        ),
        Limb(
            hip + (knee - hip) * 0.2 + np.array([sign * 0.002, 0.0, 0.024]) * s,
            hip + (knee - hip) * 0.8 + np.array([0.0, 0.0, 0.016]) * s,
            (0.055 * s, 0.062 * s, 0.042 * s),
            blend_m=0.03 * s,
        ),
        Ellipsoid(
            knee + np.array([0.0, 0.0, 0.014]) * s,
            (0.04 * s, 0.05 * s, 0.042 * s),
            blend_m=0.02 * s,
        ),
        Limb(knee, ankle, (0.05 * s, 0.049 * s, 0.035 * s), blend_m=0.02 * s),
        Limb(
            knee + (ankle - knee) * 0.1 + np.array([0.0, 0.0, -0.016]) * s,
            knee + (ankle - knee) * 0.58 + np.array([0.0, 0.0, -0.01]) * s,
            (0.042 * s, 0.056 * s, 0.032 * s),
            blend_m=0.03 * s,
        ),
        Ellipsoid(ankle, (0.034 * s, 0.036 * s, 0.036 * s), blend_m=0.02 * s),
        Ellipsoid(
            ground(ankle, 0.034, -0.034), (0.034 * s, 0.04 * s, 0.038 * s), blend_m=0.025 * s
        ),
        Limb(
            ankle + ahead * 0.015 * s - np.array([0.0, 0.012, 0.0]) * s,
            ground(ball, 0.03, -0.012),
            (0.036 * s, 0.035 * s, 0.03 * s),
            blend_m=0.03 * s,
        ),
        Limb(
            ground(ankle, 0.014, -0.03),
            ground(ball, 0.012, 0.0, 0.004),
            (0.036 * s, 0.038 * s, 0.046 * s),
            0.62,
            up,
            0.02 * s,
        ),
        Limb(
            ground(ball, 0.013, 0.0, 0.004),
            ground(tip, 0.013, -0.036, -0.003),
            (0.046 * s, 0.048 * s, 0.039 * s),
            0.6,
            up,
            0.02 * s,
        ),
    ]
