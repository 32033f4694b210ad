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

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes, osc
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
    known, fault = _decode(datagram)
    if fault and not known:
        raise ProtocolError(fault)
    return known


def _decode(datagram: bytes) -> tuple[list[osc.Message], str]:
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


# Of one sender; a stranger's stream of new names must not fill the memory.
MOST_BONES, MOST_CURVES, MOST_DEVICES, LONGEST_NAME = 128, 1024, 64, 128
# A bone that was lost on the way keeps its value; one that is sent no longer is dropped.
_KEPT_FRAMES = 30


class Accumulator:
    """Gathers the datagrams of one sender into performances.

    Senders differ in what ends a frame: some send the time last, some first, some never. Where the
    time comes last in its datagram it ends the frame. Else a frame is whole when every bone of the
    frame before has come again; a bone that comes twice begins a new one, what was gathered is
    given as it is, and what to expect is learned anew. `ignored` counts
    datagrams with messages that are not as specified, and names beyond the limits.
    """

    def __init__(self) -> None:
        self.ignored = 0
        self._frame = 0
        self._bones: dict[str, tuple[float, ...]] = {}
        self._seen: dict[str, int] = {}  # bone -> frame in which it came last
        self._fresh: set[str] = set()
        self._expected: set[str] = set()
        self._staged: dict[str, float] = {}
        self._curves: dict[str, float] = {}
        self._devices: dict[str, tuple[float, ...]] = {}
        self._root: tuple[float, ...] | None = None
        self._camera: tuple[str, tuple[float, ...]] | None = None
        self._state: tuple[int, ...] = (1, 3, 0, 1)
        self._time_s = 0.0
        self._time_ends = False

    def feed(self, datagram: bytes) -> list[Performance]:
        """Takes a datagram; gives the frames that it completes, as a rule none or one."""
        done: list[Performance] = []
        messages, fault = _decode(datagram)
        if fault:
            self.ignored += 1
            if not messages:
                raise ProtocolError(fault)
        addresses = [said.address for said in messages]
        if len(addresses) > 1 and _TIME in (addresses[0], addresses[-1]):
            self._time_ends = addresses[-1] == _TIME
        for said in messages:
            if said.address == "/VMC/Ext/Bone/Pos" and said.arguments[0] in self._fresh:
                self._expected = set(self._fresh)
                done.append(self._give())
            self._take(said.address.removeprefix("/VMC/Ext/"), said.arguments)
        if self._fresh:
            ended = self._time_ends and _TIME in addresses
            whole = not self._time_ends and self._expected and self._fresh >= self._expected
            if ended or whole:
                done.append(self._give())
        elif not self._bones and "/VMC/Ext/Blend/Apply" in addresses:  # a face without a body
            done.append(self._give())
        return done

    def _take(self, kind: str, said: tuple) -> None:
        if kind == "Bone/Pos" and said[0] == "root":  # for a receiver that reads no other root
            self._root = said[1:8]
        elif kind == "Bone/Pos":
            if self._room(self._bones, said[0], MOST_BONES):
                self._bones[said[0]] = said[1:8]
                self._fresh.add(said[0])
        elif kind == "T":
            self._time_s = said[0]
        elif kind == "Blend/Val":
            if self._room(self._staged, said[0], MOST_CURVES):
                self._staged[said[0]] = said[1]
        elif kind == "Blend/Apply":
            self._curves, self._staged = self._staged, {}
        elif kind == "Root/Pos":
            self._root = said[1:8]
        elif kind == "Cam" and len(said[0]) <= LONGEST_NAME:
            self._camera = (said[0], said[1:9])
        elif kind == "OK":
            self._state = (*said, *self._state[len(said) :])
        elif kind in ("Hmd/Pos", "Con/Pos", "Tra/Pos"):
            key = f"{kind[:3]} {said[0]}"
            if self._room(self._devices, key, MOST_DEVICES):
                self._devices[key] = said[1:8]

    def _room(self, there: dict, name: str, most: int) -> bool:
        if name in there or (len(there) < most and len(name) <= LONGEST_NAME):
            return True
        self.ignored += 1
        return False

    def _give(self) -> Performance:
        self._frame += 1
        self._seen.update(dict.fromkeys(self._fresh, self._frame))
        for name in [n for n, last in self._seen.items() if self._frame - last > _KEPT_FRAMES]:
            del self._seen[name], self._bones[name]
        self._fresh = set()
        rows = np.array(list(self._bones.values())).reshape(-1, 7)
        positions, rotations = axes.unity(rows[:, :3], rows[:, 3:])
        camera = self._camera
        loaded, calibration, mode, tracking = self._state
        return Performance(
            tuple(self._bones),
            positions,
            rotations,
            _placed(self._root) if self._root else None,
            dict(self._curves),
            Camera(camera[0], *_filmed(camera[1]), camera[1][7]) if camera else None,
            [Device(key[:3], key[4:], *_placed(row)) for key, row in self._devices.items()],
            self._time_s,
            bool(loaded),
            calibration,
            mode,
            tracking,
        )


_TIME = "/VMC/Ext/T"


def _placed(row: tuple[float, ...]) -> tuple[Array, Array]:
    return axes.unity(np.array(row[:3]), np.array(row[3:7]))


def _filmed(row: tuple[float, ...]) -> tuple[Array, Array]:
    position, turn = _placed(row)
    return position, rotation.multiply(turn, ABOUT)
