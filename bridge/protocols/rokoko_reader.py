"""Reads what Rokoko Studio streams: JSON v3 and v2, plain or as an LZ4 frame, with fingers.

A body has the bones that are there, each with its place in the room and what it adds to a T-pose.
Version 3 has them under `body`, version 2 (Studio 1, which calls 2.5 "3") in the actor itself, and
its faces beside the actors, by the name of their profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any

import lz4.frame
import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError
from .rokoko import BONES, Thing

MAGIC = b"\x04\x22\x4d\x18"
MOST_BYTES = 1 << 20  # of what an LZ4 frame holds
MOST_ACTORS, MOST_PROPS, MOST_FACES, MOST_CURVES = 16, 64, 16, 64

_PHALANGES = ("Proximal", "Medial", "Distal")
# Studio's T-pose of a thumb, x y z w; the other fingers lie as the arm does.
_THUMBS = {
    "left": ((-0.56098, -0.70106, 0.43046, -0.0923), (-0.65328, -0.65328, 0.2706, -0.2706)),
    "right": ((0.56099, -0.70106, 0.43046, 0.0923), (0.65328, -0.65328, 0.2706, 0.2706)),
}


def _parents() -> dict[str, str]:
    """Bone -> the bone that it hangs on, parents first."""
    found = {"hip": "", "spine": "hip", "chest": "spine", "neck": "chest", "head": "neck"}
    for side in ("left", "right"):
        above = "chest"
        for part in ("Shoulder", "UpperArm", "LowerArm", "Hand"):
            found[f"{side}{part}"], above = above, f"{side}{part}"
        above = "hip"
        for part in ("UpLeg", "Leg", "Foot", "Toe"):
            found[f"{side}{part}"], above = above, f"{side}{part}"
    for side in ("left", "right"):
        for finger in ("Thumb", "Index", "Middle", "Ring", "Little"):
            above = f"{side}Hand"
            for part in _PHALANGES:
                found[f"{side}{finger}{part}"], above = above, f"{side}{finger}{part}"
    return found


PARENTS = _parents()
assert BONES.keys() <= PARENTS.keys()


def _reference(bone: str) -> tuple[float, ...]:
    if bone in BONES:
        return BONES[bone][1]
    side = "left" if bone.startswith("left") else "right"
    if "Thumb" in bone:
        return _THUMBS[side][0 if bone.endswith("Proximal") else 1]
    return BONES[f"{side}Hand"][1]


REFERENCE: dict[str, Array] = {
    bone: rotation.normalize(np.array(_reference(bone))) for bone in PARENTS
}


@dataclass(slots=True)
class Performer:
    """An actor in our axes: bones with places (B, 3) and what each adds to a T-pose (B, 4).

    gloves  whether fingers are captured, or None where the message does not say
    face    curves 0..1 by ARKit's names
    """

    name: str
    bones: tuple[str, ...]
    positions: Array
    turns: Array
    hip_height_m: float = 0.0
    has_body: bool = True
    gloves: bool | None = None
    face: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Scene:
    """One datagram. time_s is the sender's, None where it says none."""

    version: int
    time_s: float | None
    performers: list[Performer] = field(default_factory=list)
    props: list[Thing] = field(default_factory=list)


_Finite = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Name = Annotated[str, Meta(max_length=256)]


class _Vector(msgspec.Struct):
    x: _Finite
    y: _Finite
    z: _Finite


class _Turn(_Vector):
    w: _Finite


class _Bone(msgspec.Struct):
    position: _Vector
    rotation: _Turn


class _Meta(msgspec.Struct, rename="camel"):
    has_gloves: bool = False
    has_body: bool = True
    has_face: bool = False


class _Size(msgspec.Struct, rename="camel"):
    hip_height: _Finite = 0.0


class _Actor3(msgspec.Struct):
    name: _Name
    body: dict[str, _Bone | None] | None = None
    meta: _Meta | None = None
    dimensions: _Size | None = None
    face: dict[str, Any] | None = None


class _Prop(msgspec.Struct):
    name: _Name
    position: _Vector
    rotation: _Turn


class _Scene3(msgspec.Struct):
    timestamp: _Finite | None = None
    actors: Annotated[list[_Actor3], Meta(max_length=MOST_ACTORS)] = []
    props: Annotated[list[_Prop], Meta(max_length=MOST_PROPS)] = []


class _Packet(msgspec.Struct):
    version: Annotated[str, Meta(max_length=16)] | float
    scene: _Scene3 | None = None
    timestamp: _Finite | None = None
    actors: Annotated[list[dict[str, msgspec.Raw]], Meta(max_length=MOST_ACTORS)] | None = None
    faces: Annotated[list[dict[str, Any]], Meta(max_length=MOST_FACES)] | None = None
    props: Annotated[list[_Prop], Meta(max_length=MOST_PROPS)] | None = None
    trackers: Any = None


# Some versions of Studio send numbers as texts, "0.99".
_DECODER = msgspec.json.Decoder(_Packet, strict=False)
_BONE = msgspec.json.Decoder(_Bone | None, strict=False)
_NAME = msgspec.json.Decoder(_Name)


def read(data: bytes) -> Scene:
    """The scene in a datagram."""
    if data[:4] == MAGIC:
        data = _unpacked(data)
    try:
        packet = _DECODER.decode(data)
        version = _version(packet)
        if version == 2:
            return _second(packet)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ProtocolError(f"Not Rokoko's JSON: {reason.rstrip('.')}.") from None
    if packet.scene is None:
        raise ProtocolError("Rokoko's JSON v3 has a scene, and this has none.")
    scene = Scene(version, packet.scene.timestamp, props=_things(packet.scene.props))
    for one in packet.scene.actors:
        bones = {name: bone for name, bone in (one.body or {}).items() if bone is not None}
        made = _performer(one.name, bones)
        if one.dimensions is not None:
            made.hip_height_m = one.dimensions.hip_height
        if one.meta is not None:
            made.has_body, made.gloves = one.meta.has_body and bool(bones), one.meta.has_gloves
        if one.face and (one.meta is None or one.meta.has_face):
            made.face = _curves(one.face)
        scene.performers.append(made)
    return scene


def _unpacked(data: bytes) -> bytes:
    try:
        unpacker = lz4.frame.LZ4FrameDecompressor()
        whole: bytes = unpacker.decompress(data, max_length=MOST_BYTES)
    except (RuntimeError, ValueError, MemoryError, EOFError) as error:
        raise ProtocolError(f"An LZ4 frame that cannot be unpacked: {str(error)[:80]}.") from None
    if not unpacker.eof:
        raise ProtocolError(f"An LZ4 frame that is cut, or holds more than {MOST_BYTES} bytes.")
    return whole


def _version(packet: _Packet) -> int:
    number = str(packet.version).replace(",", ".").split(".")[0]
    if number == "2" or (number == "3" and packet.scene is None and packet.trackers is not None):
        return 2
    if number not in ("3", "4"):
        raise ProtocolError(f"Rokoko's JSON is read in versions 2 and 3, not {packet.version!r}.")
    return int(number)


def _second(packet: _Packet) -> Scene:
    scene = Scene(2, packet.timestamp, props=_things(packet.props or []))
    faces = {str(face.get("profileName", "")): _curves(face) for face in packet.faces or []}
    for one in packet.actors or []:
        name = _NAME.decode(one["name"]) if "name" in one else ""
        bones = {key: _BONE.decode(raw) for key, raw in one.items() if key in PARENTS}
        made = _performer(name, {key: bone for key, bone in bones.items() if bone is not None})
        profile = _NAME.decode(one["profileName"]) if "profileName" in one else name
        made.face = faces.pop(profile, {})
        scene.performers.append(made)
    for name, curves in faces.items():  # a face without a body
        alone = _performer(name[:256] or "face", {})
        alone.face = curves
        scene.performers.append(alone)
    return scene


def _performer(name: str, said: dict[str, _Bone]) -> Performer:
    bones = tuple(bone for bone in PARENTS if bone in said)
    rows = [(said[bone].position, said[bone].rotation) for bone in bones]
    values = np.array([(p.x, p.y, p.z, q.x, q.y, q.z, q.w) for p, q in rows], float).reshape(-1, 7)
    turns = quaternion.multiply(quaternion.unit(values[:, 3:]), _out_of_t_pose(bones))
    places, turns = axes.unity(values[:, :3], turns)
    return Performer(name, bones, places, turns, has_body=bool(bones))


@lru_cache(maxsize=64)  # an actor's are the same in every frame
def _out_of_t_pose(bones: tuple[str, ...]) -> Array:
    """(B, 4) what takes bones out of their rotations in a T-pose."""
    return rotation.conjugate(np.array([REFERENCE[bone] for bone in bones]).reshape(-1, 4))


def _curves(face: dict[str, Any]) -> dict[str, float]:
    """Shapes, 0 to 100, as curves; names and times are beside them."""
    found = {
        name: value / 100.0
        for name, value in face.items()
        if type(value) in (int, float) and len(name) <= 64 and abs(value) <= 1e6
    }
    for name in ("timestamp", "version"):
        found.pop(name, None)
    return found if len(found) <= MOST_CURVES else dict(islice(found.items(), MOST_CURVES))


def _things(props: list[_Prop]) -> list[Thing]:
    found = []
    for prop in props:
        at, q = prop.position, prop.rotation
        place, turn = axes.unity(np.array([at.x, at.y, at.z]), np.array([q.x, q.y, q.z, q.w]))
        if np.dot(turn, turn) > 0.25:
            found.append(Thing(prop.name, place, rotation.normalize(turn)))
    return found
