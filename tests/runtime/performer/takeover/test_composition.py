"""Bodies that are moved together are moved as each would be alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.runtime.performer.rigs import bones_along_x, carried_root, on, root_above_hips, walk
from understudy.runtime.core.pose import State
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.offline import OfflineInput, OfflineOutput, run_offline
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.takes.clip import Clip

RATE_HZ = 30.0
# Batches of other sizes round otherwise; a foot that is let go makes half a millimetre of it.
SAME_M = 6e-4
LEG, ARM = ("LeftUpLeg", "LeftLeg", "LeftFoot"), ("LeftArm", "LeftForeArm", "LeftHand")


def without_right_foot() -> Skeleton:
    """A humanoid with one whole leg."""
    whole = bones_along_x()
    keep = [j for j, name in enumerate(whole.names) if name not in ("RightFoot", "RightToe")]
    number = {j: k for k, j in enumerate(keep)}
    return Skeleton(
        tuple(whole.names[j] for j in keep),
        np.array([number.get(int(whole.parents[j]), -1) for j in keep]),
        whole.rest_positions[keep],
        whole.rest_rotations[keep],
    )


def scenario() -> list[tuple[Clip, OfflineInput]]:
    """Four rigs and seven bodies that lose themselves and limbs, return, come late, and stop."""
    whole = walk()
    base = replace(
        whole,
        positions=whole.positions[:240:2],
        rotations=whole.rotations[:240:2],
        frame_time_s=1.0 / RATE_HZ,
    )
    crippled = without_right_foot()
    bones = on(bones_along_x(), base)
    columns = [bones.skeleton.index(name) for name in crippled.names]
    one_foot = replace(
        bones,
        skeleton=crippled,
        positions=bones.positions[:, columns],
        rotations=bones.rotations[:, columns],
    )
    clips = [base, base, base, bones, on(root_above_hips(), base), on(carried_root(), base)]
    losses: list[list[tuple[float, float, tuple[str, ...]]]] = [
        [(0.6, 3.2, ())],  # stops and stands; the first, as bodies that stand breathe by number
        [(0.8, 1.0, LEG), (1.6, 2.3, ())],
        [(0.5, 0.55, ()), (1.0, 1.07, ())],
        [(0.8, 1.3, ()), (2.2, 2.6, ARM)],
        [(0.8, 1.3, ()), (1.4, 1.6, ())],
        [(1.0, 1.8, ())],
        [(0.8, 1.5, ())],
    ]
    out = []
    for k, (clip, lost) in enumerate(zip([*clips, one_foot], losses, strict=True)):
        seen = np.ones((len(clip), len(clip.skeleton)), bool)
        for start_s, stop_s, names in lost:
            joints = [clip.skeleton.index(name) for name in names] or slice(None)
            seen[round(start_s * RATE_HZ) : round(stop_s * RATE_HZ), joints] = False
        delays_s = np.random.default_rng(k).uniform(0.0, 0.06, len(clip)) if k == 2 else None
        out.append((clip, OfflineInput(clip.positions, clip.rotations, seen, delays_s)))
    return out


def shown(bodies: list[tuple[Clip, OfflineInput]]) -> list[OfflineOutput]:
    with Takeover([clip.skeleton for clip, _ in bodies], stop_after_s=1.0) as takeover:
        return run_offline(takeover, [given for _, given in bodies], RATE_HZ)


def test_many_bodies_together_are_shown_as_each_alone():
    bodies = scenario()
    together = shown(bodies)
    for k, body in enumerate(bodies):
        (alone,) = shown([body])
        assert (alone.states == together[k].states).all()
        assert alone.reasons == together[k].reasons
        assert np.abs(alone.uncertainty_m - together[k].uncertainty_m).max() < SAME_M
        skeleton = body[0].skeleton
        one = skeleton.globals(alone.positions, alone.rotations)[0]
        other = skeleton.globals(together[k].positions, together[k].rotations)[0]
        assert np.abs(one - other).max() < SAME_M
        assert (alone.states == State.TAKEOVER).any() and (alone.states == State.LIVE).any()


def test_a_body_that_begins_anew_on_a_larger_skeleton_leaves_the_others_alone():
    (clip, _), (small, _) = scenario()[3:5]
    bones = scenario()[0][0]
    with Takeover([small.skeleton, bones.skeleton], stop_after_s=1.0) as takeover:
        transfer = Takeover([clip.skeleton]).bodies[0].prediction
        assert transfer is not None and len(clip.skeleton) >= len(small.skeleton)
        for k in range(45):
            at_s = k / RATE_HZ
            if k < 30:
                takeover.arrive(1, at_s, bones.positions[k], bones.rotations[k])
            if k == 20:
                takeover.reseat(0, clip.skeleton, transfer.transfer)
            where = clip if k >= 20 else small
            takeover.arrive(0, at_s, where.positions[k], where.rotations[k])
            takeover.step(at_s)
            assert (takeover.positions[0] == where.positions[k]).all()
        assert takeover.states == [State.LIVE, State.TAKEOVER]
