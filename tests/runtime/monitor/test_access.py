"""Tokens: right ones, wrong ones, too many wrong ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.monitor.access import ADDRESSES_KEPT, TRIES, WHILE_S, Access, checked_token

TOKEN = "correct horse"


@given(st.text(max_size=300).filter(lambda text: text != TOKEN))
def test_only_the_token_is_the_token(given_text):
    access = Access(TOKEN)
    assert access.refusal(given_text, "10.0.0.7", 0.0)
    assert access.refusal(TOKEN, "10.0.0.7", 0.0) == ""


@given(st.text(max_size=40))
def test_without_a_token_nobody_is_admitted(given_text):
    access = Access(None)
    assert not access.possible
    assert "--token" in access.refusal(given_text, "10.0.0.7", 0.0)


def test_guessing_is_stopped_even_when_it_hits():
    access = Access(TOKEN)
    for _ in range(TRIES):
        access.refusal("guess-guess", "10.0.0.7", 0.0)
    assert "Too many" in access.refusal(TOKEN, "10.0.0.7", 1.0)
    assert access.refusal(TOKEN, "10.0.0.8", 1.0) == "", "one guesser locked everybody out"
    assert access.refusal(TOKEN, "10.0.0.7", WHILE_S + 1.0) == ""
    assert access.refused == TRIES + 1


def test_what_is_remembered_of_guessers_is_bounded():
    access = Access(TOKEN)
    for number in range(3 * ADDRESSES_KEPT):
        access.refusal("guess-guess", f"host {number}", 0.0)
    assert len(access._wrong) <= ADDRESSES_KEPT


def test_a_token_that_is_easily_guessed_is_refused():
    assert checked_token("12345678") == "12345678"
    with pytest.raises(UnderstudyError, match="--token auto"):
        checked_token("1234567")
    first, second = checked_token("auto"), checked_token("auto")
    assert first != second and len(first) >= 16
