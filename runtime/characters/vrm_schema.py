"""VRM's JSON as structs, versions 0 and 1; their names are the specifications'."""

from __future__ import annotations

from typing import Any

import msgspec


class Bone(msgspec.Struct):
    node: int = -1
    bone: str = ""


class Humanoid(msgspec.Struct):
    # VRM 1 has a table by bone, VRM 0 a list.
    humanBones: dict[str, Bone] | list[Bone] = []


class Meta(msgspec.Struct):
    name: str = ""
    title: str = ""


class Bind(msgspec.Struct):
    """A morph target: of a mesh by its number (VRM 0), of a node's mesh (VRM 1)."""

    index: int = -1
    weight: float = 1.0
    mesh: int = -1
    node: int = -1


class Expression(msgspec.Struct):
    node: int = -1  # of an animation: its translation along X is the weight
    morphTargetBinds: list[Bind] = []
    materialColorBinds: list[Any] = []
    textureTransformBinds: list[Any] = []
    isBinary: bool = False
    overrideBlink: str = "none"
    overrideLookAt: str = "none"
    overrideMouth: str = "none"


class Expressions(msgspec.Struct):
    preset: dict[str, Expression] = {}
    custom: dict[str, Expression] = {}


class BlendShapeGroup(msgspec.Struct):
    name: str = ""
    presetName: str = ""
    binds: list[Bind] = []
    materialValues: list[Any] = []
    isBinary: bool = False


class BlendShapeMaster(msgspec.Struct):
    blendShapeGroups: list[BlendShapeGroup] = []


class RangeMap(msgspec.Struct):
    """VRM 1's words for how far a look of so many degrees turns an eye; VRM 0's beside them."""

    inputMaxValue: float = 90.0
    outputScale: float = 10.0
    xRange: float = 90.0
    yRange: float = 10.0


class LookAt(msgspec.Struct):
    type: str = "bone"
    rangeMapHorizontalOuter: RangeMap = msgspec.field(default_factory=RangeMap)
    rangeMapVerticalUp: RangeMap = msgspec.field(default_factory=RangeMap)


class FirstPerson(msgspec.Struct):
    lookAtTypeName: str = "Bone"
    lookAtHorizontalOuter: RangeMap = msgspec.field(default_factory=RangeMap)
    lookAtVerticalUp: RangeMap = msgspec.field(default_factory=RangeMap)


class Point(msgspec.Struct):
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class OldCollider(msgspec.Struct):
    offset: Point = msgspec.field(default_factory=Point)
    radius: float = 0.0


class OldColliderGroup(msgspec.Struct):
    node: int = -1
    colliders: list[OldCollider] = []


class BoneGroup(msgspec.Struct):
    """VRM 0's springs: all joints below `bones`; the misspelling is the format's."""

    stiffiness: float = 1.0
    gravityPower: float = 0.0
    gravityDir: Point = msgspec.field(default_factory=lambda: Point(0.0, -1.0, 0.0))
    dragForce: float = 0.4
    hitRadius: float = 0.02
    bones: list[int] = []
    colliderGroups: list[int] = []


class SecondaryAnimation(msgspec.Struct):
    boneGroups: list[BoneGroup] = []
    colliderGroups: list[OldColliderGroup] = []


class Shape(msgspec.Struct):
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tail: tuple[float, float, float] | None = None
    radius: float = 0.0


class Shapes(msgspec.Struct):
    sphere: Shape | None = None
    capsule: Shape | None = None


class Collider(msgspec.Struct):
    node: int = -1
    shape: Shapes = msgspec.field(default_factory=Shapes)


class ColliderGroup(msgspec.Struct):
    colliders: list[int] = []


class SpringJoint(msgspec.Struct):
    node: int = -1
    hitRadius: float = 0.0
    stiffness: float = 1.0
    gravityPower: float = 0.0
    gravityDir: tuple[float, float, float] = (0.0, -1.0, 0.0)
    dragForce: float = 0.5


class Spring(msgspec.Struct):
    joints: list[SpringJoint] = []
    colliderGroups: list[int] = []


class SpringBone(msgspec.Struct):
    colliders: list[Collider] = []
    colliderGroups: list[ColliderGroup] = []
    springs: list[Spring] = []


class Vrm(msgspec.Struct):
    lookAt: LookAt = msgspec.field(default_factory=LookAt)
    firstPerson: FirstPerson = msgspec.field(default_factory=FirstPerson)
    secondaryAnimation: SecondaryAnimation = msgspec.field(default_factory=SecondaryAnimation)
    humanoid: Humanoid = msgspec.field(default_factory=Humanoid)
    meta: Meta = msgspec.field(default_factory=Meta)
    expressions: Expressions = msgspec.field(default_factory=Expressions)
    blendShapeMaster: BlendShapeMaster = msgspec.field(default_factory=BlendShapeMaster)
