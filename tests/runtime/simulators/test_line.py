"""Loss, jitter and dropouts of a simulated line, without a clock."""

from __future__ import annotations

from itertools import pairwise

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.simulators import line
from understudy.runtime.simulators.line import Line


def test_a_good_line_carries_all_at_once():
    assert Line().carry([b"a", b"b"], 2.0) == [(2.0, b"a"), (2.0, b"b")]


def test_loss_and_jitter_are_as_asked_and_the_same_for_a_seed():
    def carried():
        bad = Line(loss=0.1, jitter_s=0.02, seed=5)
        return bad, [one for n in range(5000) for one in bad.carry([b"x"], n / 100)]

    (bad, out), (_, again) = carried(), carried()
    assert out == again and len(out) + bad.lost == 5000
    assert 0.08 < bad.lost / 5000 < 0.12
    late = [at % 0.01 for at, _ in out]
    assert max(at for at, _ in out) < 50.02 and max(late) > 0.009


def test_a_dropout_is_silent_for_so_long_every_time():
    bad = Line(every_s=5.0, silent_s=0.5)
    heard = [n / 100 for n in range(1600) if bad.carry([b"x"], n / 100)]
    gaps = [(a, b) for a, b in pairwise(heard) if b - a > 0.1]
    assert [round(a) for a, _ in gaps] == [5, 10, 15]
    assert all(b - a == pytest.approx(0.51, abs=0.011) for a, b in gaps)


def test_words_are_read():
    assert line.share("2%") == 0.02
    assert line.duration_s("--jitter", "20ms") == 0.02
    assert line.dropout_s("5s/0.5s") == (5.0, 0.5)


@pytest.mark.parametrize("text", ["2", "-1%", "101%", "x%", "nan%"])
def test_a_loss_that_is_none_is_refused(text):
    with pytest.raises(UnderstudyError, match="--loss"):
        line.share(text)


@pytest.mark.parametrize("text", ["20", "-5ms", "1h", "99999s", ""])
def test_a_time_without_its_unit_is_refused(text):
    with pytest.raises(UnderstudyError, match="--jitter"):
        line.duration_s("--jitter", text)


@pytest.mark.parametrize("text", ["5s", "0.5s/5s", "5s/0s", "a/b"])
def test_a_dropout_that_is_none_is_refused(text):
    with pytest.raises(UnderstudyError, match="--dropout"):
        line.dropout_s(text)
