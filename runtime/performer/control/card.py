"""What the cards of the performer's networks state for the run time, beside `networks.Card`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .layout import BODY, JOINTS, PATH

Turns = Annotated[
    list[tuple[float, float, float, float]], Meta(min_length=JOINTS, max_length=JOINTS)
]
Vectors = Annotated[list[tuple[float, float, float]], Meta(min_length=JOINTS, max_length=JOINTS)]


class Tensor(Struct):
    """A row of numbers for each body."""

    shape: tuple[str, int]


class Inputs(Struct):
    body: Tensor
    path: Tensor
    memory: Tensor


class Limits(Struct):
    """How far each joint turns in the mocap: a box about a mean."""

    mean: Turns
    low_rad: Vectors
    high_rad: Vectors


class MotionCard(Struct):
    """The card of the recurrent performer."""

    inputs: Inputs
    start: list[float]
    low: list[float] | None = None
    high: list[float] | None = None
    limits: Limits | None = None

    def __post_init__(self) -> None:
        sizes = self.inputs.body.shape[1], self.inputs.path.shape[1]
        if sizes != (BODY, PATH):
            raise ValueError(
                f"bodies have {sizes[0]} numbers and paths {sizes[1]}, in this program {BODY} and "
                f"{PATH}"
            )
        for body in (self.start, self.low, self.high):
            if body is not None and len(body) != BODY:
                raise ValueError(f"start, low or high has {len(body)} numbers, a body has {BODY}")


class Take(Struct):
    """A jump or an action.

    hold_s: where it stays until it is asked to go on; seat: the hips x, y, z meanwhile and the turn
    since it began, as the root saw it then.
    """

    action: str
    seconds: Annotated[float, Meta(gt=0.0)]
    free_s: Annotated[float, Meta(ge=0.0)]
    arms: Literal["both", "left", "right"] = "both"
    legs: Literal["never", "standing", "always", "stand"] = "standing"
    hold_s: tuple[float, float] | None = None
    seat: tuple[float, float, float, float] | None = None


class ActionsCard(Struct):
    """The card of the network of jumps and actions."""

    takes: Annotated[list[Take], Meta(min_length=1)]
    limits: Limits | None = None
