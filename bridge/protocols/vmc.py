"""VMC (Virtual Motion Capture) 2.x and 3.x: its messages, and a performance gathered from them.

OSC over UDP; the marionette (a renderer) listens on 39539, the performer on 39540. Bones carry
Unity's names for a humanoid and are local to their parent, of a model whose joints have no rotation
in a T-pose. Everything here is in our axes; Unity's are on the wire only. Streams are packed by
vmc_packer; `message` and `decode` do every message of the specification, in both directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core.rotation import Array

from . import osc
from .error import ProtocolError

MARIONETTE_PORT = 39539
PERFORMER_PORT = 39540

_FINGERS = [
    f"{finger}{part}"
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
    for part in ("Proximal", "Intermediate", "Distal")
]
# Unity's HumanBodyBones.
BONES: tuple[str, ...] = (
    *("Hips", "LeftUpperLeg", "RightUpperLeg", "LeftLowerLeg", "RightLowerLeg"),
    *("LeftFoot", "RightFoot", "Spine", "Chest", "UpperChest", "Neck", "Head"),
    *("LeftShoulder", "RightShoulder", "LeftUpperArm", "RightUpperArm"),
    *("LeftLowerArm", "RightLowerArm", "LeftHand", "RightHand", "LeftToes", "RightToes"),
    *("LeftEye", "RightEye", "Jaw"),
    *(f"Left{part}" for part in _FINGERS),
    *(f"Right{part}" for part in _FINGERS),
)

# VRM 0's names for expressions, which every receiver knows, and VRM 1's.
VRM1_NAMES: dict[str, str] = {
    "Joy": "happy",
    "Angry": "angry",
    "Sorrow": "sad",
    "Fun": "relaxed",
    "A": "aa",
    "I": "ih",
    "U": "ou",
    "E": "ee",
    "O": "oh",
    "Blink": "blink",
    "Blink_L": "blinkLeft",
    "Blink_R": "blinkRight",
}

_POSE = "s" + "f" * 7
# address -> the fewest arguments it has, then those that later versions added in groups
SIGNATURES: dict[str, tuple[str, ...]] = {
    "/VMC/Ext/OK": ("i", "ii", "i"),
    "/VMC/Ext/T": ("f",),
    "/VMC/Ext/Root/Pos": (_POSE, "ffffff"),
    "/VMC/Ext/Bone/Pos": (_POSE,),
    "/VMC/Ext/Blend/Val": ("sf",),
    "/VMC/Ext/Blend/Apply": ("",),
    "/VMC/Ext/Cam": (_POSE + "f",),
    "/VMC/Ext/Con": ("isiiifff",),
    "/VMC/Ext/Key": ("isi",),
    "/VMC/Ext/Midi/Note": ("iiif",),
    "/VMC/Ext/Midi/CC/Val": ("if",),
    "/VMC/Ext/Midi/CC/Bit": ("ii",),
    **{f"/VMC/Ext/{kind}/Pos": (_POSE,) for kind in ("Hmd", "Con", "Tra")},
    **{f"/VMC/Ext/{kind}/Pos/Local": (_POSE,) for kind in ("Hmd", "Con", "Tra")},
    "/VMC/Ext/Rcv": ("ii", "s"),
    "/VMC/Ext/Light": (_POSE + "ffff",),
    "/VMC/Ext/VRM": ("ss", "s"),
    "/VMC/Ext/Remote": ("ss",),
    "/VMC/Ext/Opt": ("s",),
    "/VMC/Ext/Setting/Color": ("ffff",),
    "/VMC/Ext/Setting/Win": ("iiii",),
    "/VMC/Ext/Config": ("s",),
    # from the marionette to the performer
    "/VMC/Ext/Set/Period": ("iiiiii",),
    "/VMC/Ext/Set/Eye": ("ifff",),
    "/VMC/Ext/Set/Req": ("",),
    "/VMC/Ext/Set/Res": ("s",),
    "/VMC/Ext/Set/Calib/Ready": ("",),
    "/VMC/Ext/Set/Calib/Exec": ("i",),
    "/VMC/Ext/Set/Config": ("s",),
    "/VMC/Ext/Set/Shortcut": ("s",),
}
_TYPES = {"i": int, "f": float, "s": str}


def message(address: str, *arguments: float | int | str) -> bytes:
    """One message's bytes, its arguments made to fit the specification."""
    groups = SIGNATURES.get(address)
    if groups is None:
        raise ProtocolError(f"VMC has no message {address!r}.")
    types = "".join(groups)[: len(arguments)]
    if len(arguments) > len(types) or len(arguments) < len(groups[0]):
        raise ProtocolError(f"{address} takes {' '.join(groups)}, not {len(arguments)} arguments.")
    try:
        fitting = [_TYPES[letter](value) for letter, value in zip(types, arguments, strict=True)]
    except (ValueError, TypeError, OverflowError):
        raise ProtocolError(f"{address} takes {types}, not {arguments!r}.") from None
    return osc.encode(address, *fitting)


def decode(datagram: bytes) -> list[osc.Message]:
    """The VMC messages of a datagram, cut to what the specification knows of them.

    As it asks, unknown addresses and extra arguments are passed over. A message with too few
    arguments or wrong types is left out; where nothing else is there, it is an error.
    """
    known, fault = read(datagram)
    if fault and not known:
        raise ProtocolError(fault)
    return known


def read(datagram: bytes) -> tuple[list[osc.Message], str]:
    """The messages that are as specified, and what is wrong with the last that is not."""
    known, fault = [], ""
    for said in osc.decode(datagram):
        groups = SIGNATURES.get(said.address)
        if groups is None:
            continue
        size = 0
        for group in groups:
            if len(said.arguments) < size + len(group):
                break
            size += len(group)
        if size < len(groups[0]):
            fault = (
                f"{said.address} has {groups[0]!r} or more, not {len(said.arguments)} arguments."
            )
            continue
        arguments = tuple(map(_fitting, "".join(groups), said.arguments[:size]))
        if None in arguments:
            fault = f"{said.address} has {''.join(groups)!r}, not {str(said.arguments)[:80]!r}."
        else:
            known.append(osc.Message(said.address, arguments))
    return known, fault


def _fitting(letter: str, value: osc.Argument) -> float | int | str | None:
    """The argument as the type that the letter means; None where it is none.

    Libraries that choose types by themselves send whole numbers and truths as they like.
    """
    if letter == "s":
        return value if isinstance(value, str) else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if letter == "f":
        return float(value) if abs(value) < 1e38 else None
    return int(value) if isinstance(value, int) else None


# Unity's cameras look along their own +Z and ours along -Z: half a turn about their +Y.
ABOUT = np.array([0.0, 1.0, 0.0, 0.0])


@dataclass(slots=True)
class Camera:
    """A camera and its vertical field of view."""

    name: str
    position: Array
    rotation: Array
    fov_deg: float = 40.0


@dataclass(slots=True)
class Device:
    """A tracked thing: kind is "Hmd", "Con" or "Tra" (head-set, controller, tracker)."""

    kind: str
    serial: str
    position: Array
    rotation: Array


@dataclass(slots=True)
class Performance:
    """One frame, in our axes.

    names       of the B bones
    positions   (B, 3) local to the parent, metres
    rotations   (B, 4) local to the parent
    root        position (3,) and rotation (4,) of the whole model, None: not sent
    curves      blend shapes by name, 0..1
    loaded, calibration (state 0..3), mode (0..2), tracking: what /OK says
    ages        how many frames ago each bone came, 0: in this one; set by an Accumulator
    """

    names: tuple[str, ...] = ()
    positions: Array = field(default_factory=lambda: np.zeros((0, 3)))
    rotations: Array = field(default_factory=lambda: np.zeros((0, 4)))
    root: tuple[Array, Array] | None = None
    curves: dict[str, float] = field(default_factory=dict)
    camera: Camera | None = None
    devices: list[Device] = field(default_factory=list)
    time_s: float = 0.0
    loaded: bool = True
    calibration: int = 3
    mode: int = 0
    tracking: int = 1
    ages: tuple[int, ...] = ()
