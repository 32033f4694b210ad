"""Sources and subjects changed from the page in a real Chromium."""

from __future__ import annotations

import json

import pytest

from tests.runtime.monitor.staged import StagedSession

from .chromium import Page, until
from .conftest import TOKEN

pytestmark = pytest.mark.clients


def enter(page: Page, name: str, text: str) -> None:
    """Types into a field, as far as the page can tell."""
    page.value(
        f"((field) => {{ field.value = {json.dumps(text)}; for (const kind of ['input', 'change'])"
        f" field.dispatchEvent(new Event(kind, {{bubbles: true}})); }})"
        f"(document.getElementById('{name}'))"
    )


def shown(name: str) -> str:
    return f"document.getElementById('{name}').offsetParent !== null"


@pytest.fixture
def editor(house, open_page, take, staged) -> Page:
    """The page with the token given and Edit pressed, at the stub."""
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait(f"understudy.frame.subjects.length > 0 && {shown('edit')}")
    page.click("#edit")
    page.wait(shown("source-form"))
    return page


def test_without_the_token_the_page_lists_and_changes_nothing(house, open_page, take, staged):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page()
    page.wait("document.querySelectorAll('#sources li').length === 2")
    page.wait("document.querySelector('#sources li').dataset.status === 'sends'")
    page.wait(
        "/sends . [0-9.]+ Hz . 50 ms delay/.test(document.querySelector('#sources .state')"
        ".textContent)"
    )
    assert "nothing has come on udp 40000" in page.text("#sources li:nth-child(2) .more")
    assert page.text("#sources li:nth-child(2) .state") == "waits"
    page.click("#edit")
    for name in ("source-form", "subject-editor", "session-section", "edit"):
        assert not page.value(shown(name)), name
    page.value("understudy.say({say: 'remove_source', name: 'vmc'})")
    page.wait("document.getElementById('edited').textContent.includes('token')")
    assert set(staged.asked) <= {"session", "slate"} and "vmc" in staged.sources


def test_a_source_is_added_and_removed(editor, staged: StagedSession):
    enter(editor, "source-url", "nonsense://here")
    editor.click("#source-form button")
    editor.wait("document.getElementById('edited').textContent.includes('is no source')")
    assert editor.value("document.getElementById('source-url').value") == "nonsense://here"
    enter(editor, "source-url", "vmc://0.0.0.0:39540")
    enter(editor, "source-name", "side")
    editor.click("#source-form button")
    editor.wait("document.querySelectorAll('#sources li').length === 3")
    assert staged.sources["side"]["from"] == "vmc://0.0.0.0:39540"
    editor.wait("document.getElementById('source-url').value === ''")
    remove = "#sources li:nth-child(3) button"
    editor.click(remove)
    assert editor.text(remove) == "Really?" and "side" in staged.sources
    editor.click(remove)
    editor.wait("document.querySelectorAll('#sources li').length === 2")
    assert "side" not in staged.sources


def test_a_subject_is_renamed_moved_turned_and_removed(editor, staged: StagedSession):
    editor.click("#subjects button")
    editor.wait(shown("subject-editor"))
    for _ in range(3):
        editor.click("#x-more")
    editor.click("#turn-less")
    until(lambda: staged.subjects["walker"]["heading_deg"] == -15, "it was not turned")
    assert staged.subjects["walker"]["at_m"] == [0.75, 0, 0]
    enter(editor, "z", "-2,5")
    until(lambda: staged.subjects["walker"]["at_m"] == [0.75, 0, -2.5], "it was not moved")
    enter(editor, "z", "1e9")
    until(lambda: staged.subjects["walker"]["at_m"][2] == 1000, "out of every room")
    staged.subject("Ann")
    enter(editor, "subject-name", "Ann")
    editor.click("#rename-form button")
    editor.wait("document.getElementById('edited').textContent.includes('already')")
    assert editor.value("document.getElementById('edited').classList.contains('failed')")
    enter(editor, "subject-name", "Bo <b>")
    editor.click("#rename-form button")
    editor.wait("document.getElementById('edited').textContent === 'walker is called Bo <b> now.'")
    editor.wait("understudy.editing.session.subjects.some((one) => one.name === 'Bo <b>')")
    editor.wait("document.getElementById('subject-edited').textContent === 'Bo <b>'")
    editor.click("#leave")
    assert "Bo <b>" in staged.subjects
    editor.click("#leave")
    editor.wait("document.getElementById('edited').textContent.includes('left the stage')")
    assert set(staged.subjects) == {"Ann"}


def test_a_subject_is_put_right(editor, staged: StagedSession):
    editor.click("#subjects button")
    editor.wait(shown("subject-editor"))
    editor.click("#mirror")
    until(lambda: staged.subjects["walker"].get("mirror") is True, "it was not mirrored")
    editor.wait("document.getElementById('mirror').getAttribute('aria-pressed') === 'true'")
    enter(editor, "root", "hips only")
    until(lambda: staged.subjects["walker"].get("root") == "hips only", "its root moves")
    assert staged.subjects["walker"]["mirror"] is True
    for button in range(editor.value("document.querySelectorAll('#resets [data-what]').length")):
        before = staged.asked.count("reset_subject")
        editor.value(f"document.querySelectorAll('#resets [data-what]')[{button}].click()")
        until(lambda: staged.asked.count("reset_subject") > before, "nothing was asked")  # noqa: B023
        editor.wait("!document.getElementById('edited').classList.contains('failed')")


def test_a_session_is_saved(editor, staged: StagedSession):
    editor.click("#session-form button")
    editor.wait("document.getElementById('edited').textContent.includes('no session file')")
    enter(editor, "session-path", "show.toml")
    editor.click("#session-form button")
    editor.wait("document.getElementById('edited').textContent === 'Saved to show.toml.'")


def test_what_is_edited_can_be_touched_and_fits(editor):
    editor.click("#subjects button")
    editor.wait(shown("subject-editor"))
    for width, height in ((360, 640), (390, 844), (768, 1024), (810, 1080), (1024, 768)):
        editor.size(width, height)
        editor.wait(f"innerWidth === {width} && innerHeight === {height}")
        wrong = editor.value(
            "[...document.querySelectorAll('button, input, select')]"
            ".filter((one) => one.offsetParent)"
            ".map((one) => [one.id || one.textContent, one.getBoundingClientRect()])"
            ".filter(([, r]) => Math.min(r.height, r.width) < 43.9 || r.x < 0"
            " || r.right > innerWidth)"
            ".map(([name, r]) => `${name} ${r.x} ${r.width} x ${r.height}`)"
        )
        assert wrong == [], (width, wrong)
        assert editor.value("document.documentElement.scrollWidth") <= width


def test_a_live_stage_is_edited(house, open_page, take):
    """The stage's own session: what is renamed and moved is drawn there, under that name."""
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait(f"understudy.frame.subjects.length > 0 && {shown('edit')}")
    page.click("#edit")
    page.wait("document.querySelector('#sources li')?.dataset.status === 'plays'")
    page.click("#subjects button")
    page.wait(shown("subject-editor"))
    enter(page, "x", "40")
    page.wait("understudy.joint('walker', 0)?.[0] > 30")
    enter(page, "subject-name", "Bo")
    page.click("#rename-form button")
    page.wait("understudy.joint('Bo', 0)?.[0] > 30")
    enter(page, "source-url", "nonsense://here")
    page.click("#source-form button")
    page.wait("document.getElementById('edited').textContent.includes('no source')")
    enter(page, "session-path", str(house.folder / "show.toml"))
    page.click("#session-form button")
    page.wait("document.getElementById('edited').textContent.startsWith('Saved to')")
    assert 'name = "Bo"' in (house.folder / "show.toml").read_text()
    page.click("#leave"), page.click("#leave")
    page.wait("understudy.frame.subjects.length === 0")
