"""What happens on the stage, and emitters, into particles of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.event import CUE, Event
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.particles.sources import Emitter, Sources

from .options import Options
from .renderer import Renderer

# A body as capsules: each bone is so thick for its length, and no thinner or thicker.
THICK, THINNEST_M, THICKEST_M = 0.28, 0.03, 0.13
# Bones that are shorter are fingers and the like.
SHORTEST_M = 0.06
# A stage that was silent for longer is taken up anew.
PAUSE_S = 0.5


class ParticleFeed:
    """Brings a renderer its particles; makes none as long as there is nothing to show.

    sources  what sets them off; its wind, wet, rain and cold may be changed
    """

    def __init__(self, emitters: Sequence[Emitter] = (), seed: int = 1) -> None:
        self.sources = Sources(emitters, seed=seed)
        self._last_s: float | None = None

    def follow(
        self, renderer: Renderer, frame: Frame | None, events: Sequence[Event], options: Options,
        shutter_s: float = 1.0 / 48.0,
    ) -> None:  # fmt: skip
        """Up to this frame: what happened, what emitters brought, and what time it is."""
        if frame is None:
            return
        sources = self.sources
        now_s = frame.publish_ns * 1e-9
        last_s, self._last_s = self._last_s, now_s
        if not (events or sources.emitters or sources.rain or sources.cold or renderer.particles):
            return
        if renderer.particles is None:
            renderer.make_particles()
        particles = renderer.particles
        assert particles is not None
        sources.wet = options.look.wet
        particles.rain, particles.wind = sources.rain, sources.wind
        particles.now_s, particles.shutter_s = now_s, shutter_s
        floor_m = renderer.stand.scenery.floor_m if renderer.stand is not None else 0.0

        def floor(x: Array, z: Array) -> Array:
            return np.full(np.shape(x), floor_m)

        if events:
            bodies = [capsules(subject) for subject in frame.subjects]
            around = np.concatenate(bodies) if bodies else None
            for some in sources.happened(placed(events, frame), floor, around):
                particles.add(some)
        dt_s = now_s - last_s if last_s is not None else 0.0
        if 0.0 < dt_s < PAUSE_S:
            for some in sources.emitted(frame, now_s, dt_s, floor):
                particles.add(some)


def placed(events: Sequence[Event], frame: Frame) -> list[Event]:
    """Events with cues that name a subject, and no place, before its chest."""
    where = {subject.name: subject for subject in frame.subjects}
    out = []
    for event in events:
        subject = where.get(event.on)
        if event.kind == CUE and subject is not None and event.position == (0.0, 0.0, 0.0):
            x, y, z = map(float, subject.pose.positions[0])
            ahead = rotation.rotate(subject.pose.rotations[0], np.array([0.0, 0.25, 0.35]))
            at = x + float(ahead[0]), y + float(ahead[1]), z + float(ahead[2])
            event = replace(event, position=at)
        out.append(event)
    return out


def capsules(subject: Subject) -> Array:
    """(B, 7) from, to and radius of a body's longer bones, in the world."""
    skeleton = subject.skeleton
    world, _ = skeleton.globals(subject.pose.positions, subject.pose.rotations)
    parents = np.asarray(skeleton.parents)
    joints = np.flatnonzero(parents >= 0)
    joints = joints[parents[joints] > 0]  # what hangs on the root itself is no limb
    a, b = world[parents[joints]], world[joints]
    length = np.linalg.norm(b - a, axis=1)
    radius = np.clip(THICK * length, THINNEST_M, THICKEST_M)
    return np.concatenate([a, b, radius[:, None]], 1)[length > SHORTEST_M]
