"""Props of a simulation on a stage: in the hand of the very frame, held when they fall silent."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.props.stages import HAND, reaching
from understudy.bridge.requests import GripTable, PropPlace
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.props.table import PropTable
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.scenery import SILENT, Scenery
from understudy.runtime.stage.session import session_of

STILL = (0.0, 0.0, 0.0, 1.0)


def test_a_held_prop_is_in_the_hand_of_this_frame_and_not_of_the_one_before():
    scenery = Scenery()
    grip = GripTable("ann", "RightHand", (-0.085, -0.06, 0.0), STILL)
    places = [
        PropPlace("ball", (0.0, 0.94, 0.0), STILL, [grip]),
        PropPlace("box", (1, 0, 0), STILL),
    ]
    scenery.simulate(places, 0.0, 1)
    scenery.sense(0.0, [])
    ball, box = scenery.in_hands([reaching((0.2, 1.3, 0.4))])  # it has gone on since
    assert ball.position == pytest.approx([0.2, 1.24, 0.4], abs=1e-9)
    assert np.array_equal(box.position, [1.0, 0.0, 0.0])
    (alone, _) = scenery.in_hands([])  # who held it has left
    assert np.array_equal(alone.position, [0.0, 0.94, 0.0])
    assert reaching((0, 1, 0)).skeleton.index("RightHand") == HAND


def test_props_stay_where_they_are_when_their_simulation_falls_silent():
    scenery = Scenery()
    scenery.simulate([PropPlace("box", (1.0, 0.0, 0.0), STILL)], 0.0, 1)
    for at_s, state in ((0.4, State.LIVE), (3.0, State.HOLD), (9.0, State.HOLD)):
        scenery.sense(at_s, [])
        assert [prop.state for prop in scenery.props] == [state]
    assert scenery.props[0].reason == SILENT
    scenery.simulate([], 9.1, 1)
    scenery.sense(9.1, [])
    assert scenery.props == []


def test_an_order_for_a_prop_that_is_not_there_is_a_sentence(pad):
    from understudy.bridge.requests import OrderProp

    session = session_of(f"pad://{pad}", publish="tcp://127.0.0.1:*", control="tcp://127.0.0.1:*")
    with Stage(session) as stage:
        session.prop = [PropTable(name="crate"), PropTable(name="wall", static=True)]
        name = stage.cast.members[0].table.name
        for prop, subject in (("sword", name), ("wall", name), ("crate", "nobody")):
            with pytest.raises(UnderstudyError):
                stage.cast.order_prop(OrderProp(what="grab", prop=prop, subject=subject))
        event = stage.cast.order_prop(
            OrderProp(what="grab", prop="crate", subject=name, hand="left")
        )
    assert (event.kind, event.who, event.part) == ("order", name, "left_hand")
    assert (event.on, event.on_part) == ("crate", "grab")
