"""A rest pose for rigs whose zero pose does not stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.rest import stands
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, has_tpose_first_frame, without_tpose


def bone_aligned(clip: Clip) -> Clip:
    """The same motion on the same body, its joints' axes turned so that every bone lies along +Y.

    That is what Character Creator writes: with all angles zero, the feet are above the head.
    """
    skeleton = clip.skeleton
    axes = rotation.identity(len(skeleton))
    for j in range(len(skeleton)):
        children = skeleton.children(j)
        if children and j:
            bone = skeleton.rest_positions[children[0]]
            axes[j] = rotation.between(np.array([0.0, 1.0, 0.0]), bone)
    parents = np.maximum(skeleton.parents, 0)
    above = axes[parents]
    above[0] = rotation.identity()
    rest = rotation.rotate(rotation.conjugate(above), skeleton.rest_positions)
    local = rotation.multiply(rotation.multiply(rotation.conjugate(above), clip.rotations), axes)
    positions = np.repeat(rest[None], len(clip), axis=0)
    positions[:, 0] = clip.positions[:, 0]
    bare = Skeleton(skeleton.names, skeleton.parents, rest)
    return replace(clip, skeleton=bare, positions=positions, rotations=local, channels=(), raw=None)


def walk(frames: int = 240) -> Clip:
    """A plain gait of the performer: enough bending to tell hinges by, standing on flat feet."""
    phase = np.linspace(0.0, 8.0 * np.pi, frames)
    rotations = rotation.identity((frames, len(PERFORMER)))
    role = roles(PERFORMER)

    def turn(name: str, axis: list[float], angle_rad: np.ndarray) -> None:
        rotations[:, role[name]] = rotation.multiply(
            rotation.from_axis_angle(axis, angle_rad), rotations[:, role[name]]
        )

    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = np.sin(phase) * sign
        lift = np.maximum(0.0, np.cos(phase) * sign)
        turn(f"{side}_upper_leg", [1.0, 0.0, 0.0], -0.4 * swing - 0.4 * lift)
        turn(f"{side}_lower_leg", [1.0, 0.0, 0.0], 0.2 + 0.9 * lift)
        turn(f"{side}_foot", [1.0, 0.0, 0.0], 0.4 * swing - 0.2 - 0.5 * lift)
        # An elbow bends forward and thirty degrees up, seen in a T-pose.
        hinge = np.array([0.0, -np.cos(np.pi / 6), np.sin(np.pi / 6)]) * sign
        turn(f"{side}_lower_arm", list(hinge), 0.6 + 0.2 * swing)
        turn(f"{side}_upper_arm", [0.0, 0.0, 1.0], np.full(frames, -1.35 * sign))
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    positions[:, 0, 2] += np.linspace(0.0, 4.0, frames)
    return Clip(PERFORMER, positions, rotations, 1 / 60, "walk")


def test_a_rig_that_is_upside_down_at_zero_is_retargeted_like_any_other(tmp_path):
    clip = walk()
    strange = bone_aligned(clip)
    assert not stands(strange.skeleton, strange.skeleton.rest_globals[0])
    bvh.write(tmp_path / "strange.bvh", strange)
    read = bvh.read(tmp_path / "strange.bvh")
    assert stands(read.skeleton, read.skeleton.rest_globals[0])
    assert any("average bearing" in note for note in read.notes)
    _, turned = Retarget(read.skeleton, PERFORMER).apply(read.positions, read.rotations)
    world = PERFORMER.globals(np.zeros(3), turned)[1]
    wanted = PERFORMER.globals(np.zeros(3), clip.rotations)[1]
    off_deg = np.rad2deg(rotation.angle_between(world, wanted)).mean(axis=0)
    role = roles(PERFORMER)
    limbs = [j for name, j in role.items() if name.endswith(("_leg", "_arm"))]
    assert off_deg[limbs].max() < 3.0
    assert off_deg.max() < 12.0


def test_a_t_pose_frame_is_the_best_rest(tmp_path):
    clip = walk()
    rotations = clip.rotations.copy()
    rotations[0] = rotation.identity()  # the performer's T-pose
    strange = bone_aligned(replace(clip, rotations=rotations))
    bvh.write(tmp_path / "strange.bvh", strange)
    read = bvh.read(tmp_path / "strange.bvh")
    assert has_tpose_first_frame(read)
    assert any("T-pose" in note for note in read.notes)
    live = without_tpose(read)
    assert 0 < len(clip) - len(live) <= 12
    _, turned = Retarget(live.skeleton, PERFORMER).apply(live.positions, live.rotations)
    off = rotation.angle_between(turned, rotations[-len(live) :])
    assert np.rad2deg(off).max() < 0.1


def test_a_clip_that_starts_moving_has_no_t_pose():
    assert not has_tpose_first_frame(walk())
    assert without_tpose(walk()).positions.shape == walk().positions.shape
