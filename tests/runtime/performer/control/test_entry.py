"""Going on from anyone's motion: speed and step are kept, and the body comes to a natural stop."""

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent, Pose
from understudy.runtime.performer.control import entry
from understudy.runtime.performer.control.layout import CONTACTS, PHASE, TRAVEL
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes import bvh

STAND = Intent()


@pytest.fixture(scope="module")
def walked():
    """Five seconds of the performer's own walk at 1.4 m/s along +x, and the network's bodies."""
    poses, bodies, contacts = [], [], []
    with Performer(1, provider="cpu") as p:
        for _ in range(300):
            p.step([Intent(np.array([0.7, 0.0]))])
            poses.append((p.positions[0, 0].astype(float), p.rotations[0].astype(float)))
            bodies.append(p._sets[p._turn]["body"][0].astype(float))
            contacts.append(p.contacts[0, :, 1].copy())
    return poses, bodies, np.array(contacts)


def pose_of(known) -> Pose:
    positions = PERFORMER.rest_positions.copy()
    positions[0] = known[0]
    return Pose(positions, known[1])


def joints(hips, rotations):
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    return PERFORMER.globals(positions, rotations)[0]


def test_a_body_is_read_from_two_poses(walked):
    poses, bodies, contacts = walked
    start = bodies[0]
    away, agree = [], []
    for t in range(150, 290, 7):
        body, root, yaw = entry.body(poses[t], poses[t - 1], start)
        assert np.hypot(*body[TRAVEL][:2]) == pytest.approx(1.4, abs=0.35)
        assert np.hypot(*entry.world_velocity(body, yaw)) == pytest.approx(1.4, abs=0.35)
        assert entry.world_velocity(body, yaw)[0] > 1.0
        true, found = bodies[t][PHASE], body[PHASE]
        away.append(np.arctan2(true[0] * found[1] - true[1] * found[0], true[:2] @ found[:2]))
        planted = body[CONTACTS].reshape(2, 2).max(-1) > 0.5
        agree.append((planted == (contacts[t].reshape(2, 2).max(-1) > 0.5)).mean())
        back = entry.pose(body, root, yaw)
        np.testing.assert_allclose(back[0], poses[t][0], atol=1e-6)
        assert rotation.angle_between(back[1], poses[t][1]).max() < 1e-5
    assert np.abs(away).mean() < 0.5  # a sixth of a step
    assert np.mean(agree) > 0.8


def test_who_lies_is_not_gone_on_from():
    upright = np.array([0.0, 0.95, 0.0]), PERFORMER.rest_rotations
    lying = rotation.multiply(
        rotation.from_axis_angle([1.0, 0, 0], np.pi / 2), PERFORMER.rest_rotations[0]
    )
    turned = PERFORMER.rest_rotations.copy()
    turned[0] = lying
    assert entry.is_upright(upright)
    assert not entry.is_upright((np.array([0.0, 0.95, 0.0]), turned))
    assert not entry.is_upright((np.array([0.0, 0.2, 0.0]), PERFORMER.rest_rotations))


def taken_over(known, before, ticks=180):
    """World joints (T, J, 3), root (T, 2), toes' slide in m/s while planted, of a body at rest."""
    hips, rotations, roots, down = [], [], [], []
    with Performer(1, provider="cpu") as p:
        p.take_over(0, pose_of(known), pose_of(before))
        for _ in range(ticks):
            p.step([STAND])
            hips.append(p.positions[0, 0].astype(float))
            rotations.append(p.rotations[0].astype(float))
            roots.append(p.root[0].copy())
            down.append(p.contacts[0, :, 1].reshape(2, 2)[:, 1] > 0.5)
    hips, rotations, down = np.array(hips), np.array(rotations), np.array(down)
    toes = legs.forward(hips, rotations)[0][:, :, 3]
    slide = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * 60
    return joints(hips, rotations), np.array(roots), slide[down[1:] & down[:-1]]


def check(known, before, speed):
    places, roots, slide = taken_over(known, before)
    seam = joints(*(np.stack([a, b]) for a, b in zip(before, known, strict=True)))
    path = np.concatenate([seam, places])
    jump = np.linalg.norm(np.diff(path[:4], n=2, axis=0), axis=-1).max()
    usual = np.linalg.norm(np.diff(path[1:40], axis=0), axis=-1).max()
    assert jump < 0.3 * usual + 0.01
    v = np.linalg.norm(np.diff(roots, axis=0), axis=-1) * 60
    assert v[:6].mean() > 0.6 * speed  # it does not freeze
    assert v[90:].max() < 0.1  # and stands a second and a half later
    assert 0.05 * speed < np.linalg.norm(roots[-1] - roots[0]) < 0.6 * speed
    assert slide.mean() < 0.02


def test_a_walk_that_is_taken_over_ends_in_a_step_or_two(walked):
    poses, _, _ = walked
    for t in (180, 200, 217):
        check(poses[t], poses[t - 1], 1.4)


@pytest.mark.parametrize(("clip", "frame"), [("walking_30", 150), ("running_5", 60)])
def test_captured_motion_is_taken_over_too(mocap, clip, frame):
    take = bvh.read(mocap / "cmu" / f"{clip}.bvh")
    retarget = Retarget(take.skeleton, PERFORMER)
    retarget.level(take.positions, take.rotations)
    now, before = ([frame], [frame - 2])  # 120 Hz
    known, past = (
        (p[0, 0], r[0])
        for p, r in (retarget.apply(take.positions[f], take.rotations[f]) for f in (now, before))
    )
    check(known, past, float(np.linalg.norm((known[0] - past[0])[[0, 2]])) * 60)


def test_a_pose_alone_is_taken_over_standing():
    positions = PERFORMER.rest_positions.copy()
    positions[0] = [2.0, 0.97, 1.0]
    with Performer(1, provider="cpu") as p:
        p.take_over(0, Pose(positions, PERFORMER.rest_rotations))
        for _ in range(90):
            p.step([STAND])
        assert np.hypot(p.root[0, 0] - 2.0, p.root[0, 1] - 1.0) < 0.15
        assert np.isfinite(p.positions).all()
