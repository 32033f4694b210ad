"""The page, its meshes and its live socket, on one port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
from websockets.asyncio.server import Server as WebSockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from understudy.runtime.core import ports
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh.store import Wardrobe

from . import message
from .access import LONGEST_TOKEN, Access
from .editing import Editing
from .http import ANSWER_S, Hosts, PageConnection, response
from .library import Shelf
from .takes import Takes
from .visitor import (
    Circle,
    Edit,
    Marker,
    Note,
    Said,
    Shown,
    Slate,
    Start,
    Stop,
    Token,
    Visitor,
    read,
)

PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
MOST_VISITORS = 32
LARGEST_REQUEST = 4096
# Whoever guesses tokens does not get to fill the terminal.
TELL_S = 1.0
LOOK_EVERY_S = 1.0
LOOK_AGAIN_S = 3.0
# Coarser than the viewport's: a tablet draws twenty of them.
GRID_M = 0.02

# A stranger's broken handshake is no news, least of all with a traceback.
_quiet = logging.getLogger("understudy.monitor.websockets")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Server:
    """Serves browsers. Lives on one event loop; only `offer` may be called from other threads.

    malformed  what browsers sent that no page of ours sends
    strangers  requests by a name that is not ours, or from the pages of others
    """

    def __init__(
        self,
        access: Access,
        takes: Takes,
        skeletons: dict[int, Skeleton],
        names: Iterable[str] = (),
        editing: Editing | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        """names: what the page goes by, besides the addresses and names of this machine; shelf:
        the takes of its library."""
        self.shelf = shelf
        self.access, self.takes, self.editing = access, takes, editing
        self._hosts = Hosts(names)
        self.visitors: set[Visitor] = set()
        self.malformed = self.strangers = 0
        self._skeletons = skeletons
        self._wardrobe = Wardrobe(wait=False, grid_m=GRID_M)
        self._meshes: dict[int, bytes] = {}
        self._files = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in KINDS}
        self._files["/"] = PAGE / "index.html"
        self._loop = asyncio.get_running_loop()
        self._work: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._n = 0
        self._told_s = self._strange_s = float("-inf")
        self._sockets: WebSockets | None = None

    async def open(self, host: str, port: int) -> int:
        """Listens; gives the port that it got."""
        try:
            self._sockets = await serve(
                self._visit,
                host,
                port,
                process_request=self._answer,
                create_connection=PageConnection,
                max_size=LARGEST_REQUEST,
                max_queue=8,
                compression=None,
                ping_interval=5,
                ping_timeout=10,
                close_timeout=2,
                open_timeout=ANSWER_S,
                server_header=None,
                logger=_quiet,
            )
        except OSError as error:
            raise UnderstudyError(_refusal(host, port, error)) from None
        if self.editing is not None:
            self._following = self._loop.create_task(self._follow(self.editing))
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
        self.takes.heard(not about.get("notice"))
        packed = message.pack_frame(
            frame, {"n": n, "take": self.takes.described(), "monitor": figures, **about}
        )
        self._loop.call_soon_threadsafe(self._spread, n, packed)

    def _spread(self, n: int, packed: bytes) -> None:
        for visitor in self.visitors:
            visitor.offer(n, packed)

    async def _follow(self, editing: Editing) -> None:
        """Tells everybody of the session while somebody watches."""
        while True:
            if self.visitors:
                await self._look(editing)
                if not (editing.described or {}).get("trouble"):
                    await self.takes.look()
            troubled = (editing.described or {}).get("trouble")
            await asyncio.sleep(LOOK_AGAIN_S if troubled else LOOK_EVERY_S)

    async def _look(self, editing: Editing) -> None:
        if await editing.look():
            session = _session(editing)
            for visitor in self.visitors:
                visitor.tell(session)

    # -- pages ---------------------------------------------------------------------------------

    async def _answer(self, socket: ServerConnection, request: Request) -> Response | None:
        """A file of the page, a skeleton, a mesh, a take; None lets a live socket open."""
        if (turned_away := self._hosts.refusal(request, str(socket.local_address[0]))) is not None:
            self._strange(socket, request)
            return turned_away
        path = request.path.partition("?")[0]
        if path == "/live":
            if len(self.visitors) >= MOST_VISITORS:
                return response(503, b"Too many browsers watch already.\n")
            return None
        answer = await self._shelved(socket, request) or self._page(path)
        if request.method == "HEAD":
            answer.body = b""
        return answer

    async def _shelved(self, socket: ServerConnection, request: Request) -> Response | None:
        """What the library page asks for; None for all else."""
        asked = urlsplit(request.path)
        kind, _, name = asked.path.lstrip("/").partition("/")
        name = unquote(name)
        if self.shelf is None or kind not in ("takes.json", "sheet", "bvh"):
            return None
        try:
            if kind == "takes.json":
                found = await self.shelf.found(dict(parse_qsl(asked.query)))
                return response(200, found, "application/json")
            if kind == "sheet":
                sheet = await self.shelf.sheet(name)
                if sheet is None:
                    return response(404, b"There is no picture yet.\n")
                return response(200, sheet, "image/png")
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            token, address = token[: LONGEST_TOKEN + 1], str(socket.remote_address[0])
            if refusal := self.access.refusal(token, address, time.monotonic()):
                return response(403, f"{refusal}\n".encode())
            if request.method == "HEAD" or (told := await self.shelf.bvh(name)) is None:
                return response(404, b"There is no such take.\n")
            disposition = f"attachment; filename*=UTF-8''{quote(told[0])}"
            kind = "application/octet-stream"
            return response(200, told[1], kind, **{"Content-Disposition": disposition})
        except UnderstudyError as error:
            return response(422, f"{error}\n".encode())

    def _strange(self, socket: ServerConnection, request: Request) -> None:
        """Counts a request that is for somebody else, and tells of it, a line a second at most."""
        self.strangers += 1
        if (now_s := time.monotonic()) - self._strange_s > TELL_S:
            self._strange_s = now_s
            host, origin = (
                ", ".join(request.headers.get_all(name))[:100] or "none"
                for name in ("Host", "Origin")
            )
            print(
                f"monitor: refused {socket.remote_address[0]}, which asked for host {host!r} from "
                f"origin {origin!r} ({self.strangers} so far)",
                flush=True,
            )

    def _page(self, path: str) -> Response:
        if path == "/palette.js":
            return response(200, message.palette_js(), KINDS[".js"])
        if file := self._files.get(path):
            return response(200, file.read_bytes(), KINDS[file.suffix])
        kind, _, name = path.lstrip("/").partition("/")
        skeleton = self._skeletons.get(_number(name))
        if skeleton is None or kind not in ("skeleton", "mesh"):
            return response(404, b"There is nothing here.\n")
        if kind == "skeleton":
            return response(200, message.skeleton_json(skeleton), "application/json")
        return self._mesh(skeleton)

    def _mesh(self, skeleton: Skeleton) -> Response:
        if skeleton.id not in self._meshes:
            try:
                mesh = self._wardrobe.mesh(skeleton)
            except Exception as error:  # the page goes on drawing bones
                return response(404, f"No body for this skeleton: {error}\n".encode())
            if mesh is None:
                return response(503, b"The body is being made.\n")
            if len(self._meshes) >= 64:
                self._meshes.clear()
            self._meshes[skeleton.id] = message.pack_mesh(mesh)
        return response(200, self._meshes[skeleton.id], "application/octet-stream")

    # -- the live socket -----------------------------------------------------------------------

    async def _visit(self, socket: ServerConnection) -> None:
        visitor = Visitor(socket)
        feeding = asyncio.create_task(visitor.feed())
        try:
            await visitor.say(kind="rights", record=False, possible=self.access.possible, said="")
            self.visitors.add(visitor)
            if self.editing is not None and self.editing.described is not None:
                visitor.tell(_session(self.editing))
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

    async def _hear(self, visitor: Visitor, said: Said) -> None:
        match said:
            case Shown():
                await visitor.shown(said.n)
            case Token():
                await self._judge(visitor, said.token[: LONGEST_TOKEN + 1])
            case Start() | Stop() | Marker() | Circle() | Slate() if not visitor.may_record:
                await visitor.say(kind="refused", said="Recording from this page needs the token.")
            case Start():
                self._do(self.takes.start())
            case Stop():
                self._do(self.takes.stop())
            case Marker():
                self._do(self.takes.mark(said.sequence, said.text))
            case Circle():
                self._do(self.takes.circle(said.circled))
            case Slate():
                self._do(self.takes.change(said.words))
            case Note() if not visitor.may_record:
                words = "Noting something from this page needs the token."
                await visitor.say(kind="noted", file=said.file, refused=words)
            case Note():
                self._do(self._note(visitor, said))
            case _ if not visitor.may_record:
                words = "Editing from this page needs the token."
                await visitor.say(kind="edited", op=_op(said), said="", refused=words)
            case _:
                self._do(self._edit(visitor, said))

    async def _edit(self, visitor: Visitor, asked: Edit) -> None:
        """Makes a change and tells who asked what came of it, and everybody what holds now."""
        done, refused = "", "This monitor has no side channel to the stage."
        if self.editing is not None:
            done, refused = await self.editing.change(asked)
            await self._look(self.editing)
        with contextlib.suppress(ConnectionClosed):
            await visitor.say(kind="edited", op=_op(asked), said=done, refused=refused)

    async def _note(self, visitor: Visitor, asked: Note) -> None:
        """Notes something of a take, and tells who asked how it stands then."""
        told: dict[str, Any] = {"refused": ""}
        try:
            if self.shelf is None:
                raise UnderstudyError("This monitor has no library.")
            told["row"] = await self.shelf.note(asked.file, asked.words)
        except UnderstudyError as error:
            told["refused"] = str(error)
        with contextlib.suppress(ConnectionClosed):
            await visitor.say(kind="noted", file=asked.file, **told)

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
        if self._following is not None:
            self._following.cancel()
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()
        self._wardrobe.close()
        if self.shelf is not None:
            self.shelf.close()


def _session(editing: Editing) -> str:
    return msgspec.json.encode({"kind": "session", **(editing.described or {})}).decode()


def _op(said: Edit) -> str:
    return str(type(said).__struct_config__.tag)


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
