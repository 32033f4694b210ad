"""Points that do not lie quite where a stiff body has them."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import mvn
from understudy.runtime.core import rotation
from understudy.runtime.simulators import mvn_markers
from understudy.runtime.sources.devices.mvn_points import PointsBody

PLACES = {
    "Pelvis": (0.0, 0.95, 0.0), "L5": (0.0, 1.05, 0.0), "L3": (0.0, 1.15, 0.0),
    "T12": (0.0, 1.25, 0.0), "T8": (0.0, 1.35, 0.0), "Neck": (0.0, 1.5, 0.0),
    "Head": (0.0, 1.6, 0.0), "Shoulder": (0.04, 1.45, 0.0), "UpperArm": (0.16, 1.45, 0.0),
    "Forearm": (0.45, 1.45, 0.0), "Hand": (0.7, 1.45, 0.0), "UpperLeg": (0.1, 0.95, 0.0),
    "LowerLeg": (0.1, 0.52, 0.0), "Foot": (0.1, 0.1, 0.0), "Toe": (0.1, 0.02, 0.14),
}  # fmt: skip


def standing() -> mvn.Body:
    at = [
        np.multiply(
            PLACES[name.removeprefix("Left").removeprefix("Right")],
            (-1.0 if name.startswith("Right") else 1.0, 1.0, 1.0),
        )
        for name in mvn.BODY
    ]
    count = len(mvn.BODY)
    return mvn.Body(mvn.BODY, np.array(at), rotation.identity(count), np.ones(count, bool))


def test_points_a_millimetre_off_bend_nobody():
    """A joint of MVN gives way; a chain of vertebrae with a point each is not to fold up for it."""
    body = standing()
    tpose = dict(zip(body.names, body.positions, strict=True))
    found = PointsBody(tpose, mvn_markers.POINTS, 1.0)
    random = np.random.default_rng(3)
    said = mvn_markers.items(body)
    places = said.positions / 100.0
    worst_deg, worst_m = 0.0, 0.0
    for _ in range(60):
        seen = found.body(said.numbers, places + random.normal(0.0, 1e-3, places.shape))
        assert seen is not None
        apart = rotation.angle_between(seen.rotations, body.rotations)
        worst_deg = max(worst_deg, float(np.degrees(apart.max())))
        worst_m = max(worst_m, float(np.abs(seen.positions - body.positions).max()))
    assert worst_deg < 18.0 and worst_m < 0.022, (worst_deg, worst_m)
    for _ in range(3):
        exact = found.body(said.numbers, places)
    assert exact is not None and np.abs(exact.positions - body.positions).max() < 1e-3
