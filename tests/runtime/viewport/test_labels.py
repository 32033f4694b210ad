"""Names over heads: what they say, and that each finds a place where it can be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.pose import State, trust
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.cast import Placed
from understudy.runtime.viewport.hud import LARGEST, SMALLEST, text_px
from understudy.runtime.viewport.labels import NAME_LETTERS, arrange, over_heads, short, state_text

from .conftest import standing

SIZE = (640.0, 360.0)
PANEL = (10.0, 10.0, 180.0, 200.0)
boxes = st.lists(
    st.tuples(st.floats(-700, 700), st.floats(-400, 400), st.floats(20, 200), st.floats(10, 40)),
    max_size=40,
)


def apart(a, b) -> bool:
    return a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]


@given(boxes)
def test_labels_lie_in_the_picture_beside_each_other_and_beside_the_panel(wanted) -> None:
    places = arrange(wanted, SIZE, [PANEL])
    shown = [(*at, *box[2:]) for at, box in zip(places, wanted, strict=True) if at is not None]
    for i, box in enumerate(shown):
        assert box[0] >= 0 and box[1] >= 0
        assert box[0] + box[2] <= SIZE[0] and box[1] + box[3] <= SIZE[1]
        assert apart(box, PANEL)
        assert all(apart(box, other) for other in shown[:i])


def test_a_label_stays_where_it_is_free_and_comes_out_from_under_the_panel() -> None:
    free, under = (300.0, 200.0, 80.0, 20.0), (60.0, 80.0, 80.0, 20.0)
    assert arrange([free], SIZE, [PANEL]) == [(300.0, 200.0)]
    ((x, y),) = arrange([under], SIZE, [PANEL])
    assert x >= 190.0 or y >= 210.0


def test_the_first_keeps_its_place_and_the_next_goes_up() -> None:
    box = (300.0, 200.0, 80.0, 20.0)
    first, second = arrange([box, box], SIZE)
    assert first == (300.0, 200.0) and second[0] == 300.0 and second[1] < 180.0


def test_where_there_is_no_room_a_label_is_left_out() -> None:
    places = arrange([(300.0, 200.0, 80.0, 20.0)] * 400, SIZE)
    assert places[0] is not None and places[-1] is None
    assert arrange([(0.0, 0.0, 900.0, 20.0)], SIZE) == [None]
    assert arrange([(float("nan"), 0.0, 10.0, 20.0)], SIZE) == [None]


@pytest.mark.parametrize(
    ("uncertainty_m", "words"),
    [(0.0, ""), (float("nan"), ""), (0.002, "±1 cm"), (0.043, "±4 cm"), (1.0, "±100 cm"),
     (20.16, "over 1 m"), (float("inf"), "over 1 m")],
)  # fmt: skip
def test_how_far_the_network_trusts_itself_in_words(uncertainty_m, words) -> None:
    assert trust(uncertainty_m) == words
    said, _ = state_text(standing(state=State.TAKEOVER, uncertainty_m=uncertainty_m))
    assert said == "  ".join(filter(None, ["hero", "TAKEOVER", words]))


@given(st.text(max_size=256))
def test_a_name_is_one_line_of_a_length_that_can_be_shown(name) -> None:
    shown = short(name)
    assert len(shown) <= NAME_LETTERS and "\n" not in shown
    assert all(letter.isprintable() for letter in shown)


def test_copies_with_long_names_stay_apart() -> None:
    names = [f"the take of the long walk through the whole studio.{i}" for i in range(40)]
    assert len({short(name) for name in names}) == 40


def placed(x: float, name: str, **more) -> Placed:
    subject = standing(x, name, **more)
    world_p, world_r = subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)
    return Placed(subject, world_p, world_r)


def test_only_who_is_in_the_picture_has_a_name_in_it() -> None:
    camera = Camera(np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.9, 0.0]), width=640, height=360)
    behind = placed(0.0, "behind")
    behind.world_p[:, 2] += 9.0
    labels = over_heads([placed(0.0, "here"), placed(30.0, "aside"), behind], [], camera)
    assert [label.text for label in labels] == ["here"]
    near = Camera(np.array([0.0, 1.0, 1.2]), np.array([0.0, 0.9, 0.0]), width=640, height=360)
    (label,) = over_heads([placed(0.0, "tall")], [], near)  # its head is above the picture
    assert label.y == 0.0 and 0.0 < label.x < 640.0


def test_whoever_needs_an_eye_gets_a_place_first() -> None:
    camera = Camera(np.array([0.0, 1.0, 8.0]), np.array([0.0, 0.9, 0.0]), width=640, height=360)
    cast = [placed(-1.0, "a"), placed(0.0, "b"), placed(1.0, "c", state=State.LOST)]
    labels = over_heads(cast, [], camera, followed="b")
    assert labels[0].first > labels[1].first and labels[0].first > labels[2].first


@given(st.integers(64, 8000), st.integers(64, 8000), st.sampled_from([1.0, 1.25, 2.0, 3.0]))
def test_text_is_never_too_small_to_read_on_any_screen(width, height, density) -> None:
    size = text_px(width, height, density, windowed=True)
    assert SMALLEST * density <= size <= LARGEST * density
    assert text_px(width, height, 1.0, windowed=False) >= SMALLEST


def test_a_film_of_twice_the_size_has_letters_of_twice_the_size() -> None:
    small, large = (text_px(1280 * k, 720 * k, 1.0, windowed=False) for k in (2, 4))
    assert large == pytest.approx(2 * small)
