"""Landmarks as a source: 33 points of anybody's own tracker move our performer's body."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from understudy.bridge.protocols import landmarks
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Receiver
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.packet import Packet

from . import landmarks_body
from .single_body import SingleBody

PORT = landmarks.PORT
KINDS = SingleBody.KINDS


# How much of the visibility that is shown is that of the newest points.
VISIBLE = 0.1


class Options(Table, frozen=True, kw_only=True):
    """What a source of landmarks takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "landmarks"
    travels: Annotated[
        bool, Meta(description="the middle of the hips is where the body is, not the origin")
    ] = False
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class LandmarksSource(SingleBody):
    """Our performer's body."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        super().__init__(endpoint, receiver, options.name or "landmarks", options.delay.seconds)
        self._travels = options.travels
        self._visible = 1.0

    @property
    def quality(self) -> str:
        """How well its points are seen, in words; "" before any came."""
        return f"points {self._visible:.0%} visible" if self.known else ""

    def decode(self, data: bytes) -> landmarks.Landmarks:
        return landmarks.decode(data)

    def packet(
        self, said: landmarks.Landmarks, arrived_s: float
    ) -> tuple[float | None, Packet] | None:
        """Bones that point where the points say."""
        self._visible += VISIBLE * (float(said.visible.mean()) - self._visible)
        at, turns, seen = landmarks_body.pose(said.points, said.visible, self._travels)
        if not seen.any():
            return None
        self.known = True
        return said.time_s, Packet(arrived_s, at, turns, None if seen.all() else seen)


SOURCE = LandmarksSource
