"""Names in any script: from the machine's fonts where it has them, and said where it has not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from understudy.runtime.viewport import fonts
from understudy.runtime.viewport.fonts import REGULAR, Fonts


@pytest.fixture
def context() -> Iterator[None]:
    before = imgui.get_current_context()
    made = imgui.create_context()
    imgui.set_current_context(made)
    yield
    imgui.destroy_context(made)
    if before is not None:
        imgui.set_current_context(before)


def test_letters_of_our_own_font_need_no_other(
    context: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "files_with", lambda _: pytest.fail("nothing is missing"))
    made = Fonts()
    made.cover("Ann Жанна Ἀ"[:9] + "±…")
    assert made.missing == set()


def test_a_letter_that_no_font_has_is_told_once(
    context: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(fonts, "files_with", lambda letter: asked.append(letter) or [REGULAR])
    made = Fonts()
    for _ in range(3):
        made.cover("山田 山田\n")
    assert made.missing == {"山", "田"} and sorted(asked) == sorted("山田")


def test_a_letter_is_found_in_a_font_of_the_machine(context: None) -> None:
    letter = next((c for c in "مԱა山" if fonts.files_with(c)), None)
    if letter is None:
        pytest.skip("no font here has more than Latin letters")
    made = Fonts()
    made.cover(letter)
    assert made.missing == set()
    assert all(font.is_glyph_in_font(ord(letter)) for font in (made.regular, made.bold))
