"""`understudy train takeover`: from folders of BVH to the network that goes on when mocap drops out.

The network watches a window of true motion, then runs on its own output for up to a second, and is
judged by what the product is judged by: how far every joint is from where it truly was.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.runtime.core.errors import UnderstudyError

from . import evaluate
from .batches import Footage, Variety, masks
from .data import files, load, matches, reels
from .network import RATE, Understudy, adrift, locals_of, seen_of

# Never trained on; every figure that is reported is measured on these.
HELD_OUT = (
    "walking_1,walking_20,walking_30,walking_44,walking_52,running_5,jumping_2,jumping_5,"
    "soccer_5,basketball_5,salsa_15,indian_15,martial_10,007_*"
)
# The same takes as some of those, on another rig.
TWINS = "002_01,006_06,walking_4,walking_5"
OFTEN = "jumping_*:4,running_*:3,131_*:2,soccer_*:2,walking_*:1.5,directing_*:0.5"


@dataclass(frozen=True)
class Config:
    """What decides the result. Lengths in ticks of 1/30 s."""

    steps: int = 5000
    batch: int = 96
    hidden: int = 320
    width: int = 192
    rate: float = 1.5e-3
    decay: float = 0.02
    noise: float = 0.03  # on normalised features
    warm: int = 22
    ahead: tuple[int, ...] = (10, 18, 30, 30)  # grows over the first half of training
    partial: int = 5  # every so many steps, only some joints are missing
    seed: int = 0
    often: str = OFTEN
    turns: float = 0.15
    speed: float = 0.05
    contact: float = 0.02


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `understudy train takeover`."""
    c = Config()
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of BVH files, of any skeletons"
    )
    parser.add_argument("--include", default="*", help="names to take, e.g. 'walking_*,running_*'")
    parser.add_argument("--exclude", default=TWINS, help="names to leave out")
    parser.add_argument("--hold-out", default=HELD_OUT, help="names kept for the evaluation")
    parser.add_argument("--out", type=Path, default=Path("out/takeover"), help="where results go")
    for name in ("steps", "batch", "hidden", "width", "seed", "warm", "partial"):
        parser.add_argument(f"--{name}", type=int, default=getattr(c, name))
    for name in ("rate", "decay", "noise", "turns", "speed"):
        parser.add_argument(f"--{name}", type=float, default=getattr(c, name))
    parser.add_argument("--often", default=c.often, help="how often kinds come: 'jumping_*:4'")
    parser.add_argument("--minutes", type=float, help="stop after so long, if steps are not done")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def weights(ahead: int) -> Tensor:
    """(ahead,) of each tick's error, so that the means over 0.25, 0.5 and 1 s count alike.

    Each is weighed against how far it can be brought down: 3, 5 and 8 cm.
    """
    out = torch.zeros(ahead)
    for length, error_m in ((8, 0.03), (15, 0.05), (30, 0.08)):
        out[:length] += 1.0 / (length * error_m)
    return out / 3.0


@torch.no_grad()
def normalise(net: Understudy, footage: Footage, rng: torch.Generator) -> None:
    """Takes the network's means and scales from the data."""
    bodies, _, _ = footage.windows(6000, 2, 1, Variety(), rng)
    seen = torch.ones(6000, 22, device=bodies.device)
    features, _, rate, _ = net.look(bodies[1], bodies[0], seen_of(bodies[2], seen))
    scale = features.std(0)
    floor = torch.full_like(scale, 0.02)
    net.mean.copy_(features.mean(0))
    net.scale.copy_(torch.maximum(scale, floor))
    net.mean[-RATE - 22 : -RATE], net.scale[-RATE - 22 : -RATE] = 0.5, 0.5
    later = net.look(bodies[2], bodies[1])[2]
    net.rate_scale.copy_((later - rate).std(0).clamp(min=1e-3) * 2.0)


def rollout(
    net: Understudy, bodies: Tensor, real: Tensor, warm: int, seen: Tensor | None, noise: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Bodies, contact logits and expected errors of the ticks after the first `warm`."""
    whole = bodies.new_ones(warm - 2, bodies.shape[1], 22)
    with torch.no_grad():
        watched = seen_of(bodies[2:warm], whole)
        features = net.look(bodies[1 : warm - 1], bodies[: warm - 2], watched)[0]
        local = None if seen is None else locals_of(bodies[warm:])
    memory = bodies.new_zeros(bodies.shape[1], net.hidden)
    for x, valid in zip(net.encoded(features, noise), real[: warm - 2], strict=True):
        memory = net.gate(x[None], memory[None])[1][0] * valid[:, None]
    before, now = bodies[warm - 2], bodies[warm - 1]
    out, contacts, doubts = [], [], []
    for t in range(len(bodies) - warm):
        part = None if local is None else (seen[t], bodies[warm + t, ..., 0], local[t])
        after, memory, contact, doubt = net(now, before, memory, part, noise)
        before, now = now, after
        out.append(after)
        contacts.append(contact)
        doubts.append(doubt)
    return torch.stack(out), torch.stack(contacts), torch.stack(doubts)


def loss_of(
    net: Understudy,
    config: Config,
    true: Tensor,
    last: Tensor,
    planted: Tensor,
    valid: Tensor,
    found: tuple[Tensor, Tensor, Tensor],
    seen: Tensor | None,
) -> tuple[Tensor, dict[str, float]]:
    """The loss and its parts. true, found[0] (K, B, 3, 67), last (B, 3, 67), valid (K, B)."""
    bodies, contacts, doubts = found
    at, goal = net.joints(bodies), net.joints(true)
    error = ((at - goal).square().sum(-2) + 1e-8).sqrt()  # (K, B, J)
    weigh = weights(len(true)).to(valid.device)[:, None] * valid / valid[0].sum().clamp(min=1.0)
    place = (error.mean(-1) * weigh).sum()
    relative = at - at[..., :1] - goal + goal[..., :1]
    relative = (((relative.square().sum(-2) + 1e-8).sqrt()).mean(-1) * weigh).sum()
    turns = ((bodies[..., 1:] - true[..., 1:]).abs().mean((-1, -2)) * weigh).sum()
    step = at - torch.cat([net.joints(last)[None], at[:-1]])
    truth = goal - torch.cat([net.joints(last)[None], goal[:-1]])
    speed = (((step - truth).square().sum(-2) + 1e-8).sqrt().mean(-1) * weigh).sum() * 30.0
    contact = F.binary_cross_entropy_with_logits(contacts, planted, reduction="none")
    contact = (contact.mean(-1) * valid).sum() / valid.sum().clamp(min=1.0)
    off = error.detach()
    trust = doubts.log() + off / doubts
    missing = torch.ones_like(off) if seen is None else adrift(seen)
    missing = missing * valid[..., None]
    trust = (trust * missing).sum() / missing.sum().clamp(min=1.0)
    loss = (
        place
        + 0.5 * relative
        + config.turns * turns
        + config.speed * speed
        + config.contact * contact
        + 0.05 * trust
    )
    parts = dict(
        place=place, relative=relative, turns=turns, speed=speed, contact=contact, trust=trust
    )
    return loss, {k: float(v.detach()) for k, v in parts.items()}


def train(args: argparse.Namespace, config: Config) -> tuple[Understudy, dict[str, float]]:
    """Trains, with checkpoints; returns the averaged network and the last losses."""
    torch.manual_seed(config.seed)
    rng = torch.Generator().manual_seed(config.seed)
    unwanted = ",".join([args.exclude, args.hold_out])
    footage = Footage(load(files(args.data, args.include, unwanted)), config.often, args.device)
    print(f"mocap: {len(footage.length)} reels, {len(footage.frames) / 3600:.1f} min", flush=True)
    held = (
        [
            reel
            for path in files(args.data, args.hold_out, args.exclude)
            for reel in reels(evaluate.read(path), evaluate.RATE_HZ, whole=True)
        ]
        if args.hold_out
        else []
    )
    net = Understudy(config.hidden, config.width).to(args.device)
    normalise(net, footage, rng)
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    first, spent = 0, 0.0
    history: list[list[float]] = []
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
    begun = shown = time.monotonic()
    step = first
    for step in range(first, config.steps):
        progress = step / config.steps
        stage = min(int(2.0 * progress * len(config.ahead)), len(config.ahead) - 1)
        ahead = config.ahead[stage]
        pace = min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for group in optimiser.param_groups:
            group["lr"] = config.rate * pace + 1e-6
        bodies, planted, real = footage.windows(config.batch, config.warm, ahead, Variety(), rng)
        seen = None
        if config.partial and step % config.partial == config.partial - 1:
            seen = masks(config.batch, ahead, rng).to(args.device)
        found = rollout(net, bodies, real.float(), config.warm, seen, config.noise)
        w = config.warm
        loss, losses = loss_of(
            net, config, bodies[w:], bodies[w - 1], planted[w:], real[w:].float(), found, seen
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
        done = args.minutes is not None and clock - begun > 60 * args.minutes
        done |= step + 1 == config.steps
        if clock - shown > 20.0 or done:
            shown = clock
            left = (config.steps - step - 1) * (clock - begun) / (step + 1 - first)
            detail = " ".join(f"{k} {v:.3f}" for k, v in running.items())
            print(
                f"step {step + 1}/{config.steps}  {detail}  "
                f"{1e3 * (clock - begun) / (step + 1 - first):.0f} ms/step  "
                f"{left / 60:.0f} min left",
                flush=True,
            )
        if (step + 1) % 250 == 0 or done:
            row = [step + 1.0, spent + (clock - begun) / 60, running.get("place", math.nan)]
            if held:
                row += probe(mean, held)
                print(f"held out: {' '.join(f'{v:.3f}' for v in row[3:])}", flush=True)
            history.append(row)
            part = checkpoint.with_suffix(".part")
            torch.save(
                {
                    "config": json.dumps(asdict(config)),
                    "net": net.state_dict(),
                    "mean": mean.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "minutes": spent + (time.monotonic() - begun) / 60,
                    "history": history,
                    "rng": rng.get_state(),
                    "torch_rng": torch.get_rng_state(),
                },
                part,
            )
            os.replace(part, checkpoint)
        if done:
            break
    minutes = spent + (time.monotonic() - begun) / 60
    return mean, {**running, "steps": float(min(step + 1, config.steps)), "minutes": minutes}


SAME = "walking_*,running_*,jumping_*"  # what is reported as the same database
OTHER = "007_*,salsa_*,indian_*,martial_*"  # other people, other rigs


def probe(net: Understudy, held: list) -> list[float]:
    """Ratios to the best baseline by gap, same database and then the others."""
    net.eval()
    out = []
    for pattern in (SAME, OTHER):
        some = [r for r in held if matches(r.name, pattern)]
        if some:
            table = evaluate.measure(some, evaluate.guesser(net))
            out += [row["ratio"] for row in evaluate.summary(table).values()]
    net.train()
    return out


def run(args: argparse.Namespace) -> int:
    """`understudy train takeover`."""
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UnderstudyError("--device cuda: this PyTorch sees no CUDA device; use --device cpu.")
    names = ("steps", "batch", "hidden", "width", "rate", "decay", "noise", "warm", "partial")
    config = Config(
        **{n: getattr(args, n) for n in names},
        seed=args.seed,
        often=args.often,
        turns=args.turns,
        speed=args.speed,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    net, losses = train(args, config)
    return 0
