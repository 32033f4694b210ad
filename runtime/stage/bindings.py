"""Bindings: what a fader or a button of a controller does, in words of a session."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.typed import nearest
from understudy.runtime.performer.control.layout import TRAITS
from understudy.runtime.sources.controls import faders

MOST_BINDINGS = 512
RESETS = {name.replace("_", "-"): name for name in ("heading", "camera", "mark", "t_pose", "off")}

Number = Annotated[float, Meta(ge=-1e6, le=1e6)]


class Binding(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """on: the control's name; to: what it does (`WORDS`); low, high: at the ends of a fader."""

    on: Annotated[str, Meta(min_length=1, max_length=160)]
    to: Annotated[str, Meta(min_length=1, max_length=4096)]
    low: Number | None = None
    high: Number | None = None


class ControllerTable(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True,
    rename={"source": "from"},
):  # fmt: skip
    """[[controller]]: where faders are, and what each does."""

    source: Annotated[str, Meta(min_length=1, max_length=256)]
    map: Annotated[list[Binding], Meta(max_length=MOST_BINDINGS)] = []


class Word(NamedTuple):
    """What a control can do. low, high: of a fader that says none; a button has none."""

    usage: str
    low: float = 0.0
    high: float = 0.0

    @property
    def is_fader(self) -> bool:
        return self.low != self.high


WORDS: dict[str, Word] = {
    "style": Word("style TRAIT [SUBJECT]", -1.0, 1.0),
    "effect": Word("effect", 0.0, 1.0),
    "speed": Word("speed", 0.1, 2.0),
    "look": Word("look [WHAT]"),
    "record": Word("record [start|stop]"),
    "marker": Word("marker [TEXT]"),
    "circle": Word("circle"),
    "play": Word("play [start|stop]"),
    "step": Word("step FRAMES"),
    "next": Word("next"),
    "cue": Word("cue NAME [SUBJECT]"),
    "reset": Word("reset heading|camera|mark|t-pose|off [SUBJECT]"),
}


class Target(NamedTuple):
    """What a binding does: its word, and what stands behind that."""

    word: str
    rest: str


def target(text: str) -> Target:
    """Of "style energy ann"; raises the sentence about what cannot be done."""
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word not in WORDS:
        every = ", ".join(one.usage for one in WORDS.values())
        raise UnderstudyError(
            f"{text!r} is nothing a control can do{nearest(word, WORDS)}: {every}."
        )
    trait = rest.partition(" ")[0]
    wrong = (
        (word == "style" and trait not in TRAITS)
        or (word in ("record", "play") and rest not in ("", "start", "stop"))
        or (word in ("effect", "speed", "circle", "next") and rest)
        or (word == "step" and not _is_step(rest))
        or (word == "reset" and trait not in RESETS)
        or (word == "cue" and not rest)
    )
    if wrong:
        more = f"; traits are {', '.join(TRAITS)}" if word == "style" else ""
        raise UnderstudyError(f"{text!r} cannot be done; write {WORDS[word].usage}{more}.")
    return Target(word, rest)


def _is_step(text: str) -> bool:
    return text.lstrip("+-").isdecimal() and abs(int(text)) <= 1000 if text else False


def check(tables: list[ControllerTable], file: str = "") -> None:
    """Raises the first sentence about what cannot be; opens nothing."""
    for number, table in enumerate(tables, 1):
        at = f"{file + ', ' if file else ''}[[controller]] {number}"
        try:
            faders.check(table.source)
            for one in table.map:
                said = target(one.to)
                if not WORDS[said.word].is_fader and (one.low is not None or one.high is not None):
                    raise UnderstudyError(f"{one.to!r} is a button's, and low and high a fader's.")
        except UnderstudyError as error:
            raise UnderstudyError(f"{at}: {error}") from None
