"""SMPTE timecode: golden labels at the places where drop-frame counts, and round trips."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError

NAMES = [*timecode.RATES, "29.97df", "59.94df", "29.97ndf"]

# SMPTE ST 12-1: two labels (four at 59.94) are left out each minute but every tenth.
GOLDEN = [
    (0, "29.97df", "00:00:00;00"),
    (1799, "29.97df", "00:00:59;29"),
    (1800, "29.97df", "00:01:00;02"),
    (3597, "29.97df", "00:01:59;29"),
    (3598, "29.97df", "00:02:00;02"),
    (17981, "29.97df", "00:09:59;29"),
    (17982, "29.97df", "00:10:00;00"),
    (17983, "29.97df", "00:10:00;01"),
    (19781, "29.97df", "00:10:59;29"),
    (19782, "29.97df", "00:11:00;02"),
    (107892, "29.97df", "01:00:00;00"),
    (2589407, "29.97df", "23:59:59;29"),
    (2589408, "29.97df", "00:00:00;00"),
    (3599, "59.94df", "00:00:59;59"),
    (3600, "59.94df", "00:01:00;04"),
    (35963, "59.94df", "00:09:59;59"),
    (35964, "59.94df", "00:10:00;00"),
    (215784, "59.94df", "01:00:00;00"),
    (5178815, "59.94df", "23:59:59;59"),
    (5178816, "59.94df", "00:00:00;00"),
    (1800, "29.97", "00:01:00:00"),
    (108000, "29.97", "01:00:00:00"),
    (86399, "24", "00:59:59:23"),
    (86400, "23.976", "01:00:00:00"),
    (90000, "25", "01:00:00:00"),
    (59, "60", "00:00:00:59"),
    (2592000, "30", "00:00:00:00"),
    (4, "48", "00:00:00:04"),
    (50, "50", "00:00:01:00"),
]


@pytest.mark.parametrize(("frame", "name", "label"), GOLDEN)
def test_labels(frame, name, label):
    assert timecode.label(frame, name) == label


@given(
    name=st.sampled_from(NAMES),
    seconds=st.floats(0.0, 86_399.0),
    frame=st.integers(0, 2_000_000),
    off_s=st.sampled_from([0.0, 1e-12, -1e-12, 1e-6, -1e-6]),
)
def test_the_label_at_a_time_is_that_of_exact_arithmetic(name, seconds, frame, off_s):
    rate = timecode.rate(name)
    for at_s in (seconds, max(float(frame / rate) + off_s, 0.0)):
        exact = int(Fraction(at_s).limit_denominator(10**9) * rate)
        assert timecode.at_time(at_s, name) == timecode.label(exact, name)


@pytest.mark.parametrize(("frame", "name", "label"), GOLDEN)
def test_frame_numbers(frame, name, label):
    day = {"29.97df": 2589408, "59.94df": 5178816}.get(name, 86400 * round(timecode.rate(name)))
    assert timecode.frame_number(label, name) == frame % day


@given(st.integers(0, 2_073_599), st.sampled_from(NAMES))
def test_labels_come_back_as_the_same_frame(frame, name):
    assert timecode.frame_number(timecode.label(frame, name), name) == frame


@given(st.integers(0, 2_073_598), st.sampled_from(NAMES))
def test_labels_grow_with_the_frames(frame, name):
    assert timecode.label(frame, name) < timecode.label(frame + 1, name)


@pytest.mark.parametrize("name", ["29.97df", "59.94df"])
def test_drop_frame_stays_with_the_clock_on_the_wall(name):
    hour = int(3600 * timecode.rate(name))
    hours, minutes, seconds = timecode.label(hour, name).replace(";", ":").split(":")[:3]
    assert abs(int(hours) * 3600 + int(minutes) * 60 + int(seconds) - 3600) <= 1


def test_rates_are_exact():
    assert timecode.rate("29.97") == Fraction(30000, 1001)
    assert timecode.rate("59.94df") == Fraction(60000, 1001)
    assert timecode.rate("25") == 25


@pytest.mark.parametrize("name", ["30", "29.97", "29.97df", "59.94df", "23.976"])
def test_a_time_has_the_label_of_the_frame_that_is_on(name):
    rate = timecode.rate(name)
    for frame in (0, 1, 1799, 1800, 17982, 200_001):
        assert timecode.at_time(float((frame + Fraction(1, 2)) / rate), name) == timecode.label(
            frame, name
        )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: timecode.rate("31"), "known are 23.976, 24"),
        (lambda: timecode.rate("25df"), "29.97 and 59.94 only"),
        (lambda: timecode.label(-1, "25"), "frame 0"),
        (lambda: timecode.frame_number("12:00", "25"), "HH:MM:SS:FF"),
        (lambda: timecode.frame_number("00:00:00:99", "25"), "'00:00:00:99'"),
        (lambda: timecode.frame_number("00:01:00;00", "29.97df"), "'00:01:00;00'"),
        (lambda: timecode.frame_number("00:61:00:00", "25"), "'00:61:00:00'"),
    ],
)
def test_what_is_no_timecode_is_refused_in_a_sentence(call, says):
    with pytest.raises(UnderstudyError, match=says):
        call()
