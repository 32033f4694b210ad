"""Skeletons and their kinematics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.skeleton import Skeleton


@st.composite
def skeletons(draw):
    count = draw(st.integers(1, 12))
    parents = [-1] + [draw(st.integers(0, j - 1)) for j in range(1, count)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Skeleton(
        tuple(f"j{j}" for j in range(count)),
        np.array(parents),
        rng.normal(size=(count, 3)),
        rotation.normalize(rng.normal(size=(count, 4))),
    )


def motion(skeleton: Skeleton, frames: int):
    rng = np.random.default_rng(len(skeleton))
    positions = rng.normal(size=(frames, len(skeleton), 3))
    return positions, rotation.normalize(rng.normal(size=(frames, len(skeleton), 4)))


@given(skeletons())
def test_kinematics_is_the_chain_of_transforms_from_the_root(skeleton):
    positions, rotations = motion(skeleton, 1)
    world_p, world_r = skeleton.globals(positions, rotations)
    for j in range(len(skeleton)):
        point, turn, k = positions[0, j], rotations[0, j], int(skeleton.parents[j])
        while k >= 0:
            point = positions[0, k] + rotation.rotate(rotations[0, k], point)
            turn = rotation.multiply(rotations[0, k], turn)
            k = int(skeleton.parents[k])
        assert np.allclose(world_p[0, j], point, atol=1e-9)
        assert np.allclose(world_r[0, j], turn, atol=1e-9)


@given(skeletons())
def test_locals_undo_globals(skeleton):
    positions, rotations = motion(skeleton, 3)
    back_p, back_r = skeleton.locals(*skeleton.globals(positions, rotations))
    assert np.allclose(back_p, positions, atol=1e-9)
    assert np.allclose(back_r, rotations, atol=1e-9)


@given(skeletons())
def test_kinematics_leaves_its_input_alone(skeleton):
    positions, rotations = motion(skeleton, 2)
    before = positions.copy(), rotations.copy()
    skeleton.globals(positions, rotations)
    assert np.array_equal(positions, before[0]) and np.array_equal(rotations, before[1])


def make(names=("a", "b"), parents=(-1, 0), rest=None) -> Skeleton:
    return Skeleton(names, np.array(parents), np.zeros((len(names), 3)) if rest is None else rest)


def test_the_identity_tells_skeletons_apart_by_name_tree_and_shape():
    rest = np.array([[0.0, 1, 0], [0, 0.5, 0]])
    plain = make(rest=rest)
    assert plain.id == make(rest=rest + 1e-7).id
    assert len({plain.id, make(("a", "c"), rest=rest).id, make(rest=rest * 1.01).id}) == 3


@pytest.mark.parametrize(
    ("names", "parents", "says"),
    [
        ((), (), "at least one joint"),
        (("a", "a"), (-1, 0), "'a'"),
        (("a", "b"), (-1, -1), "one root"),
        (("a", "b", "c"), (-1, 2, 0), "parents before"),
        (("a", "b"), (-1, 1), "parents before"),
        (("a", "b"), (0, 0), "one root"),
    ],
)
def test_what_is_no_tree_is_refused_in_a_sentence(names, parents, says):
    with pytest.raises(UnderstudyError, match=says):
        make(names, parents)


def test_an_unknown_joint_is_named():
    with pytest.raises(UnderstudyError, match="no joint 'knee'; it has a, b"):
        make().index("knee")


def test_rest_transforms_cannot_be_changed_behind_the_identity():
    with pytest.raises(ValueError, match="read-only"):
        make().rest_positions[0] = 1.0
