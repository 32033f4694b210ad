"""The network: how feet move in, when they come down out; one memory a foot."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.runtime.contact.features import FEATURES, MEMORY, PIECES

# A time to the next touchdown, in pieces, or none of them; and whether it stands.
TOLD = PIECES + 2


class Network(nn.Module):
    """As it is trained: (F, T, FEATURES) of F feet from standing -> (F, T, TOLD) logits."""

    def __init__(self, width: int = MEMORY) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(FEATURES), requires_grad=False)
        self.scale = nn.Parameter(torch.ones(FEATURES), requires_grad=False)
        self.cell = nn.GRU(FEATURES, width, batch_first=True)
        self.out = nn.Sequential(nn.Linear(width, 48), nn.SiLU(), nn.Linear(48, TOLD))

    def forward(self, seen: Tensor) -> Tensor:
        hidden, _ = self.cell((seen + self.shift) * self.scale)
        return self.out(hidden)


class Exported(nn.Module):
    """seen (F, FEATURES), memory (F, W) -> chances (F, PIECES + 1), standing (F, 1), memory."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, seen: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        net = self.network
        scaled = (seen + net.shift) * net.scale
        _, after = net.cell(scaled[:, None], memory[None])
        told = net.out(after[0])
        return told[:, :-1].softmax(-1), told[:, -1:].sigmoid(), after[0]
