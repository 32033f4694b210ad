"""VMC performances as datagrams, in a tenth of a millisecond.

OSC fills its packets in words of four bytes, and between two frames of one performer only floats
change. So the datagrams of a frame are laid out once, and each frame writes its floats into their
places in one numpy assignment.

Receivers latch a frame at different messages: some at /OK, some at /T, some at /Blend/Apply. The
order is root, bones, blend shapes, Apply (also with no face), camera, devices, OK, T.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation

from . import axes, osc, vmc
from .error import ProtocolError
from .vmc import Performance

# The specification asks for 1500 bytes or less; IP and UDP take 28 of an Ethernet frame's.
DATAGRAM = 1472
LARGEST_DATAGRAM = 65507


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a receiver wants other than the specification says.

    root  how the root is sent: as the "message" that the specification has, as a "bone", or "none"
    """

    root: str = "message"


# As read in the receivers' sources; docs/protocols.md tells what each does with it.
DIALECTS: dict[str, Dialect] = {
    "standard": Dialect(),
    "evmc4u": Dialect(),
    "vrm4u": Dialect(),
    "vmc4ue": Dialect(),
    "vmc4b": Dialect(),
    # Refuses the specified message: it demands exactly seven floats and no name.
    "vmclivelink": Dialect(root="bone"),
    # Passes the message over; its hips alone move.
    "godot": Dialect(root="none"),
}


@dataclass(slots=True)
class _Layout:
    """The datagrams of a frame as words, where in them the floats go, and their signs."""

    words: np.ndarray
    ends: list[int]
    places: np.ndarray
    signs: np.ndarray
    state: list[int]


class Packer:
    """Packs the performances of one performer; lays out anew when names come or go.

    bundled  messages joined to bundles of `size` bytes at most; else each in its own datagram
    """

    def __init__(
        self,
        dialect: Dialect = DIALECTS["standard"],
        size: int = DATAGRAM,
        bundled: bool = True,
    ) -> None:
        if not 128 <= size <= LARGEST_DATAGRAM:
            raise ProtocolError(
                f"VMC datagrams of {size} bytes cannot be; give 128 to {LARGEST_DATAGRAM}."
            )
        self.dialect, self.size, self.bundled = dialect, size, bundled
        self._key: tuple = ()
        self._layout: _Layout | None = None
        self._values = np.zeros(0)

    def pack(self, p: Performance) -> list[bytes]:
        """The datagrams of a frame."""
        camera = p.camera.name if p.camera else None
        devices = tuple((d.kind, d.serial) for d in p.devices) if p.devices else ()
        root = p.root is not None and self.dialect.root != "none"
        key = (p.names, root, tuple(p.curves), camera, devices)
        layout = self._layout
        if layout is None or key != self._key:
            layout = self._layout = self._lay_out(p)
            self._key = key
            self._values = np.zeros(len(layout.places))
        values, at = self._values, 0
        if root and p.root is not None:
            values[0:3], values[3:7] = p.root
            at = 7
        bones = values[at : at + 7 * len(p.names)].reshape(-1, 7)
        bones[:, :3], bones[:, 3:] = p.positions, p.rotations
        at += 7 * len(p.names)
        if p.curves:
            values[at : at + len(p.curves)] = list(p.curves.values())
            at += len(p.curves)
        if p.camera:
            values[at : at + 3] = p.camera.position
            values[at + 3 : at + 7] = rotation.multiply(p.camera.rotation, vmc.ABOUT)
            values[at + 7] = p.camera.fov_deg
            at += 8
        for device in p.devices:
            values[at : at + 3], values[at + 3 : at + 7] = device.position, device.rotation
            at += 7
        values[at] = p.time_s
        if not np.isfinite(values).all():
            raise ProtocolError("A pose holds a number that is not finite; it is not sent.")
        layout.words[layout.places] = values * layout.signs
        layout.words.view(">i4")[layout.state] = (p.loaded, p.calibration, p.mode, p.tracking)
        whole = layout.words.tobytes()
        packets, start = [], 0
        for end in layout.ends:
            packets.append(whole[start:end])
            start = end
        return packets

    def _lay_out(self, p: Performance) -> _Layout:
        messages: list[tuple[bytes, int, np.ndarray]] = []  # bytes, floats at the end, signs
        pose = axes.MIRROR_X

        def add(address: str, name: str, signs: np.ndarray) -> None:
            head = osc.text(address) + osc.text(",s" + "f" * len(signs)) + osc.text(name)
            messages.append((head + bytes(4 * len(signs)), len(signs), signs))

        if p.root is not None and self.dialect.root == "message":
            add("/VMC/Ext/Root/Pos", "root", pose)
        elif p.root is not None and self.dialect.root == "bone":
            add("/VMC/Ext/Bone/Pos", "root", pose)
        for name in p.names:
            add("/VMC/Ext/Bone/Pos", name, pose)
        for name in p.curves:
            add("/VMC/Ext/Blend/Val", name, np.ones(1))
        messages.append((osc.encode("/VMC/Ext/Blend/Apply"), 0, np.ones(0)))
        if p.camera:
            add("/VMC/Ext/Cam", p.camera.name, np.append(pose, 1.0))
        for device in p.devices:
            add(f"/VMC/Ext/{device.kind}/Pos", device.serial, pose)
        state = len(messages)
        messages.append((osc.encode("/VMC/Ext/OK", 0, 0, 0, 0), 0, np.ones(0)))
        messages.append((osc.encode("/VMC/Ext/T", 0.0), 1, np.ones(1)))

        whole, state_at = bytearray(), 0
        ends: list[int] = []
        places: list[int] = []
        used = 0  # bytes in the datagram that is being filled
        for number, (content, floats, _) in enumerate(messages):
            if len(content) + 20 > self.size:
                raise ProtocolError(
                    f"A VMC message of {len(content)} bytes does not fit {self.size}; "
                    "shorten the name or allow larger datagrams with ?mtu=."
                )
            if not used or not self.bundled or used + 4 + len(content) > self.size:
                if whole:
                    ends.append(len(whole))
                if self.bundled:
                    whole += osc.BUNDLE + osc.IMMEDIATELY
                used = 16
            if self.bundled:
                whole += struct.pack(">i", len(content))
            whole += content
            used += 4 + len(content)
            end = len(whole) // 4
            places += range(end - floats, end)
            if number == state:
                state_at = end - 4
        ends.append(len(whole))
        words = np.frombuffer(whole, ">f4").copy()
        signs = np.concatenate([signs for _, _, signs in messages])
        return _Layout(words, ends, np.array(places), signs, list(range(state_at, state_at + 4)))
