"""All humanoids and props of each frame as Rokoko Studio's JSON v3."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import rokoko
from understudy.runtime.core.pose import Frame, Subject

from . import face, scene
from .body import Body, has_body, humanoid
from .target import Target

PORT = rokoko.PORT
HOST = ""
OPTIONS = {"subject": "who is sent (everybody)"}


class RokokoOutput:
    """Everybody, or one subject."""

    def __init__(self, target: Target) -> None:
        self.subject = target.options.get("subject", "")
        self._rate_hz = target.rate_hz or 60.0

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [rokoko.encode(self.message(frame, time_s))]

    def message(self, frame: Frame, time_s: float) -> rokoko.Scene:
        chosen = [scene.subject(frame, self.subject)] if self.subject else frame.subjects
        actors = [_actor(one, made) for one in chosen if (made := has_body(one.skeleton))]
        if not actors:
            humanoid(frame, self.subject)  # raises the sentence
        props = [rokoko.Thing(p.name, p.position, p.rotation) for p in frame.props]
        return rokoko.Scene(time_s, self._rate_hz, actors, props)


def _actor(one: Subject, shape: Body) -> rokoko.Actor:
    positions, turns = shape.added(one.pose)
    bones = np.array([shape.nearest(role) for role, _ in rokoko.BONES.values()])
    return rokoko.Actor(
        one.name,
        positions[bones],
        turns[bones],
        shape.height_m,
        shape.hip_height_m,
        face.shapes(one),
    )
