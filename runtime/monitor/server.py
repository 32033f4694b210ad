"""The page, its meshes and its live socket, on one port."""

from __future__ import annotations

import asyncio
import errno
import http
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server as WebSockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from understudy.runtime.core import ports
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh.store import Wardrobe

from . import message
from .access import LONGEST_TOKEN, Access
from .takes import LAST_TAKE, Takes
from .visitor import Shown, Start, Stop, Token, Visitor, read

PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
# Nothing from elsewhere, and no page of others around ours: a frame could steal a tap on Record.
GUARDS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; "
    "img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MOST_VISITORS = 32
LARGEST_REQUEST = 4096
# Whoever guesses tokens does not get to fill the terminal.
TELL_S = 1.0
# Coarser than the viewport's: a tablet draws twenty of them.
GRID_M = 0.02

# A stranger's broken handshake is no news, least of all with a traceback.
_quiet = logging.getLogger("understudy.monitor.websockets")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Server:
    """Serves browsers. Lives on one event loop; only `offer` may be called from other threads.

    malformed  what browsers sent that no page of ours sends; strangers  requests of foreign pages
    """

    def __init__(self, access: Access, takes: Takes, skeletons: dict[int, Skeleton]) -> None:
        self.access, self.takes = access, takes
        self.visitors: set[Visitor] = set()
        self.malformed = self.strangers = 0
        self._skeletons = skeletons
        self._wardrobe = Wardrobe(wait=False, grid_m=GRID_M)
        self._meshes: dict[int, bytes] = {}
        self._files = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in KINDS}
        self._files["/"] = PAGE / "index.html"
        self._loop = asyncio.get_running_loop()
        self._work: set[asyncio.Task[None]] = set()
        self._n = 0
        self._told_s = float("-inf")
        self._sockets: WebSockets | None = None

    async def open(self, host: str, port: int) -> int:
        """Listens; gives the port that it got."""
        try:
            self._sockets = await serve(
                self._visit,
                host,
                port,
                process_request=self._answer,
                max_size=LARGEST_REQUEST,
                max_queue=8,
                compression=None,
                ping_interval=5,
                ping_timeout=10,
                close_timeout=2,
                server_header=None,
                logger=_quiet,
            )
        except OSError as error:
            raise UnderstudyError(_refusal(host, port, error)) from None
        return int(next(iter(self._sockets.sockets)).getsockname()[1])

    def offer(self, frame: Frame | None, about: dict[str, Any]) -> None:
        """A frame for everybody, from the stream's thread. Packed once, and only if watched."""
        if not self.visitors:
            return
        self._n += 1
        n = self._n
        figures = {
            "watching": len(self.visitors),
            "refused_tokens": self.access.refused,
            "malformed": self.malformed,
        }
        packed = message.pack_frame(
            frame, {"n": n, "take": self.takes.described(), "monitor": figures, **about}
        )
        self._loop.call_soon_threadsafe(self._spread, n, packed)

    def _spread(self, n: int, packed: bytes) -> None:
        for visitor in self.visitors:
            visitor.offer(n, packed)

    # -- pages ---------------------------------------------------------------------------------

    def _answer(self, socket: ServerConnection, request: Request) -> Response | None:
        """A file of the page, a skeleton or a mesh; None lets a live socket open."""
        path = request.path.partition("?")[0]
        if path == "/live":
            return self._turned_away(request)
        if file := self._files.get(path):
            return _response(200, file.read_bytes(), KINDS[file.suffix])
        kind, _, name = path.lstrip("/").partition("/")
        skeleton = self._skeletons.get(_number(name))
        if skeleton is None or kind not in ("skeleton", "mesh"):
            return _response(404, b"There is nothing here.\n")
        if kind == "skeleton":
            return _response(200, message.skeleton_json(skeleton), "application/json")
        return self._mesh(skeleton)

    def _turned_away(self, request: Request) -> Response | None:
        """Another site's page must not watch or record with its visitor's browser."""
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            self.strangers += 1
            return _response(403, b"This page is not of this monitor.\n")
        if len(self.visitors) >= MOST_VISITORS:
            return _response(503, b"Too many browsers watch already.\n")
        return None

    def _mesh(self, skeleton: Skeleton) -> Response:
        if skeleton.id not in self._meshes:
            try:
                mesh = self._wardrobe.mesh(skeleton)
            except Exception as error:  # the page goes on drawing bones
                return _response(404, f"No body for this skeleton: {error}\n".encode())
            if mesh is None:
                return _response(503, b"The body is being made.\n")
            if len(self._meshes) >= 64:
                self._meshes.clear()
            self._meshes[skeleton.id] = message.pack_mesh(mesh)
        return _response(200, self._meshes[skeleton.id], "application/octet-stream")

    # -- the live socket -----------------------------------------------------------------------

    async def _visit(self, socket: ServerConnection) -> None:
        visitor = Visitor(socket)
        feeding = asyncio.create_task(visitor.feed())
        try:
            await visitor.say(kind="rights", record=False, possible=self.access.possible, said="")
            self.visitors.add(visitor)
            async for text in socket:
                try:
                    said = read(text)
                except (msgspec.MsgspecError, ValueError):
                    self.malformed += 1
                    await socket.close(1008, "Not a word of this monitor's page.")
                    return
                await self._hear(visitor, said)
        except ConnectionClosed:
            pass
        finally:
            self.visitors.discard(visitor)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _hear(self, visitor: Visitor, said: Shown | Token | Start | Stop) -> None:
        match said:
            case Shown():
                await visitor.shown(said.n)
            case Token():
                await self._judge(visitor, said.token[: LONGEST_TOKEN + 1])
            case Start() | Stop() if not visitor.may_record:
                await visitor.say(kind="refused", said="Recording from this page needs the token.")
            case Start():
                self._do(self.takes.start(said.slate, min(max(said.take, 1), LAST_TAKE)))
            case Stop():
                self._do(self.takes.stop())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside everything else: the stage may take seconds to write a take."""
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _judge(self, visitor: Visitor, token: str) -> None:
        now_s = time.monotonic()
        refusal = self.access.refusal(token, visitor.address, now_s)
        if refusal and self.access.possible and now_s - self._told_s > TELL_S:
            self._told_s = now_s
            print(
                f"monitor: {visitor.address} gave a wrong token ({self.access.refused} so far)",
                flush=True,
            )
        visitor.may_record = not refusal
        await visitor.say(
            kind="rights",
            record=visitor.may_record,
            possible=self.access.possible,
            said=refusal,
        )

    async def close(self) -> None:
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()
        self._wardrobe.close()


def _response(status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-cache",
            "Connection": "close",
            **GUARDS,
        }
    )
    return Response(status, http.HTTPStatus(status).phrase, headers, body)


def _number(name: str) -> int:
    try:
        return int(name, 16)
    except ValueError:
        return -1


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = ports.owner(port, "tcp")
        return (
            f"The page cannot be served on port {port}: "
            f"{holder or 'another program'} listens there; give another one with --port."
        )
    if error.errno == errno.EACCES:
        return f"The page may not be served on port {port}; take one above 1023."
    return f"The page cannot be served on {host}:{port}: {error.strerror or error}."
