"""The mannequin: a closed, smooth, symmetrical body that fits whatever skeleton it is given."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh import anatomy, field, mannequin, store

COARSE_M = 0.02


@pytest.fixture(scope="module")
def mesh() -> mannequin.Mesh:
    return mannequin.build(PERFORMER, COARSE_M)


def edges(triangles: np.ndarray) -> np.ndarray:
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def is_closed(triangles: np.ndarray) -> bool:
    """Every edge is walked once each way: no hole, no seam, one orientation."""
    walked = edges(triangles).astype(np.int64)
    one_way = walked[:, 0] << 32 | walked[:, 1]
    other_way = walked[:, 1] << 32 | walked[:, 0]
    unique = len(np.unique(one_way)) == len(one_way)
    return unique and np.array_equal(np.sort(one_way), np.sort(other_way))


def volume(mesh: mannequin.Mesh) -> float:
    a, b, c = (mesh.positions[mesh.triangles[:, i]].astype(float) for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def test_it_is_closed_and_turned_outward(mesh: mannequin.Mesh) -> None:
    assert is_closed(mesh.triangles)
    assert 0.045 < volume(mesh) < 0.085  # a person of 1.76 m holds about 70 litres
    a, b, c = (mesh.positions[mesh.triangles[:, i]] for i in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), mesh.normals[mesh.triangles[:, 0]])
    assert np.mean(outward > 0) > 0.995


def test_normals_are_unit_and_follow_the_field(mesh: mannequin.Mesh) -> None:
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-4)


def test_weights_are_shares(mesh: mannequin.Mesh) -> None:
    assert mesh.weights.shape[1] == 4
    assert np.allclose(mesh.weights.sum(axis=1), 1.0, atol=1e-5)
    assert mesh.weights.min() >= 0.0
    assert mesh.joints.max() < len(PERFORMER)


def test_every_bone_of_the_body_moves_something(mesh: mannequin.Mesh) -> None:
    moved = np.zeros(len(PERFORMER))
    np.add.at(moved, mesh.joints, mesh.weights)
    assert (moved > 3.0).all(), [PERFORMER.names[j] for j in np.flatnonzero(moved <= 3.0)]


def test_left_limbs_do_not_hang_on_right_joints(mesh: mannequin.Mesh) -> None:
    right = np.array([name.startswith("Right") for name in PERFORMER.names])
    share = np.sum(mesh.weights * right[mesh.joints], axis=1)
    assert share[mesh.positions[:, 0] > 0.11].max() < 0.02


def test_it_is_symmetrical(mesh: mannequin.Mesh) -> None:
    points = mesh.positions.astype(float)
    groups = anatomy.groups(anatomy.landmarks(PERFORMER, anatomy.bind_pose(PERFORMER)[0]))
    whole = [
        field.union(groups, field.group_distances(groups, p[:, 0], p[:, 1], p[:, 2]))
        for p in (points, points * [-1.0, 1.0, 1.0])
    ]
    # The order in which shapes melt together leaves a millimetre.
    assert np.abs(whole[0] - whole[1]).max() < 2e-3


def test_it_stands_on_the_ground_and_is_as_tall_as_its_skeleton(mesh: mannequin.Mesh) -> None:
    assert abs(mesh.positions[:, 1].min()) < 0.006
    assert mesh.positions[:, 1].max() == pytest.approx(1.78, abs=0.02)


def test_the_bind_pose_leaves_the_vertices_where_they_are(mesh: mannequin.Mesh) -> None:
    world_p, world_r = anatomy.bind_pose(PERFORMER)
    matrices = mannequin.transforms(world_p, world_r) @ mesh.unbind
    assert np.abs(mannequin.skinned(mesh, matrices) - mesh.positions).max() < 1e-4


def test_a_bent_elbow_moves_the_hand_and_no_leg(mesh: mannequin.Mesh) -> None:
    rest = PERFORMER.rest_rotations
    bent = rest.copy()
    bent[PERFORMER.index("LeftForeArm")] = rotation.from_axis_angle((0.0, 0.0, 1.0), 1.2)
    before, after = (
        mannequin.skinned(
            mesh, mannequin.skin_matrices(PERFORMER, mesh, PERFORMER.rest_positions, turns)
        )
        for turns in (rest, bent)
    )
    moved = np.linalg.norm(after - before, axis=1)
    hand = PERFORMER.index("LeftHand")
    of_hand = (mesh.joints[:, 0] == hand) & (mesh.weights[:, 0] > 0.95)
    assert moved[of_hand].min() > 0.2
    assert moved[mesh.positions[:, 1] < 0.8].max() < 1e-6 or not (mesh.positions[:, 1] < 0.8).any()


@pytest.mark.parametrize("scale", [0.6, 1.25])
def test_it_grows_with_its_skeleton(scale: float, mesh: mannequin.Mesh) -> None:
    sized = Skeleton(
        PERFORMER.names,
        PERFORMER.parents,
        PERFORMER.rest_positions * scale,
        tips=PERFORMER.tips * scale,
    )
    grown = mannequin.build(sized, COARSE_M)
    assert np.ptp(grown.positions, axis=0) == pytest.approx(
        np.ptp(mesh.positions, axis=0) * scale, rel=0.03
    )
    assert is_closed(grown.triangles)


def test_long_arms_get_a_long_body_of_arms(mesh: mannequin.Mesh) -> None:
    offsets = PERFORMER.rest_positions.copy()
    for name in ("LeftHand", "RightHand"):
        offsets[PERFORMER.index(name)] *= 1.8
    long = mannequin.build(Skeleton(PERFORMER.names, PERFORMER.parents, offsets), COARSE_M)
    wrist = anatomy.bind_pose(Skeleton(PERFORMER.names, PERFORMER.parents, offsets))[0]
    hand = wrist[PERFORMER.index("LeftHand")]
    assert np.linalg.norm(long.positions - hand, axis=1).min() < 0.04
    assert np.ptp(long.positions[:, 0]) > np.ptp(mesh.positions[:, 0]) + 0.15


def test_a_skeleton_that_is_no_person_gets_capsules() -> None:
    snake = Skeleton(
        ("a", "b", "c", "d"),
        np.array([-1, 0, 1, 2]),
        np.array([[0, 0, 0], [0, 0, 0.4], [0, 0, 0.4], [0, 0, 0.4]], float),
    )
    mesh = mannequin.build(snake)
    assert is_closed(mesh.triangles)
    assert np.ptp(mesh.positions[:, 2]) > 1.1
    assert set(np.unique(mesh.joints)) == {0, 1, 2}
    assert np.all(mesh.weights[:, 0] == 1.0)


def test_a_single_joint_still_shows() -> None:
    mesh = mannequin.build(Skeleton(("only",), np.array([-1]), np.zeros((1, 3))))
    assert len(mesh.positions) > 20


def test_a_body_without_toes_collar_bones_or_neck_is_still_a_body() -> None:
    drop = {"LeftToeBase", "RightToeBase", "LeftShoulder", "RightShoulder", "Neck"}
    keep = [j for j, name in enumerate(PERFORMER.names) if name not in drop]
    world_p = PERFORMER.rest_globals[0]
    parents, offsets = [], []
    for j in keep:
        parent = int(PERFORMER.parents[j])
        while parent >= 0 and parent not in keep:
            parent = int(PERFORMER.parents[parent])
        parents.append(keep.index(parent) if parent >= 0 else -1)
        offsets.append(world_p[j] - (world_p[parent] if parent >= 0 else 0.0))
    bare = Skeleton(tuple(PERFORMER.names[j] for j in keep), np.array(parents), np.array(offsets))
    assert "left_toes" not in roles(bare)
    mesh = mannequin.build(bare, COARSE_M)
    assert is_closed(mesh.triangles)
    assert 0.04 < volume(mesh) < 0.09


def test_the_cache_gives_the_same_mesh_and_survives_damage(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    made = store.load(PERFORMER, 0.03)
    (path,) = store.cache_folder().iterdir()
    monkeypatch.setattr(mannequin, "build", lambda *_: pytest.fail("was built again"))
    again = store.load(PERFORMER, 0.03)
    for name in (f.name for f in dataclasses.fields(mannequin.Mesh)):
        assert np.array_equal(getattr(made, name), getattr(again, name))
    monkeypatch.undo()
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    path.write_bytes(path.read_bytes()[:1000])
    assert len(store.load(PERFORMER, 0.03).positions) == len(made.positions)
    assert [p.suffix for p in store.cache_folder().iterdir()] == [".npz"]


distances = st.floats(-2.0, 2.0)


@given(distances, distances, st.floats(0.001, 0.5))
def test_smooth_union_is_a_union_that_only_adds(a: float, b: float, k: float) -> None:
    joined = float(field.smooth_min(np.array(a), np.array(b), k))
    assert joined <= min(a, b) + 1e-12
    assert joined >= min(a, b) - 0.25 * k - 1e-12
    assert joined == pytest.approx(float(field.smooth_min(np.array(b), np.array(a), k)))
    if abs(a - b) >= k:
        assert joined == min(a, b)


@given(distances, distances)
def test_exclusive_is_inside_exactly_one(a: float, b: float) -> None:
    value = float(field.exclusive(np.array(a), np.array(b)))
    if a != 0 and b != 0:
        assert (value < 0) == ((a < 0) != (b < 0))


def test_a_body_without_a_head_has_a_mannequin_and_one_without_legs_says_why_not():
    role = roles(PERFORMER)
    for gone, fits in (("head", True), ("neck", True), ("left_upper_leg", False)):
        out = {role[gone]}
        for j in range(len(PERFORMER)):
            if int(PERFORMER.parents[j]) in out:
                out.add(j)
        keep = [j for j in range(len(PERFORMER)) if j not in out]
        body = Skeleton(
            tuple(PERFORMER.names[j] for j in keep),
            np.array([keep.index(int(PERFORMER.parents[j])) if j else -1 for j in keep]),
            PERFORMER.rest_positions[keep],
        )
        assert (mannequin.unfit(body) == "") == fits
        if fits:
            built = mannequin.build(body, 0.05)
            assert np.ptp(built.positions[:, 1]) > 1.6  # a skull is on it
        if not fits:
            assert "bones are drawn" in mannequin.unfit(body)
