"""Roll-outs: the network running on its own output after a drop, and the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.runtime.core.humanoid import PERFORMER

from .network import JOINTS, Understudy, adrift, locals_of, places_of, seen_of

# How far from the wrist fingers are, and how much a hand and its fingers count beside other joints.
FINGERS_M, HAND, TIP = 0.09, 2.0, 3.0


@dataclass(frozen=True)
class Weights:
    """How much the parts of the loss count, beside 1 for places."""

    relative: float = 0.5
    turns: float = 0.15
    speed: float = 0.05
    contact: float = 0.02


def _points() -> tuple[Tensor, Tensor]:
    """(67, 24) from a body to the places of its joints and of its fingers, and (24, 1) how much
    each counts: rigs have from none to twenty joints on each hand."""
    places = places_of()
    count = torch.ones(JOINTS)
    tips = []
    for hand in (PERFORMER.index(f"{side}Hand") for side in ("Left", "Right")):
        tip = places[:, hand].clone()
        along = torch.tensor(PERFORMER.rest_positions[hand]).float()
        tip[1 + 3 * hand : 4 + 3 * hand] += FINGERS_M * along / along.norm()
        tips.append(tip)
        count[hand] = HAND
    count = torch.cat([count, torch.tensor([TIP, TIP])])
    return torch.cat([places, torch.stack(tips, -1)], -1), (count / count.sum())[:, None]


_POINTS, _COUNT = _points()


def weights(ahead: int) -> Tensor:
    """(ahead,) of each tick's error, so that the means over 0.25, 0.5 and 1 s count alike.

    Each is weighed against how far it can be brought down: 3, 5 and 8 cm.
    """
    out = torch.zeros(ahead)
    for length, error_m in ((8, 0.03), (15, 0.05), (30, 0.08)):
        out[:length] += 1.0 / (length * error_m)
    out[30:] = 0.5 * out[29:30]
    return out / 3.0


def rollout(
    net: Understudy,
    bodies: Tensor,
    real: Tensor,
    warm: int,
    seen: Tensor | None,
    noise: float,
    listen: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Bodies, contact logits and expected errors of the ticks after the drop.

    bodies are as `Footage.windows` gives them. Through the first `listen` of those that are watched
    no gradient goes back.
    """
    whole = bodies.new_ones(warm - 2, bodies.shape[1], 22)
    with torch.no_grad():
        watched = seen_of(bodies[2:warm], whole)
        features = net.look(bodies[1 : warm - 1], bodies[: warm - 2], watched)[0]
        local = None if seen is None else locals_of(bodies[warm + 2 :])
    memory = bodies.new_zeros(bodies.shape[1], net.hidden)
    memories, seen_x = [], []
    for some, learns in ((slice(0, listen), False), (slice(listen, warm - 2), True)):
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            for x, valid in zip(
                net.encoded(features[some], noise), real[: warm - 2][some], strict=True
            ):
                memories.append(memory)
                seen_x.append(x)
                memory = net.gate(x[None], memory[None])[1][0] * valid[:, None]
    valid = real[: warm - 2]
    there = torch.cat([torch.zeros_like(valid[:1]), valid[1:] * valid[:-1]])
    like, came = net.moment(torch.stack(seen_x, 1), torch.stack(memories, 1))
    past = (like, came, there.T)
    before, now = bodies[warm], bodies[warm + 1]
    out, contacts, doubts = [], [], []
    ticks = bodies.new_zeros(bodies.shape[1], JOINTS)
    for t, hips in enumerate(bodies[warm + 2 :, ..., 0]):
        part = None if seen is None or local is None else (seen[t], hips, local[t])
        after, memory, contact, doubt = net(now, before, memory, part, noise, ticks, past)
        ticks = ticks + 1.0 if seen is None else (ticks + 1.0) * adrift(seen[t])
        before, now = now, after
        out.append(after)
        contacts.append(contact)
        doubts.append(doubt)
    return torch.stack(out), torch.stack(contacts), torch.stack(doubts)


def loss_of(
    net: Understudy,
    share: Weights,
    true: Tensor,
    last: Tensor,
    planted: Tensor,
    valid: Tensor,
    count: Tensor,
    found: tuple[Tensor, Tensor, Tensor],
    seen: Tensor | None,
) -> tuple[Tensor, dict[str, float]]:
    """The loss and its parts. true, found[0] (K, B, 3, 67), last (B, 3, 67), valid (K, B).

    count (B,) says how much each window's error counts.
    """
    bodies, contacts, doubts = found
    points, share_of = _POINTS.to(true), _COUNT.to(true)
    at, goal = bodies @ points, true @ points
    error = ((at - goal).square().sum(-2) + 1e-8).sqrt()  # (K, B, points)
    weigh = weights(len(true)).to(valid.device)[:, None] * valid / valid[0].sum().clamp(min=1.0)
    weigh = weigh * count
    place = ((error @ share_of)[..., 0] * weigh).sum()
    relative = at - at[..., :1] - goal + goal[..., :1]
    relative = (((relative.square().sum(-2) + 1e-8).sqrt() @ share_of)[..., 0] * weigh).sum()
    turns = ((bodies[..., 1:] - true[..., 1:]).abs().mean((-1, -2)) * weigh).sum()
    from_m = (last @ points)[None]
    step = at - torch.cat([from_m, at[:-1]])
    truth = goal - torch.cat([from_m, goal[:-1]])
    speed = (((step - truth).square().sum(-2) + 1e-8).sqrt().mean(-1) * weigh).sum() * 30.0
    contact = F.binary_cross_entropy_with_logits(contacts, planted, reduction="none")
    contact = (contact.mean(-1) * valid).sum() / valid.sum().clamp(min=1.0)
    off = error[..., :JOINTS].detach()
    trust = doubts.log() + off / doubts
    missing = torch.ones_like(off) if seen is None else adrift(seen)
    missing = missing * valid[..., None]
    trust = (trust * missing).sum() / missing.sum().clamp(min=1.0)
    loss = (
        place
        + share.relative * relative
        + share.turns * turns
        + share.speed * speed
        + share.contact * contact
        + 0.05 * trust
    )
    parts = dict(
        place=place, relative=relative, turns=turns, speed=speed, contact=contact, trust=trust
    )
    return loss, {k: float(v.detach()) for k, v in parts.items()}
