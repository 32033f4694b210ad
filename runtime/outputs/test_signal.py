"""The test signal of outputs: a known frame, and the values by which each protocol is compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from understudy.bridge.protocols import freed, livelinkface, opentrackio, rokoko, vmc
from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Pose, Subject

Values = dict[str, float | str]
_ANN = replace(PERFORMER, curve_names=ARKIT)
# The shapes that move, and by which each protocol's face is compared.
_SHAPES = ("jawOpen", "eyeBlinkLeft", "mouthSmileRight")
_CLIPS = ("a", "aa", "blink_l", "blinkleft", "joy", "happy")  # what VRM makes of them


def frame(number: int) -> Frame:
    """A performer who turns her head, raises an arm and makes faces, and a camera that pans."""
    pose = Pose.rest(PERFORMER)
    curves = np.zeros(len(ARKIT), np.float32)
    for i, name in enumerate(_SHAPES):
        curves[ARKIT.index(name)] = 0.5 + 0.5 * np.sin(0.1 * number + i)
    angle_rad = 0.3 + 0.01 * number
    pose.positions[0] = (0.5, 0.97, 0.25 + 0.01 * number)
    for joint, axis in (("LeftArm", (0.0, 0.0, 1.0)), ("Head", (0.0, 1.0, 0.0))):
        pose.rotations[PERFORMER.index(joint)] = rotation.from_axis_angle(axis, angle_rad)
    looking = rotation.from_yaw(np.pi - angle_rad)
    camera = Camera("A", np.array([-1.0, 1.5, -3.0]), looking, 35.0, (36.0, 24.0), 4.0, 2.8)
    now_ns = time.monotonic_ns()
    return Frame(
        sequence=number,
        capture_ns=now_ns,
        publish_ns=now_ns,
        rate_num=30000,
        rate_den=1001,
        timecode=f"01:00:00;{2 + number % 28:02d}",
        subjects=[Subject("Ann", _ANN, pose, curves=curves)],
        cameras=[camera],
        received_ns=now_ns,
    )


def _vmc(p: vmc.Performance) -> Values:
    def bone(name: str) -> dict[str, float]:
        i = p.names.index(name)
        row = [*p.positions[i].tolist(), *p.rotations[i].tolist()]
        return {f"{name} {axis}": v for axis, v in zip(_SEVEN, row, strict=True)}

    lens: Values = {"camera": p.camera.name, "fov (deg)": p.camera.fov_deg} if p.camera else {}
    bones = {"bones": len(p.names), **bone("Hips"), **bone("LeftUpperArm")}
    return {**bones, "blend shapes": len(p.curves), **_shapes(p.curves), **lens}


def _shapes(face: Mapping[str, float]) -> Values:
    """The shapes that move, by whatever names they go."""
    moving = {name.lower() for name in _SHAPES} | set(_CLIPS)
    return {name: value for name, value in face.items() if name.lower() in moving}


_SEVEN = ("x", "y", "z", "qx", "qy", "qz", "qw")


def _freed(t: freed.Tracking) -> Values:
    return {
        "camera": t.camera,
        "pan (deg)": t.pan_deg,
        "tilt (deg)": t.tilt_deg,
        "roll (deg)": t.roll_deg,
        "x (mm)": t.x_mm,
        "y (mm)": t.y_mm,
        "z (mm)": t.z_mm,
        "zoom": t.zoom,
        "focus": t.focus,
        "user": t.user,
    }


def _opentrackio(sample: opentrackio.Sample) -> Values:
    values: Values = {"source": sample.source_number or 0}
    if sample.transforms:
        at, turn = sample.transforms[-1].translation, sample.transforms[-1].rotation
        values |= {"x (m)": at.x, "y (m)": at.y, "z (m)": at.z}
        values |= {"pan (deg)": turn.pan, "tilt (deg)": turn.tilt, "roll (deg)": turn.roll}
    if sample.lens:
        values["focal length (mm)"] = sample.lens.pinhole_focal_length or 0.0
        values["focus (m)"] = sample.lens.focus_distance or 0.0
    if sample.timing and sample.timing.timecode:
        tc = sample.timing.timecode
        values["timecode"] = f"{tc.hours:02}:{tc.minutes:02}:{tc.seconds:02}:{tc.frames:02}"
        rate = tc.rate()
        values["rate"] = f"{rate.num}/{rate.denom}" if rate else ""
    return values


def _livelinkface(face: livelinkface.Face) -> Values:
    curves = np.zeros(livelinkface.COUNT) if face.curves is None else face.curves
    turns = {name: float(curves[livelinkface.INDEX[name]]) for name in livelinkface.CURVES[52:55]}
    return {
        "subject": face.subject,
        "device": face.device,
        "frame": face.frame,
        "rate": str(face.rate),
        "curves": 0 if face.curves is None else len(face.curves),
        **{name: float(curves[livelinkface.INDEX[name]]) for name in _SHAPES},
        **turns,
    }


def _rokoko(scene: rokoko.Scene) -> Values:
    values: Values = {"timestamp": scene.time_s, "fps": scene.rate_hz}
    for actor in scene.actors:
        values["actor"] = actor.name
        values |= {f"hip {a} (m)": float(v) for a, v in zip("xyz", actor.positions[0], strict=True)}
        arm = actor.turns[list(rokoko.BONES).index("leftUpperArm")]
        arm = rotation.positive(arm)
        values |= {f"leftUpperArm q{a}": float(v) for a, v in zip("xyzw", arm, strict=True)}
        values |= {name: actor.face[name] for name in _SHAPES if name in actor.face}
    return values


def _wire(one: Frame) -> Values:
    values: Values = {"sequence": one.sequence, "timecode": one.timecode}
    for subject in one.subjects:
        values |= {"subject": subject.name, "state": subject.state.name}
        for axis, v in zip("xyz", subject.pose.positions[0], strict=True):
            values[f"hips {axis} (m)"] = float(v)
        values |= _shapes(dict(zip(subject.skeleton.curve_names, map(float, subject.curves))))
    for camera in one.cameras:
        values |= {"camera": camera.name, "focal length (mm)": float(camera.focal_mm)}
    return values


VALUES: dict[str, Callable[[Any], Values]] = {
    "vmc": _vmc,
    "freed": _freed,
    "opentrackio": _opentrackio,
    "livelinkface": _livelinkface,
    "rokoko": _rokoko,
    "wire": _wire,
}
