"""The style sliders and the stage they ask and tell."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from understudy.bridge import ControlServer
from understudy.runtime.core.pose import Intent
from understudy.runtime.viewport.sliders import StyleSliders

from .conftest import standing


class Stage:
    """Answers style requests from a thread, for the subject "hero"."""

    def __init__(self) -> None:
        self.server = ControlServer("tcp://127.0.0.1:*")
        self.traits = {"energy": 0.25, "crouch": 0.0}
        self.told = threading.Event()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.over.wait(0.001):
            for request in self.server.poll():
                self.traits.update(request.traits)
                self.server.reply(request, style={"hero": dict(self.traits)})
                if request.traits:
                    self.told.set()


@pytest.fixture
def stage() -> Iterator[Stage]:
    one = Stage()
    yield one
    one.over.set()
    one.thread.join()
    one.server.close()


def test_sliders_show_what_holds_and_send_what_is_moved(stage: Stage) -> None:
    style = StyleSliders(stage.server.address)
    try:
        for _ in range(200):  # the first words may come before the sockets have met
            sliders = style.follow(standing(intent=Intent()))
            if sliders:
                break
            style._again_s = 0.0
        assert [(s.name, s.value) for s in sliders] == [("energy", 0.25), ("crouch", 0.0)]
        style.send()
        sliders[1].value, sliders[1].moved = -0.5, True
        style.send()
        assert stage.told.wait(20.0)
        assert stage.traits == {"energy": 0.25, "crouch": -0.5}
        assert not sliders[1].moved
        assert style.follow(standing()) == []  # nobody's pad: nothing to slide
    finally:
        style.close()


def test_without_a_stage_there_are_no_sliders_and_no_error() -> None:
    style = StyleSliders("tcp://127.0.0.1:1")
    try:
        assert style.follow(standing(intent=Intent())) == []
        assert style.follow(standing(intent=Intent())) == []
        style.send()
    finally:
        style.close()
