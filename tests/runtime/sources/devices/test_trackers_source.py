"""Trackers by OSC: their bytes, and the body that eight of them move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.bridge.protocols.mutations import mutations, survives
from tests.runtime.sources.receivers import source
from understudy.bridge.protocols import osc, trackers
from understudy.bridge.protocols.trackers import Trackers
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.sources.devices import trackers_body

ROLES = roles(PERFORMER)
JOINTS = {
    "hips": "hips", "left_foot": "left_foot", "right_foot": "right_foot",
    "left_knee": "left_lower_leg", "right_knee": "right_lower_leg", "chest": "upper_chest",
    "left_elbow": "left_lower_arm", "right_elbow": "right_lower_arm", "head": "head",
}  # fmt: skip


def posed() -> tuple[np.ndarray, np.ndarray]:
    """Somebody who squats a little, one leg ahead, turned by half a right angle."""
    positions, turns = PERFORMER.rest_positions.copy(), PERFORMER.rest_rotations.copy()
    turns[ROLES["hips"]] = rotation.from_yaw(0.8)
    positions[0] = (0.4, 0.85, -0.3)
    for side, bend in (("left", 0.5), ("right", 0.3)):
        turns[ROLES[f"{side}_upper_leg"]] = rotation.from_rotation_vector(
            np.array([-bend, 0.1, 0.0])
        )
        turns[ROLES[f"{side}_lower_leg"]] = rotation.from_rotation_vector(
            np.array([1.6 * bend, 0.0, 0.0])
        )
        turns[ROLES[f"{side}_upper_arm"]] = rotation.from_rotation_vector(
            np.array([0.2, 0.3, -1.0 if side == "left" else 1.0])
        )
    return positions, turns


def worn(positions, turns, tall: float = 1.0) -> Trackers:
    """What eight trackers and a head-set at the joints say, of an actor so much taller than us."""
    at, world = PERFORMER.globals(positions, turns)
    names = {str(n): name for n, name in enumerate(trackers_body.PLACES, 1)} | {"head": "head"}
    said = Trackers()
    for number, name in names.items():
        joint = ROLES.get(JOINTS[name], ROLES["chest"] if name == "chest" else 0)
        said.places[number], said.turns[number] = tall * at[joint], world[joint]
    return said


def test_golden_bytes_in_unitys_axes():
    data = osc.bundle(
        [
            osc.encode("/tracking/trackers/1/position", 0.1, 1.0, 0.2),
            osc.encode("/tracking/trackers/1/rotation", 0.0, 90.0, 0.0),
        ]
    )
    said = trackers.decode(data)
    np.testing.assert_allclose(said.places["1"], (-0.1, 1.0, 0.2), atol=1e-6)
    # Unity's +90 about up turns forward to the right, which is our -X.
    ahead = rotation.rotate(said.turns["1"], np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(ahead, (-1.0, 0.0, 0.0), atol=1e-6)
    again = trackers.decode(trackers.encode(said))
    np.testing.assert_allclose(again.turns["1"], said.turns["1"], atol=1e-6)


@pytest.mark.parametrize("tall", [1.0, 1.1])
def test_eight_trackers_give_the_pose_that_they_were_worn_in(tall):
    body, receiver = source(f"trackers://?delay=0&height={1.76 * tall:.4f}")
    positions, turns = posed()
    receiver.say(trackers.encode(worn(positions, turns, tall)))
    (packet,) = body.poll(0.0)
    wanted, _ = PERFORMER.globals(positions, turns)
    found, _ = PERFORMER.globals(packet.positions, packet.rotations)
    for name in ("hips", "left_foot", "right_foot"):
        assert np.linalg.norm(found[ROLES[name]] - wanted[ROLES[name]]) < 0.005, name
    for name in ("left_lower_leg", "right_lower_leg", "left_lower_arm", "right_lower_arm"):
        assert np.linalg.norm(found[ROLES[name]] - wanted[ROLES[name]]) < 0.02, name
    assert packet.seen is not None and not packet.seen[ROLES["left_hand"]]
    assert packet.seen[ROLES["left_foot"]] and packet.seen[ROLES["head"]]


def test_messages_that_come_alone_are_put_together():
    body, receiver = source("trackers://?delay=0")
    one = worn(*posed())
    shown = 0
    for n in range(3):
        for number, place in one.places.items():
            place = place + np.array([0.0, 0.0, 0.01 * n])
            receiver.say(trackers.encode(Trackers({number: place}, {})))
            receiver.say(trackers.encode(Trackers({}, {number: one.turns[number]})))
        shown += len(body.poll(n / 60.0))
    assert shown == 2, "the last may not be whole yet"


def test_hips_and_feet_alone_are_a_body_whose_arms_are_acted():
    body, receiver = source("trackers://?delay=0")
    said = worn(*posed())
    few = Trackers({n: said.places[n] for n in "123"}, {n: said.turns[n] for n in "123"})
    receiver.say(trackers.encode(few))
    (packet,) = body.poll(0.0)
    assert packet.seen[ROLES["left_lower_leg"]] and not packet.seen[ROLES["left_upper_arm"]]


def test_another_order_and_one_that_is_none():
    body, receiver = source("trackers://?delay=0&order=left_foot,right_foot,hips")
    said = worn(*posed())
    receiver.say(trackers.encode(Trackers({a: said.places[b] for a, b in zip("123", "231")}, {})))
    (packet,) = body.poll(0.0)
    np.testing.assert_allclose(packet.positions[0], (0.4, 0.85, -0.3), atol=1e-5)
    with pytest.raises(UnderstudyError, match="order"):
        source("trackers://?order=left_wing")


@given(mutations([trackers.encode(worn(*posed()))]))
def test_it_survives_anything(data):
    survives(trackers.decode, data)
