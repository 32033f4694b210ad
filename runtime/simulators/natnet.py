"""OptiTrack Motive, played: skeletons by NatNet, what they are, and answers to who asks."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import ProtocolError, natnet, natnet_packer
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.outputs.body import Added, Body, body
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.devices.natnet_skeleton import ROLES

VERSION: natnet.Version = (4, 1)
CLOCK_HZ = 10_000_000
# What Motive and its cameras need from the middle of an exposure to the wire.
LATENCY_S = 0.004
EVERY_S = 1.0
FINGERS: dict[str, str] = {
    f"{side[0].upper()}{word}{n}": f"{side}_{finger}_{part}"
    for side in ("left", "right")
    for word, finger in (
        *(("Thumb", "thumb"), ("Index", "index"), ("Middle", "middle")),
        *(("Ring", "ring"), ("Pinky", "little")),
    )
    for n, part in enumerate(("proximal", "intermediate", "distal"), 1)
}
# Bone -> the bone that it hangs on, as Motive has it.
PARENTS: dict[str, str] = {
    "Hip": "",
    "Ab": "Hip",
    "Chest": "Ab",
    "Neck": "Chest",
    "Head": "Neck",
    **{
        f"{side}{bone}": f"{side}{above}" if above not in ("Chest", "Hip") else above
        for side in "LR"
        for bone, above in (
            *(("Shoulder", "Chest"), ("UArm", "Shoulder"), ("FArm", "UArm"), ("Hand", "FArm")),
            *(("Thigh", "Hip"), ("Shin", "Thigh"), ("Foot", "Shin"), ("Toe", "Foot")),
        )
    },
    **{
        name: name[:-1] + str(int(name[-1]) - 1) if name[-1] != "1" else f"{name[0]}Hand"
        for name in FINGERS
    },
}


def bones(shape: Body, added: Added) -> tuple[list[str], Array, Array]:
    """A body's bones by Motive's names, in the room; fingers where it has all of them."""
    names = list(ROLES)
    whole = shape.whole(added, [ROLES[name] for name in names])
    at, turns = list(whole.positions), list(whole.rotations)
    if all(role in shape.index for role in FINGERS.values()):
        for name, role in FINGERS.items():
            names.append(name)
            at.append(added.positions[shape.index[role]])
            turns.append(added.rotations[shape.index[role]])
    return names, np.array(at), np.array(turns)


def model(number: int, name: str, shape: Body) -> natnet.Model:
    """What Motive says of a skeleton, in its T-pose."""
    at, _ = t_pose(shape.skeleton)
    straight = Added(at[shape.joints], rotation.identity(len(shape.joints)))
    names, places, _ = bones(shape, straight)
    row = {one: i for i, one in enumerate(names)}
    offsets = [
        place - (places[row[up]] if (up := PARENTS[one]) else place)
        for one, place in zip(names, places, strict=True)
    ]
    parents = [row[up] + 1 if (up := PARENTS[one]) else 0 for one in names]
    labels = [f"{name}_{one}" for one in names]
    turns = rotation.identity(len(names))
    ids = list(range(1, len(names) + 1))
    return natnet.Model(
        natnet.SKELETON, name, number, labels, ids, parents, np.array(offsets), turns
    )


class NatNetSimulator:
    """Everybody in a frame, each a skeleton; props are rigid bodies."""

    def __init__(self, version: natnet.Version = VERSION) -> None:
        self.version = version
        self.server = natnet.Server("Motive", (3, 1, 0, 0), version, CLOCK_HZ, natnet.PORT, "")
        self._said_s = float("-inf")
        self._models: list[natnet.Model] = []

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        found: list[bytes] = []
        if time_s - self._said_s >= EVERY_S:
            self._said_s = time_s
            self._models = [
                model(number, one.name, body(one.skeleton))
                for number, one in enumerate(frame.subjects, 1)
            ]
            found = [natnet.pack_server(self.server), self._said_models()]
        skeletons = []
        for number, one in enumerate(frame.subjects, 1):
            shape = body(one.skeleton)
            names, at, turns = bones(shape, shape.added(one.pose))
            ids = (number << 16) + np.arange(1, len(names) + 1)
            skeletons.append((number, natnet.Bodies(ids, at, turns, np.ones(len(names), bool))))
        none = natnet.Bodies(
            np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 4)), np.zeros(0, bool)
        )
        exposed = CLOCK_HZ + round(CLOCK_HZ * time_s)
        said = natnet.Frame(
            frame.sequence & 0x7FFFFFFF, none, skeletons, 1.0 + time_s, exposed,
            exposed + round(CLOCK_HZ * LATENCY_S / 2), exposed + round(CLOCK_HZ * LATENCY_S),
        )  # fmt: skip
        return [*found, natnet_packer.frame(said, self.version)]

    def answers(self, data: bytes) -> list[bytes] | None:
        """What is answered; None: who asks goes away."""
        try:
            kind, content = natnet.split(data)
        except ProtocolError:
            return []
        if kind == natnet.DISCONNECT:
            return None
        if kind == natnet.CONNECT:
            return [natnet.pack_server(self.server)]
        if kind == natnet.ASK_MODELS:
            return [self._said_models()]
        if kind == natnet.REQUEST and content.startswith(b"Bitstream"):
            version = "Bitstream,{}.{}".format(*self.version)
            return [natnet.message(natnet.RESPONSE, version.encode() + b"\0")]
        return []

    def _said_models(self) -> bytes:
        return natnet_packer.models(self._models, self.version)
