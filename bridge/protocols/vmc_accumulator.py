"""VMC datagrams gathered into performances."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes, osc, vmc
from .error import ProtocolError
from .osc_layout import Layouts
from .vmc import Camera, Device, Performance

# Of one sender; a stranger's stream of new names must not fill the memory.
MOST_BONES, MOST_CURVES, MOST_DEVICES, LONGEST_NAME = 128, 1024, 64, 128
# A bone that was lost on the way keeps its value; one that is sent no longer is dropped.
_KEPT_FRAMES = 30
# Cameras and devices may come less often than bones.
_KEPT_THINGS = 120
_TIME, _BONE, _BLEND = "/VMC/Ext/T", "/VMC/Ext/Bone/Pos", "/VMC/Ext/Blend/Val"
# With each message alone a frame with a face is 120 datagrams.
MOST_DATAGRAMS = 256
# Some senders write bones as VRM 1 does: leftUpperArm.
_BONES = {name.lower(): name for name in vmc.BONES}
# VRM 1 begins a thumb where Unity does, and calls it otherwise.
_VRM1 = {
    f"{side}thumb{theirs}": f"{side.title()}Thumb{ours}"
    for side in ("left", "right")
    for theirs, ours in (("metacarpal", "Proximal"), ("proximal", "Intermediate"))
}
_METACARPALS = ("leftthumbmetacarpal", "rightthumbmetacarpal")


class Accumulator:
    """Gathers the datagrams of one sender into performances.

    Senders differ in what ends a frame: some send the time last, some first, some never. Where the
    time comes last in its datagram it ends the frame. Else a frame is whole when every bone of the
    frame before has come again; a bone that comes twice begins a new one, what was gathered is
    given as it is, and what to expect is learned anew. `ignored` counts datagrams with messages
    that are not as specified, and names beyond the limits; `messages` those that are read.
    """

    def __init__(self) -> None:
        self.ignored = self.messages = 0
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
        self._things: dict[str, int] = {}  # device, or "" for the camera -> frame, as with bones
        self._state: tuple[int, ...] = (1, 3, 0, 1)
        self._time_s = 0.0
        self._time_ends = False
        self._vrm1 = False
        self._gathered: dict[bytes, int] = {}  # datagrams of this frame, how often they came
        self._before: dict[bytes, int] = {}  # and of the frame before
        self._last = b""
        self._layouts = Layouts()
        self.repeated = 0

    def feed(self, datagram: bytes) -> list[Performance]:
        """Takes a datagram; gives the frames that it completes, as a rule none or one."""
        done: list[Performance] = []
        messages = self._layouts.read(datagram)
        if messages is None:
            messages = self._read(datagram)
        self.messages += len(messages)
        if self._is_copy(datagram, messages):
            self.repeated += 1
            return []
        last = messages[-1].address if messages else ""
        if len(messages) > 1 and _TIME in (messages[0].address, last):
            self._time_ends = last == _TIME
        fresh, bones, known = self._fresh, self._bones, self._curves
        told: set[str] = set()  # of what is neither bone nor blend
        checked: list[tuple[str, Any]] = messages  # type: ignore[assignment]
        for address, arguments in checked:
            if address == _BONE:  # most of them, so that what is done with each counts
                name = arguments[0]
                if name in fresh:
                    self._expected = set(fresh)
                    done.append(self._give())
                    fresh = self._fresh
                if name == "root":  # for a receiver that reads no other root
                    self._root = arguments[1:8]
                elif name in bones or self._room(bones, name, MOST_BONES):
                    bones[name] = arguments[1:8]
                    fresh.add(name)
            elif address == _BLEND:
                name = arguments[0]
                if name in known or self._room(self._staged, name, MOST_CURVES):
                    self._staged[name] = arguments[1]
            else:
                told.add(address)
                self._take(address.removeprefix("/VMC/Ext/"), arguments)
        if self._fresh:
            ended = self._time_ends and _TIME in told
            whole = not self._time_ends and self._expected and self._fresh >= self._expected
            if ended or whole:
                done.append(self._give())
        elif not self._bones:  # a face, a camera or trackers without a body
            apart = _TIME in told and (self._devices or self._camera)
            if apart or "/VMC/Ext/Blend/Apply" in told:
                done.append(self._give())
        if done:
            self._before = self._gathered if self._fresh else {**self._gathered, datagram: 1}
            self._gathered = {}
        if self._fresh and len(self._gathered) < MOST_DATAGRAMS:
            self._gathered[datagram] = 1
        self._last = datagram
        return done

    def _read(self, datagram: bytes) -> list[osc.Message]:
        """The messages of a datagram that is not as one before, bones by Unity's names."""
        messages, fault = vmc.read(datagram)
        if fault:
            self.ignored += 1
            if not messages:
                raise ProtocolError(fault)
        if not self._vrm1 and any(map(_is_metacarpal, messages)):
            self._vrm1, self._layouts = True, Layouts()  # thumbs have other names from now on
        messages = [_named(said, self._vrm1) for said in messages]
        if not fault:
            self._layouts.learn(datagram, messages)
        return messages

    def _is_copy(self, datagram: bytes, messages: list[osc.Message]) -> bool:
        """Whether it came before, in this frame or the last; of a body that stands still all did.

        So one is a copy only where its bones are here already, and once.
        """
        if datagram == self._last:
            self._last = b""
            if self._fresh or len(self._before) > 1:
                return True
        if not (self._expected and self._fresh):
            return False
        bones = {said.arguments[0] for said in messages if said.address == _BONE}
        if not bones or not bones <= self._fresh:
            return False
        for known in (self._gathered, self._before):
            if known.get(datagram) == 1:
                known[datagram] = 2
                return True
        return False

    @property
    def bones(self) -> bool:
        """Whether its sender has sent bones of late."""
        return bool(self._bones)

    def _take(self, kind: str, said: tuple) -> None:
        if kind == "T":
            self._time_s = said[0]
        elif kind == "Blend/Apply":
            # Nothing but Apply is a frame without news of the face, or a copy.
            self._curves, self._staged = self._staged or self._curves, {}
        elif kind == "Root/Pos":
            self._root = said[1:8]
        elif kind == "Cam" and len(said[0]) <= LONGEST_NAME:
            self._camera, self._things[""] = (said[0], said[1:9]), self._frame
        elif kind == "OK":
            self._state = (*said, *self._state[len(said) :])
        elif kind in ("Hmd/Pos", "Con/Pos", "Tra/Pos"):
            key = f"{kind[:3]} {said[0]}"
            if self._room(self._devices, key, MOST_DEVICES):
                self._devices[key], self._things[key] = said[1:8], self._frame

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
        for name in [n for n, last in self._things.items() if self._frame - last > _KEPT_THINGS]:
            del self._things[name]
            self._camera = self._camera if name else None
            self._devices.pop(name, None)
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
            tuple(self._frame - self._seen[name] for name in self._bones),
        )


@lru_cache(maxsize=1024)
def _lower(name: object) -> str:
    return str(name).lower()


def _is_metacarpal(said: osc.Message) -> bool:
    return said.address == _BONE and _lower(said.arguments[0]) in _METACARPALS


def _named(said: osc.Message, vrm1: bool) -> osc.Message:
    """A message about a bone, with the bone's name as Unity has it."""
    if said.address != _BONE:
        return said
    name = _lower(said.arguments[0])
    unity = (_VRM1.get(name) if vrm1 else None) or _BONES.get(name)
    if unity is None or unity == said.arguments[0]:
        return said
    return osc.Message(said.address, (unity, *said.arguments[1:]))


def _placed(row: tuple[float, ...]) -> tuple[Array, Array]:
    return axes.unity(np.array(row[:3]), np.array(row[3:7]))


def _filmed(row: tuple[float, ...]) -> tuple[Array, Array]:
    position, turn = _placed(row)
    return position, rotation.multiply(turn, vmc.ABOUT)
