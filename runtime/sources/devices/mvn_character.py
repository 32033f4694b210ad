"""One of a streamer's characters: its skeleton, and its poses until they are due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from understudy.bridge.protocols import mvn
from understudy.bridge.protocols.mvn_scale import Point, Scale
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import QUIET_S, SILENT_S
from understudy.runtime.sources.jitter_buffer import JitterBuffer
from understudy.runtime.sources.packet import Packet

from . import mvn_skeleton
from .mvn_points import PointsBody

if TYPE_CHECKING:
    from .mvn import MvnSource

# Skeletons that differ by less are the same: so far does a joint give way.
SAME_M = 0.01
# What says most comes first.
RANK = {mvn.QUATERNION: 0, mvn.UNITY: 1, mvn.EULER: 2, mvn.POINTS: 3}


@dataclass(slots=True)
class Moment:
    """A pose and the props of the same time."""

    packet: Packet
    props: list[Prop]


def _between(one: Moment, two: Moment, share: float) -> Moment:
    return Moment(
        interpolation.packets(one.packet, two.packet, share),
        interpolation.by_name(one.props, two.props, share),
    )


def _apart(one: Moment, two: Moment) -> float:
    return interpolation.apart(one.packet, two.packet)


class Character:
    """One of a streamer's characters: what stands behind its stream of a body."""

    def __init__(self, source: MvnSource, number: int, key: str) -> None:
        self._source, self.number, self.key = source, number, key
        self.label = ""  # as MVN calls it
        self.skeleton: Skeleton = PERFORMER
        self.tpose: dict[str, Array] = {}
        self.guessed = False
        self._unit = 1.0  # of the T-pose
        self._points: dict[tuple[int, int], Point] = {}
        self._laid: PointsBody | None = None
        self.last: mvn.Body | None = None  # its newest pose
        self.kind, self.heard_s, self.heard_ns = 0, float("-inf"), 0
        self.copies = Copies(unlike=True)
        self.buffer = JitterBuffer[Moment](source.delay_s, _between, _apart)

    @property
    def known(self) -> bool:
        """Whether the skeleton is its own."""
        return self.skeleton is not PERFORMER

    @property
    def silence(self) -> str:
        """Why nothing comes of it; "" while something does."""
        if said := self._source.reception.silence:
            return said
        if self._source.now_s - self.heard_s <= QUIET_S:
            return ""
        return f"character {self.number} is not in what comes on {self._source.where}"

    def takes(self, kind: int, now_s: float) -> bool:
        """Whether poses of this kind are the ones that are read."""
        if self.kind and RANK[kind] > RANK[self.kind] and now_s - self.heard_s <= SILENT_S:
            return False
        if self.kind not in (0, kind):
            self.buffer.forget()
        self.kind = kind
        return True

    def fit(self, body: mvn.Body) -> None:
        """Takes the skeleton of a first pose, and again where it is another's."""
        if self.known and (
            body.names == self.skeleton.names or set(body.names) <= set(self.skeleton.names)
        ):
            return
        self._change(*mvn_skeleton.skeleton(body, self.tpose))

    def scale(self, said: Scale, unit: float | None) -> None:
        """What was streamed of the T-pose; the pose comes after it, or came before."""
        points = {(p.segment, p.number): p for p in said.points}
        if not points.items() <= self._points.items():
            self._points |= points
            self._laid = None
        if not said.names:
            return
        self._unit = mvn.unit_m(said.places) if unit is None else unit
        tpose = mvn_skeleton.places(said, self._unit)
        if tpose.keys() == self.tpose.keys() and all(
            np.abs(at - self.tpose[name]).max() <= SAME_M for name, at in tpose.items()
        ):
            return  # it is said again and again
        self.tpose, self._laid = tpose, None
        if self.known and self.last is not None:
            self._change(*mvn_skeleton.skeleton(self.last, tpose))

    def of_points(self, said: mvn.Items, unit: float | None) -> mvn.Body | None:
        """The pose of points; None where nothing says yet where they lie."""
        if not self.tpose or not self._points:
            return None
        if self._laid is None:
            # The specification has one number in its text and another in its table.
            both = [
                PointsBody(self.tpose, self._points.values(), self._unit, each)
                for each in (256, 100)
            ]
            self._laid = max(both, key=lambda laid: laid.known(said.numbers))
        unit = mvn.unit_m(said.positions) if unit is None else unit
        return self._laid.body(said.numbers, said.positions * unit)

    def _change(self, found: Skeleton, guessed: bool) -> None:
        old = self.skeleton
        self.guessed = guessed
        apart = np.abs(found.rest_positions - old.rest_positions) if len(found) == len(old) else 1.0
        if found.names != old.names or np.max(apart) > SAME_M:
            self.skeleton = found
            self.buffer.forget()
