"""All humanoids and props of each frame as Rokoko Studio's JSON v3."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from understudy.bridge.protocols import rokoko
from understudy.runtime.core.pose import Frame, Subject

from . import face, scene
from .body import Body, has_body, humanoid
from .target import OutputOptions, Target

PORT = rokoko.PORT
HOST = ""


class Options(OutputOptions, frozen=True, kw_only=True):
    """What a Rokoko output takes."""

    subject: Annotated[str, Meta(description="who is sent (everybody)")] = ""
    lz4: Annotated[
        bool, Meta(description="packed as an LZ4 frame, which the Maya and Unity plug-ins need")
    ] = False


class RokokoOutput:
    """Everybody, or one subject."""

    def __init__(self, target: Target) -> None:
        options: Options = target.options
        self.subject, self._rate_hz = options.subject, options.rate_hz or 60.0
        self._lz4 = options.lz4

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [rokoko.encode(self.message(frame, time_s), self._lz4)]

    def message(self, frame: Frame, time_s: float) -> rokoko.Scene:
        chosen = [scene.subject(frame, self.subject)] if self.subject else frame.subjects
        actors = [_actor(one, made) for one in chosen if (made := has_body(one.skeleton))]
        if not actors:
            humanoid(frame, self.subject)  # raises the sentence
        props = [rokoko.Thing(p.name, p.position, p.rotation) for p in frame.props]
        return rokoko.Scene(time_s, self._rate_hz, actors, props)


def _actor(one: Subject, shape: Body) -> rokoko.Actor:
    roles = [role for role, _ in rokoko.BONES.values()]
    positions, turns = shape.whole(shape.added(one.pose), roles)
    return rokoko.Actor(
        one.name,
        positions,
        turns,
        shape.height_m,
        shape.hip_height_m,
        face.shapes(one),
    )


OUTPUT = RokokoOutput
