"""The last thing that is learnt: how far from the truth each joint will be.

While the network learns, its errors change, and the head that expects them lags behind. Once it is
done, the head is fitted to the errors that it makes on training windows; nothing else changes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .batches import Footage, Variety, masks
from .network import HIGH_M, LOW_M, Understudy, adrift
from .rollout import rollout

BATCHES, WINDOWS, WARM, AHEAD = 48, 64, 22, 30
PARTIAL = 5  # every so many batches, only some joints are missing
ROUNDS, AT_ONCE, RATE = 12, 4096, 2e-3


@torch.no_grad()
def _roll_outs(net: Understudy, footage: Footage, rng: torch.Generator) -> tuple[Tensor, ...]:
    """What the head sees (N, H + W), errors in metres (N, J) and which of them count (N, J)."""
    inputs: list[Tensor] = []
    hook = net.doubt.register_forward_hook(lambda _, given, __: inputs.append(given[0]))
    errors, counts = [], []
    for k in range(BATCHES):
        bodies, _, real, _ = footage.windows(WINDOWS, WARM, AHEAD, Variety(), rng)
        seen = masks(WINDOWS, AHEAD, rng).to(bodies.device) if k % PARTIAL == 0 else None
        found = rollout(net, bodies, real.float(), WARM, seen, 0.0)[0]
        error = (net.joints(found) - net.joints(bodies[WARM:])).square().sum(-2).sqrt()
        lost = torch.ones_like(error) if seen is None else adrift(seen)
        errors.append(error.flatten(0, 1))
        counts.append((lost * real[WARM:, :, None]).flatten(0, 1))
    hook.remove()
    return torch.cat(inputs), torch.cat(errors), torch.cat(counts)


def fit(net: Understudy, footage: Footage, rng: torch.Generator) -> None:
    """Makes errors that are spread exponentially around what the head expects likeliest."""
    seen, came, counts = _roll_outs(net, footage, rng)
    head = net.doubt
    optimiser = torch.optim.Adam(head.parameters(), lr=RATE)
    total = ROUNDS * -(-len(seen) // AT_ONCE)
    step = 0
    for _ in range(ROUNDS):
        for rows in torch.randperm(len(seen), generator=rng).split(AT_ONCE):
            rows = rows.to(seen.device)
            for group in optimiser.param_groups:
                group["lr"] = RATE * (1.0 - step / total)
            said = torch.nn.functional.softplus(head(seen[rows])) + 1e-4
            said = said.clamp(LOW_M, HIGH_M)
            loss = ((said.log() + came[rows] / said) * counts[rows]).sum()
            loss = loss / counts[rows].sum().clamp(min=1.0)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
    print(f"expected errors fitted on {len(seen)} ticks: {float(loss.detach()):.3f}", flush=True)
