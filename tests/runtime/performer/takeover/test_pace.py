"""What was sent is measured alike, one pose at a time or many at once."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.performer.takeover.envelope import Envelope
from understudy.runtime.performer.takeover.pace import Pace
from understudy.runtime.performer.takeover.stream import Packet

JOINTS = 4


def sent(seed: int) -> tuple[list[Packet], float]:
    """A wandering body that comes unevenly, with holes, and not always whole."""
    rng = np.random.default_rng(seed)
    count, rate_hz = int(rng.integers(1, 120)), float(rng.choice([10, 30, 60, 120, 240]))
    times = np.cumsum(rng.uniform(0.2, 1.8, count) / rate_hz)
    times += np.cumsum(rng.random(count) < 0.05) * rng.choice([0.0, 0.5])
    turns = np.array([0.0, 0.0, 0.0, 2.0])
    turns = turns + np.cumsum(rng.normal(0.0, 0.1, (count, JOINTS, 4)), axis=0)
    places = np.cumsum(rng.normal(0.0, 0.02, (count, JOINTS, 3)), axis=0)
    seen = [None if rng.random() < 0.7 else rng.random(JOINTS) < 0.5 for _ in range(count)]
    packets = map(Packet, times.tolist(), places, rotation.normalize(turns), seen)
    return list(packets), 1.0 / rate_hz


def measured(packets: list[Packet], usual_s: float, at_once: list[int]) -> tuple[Envelope, Pace]:
    envelope, pace = Envelope(JOINTS), Pace(JOINTS)
    left = list(packets)
    while left:
        count = at_once.pop() if at_once else 1
        some, left = left[:count], left[count:]
        envelope.note(some)
        if whole := [packet for packet in some if packet.seen is None]:
            pace.note(
                [packet.time_s for packet in whole],
                [packet.positions[0] for packet in whole],
                [packet.rotations for packet in whole],
                usual_s,
            )
    return envelope, pace


@pytest.mark.parametrize("seed", range(40))
def test_many_at_once_are_measured_as_one_by_one(seed: int):
    packets, usual_s = sent(seed)
    sizes = np.random.default_rng(seed).integers(1, 40, 120).tolist()
    one_envelope, one = measured(packets, usual_s, [])
    envelope, pace = measured(packets, usual_s, sizes)
    assert pace.paced == one.paced and pace.disordered_s == one.disordered_s
    shown = np.zeros((JOINTS, 3)), rotation.identity((JOINTS,))
    far = np.full((JOINTS, 3), 9.0), np.tile([0.0, 1.0, 0.0, 0.0], (JOINTS, 1))
    for mine, its in zip(pace.slow(0.01, shown, *far), one.slow(0.01, shown, *far), strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-12)
    joints, root = np.arange(JOINTS), (np.zeros(3), np.zeros(3))
    kept = []
    for box in (envelope, one_envelope):
        positions, rotations = far[0].copy(), far[1].copy()
        box.keep(joints, 0.1, 0.25, root, positions, rotations)
        kept.append((positions, rotations))
    np.testing.assert_allclose(kept[0][0], kept[1][0], atol=1e-12)
    np.testing.assert_allclose(kept[0][1], kept[1][1], atol=1e-12)


def test_a_pose_goes_no_faster_than_the_body_did():
    """A joint that turned by a degree in a hundredth of a second is not shown 90 degrees on."""
    turns = [rotation.from_axis_angle([[0.0, 1.0, 0.0]], [np.radians(k)]) for k in range(50)]
    pace = Pace(1)
    pace.note([0.01 * k for k in range(50)], [np.zeros(3)] * 50, turns, 0.01)
    still = np.zeros((1, 3)), turns[-1]
    aim = rotation.from_axis_angle([[0.0, 1.0, 0.0]], [np.radians(139.0)])
    _, shown = pace.slow(0.01, still, np.zeros((1, 3)), aim)
    assert 1.0 < np.degrees(rotation.angle_between(still[1], shown)[0]) < 2.5
