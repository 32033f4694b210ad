"""The monitor's page in a real Chromium, against a live stage."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from understudy.bridge import Subscriber

from .chromium import Page, until
from .conftest import TOKEN, House

pytestmark = pytest.mark.clients

BODY = "window.understudy?.scene.bodies.size > 0 && understudy.frame.subjects.length > 0"
LIVE = "document.body.dataset.link === 'stage'"
ROW = "document.querySelector('#subjects button')"


def colours(page: Page) -> np.ndarray:
    """The 3D picture (H, W, 3), 0..255, without the panel beside it."""
    box = page.value(
        "(({x, y, right, bottom}) => [x, y, right, bottom])"
        "(document.getElementById('picture').getBoundingClientRect())"
    )
    whole = Image.open(io.BytesIO(page.picture())).convert("RGB")
    return np.asarray(whole.crop(tuple(map(int, box))), int)


def share(picture: np.ndarray, red: tuple, green: tuple, blue: tuple) -> float:
    """How much of the picture has a colour within these bounds."""
    inside = np.ones(picture.shape[:2], bool)
    for channel, (low, high) in enumerate((red, green, blue)):
        inside &= (picture[..., channel] >= low) & (picture[..., channel] <= high)
    return float(inside.mean())


def drift(page: Page, house: House) -> float:
    """How far, in metres, joints on the page are from those of the same frame of the stage."""
    with Subscriber(house.publish) as subscriber:
        frame = subscriber.receive(60)
        for _ in range(20):
            number, shown = page.value(
                "[understudy.frame.sequence, Array.from({length: 22}, (_, j) =>"
                " understudy.joint('walker', j))]"
            )
            while frame.sequence < number:
                frame = subscriber.receive(60)
            if frame.sequence == number:
                (subject,) = frame.subjects
                there, _ = subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)
                return float(np.abs(there - np.array(shown)).max())
    raise AssertionError("page and subscriber never had the same frame")


def drawn(page: Page) -> None:
    """Waits until somebody has a body, and is in the picture with it."""
    page.wait(BODY)
    n = page.value("understudy.frame.n")
    page.wait(f"understudy.frame.n > {n + 3}")


def seen_in(page: Page, state: str) -> tuple[np.ndarray, dict[str, str]]:
    """The picture and the list's first row while its subject is in this state all along."""
    row = f"""(() => {{
        const row = {ROW}, [, , state, more] = row.children;
        return {{state: row.dataset.state, drawn: understudy.frame.subjects[0].state,
                word: state.textContent, more: more.textContent,
                colour: getComputedStyle(state).color}};
    }})()"""
    for _ in range(200):
        page.wait(f"{ROW}?.dataset.state === '{state}'")
        before, picture, after = page.value(row), colours(page), page.value(row)
        if all(one["state"] == one["drawn"] == state for one in (before, after)):
            return picture, before
    raise AssertionError(f"nobody stayed {state} for the length of a picture")


RED = (170, 255), (0, 120), (0, 120)
AMBER = (190, 255), (120, 200), (0, 130)
LIGHT = (185, 255), (180, 255), (170, 255)


def test_the_character_moves_as_the_stage_says(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor()
    page = open_page()
    drawn(page)
    first = colours(page)
    hips = "understudy.joint('walker', 0)"
    start = page.value(hips)
    page.wait(f"Math.hypot(...{hips}.map((x, i) => x - {start}[i])) > 0.5")
    second = colours(page)
    assert share(first, *LIGHT) > 0.005, "no body is in the picture"
    assert np.mean(np.abs(first - second).max(-1) > 40) > 0.005, "the picture stood still"
    assert drift(page, house) < 1e-4, "the page's pose is not the stage's"
    assert page.text("#clock").count(":") == 3
    assert "live" in page.text("#subjects .state")


def test_who_is_dropped_turns_red(house, open_page, take):
    house.start_stage("--bvh", take, "--no-takeover", "--drop", "1.5-5.9")
    house.start_monitor()
    page = open_page()
    drawn(page)
    live, _ = seen_in(page, "LIVE")
    lost, row = seen_in(page, "LOST")
    assert share(lost, *RED) > 0.01, "the body is not red"
    assert share(live, *RED) < 0.2 * share(lost, *RED), "who is live is red too"
    assert row["word"] == "LOST" and "nothing comes" in row["more"]
    assert row["colour"] == "rgb(255, 74, 61)"


def test_who_is_taken_over_turns_amber(house, open_page, take):
    house.start_stage("--bvh", take, "--drop", "0.5-5.9:LeftArm,LeftForeArm,LeftHand")
    house.start_monitor()
    page = open_page()
    drawn(page)
    picture, row = seen_in(page, "TAKEOVER")
    assert share(picture, *AMBER) > 0.01 and share(picture, *RED) < 0.005
    assert "±" in row["word"] and row["more"]


def test_the_page_comes_back_after_the_stage_and_after_the_monitor(house, open_page, take):
    house.start_monitor()
    page = open_page()
    page.wait("document.getElementById('notice').textContent.includes('No stage on')")
    house.start_stage("--bvh", take)
    page.wait(f"{BODY} && {LIVE}")
    page.value("window.same = true")
    for _ in range(2):
        house.kill(house.stage)
        page.wait("document.body.dataset.link === 'silent'")
        assert "No stage" in page.text("#notice")
        house.start_stage("--bvh", take)
        page.wait(LIVE)
    house.kill(house.monitor)
    page.wait("document.body.dataset.link === 'none'")
    assert "No connection to the monitor" in page.text("#notice")
    house.start_monitor()
    page.wait(LIVE)
    sequence = page.value("understudy.frame.sequence")
    page.wait(f"understudy.frame.sequence > {sequence}")
    assert page.value("window.same") is True, "the page was loaded anew"


def test_subjects_and_skeletons_come_and_go(house, open_page, take):
    house.start_stage("--bvh", take, "--copies", 20)
    house.start_monitor()
    page = open_page()
    page.wait(f"{BODY} && document.querySelectorAll('#subjects button').length === 20")
    house.kill(house.stage)
    other = take.with_name("other.bvh")
    other.write_text(
        "HIERARCHY\nROOT Base\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation"
        " Xrotation Yrotation\nJOINT Top\n{\nOFFSET 0 50 0\nCHANNELS 3 Zrotation Xrotation"
        " Yrotation\nEnd Site\n{\nOFFSET 0 50 0\n}\n}\n}\nMOTION\nFrames: 60\nFrame Time: 0.0166\n"
        + "0 0 0 0 0 0 0 0 0\n"
        * 60
    )
    house.start_stage("--bvh", other)
    page.wait("understudy.frame.subjects.map((one) => one.name).join() === 'other'")
    page.wait("document.querySelectorAll('#subjects button').length === 1")
    page.wait("understudy.scene.bodies.has(understudy.frame.subjects[0].skeleton)")


def test_without_the_token_it_is_for_watching(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page()
    page.wait(f"{BODY} && {LIVE}")
    assert page.value("document.getElementById('record-form').hidden") is True
    # The button is only hidden, so press it, and say what it would say.
    page.click("#record")
    page.value("understudy.say({say: 'start'})")
    page.wait("document.getElementById('said').textContent.includes('token')")
    stranger = house.stranger()
    for words in (
        {"say": "token", "token": "a-good-guess"},
        {"say": "start"},
        {"say": "start", "record": True},
        {"say": "stop"},
    ):
        stranger.send(json.dumps(words))
    refusals = 0
    while refusals < 3:
        heard = stranger.recv(timeout=60)
        refusals += isinstance(heard, str) and json.loads(heard)["kind"] == "refused"
    sequence = page.value("understudy.frame.sequence")
    page.wait(f"understudy.frame.sequence > {sequence + 30}")
    assert page.value("understudy.frame.take.recording") == ""
    assert not (house.folder / "takes").exists()
    assert TOKEN not in page.value("document.documentElement.outerHTML")


def test_with_the_token_it_records(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page()
    page.wait(f"{BODY} && {LIVE}")
    page.value("document.getElementById('token').value = 'wrong-token'")
    page.click("#token-form button")
    page.wait("document.getElementById('said').textContent.includes('not the token')")
    page.value(f"document.getElementById('token').value = {TOKEN!r}")
    page.click("#token-form button")
    page.wait("!document.getElementById('record-form').hidden")
    page.click("#slate")
    for word, said in (("scene", "12"), ("shot", "A"), ("notes", "the first"), ("take", "7")):
        page.value(
            f"((one) => {{ one.value = {said!r}; one.dispatchEvent(new Event('input')); }})"
            f"(document.getElementById({word!r}))"
        )
    page.click("#set")
    page.wait("document.getElementById('slate').textContent === '12 A T007'")
    assert page.value("document.getElementById('mark').disabled") is True
    page.click("#record")
    page.wait("understudy.frame.take?.recording && understudy.frame.take.seconds > 1")
    assert page.text("#tally").startswith("● REC")
    page.click("#mark")
    page.wait("understudy.frame.take.said === 'Marked.'")
    page.value("document.activeElement.blur()")
    page.value("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'm' }))")
    page.click("#record")
    page.wait("document.getElementById('said').textContent.startsWith('Written')")
    page.click("#circle")
    page.wait("document.getElementById('circle').ariaPressed === 'true'")
    files = list((house.folder / "takes").glob("*.bvh"))
    assert [file.name for file in files] == ["12_A_T007.bvh"]
    assert page.text("#slate") == "12 A T008"
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.contents import overview

    assert len(bvh.read(files[0]).positions) > 30
    found = overview(files[0].with_suffix(".mcap"))
    assert found.markers == 2 and found.slate == {
        "scene": "12", "shot": "A", "take": 7, "notes": "the first", "circled": True}  # fmt: skip


def test_the_library_shows_it(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait(f"{BODY} && !document.getElementById('record-form').hidden")
    page.click("#record")
    page.wait("understudy.frame.take?.recording && understudy.frame.take.seconds > 1")
    page.click("#record")
    page.wait("document.getElementById('said').textContent.startsWith('Written')")
    page.click("#library")
    page.wait("window.library && document.querySelectorAll('.take').length === 1 && library.may")
    page.wait("document.querySelector('.sheet').naturalWidth > 0")
    page.click(".take .circle")
    page.wait("document.querySelector('.take .circle').ariaPressed === 'true'")
    page.click("#only")
    page.wait("document.querySelectorAll('.take').length === 1")
    for width, height in [*PHONES, *TABLETS, (1280, 800)]:
        page.size(width, height)
        page.wait(f"innerWidth === {width}")
        assert page.value("document.documentElement.scrollWidth") <= width
    page.value("document.getElementById('text').value = 'nobody'")
    page.value("document.getElementById('text').dispatchEvent(new Event('input'))")
    page.wait("document.getElementById('notice').textContent === 'No take fits.'")


def test_the_token_in_the_address_lasts_through_restarts(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait("!document.getElementById('record-form').hidden")
    assert TOKEN not in page.value("location.href")
    house.kill(house.monitor)
    page.wait("document.body.dataset.link === 'none'")
    house.start_monitor("--token", TOKEN)
    page.wait(f"{LIVE} && understudy.recording.rights.record")
    page.click("#record")
    page.wait("understudy.frame.take?.recording")
    house.kill(house.stage)
    house.start_stage("--bvh", take)
    page.wait("understudy.frame.take?.said.includes('restarted')")
    assert page.value("document.getElementById('tally').hidden") is True


def test_a_touch_turns_the_view_and_a_tap_follows(house, open_page, take):
    house.start_stage("--bvh", take, "--copies", 3)
    house.start_monitor()
    page = open_page()
    page.wait(f"{BODY} && document.querySelectorAll('#subjects button').length === 3")
    yaw = page.value("understudy.orbit.yaw")
    points = [{"x": 300, "y": 400}], [{"x": 380, "y": 400}]
    page.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=points[0])
    page.command("Input.dispatchTouchEvent", type="touchMove", touchPoints=points[1])
    page.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait(f"understudy.orbit.yaw < {yaw} - 0.3")
    page.click("#subjects li:nth-child(3) button")
    page.wait(
        "Math.hypot(...[0, 2].map((i) => understudy.orbit.target[i]"
        " - understudy.joint(understudy.frame.subjects[2].name, 0)[i])) < 0.5"
    )
    small = page.value(
        "[...document.querySelectorAll('button, input')].filter((one) => one.offsetParent"
        " && one.getBoundingClientRect().height < 43.9).map((one) => one.id || one.className)"
    )
    assert small == [], "too small to touch"


def test_the_page_asks_nobody_but_the_monitor(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor()
    page = open_page()
    page.wait(f"{BODY} && {LIVE}")
    asked = page.value("performance.getEntriesByType('resource').map((one) => one.name)")
    assert asked and all(name.startswith(house.address) for name in asked)
    until(lambda: page.value("understudy.link.round_trip_ms > 0"), "no round trip is measured")


PHONES, TABLETS = [(360, 640), (390, 844)], [(768, 1024), (810, 1080)]
BOX = "(({x, y, right, bottom, width, height}) => ({x, y, right, bottom, width, height}))"


def box(page: Page, selector: str) -> dict[str, float]:
    """Where an element is, in CSS pixels of the window."""
    return page.value(f"{BOX}(document.querySelector({selector!r}).getBoundingClientRect())")


def test_record_is_in_sight_on_every_screen_and_nothing_is_too_wide(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait(f"{BODY} && !document.getElementById('record-form').hidden")
    for width, height in [*PHONES, *TABLETS, (844, 390), (1024, 768)]:
        page.size(width, height)
        page.wait(f"innerWidth === {width} && innerHeight === {height}")
        for scrolled in (0, 10_000):
            page.value(f"scrollTo(0, {scrolled})")
            for selector in ("#record", "#slate", "#mark"):
                at = box(page, selector)
                assert at["height"] >= 43.9 and at["width"] >= 43.9, (width, height, selector)
                assert at["x"] >= 0 and at["right"] <= width, (width, height, selector)
                assert at["y"] >= 0 and at["bottom"] <= height, (width, height, selector)
        page.value("scrollTo(0, 0)")
        assert page.value("document.documentElement.scrollWidth") <= width
        over = page.value(
            "((r) => document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2).id)"
            "(document.getElementById('record').getBoundingClientRect())"
        )
        assert over == "record", f"{over} lies over it at {width}x{height}"


def test_an_upright_tablet_shows_a_wide_picture_and_figures_to_be_read(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor()
    page = open_page()
    page.wait(BODY)
    for width, height in TABLETS:
        page.size(width, height)
        page.wait(f"innerWidth === {width} && innerHeight === {height}")
        picture = box(page, "#picture")
        assert picture["width"] == width and picture["height"] > 0.4 * height
        for selector in ("#figures dd", "#figures dt", "#subjects .name", "#subjects .state"):
            size = page.value(
                f"parseFloat(getComputedStyle(document.querySelector({selector!r})).fontSize)"
            )
            assert size >= 16, (selector, size)
        figures = box(page, "#figures")
        assert figures["bottom"] <= height, "the figures do not fit"


def test_a_take_whose_stage_is_gone_does_not_count_on(house, open_page, take):
    house.start_stage("--bvh", take)
    house.start_monitor("--token", TOKEN)
    page = open_page(f"#token={TOKEN}")
    page.wait("!document.getElementById('record-form').hidden")
    page.click("#record")
    page.wait("understudy.frame.take?.recording && understudy.frame.take.seconds > 0.5")
    assert page.text("#tally").startswith("● REC")
    house.kill(house.stage)
    page.wait("document.getElementById('tally').textContent.startsWith('REC?')")
    told, n = page.text("#tally"), page.value("understudy.frame.n")
    page.wait(f"understudy.frame.n > {n + 3}")  # more than a second of silence
    assert page.text("#tally") == told, "it counts a stage that is gone"
    page.wait("document.getElementById('said').textContent.includes('not known')")
    house.kill(house.monitor)
    page.wait("document.body.dataset.link === 'none'")
    assert page.text("#tally").startswith("REC?")
