"""Particles fly as forces say, and through nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.particles.effects import EFFECTS, NAMES
from understudy.runtime.particles.flight import (
    GRAVITY,
    along,
    burst,
    drifts,
    hindered,
    places,
)

UP = np.array([0.0, 1.0, 0.0])
CALM = np.zeros(3)


def some(kind: str, seed: int = 0, count: int = 60, place=(0.0, 1.0, 0.0), normal=UP, **more):
    draw = np.random.default_rng(seed)
    return burst(kind, np.array(place), np.array(normal), 5.0, draw, count, **more)


@pytest.mark.parametrize("kind", NAMES)
def test_the_closed_form_is_what_small_steps_come_to(kind: str) -> None:
    wind = np.array([1.5, 0.0, -0.5])
    one = some(kind, count=8)
    effect = EFFECTS[kind]
    at, speed = one["begin"].astype(float), one["speed"].astype(float)
    steps, end_s = 4000, 0.6
    for _ in range(steps):
        pull = effect.drag_hz * (effect.wind * wind - speed) - GRAVITY * effect.gravity * UP
        speed = speed + pull * end_s / steps
        at = at + speed * end_s / steps
    even, drag = drifts(wind)
    kinds = one["kind"].astype(int)
    exact = along(one["begin"], one["speed"], even[kinds], drag[kinds], np.full(8, end_s))
    np.testing.assert_allclose(exact, at, atol=3e-3)


@given(st.sampled_from(NAMES), st.integers(0, 50), st.floats(-1.0, 1.0), st.floats(0.02, 2.0))
@settings(deadline=None, max_examples=60)
def test_nothing_falls_through_the_floor(kind: str, seed: int, tilt: float, height: float) -> None:
    wind = np.array([2.0, 0.0, 0.0])
    born = hindered(some(kind, seed, place=(0, height, 0), normal=(tilt, 1, 0)), wind)
    for age_s in np.linspace(0.0, 3.0, 61):
        at, share = places(born, 5.0 + age_s, wind)
        there = (share >= 0.0) & (share <= 1.0)
        # What begins under it by chance was never above.
        above = born["begin"][:, 1] > 0.0
        assert (at[there & above, 1] > -0.02).all()


def test_what_bounces_goes_on_and_what_does_not_stays() -> None:
    sparks = hindered(some("sparks", place=(0, 0.3, 0)), CALM)
    hit = sparks["hit_s"] < sparks["life_s"]
    assert hit.sum() > 10
    assert (sparks["after"][hit, 1] > 0.0).all()
    drops = hindered(some("splash", place=(0, 0.2, 0)), CALM)
    hit = drops["hit_s"] < drops["life_s"]
    at = [places(drops[hit], 5.0 + float(drops["life_s"].max()) + more, CALM)[0] for more in (0, 1)]
    np.testing.assert_array_equal(*at)
    np.testing.assert_allclose(at[0][:, 1], 0.0, atol=5e-3)


def test_sparks_do_not_fly_through_a_body() -> None:
    body = np.array([[0.6, 0.0, 0.0, 0.6, 2.0, 0.0, 0.2]])
    born = hindered(some("sparks", count=400, normal=(1, 0.2, 0)), CALM, None, body)
    assert (born["hit_s"] < born["life_s"]).sum() > 30
    for age_s in np.linspace(0.0, 0.25, 26):
        at, share = places(born, 5.0 + age_s, CALM)
        shown = (share <= 1.0) & (at[:, 1] < 1.9)
        away = np.hypot(at[shown, 0] - 0.6, at[shown, 2])
        # Its way is looked at in pieces: a corner may be cut, a body may not be crossed.
        assert (away < 0.12).mean() < 0.01


def test_a_burst_begins_off_its_surface_and_carries_on() -> None:
    thrown = some("sparks", count=500, normal=(0, 0, 1))
    assert (thrown["speed"][:, 2] >= -1e-6).all()
    carried = some("sparks", count=500, normal=(0, 0, 1), carried=np.array([3.0, 0.0, 0.0]))
    np.testing.assert_allclose(
        carried["speed"] - thrown["speed"], [[3.0, 0.0, 0.0]] * 500, atol=1e-5
    )


def test_any_moment_is_known_without_those_before() -> None:
    born = hindered(some("embers"), CALM)
    np.testing.assert_array_equal(places(born, 5.4, CALM)[0], places(born.copy(), 5.4, CALM)[0])
