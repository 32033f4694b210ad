"""Quality that sets itself."""

from __future__ import annotations

import itertools

import pytest

from understudy.runtime.viewport.quality import LEVELS, NAMED, Quality

# What a picture takes at each level, of what it takes whole.
SHARE = [level.scale**2 * (1.0 if level.contact else 0.6) for level in LEVELS]


def drawn(quality: Quality, whole_ms: float, seconds: float, at_s: float = 0.0) -> list[int]:
    """Levels of the pictures that a renderer makes which takes so long for a whole one."""
    seen, until_s = [], at_s + seconds
    while at_s < until_s:
        at = LEVELS.index(quality.level)
        took_ms = whole_ms * SHARE[at]
        at_s += took_ms / 1e3
        quality.note(took_ms, at_s)
        seen.append(at)
    return seen


@pytest.mark.parametrize("whole_ms", [20.0, 60.0, 120.0, 300.0])
def test_a_picture_keeps_its_rate_at_the_finest_level_that_does(whole_ms):
    quality = Quality("auto")
    drawn(quality, whole_ms, 20.0)
    last = drawn(quality, whole_ms, 10.0, at_s=20.0)
    usual = max(set(last), key=last.count)
    assert whole_ms * SHARE[usual] <= quality.budget_ms or usual == len(LEVELS) - 1
    finer = usual - 1
    if finer >= 0:  # it is not drawn coarser than it has to be
        assert whole_ms * SHARE[finer] > 0.5 * quality.budget_ms


def test_what_proved_too_much_is_tried_ever_more_rarely():
    quality = Quality("auto")  # one level takes 36 ms, the next finer one 50: it goes to and fro
    seen = drawn(quality, 50.0 / SHARE[1], 240.0)
    changes = [n for n, (a, b) in enumerate(itertools.pairwise(seen)) if a != b]
    half = len(seen) // 2
    late = [n for n in changes if n > half]
    assert len(late) <= 8 and len(late) < len(changes)


def test_it_comes_back_when_there_is_time_again():
    quality = Quality("auto")
    drawn(quality, 400.0, 20.0)
    assert LEVELS.index(quality.level) >= 4 and "no contact shading" in quality.said
    drawn(quality, 10.0, 300.0, at_s=20.0)
    assert quality.level == LEVELS[0] and not quality.said


def test_a_named_one_stays():
    for name, level in NAMED.items():
        quality = Quality(name)
        assert not any(quality.note(1000.0, n) for n in range(100))
        assert quality.level == level and not quality.said
