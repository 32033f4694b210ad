"""The tape in torch measures as the one of the run time does."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.characters.people import body, measures
from understudy.runtime.characters.people.fitting import ANSWERS, USUAL


@pytest.mark.train
def test_both_tapes_agree():
    import torch

    from understudy.models.people.network import Tape

    tape, shape = Tape(body.load()), body.load()
    answers = torch.zeros(1, len(ANSWERS)) + torch.tensor(
        [0.55, 0.6, 0.4] + [0.3] * (len(ANSWERS) - 3)
    )
    with torch.no_grad():
        found = tape(answers, torch.tensor([40.0]), torch.tensor([1.0]))[0].numpy()
    local = {name: 0.3 for name in ANSWERS[3:]}
    one = body.Shape(40.0, 1.0, 0.6, 0.4, 0.55, 0.5, (1, 1, 1), local)
    wanted = measures.of(shape, shape.shaped(one))
    assert np.abs(found - [wanted[name] for name in USUAL]).max() < 3e-3
