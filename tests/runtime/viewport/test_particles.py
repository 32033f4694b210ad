"""Particles in the picture: where they are, behind what they are, and no trace of none."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import sentence
from understudy.runtime.core.event import Event
from understudy.runtime.particles.flight import burst, hindered, places
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.particle_feed import ParticleFeed, capsules, placed
from understudy.runtime.viewport.particles import MOST, Particles
from understudy.runtime.viewport.renderer import Options

from .conftest import frame_of, standing

SIZE = (192, 108)
EYE = Camera(position=np.array([0.0, 1.2, 3.0]), target=np.array([0.0, 1.0, 0.0]))
BARE = Options(effect=False, shadows=False, antialias="none")
UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture
def particles(renderer):
    renderer.resize(*SIZE)
    renderer.particles = None
    renderer.make_particles()
    yield renderer.particles
    renderer.particles.release()
    renderer.particles = None


def picture(renderer, frame=None, options: Options | None = None) -> np.ndarray:
    renderer.draw(frame, EYE, options or BARE)
    return renderer.read().astype(int)


def one(kind: str, place, at_s: float = 0.0, seed: int = 0):
    born = burst(kind, np.array(place, float), UP, at_s, np.random.default_rng(seed), 1)
    return hindered(born, np.zeros(3))


def pixel_of(point: np.ndarray) -> np.ndarray:
    eye = Camera(EYE.position, EYE.target, width=SIZE[0], height=SIZE[1])
    clip = eye.projection @ eye.view @ np.append(point, 1.0)
    share = 0.5 + 0.5 * clip[:2] / clip[3]
    return np.array([share[0] * SIZE[0], (1.0 - share[1]) * SIZE[1]])


@pytest.mark.parametrize("age_s", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", [0, 3, 5])
def test_a_spark_is_where_its_flight_says(renderer, particles, age_s: float, seed: int):
    """The shader's arithmetic is the module's, bounces too."""
    bare = picture(renderer)
    spark = one("sparks", (0.0, 0.4, 0.0), seed=seed)
    spark["life_s"] = 0.9
    particles.add(spark)
    particles.now_s = age_s
    there = np.argwhere(np.abs(picture(renderer) - bare).sum(-1) > 24)
    expected = pixel_of(places(spark, age_s, np.zeros(3))[0][0])
    inside = (expected > 2).all() and (expected < np.array(SIZE) - 2).all()
    assert bool(len(there)) == bool(inside)
    if inside:
        np.testing.assert_allclose(there.mean(0)[::-1] + 0.5, expected, atol=1.6)


def test_none_leave_the_picture_as_it_was(renderer, particles):
    renderer.particles = None
    bare = picture(renderer, frame_of(standing()))
    renderer.particles = particles
    particles.add(one("sparks", (0.0, 1.0, 0.0)))
    particles.now_s = 60.0  # long gone
    np.testing.assert_array_equal(picture(renderer, frame_of(standing())), bare)


def test_what_is_behind_a_body_is_hidden(renderer, particles):
    bare = picture(renderer, frame_of(standing()))
    particles.add(one("sparks", (0.0, 1.2, -0.6)))
    particles.now_s = 0.02
    hidden = np.abs(picture(renderer, frame_of(standing())) - bare).sum()
    alone = np.abs(picture(renderer) - bare).sum()
    assert hidden < 300 < alone


def test_dust_is_lit_rain_is_seen_and_both_before_the_tone_map(renderer, particles):
    bare = picture(renderer)
    draw = np.random.default_rng(0)
    particles.add(burst("smoke", np.array([0.0, 0.6, 0.0]), UP, 0.0, draw, 80))
    particles.now_s = 0.8
    smoky = picture(renderer)
    assert (smoky - bare).mean() < -0.5  # dark smoke before a light ground
    linear = picture(renderer, options=replace(BARE, shutter_deg=180.0))
    assert np.abs(linear - smoky).mean() < 2.0
    particles.rain = 1.0
    particles.now_s = 500.0
    rain = np.abs(picture(renderer) - bare).sum(-1) > 12
    assert 0.01 < rain.mean() < 0.4


def test_the_oldest_make_room(renderer, particles):
    draw = np.random.default_rng(0)
    for k in range(5):
        particles.add(burst("smoke", UP, UP, 0.1 * k, draw, MOST // 4))
    assert particles.alive <= MOST
    assert particles.lost == MOST // 4
    assert particles.is_there


def test_the_feed_makes_particles_when_something_happens_and_no_sooner(renderer):
    renderer.resize(*SIZE)
    feed, options = ParticleFeed(), Options()
    frame = frame_of(standing())
    for k in range(3):
        frame.publish_ns = round(k * 1e9 / 60)
        feed.follow(renderer, frame, [], options)
    assert renderer.particles is None
    told = Event("hit", material="metal", on_material="metal", speed_mps=4.0, time_ns=30_000_000)
    feed.follow(renderer, frame, [told], options)
    assert isinstance(renderer.particles, Particles)
    assert renderer.particles.born > 20
    renderer.particles.release()
    renderer.particles = None


def test_a_body_is_capsules_of_its_bones():
    bones = capsules(standing())
    assert 10 < len(bones) < 40
    assert ((bones[:, 6] >= 0.03) & (bones[:, 6] <= 0.13)).all()
    assert bones[:, [1, 4]].min() > -0.05
    assert bones[:, [1, 4]].max() < 2.0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rain", "2"), "--rain is 2; it can be 0 to 1"),
        (("--wind", "east"), "--wind is 'east'; write X,Z"),
        (("--emit", "fire@ann"), "is no emitter"),
    ],
)
def test_what_cannot_fly_about_is_a_sentence(words, why, understudy):
    done = understudy("viewport", "--headless", "--discard", *words)
    assert why in sentence(done)


def test_a_cue_on_somebody_is_before_the_chest():
    told = [Event("cue", "sparks", on="hero"), Event("cue", "sparks", on="nobody")]
    at, nowhere = placed(told, frame_of(standing()))
    assert at.position[2] == pytest.approx(0.35, abs=0.05)
    assert 1.0 < at.position[1] < 1.5
    assert nowhere == told[1]
