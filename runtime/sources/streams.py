"""What a source hands over: streams that come and go by themselves.

A source is opened from one line (`registry.open_source`) and is any object with

    name        what the user calls it, unique on a stage
    streams     the streams that it has now; `Stream` below
    notice      what a crew should know of it now, in words; "" where all is well
    poll(now_s) reads what came, never waits; the packets of its bodies and hands
    figures()   its counts, for `stats`
    reception   of a source that listens on a port: whom it hears; others have none
    close()

The stage knows no protocol: it asks for kinds of streams and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .packet import Packet


class Kind(StrEnum):
    """What a stream is of."""

    CONTROL = "control"  # a player's hands: a subject that the performer acts
    BODY = "body"
    HANDS = "hands"
    FACE = "face"
    CAMERA = "camera"
    PROP = "prop"


class Control(Protocol):
    """What stands behind a CONTROL stream."""

    def intent(self, time_s: float) -> Intent: ...


class Motion(Protocol):
    """What stands behind a BODY or HANDS stream; its packets come with the source's poll.

    heard_ns  when its newest packet came, on the monotonic clock; 0: none yet, or a file's
    silence   why nothing comes, a few words for people; "" while something does
    """

    @property
    def skeleton(self) -> Skeleton: ...
    @property
    def silence(self) -> str: ...
    @property
    def heard_ns(self) -> int: ...


class Curves(Protocol):
    """What stands behind a FACE stream: names of curves, and their values (K,) at this tick."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def shown(self) -> Array: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a source.

    key        who, within the source; "" where it has but one of the kind
    of         what has the values: a Control, Motion, Curves, Camera or Prop, by the kind
    tracked    it says where in the room it is; a file or a pad has no place of its own
    known      whether the skeleton is the sender's own yet
    solved     what `of` has as its `solved` is the subject as it was solved, or None where it is
               not on stage: nothing is acted, filtered or filled in
    only_face  a body that is nobody but its face, on stage where no other body wears that
    wearer     of a face: the subject that it asks for; "" for the first
    """

    kind: Kind
    of: Any
    key: str = ""
    tracked: bool = True
    known: bool = True
    solved: bool = False
    only_face: bool = False
    wearer: str = ""


class Source(Protocol):
    """See above."""

    name: str

    @property
    def streams(self) -> Sequence[Stream]: ...
    @property
    def notice(self) -> str: ...
    def poll(self, now_s: float) -> list[Packet]: ...
    def figures(self) -> Mapping[str, Any]: ...
    def close(self) -> None: ...
