"""`understudy train face`: a voice to the mouth's curves, on Debian's speech engines.

The engines say sentences of the documents and when each phone ends; a table of visemes with
coarticulation says what a mouth does then. It learns articulation, and no acting.
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

from understudy.models.voice import data, evaluate, speech
from understudy.models.voice.data import Utterance
from understudy.models.voice.network import Network
from understudy.runtime.core.files import whole
from understudy.runtime.sources.speech import AHEAD, BANDS, LEAST, MOUTH

BATCH, LENGTH, RATE = 32, 120, 4e-3


def varied(heard: Tensor, draw: torch.Generator) -> Tensor:
    """(B, T, 2 * BANDS) through other microphones and rooms: gain, tilt, hum and hiss."""
    count = len(heard)
    gain = 0.2 * torch.randn(count, 1, 1, generator=draw)
    curve = torch.randn(count, 1, 5, generator=draw) * 0.12
    tilt = torch.nn.functional.interpolate(curve, size=BANDS, mode="linear", align_corners=True)
    floor = -2.3 + 1.0 * torch.rand(count, 1, 1, generator=draw)
    floor = floor + 0.5 * torch.nn.functional.interpolate(
        torch.randn(count, 1, 4, generator=draw), size=BANDS, mode="linear", align_corners=True
    )
    loud = heard + gain + torch.cat([tilt, tilt], -1)
    noise = torch.cat([floor, floor], -1) + 0.1 * torch.randn(heard.shape, generator=draw)
    return torch.logaddexp(loud * 4.6, noise * 4.6) / 4.6


def batch(utterances: list[Utterance], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Heard, mouth AHEAD frames before, and lips shut then; of the same length each."""
    heard, mouth, shut = [], [], []
    for k in rng.integers(len(utterances), size=BATCH):
        u = utterances[k]
        begin = int(rng.integers(max(len(u.heard) - LENGTH, 0) + 1))
        a = u.heard[begin : begin + LENGTH]
        pad = LENGTH - len(a)
        heard.append(np.pad(a, ((0, pad), (0, 0)), constant_values=a.min()))
        rows = np.pad(u.mouth[begin : begin + LENGTH], ((AHEAD, pad), (0, 0)))[:LENGTH]
        mouth.append(rows)
        shut.append(np.pad(u.shut[begin : begin + LENGTH], (AHEAD, pad))[:LENGTH])
    as_tensor = [torch.tensor(np.stack(rows)) for rows in (heard, mouth, shut)]
    return as_tensor[0], as_tensor[1], as_tensor[2].float()


def train(utterances: list[Utterance], steps: int, seed: int) -> Network:
    torch.manual_seed(seed)
    rng, draw = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    flat = np.concatenate([u.heard for u in utterances])
    spread = torch.tensor(np.concatenate([u.mouth for u in utterances]).std(0)) + 0.02
    network = Network()
    with torch.no_grad():
        network.shift.copy_(torch.tensor(-flat.mean(0)))
        network.scale.copy_(torch.tensor(1.0 / flat.std(0)))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for step in range(steps):
        heard, mouth, shut = batch(utterances, rng)
        answer = network.whole(varied(heard, draw))
        off = ((answer - mouth) / spread) ** 2
        # A closure that is missed is seen before anything else.
        loss = (off * (1.0 + 1.5 * shut[..., None]))[:, 8:].mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: {float(loss.detach()):.3f}", flush=True)
    return network.eval()


def by_network(network: Network) -> Any:
    def answer(u: Utterance) -> np.ndarray:
        with torch.no_grad():
            padded = np.concatenate([u.heard, np.repeat(u.heard[-1:], AHEAD, 0)])
            out = network.whole(torch.tensor(padded)[None])[0, AHEAD:]
        return np.clip(out.numpy(), 0.0, 1.0)

    return answer


def run(args: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    texts = data.sentences(args.text)
    held_texts, texts = texts[:24], texts[24:]
    print(f"{len(texts)} sentences to be read out", flush=True)
    trained = data.said_by(speech.TRAINED, texts, args.each, args.seed, True)
    held = {v[1]: data.said_by([v], held_texts, 12, 99, False) for v in speech.HELD_OUT}
    held["slt, which was trained on"] = data.said_by(speech.TRAINED[2:3], held_texts, 12, 99, False)
    network = train(trained, args.steps, args.seed)
    some = trained[::4]
    rows = []
    for name, answer in (
        ("network", by_network(network)),
        ("64 MFCC templates", evaluate.templates(trained)),
        ("energy rule", evaluate.energy(trained)),
    ):
        for voice, utterances in held.items():
            rows.append({"name": name, "voice": voice, **evaluate.judged(answer, some, utterances)})
            print(rows[-1], flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    save(args.out / "voice.onnx", network, rows, trained, args)
    print(f"{args.out / 'voice.onnx'}: copy it and its card into models/weights to use it")
    return 0


def save(
    path: Path, network: Network, rows: list[dict[str, Any]], trained: list[Utterance],
    args: argparse.Namespace,
) -> None:  # fmt: skip
    wide = network.cell.hidden_size
    with whole(path) as part:
        torch.onnx.export(
            network, (torch.zeros(1, 2 * BANDS), torch.zeros(1, wide)), str(part),
            input_names=["heard", "state"], output_names=["mouth", "after"], dynamo=False,
        )  # fmt: skip
    card = {
        "format": "understudy-voice-1",
        "what": "a voice to the mouth's curves: articulation, no acting",
        "inputs": f"heard: two columns of {BANDS} mel bands, log10 of power + {LEAST:g}, / 2 + 1",
        "mouth": list(MOUTH),
        "look ahead frames": AHEAD,
        "training": f"{len(trained)} sentences by {', '.join(v[1] for v in speech.TRAINED)} "
        f"(flite, espeak-ng), {sum(len(u.heard) for u in trained) / 50 / 60:.0f} minutes",
        "held out": [v[1] for v in speech.HELD_OUT],
        "command": f"understudy train face --each {args.each} --steps {args.steps} "
        f"--seed {args.seed}",
        "weights": int(sum(np.prod(p.shape) for p in network.parameters())),
        "measured": rows,
        "made": time.strftime("%Y-%m-%d"),
    }
    with whole(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n")
