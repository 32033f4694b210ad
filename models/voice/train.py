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
from understudy.models.voice.network import Exported, Network
from understudy.runtime.core.files import whole
from understudy.runtime.sources.speech import AHEAD, BANDS, LEAST, MEL, MOUTH
from understudy.runtime.sources.throat import Throat

BATCH, LENGTH, RATE = 32, 120, 3e-3
HELD = 60  # sentences: with twelve, closures came out anywhere between 0.68 and 0.81
TELL = 0.15  # of telling the phones, beside the curves
KEPT = 0.998  # of the weights' running mean, a step


def throats(count: int, draw: torch.Generator) -> Tensor:
    """(B, BANDS, BANDS) what makes of a speaker's bands those of another throat.

    Longer or shorter by up to a fifth, and here a little more than there: vocal tract length
    perturbation (Jaitly and Hinton 2013), with a bend.
    """
    mel = torch.linspace(MEL[0], MEL[1], BANDS + 2)[1:-1]
    hertz = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    longer = torch.exp(0.1 * torch.randn(count, 1, generator=draw)).clamp(0.8, 1.25)
    heard = 2595.0 * torch.log10(1.0 + hertz * longer / 700.0)
    at = (heard - mel[0]) / (mel[1] - mel[0])
    bend = torch.nn.functional.interpolate(
        torch.randn(count, 1, 5, generator=draw), size=BANDS, mode="linear", align_corners=True
    )
    at = (at + 0.5 * bend[:, 0]).clamp(0.0, BANDS - 1.001)
    return (1.0 - (at[:, None, :] - torch.arange(BANDS)[None, :, None]).abs()).clamp_min(0.0)


def varied(heard: Tensor, draw: torch.Generator) -> Tensor:
    """(B, T, 2 * BANDS) of other throats, through other microphones and rooms.

    Throat, gain, tilt, hum and hiss.
    """
    count = len(heard)
    columns = heard.reshape(count, -1, BANDS) @ throats(count, draw)
    heard = columns.reshape(heard.shape)
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


def batch(utterances: list[Utterance], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Heard, and AHEAD frames before: mouth, lips shut and phone; of the same length each."""
    heard, mouth, shut, told = [], [], [], []
    for k in rng.integers(len(utterances), size=BATCH):
        u = utterances[k]
        begin = int(rng.integers(max(len(u.heard) - LENGTH, 0) + 1))
        a = u.heard[begin : begin + LENGTH]
        pad = LENGTH - len(a)
        heard.append(np.pad(a, ((0, pad), (0, 0)), constant_values=a.min()))
        rows = np.pad(u.mouth[begin : begin + LENGTH], ((AHEAD, pad), (0, 0)))[:LENGTH]
        mouth.append(rows)
        shut.append(np.pad(u.shut[begin : begin + LENGTH], (AHEAD, pad))[:LENGTH])
        one = np.pad(u.told[begin : begin + LENGTH], (AHEAD, pad), constant_values=-1)
        told.append(one[:LENGTH])
    return tuple(torch.tensor(np.stack(rows)) for rows in (heard, mouth, shut, told))


def train(utterances: list[Utterance], steps: int, seed: int) -> Network:
    torch.manual_seed(seed)
    rng, draw = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    flat = np.concatenate([u.heard for u in utterances])
    spread = torch.tensor(np.concatenate([u.mouth for u in utterances]).std(0)) + 0.02
    network, mean = Network(), None
    with torch.no_grad():
        network.shift.copy_(torch.tensor(-flat.mean(0)))
        network.scale.copy_(torch.tensor(1.0 / flat.std(0)))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for step in range(steps):
        heard, mouth, shut, told = batch(utterances, rng)
        answer, logits = network.whole(varied(heard, draw))
        off = ((answer - mouth) / spread) ** 2
        # A closure that is missed is seen before anything else.
        loss = (off * (1.0 + 1.5 * shut[..., None].float()))[:, 8:].mean()
        loss = loss + TELL * torch.nn.functional.cross_entropy(
            logits[:, 8:].flatten(0, 1), told[:, 8:].flatten(), ignore_index=-1
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        now = {name: value.detach().clone() for name, value in network.state_dict().items()}
        kept = min(KEPT, step / (step + 10))
        mean = {n: v.lerp(now[n], 1.0 - kept) for n, v in mean.items()} if mean else now
        if step % 100 == 0:
            print(f"step {step}: {float(loss.detach()):.3f}", flush=True)
    network.load_state_dict(mean or {}, strict=mean is not None)
    return network.eval()


def by_network(network: Network) -> Any:
    def answer(u: Utterance) -> np.ndarray:
        with torch.no_grad():
            padded = np.concatenate([u.heard, np.repeat(u.heard[-1:], AHEAD, 0)])
            out = network.whole(torch.tensor(padded)[None])[0][0, AHEAD:]
        return np.clip(out.numpy(), 0.0, 1.0)

    return answer


def run(args: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    texts = data.sentences(args.text)
    held_texts, texts = texts[:HELD], texts[HELD:]
    print(f"{len(texts)} sentences to be read out", flush=True)
    trained = data.said_by(speech.TRAINED, texts, args.each, args.seed, True)
    held = {v[1]: data.said_by([v], held_texts, HELD, 99, False) for v in speech.HELD_OUT}
    slt = data.said_by(speech.TRAINED[2:3], held_texts, HELD, 99, False)
    held["slt, which was trained on"] = slt
    network = train(trained, args.steps, args.seed)
    some = trained[::4]
    people = data.said_by(speech.TRAINED[:4], texts, args.each // 4, args.seed + 1, False)
    usual, rows = evaluate.usual(people), []
    for name, answer in (
        ("network", by_network(network)),
        ("64 MFCC templates", evaluate.templates(trained)),
        ("energy rule", evaluate.energy(trained)),
    ):
        for voice, utterances in held.items():
            throat = Throat(usual, MEL) if name == "network" else None
            row = evaluate.judged(answer, some, utterances, throat)
            rows.append({"name": name, "voice": voice, **row})
            print(rows[-1], flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    save(args.out / "voice.onnx", network, rows, trained, usual, args)
    print(f"{args.out / 'voice.onnx'}: copy it and its card into models/weights to use it")
    return 0


def save(
    path: Path, network: Network, rows: list[dict[str, Any]], trained: list[Utterance],
    usual: np.ndarray, args: argparse.Namespace,
) -> None:  # fmt: skip
    wide = network.cell.hidden_size
    with whole(path) as part:
        torch.onnx.export(
            Exported(network).eval(), (torch.zeros(1, 2 * BANDS), torch.zeros(1, wide)), str(part),
            input_names=["heard", "state"], output_names=["mouth", "after"], dynamo=False,
        )  # fmt: skip
    card = {
        "format": "understudy-voice-1",
        "what": "a voice to the mouth's curves: articulation, no acting",
        "inputs": f"heard: two columns of {BANDS} mel bands, log10 of power + {LEAST:g}, / 2 + 1",
        "mouth": list(MOUTH),
        "usual": [round(float(value), 4) for value in usual],
        "look ahead frames": AHEAD,
        "training": f"{len(trained)} sentences by {', '.join(v[1] for v in speech.TRAINED)} "
        f"(flite, festival, espeak-ng), {sum(len(u.heard) for u in trained) / 50 / 60:.0f} minutes",
        "held out": [v[1] for v in speech.HELD_OUT],
        "command": f"understudy train face --each {args.each} --steps {args.steps} "
        f"--seed {args.seed}",
        "weights": sum(p.numel() for n, p in network.named_parameters() if "tell" not in n),
        "measured": rows,
        "made": time.strftime("%Y-%m-%d"),
    }
    with whole(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n")
