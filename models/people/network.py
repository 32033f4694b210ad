"""The body's measures in torch, and the network that answers them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from understudy.runtime.characters.people import measures
from understudy.runtime.characters.people.body import CHILD, OLD, YOUNG, Body
from understudy.runtime.characters.people.fitting import ANSWERS, MACROS, USUAL
from understudy.runtime.characters.people.local import SIZES

ORIGIN = (1 / 3, 1 / 3, 1 / 3)


class Tape(nn.Module):
    """Measures of bodies by the few points that they take: parameters (B, P) in, metres out."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.names = list(USUAL)
        rings = measures._rings(body)
        head, foot = body.rows("head"), body.rows("foot_l")
        base = body.points
        top = head[np.argsort(-base[head, 1])[:60]]
        low = foot[np.argsort(base[foot, 1])[:40]]
        fore, heel = (foot[np.argsort(s * base[foot, 2])[:12]] for s in (-1, 1))
        pairs = {
            "upper arm length": ("upperarm_l", "lowerarm_l"),
            "forearm length": ("lowerarm_l", "hand_l"),
            "hand length": ("hand_l", "middle_03_l_end"), "upper leg length": ("thigh_l", "calf_l"),
            "lower leg length": ("calf_l", "foot_l"), "trunk length": ("pelvis", "neck_01"),
            "neck length": ("neck_01", "head"),
        }  # fmt: skip
        joint = {n: body.count + k for k, n in enumerate(body.words.names)}
        wanted = [top, low, fore, heel, [measures._shoulder(body), joint["head"]]]
        wanted += [[joint[a], joint[b]] for a, b in pairs.values()]
        wanted += [np.concatenate([a, b]) for a, b, _ in rings.values()]
        rows = np.unique(np.concatenate([np.asarray(w) for w in wanted]))
        place = {int(r): k for k, r in enumerate(rows)}

        def at(some) -> Tensor:
            return torch.tensor([place[int(r)] for r in np.asarray(some)])

        self.top, self.low, self.fore, self.heel = (at(w) for w in (top, low, fore, heel))
        self.shoulder, self.head = place[measures._shoulder(body)], place[joint["head"]]
        self.pairs = {n: (place[joint[a]], place[joint[b]]) for n, (a, b) in pairs.items()}
        self.rings = {
            n: (at(a), at(b), torch.tensor(s, dtype=torch.float32)[:, None])
            for n, (a, b, s) in rings.items()
        }
        self.points = torch.tensor(base[rows])
        flat = body.mix @ body.basis[:, rows].reshape(len(body.basis), -1)
        self.macros = torch.tensor(flat).reshape(len(flat), len(rows), 3)
        words = sorted({w for name in body.words.macros for w in name.split("-")})
        mask = [[w in name.split("-") for w in words] for name in body.words.macros]
        self.words, self.mask = words, torch.tensor(mask)
        local = np.zeros((len(SIZES), 2, len(body.points), 3), np.float32)
        for k, name in enumerate(SIZES):
            for way in (0, 1):
                moved, moves = body.local.moved(2 * body.words.locals.index(name) + way)
                local[k, way, moved] = moves
        self.local = torch.tensor(local[:, :, rows])

    def forward(self, answers: Tensor, age: Tensor, sex: Tensor) -> Tensor:
        """(B, M) metres of answers (B, A), ages (B,) in years and sexes (B,) 0 to 1."""
        macro = dict(zip(MACROS, answers[:, : len(MACROS)].T))
        share = self._shares(macro, age, sex)
        stacked = torch.stack([share[w] for w in self.words], 1)
        each = torch.where(self.mask, stacked[:, None], torch.ones(())).prod(-1)
        points = self.points + torch.einsum("bm,mnk->bnk", each, self.macros)
        sizes = answers[:, len(MACROS) :]
        both = torch.stack([torch.relu(-sizes), torch.relu(sizes)], -1)
        points = points + torch.einsum("bsw,swnk->bnk", both, self.local)
        high = points[:, self.top, 1].amax(1)
        out = {"height": high - points[:, self.low, 1].amin(1)}
        out["shoulders"] = 2.0 * points[:, self.shoulder, 0]
        for name, (a, b, s) in self.rings.items():
            ring = points[:, a] * (1 - s) + points[:, b] * s
            out[name] = (ring - ring.roll(1, 1)).norm(dim=-1).sum(1)
        for name, (a, b) in self.pairs.items():
            out[name] = (points[:, a] - points[:, b]).norm(dim=-1)
        out["foot length"] = points[:, self.fore, 2].amax(1) - points[:, self.heel, 2].amin(1)
        out["head height"] = high - points[:, self.head, 1]
        return torch.stack([out[name] for name in self.names], 1)

    def _shares(self, macro: dict[str, Tensor], age: Tensor, sex: Tensor) -> dict[str, Tensor]:
        year = torch.where(
            age < YOUNG,
            0.5 * (age - CHILD) / (YOUNG - CHILD),
            0.5 + 0.5 * (age - YOUNG) / (OLD - YOUNG),
        ).clamp(0.0, 1.0)  # fmt: skip
        height = macro["height"].clamp(0.0, 1.0)
        one = torch.ones_like(sex)
        return {
            **_three(year, ("child", "young", "old")),
            **_three(macro["muscle"], ("minmuscle", "averagemuscle", "maxmuscle")),
            **_three(macro["weight"], ("minweight", "averageweight", "maxweight")),
            "female": 1 - sex, "male": sex, "ideal": 0.5 * one,
            "minheight": torch.relu(1 - 2 * height), "maxheight": torch.relu(2 * height - 1),
            "african": one * ORIGIN[0], "asian": one * ORIGIN[1], "caucasian": one * ORIGIN[2],
        }  # fmt: skip


def _three(value: Tensor, words: tuple[str, str, str]) -> dict[str, Tensor]:
    v = 2.0 * value.clamp(0.0, 1.0)
    return {words[0]: torch.relu(1 - v), words[1]: 1 - (v - 1).abs(), words[2]: torch.relu(v - 1)}


class Network(nn.Module):
    """asked (B, 2M + 2) -> answers (B, A); shares between 0 and 1, changes between -1.3 and 1.3."""

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        wide = 2 * len(USUAL) + 2
        self.layers = nn.Sequential(
            nn.Linear(wide, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, len(ANSWERS)),
        )  # fmt: skip

    def forward(self, asked: Tensor) -> Tensor:
        out = self.layers(asked)
        macro = torch.sigmoid(out[:, : len(MACROS)])
        return torch.cat([macro, 1.3 * torch.tanh(out[:, len(MACROS) :])], 1)
