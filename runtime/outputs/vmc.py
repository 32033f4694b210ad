"""Frames as a VMC performer."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import vmc
from understudy.bridge.protocols.vmc_packer import (
    DATAGRAM,
    DIALECTS,
    LARGEST_DATAGRAM,
    Packer,
)
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Frame, State
from understudy.runtime.core.rotation import Array

from . import face, scene
from .body import humanoid
from .target import OutputOptions, Target

PORT = vmc.MARIONETTE_PORT
HOST = ""
_STILL: tuple[Array, Array] = (np.zeros(3), rotation.identity())


class Options(OutputOptions, frozen=True, kw_only=True):
    """What a VMC output takes."""

    subject: Annotated[
        str, Meta(description="who is sent (the first; VMC has one performer a port)")
    ] = ""
    camera: Annotated[str, Meta(description="which camera (the first)")] = ""
    dialect: Annotated[
        Literal["standard", "evmc4u", "vrm4u", "vmc4ue", "vmc4b", "vmclivelink", "godot"],
        Meta(description="the receiver, where it differs from the specification"),
    ] = "standard"
    travel: Annotated[Literal["hips", "root"], Meta(description="what moves the body")] = "hips"
    blend: Annotated[
        Literal["names", "arkit", "perfectsync", "vrm0", "vrm1"],
        Meta(description="names of the blend shapes; names: as they are"),
    ] = "names"
    mtu: Annotated[
        int,
        Meta(ge=128, le=LARGEST_DATAGRAM, description="largest datagram", extra={"unit": "bytes"}),
    ] = DATAGRAM
    bundle: Annotated[bool, Meta(description="0: each message in a datagram of its own")] = True


class VmcOutput:
    """One subject with its face, one camera and the props of each frame."""

    def __init__(self, target: Target) -> None:
        options: Options = target.options
        self.by_root, self.blend = options.travel == "root", options.blend
        self.subject, self.camera = options.subject, options.camera
        self._packer = Packer(DIALECTS[options.dialect], options.mtu, options.bundle)

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return self._packer.pack(self.message(frame, time_s))

    def message(self, frame: Frame, time_s: float) -> vmc.Performance:
        """The frame as VMC tells it, still in our axes."""
        one, shape = humanoid(frame, self.subject)
        positions, rotations = shape.local(shape.added(one.pose))
        root = _STILL
        if self.by_root:
            root = _ground(positions[0], rotations[0])
            undo = rotation.conjugate(root[1])
            positions[0] = rotation.rotate(undo, positions[0] - root[0])
            rotations[0] = rotation.multiply(undo, rotations[0])
        driven = one.state in (State.LIVE, State.TAKEOVER)
        return vmc.Performance(
            shape.vmc_names,
            positions,
            rotations,
            root,
            face.blend(one, self.blend),
            camera=self._camera(frame),
            devices=[
                vmc.Device("Tra", prop.name, prop.position, prop.rotation) for prop in frame.props
            ],
            time_s=time_s,
            tracking=int(driven),
        )

    def _camera(self, frame: Frame) -> vmc.Camera | None:
        if not self.camera and not frame.cameras:
            return None
        seen = scene.camera(frame, self.camera)
        return vmc.Camera(seen.name, seen.position, np.asarray(seen.rotation), _fov_deg(seen))


def _fov_deg(camera: Camera) -> float:
    """The vertical angle of view."""
    height_mm = camera.sensor_mm[1]
    return math.degrees(2.0 * math.atan2(0.5 * height_mm, camera.focal_mm))


def _ground(hips: Array, turn: Array) -> tuple[Array, Array]:
    """Where the body stands and where it faces: below the hips, turned about the vertical."""
    return np.array([hips[0], 0.0, hips[2]]), rotation.from_yaw(rotation.yaw(turn))


OUTPUT = VmcOutput
