"""`understudy train effect`: traces references, trains the contact networks, prints the table.

The loss is taken through the blur: what is compared with the reference is the mean of neighbouring
estimates, each with its own taps, as the runtime will blend them; four of the sixteen at first,
which is cheaper, all of them in the last quarter. References of 64 rays a pixel are noisy but
unbiased, which is all that a squared loss asks for.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.progress import told
from understudy.runtime.viewport.effects.contact_network import HEAD_FEATURES, TAP_FEATURES, Network
from understudy.runtime.viewport.effects.contact_weights import save

from . import data
from .batches import Batches, Shape

DEFAULT = "16x16"
LIGHT = "8x12"  # for software renderers
STEPS = 4  # outwards in each direction
BATCHES = ((0.75, 1024, 4), (1.0, 512, 16))  # until this share of the steps: samples, pixels each
RATE = 4e-3
CHECKPOINT_EVERY = 500


def run(args: argparse.Namespace) -> int:
    if args.data is not None and not any(args.data.rglob("*.bvh")):
        raise UnderstudyError(f"{args.data} holds no .bvh file; give a folder that does.")
    from . import evaluate

    for path in (args.out, args.sheet):
        if path is not None:
            writable(path)  # not after a quarter of an hour
    person, person_name, person_key = people()
    posed = f"{args.data.name} clips" if args.data else "random joint angles"
    print(f"seed {args.seed}; people: {person_name}, posed by {posed}", flush=True)
    common: dict[str, Any] = {"poses": str(args.data.name if args.data else "")}
    train_recipe = data.Recipe(args.seed, args.images, **common)
    if args.images < 32:  # a trial: small pictures will do
        common |= {"width": 160, "height": 90}
        train_recipe = data.Recipe(args.seed, args.images, pixels=1024, **common)
    load = lambda recipe: data.load_or_make(  # noqa: E731
        recipe, args.work, args.data, told, person, person_key
    )
    training = load(train_recipe)
    fitting = load(
        replace(train_recipe, images=min(24, args.images), radii_m=(evaluate.MAIN_M,), large=0.0)
    )
    test = data.Recipe(
        args.seed + 1000,
        args.test_images,
        held_out=True,
        pixels=0,
        samples=1024 if args.images >= 32 else 256,
        radii_m=evaluate.RADII_M,
        large=0.0,
        **common,
    )
    tests = {
        "held-out": load(test),
        "unseen props": load(replace(test, seed=args.seed + 2000, unseen=True)),
    }
    networks = {}
    for name in args.networks:
        networks[name] = train(name, shape(name), training, args.steps, args.seed, args.work)
    default = DEFAULT if DEFAULT in networks else next(iter(networks))
    light = LIGHT if LIGHT in networks else default
    candidate = args.work / "candidate.json"
    save(candidate, networks, default, light, {}, {})
    table, fits = evaluate.table(
        list(networks), candidate, fitting, tests, args.data, trial=args.images < 32
    )
    print(evaluate.render(table, {name: n.parameters for name, n in networks.items()}))
    card = {
        "what": "ambient occlusion, cosine-weighted, hard cut at the radius",
        "inputs": "view-space normal and linear depth in metres (view looks along -z)",
        "output": "open share of the hemisphere, 0..1",
        "radius_m": list(data.RADII_M),
        "command": f"understudy train effect{' --data DIR' if args.data else ''} "
        f"--images {args.images} --steps {args.steps} --seed {args.seed} "
        f"--networks {' '.join(args.networks)}",
        "training": f"{args.images} scenes; {person_name}, posed by {posed}",
        "measured": table,
    }
    classical = {k: fits[f"{k}-16"] for k in ("sao", "gtao") if f"{k}-16" in fits}
    save(args.out, networks, default, light, classical, card)
    print(f"wrote {args.out}")
    if args.sheet:
        from . import sheet

        sheet.write(args.sheet, args.out, tests)
        print(f"wrote {args.sheet}")
    return 0


def people() -> tuple[Any, str, str]:
    """A maker of bodies from our mannequin where the viewport is at hand; what it is; its key."""
    try:
        from .mannequin import person

        maker, digest = person()
        return maker, "mannequins and capsules", f"mannequin {digest}"
    except ImportError:
        return None, "capsules", "capsules"


def shape(name: str) -> Shape:
    """The shape that a name such as "16x16" means."""
    try:
        taps, width = (int(part) for part in name.split("x"))
        if not (STEPS <= taps <= 64 and taps % STEPS == 0 and 1 <= width <= 64):
            raise ValueError
    except ValueError:
        raise UnderstudyError(
            f"Network {name!r} is not of the form TAPSxWIDTH, up to 64x64, with taps in steps of "
            f"{STEPS}, as 16x16."
        ) from None
    return Shape(taps // STEPS, STEPS, (width,), (16,))


def train(
    name: str, shape: Shape, images: data.Images, steps: int, seed: int, work: Path
) -> Network:
    """One network, resumed from its checkpoint where there is one of the same run."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums in one order: the same weights every time
    batches = Batches(images, shape, seed)
    probe = batches.draw(2048)
    mean, std = probe[0].mean((0, 1, 2)), probe[0].std((0, 1, 2)) + 1e-3
    head_mean, head_std = probe[1].mean((0, 1)), probe[1].std((0, 1)) + 1e-3

    def layers(width: int, widths: tuple[int, ...], last_relu: bool) -> nn.Sequential:
        parts: list[nn.Module] = []
        for i, out in enumerate(widths):
            linear = nn.Linear(width, out)
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)
            parts.append(linear)
            if last_relu or i + 1 < len(widths):
                parts.append(nn.ReLU())
            width = out
        return nn.Sequential(*parts)

    tap_net = layers(len(TAP_FEATURES) * shape.steps, shape.tap, last_relu=True)
    head_net = layers(shape.tap[-1] + len(HEAD_FEATURES), (*shape.head, 1), last_relu=False)
    with torch.no_grad():  # begins near the mean
        last = head_net[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(0.3)
        last.bias.fill_(float(images.ao.mean()))
    model = nn.ModuleDict({"tap": tap_net, "head": head_net})
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * s / steps))
    )
    run_key = f"{shape!r} {steps} {seed} {batches.gbuffer.shape} {float(images.ao.sum()):.6f}"
    checkpoint = work / f"{name}.pt"
    first = 0
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        if stored["run"] == run_key:
            model.load_state_dict(stored["model"])
            optimizer.load_state_dict(stored["optimizer"])
            schedule.load_state_dict(stored["schedule"])
            batches.generator.set_state(stored["generator"])
            first = stored["step"]

    began, average = time.monotonic(), 0.0

    def loss_db() -> str:
        return f"{-10.0 * math.log10(max(average, 1e-9)):.2f} dB"

    for step in told(range(first, steps), steps, f"training {name}", first, loss_db):
        count, share = next((n, k) for part, n, k in BATCHES if step < part * steps)
        features, head, weight, fade, target = batches.draw(count, share)
        pooled = tap_net((features - mean) / std).mean(-2)
        raw = head_net(torch.cat([pooled, (head - head_mean) / head_std], -1))[..., 0]
        raw = 1.0 + (raw - 1.0) * fade
        total = weight.sum(-1)
        ao = (raw * weight).sum(-1) / total.clamp(min=1e-3)
        # The runtime clamps after the blur, so more than open costs next to nothing; not
        # nothing, or a network that begins above 1 everywhere would never learn.
        ao = torch.clamp(ao, max=1.0) + 0.05 * torch.relu(ao - 1.0)
        some = total > 1e-2  # at an edge none of the pixels drawn may lie in the plane
        loss = ((ao - target)[some] ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        value = loss.item()
        average = value if step == first else 0.99 * average + 0.01 * value
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            work.mkdir(parents=True, exist_ok=True)
            part = checkpoint.with_suffix(".part")
            torch.save(
                {
                    "run": run_key,
                    "step": step + 1,
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": batches.generator.get_state(),
                },
                part,
            )
            os.replace(part, checkpoint)
    words = f"{name}: {steps - first} steps in {time.monotonic() - began:.0f} s"
    if steps > first:
        words += f", loss {loss_db()}, references' noise included"
    print(words, flush=True)

    def folded(net: nn.Sequential, mean: np.ndarray, std: np.ndarray) -> tuple[Any, ...]:
        """The layers as arrays, the inputs' mean and spread folded into the first."""
        out: list[Any] = []
        for layer in net:
            if isinstance(layer, nn.Linear):
                w = layer.weight.detach().double().numpy()
                b = layer.bias.detach().double().numpy()
                if not out:
                    w = w / std
                    b = b - w @ mean
                out.append((w, b))
        return tuple(out)

    width = shape.tap[-1]
    return Network(
        name,
        shape.directions,
        shape.steps,
        folded(tap_net, mean.double().numpy(), std.double().numpy()),
        folded(
            head_net,
            np.concatenate([np.zeros(width), head_mean.double().numpy()]),
            np.concatenate([np.ones(width), head_std.double().numpy()]),
        ),
    )
