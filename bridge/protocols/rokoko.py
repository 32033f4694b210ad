"""Rokoko's JSON v3, the stream of Rokoko Studio that its add-ons for Blender and others read.

Studio space is Unity's: left-handed, +Y up, +Z forward, metres. Rotations are the world's, as of
bones that lie along their own -Y: `BONES` holds what Studio sends for a T-pose, and every
rotation is what the body adds to that. Only the hip's position moves a character.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import lz4.frame
import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError

PORT = 14043
_H = math.sqrt(0.5)
_UP = (0.0, 0.0, 1.0, 0.0)
_LEFT_LEG, _RIGHT_LEG = (0.0, _H, 0.0, _H), (0.0, -_H, 0.0, _H)
_LEFT_FOOT, _RIGHT_FOOT = (0.0, -_H, _H, 0.0), (0.0, -_H, _H, 0.0)
_LEFT_ARM, _RIGHT_ARM = (0.5, 0.5, -0.5, 0.5), (0.5, -0.5, 0.5, 0.5)

# bone -> (role, rotation x y z w in a T-pose), in Studio space
BONES: dict[str, tuple[str, tuple[float, float, float, float]]] = {
    "hip": ("hips", (0.0, 0.0, 0.0, 1.0)),
    "spine": ("spine", _UP),
    "chest": ("upper_chest", _UP),
    "neck": ("neck", _UP),
    "head": ("head", _UP),
    "leftShoulder": ("left_shoulder", (0.0, 0.0, -_H, _H)),
    "leftUpperArm": ("left_upper_arm", _LEFT_ARM),
    "leftLowerArm": ("left_lower_arm", _LEFT_ARM),
    "leftHand": ("left_hand", _LEFT_ARM),
    "rightShoulder": ("right_shoulder", (0.0, 0.0, _H, _H)),
    "rightUpperArm": ("right_upper_arm", _RIGHT_ARM),
    "rightLowerArm": ("right_lower_arm", _RIGHT_ARM),
    "rightHand": ("right_hand", _RIGHT_ARM),
    "leftUpLeg": ("left_upper_leg", _LEFT_LEG),
    "leftLeg": ("left_lower_leg", _LEFT_LEG),
    "leftFoot": ("left_foot", _LEFT_FOOT),
    "leftToe": ("left_toes", _LEFT_FOOT),
    "rightUpLeg": ("right_upper_leg", _RIGHT_LEG),
    "rightLeg": ("right_lower_leg", _RIGHT_LEG),
    "rightFoot": ("right_foot", _RIGHT_FOOT),
    "rightToe": ("right_toes", _RIGHT_FOOT),
}
_REFERENCE: Array = np.array([turn for _, turn in BONES.values()])


@dataclass(slots=True)
class Actor:
    """A body in our axes: for each of `BONES` the joint's place (B, 3) and the rotation (B, 4) that
    it adds, in the world, to a T-pose that faces +Z. face has ARKit's 52 shapes by name, 0..1, or
    nothing."""

    name: str
    positions: Array
    turns: Array
    height_m: float = 1.8
    hip_height_m: float = 0.95
    face: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Thing:
    """A prop in our axes."""

    name: str
    position: Array
    rotation: Array


@dataclass(slots=True)
class Scene:
    """What one datagram holds."""

    time_s: float
    rate_hz: float
    actors: list[Actor] = field(default_factory=list)
    props: list[Thing] = field(default_factory=list)


_ENCODER = msgspec.json.Encoder()
LARGEST_DATAGRAM = 65507


def encode(scene: Scene, packed: bool = False) -> bytes:
    """The datagram: JSON, plain or packed as an LZ4 frame."""
    data = _ENCODER.encode(
        {
            "version": "3,0",
            "fps": scene.rate_hz,
            "scene": {
                "timestamp": round(scene.time_s, 6),
                "actors": [_actor(actor) for actor in scene.actors],
                "props": [
                    {
                        "name": prop.name,
                        "type": 0,
                        **_placed(*_studio(prop.position, prop.rotation)),
                    }
                    for prop in scene.props
                ],
            },
        }
    )
    if packed:
        data = lz4.frame.compress(data)
    if len(data) > LARGEST_DATAGRAM:
        raise ProtocolError(
            f"{len(scene.actors)} actors take {len(data)} bytes as Rokoko JSON and a datagram "
            f"holds {LARGEST_DATAGRAM}; send fewer with ?subject=NAME."
        )
    return data


def _studio(position: Array, turn: Array) -> tuple[Array, Array]:
    """Positions and rotations of any shape in Studio space."""
    return axes.unity(np.asarray(position, float), np.asarray(turn, float))


def _actor(actor: Actor) -> dict[str, Any]:
    positions, turns = _studio(actor.positions, actor.turns)
    turns = rotation.multiply(turns, _REFERENCE)
    said: dict[str, Any] = {
        "name": actor.name,
        "color": [255, 255, 255],
        "meta": dict(
            hasGloves=False,
            hasLeftGlove=False,
            hasRightGlove=False,
            hasBody=True,
            hasFace=bool(actor.face),
        ),
        "dimensions": {
            "totalHeight": round(actor.height_m, 4),
            "hipHeight": round(actor.hip_height_m, 4),
        },
        "body": {
            bone: _placed(at, turn) for bone, at, turn in zip(BONES, positions, turns, strict=True)
        },
    }
    if actor.face:
        # The add-on finds a face by its id, and takes shapes from 0 to 100.
        shapes = {name: round(100.0 * value, 2) for name, value in actor.face.items()}
        said["face"] = {"faceId": actor.name, **shapes}
    return said


def _placed(position: Array, turn: Array) -> dict[str, dict[str, float]]:
    # A tenth of a millimetre and a hundredth of a degree keep a body within two packets.
    return {
        "position": dict(zip("xyz", np.round(position, 4).tolist(), strict=True)),
        "rotation": dict(zip("xyzw", np.round(turn, 5).tolist(), strict=True)),
    }


_Finite = Annotated[float, Meta(ge=-1e6, le=1e6)]


class _Vector(msgspec.Struct):
    x: _Finite
    y: _Finite
    z: _Finite


class _Quaternion(_Vector):
    w: _Finite


class _Bone(msgspec.Struct):
    position: _Vector
    rotation: _Quaternion


class _Named(msgspec.Struct):
    name: Annotated[str, Meta(max_length=256)]


class _Dimensions(msgspec.Struct, rename="camel"):
    total_height: _Finite
    hip_height: _Finite


class _Actor(_Named):
    body: dict[str, _Bone]
    dimensions: _Dimensions
    face: Annotated[dict[str, _Finite | str], Meta(max_length=128)] | None = None


class _Prop(_Named):
    position: _Vector
    rotation: _Quaternion


class _Scene(msgspec.Struct):
    timestamp: _Finite
    actors: Annotated[list[_Actor], Meta(max_length=64)]
    props: Annotated[list[_Prop], Meta(max_length=256)]


class _Packet(msgspec.Struct):
    version: str | float
    fps: _Finite
    scene: _Scene


_DECODER = msgspec.json.Decoder(_Packet)


def decode(data: bytes) -> Scene:
    """The scene in a datagram of plain JSON; actors without all of `BONES` are refused."""
    try:
        packet = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ProtocolError(f"Not Rokoko's JSON v3: {error}.") from None
    if str(packet.version).replace(",", ".").split(".")[0] != "3":
        raise ProtocolError(f"Rokoko JSON has version 3 here, this has {packet.version!r:.40}.")
    scene = Scene(packet.scene.timestamp, packet.fps)
    for actor in packet.scene.actors:
        if not BONES.keys() <= actor.body.keys():
            missing = next(bone for bone in BONES if bone not in actor.body)
            raise ProtocolError(f"Rokoko's actor {actor.name!r} has no bone {missing}.")
        body = [actor.body[bone] for bone in BONES]
        turns = np.array([_four(bone.rotation) for bone in body])
        positions, turns = axes.unity(
            np.array([_three(bone.position) for bone in body]),
            rotation.multiply(turns, rotation.conjugate(_REFERENCE)),
        )
        size = actor.dimensions
        shapes = (actor.face or {}).items()
        scene.actors.append(
            Actor(
                actor.name,
                positions,
                turns,
                size.total_height,
                size.hip_height,
                {name: value / 100.0 for name, value in shapes if isinstance(value, float)},
            )
        )
    for prop in packet.scene.props:
        at, turn = axes.unity(np.array(_three(prop.position)), np.array(_four(prop.rotation)))
        scene.props.append(Thing(prop.name, at, turn))
    return scene


def _three(v: _Vector) -> tuple[float, float, float]:
    return v.x, v.y, v.z


def _four(q: _Quaternion) -> tuple[float, float, float, float]:
    return q.x, q.y, q.z, q.w
