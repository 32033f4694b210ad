"""The sun by time and place, and the pictures that light and sets make."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from understudy.runtime.cli.look_options import aspect_of, sensor_of
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport import look
from understudy.runtime.viewport.camera import Camera, fov_of_lens
from understudy.runtime.viewport.effects.folders import SHIPPED
from understudy.runtime.viewport.lighting import Lighting
from understudy.runtime.viewport.look import Look
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.sets.builder import Builder, Paint
from understudy.runtime.viewport.sets.scenery import Lamp, Scenery, load

from .conftest import SIZE, frame_of, standing


@pytest.mark.parametrize(
    ("when", "place", "azimuth", "elevation"),
    [
        # NOAA's solar calculator, without refraction.
        (datetime(2026, 6, 21, 11, 15), (48.14, 11.58), 179.0, 65.3),
        (datetime(2026, 3, 20, 12, 0), (0.0, 0.0), 92.0, 88.1),
        (datetime(2026, 12, 21, 15, 0), (51.48, 0.0), 221.6, 5.6),
        (datetime(2026, 9, 1, 2, 0), (-33.87, 151.21), 357.4, 47.7),
    ],
)
def test_the_sun_stands_where_the_almanac_says(when, place, azimuth, elevation) -> None:
    found = look.solar_deg(when, *place)
    assert abs(found[1] - elevation) < 0.7
    off = (found[0] - azimuth + 180.0) % 360.0 - 180.0
    assert abs(off) * np.cos(np.radians(elevation)) < 1.0


def test_north_is_away_from_the_audience_and_east_at_its_right() -> None:
    assert look.parse("0,10").sun[2] < -0.9 and look.parse("90,10").sun[0] > 0.9
    morning, evening = look.parse("7:00"), look.parse("2026-06-21 19:00@48.1,11.6")
    assert morning.sun[0] > 0.5 and evening.sun[0] < -0.5


def test_a_lower_sun_is_redder_and_weaker_and_night_is_the_moons() -> None:
    red = []
    for up in (60.0, 20.0, 5.0):
        light = np.array(look.by_sun(0.0, up).sun_colour)
        red.append(light[0] / light[2])
    assert red[0] < red[1] < red[2]
    night = look.parse("night")
    assert max(night.sun_colour) < 0.4 and night.sun_colour[2] > night.sun_colour[0]
    assert night.sun[1] > 0.5


@pytest.mark.parametrize(
    "said", ["noonish", "25:00", "2026-02-30 10:00", "10,100", "12:00@99,0", "1,2,3", "..,3"]
)
def test_what_is_no_sun_is_one_sentence(said: str) -> None:
    with pytest.raises(UnderstudyError, match="The sun"):
        look.parse(said)


@pytest.mark.parametrize("words", [{"tone": "agy"}, {"fog_m": -1.0}, {"clouds": 2.0}, {"wet": 9.0}])
def test_what_cannot_be_is_one_sentence(words: dict) -> None:
    with pytest.raises(UnderstudyError):
        look.made(**words)


@pytest.fixture
def bare(renderer: Renderer):
    yield renderer
    renderer.set_scenery(None)


def picture(renderer: Renderer, camera: Camera, frame=None, **options) -> np.ndarray:
    renderer.draw(frame, camera, Options(**options))
    return renderer.read().astype(float)


def box_set(lamps: tuple[Lamp, ...] = (), glow=(0.0, 0.0, 0.0), share: float = 1.0) -> Scenery:
    """A grey floor with a wall of 2 m across its middle, 3 m wide, at z = -1."""
    build = Builder()
    build.floor(Paint((0.5, 0.5, 0.5)), (-5.0, -5.0), (5.0, 5.0))
    build.box(Paint((0.8, 0.2, 0.2), glow=glow), (0.0, 0.0, -1.0), (3.0, 2.0, 0.1))
    return Scenery("box", build.character("box"), lamps, sky_share=share)


ABOVE = Camera(np.array([0.0, 9.0, 0.01]), np.zeros(3), fov_of_lens(30.0), *SIZE)


def at(camera: Camera, seen: np.ndarray, x: float, z: float) -> np.ndarray:
    """The colour of the floor there."""
    (pixel,), _ = camera.project(np.array([[x, 0.0, z]]))
    column, row = np.round(pixel).astype(int)
    return seen[row - 2 : row + 3, column - 2 : column + 3].mean((0, 1))


def test_a_set_throws_its_shadow_and_takes_that_of_the_cast(bare: Renderer) -> None:
    bare.set_scenery(box_set())
    sun = replace(Look(), sun=np.array([0.0, np.sqrt(0.5), -np.sqrt(0.5)]))
    seen = picture(bare, ABOVE, frame_of(standing(0.0)), look=sun, effect=False)
    lit, behind = at(ABOVE, seen, 2.5, 0.0), at(ABOVE, seen, 1.0, 0.0)
    assert behind.mean() < lit.mean() - 30
    other = replace(Look(), sun=np.array([0.0, np.sqrt(0.5), np.sqrt(0.5)]))
    turned = picture(bare, ABOVE, frame_of(standing(2.5)), look=other, effect=False)
    assert (
        at(ABOVE, turned, 1.0, 0.0).mean() > behind.mean() + 30
    )  # the set's shadow was drawn anew
    assert at(ABOVE, turned, 2.5, -0.7).mean() < at(ABOVE, turned, 3.3, -0.7).mean() - 30


def test_lamps_light_by_the_square_of_the_distance_and_in_their_cone(bare: Renderer) -> None:
    dark = Look(sun_colour=(0.0,) * 3, sky_zenith=(0.0,) * 3, sky_horizon=(0.0,) * 3,
                ground_bounce=(0.0,) * 3)  # fmt: skip
    lamp = Lamp((1.0, 1.0, 1.0), (4.0, 2.0, 0.5), 30.0)
    bare.set_scenery(box_set((lamp,)))
    seen = picture(bare, ABOVE, look=dark, effect=False)
    under, aside = at(ABOVE, seen, 1.0, 1.0), at(ABOVE, seen, -3.5, 2.5)
    assert under[0] > under[1] > under[2] and under[0] > aside[0] + 60
    narrow = replace(lamp, outer=0.95, sharpness=50.0)
    bare.set_scenery(box_set((narrow,)))
    coned = picture(bare, ABOVE, look=dark, effect=False)
    assert np.abs(at(ABOVE, coned, 1.0, 1.0) - under).max() < 3
    assert at(ABOVE, coned, 2.2, 1.0)[0] < 10 < at(ABOVE, seen, 2.2, 1.0)[0] - 20


def test_an_effect_keeps_the_light_of_a_set_when_the_window_changes(
    bare: Renderer, front: Camera
) -> None:
    bare.set_scenery(box_set((Lamp((0.0, 1.5, 1.0), (4.0, 2.0, 0.5)),)))
    night = look.parse("night")
    bare.set_effect(next(path for path in sorted(SHIPPED.iterdir()) if path.is_dir()))
    try:
        before = picture(bare, front, look=night, effect=False)
        bare.resize(bare.width, bare.height)
        np.testing.assert_array_equal(picture(bare, front, look=night, effect=False), before)
    finally:
        bare.set_effect(None)


def test_what_glows_is_bright_in_the_dark(bare: Renderer, front: Camera) -> None:
    bare.set_scenery(box_set(glow=(0.2, 0.8, 0.2)))
    seen = picture(bare, front, look=look.parse("night"), effect=False)
    middle = seen[SIZE[1] // 2 + 10, SIZE[0] // 2]
    assert middle[1] > 120 and middle[1] > middle[0] + 40


@pytest.mark.parametrize(
    "words", [{"clouds": 0.8}, {"tone": "agx"}, {"tone": "aces"}, {"stops": 1.0}, {"sun": "dusk"}]
)
def test_light_is_seen_and_the_plain_look_comes_back_as_it_was(
    bare: Renderer, front: Camera, words: dict
) -> None:
    plain = picture(bare, front, frame_of(standing()))
    seen = picture(bare, front, frame_of(standing()), look=look.made(**words))
    assert np.abs(seen - plain).mean() > 2.0
    np.testing.assert_array_equal(picture(bare, front, frame_of(standing())), plain)


def test_fog_takes_what_is_far_and_leaves_what_is_near(bare: Renderer, front: Camera) -> None:
    bare.set_scenery(box_set())
    clear = picture(bare, front, look=Look(), effect=False)
    foggy = picture(bare, front, look=look.made(fog_m=30.0), effect=False)
    off = np.abs(foggy - clear).mean(axis=2)
    assert off[SIZE[1] - 8 :].mean() < off[SIZE[1] // 2 - 4 : SIZE[1] // 2 + 4].mean()


@pytest.mark.parametrize("name", ["stage", "street", "flat"])
def test_our_sets_are_drawn_with_all_their_tones(bare: Renderer, front: Camera, name: str) -> None:
    made = load(name)
    bare.set_scenery(made)
    seen = picture(bare, front, frame_of(standing()), look=look.parse(made.sun))
    assert seen.std() > 20 and (seen > 252).mean() < 0.05 and (seen < 3).mean() < 0.5
    assert len(np.unique((seen / 16).astype(int).reshape(-1, 3), axis=0)) > 60


def test_what_the_panel_chooses_is_drawn_and_what_cannot_be_is_said_there(bare: Renderer) -> None:
    options, chosen = Options(), Lighting(sun="dusk")
    chosen.apply(bare, options)
    dusk = options.look
    assert bare.stand is None and dusk.sky_zenith != Look().sky_zenith
    chosen.set, chosen.moved = "flat", True
    chosen.follow(bare, options)
    assert bare.stand is not None and bare.stand.scenery.name == "flat"
    np.testing.assert_array_equal(options.look.sun, dusk.sun)
    chosen.sun, chosen.moved = "", True
    chosen.follow(bare, options)  # the set's own light
    assert not np.array_equal(options.look.sun, dusk.sun)
    chosen.set, chosen.moved = "nowhere.glb", True
    chosen.follow(bare, options)
    assert "There is no set" in chosen.said and bare.stand.scenery.name == "flat"
    chosen.set, chosen.moved = "", True
    chosen.follow(bare, options)
    assert bare.stand is None and not chosen.said


def test_what_lies_outside_of_the_frame_is_shaded_and_guides_lie_on_it(
    bare: Renderer, front: Camera
) -> None:
    plain = picture(bare, front)
    wide = picture(bare, front, aspect=3.0)  # of 240 x 160, 80 lines are left
    assert (wide[:38] < 0.5 * plain[:38]).all() and (wide[-38:] < 0.5 * plain[-38:]).all()
    np.testing.assert_array_equal(wide[44:116], plain[44:116])
    tall = picture(bare, front, aspect=0.75)
    assert (tall[:, :56] < 0.5 * plain[:, :56]).all()
    np.testing.assert_array_equal(tall[:, 64:176], plain[:, 64:176])
    off = np.abs(picture(bare, front, guides=True) - plain).max(axis=2) > 8
    assert off[:, SIZE[0] // 3].mean() > 0.5 and off[SIZE[1] // 3].mean() > 0.5
    assert off.mean() < 0.1


@pytest.mark.parametrize(
    ("said", "value"), [("", 0.0), ("2.39", 2.39), ("16:9", 16 / 9), ("4:3", 4 / 3)]
)
def test_aspects_are_numbers_or_ratios(said: str, value: float) -> None:
    assert aspect_of(said) == pytest.approx(value)


@pytest.mark.parametrize("said", ["wide", "0", "16:0", "9:", ":9", "-2", "nan"])
def test_what_is_no_aspect_is_one_sentence(said: str) -> None:
    with pytest.raises(UnderstudyError, match="--aspect"):
        aspect_of(said)


@pytest.mark.parametrize(
    ("said", "aspect", "size", "height_mm", "framed"),
    [
        ("24", 0.0, (1280, 720), 24.0, 0.0),
        ("18.66", 2.39, (1280, 720), 18.66, 2.39),
        ("ff", 0.0, (1280, 720), 24.0, 1.5),  # the window is wider: its sides are shaded
        (
            "ff",
            2.39,
            (1280, 720),
            36.0 * 720 / 1280,
            2.39,
        ),  # wider than the window: above and below
        ("36x24", 16 / 9, (1280, 720), 36.0 * 9 / 16, 16 / 9),
        ("s35", 0.0, (1000, 1000), 24.89, 24.89 / 18.66),
    ],
)
def test_a_sensor_says_what_the_window_shows(said, aspect, size, height_mm, framed) -> None:
    found = sensor_of(said, aspect, size)
    assert found == (pytest.approx(height_mm), pytest.approx(framed))


@pytest.mark.parametrize("said", ["s36", "0", "36x", "x24", "36x999", "nan"])
def test_what_is_no_sensor_is_one_sentence(said: str) -> None:
    with pytest.raises(UnderstudyError, match="sensor"):
        sensor_of(said, 0.0, (1280, 720))


def test_a_sets_floor_is_drawn_whole_into_the_distance(bare: Renderer) -> None:
    """It does not fade like the ground beneath it, of which it is two centimetres."""
    floor = Builder()
    corners = [[-60.0, 0.0, 60.0], [60.0, 0.0, 60.0], [60.0, 0.0, -60.0], [-60.0, 0.0, -60.0]]
    floor.quad(Paint((0.2, 0.05, 0.05)), corners)
    bare.set_scenery(Scenery("floor", floor.character("floor")))
    try:
        camera = Camera(np.array([-7.3, 3.37, 6.4]), np.array([14.0, 1.0, -9.4]), 0.7, *SIZE)
        bare.draw(None, camera, Options(effect=False))
        seen = bare.read().astype(float)[80:]
    finally:
        bare.set_scenery(None)
    red = seen[..., 0] - seen[..., 1]
    assert red.min() > 20.0 and red.std(axis=1).max() < 2.5  # all the way, and no stripes
