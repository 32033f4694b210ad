"""A VRM's spring bones, of version 0 and 1, as joints that swing and what they bump into."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .character import Collider, SpringBone, Vec3
from .gltf_document import File
from .gltf_skeleton import Rig

MOST = 1000  # joints that swing, and colliders
# A last joint has no bone of its own; VRM 0 gives it one of this length.
LEAF_M = 0.07
FAR = 1e3
STRONG = 100.0


def read(file: File, rig: Rig) -> tuple[tuple[SpringBone, ...], tuple[Collider, ...]]:
    """Spring bones, parents before children, and colliders; nothing where a file has none."""
    tree = file.tree
    if tree.extensions.VRMC_springBone is not None:
        springs, colliders = _new(file, rig)
    elif tree.extensions.VRM is not None:
        springs, colliders = _old(file, rig)
    else:
        return (), ()
    once = {spring.joint: spring for spring in springs if spring.joint > 0}
    return tuple(once[j] for j in sorted(once))[:MOST], tuple(colliders[:MOST])


def _offset(rig: Rig, node: int, offset: tuple[float, float, float]) -> Vec3:
    """A point of a node's frame in its joint's rigid one, metres."""
    joint = rig.joint(node)
    at = (rig.world[node] @ [*np.clip(offset, -FAR, FAR), 1.0])[:3]
    rest_p, rest_r = rig.skeleton.rest_globals
    return _vec(rotation.rotate(rotation.conjugate(rest_r[joint]), at - rest_p[joint]))


def _vec(v: Array) -> Vec3:
    x, y, z = (float(c) for c in v)
    return x, y, z


def _scale(rig: Rig, node: int) -> float:
    return float(np.linalg.norm(rig.world[node][:3, 0]))


def _bounded(value: float, most: float = FAR, least: float = 0.0) -> float:
    """A file's number within what a body can have."""
    return float(np.clip(value, least, most))


def _new(file: File, rig: Rig) -> tuple[list[SpringBone], list[Collider]]:
    said = file.tree.extensions.VRMC_springBone
    assert said is not None
    count = len(file.tree.nodes)
    colliders: list[Collider] = []
    rows: dict[int, int] = {}
    for k, one in enumerate(said.colliders[:MOST]):
        shape = one.shape.capsule or one.shape.sphere
        if shape is None or not 0 <= one.node < count:
            continue
        rows[k] = len(colliders)
        tail = None if shape.tail is None else _offset(rig, one.node, shape.tail)
        colliders.append(
            Collider(rig.joint(one.node), _offset(rig, one.node, shape.offset),
                     _bounded(shape.radius) * _scale(rig, one.node), tail)
        )  # fmt: skip
    springs: list[SpringBone] = []
    for spring in said.springs:
        groups = [said.colliderGroups[g] for g in spring.colliderGroups
                  if 0 <= g < len(said.colliderGroups)]  # fmt: skip
        hits = tuple(dict.fromkeys(rows[c] for g in groups for c in g.colliders if c in rows))
        # The last joint of a chain is where the one before it ends.
        for joint, after in zip(spring.joints, spring.joints[1:], strict=False):
            if joint.node in rig.rows and 0 <= after.node < count:
                springs.append(
                    SpringBone(
                        rig.rows[joint.node],
                        _tail(rig, rig.rows[joint.node], rig.world[after.node][:3, 3]),
                        _bounded(joint.stiffness, STRONG),
                        _bounded(joint.dragForce, 1.0),
                        _pull(joint.gravityDir, joint.gravityPower),
                        _bounded(joint.hitRadius),
                        hits,
                    )
                )
    return springs, colliders


def _pull(way: tuple[float, float, float], power: float) -> Vec3:
    return _vec(np.clip(way, -1.0, 1.0) * _bounded(power, STRONG, -STRONG))


def _tail(rig: Rig, joint: int, at: Array) -> Vec3:
    rest_p, rest_r = rig.skeleton.rest_globals
    return _vec(rotation.rotate(rotation.conjugate(rest_r[joint]), at - rest_p[joint]))


def _old(file: File, rig: Rig) -> tuple[list[SpringBone], list[Collider]]:
    vrm = file.tree.extensions.VRM
    assert vrm is not None
    said, count, skeleton = vrm.secondaryAnimation, len(file.tree.nodes), rig.skeleton
    colliders: list[Collider] = []
    of_group: list[list[int]] = []
    for group in said.colliderGroups:
        of_group.append([])
        for one in group.colliders if 0 <= group.node < count else ():
            of_group[-1].append(len(colliders))
            # Offsets are Unity's: their z is the other way round.
            at = (one.offset.x, one.offset.y, -one.offset.z)
            radius_m = _bounded(one.radius) * _scale(rig, group.node)
            colliders.append(
                Collider(rig.joint(group.node), _offset(rig, group.node, at), radius_m)
            )
    rest_p = skeleton.rest_globals[0]
    springs: list[SpringBone] = []
    for bones in said.boneGroups:
        hits = tuple(c for g in bones.colliderGroups if 0 <= g < len(of_group) for c in of_group[g])
        way = bones.gravityDir
        gravity = _pull((way.x, way.y, way.z), bones.gravityPower)
        stack = [rig.rows[n] for n in bones.bones if n in rig.rows]
        while stack and len(springs) < MOST:
            joint = stack.pop()
            children = skeleton.children(joint)
            stack += children
            if children:
                at = rest_p[children[0]]
            else:
                bone = rest_p[joint] - rest_p[int(skeleton.parents[joint])]
                at = rest_p[joint] + LEAF_M * rotation.normalize(bone)
            springs.append(
                SpringBone(joint, _tail(rig, joint, at), _bounded(bones.stiffiness, STRONG),
                           _bounded(bones.dragForce, 1.0), gravity, _bounded(bones.hitRadius),
                           hits)
            )  # fmt: skip
    return springs, colliders
