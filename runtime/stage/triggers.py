"""Triggers: other recorders on the stage begin and end takes here, and are told of ours.

What comes is asked of the slate and of the recorder as if it had come over the control socket. The
loop waits for nobody: datagrams are read once a tick, HTTP is served and sent beside it.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, capture
from understudy.bridge.protocols.capture import Capture
from understudy.bridge.requests import Record, Request, Slate
from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Port, at
from understudy.runtime.sources.endpoint import LOOPBACK, Endpoint

if TYPE_CHECKING:
    from .trigger_http import HttpTrigger

FROM, TO = url.Kind("trigger", "from"), url.Kind("trigger", "to")
# The same trigger comes several times, by several cards or on purpose.
AGAIN_S = 2.0
PATIENCE_S = 3.0


class Heard(Table, frozen=True, kw_only=True):
    """What a trigger that is heard takes."""

    name: Annotated[
        bool, Meta(description="the name that comes is the slate's shot and take number")
    ] = True


class Told(Table, frozen=True, kw_only=True):
    """What a trigger that is sent takes."""

    times: Annotated[
        int, Meta(ge=1, le=10, description="how often it is sent, with the same number")
    ] = 1


class Posted(Told, frozen=True, kw_only=True):
    """What a trigger that is posted by HTTP takes besides."""

    start: Annotated[str, Meta(description="the path that begins a take")] = "/record/start"
    stop: Annotated[str, Meta(description="the path that ends it")] = "/record/stop"


class _Scheme(Protocol):
    PORT: int
    Options: type


def _scheme(port: int, options: type) -> Any:
    return type("Scheme", (), {"PORT": port, "Options": options})


HEARD: dict[str, Any] = {
    "xml": _scheme(capture.PORT, Heard),
    "osc": _scheme(capture.OSC_PORT, Heard),
    "http": _scheme(8090, Heard),
}
TOLD: dict[str, Any] = {
    "xml": _scheme(capture.PORT, Told),
    "osc": _scheme(capture.OSC_PORT, Told),
    "http": _scheme(8090, Posted),
}


def check(tables: list[dict[str, Any]], file: str = "") -> None:
    """Raises the sentence about a [[trigger]] table that cannot be."""
    for number, table in enumerate(tables, 1):
        _read(table, f"{file}, [[trigger]] {number}" if file else "")


def _read(table: Mapping[str, Any], where: str = "") -> tuple[bool, url.Url]:
    """Whether a table is heard, and its line."""
    words = dict(table)
    heard, told = words.pop("from", None), words.pop("to", None)
    if isinstance(heard, str) and told is None:
        return True, url.parse(heard, FROM, HEARD, words, where)
    if isinstance(told, str) and heard is None:
        said = url.parse(told, TO, TOLD, words, where)
        if not said.host:
            raise UnderstudyError(f"{told!r} names no host; write {said.scheme}://HOST.")
        return False, said
    raise UnderstudyError(
        f'{where or "[[trigger]]"} needs from = "xml://0.0.0.0", or to = "xml://HOST".'
    )


class Control(Protocol):
    """What answers requests of the control socket."""

    def reply(self, request: Request, *, error: str = "", **result: Any) -> None: ...


class Answers:
    """Answers a request where it came from: the control socket, or a trigger."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._own: dict[int, Callable[[str, dict[str, Any]], None]] = {}

    def expect(self, request: Request, told: Callable[[str, dict[str, Any]], None]) -> None:
        """Has the answer to a trigger's request told to it, and not to the control socket."""
        request.number = -1 - len(self._own)
        while request.number in self._own:
            request.number -= 1
        self._own[request.number] = told

    def reply(self, request: Request, *, error: str = "", **result: Any) -> None:
        """The answer; error is "" or a sentence."""
        told = None if request.peer else self._own.pop(request.number, None)
        if told is not None:
            told(error, result)
        else:
            self._control.reply(request, error=error, **result)


class Triggers:
    """All triggers of a stage."""

    def __init__(
        self,
        tables: list[dict[str, Any]],
        answers: Answers,
        beside: Callable[..., Future[Any]],
    ) -> None:
        """answers: of whom the outcome is heard; beside: does work beside the loop."""
        self._answers, self._beside = answers, beside
        self._ports: list[tuple[Port, Heard]] = []
        self._http: list[tuple[HttpTrigger, Heard]] = []
        self._targets: list[url.Url] = []
        self._seen: dict[tuple, float] = {}
        self._taking, self._timecode, self._packet = "", "", 0
        self.heard = self.told = 0
        with contextlib.ExitStack() as undo:
            for table in tables:
                is_heard, said = _read(table)
                if not is_heard:
                    self._targets.append(said)
                    continue
                place = Endpoint(
                    said.text, said.scheme, said.host or LOOPBACK,
                    said.port or HEARD[said.scheme].PORT, said.options,
                )  # fmt: skip
                if said.scheme == "http":
                    from .trigger_http import HttpTrigger

                    self._http.append((HttpTrigger(place.host, place.port), said.options))
                    undo.callback(self._http[-1][0].close)
                else:
                    self._ports.append((Port(place), said.options))
                    undo.callback(self._ports[-1][0].close)
            self._out = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self._out.setblocking(False)
            self._out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self._undo = undo.pop_all()

    def asked(self, now_s: float, taking: bool) -> list[Request]:
        """What was asked by triggers since the tick before; taking: a take runs."""
        requests: list[Request] = []
        for port, options in self._ports:
            for datagram in port.poll(now_s):
                who = at(datagram.peer)
                try:
                    said = capture.decode(datagram.data)
                except ProtocolError as error:
                    _say(f"{who} sends to {port.where} what is no trigger: {error}")
                    continue
                if said is not None and not self._again(said, datagram.peer[0], now_s):
                    requests += self._requests(said, options, taking, _printed(who, said))
        for server, options in self._http:
            for said, told in server.poll():
                requests += self._requests(said, options, taking, told)
        return requests

    def _again(self, said: Capture, host: str, now_s: float) -> bool:
        key = (host, said.begins, said.packet, said.name if not said.packet else "")
        before_s = self._seen.pop(key, float("-inf"))
        self._seen[key] = now_s
        while len(self._seen) > 64:
            del self._seen[next(iter(self._seen))]
        return now_s - before_s < AGAIN_S

    def _requests(
        self, said: Capture, options: Heard, taking: bool,
        told: Callable[[str, dict[str, Any]], None],
    ) -> list[Request]:  # fmt: skip
        self.heard += 1
        if said.begins and taking:
            told("a take is being recorded already; it goes on", {})
            return []
        if not said.begins and not taking:
            told("", {"written": []})
            return []
        requests: list[Request] = []
        shot, take = said.shot
        if said.begins and options.name and shot:
            requests.append(
                Slate(
                    shot=shot, take=take, description=said.description or None,
                    notes=said.notes or None,
                )
            )  # fmt: skip
            self._answers.expect(requests[-1], _refused)
        requests.append(Record(start=said.begins))
        self._answers.expect(requests[-1], told)
        return requests

    def tell(self, taking: str, timecode: str) -> None:
        """Tells others that a take has begun or ended here; taking: its file, "" for none."""
        if bool(taking) != bool(self._taking) and not (taking and not Path(taking).suffix):
            name = Path(taking or self._taking).stem
            self._packet += 1
            self._send(
                Capture(
                    bool(taking), name, timecode=self._timecode if taking else timecode,
                    packet=str(self._packet),
                )
            )  # fmt: skip
            self._taking = taking
        if not taking:
            self._timecode = ""
        elif not self._timecode:
            self._timecode = timecode

    def _send(self, said: Capture) -> None:
        for target in self._targets:
            port = target.port or TOLD[target.scheme].PORT
            if target.scheme == "http":
                _told_later(self._beside(post, target, port, said))
                self.told += 1
                continue
            data = capture.encode_xml(said) if target.scheme == "xml" else capture.encode_osc(said)
            try:
                for _ in range(target.options.times):
                    self._out.sendto(data, (target.host, port))
                self.told += 1
            except OSError as error:
                _say(f"{target.text} was not told: {error.strerror or error}")

    def close(self) -> None:
        self._undo.close()


def post(target: url.Url, port: int, said: Capture) -> None:
    """Tells one by HTTP; raises OSError where that fails."""
    shot, take = said.shot
    path = target.options.start if said.begins else target.options.stop
    content = {"name": shot, "take": take, "timecode": said.timecode, "filename": said.name}
    import urllib.request  # and with it TLS, which few stages need

    asked = urllib.request.Request(
        f"http://{target.host}:{port}/{path.lstrip('/')}",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE_S):
        pass


def _told_later(work: Future[Any]) -> None:
    def say(done: Future[Any]) -> None:
        if (error := done.exception()) is not None:
            _say(f"a trigger by HTTP was not heard: {error}")

    work.add_done_callback(say)


def _printed(who: str, said: Capture) -> Callable[[str, dict[str, Any]], None]:
    verb = "begin" if said.begins else "end"

    def told(error: str, result: dict[str, Any]) -> None:
        if error:
            _say(f"the trigger of {who} did not {verb} a take: {error}")
        elif result.get("recording") or result.get("written"):
            _say(f"{who} has a take {verb}")

    return told


def _refused(error: str, result: dict[str, Any]) -> None:
    if error:
        _say(f"the slate is not as a trigger says: {error}")


def _say(what: str) -> None:
    print(f"stage: {what}", file=sys.stderr, flush=True)
