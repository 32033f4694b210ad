"""`understudy train takeover`: from folders of BVH to the network that stands in for mocap.

The network watches a window of true motion, then runs on its own output for up to a second, and is
judged by what the product is judged by: how far every joint is from where it truly was.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import math
import os
import time
from dataclasses import asdict

import torch

from understudy.runtime.core.errors import UnderstudyError

from . import begin, doubt, export, heldout, likeness, plots, trust
from .batches import Footage, masks
from .data import Reel, files, load
from .network import RATE, SEEN, SHAPE, Understudy, seen_of
from .options import Config, arguments
from .rollout import Weights, loss_of, rollout
from .takes import held as held_apart
from .variety import Variety

SAVED = 50  # steps between two checkpoints
PROBE = 200  # and between two measurements on the takes that are kept apart


@torch.no_grad()
def normalise(net: Understudy, footage: Footage, rng: torch.Generator) -> None:
    """Takes the network's means and scales from the data."""
    bodies = footage.windows(6000, 1, 1, Variety(), rng)[0][1:]
    seen = torch.ones(6000, 22, device=bodies.device)
    features, _, rate, _ = net.look(bodies[1], bodies[0], seen_of(bodies[2], seen))
    scale = features.std(0)
    floor = torch.full_like(scale, 0.02)
    net.mean.copy_(features.mean(0))
    net.scale.copy_(torch.maximum(scale, floor))
    net.mean[-RATE - 22 : -RATE], net.scale[-RATE - 22 : -RATE] = 0.5, 0.5
    clock = -SEEN - SHAPE - 1
    net.mean[clock], net.scale[clock] = 1.0, 1.0
    later = net.look(bodies[2], bodies[1])[2]
    net.rate_scale.copy_((later - rate).std(0).clamp(min=1e-3) * 2.0)


def train(
    args: argparse.Namespace, config: Config, held: list[Reel]
) -> tuple[Understudy, list[list[float]]]:
    """Trains, with checkpoints; returns the averaged network and the curves: step, minutes, loss
    of places, and at times the held-out ratios of `heldout.probe`."""
    torch.manual_seed(config.seed)
    rng = torch.Generator().manual_seed(config.seed)
    paths = [
        p for p in files(args.data, args.include, args.exclude) if not held_apart(p, args.hold_out)
    ]
    reels = load(paths)
    likeness.write(reels, args.out / "takeover_takes.npz")
    footage = Footage(reels, config.often, args.device, config.small)
    print(f"mocap: {len(footage.length)} reels, {len(footage.frames) / 3600:.1f} min", flush=True)
    net = Understudy(config.hidden, config.width).to(args.device)
    normalise(net, footage, rng)
    if args.begin is not None:
        begin.begin(net, args.begin)
    begun = copy.deepcopy(net)
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    first, spent = 0, 0.0
    history: list[list[float]] = []
    share = Weights(config.relative, config.turns, config.speed, config.contact)
    variety = Variety(config.warp, config.rig, 0.02 * config.rig, 0.05 * config.rig)
    checkpoint = args.out / "checkpoint.pt"
    if args.resume and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=args.device, weights_only=True)
        if saved["config"] != json.dumps(asdict(config)):
            raise UnderstudyError(
                f"{checkpoint} was made with other settings; use the same ones, or another --out."
            )
        net.load_state_dict(saved["net"])
        mean.load_state_dict(saved["mean"])
        optimiser.load_state_dict(saved["optimiser"])
        first, spent, history = saved["step"], saved["minutes"], saved["history"]
        rng.set_state(saved["rng"].cpu())
        torch.set_rng_state(saved["torch_rng"].cpu())
        print(f"resumed at step {first}", flush=True)

    losses: dict[str, float] = {}
    running: dict[str, float] = {}
    started = shown = time.monotonic()
    step = first
    for step in range(first, config.steps):
        stage = min(8 * step // config.fall, len(config.ahead) - 1)
        ahead = config.ahead[stage]
        pace = min(1.0, (step + 1) / 100, (config.steps - step) / config.cool)
        pace *= 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / config.fall))
        for group in optimiser.param_groups:
            group["lr"] = config.rate * pace + 1e-6
        bodies, planted, real, count = footage.windows(
            config.batch, config.warm, ahead, variety, rng
        )
        seen = None
        if config.partial and step % config.partial == config.partial - 1:
            seen = masks(config.batch, ahead, rng).to(args.device)
        found = rollout(net, bodies, real.float(), config.warm, seen, config.noise, config.listen)
        w = config.warm + 2
        loss, losses = loss_of(
            *(net, share, bodies[w:], bodies[w - 1], planted[w:], real[w:].float(), count),
            *(found, seen),
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            slow = min(0.998, 1.0 - 1.0 / (step + 2) ** 0.75)
            for a, b in zip(mean.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - slow)
        if seen is None:
            running = {k: 0.98 * running.get(k, v) + 0.02 * v for k, v in losses.items()}

        clock = time.monotonic()
        done = args.minutes is not None and clock - started > 60 * args.minutes
        done |= step + 1 == config.steps
        if clock - shown > 20.0 or done:
            shown = clock
            left = (config.steps - step - 1) * (clock - started) / (step + 1 - first)
            detail = " ".join(f"{k} {v:.3f}" for k, v in running.items())
            print(
                f"step {step + 1}/{config.steps}  {detail}  "
                f"{1e3 * (clock - started) / (step + 1 - first):.0f} ms/step  "
                f"{left / 60:.0f} min left",
                flush=True,
            )
        if (step + 1) % SAVED == 0 or done:
            row = [step + 1.0, spent + (clock - started) / 60, running.get("place", math.nan)]
            if held and ((step + 1) % PROBE == 0 or done):
                row += heldout.probe(mean, held)
                print(f"held out: {' '.join(f'{v:.2f}' for v in row[3:])}", flush=True)
            history.append(row)
            part = checkpoint.with_suffix(".part")
            torch.save(
                {
                    "config": json.dumps(asdict(config)),
                    "net": net.state_dict(),
                    "mean": mean.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "minutes": spent + (time.monotonic() - started) / 60,
                    "history": history,
                    "rng": rng.get_state(),
                    "torch_rng": torch.get_rng_state(),
                },
                part,
            )
            os.replace(part, checkpoint)
        if done:
            break
    if args.begin is not None:
        begin.keep(mean, begun, config.kept)
    doubt.fit(mean, footage, rng)
    return mean, history


def run(args: argparse.Namespace) -> int:
    """`understudy train takeover`."""
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UnderstudyError("--device cuda: this PyTorch sees no CUDA device; use --device cpu.")
    if args.steps < 1 or args.batch < 1 or args.cool < 1:
        raise UnderstudyError(
            f"--steps {args.steps}, --batch {args.batch}, --cool {args.cool}: give each at least 1."
        )
    config = Config(**{name: getattr(args, name) for name in asdict(Config()) if name != "ahead"})
    torch.set_flush_denormal(True)  # a body that stands is full of them
    args.out.mkdir(parents=True, exist_ok=True)
    measured_on = heldout.paths(args.data, args.hold_out, args.exclude)
    heldout.listed(measured_on, args.out / "held_out.csv")
    held = heldout.load(measured_on)
    net, history = train(args, config, held)
    net = net.cpu().eval()
    measured, line = heldout.judge(net, held, args.out) if held else ({}, trust.AS_IT_IS)
    plots.curves(history, list(heldout.grouped(held)) if held else [], args.out / "curves.png")
    record = {
        "command": _command(args),
        "config": asdict(config),
        "held_out": args.hold_out,
        "left_out": args.exclude,
        "expected_error": {"line": line, "fitted_on": heldout.FITTED},
        "minutes": round(history[-1][1], 1),
        "threads": torch.get_num_threads(),
        "device": args.device,
        "begun_from": args.begin and hashlib.sha256(args.begin.read_bytes()).hexdigest(),
        "curves": [[round(v, 3) for v in row] for row in history],
    }
    path = args.out / "takeover.onnx"
    export.write(net, line, path, record, measured)
    print(f"wrote {path} and its card")
    return 0


def _command(args: argparse.Namespace) -> str:
    """The command that makes this network again, without where things lie on this machine."""
    parser = argparse.ArgumentParser()
    arguments(parser)
    words = ["understudy train takeover --data", *(folder.name for folder in args.data)]
    if args.begin is not None:
        words += ["--begin", args.begin.name]
    names = [n for n in asdict(Config()) if n not in ("ahead", "seed")]
    for name in ("include", "exclude", "hold_out", *names):
        if getattr(args, name) != parser.get_default(name):
            words.append(f"--{name.replace('_', '-')} '{getattr(args, name)}'")
    return " ".join([*words, f"--seed {args.seed}"])
