"""The buttons of a pad, and what a performer does when one is pressed. No numpy.

A button may be named by its place, "action6", or by what it does, "drink": `named` knows both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Button = Literal[
    "run",
    "strafe",
    "jump",
    "mirror",
    "action1",
    "action2",
    "action3",
    "action4",
    "action5",
    "action6",
    "action7",
    "action8",
    "action9",
    "action10",
    "action11",
    "action12",
    "action13",
    "action14",
    "action15",
    "action16",
    "action17",
    "action18",
    "action19",
    "action20",
]
Action = Literal[
    "wave",
    "kick",
    "punch",
    "slash",
    "point",
    "drink",
    "direct",
    "stop",
    "laugh",
    "swat",
    "reach",
    "pick",
    "throw",
    "cheer",
    "carry",
    "hold",
    "sit",
    "refuse",
    "show",
    "scrub",
]
Word = Literal[Button, Action]  # what a script may say
BUTTONS: tuple[str, ...] = get_args(Button)
# What a button starts: the run time blends in, plays and blends back.
ACTIONS: dict[str, str] = {
    "jump": "jump",
    **{f"action{k}": name for k, name in enumerate(get_args(Action), 1)},
}
_BY_NAME = {action: button for button, action in ACTIONS.items()}


def named(names: Iterable[str]) -> frozenset[str]:
    """The buttons of names, whether they name a button or an action; others are nobody's."""
    return frozenset(_BY_NAME.get(name, name) for name in names) & set(BUTTONS)
