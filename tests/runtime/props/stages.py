"""Frames for the simulation without a stage: bodies that stand, and hands that go where they are
told."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Intent, Pose, Prop, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.props.simulation import Place, Simulation
from understudy.runtime.props.table import PropTable

RATE_HZ = 60.0
HAND = PERFORMER.index("RightHand")


def simulation(*tables: PropTable, rate_hz: float = RATE_HZ) -> Simulation:
    return Simulation(list(tables), rate_hz)


def frame(
    number: int, *subjects: Subject, props: tuple[Prop, ...] = (), rate_hz: float = RATE_HZ
) -> Frame:
    ns = round(1e9 * (10.0 + number / rate_hz))
    return Frame(number, ns, ns, 30, 1, "", list(subjects), props=list(props))


def body(
    at: tuple[float, float] = (0.0, 0.0), name: str = "ann", skeleton: Skeleton = PERFORMER
) -> Subject:
    """Somebody who stands in a T-pose."""
    pose = Pose.rest(skeleton)
    pose.positions[0] += (at[0], 0.0, at[1])
    return Subject(name, skeleton, pose)


def reaching(
    hand_m: tuple[float, float, float] | Array, name: str = "ann", buttons: tuple[str, ...] = ()
) -> Subject:
    """Somebody whose right palm is there: the whole body is put where it has to be."""
    subject = body(name=name)
    world_p = PERFORMER.globals(subject.pose.positions, subject.pose.rotations)[0]
    palm = world_p[HAND] + (-0.085, 0.0, 0.0)
    subject.pose.positions[0] += np.asarray(hand_m) - palm
    subject.intent = Intent(buttons=frozenset(buttons))
    return subject


def run(sim: Simulation, frames: int, first: int = 0) -> None:
    """So many frames of an empty stage."""
    for number in range(first, first + frames):
        sim.take(frame(number))


def place(sim: Simulation, name: str) -> Place:
    return next(one for one in sim.places() if one.name == name)


def turned(angle_rad: float) -> Array:
    return rotation.from_axis_angle(np.array([0.0, 1.0, 0.0]), angle_rad)
