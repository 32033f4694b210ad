"""The network: bands of a frame and a state in, the mouth of two frames before out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.models.voice.visemes import TOLD
from understudy.runtime.sources.speech import BANDS, MOUTH

WIDTH = 144


class Network(nn.Module):
    """As it is trained."""

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


class Exported(nn.Module):
    """heard (1, 2 * BANDS), state (1, W) -> mouth (1, C), state (1, W).

    Frame by frame and with few steps: what is heard is scaled by the cell's own weights.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        trained = network.cell
        self.cell = nn.GRU(trained.input_size, trained.hidden_size)
        self.cell.load_state_dict(trained.state_dict())
        with torch.no_grad():
            weights = trained.weight_ih_l0
            self.cell.bias_ih_l0 += weights @ (network.shift * network.scale)
            self.cell.weight_ih_l0.copy_(weights * network.scale)
        self.out = network.out

    def forward(self, heard: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        _, after = self.cell(heard[None], state[None])
        return self.out(after[0]), after[0]
