"""The side channel: hello, clock, pads, style, figures, takes, stop; msgpack, ROUTER to DEALER.

The stage polls once a tick and never waits. What it cannot read it counts and answers with an
error; nothing that arrives here reaches the loop except the requests below.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import zmq

from understudy.runtime.core import distribution, typed
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.event import CUE, Event

from .requests import (
    AddSource,
    AddSubject,
    AdjustSubject,
    AnyRequest,
    Asked,
    Camera,
    Circle,
    EditPerson,
    EventTable,
    Figures,
    Go,
    Gone,
    Happened,
    Hello,
    Learn,
    LookAt,
    Marker,
    OrderProp,
    Pad,
    Ping,
    PlaceSubject,
    Pong,
    PropPlace,
    Props,
    Record,
    RemoveSource,
    RemoveSubject,
    RenameSubject,
    Reply,
    Request,
    ResetSubject,
    SaveSession,
    SetCharacter,
    SetProfile,
    ShowSession,
    Sights,
    Silence,
    Slate,
    Stats,
    Stop,
    Style,
    Traits,
    Transport,
    Undo,
)
from .security import address as addresses
from .security import rights
from .security.access import AccessControl, ConnectionMonitor
from .security.handshake import Handshake
from .security.keys import Key
from .wire.envelope import SCHEMA_VERSION

Result = TypeVar("Result")
CONTROL_VERSION = 1
# A recorder is started for the first take; long takes of many bodies become BVH in minutes.
START_S, WRITING_S = 20.0, 3600.0
# Work a tick: at 10 us a request this is well below a millisecond.
REQUESTS_A_TICK = 64
LARGEST_REQUEST = 64 << 10
REFUSAL_STANDS_S = 1.0


class ControlServer:
    """The stage's end. `poll` once a tick; hello and ping are answered in there.

    malformed counts what could not be read, requests what could, refused what of these the stage
    could not do, and forbidden, by key and right, what of those the key may not; connections counts
    those who came, and those turned away.
    """

    def __init__(
        self,
        address: str = addresses.CONTROL,
        insecure: bool = False,
        context: zmq.Context | None = None,
        access: AccessControl | None = None,
    ) -> None:
        """access: asks every caller for a key, and at each request what it may. It brings its own
        context."""
        self.malformed = 0
        self.requests = 0
        self.refused = 0
        self.forbidden: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._access = access
        versions()
        self._decoder = msgspec.msgpack.Decoder(AnyRequest)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        context = access.context if access is not None else context or zmq.Context.instance()
        self._socket: zmq.Socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.rcvhwm = 2 * REQUESTS_A_TICK
        self._socket.sndhwm = 2 * REQUESTS_A_TICK
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_REQUEST)
        addresses.notice_the_dead(self._socket)
        self.connections = ConnectionMonitor(self._socket, access)
        try:
            self.address = addresses.bind(
                self._socket, address, insecure, "control socket", access is not None
            )
        except BaseException:
            self.close()
            raise

    def poll(self) -> list[Asked]:
        """What was asked since the last tick, in order. Never waits, never raises on input."""
        asked: list[Asked] = []
        self.connections.poll()
        for _ in range(REQUESTS_A_TICK):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            request = self._read([frame.bytes for frame in frames])
            if request is None:
                continue
            caller = "" if self._access is None else _key_of(frames[-1])
            if not self._may(request, caller):
                continue
            if isinstance(request, Hello):
                may = rights.EVERYTHING if self._access is None else self._access.may(caller)
                self.reply(request, **versions(), may=[r for r in rights.RIGHTS if r in may])
            elif isinstance(request, Ping):
                self.reply(request, stage_ns=time.monotonic_ns())
            else:
                asked.append(request)
        return asked

    def _may(self, request: AnyRequest, caller: str) -> bool:
        """Whether this key may ask that; if not, it is told and counted."""
        if self._access is None:
            return True
        refusal = self._access.refusal(caller, request.right)
        if refusal:
            what = f"{self._access.name(caller)}, which may not {request.right or 'come in'}"
            self.forbidden[what] = self.forbidden.get(what, 0) + 1
            self.reply(request, error=refusal)
        return not refusal

    def news(self) -> str:
        """What keys asked that they may not, since the last call, for people; "" for nothing."""
        new = {what: n - self._told.get(what, 0) for what, n in self.forbidden.items()}
        self._told = dict(self.forbidden)
        parts = [f"{count} of {what}" for what, count in new.items() if count]
        return "refused requests: " + ", ".join(parts) if parts else ""

    def _read(self, parts: list[bytes]) -> AnyRequest | None:
        """The request in these parts; None, an error reply and a count where there is none."""
        *peer, content = parts
        # A DEALER sends the content alone, a REQ an empty part before it.
        if len(peer) not in (1, 2) or (len(peer) == 2 and peer[1]):
            self._refuse(peer[:1], f"A request has one part, this one has {len(parts) - 1}.")
            return None
        try:
            request: AnyRequest = self._decoder.decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._refuse(peer, f"Not a request that this stage reads: {error}.")
            return None
        request.peer = tuple(peer)
        self.requests += 1
        return request

    def _refuse(self, peer: list[bytes], sentence: str) -> None:
        self.malformed += 1
        self._send(peer, Reply(error=sentence))

    def reply(self, request: Request, *, error: str = "", **result: Any) -> None:
        """Answers a request, with a sentence if it is refused; what is not fetched is dropped."""
        self.refused += bool(error)
        self._send(list(request.peer), Reply(request.op, request.number, error, result))

    def _send(self, peer: list[bytes], reply: Reply) -> None:
        with contextlib.suppress(zmq.ZMQError):  # it does not read, or it left
            self._socket.send_multipart([*peer, self._encoder.encode(reply)], zmq.NOBLOCK)

    def close(self) -> None:
        self.connections.close()
        self._socket.close()

    def __enter__(self) -> ControlServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The stage's clock minus ours, and by how much that may be wrong, in nanoseconds."""

    offset_ns: int
    error_ns: int


class ControlClient:
    """A caller's end. Every answer is waited for at most `timeout_s`, then a sentence is raised.

    key  for a stage that asks for keys: the file that `understudy keys new` made
    """

    def __init__(
        self,
        address: str = addresses.CONTROL,
        timeout_s: float = 2.0,
        context: zmq.Context | None = None,
        key: Key | str | Path | None = None,
    ) -> None:
        self.address = addresses.checked(address)
        self.timeout_s = timeout_s
        self._refusal, self._refused_s = "", float("-inf")
        self._numbers = itertools.count(1)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Reply)
        self._socket: zmq.Socket = (context or zmq.Context.instance()).socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.immediate = True  # no queue for a stage that is not there: pads go stale
        self._socket.sndhwm = 64
        self._socket.rcvhwm = 256
        self._socket.reconnect_ivl = 50
        self._socket.reconnect_ivl_max = 500
        addresses.notice_the_dead(self._socket)
        try:
            self._handshake = Handshake(self._socket, address, key)
        except BaseException:
            self._socket.close()
            raise

    def hello(self, client: str = "") -> dict[str, Any]:
        """The stage's versions: understudy, schema, control; and what this client `may`."""
        return self._ask(Hello(client=client))

    def ping(self) -> int:
        """The stage's monotonic clock, in nanoseconds."""
        return self._ask(Ping(), Pong).stage_ns

    def clock(self, pings: int = 16) -> ClockOffset:
        """Measures the stage's clock against ours.

        A ping waits up to a tick for the stage's poll, so its round trip says little by itself. But
        each one bounds the offset from both sides, and pings at scattered phases of the tick bound
        it closely together.
        """
        low, high = -(2**62), 2**62
        pause_s = 0.0
        for _ in range(pings):
            time.sleep(pause_s)
            before_ns = time.monotonic_ns()
            stage_ns = self.ping()
            after_ns = time.monotonic_ns()
            low, high = max(low, stage_ns - after_ns), min(high, stage_ns - before_ns)
            # The golden ratio scatters the phases whatever the tick's length is.
            pause_s = (pause_s + 0.618 * (after_ns - before_ns) / 1e9) % 0.02
        return ClockOffset((low + high) // 2, abs(high - low) // 2)

    def send_pad(
        self,
        left_stick: tuple[float, float] = (0.0, 0.0),
        right_stick: tuple[float, float] = (0.0, 0.0),
        buttons: Iterable[str] = (),
        camera_heading_rad: float = 0.0,
        capture_ns: int | None = None,
        subject: str = "",
    ) -> bool:
        """Sends a pad and does not wait; False when no stage is there to take it."""
        pad = Pad(
            left_stick=(float(left_stick[0]), float(left_stick[1])),
            right_stick=(float(right_stick[0]), float(right_stick[1])),
            buttons=sorted(buttons),
            camera_heading_rad=float(camera_heading_rad),
            capture_ns=time.monotonic_ns() if capture_ns is None else capture_ns,
            subject=subject,
        )
        return self._send_only(pad)

    def send_events(self, *events: Event) -> bool:
        """Tells the stage what happened, and does not wait; False when no stage is there.

        The stage numbers the events and tells whoever listens; a time_ns of 0 is now. It raises
        UnderstudyError on an event that makes no sense.
        """
        told = [typed.convert(asdict(event), EventTable, "an event") for event in events]
        return self._send_only(Happened(events=told))

    def cue(self, name: str, at_m: Iterable[float] = (0.0, 0.0, 0.0)) -> dict[str, Any]:
        """Tells everybody of a cue at a place; an effect of that name is seen there."""
        x, y, z = map(float, at_m)
        self.send_events(Event(CUE, name, position=(x, y, z)))
        return {}

    def send_camera(
        self,
        name: str,
        position: Iterable[float],
        rotation: Iterable[float],
        focal_mm: float = 35.0,
        sensor_mm: tuple[float, float] = (36.0, 24.0),
        focus_m: float = 0.0,
        iris: float = 0.0,
    ) -> bool:
        """Shows the stage a camera and does not wait; False when no stage is there to take it.

        position (3,) in metres, rotation (4,) x y z w; it looks along its own -Z with +Y up. Send
        it at any rate: after 2 s of silence the camera leaves the stage.
        """
        x, y, z = map(float, position)
        # A unit quaternion may be over 1 by its last bit, which is no reason to refuse it.
        qx, qy, qz, qw = (min(max(float(value), -1.0), 1.0) for value in rotation)
        camera = Camera(
            name=name,
            position=(x, y, z),
            rotation=(qx, qy, qz, qw),
            focal_mm=float(focal_mm),
            sensor_mm=(float(sensor_mm[0]), float(sensor_mm[1])),
            focus_m=float(focus_m),
            iris=float(iris),
        )
        return self._send_only(camera)

    def send_props(self, props: list[PropPlace], sequence: int = 0) -> bool:
        """Shows the stage where a simulation's props are, all of them, and does not wait.

        sequence is that of the frame that they were reckoned of.
        """
        return self._send_only(Props(props=props, sequence=sequence))

    def order_prop(
        self, what: str, prop: str = "", subject: str = "", hand: str = ""
    ) -> dict[str, Any]:
        """Has a subject "grab" a prop or "release" what it holds; "reset" puts props on marks.

        hand is left or right, "" whichever can. The prop moves as soon as a hand is near it.
        """
        return self._ask(OrderProp(what=what, prop=prop, subject=subject, hand=hand))  # type: ignore[arg-type]

    def _send_only(self, request: Request) -> bool:
        self._discard()  # answers to, and complaints about, what was sent so before
        try:
            self._socket.send(self._encoder.encode(request), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def stats(self) -> dict[str, Any]:
        """The stage's figures."""
        return self._ask(Stats(), Figures).stats

    def record(
        self, start: bool, path: str = "", slate: str = "", folder: str = ""
    ) -> dict[str, Any]:
        """Starts a take at `path` (on the stage's machine), or stops it; the reply names files.

        Without a path it is the slate's next take, in `folder` or the slate's own. x.mcap is the
        take; x.bvh, x.glb and other exports are the take and that file of it. The answer to a start
        comes when the take's file is there, to a stop when all files are written.
        """
        request = Record(start=start, path=str(path), slate=slate, folder=str(folder))
        return self._ask(request, patience_s=START_S if start else WRITING_S)

    def slate(self, **words: Any) -> dict[str, Any]:
        """Sets words of the slate: project, scene, shot, take, description, notes.

        The reply has the `slate` as it is then and its `folder`; without words it only tells.
        """
        return self._ask(Slate(**words))

    def marker(
        self, text: str = "", colour: str = "", sequence: int | None = None
    ) -> dict[str, Any]:
        """Marks a tick of the take that runs, the next one where none is named."""
        return self._ask(Marker(text=text, colour=colour, sequence=sequence))

    def circle(self, path: str = "", circled: bool = True) -> dict[str, Any]:
        """Circles a take; without a path the one that runs, or the last."""
        return self._ask(Circle(path=str(path), circled=circled))

    def style(self, subject: str = "", **traits: float) -> dict[str, dict[str, float]]:
        """Sets traits, -1..1, of a subject, "" for all; gives the traits of each by name."""
        return self._ask(Style(subject=subject, traits=traits), Traits).style

    def silence(self, then: str = "", stop_after_s: float | None = None) -> dict[str, Any]:
        """Says what bodies do (stand, idle, sit, exit) after so long a silence; gives both."""
        return self._ask(Silence(then=then or None, stop_after_s=stop_after_s))  # type: ignore[arg-type]

    def send_style(self, subject: str = "", **traits: float) -> bool:
        """Sets traits and does not wait, for sliders; False when no stage is there to take it."""
        return self._send_only(Style(subject=subject, traits=traits))

    def look_at(
        self, at: str | Iterable[float] = "", subject: str = ""
    ) -> dict[str, str | list[float]]:
        """Has a subject on a pad, "" for all, look at a point or at a subject or camera of a name.

        at "" is along the way that it goes. Gives what each of them looks at, by its name.
        """
        if not isinstance(at, str):
            at = [float(x) for x in at]
        return self._ask(LookAt(subject=subject, at=at), Sights).look_at

    def go(
        self,
        at_m: Iterable[float] = (),
        subject: str = "",
        heading_deg: float | None = None,
        speed_mps: float = 1.3,
        action: str = "",
        hand_at_m: Iterable[float] = (),
    ) -> dict[str, list[float]]:
        """Sends a subject on a pad, "" for all, to a place (x, z); nowhere where none is given.

        hand_at_m (x, y, z) in place of it: to where it can reach there with a hand, which it does.
        """
        asked = Go(
            subject=subject,
            at_m=[float(x) for x in at_m],
            heading_deg=heading_deg,
            speed_mps=speed_mps,
            action=action,
            hand_at_m=[float(x) for x in hand_at_m],
        )
        return self._ask(asked, Gone).go

    def session(self) -> dict[str, Any]:
        """The session as it is now: `session`, `sources`, `subjects`; see docs/session.md."""
        return self._ask(ShowSession())

    def transport(self, source: str = "", **words: Any) -> dict[str, Any]:
        """Where a take that is played stands, and first what is asked of it: see `Transport`.

        With play=True it goes on, position_s=2.5 goes there, step=1 a frame on, cue=0 to the next
        take of the list.
        """
        return self._ask(Transport(source=source, **words))

    def learn(self, to: str) -> dict[str, Any]:
        """Has the next fader or button that is moved do something, such as "style energy".

        The reply has `waits_s`; what it was is in `stats()["controllers"]` then.
        """
        return self._ask(Learn(to=to))

    def add_source(self, url: str, name: str = "", subject: bool = True) -> dict[str, Any]:
        """Opens a source from a line such as vmc://0.0.0.0:39539; the reply has its `name`."""
        return self._ask(AddSource(url=url, name=name, subject=subject))

    def remove_source(self, name: str) -> dict[str, Any]:
        """Closes a source, and takes off stage who was made of nothing else."""
        return self._ask(RemoveSource(name=name))

    def add_subject(self, **table: Any) -> dict[str, Any]:
        """Puts a subject on stage: the words of a [[subject]] table, name and body at least."""
        return self._ask(AddSubject(subject=table))

    def remove_subject(self, name: str) -> dict[str, Any]:
        """Takes a subject off stage; its sources stay."""
        return self._ask(RemoveSubject(name=name))

    def rename_subject(self, name: str, to: str) -> dict[str, Any]:
        """Gives a subject another name."""
        return self._ask(RenameSubject(name=name, to=to))

    def place_subject(
        self, name: str, at_m: Iterable[float] = (0.0, 0.0, 0.0), heading_deg: float = 0.0
    ) -> dict[str, Any]:
        """Moves a subject by at_m (3,) metres, after turning it about +Y by heading_deg."""
        x, y, z = map(float, at_m)
        return self._ask(PlaceSubject(name=name, at_m=(x, y, z), heading_deg=float(heading_deg)))

    def reset_subject(self, what: str, name: str = "", **words: Any) -> dict[str, Any]:
        """Has a subject face +Z ("heading") or a "camera", stand on the "mark" at_m, or takes its
        "t_pose"; "off" leaves joints as they come. See `requests.ResetSubject` for the words."""
        return self._ask(ResetSubject(what=what, name=name, **words))  # type: ignore[arg-type]

    def adjust_subject(self, name: str, **words: Any) -> dict[str, Any]:
        """Sets `mirror` (bool) or `root` ("free", "in place", "hips only") of a subject."""
        return self._ask(AdjustSubject(name=name, **words))

    def set_character(self, name: str, character: str = "") -> dict[str, Any]:
        """Gives a subject a character, a file on the stage's machine; "" is its own body again."""
        return self._ask(SetCharacter(name=name, character=str(character)))

    def set_profile(self, name: str, save: bool = False, **profile: Any) -> dict[str, Any]:
        """Changes words of the profile of a subject's character; without any it only tells."""
        return self._ask(SetProfile(name=name, profile=profile, save=save))

    def edit_person(self, name: str, **person: Any) -> dict[str, Any]:
        """Makes a subject's person anew with words of its recipe changed; without any it tells."""
        return self._ask(EditPerson(name=name, person=person), patience_s=60.0)

    def undo(self, again: bool = False) -> dict[str, Any]:
        """Takes back the newest edit, or makes the one again that was undone last."""
        return self._ask(Undo(again=again))

    def save_session(self, path: str = "") -> dict[str, Any]:
        """Saves the session on the stage's machine; the reply has its `path`."""
        return self._ask(SaveSession(path=str(path)))

    def stop(self) -> None:
        """Ends the stage."""
        self._ask(Stop())

    def _ask(
        self,
        request: Request,
        kind: type[Result] = dict[str, Any],  # type: ignore[assignment]
        patience_s: float = 0.0,
    ) -> Result:
        """Asks, and waits for the answer, whose result is of this kind.

        patience_s  for an answer that takes its time once the question is out
        """
        request.number = next(self._numbers)
        deadline = time.monotonic() + self.timeout_s
        self._discard()
        refusals = self._handshake.failures
        self._wait(zmq.POLLOUT, deadline, refusals)
        try:
            self._socket.send(self._encoder.encode(request), zmq.NOBLOCK)
        except zmq.Again:
            raise self._silent() from None
        deadline = max(deadline, time.monotonic() + patience_s)
        while True:
            self._wait(zmq.POLLIN, deadline, refusals)
            try:
                reply = self._decoder.decode(self._socket.recv(zmq.NOBLOCK))
                if reply.number == request.number and not reply.error:
                    return msgspec.convert(reply.result, kind)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                raise Failure(
                    f"Whatever listens on {self.address} is no stage; give the address of a "
                    "stage's control socket."
                ) from None
            # What could not be read has no number; whatever came before was thrown away.
            if reply.error and reply.number in (request.number, 0):
                raise UnderstudyError(reply.error)

    def _wait(self, event: int, deadline: float, refusals: int) -> None:
        """Waits until the socket is ready; raises when it never is, or was turned away anew."""
        poller = zmq.Poller()
        poller.register(self._socket, event)
        poller.register(self._handshake.events, zmq.POLLIN)
        there = False
        while True:
            trouble = self._handshake.poll()
            left = deadline - time.monotonic()
            if there and not self._handshake.connected and event == zmq.POLLIN:
                raise Failure(f"The stage at {self.address} was gone before it answered.")
            there = self._handshake.connected
            if left <= 0 or (trouble and self._handshake.failures > refusals):
                raise self._silent()
            if self._socket in dict(poller.poll(int(min(left, self._handshake.wait_s) * 1e3) + 1)):
                return

    def _silent(self) -> UnderstudyError:
        return Failure(
            self._handshake.trouble
            or f"No stage answers on {self.address} within {self.timeout_s:g} s; start one with "
            "`understudy stage` or give its control address."
        )

    @property
    def trouble(self) -> str:
        """Why the stage does not let this client in; "" where it does, or is not there."""
        return self._handshake.poll()

    @property
    def refusal(self) -> str:
        """Why the stage does not do what is sent without waiting (a pad, a camera); "" if it does.

        It stands for a second after the last complaint.
        """
        self._discard()
        return self._refusal if time.monotonic() - self._refused_s < REFUSAL_STANDS_S else ""

    def _discard(self) -> None:
        self._handshake.poll()
        while self._socket.poll(0):
            content = self._socket.recv_multipart(zmq.NOBLOCK)[-1]
            with contextlib.suppress(msgspec.MsgspecError):
                if error := self._decoder.decode(content).error:
                    self._refusal, self._refused_s = error, time.monotonic()

    def close(self) -> None:
        self._handshake.close()
        self._socket.close()

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def versions() -> dict[str, Any]:
    """What this side speaks; read once, since looking it up takes milliseconds of a tick."""
    understudy = distribution.version()
    return {"understudy": understudy, "schema": SCHEMA_VERSION, "control": CONTROL_VERSION}


def _key_of(frame: zmq.Frame) -> str:
    """The public key with which a message came; libzmq says it, no sender can."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""


def _plain(value: Any) -> Any:
    """numpy's numbers and the like, for replies."""
    if hasattr(value, "item"):
        return value.item()
    return str(value)
