"""The network: bands of a frame and a state in, the mouth of two frames before out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.models.voice.visemes import TOLD
from understudy.runtime.sources.speech import BANDS, MOUTH

WIDTH = 144


class Network(nn.Module):
    """heard (B, 2 * BANDS), state (B, W) -> mouth (B, C), state (B, W)."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(2 * BANDS))
        self.scale = nn.Parameter(torch.ones(2 * BANDS))
        self.cell = nn.GRU(2 * BANDS, width, batch_first=True)
        self.out = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(width, 64), nn.SiLU(), nn.Linear(64, len(MOUTH))
        )
        # Asked in training alone: who can tell the phones has what the curves need.
        self.tell = nn.Sequential(nn.Dropout(0.1), nn.Linear(width, len(TOLD)))

    def whole(self, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Mouths (B, T, C) and phones' logits (B, T, P) of (B, T, 2 * BANDS) from silence."""
        hidden, _ = self.cell((heard + self.shift) * self.scale)
        return self.out(hidden), self.tell(hidden)

    def forward(self, heard: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        hidden, after = self.cell(((heard + self.shift) * self.scale)[:, None], state[None])
        return self.out(hidden[:, 0]), after[0]
