"""Bodies whose source is silent for long, or comes back far away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.runtime.performer.rigs import walk
from understudy.runtime.bench import gaps
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import State
from understudy.runtime.performer.takeover.offline import OfflineInput, OfflineOutput, run_offline
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.takes.clip import Clip

RATE = 30


def clip_of(seconds: float) -> Clip:
    clip = walk(seconds)
    n = round(clip.rate_hz / RATE)
    return replace(
        clip,
        positions=clip.positions[::n].copy(),
        rotations=clip.rotations[::n].copy(),
        frame_time_s=clip.frame_time_s * n,
    )


def stands_from(clip: Clip, frame: int) -> None:
    """The actor stays as he is at a frame."""
    clip.positions[frame:], clip.rotations[frame:] = clip.positions[frame], clip.rotations[frame]


def played(clip: Clip, *lost: tuple[int, int], then: str = "stand") -> OfflineOutput:
    seen = np.ones((len(clip), len(clip.skeleton)), bool)
    for start, stop in lost:
        seen[start:stop] = False
    with Takeover([clip.skeleton], 0.5, then=then) as takeover:
        part = OfflineInput(clip.positions, clip.rotations, seen)
        return run_offline(takeover, [part], clip.rate_hz)[0]


def hips_of(clip: Clip, shown: OfflineOutput) -> np.ndarray:
    """(T, 3) where the hips are."""
    world = gaps.world(clip.skeleton, shown.positions, shown.rotations)
    return np.asarray(world[:, roles(clip.skeleton)["hips"]])


def test_who_is_back_far_away_walks_there_and_is_then_the_source():
    clip = clip_of(9.0)
    back = 3 * RATE
    stands_from(clip, back)
    clip.positions[back:, 0] += (1.8, 0.0, 0.5)
    shown = played(clip, (RATE, back))
    hips = hips_of(clip, shown)
    speed = np.hypot(*np.diff(hips[back - 1 :], axis=0)[:, [0, 2]].T) * RATE
    assert speed.max() < 3.0
    assert shown.states[-1] == State.LIVE
    home = back + int(np.argmax(shown.live()[back:]))
    assert RATE < home - back < 5 * RATE
    assert any("m away: walking there" in reason for reason in shown.reasons[back:home])
    # How far it is off is known while it walks.
    assert shown.uncertainty_m[back + 5] > 1.0
    assert shown.uncertainty_m[home] == 0.0


def test_who_is_back_turned_round_turns_there():
    clip = clip_of(8.0)
    back = 3 * RATE
    stands_from(clip, RATE)
    turn = rotation.from_yaw(2.6)
    clip.rotations[back:, 0] = rotation.multiply(turn, clip.rotations[back, 0])
    shown = played(clip, (RATE + 20, back))
    yaw = rotation.yaw(shown.rotations[:, 0])
    rate = np.abs((np.diff(yaw) + np.pi) % (2 * np.pi) - np.pi) * RATE
    assert rate[back - 1 :].max() < 9.0  # a blend of half a second takes it there at 10 and more
    assert shown.states[-1] == State.LIVE


def test_who_is_lost_again_on_the_way_does_not_jump():
    clip = clip_of(9.0)
    back = 3 * RATE
    stands_from(clip, back)
    clip.positions[back:, 0] += (3.0, 0.0, 0.0)
    shown = played(clip, (RATE, back), (back + 15, back + 45))
    hips = hips_of(clip, shown)
    speed = np.hypot(*np.diff(hips[RATE:], axis=0)[:, [0, 2]].T) * RATE
    assert speed.max() < 4.0
    assert shown.states[-1] == State.LIVE


@pytest.mark.parametrize("then", ["stand", "idle", "sit", "exit"])
def test_what_follows_a_long_silence_is_the_users_choice(then):
    clip = clip_of(9.0)
    shown = played(clip, (RATE, len(clip)), then=then)
    word = {"stand": "standing", "idle": "waiting", "sit": "sitting", "exit": "leaving"}[then]
    assert any(reason.endswith(word) for reason in shown.reasons)
    hips = hips_of(clip, shown)
    late = hips[6 * RATE :]
    gone_m = np.hypot(*(hips[-1] - hips[2 * RATE])[[0, 2]])
    if then == "exit":
        assert gone_m > 3.0
    else:
        assert np.hypot(*(late[-1] - late[0])[[0, 2]]) < 0.5
    if then == "sit":
        assert late[:, 1].min() < 0.75 * hips[RATE, 1]
    else:
        assert late[:, 1].min() > 0.85 * hips[RATE, 1]


def test_a_word_that_means_nothing_is_refused():
    with pytest.raises(UnderstudyError, match="none of stand, idle, sit, exit"):
        Takeover([walk(1.0).skeleton], then="dance")
