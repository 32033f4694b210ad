"""One browser: what it was sent, what it has shown, and what it may do."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from websockets.asyncio.server import ServerConnection

from understudy.bridge.requests import Name, TakeNumber, Text, said

# Frames on their way to a browser. One that shows them slowly gets fewer, never older ones.
UNDER_WAY = 3
LINK_S = 1.0


class Shown(msgspec.Struct, tag="shown", tag_field="say"):
    """The page has drawn frame `n`."""

    n: int


class Token(msgspec.Struct, tag="token", tag_field="say"):
    """The page asks for the right to record."""

    token: str


class Start(msgspec.Struct, tag="start", tag_field="say"):
    """The page asks for the slate's next take."""


class Stop(msgspec.Struct, tag="stop", tag_field="say"):
    """The page asks for the take's end."""


Metres = Annotated[float, Meta(ge=-1000.0, le=1000.0)]


class AddSource(msgspec.Struct, tag="add_source", tag_field="say"):
    """A source from a line, as `understudy stage --from` takes it; name "" is the line's own."""

    url: Annotated[str, Meta(max_length=2000)]
    name: Name = ""


class RemoveSource(msgspec.Struct, tag="remove_source", tag_field="say"):
    """A source is to be closed."""

    name: Name


class AddSubject(msgspec.Struct, tag="add_subject", tag_field="say"):
    """A stream, "SOURCE" or "SOURCE/KEY", is to be on stage under a name, there and turned so."""

    name: Name
    part: Literal["body", "control", "face"]
    stream: Annotated[str, Meta(max_length=512)]
    at_m: tuple[Metres, Metres, Metres] = (0.0, 0.0, 0.0)
    heading_deg: Metres = 0.0


class RemoveSubject(msgspec.Struct, tag="remove_subject", tag_field="say"):
    """A subject is to leave the stage."""

    name: Name


class RenameSubject(msgspec.Struct, tag="rename_subject", tag_field="say"):
    """A subject is to be called otherwise."""

    name: Name
    to: Name


class PlaceSubject(msgspec.Struct, tag="place_subject", tag_field="say"):
    """A subject is to stand there, turned so."""

    name: Name
    at_m: tuple[Metres, Metres, Metres]
    heading_deg: Metres


class ResetSubject(msgspec.Struct, tag="reset_subject", tag_field="say"):
    """A subject is to be put right where it stands: see `bridge.requests.ResetSubject`."""

    name: Name
    what: Literal["heading", "camera", "mark", "t_pose", "off"]


class AdjustSubject(msgspec.Struct, tag="adjust_subject", tag_field="say"):
    """A subject is to be mirrored, or its root to stay."""

    name: Name
    mirror: bool | None = None
    root: Literal["free", "in place", "hips only"] | None = None


class Transport(msgspec.Struct, tag="transport", tag_field="say"):
    """A take that is played goes on or stops, is moved, or makes room for the next of its list."""

    source: Name
    play: bool | None = None
    step: Annotated[int, Meta(ge=-1000, le=1000)] | None = None
    position_s: Annotated[float, Meta(ge=0.0, le=1e6)] | None = None
    cue: Annotated[int, Meta(ge=0, le=10**6)] | None = None


class SaveSession(msgspec.Struct, tag="save_session", tag_field="say"):
    """The session is to be written on the stage's machine; path "": where it came from."""

    path: Annotated[str, Meta(max_length=2000)] = ""


class Marker(msgspec.Struct, tag="marker", tag_field="say"):
    """The frame that the page shows is to be marked."""

    sequence: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    text: Text = ""


class Circle(msgspec.Struct, tag="circle", tag_field="say"):
    """The take that runs, or ran last, is to be circled, or no longer."""

    circled: bool = True


class Slate(msgspec.Struct, tag="slate", tag_field="say"):
    """Words of the stage's slate are to be others."""

    project: Name | None = None
    scene: Name | None = None
    shot: Name | None = None
    take: TakeNumber | None = None
    description: Text | None = None
    notes: Text | None = None

    @property
    def words(self) -> dict[str, Any]:
        return said(self)


class Note(msgspec.Struct, tag="note", tag_field="say"):
    """Something is to be noted of a take of the library."""

    file: Name
    circled: bool | None = None
    description: Text | None = None
    notes: Text | None = None

    @property
    def words(self) -> dict[str, Any]:
        return said(self, ("circled", "description", "notes"))


Edit = (
    AddSource
    | RemoveSource
    | AddSubject
    | RemoveSubject
    | RenameSubject
    | PlaceSubject
    | ResetSubject
    | AdjustSubject
    | Transport
    | SaveSession
)
Said = Shown | Token | Start | Stop | Marker | Circle | Slate | Note | Edit
read = msgspec.json.Decoder(Said).decode


class Visitor:
    """Sends the newest frame whenever the browser has shown enough of those before."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.may_record = False
        self.sent = self.passed_over = 0
        self._last_sent = 0
        self._newest: tuple[int, bytes] = (0, b"")
        self._session = ""
        self._under_way: deque[tuple[int, float]] = deque()
        self._round_trips_ms: deque[float] = deque(maxlen=64)
        self._wake = asyncio.Event()
        self._linked_s = time.monotonic()
        self._linked_sent = 0

    @property
    def address(self) -> str:
        where = self.socket.remote_address
        return str(where[0]) if where else "?"

    def offer(self, n: int, message: bytes) -> None:
        """Takes a newer frame; one that was not sent yet is passed over."""
        self.passed_over += self._newest[0] > self._last_sent
        self._newest = n, message
        self._wake.set()

    def tell(self, session: str) -> None:
        """Takes a newer description of the session, in place of one that was not sent yet."""
        self._session = session
        self._wake.set()

    async def feed(self) -> None:
        """Sends for as long as the connection lasts."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if session := self._session:
                self._session = ""
                await self.socket.send(session)
            n, message = self._newest
            if n <= self._last_sent or len(self._under_way) >= UNDER_WAY:
                continue
            self._last_sent, self.sent = n, self.sent + 1
            self._under_way.append((n, time.monotonic()))
            await self.socket.send(message)

    async def shown(self, n: int) -> None:
        """The browser has drawn frame n, so whatever came before it is dealt with too."""
        now_s = time.monotonic()
        while self._under_way and self._under_way[0][0] <= n:
            number, sent_s = self._under_way.popleft()
            if number == n:
                self._round_trips_ms.append(1e3 * (now_s - sent_s))
        self._wake.set()
        if now_s - self._linked_s >= LINK_S:
            rate_hz = (self.sent - self._linked_sent) / (now_s - self._linked_s)
            self._linked_s, self._linked_sent = now_s, self.sent
            trips = sorted(self._round_trips_ms)
            await self.say(
                kind="link",
                rate_hz=round(rate_hz, 1),
                round_trip_ms=round(trips[len(trips) // 2], 1) if trips else None,
                passed_over=self.passed_over,
            )

    async def say(self, **words: object) -> None:
        await self.socket.send(msgspec.json.encode(words).decode())
