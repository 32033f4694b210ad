"""VMC's bones on rigs: any bone axes, other proportions, other rests."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge.protocols import vmc
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .words import PARENTS, miss, packed, random_turns, rows, text, worlds

pytestmark = pytest.mark.clients

TENTH_MM, TWENTIETH_DEG = 1e-4, np.radians(0.05)
# A T-pose of somebody of 1.7 m, metres.
T_POSE = {
    "Hips": (0, 0.95, 0),
    "Spine": (0, 1.05, 0),
    "Chest": (0, 1.18, 0),
    "UpperChest": (0, 1.3, 0),
    "Neck": (0, 1.45, 0),
    "Head": (0, 1.53, 0.02),
    "Jaw": (0, 1.53, 0.05),
}
for sign, side in ((1, "Left"), (-1, "Right")):
    T_POSE |= {
        f"{side}Eye": (0.03 * sign, 1.6, 0.08),
        f"{side}UpperLeg": (0.09 * sign, 0.9, 0),
        f"{side}LowerLeg": (0.09 * sign, 0.5, 0),
        f"{side}Foot": (0.09 * sign, 0.08, 0),
        f"{side}Toes": (0.09 * sign, 0.01, 0.13),
        f"{side}Shoulder": (0.03 * sign, 1.4, 0),
        f"{side}UpperArm": (0.16 * sign, 1.4, 0),
        f"{side}LowerArm": (0.43 * sign, 1.4, 0),
        f"{side}Hand": (0.68 * sign, 1.4, 0),
    }
    for k, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Little")):
        for n, part in enumerate(("Proximal", "Intermediate", "Distal")):
            T_POSE[f"{side}{finger}{part}"] = ((0.75 + 0.03 * n) * sign, 1.4, 0.05 - 0.02 * k)
NAMES = ["Hips", *PARENTS]
ABOVE = [-1, *(NAMES.index(PARENTS[name]) for name in NAMES[1:])]
REST = np.array([T_POSE[name] for name in NAMES], float)
STILL = np.tile([0.0, 0.0, 0.0, 1.0], (len(NAMES), 1))


def performed(turns: Array, hips: Array, scale: float = 1.0) -> vmc.Performance:
    """A frame of the T-pose's body, `scale` times as large."""
    offsets = scale * np.array([REST[j] - REST[a] if a >= 0 else hips for j, a in enumerate(ABOVE)])
    offsets[0] = hips
    return vmc.Performance(tuple(NAMES), offsets, turns, time_s=1.0)


def shown(godot, p: vmc.Performance, **options: object) -> list[list]:
    godot.ask("receiver", options, False)
    godot.give(packed(p))
    seen = godot.ask("step", 0.01)
    while seen["frames"] == 0:
        seen = godot.ask("step", 0.01)
    return godot.ask("pose")


def places(turns: Array, hips: Array) -> tuple[Array, Array]:
    """Where the joints of the T-pose's own body are: world positions and rotations."""
    added = worlds(NAMES, turns)
    at = np.empty_like(REST)
    at[0] = hips
    for j, a in enumerate(ABOVE[1:], start=1):
        at[j] = at[a] + rotation.rotate(added[NAMES[a]], REST[j] - REST[a])
    return at, np.array([added[name] for name in NAMES])


@pytest.mark.parametrize("seed", range(4))
def test_the_same_body_with_any_bone_axes(godot, seed):
    own = STILL if seed == 0 else random_turns(len(NAMES), 10 + seed)
    godot.ask("rig", rows(NAMES, ABOVE, REST, own))
    turns, hips = random_turns(len(NAMES), seed), np.array([0.3, 0.8, -1.2])
    at, turned = places(turns, hips)
    miss_m, miss_rad = miss(
        shown(godot, performed(turns, hips)), at, rotation.multiply(turned, own)
    )
    assert miss_m.max() < TENTH_MM, NAMES[int(miss_m.argmax())]
    assert miss_rad.max() < TWENTIETH_DEG, NAMES[int(miss_rad.argmax())]


def test_godots_own_profile_with_a_root_above_the_hips(godot):
    """The mannequin of the demo: reference poses, whose bones point where they like."""
    godot.ask("mannequin")
    godot.ask("receiver", {}, False)
    found = godot.ask("bones")
    profile = [name for name, _ in godot.ask("profile")]
    rest = dict(zip(profile, godot.ask("pose"), strict=True))
    # a performer whose T-pose is the mannequin's
    at = {bone: np.array(rest[name][0]) for bone, name in found.items()}
    offsets = np.array([at[n] - at[PARENTS[n]] if n in PARENTS else at[n] for n in NAMES])
    turns = random_turns(len(NAMES), 5)
    p = vmc.Performance(tuple(NAMES), offsets, turns, time_s=1.0)
    got = dict(zip(profile, shown(godot, p), strict=True))
    added = worlds(NAMES, turns)
    wanted = [rotation.multiply(added[n], np.array(rest[found[n]][1])) for n in NAMES]
    _, miss_rad = miss([got[found[n]] for n in NAMES], np.zeros(3), np.array(wanted))
    assert miss_rad.max() < TWENTIETH_DEG, NAMES[int(miss_rad.argmax())]
    assert np.allclose(got["Hips"][0], offsets[0], atol=TENTH_MM)


def test_longer_legs_travel_farther_and_a_fixed_scale_is_kept(godot):
    godot.ask("rig", rows(NAMES, ABOVE, 2.0 * REST, STILL))
    p = performed(STILL, np.array([1.0, 0.95, 2.0]))
    assert np.allclose(shown(godot, p)[0][0], [2.0, 1.9, 4.0], atol=1e-4)
    assert np.allclose(shown(godot, p, hips_scale=1.0)[0][0], [1.0, 0.95, 2.0], atol=1e-4)


def test_an_a_pose_is_brought_to_the_performers_t_pose(godot):
    """Arms that hang by 45 degrees at rest are level where the performer's are."""
    hung = REST.copy()
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        turn = rotation.from_rotation_vector(np.array([0.0, 0.0, sign * np.pi / 4]))
        pivot = REST[NAMES.index(f"{side}UpperArm")]
        for j, name in enumerate(NAMES):
            arm = ("LowerArm", "Hand", "Thumb", "Index", "Middle", "Ring", "Little")
            if name.startswith(side) and any(part in name for part in arm):
                hung[j] = pivot + rotation.rotate(turn, REST[j] - pivot)
    godot.ask("rig", rows(NAMES, ABOVE, hung, STILL))
    got = shown(godot, performed(STILL, REST[0]))
    assert np.abs(np.array([one[0] for one in got]) - REST).max() < TENTH_MM


def test_bones_that_a_rig_or_a_sender_lacks_are_bridged(godot):
    lacking = {"UpperChest", "Chest", "LeftShoulder"}
    kept = [j for j, name in enumerate(NAMES) if name not in lacking]

    def nearest(j: int) -> int:
        above = ABOVE[j]
        while above >= 0 and NAMES[above] in lacking:
            above = ABOVE[above]
        return kept.index(above) if above >= 0 else -1

    names = [NAMES[j] for j in kept]
    godot.ask("rig", rows(names, [nearest(j) for j in kept], REST[kept], STILL[kept]))
    turns = random_turns(len(NAMES), 7)
    _, turned = places(turns, REST[0])
    _, miss_rad = miss(shown(godot, performed(turns, REST[0])), np.zeros(3), turned[kept])
    assert miss_rad.max() < TWENTIETH_DEG
    # and the other way round: the sender has no such bones, the rig keeps its rest there
    godot.ask("rig", rows(NAMES, ABOVE, REST, STILL))
    p = performed(turns, REST[0])
    few = vmc.Performance(tuple(names), p.positions[kept], turns[kept], time_s=1.0)
    added = worlds(names, turns[kept])
    got = shown(godot, few)
    _, miss_rad = miss([got[j] for j in kept], np.zeros(3), np.array([added[n] for n in names]))
    assert miss_rad.max() < TWENTIETH_DEG


def test_bones_by_the_users_names(godot):
    odd = [f"bone {j}" for j in range(len(NAMES))]
    godot.ask("rig", rows(odd, ABOVE, REST, STILL))
    turns, hips = random_turns(len(NAMES), 9), np.array([0.3, 0.8, -1.2])
    at, turned = places(turns, hips)
    chosen = dict(zip(NAMES, odd, strict=True))
    miss_m, miss_rad = miss(shown(godot, performed(turns, hips), bone_names=chosen), at, turned)
    assert miss_m.max() < TENTH_MM and miss_rad.max() < TWENTIETH_DEG


def test_a_root_that_is_sent_carries_the_body(godot):
    godot.ask("rig", rows(NAMES, ABOVE, REST, STILL))
    godot.ask("receiver", {}, False)
    p = performed(STILL, REST[0])
    p.root = (np.array([2.0, 0.0, 1.0]), rotation.from_yaw(np.pi / 2))
    godot.give(packed(p, "standard"))
    while godot.ask("step", 0.01)["frames"] == 0:
        pass
    at = p.root[0] + rotation.rotate(np.tile(p.root[1], (len(NAMES), 1)), REST)
    miss_m, _ = miss(godot.ask("pose"), at, STILL)
    assert miss_m.max() < TENTH_MM


def test_what_a_frame_costs(godot, capsys):
    godot.ask("mannequin")
    read_us, pose_us, blend_us = godot.ask("cost", text(packed(performed(STILL, REST[0]))), 300)
    with capsys.disabled():
        print(f"\n55 bones in Godot's web build: read {read_us} us, pose {pose_us} us, ", end="")
        print(f"blend {blend_us} us")
    assert read_us > 0
