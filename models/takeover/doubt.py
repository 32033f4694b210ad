"""The last thing that is learnt: how far from the truth each joint will be.

While the network learns, its errors change, and the head that expects them lags behind. Once it is
done, the head is fitted to the errors that it makes on training windows; nothing else changes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .batches import Footage, masks
from .network import Understudy, adrift
from .rollout import rollout
from .variety import Variety

BATCHES, WINDOWS, WARM, AHEAD = 48, 64, 42, 30
PARTIAL = 5  # every so many batches, only some joints are missing
LOWEST, HIGHEST = -9.0, 2.0  # logarithms of metres
ROUNDS, AT_ONCE, RATE = 16, 2048, 3e-3


@torch.no_grad()
def _roll_outs(net: Understudy, footage: Footage, rng: torch.Generator) -> tuple[Tensor, ...]:
    """What the head sees (N, H + W), errors in metres (N, J), logarithms of the ticks for which
    each joint has not been known (N, J), and which of them count (N, J)."""
    inputs: list[Tensor] = []
    hook = net.doubt.register_forward_hook(lambda _, given, __: inputs.append(given[0]))
    errors, clocks, counts = [], [], []
    for k in range(BATCHES):
        bodies, _, real, _ = footage.windows(WINDOWS, WARM, AHEAD, Variety(), rng)
        seen = masks(WINDOWS, AHEAD, rng).to(bodies.device) if k % PARTIAL == 0 else None
        found = rollout(net, bodies, real.float(), WARM, seen, 0.0)[0]
        error = (net.joints(found) - net.joints(bodies[WARM + 2 :])).square().sum(-2).sqrt()
        lost = torch.ones_like(error) if seen is None else adrift(seen)
        ticks = [lost[0]]
        for gone in lost[1:]:
            ticks.append((ticks[-1] + 1.0) * gone)
        errors.append(error.flatten(0, 1))
        clocks.append(torch.stack(ticks).clamp(min=1.0).log().flatten(0, 1))
        counts.append((lost * real[WARM + 2 :, :, None]).flatten(0, 1))
    hook.remove()
    return tuple(torch.cat(part) for part in (inputs, errors, clocks, counts))


def fit(net: Understudy, footage: Footage, rng: torch.Generator) -> None:
    """Makes errors that are spread exponentially around what the head expects likeliest.

    Errors grow with a power of the time since the drop besides, which `trust.fit` finds again.
    """
    seen, came, clocks, counts = _roll_outs(net, footage, rng)
    head = net.doubt
    power = torch.full((1,), 0.5, device=seen.device, requires_grad=True)
    optimiser = torch.optim.Adam([*head.parameters(), power], lr=RATE)
    total = ROUNDS * -(-len(seen) // AT_ONCE)
    step = 0
    for _ in range(ROUNDS):
        for rows in torch.randperm(len(seen), generator=rng).split(AT_ONCE):
            rows = rows.to(seen.device)
            for group in optimiser.param_groups:
                group["lr"] = RATE * (1.0 - step / total)
            log = (head(seen[rows]) + power * clocks[rows]).clamp(LOWEST, HIGHEST)
            loss = ((log + came[rows] * (-log).exp()) * counts[rows]).sum()
            loss = loss / counts[rows].sum().clamp(min=1.0)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
    print(f"expected errors fitted on {len(seen)} ticks: {float(loss.detach()):.3f}", flush=True)
