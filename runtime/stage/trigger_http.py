"""Triggers by HTTP: POST /record/start and /record/stop, answered when the recorder has."""

from __future__ import annotations

import http.server
import ipaddress
import json
import queue
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from understudy.bridge.protocols.capture import Capture
from understudy.runtime.core.errors import UnderstudyError

LARGEST, WAITS_S, READS_S = 16 << 10, 10.0, 5.0
PATHS = {"/record/start": True, "/record/stop": False}
Told = Callable[[str, dict[str, Any]], None]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What may be said in the body, or behind the ?; name and take become the slate's."""

    name: str = ""
    take: int | None = None
    timecode: str = ""
    filename: str = ""
    notes: str = ""
    description: str = ""


class HttpTrigger:
    """A small server on a thread of its own; the stage takes what was asked once a tick."""

    def __init__(self, host: str, port: int) -> None:
        asked: queue.SimpleQueue[tuple[Capture, Told]] = queue.SimpleQueue()
        self._asked = asked

        class Handler(_Handler):
            pass

        Handler.asked = asked
        try:
            self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise UnderstudyError(
                f"http://{host}:{port} cannot be listened on for triggers: {error.strerror}."
            ) from None
        self.port = self._server.server_address[1]
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name="trigger"
        ).start()

    def poll(self) -> list[tuple[Capture, Told]]:
        """What was asked since the last poll, and whom to tell how it went."""
        found = []
        while not self._asked.empty():
            found.append(self._asked.get())
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    asked: queue.SimpleQueue[tuple[Capture, Told]]
    timeout = READS_S

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        # A page of any site can have a browser post here; only programs are meant.
        if "Origin" in self.headers or not _plain(self.headers.get("Host", "")):
            return self._answer(403, {"error": "Pages may not trigger takes."})
        if parts.path not in PATHS:
            return self._answer(404, {"error": f"There are {' and '.join(PATHS)}."})
        try:
            size = int(self.headers.get("Content-Length") or 0)
            if not 0 <= size <= LARGEST:
                raise ValueError(f"a body has up to {LARGEST} bytes")
            content = self.rfile.read(size)
            said = msgspec.json.decode(content, type=Body) if content.strip() else Body()
            if pairs := dict(parse_qsl(parts.query)):
                said = msgspec.convert({**msgspec.to_builtins(said), **pairs}, Body, strict=False)
        except (ValueError, OSError) as fault:  # msgspec's are ValueErrors
            return self._answer(400, {"error": f"It cannot be read: {fault}."})
        done: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        capture = Capture(
            PATHS[parts.path], said.name[:256], said.take if said.take != 0 else None,
            said.timecode[:32], said.notes[:4096], said.description[:4096],
        )  # fmt: skip
        self.asked.put((capture, lambda error, result: done.put((error, result))))
        try:
            error, result = done.get(timeout=WAITS_S)
        except queue.Empty:
            if not capture.begins:  # a long take becomes other files for minutes
                return self._answer(202, {})
            return self._answer(504, {"error": "The stage did not answer."})
        return self._answer(409 if error else 200, {"error": error} if error else result)

    def do_GET(self) -> None:
        self._answer(405, {"error": "POST it."})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def _plain(host: str) -> bool:
    """Whether a Host is a number or this machine: a name can be made to point anywhere."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name == "localhost"
    return True
