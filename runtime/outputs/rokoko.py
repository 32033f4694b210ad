"""All subjects and props of each frame as Rokoko Studio's JSON v3."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import rokoko
from understudy.runtime.core.pose import Frame, Subject

from . import scene
from .body import body
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
        if not chosen:
            scene.subject(frame, "")  # raises the sentence
        props = [rokoko.Thing(p.name, p.position, p.rotation) for p in frame.props]
        actors = [_actor(one) for one in chosen]
        return rokoko.Scene(time_s, self._rate_hz, actors, props)


def _actor(one: Subject) -> rokoko.Actor:
    shape = body(one.skeleton)
    positions, turns = shape.added(one.pose)
    bones = np.array([shape.nearest(role) for role, _ in rokoko.BONES.values()])
    return rokoko.Actor(
        one.name, positions[bones], turns[bones], shape.height_m, shape.hip_height_m
    )
