"""Frames and meshes for the page say what the stage says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.monitor import page
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.monitor import message
from understudy.runtime.viewport.mesh import mannequin

CHAIN = Skeleton(
    ("root", "middle", "end"), [-1, 0, 1], [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
    tips=[[np.nan] * 3, [np.nan] * 3, [0, 0.5, 0]], curve_names=("jawOpen", "browInnerUp"),
)  # fmt: skip


def frame(*subjects: Subject, **words) -> Frame:
    return Frame(7, 0, 0, 30000, 1001, "01:02:03;04", list(subjects), **words)


def turned(skeleton: Skeleton, seed: int) -> Pose:
    generator = np.random.default_rng(seed)
    pose = Pose.rest(skeleton)
    pose.positions[0] = generator.normal(size=3)
    pose.rotations[:] = rotation.normalize(generator.normal(size=pose.rotations.shape))
    return pose


def test_joints_are_where_the_skeleton_puts_them():
    subjects = [
        Subject("A", PERFORMER, turned(PERFORMER, 1)),
        Subject("B", CHAIN, turned(CHAIN, 2), State.LOST, "nothing comes", uncertainty_m=0.25),
        Subject("C", PERFORMER, turned(PERFORMER, 3), State.TAKEOVER),
    ]
    seen = page.frame(message.pack_frame(frame(*subjects), {"n": 5}))
    assert seen["n"] == 5 and seen["timecode"] == "01:02:03;04"
    assert seen["timecode_rate"] == "29.97 DF"
    for told, subject in zip(seen["subjects"], subjects, strict=True):
        world_p, world_r = subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)
        np.testing.assert_allclose(told["positions"], world_p, atol=1e-5)
        np.testing.assert_allclose(told["rotations"], world_r, atol=2e-5)
        assert (told["name"], told["state"]) == (subject.name, subject.state.name)
    assert (seen["subjects"][1]["reason"], seen["subjects"][1]["error_m"]) == (
        "nothing comes",
        0.25,
    )


def test_a_pose_that_is_not_finite_harms_nobody_else():
    broken = turned(CHAIN, 1)
    broken.rotations[1] = np.nan
    seen = page.frame(
        message.pack_frame(
            frame(Subject("A", CHAIN, broken), Subject("B", CHAIN, turned(CHAIN, 2))), {}
        )
    )
    assert [subject["sound"] for subject in seen["subjects"]] == [False, True]
    assert np.isfinite(seen["subjects"][1]["positions"]).all()


def test_cameras_props_and_curves():
    still = np.array([0.0, 0.0, 0.0, 1.0])
    camera = Camera("A cam", np.array([1.0, 2.0, 3.0]), still, 50.0, state=State.HOLD)
    lost = Prop("gone", np.array([np.nan, 0, 0]), still)
    subject = Subject("A", CHAIN, turned(CHAIN, 1), curves=np.array([0.1, 0.7], np.float32))
    seen = page.frame(
        message.pack_frame(
            frame(subject, cameras=[camera], props=[Prop("box", np.zeros(3), still), lost]), {}
        )
    )
    assert seen["cameras"][0]["position"] == [1.0, 2.0, 3.0]
    assert (seen["cameras"][0]["focal_mm"], seen["cameras"][0]["state"]) == (50.0, "HOLD")
    assert [prop["name"] for prop in seen["props"]] == ["box"]
    assert seen["subjects"][0]["curves"] == [["browInnerUp", 0.7], ["jawOpen", 0.1]]


@pytest.mark.parametrize("skeleton", [PERFORMER, CHAIN])
def test_a_mesh_arrives_whole(skeleton):
    mesh = mannequin.build(skeleton, 0.04)
    block = message.pack_mesh(mesh)
    head, at = page.opened(block)
    vertices = head["vertices"]

    def take(kind: str, *shape: int) -> np.ndarray:
        nonlocal at
        array = np.frombuffer(block, kind, int(np.prod(shape)), at).reshape(shape)
        at += array.nbytes
        return array

    np.testing.assert_array_equal(take("<f4", head["joints"], 3, 4), mesh.unbind[:, :3])
    np.testing.assert_array_equal(take("<u4", head["triangles"], 3), mesh.triangles)
    np.testing.assert_array_equal(take("<f4", vertices, 3), mesh.positions.astype("f4"))
    np.testing.assert_array_equal(take("<u2", vertices, 4), mesh.joints)
    paint = np.clip(mesh.paint, -0.5, 0.5)
    np.testing.assert_allclose(take("<i2", vertices, 4) / 65534, paint, atol=1e-4)
    np.testing.assert_allclose(take("i1", vertices, 4)[:, :3] / 127, mesh.normals, atol=0.01)
    weights = take("u1", vertices, 4).astype(float)
    np.testing.assert_allclose(weights / weights.sum(1, keepdims=True), mesh.weights, atol=0.01)
    assert at == len(block)
