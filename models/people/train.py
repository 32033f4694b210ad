"""`understudy train measures`: any of a body's measures to the parameters that give them.

Bodies are drawn at random and measured; the network is judged by what its answers measure, and not
by the parameters, of which many give the same body. Beside it: ridge regression and an optimiser.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.models.people.network import Network, Tape
from understudy.runtime.characters.people import body as bodies
from understudy.runtime.characters.people.fitting import ANSWERS, MACROS, USUAL
from understudy.runtime.core.files import whole

BATCH, RATE, HELD_OUT = 128, 2e-3, 512
TAME = 2e-4  # of a change of size, beside errors in squared spreads


def drawn(count: int, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Answers (N, A), ages (N,) and sexes (N,) of bodies that there could be."""
    age = 12.0 + 73.0 * torch.rand(count, generator=draw)
    sex = (torch.rand(count, generator=draw) < 0.5).float()
    sizes = 0.45 * torch.randn(count, len(ANSWERS) - len(MACROS), generator=draw)
    macro = torch.randn(count, 3, generator=draw) * torch.tensor([0.05, 0.16, 0.17])
    macro = (macro + torch.tensor([0.54, 0.52, 0.52])).clamp(0.05, 0.97)
    return torch.cat([macro, sizes.clamp(-1.2, 1.2)], 1), age, sex


def asked(measured: Tensor, given: Tensor, age: Tensor, sex: Tensor) -> Tensor:
    """(B, 2M + 2) as `fitting.asked` has it."""
    usual = torch.tensor(list(USUAL.values()))
    value = (measured - usual[:, 0]) / usual[:, 1] * given
    return torch.cat([value, given, ((age - 40) / 20)[:, None], (sex * 2 - 1)[:, None]], 1)


def some(count: int, draw: torch.Generator) -> Tensor:
    """(B, M) which measures are given: all of them half of the time."""
    share = torch.rand(count, 1, generator=draw)
    given = (torch.rand(count, len(USUAL), generator=draw) < 0.25 + 0.75 * share).float()
    whole_set = torch.rand(count, 1, generator=draw) < 0.5
    return torch.where(whole_set, torch.ones(()), given)


def train(tape: Tape, steps: int, seed: int) -> Network:
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    spread = torch.tensor([s for _, s in USUAL.values()])
    for step in range(steps):
        with torch.no_grad():
            true, age, sex = drawn(BATCH, draw)
            measured, given = tape(true, age, sex), some(BATCH, draw)
        answer = network(asked(measured, given, age, sex))
        off = (tape(answer, age, sex) - measured) / spread
        # What is not given should be as usual for what is.
        loss = (off.abs() * (given + 0.1 * (1 - given))).mean()
        loss = loss + TAME * (answer[:, len(MACROS) :] ** 2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 1000 == 0:
            print(
                f"step {step}: {1e3 * float((off.detach().abs() * spread * given).mean()):.2f} mm",
                flush=True,
            )
    return network


def ridge(tape: Tape, draw: torch.Generator) -> Any:
    """asked -> answers by ridge regression over 20,000 bodies, all measures given."""
    with torch.no_grad():
        rows = [drawn(500, draw) for _ in range(40)]
        inputs = [asked(tape(*r), torch.ones(500, len(USUAL)), r[1], r[2]) for r in rows]
    x = torch.cat(inputs).double()
    x = torch.cat([x, x[:, -1:] * x, torch.ones(len(x), 1)], 1)
    y = torch.cat([r[0] for r in rows]).double()
    w = torch.linalg.solve(x.T @ x + 10.0 * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)

    def answer(a: Tensor) -> Tensor:
        a = a.double()
        a = torch.cat([a, a[:, -1:] * a, torch.ones(len(a), 1)], 1)
        return (a @ w).float()

    return answer


def optimised(tape: Tape, measured: Tensor, age: Tensor, sex: Tensor, steps: int = 300) -> Tensor:
    """Answers by Adam from the middle, each body for itself."""
    # Not from the very middle: there no change has a slope.
    raw = (0.1 * torch.randn(len(measured), len(ANSWERS))).requires_grad_()
    optimizer = torch.optim.Adam([raw], 0.05)
    spread = torch.tensor([s for _, s in USUAL.values()])
    for _ in range(steps):
        answer = torch.cat([torch.sigmoid(raw[:, :3]), 1.3 * torch.tanh(raw[:, 3:])], 1)
        off = (tape(answer, age, sex) - measured) / spread
        loss = off.abs().mean(1).sum() + TAME * (answer[:, 3:] ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return answer.detach()


def evaluated(tape: Tape, network: Network) -> list[dict[str, Any]]:
    """Mean error over measures of held-out bodies, mm, and what one body costs, ms."""
    draw = torch.Generator().manual_seed(987654)
    true, age, sex = drawn(HELD_OUT, draw)
    rows = []
    with torch.no_grad():
        measured = tape(true, age, sex)
        every = asked(measured, torch.ones_like(measured), age, sex)
        bones = torch.tensor([float(n.endswith("length") or n == "height") for n in USUAL])
        few = asked(measured, bones.expand_as(measured), age, sex)
    by_ridge = ridge(tape, torch.Generator().manual_seed(5))

    def row(name: str, answer: Tensor, seconds: float, over: Tensor) -> None:
        off = (
            1e3
            * (tape(answer, age[: len(answer)], sex[: len(answer)]) - measured[: len(answer)]).abs()
        )
        each = (off * over).sum(1) / over.sum()
        rows.append({
            "name": name, "mean mm": round(float(each.mean()), 2),
            "p95 of a body's mean mm": round(float(each.quantile(0.95)), 2),
            "ms": round(1e3 * seconds, 3),
        })  # fmt: skip

    all_of = torch.ones(len(USUAL))
    with torch.no_grad():
        row("network, all measures", network(every), _cost(lambda: network(every[:1])), all_of)
        row(
            "network, lengths and height alone, over those",
            network(few),
            _cost(lambda: network(few[:1])),
            bones,
        )
        row(
            "ridge regression, all measures",
            by_ridge(every),
            _cost(lambda: by_ridge(every[:1])),
            all_of,
        )
        middle = true.mean(0).expand_as(true)
        row("the mean body", middle, 0.0, all_of)
    begin = time.thread_time()
    one = optimised(tape, measured[:1], age[:1], sex[:1])
    each_s = time.thread_time() - begin
    del one
    row(
        "optimiser, 300 steps of Adam",
        optimised(tape, measured[:64], age[:64], sex[:64]),
        each_s,
        all_of,
    )
    return rows


def _cost(call: Any) -> float:
    call()
    begin = time.thread_time()
    for _ in range(50):
        call()
    return (time.thread_time() - begin) / 50


def run(args: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    tape = Tape(bodies.load())
    network = train(tape, args.steps, args.seed).eval()
    rows = evaluated(tape, network)
    for one in rows:
        print(one)
    args.out.mkdir(parents=True, exist_ok=True)
    save(args.out / "measures.onnx", network, rows, args)
    print(f"{args.out / 'measures.onnx'}: copy it and its card into models/weights to use it")
    return 0


def save(
    path: Path, network: Network, rows: list[dict[str, Any]], args: argparse.Namespace
) -> None:
    with whole(path) as part:
        torch.onnx.export(
            network, (torch.zeros(1, 2 * len(USUAL) + 2),), str(part), input_names=["asked"],
            output_names=["answers"],
            dynamic_axes={"asked": {0: "bodies"}, "answers": {0: "bodies"}},
            dynamo=False,
        )  # fmt: skip
    card = {
        "format": "understudy-measures-1",
        "what": "measures of a body to MakeHuman's parameters",
        "inputs": "asked: each of the measures from the usual in spreads, if it is given, age, sex",
        "measures": list(USUAL),
        "answers": list(ANSWERS),
        "training": "bodies drawn at random and measured; no people's data",
        "command": f"understudy train measures --steps {args.steps} --seed {args.seed}",
        "weights": int(sum(np.prod(p.shape) for p in network.parameters())),
        "measured": rows,
    }
    with whole(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n")
