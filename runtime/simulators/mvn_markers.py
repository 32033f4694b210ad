"""Points on MVN's segments, as a suit's markers would be: fifty-three, by MVN's own names."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import axes, mvn
from understudy.bridge.protocols.mvn_scale import Point
from understudy.runtime.core import rotation

Places = tuple[tuple[str, tuple[float, float, float]], ...]
# Segment -> points on it, from its origin in the T-pose: metres, +X to the left, +Y up, +Z forward.
_MIDDLE: dict[str, Places] = {
    "Pelvis": (
        *(("pHipOrigin", (0.0, 0.0, 0.0)), ("pRightASI", (-0.12, 0.05, 0.1))),
        *(("pLeftASI", (0.12, 0.05, 0.1)), ("pSacrum", (0.0, 0.03, -0.1))),
    ),
    "L5": (("pL5SpinalProcess", (0.0, 0.0, -0.1)),),
    "L3": (("pL3SpinalProcess", (0.0, 0.0, -0.1)),),
    "T12": (("pT12SpinalProcess", (0.0, 0.0, -0.11)),),
    "T8": (
        *(("pPX", (0.0, 0.0, 0.12)), ("pIJ", (0.0, 0.15, 0.1))),
        ("pT8SpinalProcess", (0.0, 0.0, -0.12)),
    ),
    "Neck": (("pC7SpinalProcess", (0.0, 0.0, -0.06)),),
    "Head": (
        *(("pTopOfHead", (0.0, 0.2, 0.0)), ("pRightAuricularis", (-0.08, 0.08, 0.0))),
        *(("pLeftAuricularis", (0.08, 0.08, 0.0)), ("pBackOfHead", (0.0, 0.1, -0.1))),
    ),
}
# Of the left side; x is away from the middle.
_SIDE: dict[str, Places] = {
    "Shoulder": (("Acromion", (0.12, 0.05, 0.0)),),
    "UpperArm": (
        *(("ArmLatEpicondyle", (0.25, 0.0, -0.04)), ("ArmMedEpicondyle", (0.25, 0.0, 0.04))),
    ),
    "Forearm": (
        *(("UlnarStyloid", (0.23, 0.0, -0.03)), ("RadialStyloid", (0.23, 0.0, 0.03))),
        ("Olecranon", (0.0, 0.0, -0.03)),
    ),
    "Hand": (
        *(("TopOfHand", (0.1, 0.0, 0.0)), ("Pinky", (0.07, 0.0, -0.04))),
        ("BallHand", (0.07, 0.0, 0.04)),
    ),
    "UpperLeg": (
        *(("GreaterTrochanter", (0.1, 0.0, 0.0)), ("KneeLatEpicondyle", (0.05, -0.4, 0.0))),
        ("KneeMedEpicondyle", (-0.05, -0.4, 0.0)),
    ),
    "LowerLeg": (
        *(("LatMalleolus", (0.04, -0.4, 0.0)), ("MedMalleolus", (-0.04, -0.4, 0.0))),
        ("TibialTub", (0.0, -0.05, 0.05)),
    ),
    "Foot": (
        *(("HeelFoot", (0.0, -0.05, -0.06)), ("FirstMetatarsal", (-0.04, -0.05, 0.12))),
        ("FifthMetatarsal", (0.05, -0.05, 0.1)),
    ),
    "Toe": (("Toe", (0.0, -0.01, 0.06)),),
}
# The sacrum's number is in the specification; the rest count from 1.
_NUMBERS = {"pSacrum": 13}


def _points() -> list[tuple[str, int, str, np.ndarray]]:
    """Of each point its segment, number, name and place (3,)."""
    found = []
    for segment in mvn.BODY:
        side = next((one for one in ("Left", "Right") if segment.startswith(one)), "")
        own = _SIDE[segment.removeprefix(side)] if side else _MIDDLE[segment]
        for n, (name, place) in enumerate(own, 1):
            whole = f"p{side}{name}" if side else name
            at = np.array(place) * (-1.0 if side == "Right" else 1.0, 1.0, 1.0)
            found.append((segment, _NUMBERS.get(name, n), whole, at))
    return found


_ALL = _points()
_SEGMENTS = [mvn.BODY.index(segment) for segment, *_ in _ALL]
_PLACES = np.array([place for *_, place in _ALL])
NUMBERS = np.array([256 * (s + 1) + n for s, (_, n, _, _) in zip(_SEGMENTS, _ALL, strict=True)])
POINTS = [
    Point(s + 1, n, name, tuple(axes.to_z_up(place, rotation.identity())[0].tolist()))
    for s, (_, n, name, place) in zip(_SEGMENTS, _ALL, strict=True)
]


def items(said: mvn.Body) -> mvn.Items:
    """Where the points of a pose in our axes are, in centimetres."""
    at, turns = said.positions[_SEGMENTS], said.rotations[_SEGMENTS]
    places = at + rotation.rotate(turns, _PLACES)
    return mvn.Items(NUMBERS, 100.0 * places, np.zeros((len(places), 0)))
