"""Takes as films: everybody, through the cameras that were live, one take after the other."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.runtime.takes.filmed import film, shot
from understudy.runtime.cli.main import main
from understudy.runtime.core.pose import Camera, State
from understudy.runtime.viewport import take_film
from understudy.runtime.viewport.renderer import Options, Renderer

UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


def take(path: Path, cameras: bool = True, ticks: int = 60) -> Path:
    """A second or so of two boxes; camera B is live from tick 30 on."""
    frames = []
    for tick in range(ticks):
        frames.append(shot(tick, ann=State.LIVE, ben=State.TAKEOVER))
        if cameras:
            frames[-1].cameras = [
                Camera("A", np.array([0.0, 1.0, 4.0]), UPRIGHT, 50.0, focus_m=4.2, iris=2.8),
                Camera("B", np.array([0.0, 1.0, 2.0]), UPRIGHT, 24.0),
            ]
    cuts = [(30, "cut", {"sequence": 30, "camera": "B"})] if cameras else []
    return film(path, frames, cuts, slate="12A_T001")


class Kept:
    """What would be written."""

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []

    def add(self, pixels: np.ndarray) -> None:
        self.pictures.append(pixels.astype(int))


def counted(path: Path) -> int:
    with av.open(str(path)) as movie:
        return sum(1 for _ in movie.decode(video=0))


def test_it_is_seen_through_the_camera_that_was_live(tmp_path, renderer: Renderer):
    part = take_film.opened(take(tmp_path / "one.mcap"))
    assert part.cameras == ("A", "B") and part.cuts == [(30, "B")]
    eye = take_film._Eye(part, take_film.CUTS, None, (96, 64))
    options = Options()
    for time_s, name, place_m in ((0.1, "A", 4.0), (0.8, "B", 2.0)):
        frame = part.at(time_s)
        seen = eye.follow(frame, options, 1 / 60)
        assert seen.name == name and options.hidden_cameras == {name}
        assert eye.camera.position[2] == place_m
    frame = part.at(0.1)
    told = take_film.caption(part, frame, eye.live(frame))
    assert told.split("   ") == ["12A_T001", frame.timecode, "camera A, 50 mm", "f/2.8", "4.20 m"]
    part.frames.close()


def test_takes_follow_each_other_and_every_picture_counts(tmp_path, renderer, capsys):
    one, two = take(tmp_path / "one.mcap"), take(tmp_path / "two.mcap", cameras=False, ticks=30)
    out = tmp_path / "animatic.mp4"
    words = [
        "render",
        one,
        two,
        "--out",
        out,
        "--size",
        "96x64",
        "--fps",
        "20",
        "--quiet",
    ]
    assert main([str(word) for word in words]) == 0
    assert counted(out) == 30
    assert "30 pictures, 1.5 s" in capsys.readouterr().out


def test_a_film_shows_nobody_as_taken_over_unless_it_is_asked_to(tmp_path, renderer, monkeypatch):
    part = take_film.opened(take(tmp_path / "one.mcap", ticks=10))
    drawn: list[list[State]] = []
    monkeypatch.setattr(
        renderer, "draw", lambda frame, *_: drawn.append([one.state for one in frame.subjects])
    )
    for states in (False, True):
        list(take_film.render([part], Kept(), renderer, Options(), 6.0, "fixed", states=states))
    assert drawn == [[State.LIVE, State.LIVE], [State.LIVE, State.TAKEOVER]]
    part.frames.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one.mcap", "--camera", "C"], "its cameras A, B, cuts"),
        (["one.mcap", "--up", "Z"], "a take knows its own"),
        (["one.mcap", "--start", "9"], "nothing lies between"),
        (["one.mcap", "walk.bvh"], "walk.bvh is no take"),
        (["gone.mcap"], "is not there"),
        (["walk.bvh", "more.bvh"], "one after the other"),
        (["torn.mcap"], "torn.mcap"),
    ],
)
def test_what_cannot_be_filmed_is_a_sentence_and_no_file(
    tmp_path, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    take(tmp_path / "one.mcap")
    (tmp_path / "torn.mcap").write_bytes(b"\x89MCAP0\r\n")
    assert main(["render", *words, "--out", "film.mp4", "--size", "96x64"]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not list(tmp_path.glob("*film*"))
