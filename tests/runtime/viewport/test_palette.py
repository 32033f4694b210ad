"""The search of commands."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui

from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.hud import Board
from understudy.runtime.viewport.palette import Command, Palette, choices
from understudy.runtime.viewport.renderer import Renderer

from .test_renderer import box, changed, picture


def searched(done: list[str]) -> Palette:
    """One whose commands note that they were done."""
    palette = Palette(choices("sun", ("noon", "evening"), done.append))
    palette.commands += [
        Command(n, "K", lambda n=n: done.append(n)) for n in ("bones", "the next sun")
    ]  # type: ignore[misc]
    palette.toggle()
    return palette


def test_every_word_has_to_occur_and_beginnings_come_first():
    palette = searched([])
    assert len(palette.found()) == 4
    palette.text = "SUN"
    assert [one.name for one in palette.found()] == ["sun: noon", "sun: evening", "the next sun"]
    palette.text = "ev sun"
    assert [one.name for one in palette.found()] == ["sun: evening"]
    palette.text = "nothing like that"
    assert palette.found() == []
    palette.move(1)
    palette.run()
    assert not palette.open


def test_the_one_that_is_chosen_is_done_and_it_closes():
    done: list[str] = []
    palette = searched(done)
    palette.text = "sun"
    palette.move(1)
    palette.run()
    assert done == ["evening"] and not palette.open
    palette.toggle()
    palette.move(-1)  # round at the end
    palette.run()
    assert done == ["evening", "the next sun"]


def test_it_takes_letters_arrows_and_enter_in_the_window(renderer: Renderer, front: Camera):
    done: list[str] = []
    palette = searched(done)
    renderer.resize(640, 360)
    board = Board(palette=palette)

    def draw() -> np.ndarray:
        return picture(renderer, None, front, board=board)

    plain = picture(renderer, None, front)
    for _ in range(3):
        draw()
    left, top, right, bottom = box(changed(plain, draw()))
    assert left > 60 and right < 580 and top > 20 and bottom < 300
    assert renderer.holds_keys  # at once: nobody has to click
    io = imgui.get_io()
    io.add_input_characters_utf8("sun")
    draw()
    for key in (imgui.Key.down_arrow, imgui.Key.enter):
        for down in (True, False):
            io.add_key_event(key, down)
            draw()
    assert done == ["evening"] and not palette.open
    draw()
    assert not renderer.holds_keys
    assert not changed(plain, draw()).any()
