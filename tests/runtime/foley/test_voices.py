"""What is heard of strikes: on its sample, without a click, and never too many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.foley.materials import MATERIALS, VARIANTS
from understudy.runtime.foley.room import ROOMS, Room
from understudy.runtime.foley.textures import texture
from understudy.runtime.foley.voices import BLOCK, Strike, Voices


def strike(at: int, **said: object) -> Strike:
    words: dict = {
        "struck": "wood", "by": "rubber", "ring": 0.3, "noise": 0.1, "bright": 1.0,
        "noise_s": 0.03, "left": 1.0, "right": 1.0,
    }  # fmt: skip
    return Strike(at, **(words | said))  # type: ignore[arg-type]


def sound(voices: Voices, blocks: int) -> np.ndarray:
    return np.concatenate([voices.block() for _ in range(blocks)], -1)


@given(st.integers(0, 4 * BLOCK), st.sampled_from(sorted(MATERIALS)), st.integers(0, VARIANTS - 1))
@settings(max_examples=40, deadline=None)
def test_begins_on_its_sample_and_at_nothing(at: int, struck: str, variant: int) -> None:
    heard = sound_of(strike(at, struck=struck, variant=variant))
    assert not heard[:at].any()
    assert abs(heard[at]) < 0.03  # sines begin at zero, and so does the noise
    assert np.abs(heard[at : at + BLOCK]).max() > 1e-3


def sound_of(one: Strike) -> np.ndarray:
    voices = Voices()
    voices.strike(one)
    return sound(voices, 8)[0, 0]


def test_a_voice_goes_on_over_blocks_as_if_there_were_none():
    """Begun at another sample of the block, the same sound comes, later."""
    early, late = (sound_of(strike(at, noise=0.0)) for at in (3, BLOCK - 5))
    shift = BLOCK - 5 - 3
    np.testing.assert_allclose(late[shift:], early[:-shift], atol=2e-5)


@given(st.integers(0, VARIANTS - 1), st.integers(BLOCK, 4 * BLOCK))
@settings(max_examples=25, deadline=None)
def test_a_voice_that_makes_room_does_not_click(variant: int, at: int):
    """Cut off, it would be a step of its height; these sounds are slow."""
    first = strike(0, struck="carpet", by="carpet", noise=0.0, variant=variant)
    alone, crowded = Voices(most=1), Voices(most=1)
    alone.strike(first)
    crowded.strike(first)
    crowded.strike(strike(at, ring=0.0, noise=0.0))
    whole, faded = sound(alone, 8)[0, 0], sound(crowded, 8)[0, 0]
    assert crowded.stolen == 1
    gone = (at // BLOCK + 2) * BLOCK
    assert not faded[gone:].any()
    steepest = np.abs(np.diff(whole[: gone + BLOCK])).max()
    assert np.abs(np.diff(faded)).max() < 1.02 * steepest + np.abs(whole).max() * 2.0 / BLOCK


def test_what_waits_too_long_for_a_voice_is_dropped():
    voices = Voices(most=2)
    for _ in range(60):
        voices.strike(strike(0, struck="metal", by="metal"))
    sound(voices, 60)
    assert voices.dropped > 0
    assert voices.sounding <= 2


def test_silence_comes_back_and_costs_nothing():
    voices = Voices()
    voices.strike(strike(0))
    heard = sound(voices, 400)
    assert voices.sounding == 0
    assert not heard[..., -BLOCK:].any()


def test_a_sample_of_the_user_is_played_as_it_is():
    own = np.zeros(2000 + 3 * BLOCK, np.float32)
    own[:2000] = np.sin(np.arange(2000) * 0.05)
    voices = Voices()
    voices.strike(strike(10, ring=0.5, sample=own))
    heard = sound(voices, 12)[0, 0]
    np.testing.assert_allclose(heard[70:2010], 0.5 * own[60:2000], atol=1e-5)
    assert voices.sounding == 0


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_textures_close_on_themselves(name: str):
    one = texture(name)
    assert len(one) == 2 * RATE_HZ
    np.testing.assert_array_equal(one[:RATE_HZ], one[RATE_HZ:])
    assert np.abs(one).max() < 12.0


@pytest.mark.parametrize("name", [name for name, (_, share) in ROOMS.items() if share])
def test_a_room_dies_away_as_it_says(name: str):
    seconds, share = ROOMS[name]
    room = Room(seconds, share)
    dry = np.zeros((2, BLOCK), np.float32)
    dry[:, 0] = 1.0
    blocks = [room.block(dry)]
    blocks += [room.block(np.zeros_like(dry)) for _ in range(int(2.2 * RATE_HZ / BLOCK))]
    heard = np.concatenate(blocks, -1)[0]
    window = round(0.02 * RATE_HZ)
    early = np.abs(heard[2500 : 2500 + window]).max()
    late_at = 2500 + round(seconds * RATE_HZ)
    late = np.abs(heard[late_at : late_at + window]).max()
    assert early > 0.0
    assert late < early * 10.0 ** (-40.0 / 20.0)  # 60 dB less, and the walls' dullness
    assert np.abs(heard).max() < 1.0
