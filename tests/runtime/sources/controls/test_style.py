"""Traits of a body, as a user writes them."""

from __future__ import annotations

import math

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources.controls.style import checked, parse_style


def test_traits_that_a_user_writes():
    assert parse_style("energy=0.5, crouch = -0.3") == {"energy": 0.5, "crouch": -0.3}
    assert parse_style("crouch=1") == {"crouch": 1.0}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "--style"),
        ("energy", "energy"),
        ("energy=much", "energy=much"),
        ("=1", "'=1'"),
        ("grace=0.5", "grace"),
        ("energy=1.5", "1.5"),
        ("energy=nan", "nan"),
    ],
)
def test_what_is_no_style_is_refused_in_a_sentence(text, named):
    with pytest.raises(UnderstudyError, match=r"\.$") as caught:
        parse_style(text)
    assert named in str(caught.value)


@pytest.mark.parametrize("value", [True, "0.5", None, [0.5], math.inf])
def test_values_from_elsewhere_must_be_numbers(value):
    with pytest.raises(UnderstudyError, match="energy"):
        checked({"energy": value}, "style")


def test_a_number_in_quotes_is_none_in_a_file_but_is_one_on_the_command_line():
    assert parse_style("energy=1") == {"energy": 1.0}
    with pytest.raises(UnderstudyError, match=r"style, energy is '1'; it must be a number from -1"):
        checked({"energy": "1"}, "style")
