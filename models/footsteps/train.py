"""`understudy train footsteps`: when a foot will come down, by how feet move."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.models import export
from understudy.models.takeover import heldout
from understudy.models.takeover.data import files
from understudy.models.takeover.takes import KINDS, held, take
from understudy.runtime.contact.features import FEATURES, MEMORY, PIECE_S, PIECES
from understudy.runtime.core.rotation import Array

from . import evaluate
from .data import RATE_HZ, Walk, load
from .network import Exported, Network

BATCH, SECONDS, RATE = 24, 3.0, 4e-3
RATES_HZ = (30.0, 60.0, 60.0, 120.0)
NOISE_M = 0.006
# Frames at the beginning of which nothing is asked: the memory is empty.
WARM_S = 0.25
KEPT = 0.995
# Bodies of other sizes, and floors that are not where they are said to be.
SIZES, FLOOR_M = 0.12, 0.012
# Rest poses whose feet are not flat: heels and balls are higher or lower than they seem.
TILT_M = 0.012


def batch(walks: Sequence[Walk], shares: Array, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Feet (2B, T, FEATURES), times that are left as pieces (2B, T), and whether they stand."""
    rate_hz = float(rng.choice(RATES_HZ)) * float(rng.uniform(0.9, 1.1))
    count = round(SECONDS * rate_hz)
    seen, left, down = [], [], []
    for k in rng.choice(len(walks), BATCH, p=shares):
        walk = walks[k]
        begin_s = rng.uniform(0.0, max(len(walk) / RATE_HZ - SECONDS, 0.0))
        times = np.minimum(begin_s + np.arange(count) / rate_hz, (len(walk) - 2) / RATE_HZ)
        at = times * RATE_HZ
        low = at.astype(int)
        part = at - low
        noise = NOISE_M * rng.random() if rng.random() < 0.6 else 0.0
        size, shift = rng.uniform(1 - SIZES, 1 + SIZES), FLOOR_M * rng.standard_normal()
        points = []
        for one in (walk.hips, walk.heels, walk.balls):
            share = part.reshape(-1, *[1] * (one.ndim - 1))
            mixed = size * (one[low] * (1.0 - share) + one[low + 1] * share)
            mixed[..., 1] += shift + TILT_M * rng.standard_normal()
            points.append(mixed + noise * rng.standard_normal(mixed.shape))
        hips, heels, balls = points
        seen.append(evaluate.seen(hips, heels, balls, 1.0 / rate_hz))
        for side in (0, 1):
            steps = np.append(walk.steps[side], np.inf)
            wait = steps[np.searchsorted(steps, times)] - times
            left.append(np.minimum(wait / PIECE_S, PIECES).astype(np.int64))
        down.append(walk.down[low].T)
    return (
        torch.tensor(np.concatenate(seen)),
        torch.tensor(np.stack(left)),
        torch.tensor(np.concatenate(down), dtype=torch.float32),
    )


def train(walks: Sequence[Walk], steps: int, seed: int) -> Network:
    """Cross entropy of the time that is left, and of standing."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    # By their steps, not by their seconds: who stands for a minute says little.
    worth = np.array([len(w.steps[0]) + len(w.steps[1]) + 0.2 * len(w) / RATE_HZ for w in walks])
    shares = worth / worth.sum()
    network = Network()
    flat = torch.cat([batch(walks, shares, rng)[0].flatten(0, 1) for _ in range(8)])
    with torch.no_grad():
        network.shift.copy_(-flat.mean(0))
        network.scale.copy_(1.0 / (flat.std(0) + 1e-3))
    optimizer = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad], RATE, weight_decay=1e-2
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    mean: dict[str, Tensor] = {}
    for step in range(steps):
        seen, left, down = batch(walks, shares, rng)
        told = network(seen)
        warm = round(WARM_S * seen.shape[1] / SECONDS)
        told, left, down = told[:, warm:], left[:, warm:], down[:, warm:]
        # A time that is a piece off is nearly right.
        target = nn.functional.one_hot(left, PIECES + 1).float()
        soft = 0.6 * target
        soft[..., 1:] += 0.2 * target[..., :-1]
        soft[..., :-1] += 0.2 * target[..., 1:]
        soft = soft / soft.sum(-1, keepdim=True)
        when, stands = told[..., :-1], told[..., -1]
        loss = nn.functional.cross_entropy(when.flatten(0, 1), soft.flatten(0, 1))
        loss = loss + 0.2 * nn.functional.binary_cross_entropy_with_logits(stands, down)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        kept = min(KEPT, step / (step + 10))
        now = {name: value.detach().clone() for name, value in network.state_dict().items()}
        mean = {n: v.lerp(now[n], 1.0 - kept) for n, v in mean.items()} if mean else now
        if step % 200 == 0:
            print(f"step {step}: {float(loss.detach()):.4f}", flush=True)
    network.load_state_dict(mean)
    return network.eval()


def chances(network: Network) -> Any:
    """What `evaluate.by_network` asks, by the network as it was trained."""

    def answer(seen: Array) -> tuple[Array, Array]:
        with torch.no_grad():
            told = network(torch.tensor(seen))
        return told[..., :-1].softmax(-1).numpy(), told[..., -1].sigmoid().numpy()

    return answer


def fitted(network: Network, walks: Sequence[Walk]) -> dict[str, evaluate.Teller]:
    """The network and the rules by height, each with what serves it best on these walks."""

    def best(make: Any, tried: Sequence[Any]) -> evaluate.Teller:
        def worth(one: Any) -> float:
            return evaluate.judged(make(one), walks, 60.0)["f1"]

        chosen = max(tried, key=worth)
        print(f"  fitted {make.__name__}: {chosen}", flush=True)
        return make(chosen)

    def by_network(sure: float) -> evaluate.Teller:
        return evaluate.by_network(chances(network), sure)

    def height(limit_m: float) -> evaluate.Teller:
        return evaluate.by_height(limit_m, 0.0)

    def extrapolated(limit: tuple[float, float]) -> evaluate.Teller:
        return evaluate.by_height(*limit)

    limits = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.13)
    return {
        "network": best(by_network, (0.3, 0.4, 0.5, 0.6, 0.7)),
        "height": best(height, limits),
        "height, extrapolated": best(
            extrapolated, [(m, s) for m in limits[:6] for s in (0.02, 0.035, 0.05, 0.07)]
        ),
    }


def run(args: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    paths = files(args.data, "*", args.exclude)
    apart = {take(p.stem): p for p in paths if held(p, args.hold_out)}
    trained = load([p for p in paths if not held(p, args.hold_out)])
    measured = load(list(apart.values()))
    counts = [sum(len(s) for w in some for s in w.steps) for some in (trained, measured)]
    minutes = sum(map(len, trained)) / RATE_HZ / 60
    print(f"{len(trained)} clips, {minutes:.0f} minutes, {counts[0]} steps; {counts[1]} measured")
    network = train(trained, args.steps, args.seed)
    tellers = fitted(network, trained[:: max(1, len(trained) // 40)])
    rows = []
    for kind in KINDS:
        some = [walk for walk in measured if heldout.kind(walk.name) == kind]
        for name, tell in tellers.items() if some else ():
            found = evaluate.judged(tell, some, 60.0)
            rows.append({"name": name, "kind": kind, "rate_hz": 60.0, "noise_mm": 0.0, **found})
            print(rows[-1], flush=True)
    for rate_hz in (30.0, 60.0, 120.0):
        for noise_m in (0.0, 0.005):
            for name, tell in tellers.items():
                found = evaluate.judged(tell, measured, rate_hz, noise_m)
                rows.append(
                    {
                        "name": name,
                        "kind": "all",
                        "rate_hz": rate_hz,
                        "noise_mm": 1e3 * noise_m,
                        **found,
                    }
                )
                print(rows[-1], flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    about = f"{len(trained)} clips, {counts[0]} steps"
    save(args.out / "footsteps.onnx", network, rows, args, about)
    print(f"{args.out / 'footsteps.onnx'}: copy it and its card into models/weights to use it")
    return 0


def save(
    path: Path, network: Network, rows: list[dict[str, Any]], args: argparse.Namespace, data: str
) -> None:
    about = {
        "what": "when a foot will come down",
        "piece_s": PIECE_S,
        "pieces": PIECES,
        "training": data,
        "held_out": args.hold_out,
        "command": "understudy train footsteps --data "
        + " ".join(folder.name for folder in args.data)
        + f" --steps {args.steps} --seed {args.seed}",
        "weights": sum(p.numel() for p in network.parameters()),
        "latency_s": evaluate.LATENCY_S,
        "measured": rows,
        "made": time.strftime("%Y-%m-%d"),
    }
    export.write(
        Exported(network).eval(),
        (torch.zeros(2, FEATURES), torch.zeros(2, MEMORY)),
        path,
        "footsteps",
        60.0,
        {"seen": ["count", FEATURES], "memory": ["count", MEMORY]},
        {
            "chances": ["count", PIECES + 1],
            "standing": ["count", 1],
            "next_memory": ["count", MEMORY],
        },
        about,
    )
