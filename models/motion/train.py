"""`understudy train motion`: from a folder of BVH to an ONNX file with its card.

The network learns on its own roll-outs: it starts from a true pose with a little noise, runs freely
for up to ROLLOUT frames and is compared with what the director played. Streams whose pose is still
close at the end go on from where they are, so it also learns to recover from its own errors.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.performer.control.layout import BODY, POSE

from . import begin, curves, evaluate, export, library, limits, prediction
from .data import RATE_HZ, Strip, load
from .director import Database, Take, direct, gait
from .network import Performer, Skeletal
from .options import Config, arguments
from .rollout import Streams, loss_of, rollout, seen


def prepare(args: argparse.Namespace, config: Config) -> Take:
    """Reads the mocap and lets the director play; kept in --out for a resumed run."""
    kept = args.out / "take.npz"
    key = json.dumps(
        [list(map(str, args.data)), args.include, args.exclude, args.hold_out, config.seed]
    )
    key += f" {config.bodies} {config.frames}"
    if args.resume and kept.exists():
        with np.load(kept) as stored:
            if str(stored["key"]) == key:
                return Take(*(stored[n] for n in TAKE))
    start = time.monotonic()
    strips = load(args.data, args.include, ",".join([args.exclude, args.hold_out]))
    played = library.build(strips, config.seed)
    database = Database(played)
    print(
        f"mocap: {len(strips)} clips, {sum(map(len, strips)) / RATE_HZ / 60:.1f} min; "
        f"library: {len(played)} strips, {len(database) / RATE_HZ / 60:.0f} min",
        flush=True,
    )
    take = direct(database, config.bodies, config.frames, config.seed)
    minutes = config.bodies * config.frames / RATE_HZ / 60
    print(f"director: {minutes:.0f} min in {time.monotonic() - start:.0f} s", flush=True)
    part = kept.with_suffix(".part.npz")
    np.savez(part, key=np.array(key), **{n: getattr(take, n) for n in TAKE})
    os.replace(part, kept)
    return take


TAKE = ("hips", "rotations", "root", "yaw", "contacts", "path", "phase", "style")


def train(
    args: argparse.Namespace, config: Config
) -> tuple[Performer, dict[str, float], tuple[np.ndarray, np.ndarray]]:
    """Trains, with checkpoints; the averaged network, the last losses, the data's bounds (280,)."""
    torch.manual_seed(config.seed)
    rng = torch.Generator().manual_seed(config.seed)
    take = prepare(args, config)
    data = Streams(take, args.device)
    net = Performer(config.hidden, config.width).to(args.device)
    fk = Skeletal().to(args.device)
    t = torch.randint(1, data.frames, (20000,), generator=rng)
    i = torch.randint(0, data.count, (20000,), generator=rng)
    sample = data.body(t, i)
    wish = seen(data.path[t, i], data.style[t, i], data.root[t - 1, i])
    if args.begin:
        begin.begin(net, args.begin)
    else:
        net.normalise(sample.cpu().numpy(), wish.cpu().numpy())
    bounds = np.quantile(sample.cpu().numpy(), [0.001, 0.999], axis=0)
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=1e-4)
    first, spent = 0, 0.0
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
        first, spent = saved["step"], saved["minutes"]
        rng.set_state(saved["rng"].cpu())
        print(f"resumed at step {first}", flush=True)

    t = torch.zeros(config.batch, dtype=torch.long)
    i = torch.zeros(config.batch, dtype=torch.long)
    alive = torch.zeros(config.batch, dtype=torch.bool)
    body = torch.zeros(config.batch, BODY, device=args.device)
    root = torch.zeros(config.batch, 3, device=args.device)
    memory = torch.zeros(config.batch, config.hidden, device=args.device)
    scale = net.body_scale
    losses: dict[str, float] = {}
    begun = shown = time.monotonic()
    step = first
    for step in range(first, config.steps):
        progress = step / config.steps
        stage = min(int(2.0 * progress * len(config.rollout)), len(config.rollout) - 1)
        span = config.rollout[stage]
        warm = min(1.0, (step + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = config.rate * warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6

        alive &= t + span < data.frames - 1
        alive &= torch.rand(config.batch, generator=rng) < config.keep
        new = ~alive
        count = int(new.sum())
        t[new] = torch.randint(1, data.frames - span - 1, (count,), generator=rng)
        i[new] = torch.randint(0, data.count, (count,), generator=rng)
        fresh = data.body(t[new], i[new])
        jitter = torch.randn(fresh.shape, generator=rng).to(args.device) * config.noise
        body[new] = fresh + jitter * scale
        root[new] = data.root[t[new], i[new]]
        memory[new] = 0.0

        ahead = t + torch.arange(1, span + 1)[:, None]
        true, true_root = data.pose[ahead, i], data.root[ahead, i]
        now = data.pose[t, i]
        phase = torch.cat([now[None], true[:-1]])[..., POSE.stop + 4 : POSE.stop + 6]
        wished = data.path[ahead, i], data.style[ahead, i]
        bodies, logits, roots, after = rollout(net, body, root, memory, *wished, phase)
        loss, losses = loss_of(net, fk, bodies, logits, roots, true, true_root, now[:, POSE], phase)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            slow = min(0.999, 1.0 - 1.0 / (step + 2) ** 0.75)
            for a, b in zip(mean.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - slow)
            body, root, memory = bodies[-1].detach(), roots[-1].detach(), after.detach()
            off = ((body[:, POSE] - true[-1][:, POSE]) / scale[POSE]).abs().mean(-1)
            alive = ((off < 0.6) & (memory.abs().amax(-1) < 2)).cpu()
            t = t + span

        clock = time.monotonic()
        if clock - shown > 10.0 or step in (0, config.steps - 1):
            shown = clock
            left = (config.steps - step - 1) * (clock - begun) / (step + 1 - first)
            _note(args.out / "losses.csv", step + 1, float(loss.detach()), losses)
            detail = " ".join(f"{k} {v:.3f}" for k, v in losses.items())
            print(
                f"step {step + 1}/{config.steps}  loss {float(loss.detach()):.3f}  ({detail})  "
                f"{1e3 * (clock - begun) / (step + 1 - first):.0f} ms/step  "
                f"{left / 60:.0f} min left",
                flush=True,
            )
        done = args.minutes is not None and clock - begun > 60 * args.minutes
        if (step + 1) % 250 == 0 or done or step + 1 == config.steps:
            part = checkpoint.with_suffix(".part")
            torch.save(
                {
                    "config": json.dumps(asdict(config)),
                    "net": net.state_dict(),
                    "mean": mean.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "minutes": spent + (time.monotonic() - begun) / 60,
                    "rng": rng.get_state(),
                },
                part,
            )
            os.replace(part, checkpoint)
        if done:
            break
    minutes = spent + (time.monotonic() - begun) / 60
    done = {**losses, "steps": float(min(step + 1, config.steps)), "minutes": minutes}
    return mean, done, (bounds[0], bounds[1])


def _note(path: Path, step: int, loss: float, parts: dict[str, float]) -> None:
    """Adds a row of losses to a CSV file, with a head where it is new."""
    new = step == 1 or not path.exists()
    with path.open("w" if new else "a", encoding="utf-8") as file:
        if new:
            file.write(",".join(["step", "loss", *parts]) + "\n")
        file.write(",".join([str(step), *(f"{v:.5f}" for v in (loss, *parts.values()))]) + "\n")


def run(args: argparse.Namespace) -> int:
    """`understudy train motion`."""
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UnderstudyError("--device cuda: this PyTorch sees no CUDA device; use --device cpu.")
    config = Config(
        steps=args.steps,
        batch=args.batch,
        bodies=args.bodies,
        frames=args.frames,
        hidden=args.hidden,
        rate=args.rate,
        seed=args.seed,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    net, losses, bounds = train(args, config)
    minutes = losses.pop("minutes")
    net = net.cpu().eval()
    path = args.out / "motion.onnx"
    held = load(args.data, args.hold_out) if args.hold_out else []
    measured: dict[str, object] = {}
    if held:
        phases = {s.name: _circular(gait(s)) for s in held}
        measured = prediction.measure(_stepper(net), net.hidden, held, phases)
    record = _record(args, config, minutes, losses)
    boxes = limits.of(_captured(args))
    export.write(net, path, record, measured, bounds, boxes)
    measured.update(evaluate.control(path))
    measured.update(evaluate.styles(path))
    measured.update(evaluate.endurance(path, minutes=2.0))
    export.write(net, path, record, measured, bounds, boxes)
    curves.draw(args.out / "losses.csv", args.out / "losses.png")
    evaluate.show(measured)
    print(f"wrote {path} and its card")
    return 0


def _captured(args: argparse.Namespace) -> list[Strip]:
    """The mocap that the network learned from: its sound parts."""
    strips = load(args.data, args.include, ",".join([args.exclude, args.hold_out]))
    return [part for s in strips for part in library.sound(s)]


def _circular(phase: np.ndarray) -> np.ndarray:
    """(T, 3) cosine, sine and amount of a phase (T, 2)."""
    return np.stack([np.cos(phase[:, 0]), np.sin(phase[:, 0]), phase[:, 1]], -1)


def _stepper(net: Performer) -> prediction.Step:
    """The network as a function of numpy arrays."""

    def step(
        body: np.ndarray, path: np.ndarray, memory: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            after, _, kept = net(*(torch.as_tensor(x).float() for x in (body, path, memory)))
        return after.numpy().astype(float), kept.numpy().astype(float)

    return step


def _command(args: argparse.Namespace) -> str:
    """The command that makes this network again, without where things lie on this machine."""
    parser = argparse.ArgumentParser()
    arguments(parser)
    words = ["understudy train motion --data", *(folder.name for folder in args.data)]
    if args.begin:
        words.append(f"--begin {args.begin.name}")
    for name in (
        "include",
        "exclude",
        "hold_out",
        "steps",
        "rate",
        "batch",
        "hidden",
        "bodies",
        "frames",
    ):
        if getattr(args, name) != parser.get_default(name):
            words.append(f"--{name.replace('_', '-')} '{getattr(args, name)}'")
    return " ".join([*words, f"--seed {args.seed}"])


def _record(
    args: argparse.Namespace, config: Config, minutes: float, losses: dict[str, float]
) -> dict[str, object]:
    return {
        "command": _command(args),
        "config": asdict(config),
        "include": args.include,
        "exclude": args.exclude,
        "held_out": args.hold_out,
        "minutes": round(minutes, 1),
        "threads": torch.get_num_threads(),
        "device": args.device,
        "final_losses": {k: round(v, 4) for k, v in losses.items()},
    }
