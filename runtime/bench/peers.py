"""Ours beside what others do for the same: in one process, in rounds that alternate.

The peers come with the extra `peers`; what is not installed is said and left out.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import zmq

from understudy.bridge import Publisher, Subscriber
from understudy.runtime.core.pose import Frame
from understudy.runtime.takes import bvh

from . import bvh as reading
from .figure import Figure
from .wire import ANYWHERE, cast, until

Work = Callable[[], object]
Rounds = dict[str, list[float]]
FILES = ("08_01", "131_01", "02_05", "002_01", "002_02", "indian_04")


def measure(quick: bool) -> list[Figure]:
    """The wire against msgpack and protobuf, BVH files against pybvh and pymotion."""
    figures = []
    for count in (1, 100):
        figures += _wire(count, 4 if quick else 12)
    return [*figures, *_reading(3 if quick else 8)]


def alternating(works: dict[str, Work], rounds: int, at_least_s: float = 0.05) -> Rounds:
    """Microseconds of this process's own time that one call takes, in rounds that alternate.

    The time of all its threads counts: a message's way through libzmq is theirs.
    """
    times = {}
    for name, work in works.items():
        work()
        before_s = time.perf_counter()
        work()
        times[name] = max(int(at_least_s / max(time.perf_counter() - before_s, 1e-6)), 1)
    spent: Rounds = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            before_ns = time.process_time_ns()
            for _ in range(times[name]):
                work()
            spent[name].append((time.process_time_ns() - before_ns) / times[name] / 1e3)
    return spent


def ratio(spent: Rounds, ours: str, theirs: str) -> tuple[float, str]:
    """Ours over theirs, the median of pairs, and what each took with its spread."""
    pairs = np.array(spent[ours]) / np.array(spent[theirs])
    told = (
        f"{np.median(spent[ours]):,.0f} us against {np.median(spent[theirs]):,.0f}, "
        f"{len(pairs)} rounds by turns, ratios {pairs.min():.2f} to {pairs.max():.2f}"
    )
    return float(np.median(pairs)), told


def _wire(count: int, rounds: int) -> list[Figure]:
    """Encoded, sent, received and decoded: a frame of ours, and the same arrays packed."""
    frame = cast(count)
    context: zmq.Context = zmq.Context.instance()
    figures = []
    with ExitStack() as stack:
        publisher = stack.enter_context(Publisher(ANYWHERE))
        subscriber = stack.enter_context(Subscriber(publisher.address))
        until(lambda: subscriber.receive(0.02), lambda: publisher.publish(frame))
        works: dict[str, Work] = {"ours": lambda: _ours(publisher, subscriber, frame)}
        for package in ("msgpack", "google.protobuf"):
            name = f"wire against {package.split('.')[-1]}, {count} subject(s) of 60 joints"
            try:
                pack, unpack = _PACKERS[package](importlib.import_module(package))
            except ImportError:
                figures.append(Figure(name, None, "times the CPU", "", None, _absent(package)))
                continue
            out = stack.enter_context(context.socket(zmq.PUB))
            into = stack.enter_context(context.socket(zmq.SUB))
            works[name] = _bare(out, into, partial(pack, frame), unpack)
        spent = alternating(works, rounds)
    for name in works:
        if name != "ours":
            value, told = ratio(spent, "ours", name)
            told += "; ours checks every number and gives whole subjects"
            figures.append(Figure(name, value, "times the CPU", "<= 1.5", value <= 1.5, told))
    return figures


def _bare(
    out: zmq.Socket, into: zmq.Socket, pack: Callable[[], bytes], unpack: Callable[[bytes], object]
) -> Work:
    """Packs, sends, receives and unpacks over two sockets that this joins."""
    out.linger = into.linger = 0
    into.subscribe(b"")
    out.bind(ANYWHERE)
    into.connect(str(out.getsockopt_string(zmq.LAST_ENDPOINT)))
    until(lambda: into.poll(20), lambda: out.send(b"."))
    while into.poll(20):
        into.recv()

    def work() -> object:
        out.send(pack())
        into.poll(1000)
        return unpack(into.recv())

    return work


def _ours(publisher: Publisher, subscriber: Subscriber, frame: Frame) -> Frame | None:
    frame.sequence += 1
    publisher.publish(frame)
    return subscriber.receive(1.0)


def _absent(package: str) -> str:
    return f"not measured: {package} is not installed (the extra `peers` brings it)"


def _parts(frame: Frame) -> list[dict[str, Any]]:
    """What a program packs by hand: each subject's arrays as bytes, in single precision."""
    return [
        {
            "name": one.name,
            "skeleton": one.skeleton.id,
            "state": int(one.state),
            "reason": one.reason,
            "positions": one.pose.positions.astype("<f4").tobytes(),
            "rotations": one.pose.rotations.astype("<f4").tobytes(),
            "contacts": one.contacts.astype("<f4").tobytes(),
            "trajectory": one.trajectory.astype("<f4").tobytes(),
        }
        for one in frame.subjects
    ]


def _viewed(subject: dict[str, Any]) -> dict[str, Any]:
    """The same with arrays again, unchecked."""
    for name, width in (("positions", 3), ("rotations", 4), ("contacts", 2), ("trajectory", 4)):
        subject[name] = np.frombuffer(subject[name], "<f4").reshape(-1, width)
    return subject


def _msgpack(package: Any) -> tuple[Callable[[Frame], bytes], Callable[[bytes], object]]:
    def pack(frame: Frame) -> bytes:
        head = {"sequence": frame.sequence, "timecode": frame.timecode, "stats": frame.stats}
        packed: bytes = package.packb({**head, "subjects": _parts(frame)})
        return packed

    def unpack(message: bytes) -> object:
        read = package.unpackb(message)
        return [_viewed(one) for one in read["subjects"]]

    return pack, unpack


def _protobuf(package: Any) -> tuple[Callable[[Frame], bytes], Callable[[bytes], object]]:
    """A message of its own, described here instead of by protoc."""
    descriptor = importlib.import_module("google.protobuf.descriptor_pb2")
    pool = importlib.import_module("google.protobuf.descriptor_pool")
    factory = importlib.import_module("google.protobuf.message_factory")
    kinds = descriptor.FieldDescriptorProto
    file = descriptor.FileDescriptorProto(name="peer.proto", package="peer", syntax="proto3")
    subject = file.message_type.add(name="Subject")
    fields = dict.fromkeys(("name", "reason"), kinds.TYPE_STRING)
    fields |= {"skeleton": kinds.TYPE_UINT64, "state": kinds.TYPE_INT32}
    arrays = ("positions", "rotations", "contacts", "trajectory")
    fields |= dict.fromkeys(arrays, kinds.TYPE_BYTES)
    for number, (name, kind) in enumerate(fields.items(), 1):
        subject.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    whole = file.message_type.add(name="Frame")
    whole.field.add(name="sequence", number=1, type=kinds.TYPE_UINT64, label=kinds.LABEL_OPTIONAL)
    whole.field.add(name="timecode", number=2, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    whole.field.add(
        name="subjects", number=3, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_REPEATED,
        type_name=".peer.Subject",
    )  # fmt: skip
    own = pool.DescriptorPool()
    own.Add(file)
    message_type = factory.GetMessageClass(own.FindMessageTypeByName("peer.Frame"))

    def pack(frame: Frame) -> bytes:
        message = message_type(sequence=frame.sequence, timecode=frame.timecode)
        for one in _parts(frame):
            message.subjects.add(**one)
        packed: bytes = message.SerializeToString()
        return packed

    def unpack(data: bytes) -> object:
        message = message_type.FromString(data)
        return [_viewed({name: getattr(one, name) for name in fields}) for one in message.subjects]

    return pack, unpack


_PACKERS = {"msgpack": _msgpack, "google.protobuf": _protobuf}


def _reading(rounds: int) -> list[Figure]:
    """Every file by itself: one ratio for all would hide the worst."""
    with TemporaryDirectory() as folder:
        paths = _files() or reading.made_up(Path(folder), 3)
        return [figure for path in paths for figure in _read(path, rounds)]


def _files() -> list[Path]:
    mocap = Path(__file__).resolve().parents[3] / "shared" / "mocap"
    return [path for name in FILES for path in sorted(mocap.glob(f"*/{name}.bvh"))[:1]]


def _read(path: Path, rounds: int) -> list[Figure]:
    clip = bvh.read(path)
    what = f"{path.name} ({len(clip)} frames, {len(clip.skeleton)} joints)"
    works: dict[str, Work] = {"ours": lambda: bvh.read(path)}
    figures = []
    for peer, (read, *_) in reading.PEERS.items():
        name = f"BVH against {peer}, {what}"
        try:
            reading.timed(read, [path])
        except ImportError:
            figures.append(Figure(name, None, "times as fast", "", None, _absent(peer)))
            continue
        works[name] = partial(reading.timed, read, [path])
    spent = alternating(works, rounds)
    for name in works:
        if name != "ours":
            value, told = ratio(spent, name, "ours")
            figures.append(Figure(name, value, "times as fast", "", None, told))
    return figures
