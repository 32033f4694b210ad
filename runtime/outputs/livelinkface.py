"""A subject's face as Live Link Face: its curves, and the head's turn from the pose."""

from __future__ import annotations

import math
import uuid
from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from understudy.bridge.protocols import livelinkface
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.rotation import Array

from . import face, scene
from .body import Body, has_body
from .target import OutputOptions, Target

PORT = livelinkface.PORT
HOST = ""
_HEAD = [livelinkface.INDEX[name] for name in ("headYaw", "headPitch", "headRoll")]


class Options(OutputOptions, frozen=True, kw_only=True):
    """What a Live Link Face output takes."""

    subject: Annotated[
        str, Meta(description="who is sent (the first with a face, or else with a body)")
    ] = ""
    name: Annotated[str, Meta(description="the name in Live Link (the subject's)")] = ""


class LiveLinkFaceOutput:
    """One subject's face."""

    def __init__(self, target: Target) -> None:
        options: Options = target.options
        self.subject, self.name = options.subject, options.name
        self._number = 0

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [livelinkface.encode(self.message(frame, time_s))]

    def message(self, frame: Frame, time_s: float) -> livelinkface.Face:
        one = face.wearer(frame, self.subject)
        name = self.name or one.name or "Understudy"
        label = scene.timecode(frame)
        if label is None:  # counts on, so that a receiver sees time pass
            self._number, rate = self._number + 1, Fraction(60)
        else:
            self._number, rate = scene.frame_of_day(label), label[-1]
        # The device is the same after a restart: receivers keep what they set for it.
        device = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"understudy/{name}")).upper()
        return livelinkface.Face(device, name, self._number, 0.0, rate, curves(one))


def curves(one: Subject) -> Array:
    """(61,) the subject's curves; the head turns by them, or else by the pose."""
    values = face.curves(one)
    # Of a phone that does not send the head's turn these are there, and exactly 0.
    if not values[_HEAD].any() and (shape := has_body(one.skeleton)) is not None:
        values[_HEAD] = _turn(one, shape)
    return values


def _turn(one: Subject, shape: Body) -> tuple[float, float, float]:
    """The head's yaw, pitch and roll against the chest, as parts of half a turn."""
    added = shape.added(one.pose).rotations
    bones = shape.nearest("upper_chest"), shape.nearest("head")
    chest, head = (rotation.identity() if bone is None else added[bone] for bone in bones)
    m = rotation.to_matrix(rotation.multiply(rotation.conjugate(chest), head))
    # R = Ry(yaw) Rx(pitch) Rz(roll)
    pitch = math.asin(max(-1.0, min(1.0, -float(m[1, 2]))))
    yaw, roll = math.atan2(m[0, 2], m[2, 2]), math.atan2(m[1, 0], m[1, 1])
    return yaw / math.pi, pitch / math.pi, roll / math.pi


OUTPUT = LiveLinkFaceOutput
