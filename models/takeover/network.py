"""The takeover network: from a body and its speed to the same body one tick of 1/30 s later.

A body is a matrix (3, 67): the hips' place and then the three axes of every joint, as columns, all
in the world. So a turn of the body is one product from the left, and all joints' places are one
product from the right; no error runs down a limb, as it does with rotations local to the parent.
Each step is seen from the hips' heading. What comes out is a correction to damped velocity, the
best simple guess there is: the network begins as that guess and can only add.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.runtime.core.humanoid import PERFORMER

JOINTS = len(PERFORMER)
COLUMNS = 1 + 3 * JOINTS
SIX = 6 * JOINTS
RATE = 3 + SIX
SEEN = JOINTS + RATE  # which joints are seen, and how those have moved
CLOCK = JOINTS + 1  # how fast each joint is, as a logarithm, and how long it has not been seen
SHAPE = 3 * JOINTS  # the changes of the joints' places over their root mean square
FEATURES = SIX + 3 * JOINTS - 2 + SIX + 3 * JOINTS + CLOCK + SHAPE + SEEN
GATES = 1 + JOINTS  # of the hips' place and of each joint's turn
STILL_M = 1e-3  # a tick; bodies that are slower stand, and what they do hardly tells what comes
# Where among the features the changes of the joints' places are.
MOVED = slice(SIX + 3 * JOINTS - 2 + SIX, SIX + 3 * JOINTS - 2 + SIX + 3 * JOINTS)
LEAST_M = 2e-4  # a tick: a change of places is hardly told from noise
HEADS, KEY = 4, 24  # of what is recalled: places in the past at once, and numbers that find one
RECALLED = HEADS * KEY
PAST = 40  # ticks of it that can be recalled
DROPPED = 0.1  # share of what is read of the features that is left out in training
LOW_M, HIGH_M = 1e-3, 2.0  # between these lies an error that is expected

# What a body did: what each moment of its past was like (B, T, 96), what came next (B, T, 96), and
# which moments there are (B, T), 1 or 0.
Past = tuple[Tensor, Tensor, Tensor]
# Which joints are seen (..., J), 1 or 0; the hips' place (..., 3) and the joints' local rotations
# (..., J, 3, 3) at the next tick, of which only those are read.
Seen = tuple[Tensor, Tensor, Tensor]


def _levels() -> tuple[list[tuple[list[int], list[int]]], list[int]]:
    """For each depth its joints and their parents' places in the depth above; the way back."""
    levels, above = [], [0]
    order = [0]
    for level in PERFORMER.depths:
        joints = level.tolist()
        levels.append((joints, [above.index(int(PERFORMER.parents[j])) for j in joints]))
        above = joints
        order += joints
    return levels, [order.index(j) for j in range(JOINTS)]


_LEVELS, _ORDER = _levels()


def places_of() -> Tensor:
    """(67, 22) from a body to the places of its joints."""
    out = np.zeros((COLUMNS, JOINTS), np.float32)
    out[0] = 1.0
    for j in range(1, JOINTS):
        k = j
        while k > 0:
            above = int(PERFORMER.parents[k])
            out[1 + 3 * above : 4 + 3 * above, j] += PERFORMER.rest_positions[k]
            k = above
    return torch.tensor(out)


def _above() -> Tensor:
    """(J, J) 1 where the row's joint moves the place of the column's."""
    out = np.zeros((JOINTS, JOINTS), np.float32)
    out[0, 0] = 1.0
    for j in range(1, JOINTS):
        k = int(PERFORMER.parents[j])
        while k >= 0:
            out[k, j] = 1.0
            k = int(PERFORMER.parents[k])
    return torch.tensor(out)


_ABOVE = _above()


class Understudy(nn.Module):
    """One step. Everything is in physical units; normalisation lives in here."""

    mean: Tensor
    scale: Tensor
    rate_scale: Tensor
    places: Tensor
    level: Tensor

    def __init__(self, hidden: int = 320, width: int = 192) -> None:
        super().__init__()
        told = hidden + width + RECALLED
        self.hidden, self.width = hidden, width
        self.encode = nn.Linear(FEATURES, width)
        self.gate = nn.GRU(width, hidden)
        self.liken = nn.Linear(hidden, RECALLED)
        self.follow = nn.Linear(width, RECALLED)
        self.ask = nn.Linear(hidden + width, RECALLED)
        self.nothing = nn.Parameter(torch.zeros(HEADS))
        self.mix = nn.Linear(told, width)
        self.decode = nn.Linear(width, RATE + 4 + 2 * GATES)
        self.doubt = nn.Linear(told, JOINTS)
        self.keep = nn.Parameter(torch.full((RATE,), 2.0))
        with torch.no_grad():
            self.decode.weight.mul_(0.1)
            self.decode.bias.zero_()
            self.decode.bias[-GATES:] = 2.0
            self.doubt.weight.mul_(0.1)
            self.doubt.bias.fill_(-3.0)
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.register_buffer("rate_scale", torch.ones(RATE))
        self.register_buffer("places", places_of(), persistent=False)
        self.register_buffer("level", torch.tensor([[1.0], [0.0], [1.0]]), persistent=False)

    def joints(self, body: Tensor) -> Tensor:
        """(..., 3, J) places in the world."""
        return body @ self.places

    def look(
        self,
        now: Tensor,
        before: Tensor,
        seen: Seen | None = None,
        ticks: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features (..., F), body in its heading, its rate (..., 135), and the heading (..., 3, 3).

        None is a body of which nothing is seen at the next tick. ticks (..., J), for how many each
        joint's place has not been known; None: all are.
        """
        heading = facing(now)
        here, past = heading @ now, heading @ before
        at, was = here @ self.places, past @ self.places
        step = here[..., 0] - past[..., 0]
        two = columns(here)
        spin = two - columns(past)
        moved_m = at - was
        speed = ((moved_m.square().sum(-2) + STILL_M * STILL_M).log() * 0.5).detach()
        if ticks is None:
            clock = now.new_zeros(*now.shape[:-2], 1)
        else:
            clock = (1.0 + ticks).log().mean(-1, keepdim=True)
        parts = [
            two,
            shaped(at[..., 1:] - here[..., :1] * self.level, 2, 3 * JOINTS - 3),
            here[..., 1, :1],
            spin,
            shaped(moved_m, 2, 3 * JOINTS),
            speed,
            clock,
            shaped(moved_m / amount_m(moved_m), 2, 3 * JOINTS),
        ]
        if seen is None:
            parts.append(now.new_zeros(*now.shape[:-2], SEEN))
        else:
            mask, hips, local = seen
            moved = (heading @ (hips - now[..., 0])[..., None])[..., 0]
            hip = heading @ local[..., 0, :, :]
            there = torch.cat([hip[..., None, :, :], local[..., 1:, :, :]], -3)
            change = (there - locals_of(here))[..., :2] * mask[..., None, None]
            parts += [mask, moved * mask[..., :1], shaped(change, 3, SIX)]
        return torch.cat(parts, -1), here, torch.cat([step, spin], -1), heading

    def encoded(self, features: Tensor, noise: float = 0.0) -> Tensor:
        """(..., W) of features (..., F)."""
        x = ((features - self.mean) / self.scale).clamp(-6.0, 6.0)
        if noise:
            x = x + noise * torch.randn_like(x)
        return F.dropout(F.elu(self.encode(x)), DROPPED, training=noise > 0.0)

    def moment(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(..., 96) what it was like before x (..., W) came, which the memory (..., H) then tells,
        and (..., 96) that x came."""
        return self.liken(memory), self.follow(x)

    def recall(self, x: Tensor, memory: Tensor, past: Past | None) -> Tensor:
        """(B, 96) what came next when it was as it is now: people repeat themselves.

        Attention over the body's own past; where nothing there is alike, it is zero.
        """
        if past is None:
            return x.new_zeros(x.shape[0], RECALLED)
        like, came, there = past
        count = like.shape[:2]
        ask = self.ask(torch.cat([memory, x], -1)).view(-1, HEADS, 1, KEY)
        like = like.view(*count, HEADS, KEY).transpose(1, 2)
        came = came.view(*count, HEADS, KEY).transpose(1, 2)
        score = (ask @ like.transpose(-1, -2)) * KEY**-0.5 + (there[:, None, None] - 1.0) * 1e4
        none = (0.0 * ask[:, :, 0, 0] + self.nothing)[..., None, None]
        share = torch.cat([score, none], -1).softmax(-1)[..., :-1]
        return (share @ came).flatten(1)

    def foretell(
        self, x: Tensor, memory: Tensor, recalled: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What it keeps of the rate (..., 135), the correction (..., 135), contact logits (..., 4),
        expected error (..., J)."""
        both = torch.cat([memory, x, recalled], -1)
        y = self.decode(F.elu(self.mix(both)))
        doubt = self.doubt(both.detach()).clamp(-9.0, 2.0).exp()
        more, contacts, keep, gate = y.split([RATE, 4, GATES, GATES], -1)
        keep = torch.sigmoid(self.keep + spread(keep))
        more = more * self.rate_scale * torch.sigmoid(spread(gate))
        return keep, more, contacts, doubt.clamp(LOW_M, HIGH_M)

    def moved(self, here: Tensor, rate: Tensor, heading: Tensor, now: Tensor) -> Tensor:
        """The next body from the one in its heading and the rate (..., 135) at which it goes on."""
        turns = matrices(columns(here) + rate[..., 3:])
        after = heading.transpose(-1, -2) @ torch.cat([rate[..., :3, None], turns], -1)
        return torch.cat([after[..., :1] + now[..., :1], after[..., 1:]], -1)

    def advance(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        seen: Seen | None = None,
        noise: float = 0.0,
        ticks: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The guess at the next body (B, 3, 67), memory (B, H), contact logits, expected error, and
        what came in (B, W)."""
        features, here, rate, heading = self.look(now, before, seen, ticks)
        x = self.encoded(features, noise)
        memory = self.gate(x[None], memory[None])[1][0]
        recalled = self.recall(x, memory, past)
        keep, more, contacts, doubt = self.foretell(x, memory, recalled)
        after = self.moved(here, rate * keep + more * stirred(features), heading, now)
        return after, memory, contacts, doubt, x

    def forward(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        seen: Seen | None = None,
        noise: float = 0.0,
        ticks: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`advance`; of a body that is seen in part, what is seen is in the next body as it is."""
        after, memory, contacts, doubt, _ = self.advance(
            now, before, memory, seen, noise, ticks, past
        )
        if seen is not None:
            after, _ = filled(after, seen)
        return after, memory, contacts, doubt


def amount_m(moved_m: Tensor) -> Tensor:
    """(..., 1, 1) how far joints went in a tick, of changes of places (..., 3, J): what divides
    them so that small motion has a shape as large motion has."""
    square = moved_m.square().sum((-2, -1), keepdim=True).detach() / JOINTS
    return (square + LEAST_M * LEAST_M).sqrt()


def stirred(features: Tensor) -> Tensor:
    """(..., 1) 0 of a body at rest, 1 of one that moves: a gate that was not learnt.

    Nothing but a body's speed says what one that stands will do. Without this, a thousandth of a
    walk's correction at every tick makes it lean.
    """
    square = features[..., MOVED].square().sum(-1, keepdim=True).detach() / JOINTS
    return square / (square + STILL_M * STILL_M)


def _spread() -> Tensor:
    """(GATES, RATE) 1 where a number of a rate belongs to the hips' place or to a joint's turn."""
    out = torch.zeros(GATES, 3 + SIX)
    out[0, :3] = 1.0
    for j in range(JOINTS):
        out[1 + j, 3:].unflatten(-1, (3, JOINTS, 2))[:, j] = 1.0
    return out


_SPREAD = _spread()


def spread(each: Tensor) -> Tensor:
    """(..., 135) as a rate is, of one number for the hips' place and one for each joint."""
    return each @ _SPREAD.to(each)


_UP = torch.diag(torch.tensor([0.0, 1.0, 0.0]))
_FLAT = torch.diag(torch.tensor([1.0, 0.0, 1.0]))
_SIDE = torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


def facing(body: Tensor) -> Tensor:
    """(..., 3, 3) turn about +Y from the world into the hips' heading."""
    z = body[..., 0:3:2, 3]
    s, c = (z / (z.square().sum(-1, keepdim=True) + 1e-12).sqrt()).split(1, -1)
    return c[..., None] * _FLAT.to(body) + s[..., None] * _SIDE.to(body) + _UP.to(body)


def shaped(x: Tensor, last: int, *shape: int) -> Tensor:
    """x with its last dimensions in another shape. One dimension before them is left open, so that
    an exported graph need not work it out."""
    before = (-1,) if x.ndim == last + 1 else x.shape[: x.ndim - last]
    return x.reshape(*before, *shape)


def columns(body: Tensor) -> Tensor:
    """(..., 3*J*2) the first two axes of every joint of a body, in the body's own order."""
    return shaped(shaped(body[..., 1:], 2, 3, JOINTS, 3)[..., :2], 3, SIX)


def matrices(two: Tensor) -> Tensor:
    """(..., 3, J*3) rotations of two axes each that need be neither unit nor square."""
    x, y = shaped(two, 1, 3, JOINTS, 2).unbind(-1)
    x = x / (x.square().sum(-2, keepdim=True) + 1e-9).sqrt()
    y = y - (x * y).sum(-2, keepdim=True) * x
    y = y / (y.square().sum(-2, keepdim=True) + 1e-9).sqrt()
    turn = ([1, 2, 0], [2, 0, 1])
    z = x[..., turn[0], :] * y[..., turn[1], :] - x[..., turn[1], :] * y[..., turn[0], :]
    return shaped(torch.stack([x, y, z], -1), 3, 3, 3 * JOINTS)


def locals_of(body: Tensor) -> Tensor:
    """(..., J, 3, 3) rotations of a body local to the parent, the hips' in the world."""
    world = shaped(body[..., 1:], 2, 3, JOINTS, 3).transpose(-3, -2)
    above = world[..., PERFORMER.parents[1:].tolist(), :, :].transpose(-1, -2)
    return torch.cat([world[..., :1, :, :], above @ world[..., 1:, :, :]], -3)


def seen_of(body: Tensor, mask: Tensor) -> Seen:
    """What is seen of bodies (..., 3, 67) where mask (..., J) is 1."""
    return mask, body[..., 0], locals_of(body)


def filled(guess: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
    """(..., 3, 67) the guess, with the local rotations of the joints seen, and their root.

    And its local rotations (..., J, 3, 3).
    """
    mask, hips, local = seen
    local = torch.where(mask[..., None, None] > 0.5, local, locals_of(guess))
    return chained(torch.where(mask[..., :1] > 0.5, hips, guess[..., 0]), local), local


def adrift(mask: Tensor) -> Tensor:
    """(..., J) 1 where a joint's place is not known: something above it is not seen."""
    return ((1.0 - mask) @ _ABOVE.to(mask) > 0.5).to(mask.dtype)


def chained(hips: Tensor, local: Tensor) -> Tensor:
    """(..., 3, 67) body from hips (..., 3) and local rotations (..., J, 3, 3)."""
    levels = [local[..., :1, :, :]]
    for joints, slots in _LEVELS:
        levels.append(levels[-1][..., slots, :, :] @ local[..., joints, :, :])
    world = torch.cat(levels, -3)[..., _ORDER, :, :]
    return torch.cat([hips[..., None], shaped(world.transpose(-3, -2), 3, 3, 3 * JOINTS)], -1)
