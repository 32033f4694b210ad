"""The table of visemes, the figures it is judged by, and that the network learns."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.models.voice import evaluate, visemes
from understudy.runtime.sources.speech import FRAME_S, MOUTH

PRESS, JAW, PUCKER = (MOUTH.index(n) for n in ("mouthPress", "jawOpen", "mouthPucker"))


def test_lips_shut_for_a_bilabial_and_open_for_the_vowel_beside_it():
    phones = [("pau", 0.2), ("aa", 0.4), ("m", 0.5), ("aa", 0.7), ("pau", 0.9)]
    rows, shut = visemes.curves(phones, round(0.9 / FRAME_S))
    assert rows[shut, PRESS].max() > 0.35 and rows[shut, JAW].min() < 0.2
    assert rows[15, JAW] > 0.5 and rows[15, PRESS] < 0.1
    assert evaluate.closures(shut) == [(20, 25)] or len(evaluate.closures(shut)) == 1


def test_a_rounded_sound_begins_before_it_is_heard():
    """A t before uw is said with the lips of the uw already; before iy it is not."""
    first = {}
    for vowel in ("uw", "iy"):
        rows, _ = visemes.curves([("t", 0.1), (vowel, 0.3)], 15)
        first[vowel] = rows[3, PUCKER]
    assert first["uw"] > first["iy"] + 0.2


def test_closures_are_counted_by_event():
    wanted = np.zeros(30, bool)
    wanted[[5, 6, 20, 21]] = True
    made = np.zeros(30, bool)
    made[[6, 12]] = True  # one in time, one for nothing, one missed
    assert evaluate.f1([(made, wanted)]) == pytest.approx(0.5)


@pytest.mark.train
def test_an_exported_network_is_the_trained_one_frame_by_frame():
    import torch

    from understudy.models.voice.network import Exported, Network
    from understudy.runtime.sources.speech import BANDS

    torch.manual_seed(3)
    network = Network(16).eval()
    with torch.no_grad():
        network.shift.normal_()
        network.scale.uniform_(0.5, 2.0)
    heard, state = torch.randn(1, 12, 2 * BANDS), torch.zeros(1, 16)
    exported, whole = Exported(network).eval(), network.whole(heard)[0][0]
    for frame in range(12):
        mouth, state = exported(heard[:, frame], state)
        assert torch.allclose(mouth[0], whole[frame], atol=1e-5)


@pytest.mark.train
def test_the_network_learns_a_mouth_that_follows_loudness():
    from understudy.models.voice import train
    from understudy.models.voice.data import Utterance
    from understudy.runtime.sources.speech import BANDS

    rng = np.random.default_rng(0)
    utterances = []
    for _ in range(8):
        loud = np.repeat(rng.uniform(-1, 1, 25), 8)
        heard = loud[:, None] + 0.05 * rng.standard_normal((200, 2 * BANDS))
        mouth = np.tile(np.clip(loud[:, None], 0, 1), (1, len(MOUTH)))
        told = np.digitize(loud, [-0.5, 0.0, 0.5])
        utterances.append(Utterance(np.float32(heard), np.float32(mouth), loud > 2, told))
    network = train.train(utterances, 60, 1)
    answer = train.by_network(network)
    pairs = [(answer(u), u.mouth) for u in utterances]
    assert evaluate.correlation(pairs) > 0.6
