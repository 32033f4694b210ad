"""A device that is played from a recording, into a socket."""

from __future__ import annotations

import contextlib
import heapq
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from understudy.bridge.protocols import (
    freed,
    ifacialmocap,
    landmarks,
    mocopi,
    mvn,
    natnet,
    neuron,
    opentrackio_packet,
    trackers,
    vicon,
)
from understudy.bridge.protocols.livelinkface import ARKIT, CURVES
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.outputs import livelinkface, rokoko, sender, target, vmc
from understudy.runtime.outputs.body import body
from understudy.runtime.sources.controls import faders
from understudy.runtime.sources.midi import opened_output
from understudy.runtime.takes.clip import Clip

from .cameras import FreedSimulator, OpenTrackIOSimulator
from .controllers import MidiSimulator, OscSimulator
from .line import Line
from .mocopi import MocopiSimulator
from .mvn import MvnSimulator
from .natnet import NatNetSimulator
from .neuron import NeuronSimulator
from .points import LandmarksSimulator, TrackersSimulator
from .vicon import ViconSimulator
from .visitors import Visitors

# How long a program that was started again is away.
RESTARTS_S = 1.5
# Side by side, to the left of the first.
APART_M = 1.2


class Simulator(Protocol):
    """What a device sends of a frame."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]: ...


class TextFace:
    """iFacialMocap and Facemotion3d: the first actor's face."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        curves = livelinkface.curves(frame.subjects[0])
        return [ifacialmocap.encode(dict(zip(CURVES, curves.tolist(), strict=True)))]


def _output(scheme: str) -> Callable[[], Simulator]:
    def made() -> Simulator:
        module: Any = sender.KNOWN[scheme]
        output: Simulator = module.OUTPUT(target.parse(f"{scheme}://127.0.0.1", sender.KNOWN))
        return output

    return made


class MidiMouth:
    """A MIDI output in place of a socket."""

    def __init__(self, name: str) -> None:
        self._port, self.where = opened_output(name, "midi")

    def sendto(self, data: bytes, peer: Any) -> None:
        import mido

        self._port.send(mido.Message.from_bytes(data))

    def close(self) -> None:
        self._port.close()

    def __enter__(self) -> MidiMouth:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Device:
    """port  where it is heard; 0: by MIDI, and whoever hears it is a MIDI output's name
    many     whether it sends several actors on one port
    listens  the port on which it is asked for what it sends; 0: nobody asks it
    """

    port: int
    made: Callable[[], Simulator]
    many: bool = False
    listens: int = 0


DEVICES: dict[str, Device] = {
    "mvn": Device(mvn.PORT, MvnSimulator, many=True),
    "mvn-points": Device(mvn.PORT, lambda: MvnSimulator(points=True), many=True),
    "natnet": Device(natnet.PORT, NatNetSimulator, many=True, listens=natnet.COMMANDS),
    "neuron": Device(neuron.PORT, NeuronSimulator, many=True),
    "rokoko": Device(rokoko.PORT, _output("rokoko"), many=True),
    "vicon": Device(vicon.PORT, ViconSimulator, many=True),
    "mocopi": Device(mocopi.PORT, MocopiSimulator),
    "landmarks": Device(landmarks.PORT, LandmarksSimulator),
    "trackers": Device(trackers.PORT, TrackersSimulator),
    "vmc": Device(vmc.PORT, _output("vmc")),
    "livelinkface": Device(livelinkface.PORT, _output("livelinkface")),
    "ifacialmocap": Device(ifacialmocap.PORT, TextFace),
    "facemotion3d": Device(ifacialmocap.FACEMOTION3D_PORT, TextFace),
    "freed": Device(freed.PORT, FreedSimulator, many=True),
    "opentrackio": Device(opentrackio_packet.PORT, OpenTrackIOSimulator),
    "midi": Device(0, MidiSimulator),
    "osc": Device(faders.PORT, OscSimulator),
}


class Performance:
    """A clip as frames: so many actors side by side, each with a face that talks."""

    def __init__(self, clip: Clip, actors: int = 1) -> None:
        body(clip.skeleton)  # raises the sentence where it is no humanoid
        self.clip, self.actors = clip, actors
        self._skeleton = replace(clip.skeleton, curve_names=ARKIT)

    def frame(self, number: int) -> Frame:
        """The frame of this number; after the last the first comes again."""
        clip, row = self.clip, number % len(self.clip)
        time_s = number / clip.rate_hz
        subjects = []
        for actor in range(self.actors):
            pose = Pose(clip.positions[row].copy(), clip.rotations[row].copy())
            pose.positions[0, 0] += APART_M * actor
            subjects.append(
                Subject(f"actor{actor + 1}", self._skeleton, pose, curves=_talk(time_s))
            )
        # The test of a receiver needs no timecode; Live Link Face counts on without one.
        return Frame(number, 0, 0, 0, 0, "", subjects=subjects)


def _talk(time_s: float) -> np.ndarray:
    """(52,) a mouth that opens four times a second, and lids that close every three seconds."""
    curves = np.zeros(len(ARKIT), np.float32)
    curves[ARKIT.index("jawOpen")] = 0.3 - 0.3 * np.cos(2 * np.pi * 4.0 * time_s)
    blink = max(0.0, 1.0 - abs(time_s % 3.0 - 0.15) / 0.15)
    for side in ("Left", "Right"):
        curves[ARKIT.index(f"eyeBlink{side}")] = blink
    return curves


def play(
    performance: Performance,
    device: Device,
    to: tuple[str, int],
    line: Line,
    seconds: float | None,
    running: Callable[[], bool] = lambda: True,
    restart_s: float = 0.0,
) -> tuple[int, int]:
    """Sends until the time is over or it no longer runs; frames and datagrams that were sent.

    restart_s: every so often the program dies, is away for RESTARTS_S, and comes back as another
    one would: from another port, with its clock and its counts at their beginning.
    """
    simulator, rate_hz = device.made(), performance.clip.rate_hz
    family, address = _address(*to) if device.port else (socket.AF_UNSPEC, to[0])
    waiting: list[tuple[float, int, bytes]] = []
    number = sent = order = 0
    began_s, again_s = 0.0, restart_s or float("inf")
    frames = None if seconds is None else max(round(seconds * rate_hz), 1)
    with contextlib.ExitStack() as sockets:
        out = sockets.enter_context(_mouth(family, address))
        visitors = Visitors(out, device.listens, simulator, address)
        start_s = time.monotonic()
        while running() and (frames is None or number < frames or waiting):
            due_s = number / rate_hz if frames is None or number < frames else float("inf")
            next_s = min(due_s, waiting[0][0] if waiting else float("inf"))
            visitors.answer(time.monotonic())
            late_s = time.monotonic() - start_s - next_s
            if late_s < 0.0:
                time.sleep(min(-late_s, 0.1))
                continue
            if next_s == due_s >= again_s:
                began_s, again_s = due_s + RESTARTS_S, due_s + restart_s
                waiting.clear()
                sockets.close()
                out = sockets.enter_context(_mouth(family, address))
                simulator = device.made()
                visitors = Visitors(out, device.listens, simulator, address)
            if next_s == due_s and due_s < began_s:
                number += 1  # it is away, and the actor goes on
                continue
            if next_s == due_s:
                for leaves_s, data in line.carry(
                    simulator.datagrams(performance.frame(number), due_s - began_s), due_s
                ):
                    heapq.heappush(waiting, (leaves_s, order, data))
                    order += 1
                number += 1
                continue
            _, _, data = heapq.heappop(waiting)
            for peer in visitors.peers:
                try:
                    out.sendto(data, peer)
                    sent += 1
                except OSError:  # a full buffer, or nobody there: it is lost, as in a network
                    line.lost += 1
    return number, sent


def _mouth(family: socket.AddressFamily, address: Any) -> Any:
    """What sends: a socket, or a MIDI output by its name."""
    if family == socket.AF_UNSPEC:
        return MidiMouth(address)
    return socket.socket(family, socket.SOCK_DGRAM)


def reached_by(host: str) -> str:
    """The address of this machine's card from which a host is sent to."""
    family, address = _address(host, 9)
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect(address)  # which sends nothing
        return str(one.getsockname()[0])


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError):
        raise UnderstudyError(
            f"No address is known for host {host!r}; check its spelling, or give its number."
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return found[0][0], found[0][4]
