"""What there is to look at by name: the eyes of subjects, and cameras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import Sight, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.gaze import point

from .member import Member
from .scenery import Scenery

# Of a body that is no humanoid: so much above its root.
UP_M = 0.5


class Sights(Mapping[str, Array]):
    """Points (3,) by name, as they were at the tick before; of two of one name, the subject's."""

    def __init__(self, members: Sequence[Member], scenery: Scenery) -> None:
        self._members, self._scenery = members, scenery

    def __getitem__(self, name: str) -> Array:
        for member in self._members:
            if member.table.name == name:
                return _eyes(member.shown)
        for camera in self._scenery.cameras:
            if camera.name == name:
                return np.asarray(camera.position, float)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        names = [member.table.name for member in self._members]
        return iter(dict.fromkeys([*names, *(camera.name for camera in self._scenery.cameras)]))

    def __len__(self) -> int:
        return len(list(iter(self)))


def look(members: Sequence[Member], sights: Sights) -> None:
    """Who is on a pad looks at what the pad says, or else at what its table says."""
    points: dict[str, Array] = {}
    for member in members:
        if member.actor is None:
            continue
        said: Sight = member.actor.intent.look_at or member.table.look_at
        if not isinstance(said, str):
            member.actor.look_at(point(said, sights))
        elif said != member.table.name:  # nobody looks into his own eyes
            if said not in points:
                points[said] = point(said, sights)
            member.actor.look_at(points[said])


def _eyes(subject: Subject) -> Array:
    """(3,) between the eyes, or where they would be."""
    pose, role = subject.pose, roles(subject.skeleton)
    world = subject.skeleton.globals(pose.positions, pose.rotations)[0]
    if "head" not in role:
        return np.asarray(world[0] + (0.0, UP_M, 0.0), float)
    head = world[role["head"]]
    neck = world[role["neck"]] if "neck" in role else head
    return np.asarray(head + 0.5 * (head - neck), float)
