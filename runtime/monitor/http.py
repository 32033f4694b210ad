"""Which requests the monitor answers: their form, and the host and origin that they name.

A page of another site that has its name point here (DNS rebinding) would be of one origin with us
for the browser, and could watch and record. It cannot change the name, so the name is judged.
"""

from __future__ import annotations

import asyncio
import http
import ipaddress
import re
import socket as tcp
from collections.abc import Iterable

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

LARGEST_HEAD = 16 << 10
MOST_HEADERS = 100
# How long a refused sender may go on sending: hung up on at once, it would not read why.
PARTING_S = 2.0
# A request is here by then; its answer may take as long as the export of a long take.
HEAD_S, ANSWER_S = 10.0, 3600.0
METHODS = ("GET", "HEAD")

# Nothing from elsewhere, and no page of others around ours: a frame could steal a tap on Record.
GUARDS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; "
    "img-src 'self' data:; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*)")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[0-9A-Za-z_.-]{1,253})(?::(\d{1,5}))?")


def response(
    status: int, body: bytes, kind: str = "text/plain; charset=utf-8", **more: str
) -> Response:
    """An answer after which the connection ends."""
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-cache",
            "Connection": "close",
            **GUARDS,
            **more,
        }
    )
    return Response(status, http.HTTPStatus(status).phrase, headers, body)


def refused_head(head: bytes) -> Response | None:
    """The answer to a request's line and headers that we do not read; None where we do."""
    line, *lines = head.split(b"\r\n")
    if len(lines) > MOST_HEADERS or len(head) > LARGEST_HEAD:
        return response(431, b"The headers of this request are too large.\n")
    asked = _LINE.fullmatch(line)
    if asked is None:
        return response(400, b"This is no request of HTTP/1.1.\n")
    if asked[1].decode() not in METHODS:
        return response(405, b"Pages here can only be read.\n", Allow=", ".join(METHODS))
    for text in lines:
        header = _HEADER.fullmatch(text)
        if header is None:
            return response(400, b"A header of this request cannot be read.\n")
        name, value = header[1].lower(), header[2].strip()
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return response(400, b"A request to read a page has no body.\n")
    return None


class PageConnection(ServerConnection):
    """websockets' connection, which also answers requests that its parser hangs up on."""

    _head: bytearray | None = None
    _refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head = bytearray()
        super().connection_made(transport)
        self.loop.call_later(HEAD_S, self._tire)

    def _tire(self) -> None:
        """Whoever has not asked by now keeps a connection for nothing."""
        if self._head is not None and not self._refused:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._head is None:
            super().data_received(data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        # A browser that was told https:// begins with a byte that no method begins with.
        if end < 0 and len(self._head) <= LARGEST_HEAD and self._head[:1].isalpha():
            return
        answer = refused_head(bytes(self._head[:end] if end >= 0 else self._head))
        if answer is None:
            head, self._head = bytes(self._head), None
            super().data_received(head)
            return
        self._refused = True
        self.transport.write(answer.serialize())
        self.transport.write_eof()
        self.loop.call_later(PARTING_S, self.transport.close)


class Hosts:
    """The names that the page goes by: the address it is reached at, this machine's, and more."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        own = tcp.gethostname().lower().rstrip(".")
        short = own.partition(".")[0]
        self.names = {"localhost", own, short, f"{short}.local", *(one.lower() for one in more)}

    def refusal(self, request: Request, reached: str) -> Response | None:
        """The answer to a request for somebody else, or from somebody else's page; else None.

        reached  the address of ours that the connection came to
        """
        hosts, origins = (request.headers.get_all(name) for name in ("Host", "Origin"))
        asked = _parted(hosts[0]) if len(hosts) == 1 else None
        if asked is None:
            return response(400, b"A request names one host, in one header.\n")
        if len(origins) > 1:
            return response(400, b"A request has one origin.\n")
        if not self._ours(asked[0], reached):
            return response(
                403,
                f"This monitor does not go by the name {asked[0]}; if it should, start it with "
                f"--host {asked[0]} added.\n".encode(),
            )
        if origins and not _same(origins[0], asked):
            return response(403, b"This page is not of this monitor.\n")
        return None

    def _ours(self, host: str, reached: str) -> bool:
        if host in self.names:
            return True
        try:
            there, here = (ipaddress.ip_address(one.partition("%")[0]) for one in (host, reached))
        except ValueError:
            return False
        return there in (here, getattr(here, "ipv4_mapped", None)) or (
            there.is_loopback and here.is_loopback
        )


def is_name(text: str) -> bool:
    """Whether a host may be called so."""
    return _HOST.fullmatch(text) is not None and ":" not in text and "[" not in text


def _parted(host: str) -> tuple[str, int | None] | None:
    """Name and port of a Host header; None where it is none."""
    match = _HOST.fullmatch(host.strip())
    if match is None or (match[2] and int(match[2]) > 65535):
        return None
    return match[1].strip("[]").lower().removesuffix("."), int(match[2]) if match[2] else None


def _same(origin: str, asked: tuple[str, int | None]) -> bool:
    """Whether a page of this origin is the one that is asked for."""
    scheme, _, rest = origin.partition("://")
    theirs = _parted(rest)
    usual = {"http": 80, "https": 443}.get(scheme.lower())
    if theirs is None or usual is None:
        return False
    return theirs[0] == asked[0] and (theirs[1] or usual) == (asked[1] or usual)
