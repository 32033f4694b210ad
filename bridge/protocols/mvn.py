"""Xsens MVN's network streamer ("MXTP"): poses, T-poses and names of several characters.

Big-endian. A header of 24 bytes: "MXTP" and the message's number in two digits, u32 sample,
u8 piece (bit 7: the last of its sample), u8 items, u32 milliseconds, u8 character, u8 body
segments, u8 props, u8 finger segments, u16 reserved, u16 size of what follows. Items of a pose come
in the order body, props, left hand, right hand; each begins with an i32 number.

01  Euler       position, degrees about x y z; +Y up, right-handed
02  quaternion  position, w x y z; +Z up, +X forward, right-handed
03  points      position alone, +Y up, right-handed; the number is 256 times that of the segment and
                that of the point on it ("scale" says which there are); one page has 100 times
05  Unity       position, w x y z; +Y up, left-handed; all but pelvis and props relative to their
                parents, in an order of their own
12  "name:..." and other lines     13  places of all segments in the T-pose     25  time code

The specification says that positions are in cm, and MVN sends 02, 05 and 13 in metres: `unit_m`
tells which by the size of the body.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError
from .mvn_scale import LONGEST_NAME, Scale, read_scale

PORT = 9763
HEADER = struct.Struct(">4s2sIBBIBBBBHH")
EULER, QUATERNION, POINTS, UNITY, NAMES, SCALE, TIMECODE = 1, 2, 3, 5, 12, 13, 25
POSES = (EULER, QUATERNION, UNITY)
_ITEM = {EULER: 28, QUATERNION: 32, POINTS: 16, UNITY: 32}
LAST = 0x80
MOST_ITEMS = 127
# Poses of so many kinds and characters are joined at a time.
MOST_OPEN = 32
# A body whose segments lie further apart is not in metres.
LARGEST_M = 5.0

# segment -> its parent, in the order of their numbers, which begin at 1
SEGMENTS: dict[str, str] = {
    "Pelvis": "",
    "L5": "Pelvis",
    "L3": "L5",
    "T12": "L3",
    "T8": "T12",
    "Neck": "T8",
    "Head": "Neck",
    **{
        f"{side}{part}": f"{side}{above}" if above != "T8" else "T8"
        for side in ("Right", "Left")
        for part, above in (
            ("Shoulder", "T8"),
            ("UpperArm", "Shoulder"),
            ("Forearm", "UpperArm"),
            ("Hand", "Forearm"),
        )
    },
    **{
        f"{side}{part}": f"{side}{above}" if above != "Pelvis" else "Pelvis"
        for side in ("Right", "Left")
        for part, above in (
            ("UpperLeg", "Pelvis"),
            ("LowerLeg", "UpperLeg"),
            ("Foot", "LowerLeg"),
            ("Toe", "Foot"),
        )
    },
}
BODY = tuple(SEGMENTS)
# Unity's order of the same.
UNITY_BODY: tuple[str, ...] = (
    "Pelvis",
    *(f"{s}{p}" for s in ("Right", "Left") for p in ("UpperLeg", "LowerLeg", "Foot", "Toe")),
    *("L5", "L3", "T12", "T8"),
    *(f"{s}{p}" for s in ("Left", "Right") for p in ("Shoulder", "UpperArm", "Forearm", "Hand")),
    *("Neck", "Head"),
)
# "First" to "Fifth" by the names that everybody else gives them; a thumb has no middle phalanx.
_FINGERS = {
    "Thumb": ("Proximal", "Intermediate", "Distal"),
    **{
        name: ("Metacarpal", "Proximal", "Intermediate", "Distal")
        for name in ("Index", "Middle", "Ring", "Little")
    },
}


def _hands() -> dict[str, str]:
    found: dict[str, str] = {}
    for side in ("Left", "Right"):
        found[f"{side}Carpus"] = f"{side}Hand"
        for finger, parts in _FINGERS.items():
            above = f"{side}Carpus"
            for part in parts:
                found[f"{side}{finger}{part}"] = above
                above = f"{side}{finger}{part}"
    return found


HANDS = _hands()
FINGERS = tuple(HANDS)
PARENTS = SEGMENTS | HANDS
assert len(BODY) == 23 and set(UNITY_BODY) == set(BODY) and len(FINGERS) == 40


@dataclass(slots=True)
class Header:
    """piece counts from 0; segments, props and fingers are 0 where an old MVN leaves them out."""

    kind: int
    sample: int
    piece: int = 0
    last: bool = True
    items: int = 0
    time_ms: int = 0
    character: int = 0
    segments: int = 23
    props: int = 0
    fingers: int = 0


@dataclass(slots=True)
class Items:
    """Items of a pose, or a part of them: numbers (N,), positions (N, 3), rotations (N, 4) x y z w,
    as the message has them. Of Euler angles the rotations are (N, 3) degrees, of points (N, 0)."""

    numbers: np.ndarray
    positions: Array
    rotations: Array


@dataclass(slots=True)
class Message:
    """One datagram. said is None for kinds that are not read."""

    header: Header
    said: Items | Scale | dict[str, str] | str | None = None


@dataclass(slots=True)
class Body:
    """A pose in our axes and metres: positions (N, 3) and rotations (N, 4) of `names`, in the room,
    or local where it is Unity's; seen (N,) where a rotation is one. props are in the room."""

    names: tuple[str, ...]
    positions: Array
    rotations: Array
    seen: Array
    local: bool = False
    props: list[tuple[str, Array, Array]] = field(default_factory=list)


def encode(header: Header, payload: bytes) -> bytes:
    """The datagram."""
    try:
        return (
            HEADER.pack(
                b"MXTP",
                f"{header.kind:02d}".encode(),
                header.sample & 0xFFFFFFFF,
                header.piece | LAST * header.last,
                header.items,
                header.time_ms & 0xFFFFFFFF,
                header.character,
                header.segments,
                header.props,
                header.fingers,
                0,
                len(payload),
            )
            + payload
        )
    except struct.error as error:
        raise ProtocolError(f"An MVN header cannot hold this: {error}.") from None


def pack_items(kind: int, items: Items) -> bytes:
    """The bytes of items as they are."""
    turns = items.rotations if kind in (EULER, POINTS) else items.rotations[:, [3, 0, 1, 2]]
    values = np.concatenate([items.positions, turns], axis=1)
    rows = np.empty((len(values), values.shape[1] + 1), ">f4")
    rows[:, 1:] = values
    rows.view(">i4")[:, 0] = items.numbers
    return rows.tobytes()


def decode(data: bytes) -> Message:
    """The message in a datagram."""
    if len(data) < HEADER.size or data[:4] != b"MXTP":
        raise ProtocolError(
            f"An MVN datagram begins with MXTP and has {HEADER.size} bytes or more; this one has "
            f"{len(data)} and begins with {data[:6]!r}."
        )
    _, digits, sample, piece, items, time_ms, character, segments, props, fingers, _, size = (
        HEADER.unpack_from(data)
    )
    if not digits.isdigit():
        raise ProtocolError(f"The kind of an MVN message is two digits, this one's {digits!r}.")
    header = Header(
        *(int(digits), sample, piece & ~LAST, bool(piece & LAST), items, time_ms, character),
        *(segments, props, fingers),
    )
    payload = data[HEADER.size :]
    if size > len(payload):
        raise ProtocolError(
            f"An MVN datagram says {size} bytes and has {len(payload)}: it was cut on its way."
        )
    payload = payload[:size] if size else payload
    if header.kind in _ITEM:
        return Message(header, _items(header, payload))
    if header.kind == NAMES:
        return Message(header, _names(payload))
    if header.kind == SCALE:
        return Message(header, read_scale(payload))
    return Message(header, _timecode(payload) if header.kind == TIMECODE else None)


def cut(stream: bytes) -> tuple[list[bytes], int]:
    """The whole messages at the beginning of a stream, and how many bytes they take."""
    found: list[bytes] = []
    at = 0
    while len(stream) - at >= HEADER.size:
        if stream[at : at + 4] != b"MXTP":
            raise ProtocolError("MVN's stream has something between its messages.")
        size = HEADER.size + int(HEADER.unpack_from(stream, at)[-1])
        if len(stream) - at < size:
            break
        found.append(stream[at : at + size])
        at += size
    return found, at


def _items(header: Header, payload: bytes) -> Items:
    size = _ITEM[header.kind]
    if not 0 < header.items <= MOST_ITEMS or header.items * size > len(payload):
        raise ProtocolError(
            f"An MVN pose has 1 to {MOST_ITEMS} items of {size} bytes; this one says "
            f"{header.items} and has {len(payload)} bytes."
        )
    rows = np.frombuffer(payload, ">f4", header.items * size // 4).reshape(header.items, -1)
    numbers = np.frombuffer(payload, ">i4", rows.size).reshape(rows.shape)[:, 0].astype(np.int64)
    with np.errstate(invalid="ignore"):
        values = rows[:, 1:].astype(np.float64)
    if not np.isfinite(values).all() or np.abs(values[:, :3]).max() > 1e6:
        raise ProtocolError("An MVN pose has a number that is not finite, or beyond all rooms.")
    turns = values[:, 3:] if header.kind in (EULER, POINTS) else values[:, [4, 5, 6, 3]]
    return Items(numbers, values[:, :3], turns)


def _names(payload: bytes) -> dict[str, str]:
    """Lines of "tag:value"; some versions put the text's length before it."""
    found: dict[str, str] = {}
    for line in payload[:4096].split(b"\n"):
        tag, colon, value = line.partition(b":")
        word = bytes(c for c in tag if c > 32).decode("ascii", "ignore")
        if colon and word and len(found) < 16:
            found[word[:32]] = value.decode("utf-8", "replace").strip("\0 \r")[:LONGEST_NAME]
    return found


def _timecode(payload: bytes) -> str:
    """HH:MM:SS.mmm, with or without its length before it."""
    text = bytes(c for c in payload[:32] if 43 < c < 60).decode("ascii")
    parts = text.split(":")
    if len(parts) not in (3, 4) or not all(part.replace(".", "").isdigit() for part in parts):
        raise ProtocolError(f"An MVN time code is HH:MM:SS.mmm, not {payload[:16]!r}.")
    return text


def unit_m(places: Array) -> float:
    """Metres in one unit of a body's places (N, 3), by how far they lie apart."""
    spread = float(np.ptp(places, axis=0).max(initial=0.0)) if len(places) else 0.0
    return 0.01 if spread > LARGEST_M else 1.0


@lru_cache(maxsize=64)  # a character's is the same in every frame
def _layout(
    kind: int, numbers: bytes, segments: int, props: int, fingers: int
) -> tuple[tuple[str, ...], list[int], list[int], int, int]:
    """Of items with such numbers: names of segments, their rows, rows without the pelvis', and how
    many items are segments and props."""
    each = np.frombuffer(numbers, np.int64)
    count = len(each)
    if not segments or segments + props + fingers != count:  # an old MVN, or one not whole
        segments = min(count, len(BODY))
        props = min(count - segments, 4)
        fingers = count - segments - props
    order = UNITY_BODY if kind == UNITY else BODY
    named: dict[str, int] = {}
    for i in range(segments):
        if 1 <= each[i] <= len(order):
            named[order[int(each[i]) - 1]] = i
    if fingers == len(FINGERS):
        named |= {name: segments + props + i for i, name in enumerate(FINGERS)}
    if not named:
        raise ProtocolError(f"An MVN pose has no segment with a number from 1 to {len(order)}.")
    names = tuple(name for name in PARENTS if name in named)
    local = [i for name, i in named.items() if name != "Pelvis"]
    return names, [named[name] for name in names], local, segments, props


def body(header: Header, items: Items, unit: float | None = None) -> Body:
    """The pose of whole items; unit in metres, None: by the size of the body."""
    count = len(items.numbers)
    names, rows, local, segments, props = _layout(
        header.kind, items.numbers.tobytes(), header.segments, header.props, header.fingers
    )
    if unit is None:
        # Unity's are from joint to joint, and the pelvis is anywhere.
        unit = unit_m(items.positions[local if header.kind == UNITY else rows])
    positions, turns, lengths = items.positions * unit, items.rotations, None
    if header.kind == EULER:
        turns = rotation.from_euler(np.radians(turns)[:, [2, 1, 0]], "ZYX")
    else:
        lengths = np.sqrt((turns * turns).sum(axis=-1, keepdims=True))
        turns = np.where(lengths > 0.5, turns / np.maximum(lengths, 0.5), rotation.identity())
        turn = axes.unity if header.kind == UNITY else axes.from_z_up
        positions, turns = turn(positions, turns)
    seen = np.ones(count, bool) if lengths is None else lengths[:, 0] > 0.5
    things = [
        (f"Prop {i + 1}", positions[segments + i], turns[segments + i])
        for i in range(props)
        if seen[segments + i]
    ]
    return Body(names, positions[rows], turns[rows], seen[rows], header.kind == UNITY, things)


def items(kind: int, said: Body) -> Items:
    """The items of a pose in our axes; of UNITY it is local, and props and fingers are left out."""
    order = UNITY_BODY if kind == UNITY else BODY
    row = {name: i for i, name in enumerate(said.names)}
    rows = [row[name] for name in order]
    numbers = [*range(1, len(order) + 1)]
    positions, turns = said.positions[rows], said.rotations[rows]
    if kind != UNITY:
        for i, (_, at, turn) in enumerate(said.props):
            positions, turns = np.vstack([positions, at]), np.vstack([turns, turn])
            numbers.append(len(order) + 1 + i)
        if set(FINGERS) <= row.keys():
            hands = [row[name] for name in FINGERS]
            positions = np.vstack([positions, said.positions[hands]])
            turns = np.vstack([turns, said.rotations[hands]])
            numbers += range(numbers[-1] + 1, numbers[-1] + 1 + len(FINGERS))
    if kind == UNITY:
        return Items(np.array(numbers), *axes.unity(positions, turns))
    if kind == QUATERNION:
        return Items(np.array(numbers), *axes.to_z_up(positions, turns))
    degrees = np.degrees(rotation.to_euler(turns, "ZYX"))[:, [2, 1, 0]]
    return Items(np.array(numbers), 100.0 * positions, degrees)


def datagrams(kind: int, header: Header, said: Items, most_bytes: int = 1472) -> list[bytes]:
    """A pose as datagrams of at most so many bytes, each with as many items as it holds."""
    size, count = _ITEM[kind], len(said.numbers)
    each = max((most_bytes - HEADER.size) // size, 1)
    found = []
    for piece, at in enumerate(range(0, count, each)):
        part = slice(at, at + each)
        rows = Items(said.numbers[part], said.positions[part], said.rotations[part])
        one = replace(
            header, kind=kind, piece=piece, last=at + each >= count, items=len(rows.numbers)
        )
        found.append(encode(one, pack_items(kind, rows)))
    return found


class Assembler:
    """Joins the pieces of poses; a pose of which one is missing is lost.

    lost      poses that were given up
    repeated  pieces of poses that were whole already
    """

    def __init__(self) -> None:
        self.lost = self.repeated = 0
        self._open: dict[tuple[int, int], dict[int, dict[int, tuple[Header, Items]]]] = {}
        self._done: dict[tuple[int, int], deque[int]] = {}

    def feed(self, message: Message) -> tuple[Header, Items] | None:
        """The whole pose that this message completes."""
        header, items = message.header, message.said
        assert isinstance(items, Items)
        total = header.segments + header.props + header.fingers
        counted = header.kind != POINTS and header.segments and header.items == total
        if (header.piece == 0 and header.last) or counted:
            return header, items
        key = header.kind, header.character
        done = self._done.setdefault(key, deque(maxlen=4))
        if header.sample in done:
            self.repeated += 1
            return None
        samples = self._open.setdefault(key, {})
        while len(self._open) > MOST_OPEN:
            first = next(iter(self._open))
            self.lost += len(self._open.pop(first))
            self._done.pop(first, None)
        pieces = samples.setdefault(header.sample, {})
        pieces[header.piece] = header, items
        while len(samples) > 2:  # pieces of two samples may come mixed
            del samples[next(iter(samples))]
            self.lost += 1
        last = [piece for piece, (one, _) in pieces.items() if one.last]
        if not last or len(pieces) <= max(last):
            return None
        done.append(header.sample)
        for older in [n for n in samples if (header.sample - n) % 2**32 < 2**31]:
            self.lost += older != header.sample
            del samples[older]
        parts = [pieces[n][1] for n in sorted(pieces)]
        if sum(len(part.numbers) for part in parts) > MOST_ITEMS:
            raise ProtocolError(f"An MVN pose has up to {MOST_ITEMS} items; this one has more.")
        return header, Items(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.positions for part in parts]),
            np.concatenate([part.rotations for part in parts]),
        )
