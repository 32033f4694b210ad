"""The takeover network behind its interface, on made-up walking and with the shipped weights."""

import numpy as np
import onnxruntime as ort
import pytest

from tests.models.motion.gait import walk
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.takeover.network import RATE_HZ, Understudy

ARM = [PERFORMER.index(n) for n in ("LeftArm", "LeftForeArm", "LeftHand")]
EVERY = round(60.0 / RATE_HZ)


@pytest.fixture(scope="module")
def motion():
    """World hips (T, 3) and local rotations (T, J, 4) of a walk, one row a tick."""
    clip = walk(5.0, 1.3)
    return clip.positions[::EVERY, 0], clip.rotations[::EVERY]


def watch(understudy, motion, until, seen=None):
    hips, rotations = motion
    count = understudy.count
    mask = np.ones((count, len(PERFORMER)), bool) if seen is None else seen
    for t in range(until):
        understudy.step(*(np.repeat(x[t][None], count, 0) for x in (hips, rotations)), mask)


def places(hips, rotations):
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    return PERFORMER.globals(positions, rotations)[0]


def test_what_is_seen_stays_to_the_bit(motion):
    with Understudy(2) as understudy:
        watch(understudy, motion, 20)
        assert (understudy.hips == motion[0][19]).all()
        assert (understudy.rotations == motion[1][19]).all()
        assert (understudy.error_m == 0.0).all()
        seen = np.ones((2, len(PERFORMER)), bool)
        seen[:, ARM] = False
        spoilt = np.repeat(motion[1][20][None], 2, 0)
        spoilt[:, ARM] = np.nan
        understudy.step(np.repeat(motion[0][20][None], 2, 0), spoilt, seen)
        others = [j for j in range(len(PERFORMER)) if j not in ARM]
        assert (understudy.rotations[:, others] == motion[1][20][others]).all()
        assert np.isfinite(understudy.rotations).all()
        # The upper arm hangs on a shoulder that is seen; only what it carries is in doubt.
        assert (understudy.error_m[:, ARM[0]] == 0.0).all()
        assert (understudy.error_m[:, ARM[1:]] > 0.0).all()
        assert (understudy.error_m[:, others] == 0.0).all()


def test_a_walk_goes_on_when_nothing_is_seen(motion):
    hips, rotations = motion
    with Understudy(1) as understudy:
        watch(understudy, motion, 60)
        nothing = np.zeros((1, len(PERFORMER)), bool)
        out = []
        for _ in range(round(RATE_HZ)):
            understudy.step(np.full((1, 3), np.nan), np.full((1, 22, 4), np.nan), nothing)
            out.append((understudy.hips[0].copy(), understudy.rotations[0].copy()))
        found = places(*(np.stack(x) for x in zip(*out, strict=True)))
        true = places(hips[60:90], rotations[60:90])
        held = np.linalg.norm(true - places(hips[59:60], rotations[59:60]), axis=-1).mean()
        assert np.linalg.norm(found - true, axis=-1).mean() < 0.5 * held
        step = np.linalg.norm(np.diff(found, axis=0), axis=-1)
        assert step.max() * RATE_HZ < 6.0
        assert np.abs(np.linalg.norm(understudy.rotations, axis=-1) - 1.0).max() < 1e-5
        assert understudy.error_m.mean() > 0.005
        assert ((understudy.contacts >= 0.0) & (understudy.contacts <= 1.0)).all()


def test_watching_remembers_what_foretelling_would(motion):
    """Of who is seen whole nothing is foretold; what is told of it afterwards is the same."""
    nothing = np.zeros((2, 22), bool)
    with Understudy(2) as watches, Understudy(2) as foretells:

        def whole(rows, hips, rotations):
            foretells._foretell(rows, hips, rotations, ~nothing[rows])
            foretells._remember(rows, foretells._bound(len(rows), False)[1])

        foretells._watch = whole
        for understudy in (watches, foretells):
            watch(understudy, motion, 45)
            for _ in range(15):
                understudy.step(np.zeros((2, 3)), np.zeros((2, 22, 4)), nothing)
        np.testing.assert_allclose(watches.hips, foretells.hips, atol=1e-4)
        np.testing.assert_allclose(watches.rotations, foretells.rotations, atol=1e-3)


def test_place_goes_on_from_that_very_pose_wherever_it_lies(motion):
    hips, rotations = motion
    with Understudy(1) as understudy:
        watch(understudy, motion, 40)
        # Half a tick later than the last, as a stage at another rate sees it.
        between = [0.5 * (hips[t] + hips[t + 1]) for t in (38, 39)]
        half = [rotation.slerp(rotations[t], rotations[t + 1], 0.5) for t in (38, 39)]
        understudy.place(0, between[1], half[1], between[0], half[0])
        assert (understudy.hips[0] == between[1]).all()
        understudy.step(hips[None, 0], rotations[None, 0], np.zeros((1, 22), bool))
        true = 0.5 * (hips[40] + hips[41])
        assert np.linalg.norm(understudy.hips[0] - true) < 0.02


def test_heading_and_place_in_the_world_do_not_matter(motion):
    hips, rotations = motion
    turn = rotation.from_yaw(2.1)
    moved = rotation.rotate(turn, hips) + np.array([30.0, 0.0, -12.0])
    turned = rotations.copy()
    turned[:, 0] = rotation.multiply(turn, turned[:, 0])
    nothing = np.zeros((2, 22), bool)
    with Understudy(2) as understudy:
        for t in range(40):
            understudy.step(
                np.stack([hips[t], moved[t]]),
                np.stack([rotations[t], turned[t]]),
                ~nothing,
            )
        for _ in range(20):
            understudy.step(np.zeros((2, 3)), np.zeros((2, 22, 4)), nothing)
        there = rotation.rotate(turn, understudy.hips[0]) + np.array([30.0, 0.0, -12.0])
        np.testing.assert_allclose(understudy.hips[1], there, atol=2e-3)
        apart = rotation.angle_between(understudy.rotations[0, 1:], understudy.rotations[1, 1:])
        assert apart.max() < 0.01


def test_a_snapshot_is_gone_back_to_exactly(motion):
    nothing = np.zeros((2, 22), bool)
    with Understudy(2) as understudy:
        watch(understudy, motion, 30)
        kept = understudy.snapshot(1)
        ends = []
        for _ in range(2):
            understudy.restore(1, kept)
            for _ in range(5):
                understudy.step(np.zeros((2, 3)), np.zeros((2, 22, 4)), nothing, [1])
            ends.append(understudy.rotations[1].copy())
        assert (ends[0] == ends[1]).all()
        assert (understudy.rotations[0] == motion[1][29]).all()  # the other stayed where it was


def test_bodies_do_not_touch_each_other(motion):
    nothing = np.zeros((3, 22), bool)
    with Understudy(3) as many, Understudy(1) as one:
        watch(many, motion, 30)
        watch(one, motion, 30)
        many.reset(2)
        for _ in range(10):
            many.step(np.zeros((3, 3)), np.zeros((3, 22, 4)), nothing)
            one.step(np.zeros((1, 3)), np.zeros((1, 22, 4)), nothing[:1])
        np.testing.assert_allclose(many.rotations[0], one.rotations[0], atol=1e-5)
        np.testing.assert_allclose(many.hips[1], one.hips[0], atol=1e-5)


def test_a_network_of_another_kind_is_refused(root):
    with pytest.raises(UnderstudyError, match="no takeover network"):
        Understudy(1, root / "models" / "weights" / "motion.onnx")
    with pytest.raises(UnderstudyError, match="at least one body, not 0"):
        Understudy(0)


def test_memory_of_another_device_changes_nothing(motion):
    """The copies to and from a device, tried on the CPU."""
    nothing = np.zeros((2, 22), bool)
    with Understudy(2) as plain, Understudy(2) as staged:
        staged._network.staged = True
        for understudy in (plain, staged):
            watch(understudy, motion, 20)
            for _ in range(5):
                understudy.step(np.zeros((2, 3)), np.zeros((2, 22, 4)), nothing)
        assert (plain.rotations == staged.rotations).all()
        assert (plain.error_m == staged.error_m).all()


@pytest.mark.gpu
def test_the_gpu_says_what_the_cpu_says(motion):
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        pytest.skip("this ONNX Runtime has no CUDA provider: not run on a GPU")
    try:
        gpu = Understudy(2, provider="cuda")
    except UnderstudyError as error:
        pytest.skip(f"not run on a GPU: {error}")
    nothing = np.zeros((2, 22), bool)
    with gpu, Understudy(2, provider="cpu") as cpu:
        for understudy in (gpu, cpu):
            watch(understudy, motion, 30)
            for _ in range(15):
                understudy.step(np.zeros((2, 3)), np.zeros((2, 22, 4)), nothing)
        np.testing.assert_allclose(gpu.hips, cpu.hips, atol=5e-3)


def test_expected_errors_grow_and_end_with_the_drop(motion):
    hips, rotations = motion
    nothing = np.zeros((1, 22), bool)
    with Understudy(1) as understudy:
        watch(understudy, motion, 40)
        grown = []
        for _ in range(15):
            understudy.step(np.zeros((1, 3)), np.zeros((1, 22, 4)), nothing)
            grown.append(float(understudy.error_m.mean()))
        assert grown[-1] > 2.0 * grown[0]
        understudy.place(0, hips[56], rotations[56], hips[55], rotations[55])
        assert understudy.error_m.max() == 0.0
        understudy.step(np.zeros((1, 3)), np.zeros((1, 22, 4)), nothing)
        assert float(understudy.error_m.mean()) < 0.7 * grown[-1]


@pytest.mark.parametrize("degrees", [90.0, -90.0, 89.9999, 180.0])
def test_bodies_that_lie_or_stand_on_their_hands_stay_bodies(motion, degrees):
    """Hips that look straight up have no heading."""
    hips, rotations = motion
    over = rotation.from_axis_angle([1.0, 0.0, 0.0], np.deg2rad(degrees))
    turned = rotations.copy()
    turned[:, 0] = over
    nothing = np.zeros((1, 22), bool)
    with Understudy(1) as understudy:
        watch(understudy, (hips, turned), 20)
        for _ in range(30):
            understudy.step(np.zeros((1, 3)), np.zeros((1, 22, 4)), nothing)
        assert np.abs(understudy.hips - hips[19]).max() < 5.0
        columns = understudy._now[0, :, 1:].reshape(3, 22, 3).transpose(1, 2, 0)
        np.testing.assert_allclose(
            columns @ columns.swapaxes(1, 2), np.eye(3)[None].repeat(22, 0), atol=1e-3
        )
