"""OptiTrack NatNet, as Motive streams it: skeletons and rigid bodies, their names, who serves.

Little-endian. A message is u16 number, u16 size of what follows, and that. Commands go to port
1510 and are answered to whom they came from; frames come to port 1511 of a group, or to whoever
connected. Positions are metres, rotations x y z w; right-handed, +Y up unless Motive is told else.

What a message holds depends on the version of the stream, 2.0 to 4.2: before 3.0 a rigid body
brings its markers with it, 3.0 added the stamps of the cameras, 4.1 the size of each list. Senders
say their version in `ServerInfo`; where that never comes, `fitting` finds the one by which a
message ends where it should.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError
from .natnet_reader import MOST_BONES, Reader

COMMANDS, PORT, GROUP = 1510, 1511, "239.255.42.99"
CONNECT, SERVER_INFO, REQUEST, RESPONSE, ASK_MODELS, MODELS = range(6)
FRAME, TEXT, DISCONNECT, KEEP_ALIVE = 7, 8, 9, 10
HEADER = struct.Struct("<HH")
Version = tuple[int, int]
NEWEST: Version = (4, 2)
# Those that differ from one another, the likeliest first.
VERSIONS: tuple[Version, ...] = (
    (3, 0),
    (4, 1),
    (4, 2),
    (4, 0),
    (2, 9),
    (2, 11),
    (2, 7),
    (2, 6),
    (2, 4),
)
MARKERS, RIGID_BODY, SKELETON, FORCE_PLATE, DEVICE, CAMERA, ASSET = range(7)
VALID, RECORDING, CHANGED = 1, 1, 2
LARGEST_M = 1e4
NO_TURN = (0.0, 0.0, 0.0, 1.0)
_ROW = np.dtype(
    [("id", "<i4"), ("at", "<f4", 3), ("turn", "<f4", 4), ("error", "<f4"), ("bits", "<i2")]
)

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Server:
    """Who streams: its name, its version and its stream's; ticks a second of its clock, 0: unknown;
    the group and port of its frames, group "" where it sends them to whoever connects."""

    name: str
    version: tuple[int, int, int, int]
    stream: Version
    clock_hz: int = 0
    port: int = 0
    group: str | None = None


@dataclass(slots=True)
class Bodies:
    """Rigid bodies: ids (N,), positions (N, 3), rotations (N, 4) of length 1, valid (N,)."""

    ids: np.ndarray
    positions: Array
    rotations: Array
    valid: np.ndarray


NONE = Bodies(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 4)), np.zeros(0, bool))


@dataclass(slots=True)
class Frame:
    """What the cameras saw. exposed, received and sent are ticks of the server's clock, 0: unknown;
    changed: the models are others than before."""

    number: int
    bodies: Bodies
    skeletons: list[tuple[int, Bodies]]
    time_s: float = 0.0
    exposed: int = 0
    received: int = 0
    sent: int = 0
    timecode: int = 0
    recording: bool = False
    changed: bool = False


@dataclass(slots=True)
class Model:
    """A rigid body or a skeleton. Of its bones: names, ids, ids of their parents (0 or less: none),
    positions (N, 3) and rotations (N, 4) in their parents. A rigid body is one bone."""

    kind: int
    name: str
    id: int
    bones: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    positions: Array = field(default_factory=lambda: np.zeros((0, 3)))
    rotations: Array = field(default_factory=lambda: np.zeros((0, 4)))


def message(kind: int, content: bytes = b"") -> bytes:
    """A message of a number and its content."""
    return HEADER.pack(kind, len(content)) + content


def connect(version: Version = NEWEST) -> bytes:
    """Asks who serves, and to be sent the frames where those go to whoever connects.

    A name, our version and the stream's; since 4.0 whether only some is wanted, and the stream's
    version again. The name is the word by which old servers know it.
    """
    four = bytes((*version, 0, 0))
    return message(CONNECT, b"Ping".ljust(256, b"\0") + four + four + b"\0" + four + b"\0")


def request(text: str) -> bytes:
    """A command in words, as "Bitstream,4.1"."""
    return message(REQUEST, text.encode() + b"\0")


def split(data: bytes) -> tuple[int, bytes]:
    """Number and content of a message."""
    if len(data) < HEADER.size:
        raise ProtocolError("A NatNet message has a header of 4 bytes, and this is shorter.")
    kind, size = HEADER.unpack_from(data)
    content = data[HEADER.size :]
    # One byte more is usual of short ones, and the size of a long one does not fit into 16 bits.
    if len(content) < size:
        raise ProtocolError(f"A NatNet message says {size} bytes, and has {len(content)}.")
    return kind, content


def server(content: bytes) -> Server:
    """Who answers."""
    if len(content) < 264:
        raise ProtocolError("NatNet's server info has 264 bytes or more, and this one fewer.")
    name = content[:256].partition(b"\0")[0].decode("utf-8", "replace")
    stream = content[260], content[261]
    if not 1 <= stream[0] <= 9:
        raise ProtocolError(f"NatNet {stream[0]}.{stream[1]} is no version that there is.")
    clock_hz, port, group = 0, 0, None
    if stream >= (3, 0) and len(content) >= 279:
        clock_hz, port, multicast = struct.unpack_from("<QHB", content, 264)
        group = ".".join(map(str, content[275:279])) if multicast else ""
    version = (content[256], content[257], content[258], content[259])
    return Server(name, version, stream, min(clock_hz, 1 << 62), port, group)


def pack_server(said: Server) -> bytes:
    """The message of who serves."""
    content = said.name.encode()[:255].ljust(256, b"\0")
    content += bytes(said.version) + bytes((*said.stream, 0, 0))
    if said.stream >= (3, 0):
        group = bytes(map(int, said.group.split("."))) if said.group else bytes(4)
        content += struct.pack("<QHB", said.clock_hz, said.port, bool(said.group)) + group
    return message(SERVER_INFO, content)


def fitting(
    read: Callable[[bytes, Version], Read], content: bytes, known: Version | None
) -> tuple[Read, Version]:
    """What a message says, by the version known or by the first that fits."""
    if known is not None:
        try:
            return read(content, known), known
        except ProtocolError:
            pass
    for version in VERSIONS:
        if version != known:
            try:
                return read(content, version), version
            except ProtocolError:
                continue
    raise ProtocolError("A NatNet message ends elsewhere than by any version from 2.4 to 4.2.")


def frame(content: bytes, version: Version) -> Frame:
    """A frame of the version, which has to end where the message does."""
    of = Reader(content)
    sized = version >= (4, 1)
    number = of.i32()

    def each() -> range:
        count = of.count(1)
        if sized:
            of.i32()
        return range(count)

    for _ in each():  # sets of markers
        of.text()
        of.skip(12 * of.count(12))
    for _ in each():  # markers of nobody
        of.skip(12)
    bodies = _bodies(of, version, len(each()))
    skeletons = []
    if version >= (2, 1):
        for _ in each():
            skeletons.append((of.i32(), _bodies(of, version, of.count(28))))
    if sized:  # assets
        for _ in each():
            skeletons.append((of.i32(), _bodies(of, version, of.count(38))))
            of.skip(26 * of.count(26))
    if version >= (2, 3):  # markers with a name
        for _ in each():
            of.skip(20 + 2 * (version >= (2, 6)) + 4 * (version >= (3, 0)))
    for since in ((2, 9), (2, 11)):  # force plates and devices
        for _ in each() if version >= since else ():
            of.i32()
            for _ in range(of.count(4)):
                of.skip(4 * of.count(4))
    timecode, _ = of.i32(), of.i32()
    time_s = of.f64() if version >= (2, 7) else of.f32()
    stamps = (of.u64(), of.u64(), of.u64()) if version >= (3, 0) else (0, 0, 0)
    if version >= (4, 0) and of.left >= 14:  # a precision time; 4.0 has it in some builds
        of.skip(8)
    bits = of.i16()
    of.i32()
    of.ends()
    if not np.isfinite(time_s) or not 0.0 <= time_s < 1e10:
        time_s = 0.0
    return Frame(
        number, bodies, skeletons, time_s, *stamps, timecode & 0xFFFFFFFF,
        bool(bits & RECORDING), bool(bits & CHANGED),
    )  # fmt: skip


def _bodies(of: Reader, version: Version, count: int) -> Bodies:
    """So many rigid bodies."""
    if not count:
        return NONE
    if version >= (3, 0):
        rows = of.rows(_ROW, count)
    else:
        rows = np.zeros(of.checked(count, 32), _ROW)
        for row in rows:
            row["id"] = of.i32()
            row["at"], row["turn"] = of.floats(3), of.floats(4)
            of.skip(20 * of.count(20))  # places, numbers and sizes of its markers
            row["error"] = of.f32()
            row["bits"] = of.i16() if version >= (2, 6) else VALID
    with np.errstate(invalid="ignore", over="ignore"):  # whatever bytes they were
        at, turns = rows["at"].astype(float), rows["turn"].astype(float)
        lengths = np.sqrt((turns**2).sum(-1))
    sound = np.isfinite(at).all(-1) & np.isfinite(lengths)
    if not sound.all() or np.abs(at).max(initial=0.0) > LARGEST_M:
        raise ProtocolError("A NatNet body is at a place that is none.")
    turned = np.abs(lengths - 1.0) < 0.1
    # What was not tracked since the stream began is at 0 0 0, with a rotation of zeros.
    if not (turned | (lengths < 1e-6)).all():
        raise ProtocolError("A NatNet body has a rotation that is none.")
    turns[~turned], lengths[~turned] = NO_TURN, 1.0
    valid = ((rows["bits"] & VALID) != 0) & turned
    return Bodies(rows["id"].astype(int), at, turns / lengths[:, None], valid)


def models(content: bytes, version: Version) -> list[Model]:
    """The rigid bodies and skeletons that there are; the rest is passed over.

    Bones of a 3.x skeleton have markers by one reading and none by another: both are tried.
    """
    try:
        return _models(content, version, True)
    except ProtocolError:
        if version[0] != 3:
            raise
        return _models(content, version, False)


def _models(content: bytes, version: Version, bones_have_markers: bool) -> list[Model]:
    of = Reader(content)
    found: list[Model] = []
    for _ in range(of.count(4)):
        kind = of.i32()
        end = of.at + 4 + of.count(1) if version >= (4, 1) else None
        if kind == MARKERS:
            of.text()
            for _ in range(of.count(1)):
                of.text()
        elif kind == RIGID_BODY:
            one = Model(RIGID_BODY, "", 0)
            _bone(of, version, one, True)
            one.name, one.id = one.bones[0], one.ids[0]
            found.append(one)
        elif kind in (SKELETON, ASSET):
            one = Model(kind, of.text(), 0)
            if kind == ASSET:
                of.i32()
            one.id = of.i32()
            for _ in range(of.count(20)):
                _bone(of, version, one, bones_have_markers)
            if len(one.bones) > MOST_BONES:
                raise ProtocolError(f"A NatNet skeleton has up to {MOST_BONES} bones.")
            found.append(one)
        elif end is None:
            _pass(of, kind)
        if end is not None:
            if kind in (RIGID_BODY, SKELETON, ASSET) and of.at != end:
                raise ProtocolError("A NatNet model ends elsewhere than it says.")
            of.go(end)
    of.ends()
    return found


def _bone(of: Reader, version: Version, into: Model, markers: bool) -> None:
    into.bones.append(of.text())
    into.ids.append(of.i32())
    into.parents.append(of.i32())
    at = np.array([of.floats(3)], float)
    turn = np.array([of.floats(4) if version >= (4, 2) else NO_TURN], float)
    length = float(np.sqrt((turn**2).sum()))
    if not np.isfinite(at).all() or np.abs(at).max() > LARGEST_M or not np.isfinite(length):
        raise ProtocolError("A NatNet bone has an offset that is none.")
    turn = turn / length if abs(length - 1.0) < 0.1 else np.array([NO_TURN])
    into.positions = np.concatenate([into.positions, at])
    into.rotations = np.concatenate([into.rotations, turn])
    if markers and version >= (3, 0):
        count = of.count(16)
        of.skip(16 * count)
        for _ in range(count if version >= (4, 0) else 0):
            of.text()


def _pass(of: Reader, kind: int) -> None:
    """Passes over what is of no use here; before 4.1 nothing says how long it is."""
    if kind == FORCE_PLATE:
        of.i32()
        of.text()
        of.skip(20 + 576 + 48 + 8)
    elif kind == DEVICE:
        of.i32()
        of.text()
        of.text()
        of.skip(8)
    elif kind == CAMERA:
        of.text()
        of.skip(28)
        return
    else:
        raise ProtocolError(f"NatNet has no model of kind {kind}.")
    for _ in range(of.count(1)):
        of.text()
