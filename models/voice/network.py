"""The network: bands of a frame and a state in, the mouth of two frames before out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.runtime.sources.speech import BANDS, MOUTH

WIDTH = 96


class Network(nn.Module):
    """heard (B, 2 * BANDS), state (B, W) -> mouth (B, C), state (B, W)."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(2 * BANDS))
        self.scale = nn.Parameter(torch.ones(2 * BANDS))
        self.cell = nn.GRU(2 * BANDS, width, batch_first=True)
        self.out = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(width, 48), nn.SiLU(), nn.Linear(48, len(MOUTH))
        )

    def whole(self, heard: Tensor) -> Tensor:
        """(B, T, C) of (B, T, 2 * BANDS) from silence."""
        hidden, _ = self.cell((heard + self.shift) * self.scale)
        return self.out(hidden)

    def forward(self, heard: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        hidden, after = self.cell(((heard + self.shift) * self.scale)[:, None], state[None])
        return self.out(hidden[:, 0]), after[0]
