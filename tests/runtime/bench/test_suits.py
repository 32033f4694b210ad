"""Eight suits of four kinds on a bad network: the film that they play, and an hour of them.

UNDERSTUDY_SUITS_S shortens the hour.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from understudy.runtime.bench import suit_film, suit_rehearsal
from understudy.runtime.bench.suit_film import RATE_HZ, Truth
from understudy.runtime.bench.suit_network import lives
from understudy.runtime.bench.suit_report import lined_up
from understudy.runtime.bench.suits import rehearse
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes.clip import Clip

SECONDS = float(os.environ.get("UNDERSTUDY_SUITS_S", "3600"))


def walk() -> Clip:
    """Somebody who goes away, turns, and swings every joint."""
    count = (suit_film.SECONDS + 2) * 60
    swing = 0.4 * np.sin(np.arange(count) / 11.0)[:, None, None]
    axes = rotation.normalize(np.random.default_rng(3).normal(size=(len(PERFORMER), 3)))
    turns = rotation.from_rotation_vector(swing * axes)
    turns[:, 0] = rotation.from_yaw(np.arange(count) / 600.0)
    positions = np.tile(PERFORMER.rest_positions, (count, 1, 1))
    positions[:, 0, 2] += 0.01 * np.arange(count)
    return Clip(PERFORMER, positions, turns, 1 / 60.0)


def test_the_film_ends_where_it_began_and_says_when_a_pose_was():
    film = suit_film.with_fingers(suit_film.closed(walk()))
    assert len(film) == suit_film.SECONDS * RATE_HZ and film.rate_hz == RATE_HZ
    truth = Truth(film)
    steps = np.linalg.norm(np.diff(truth.joints, axis=0, append=truth.joints[:1]), axis=-1)
    assert steps[-1].max() < 1.5 * steps[:-1].max()
    now_s = np.linspace(3.0, 65.0, 40)
    shown = truth.shown(truth.at(now_s - 0.0731), now_s)
    np.testing.assert_allclose(now_s - shown.when_s, 0.0731, atol=1e-6)
    rows = np.arange(200, 260)
    hands = truth.shown(truth.hands[rows], rows / RATE_HZ + 0.05)
    np.testing.assert_allclose(hands.when_s, rows / RATE_HZ, atol=1e-6)


def test_the_earlier_part_waits_for_the_later():
    lag_s = {"mvn1": 0.06, "neuron1": 0.07, "mvn2": 0.06, "neuron2": 0.06}
    lag_s |= {"rokoko1": 0.08, "natnet1": 0.06, "rokoko2": 0.06, "natnet2": 0.06}
    later = lined_up(lag_s)
    assert later["mvn1"] == pytest.approx(0.01) and later["natnet1"] == pytest.approx(0.02)


@pytest.mark.slow
def test_an_hour_of_eight_suits():
    clip = suit_film.performed()
    made = lives(clip)
    before = rehearse(20.0, clip, made)
    report = rehearse(SECONDS, clip, made, later_s=lined_up(before.lag_s))
    assert report.lost == 0 and report.grown_mb < 10.0
    assert report.live_off_m < 0.005
    assert np.percentile(np.abs(report.apart_ms), 50) < 2.0
    assert report.off_m.mean() < report.held_off_m.mean()


@pytest.mark.slow
def test_parts_of_one_subject_line_up_through_silences_and_restarts():
    """In virtual time, so that it is what the sources do and not what the machine has time for."""
    film = suit_film.with_fingers(suit_film.closed(walk()))
    worn = ("mvn1", "neuron1", "rokoko1", "natnet1")
    report = suit_rehearsal.rehearse(40.0, film, lives(film), worn=worn)
    later = lined_up(report.lag_s)
    assert max(later.values()) < 0.002, "all are shown as late as was asked for"
    assert np.percentile(np.abs(report.apart_ms), 99) < 2.5
    assert report.live_off_m < 1e-3
    silent, lacks = report.why["silent"], report.why["lacks"]
    assert 0.10 < silent < 0.20 and lacks < 0.10, "what is late is not taken for lost"
