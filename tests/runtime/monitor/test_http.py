"""Bad days at the page's port: names that are not ours, methods, headers, paths, garbage."""

from __future__ import annotations

import asyncio
import socket as tcp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeaderValue, InvalidStatus
from websockets.http11 import Request

from tests.runtime.monitor.test_server import Stage, served
from understudy.runtime.cli.monitor import hosts
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.monitor.http import LARGEST_HEAD, Hosts, refused_head
from understudy.runtime.monitor.server import Server

OWN = tcp.gethostname().lower()


async def sent(port: int, content: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = dict(one.split(": ", 1) for one in lines)
    return int(line.split()[1]), headers, body


def asked(port: int, line: str = "GET / HTTP/1.1", **headers: str) -> bytes:
    lines = [line, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).replace("PORT", str(port)).encode()


@pytest.mark.parametrize("path", ["/", "/monitor.js", "/live", "/skeleton/0", "/none"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:PORT", "127.0.0.1.evil.example:PORT", "localhost.evil.example",
     "10.9.8.7:PORT", "127.0.0.1@evil.example", "[::2]:PORT"],
)  # fmt: skip
def test_a_request_for_another_host_gets_no_page(host, path):
    """DNS rebinding: a page of evil.example whose name now points to us."""

    async def test(server: Server, port: int, stage: Stage) -> None:
        status, _, body = await sent(port, asked(port, f"GET {path} HTTP/1.1", Host=host))
        assert status in (400, 403) and b"<html" not in body
        if status == 403:
            assert b"--host" in body and server.strangers == 1

    served(test)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:PORT", "127.0.0.1", "localhost:PORT", "LocalHost", "localhost.:PORT",
     "[::1]:PORT", OWN, f"{OWN}:PORT", "show.example:PORT", "Show.Example"],
)  # fmt: skip
def test_a_request_by_an_address_or_name_of_ours_gets_the_page(host):
    async def test(server: Server, port: int, stage: Stage) -> None:
        status, _, body = await sent(port, asked(port, Host=host))
        assert status == 200 and b'src="monitor.js"' in body
        assert server.strangers == 0

    served(test, names=["show.example"])


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:PORT", "http://evil.example:PORT"),  # rebinding: one origin for the browser
        ("127.0.0.1:PORT", "http://elsewhere.example"),
        ("127.0.0.1:PORT", "http://127.0.0.1:1"),
        ("127.0.0.1:PORT", "http://localhost:PORT"),
        ("127.0.0.1:PORT", "null"),
        ("127.0.0.1:PORT", "file://"),
        ("127.0.0.1:PORT", "http://127.0.0.1:PORT.evil.example"),
        ("show.example", "http://show.example:8000"),
    ],
)
def test_no_live_socket_opens_for_the_pages_of_others(host, origin):
    async def test(server: Server, port: int, stage: Stage) -> None:
        words = {"Host": host, "Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade"}
        words |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
        status, _, _ = await sent(port, asked(port, "GET /live HTTP/1.1", **words))
        assert status == 403 and server.strangers == 1

    served(test, names=["show.example"])


def test_a_live_socket_opens_for_our_own_page_behind_a_proxy_too():
    async def test(server: Server, port: int, stage: Stage) -> None:
        await connect(f"ws://127.0.0.1:{port}/live", origin=f"http://127.0.0.1:{port}")
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"ws://127.0.0.1:{port}/live", origin="https://show.example")

    served(test, names=["show.example"])
    hosts = Hosts(["show.example"])
    for host, origin in (
        ("show.example", "https://show.example"),
        ("show.example:443", "https://show.example"),
        ("show.example:8443", "https://Show.Example:8443"),
        ("192.168.1.7:8080", "http://192.168.1.7:8080"),
        ("[fe80::1]:8080", "http://[fe80::1]:8080"),
    ):
        reached = "192.168.1.7" if "192" in host else "fe80::1%eth0" if "fe80" in host else "::1"
        assert hosts.refusal(Request("/live", Headers(Host=host, Origin=origin)), reached) is None
    assert hosts.refusal(Request("/", Headers(Host="192.168.1.7")), "::ffff:192.168.1.7") is None
    assert hosts.refusal(Request("/", Headers(Host="192.168.1.8")), "192.168.1.7") is not None


@pytest.mark.parametrize(
    "lines",
    [
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nhost: evil.example",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost:",
        "GET / HTTP/1.1\r\nHost: a b",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:99999",
        "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nOrigin: null",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nno header",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n folded",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5",
        "GET / HTTP/2.0\r\nHost: 127.0.0.1",
        "GET /\r\nHost: 127.0.0.1",
        "GET /\xe4 HTTP/1.1\r\nHost: 127.0.0.1",
        "\x16\x03\x01\x02",
        "hello",
    ],
)
def test_what_is_no_sound_request_is_answered_400(lines):
    async def test(server: Server, port: int, stage: Stage) -> None:
        status, headers, body = await sent(port, lines.encode("latin1") + b"\r\n\r\n")
        assert status == 400 and body.endswith(b".\n")
        assert headers["X-Content-Type-Options"] == "nosniff"

    served(test)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
@pytest.mark.parametrize("path", ["/", "/live", "/skeleton/0"])
def test_pages_are_only_read(method, path):
    async def test(server: Server, port: int, stage: Stage) -> None:
        content = asked(port, f"{method} {path} HTTP/1.1", Host="127.0.0.1:PORT")
        for bytes_ in (content, content[:-2] + b"Content-Length: 4\r\n\r\nx=12"):
            status, headers, body = await sent(port, bytes_)
            assert (status, headers["Allow"]) == (405, "GET, HEAD")
            assert b"<html" not in body

    served(test)


def test_head_is_the_page_without_its_body():
    async def test(server: Server, port: int, stage: Stage) -> None:
        _, whole, body = await sent(port, asked(port, Host="127.0.0.1"))
        status, headers, nothing = await sent(
            port, asked(port, "HEAD / HTTP/1.1", Host="127.0.0.1")
        )
        assert (status, nothing) == (200, b"")
        assert headers == whole and int(headers["Content-Length"]) == len(body)

    served(test)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"X": "x" * 9000}, 431),
        ({"X": "x" * (LARGEST_HEAD + 10)}, 431),
        ({f"X-{n}": "x" for n in range(200)}, 431),
        ({"Cookie": "x" * 4000}, 200),
    ],
)
def test_huge_headers_are_refused_and_nobody_else_notices(words, status):
    async def test(server: Server, port: int, stage: Stage) -> None:
        got, _, _ = await sent(port, asked(port, Host="127.0.0.1", **words))
        assert got == status
        assert (await sent(port, asked(port, Host="127.0.0.1")))[0] == 200

    served(test)


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/page/../../access.py", "/%2e%2e/server.py", "/..%2fserver.py",
     "/%2e%2e%2f%2e%2e%2fetc/passwd", "//etc/passwd", "/etc/passwd", "/\\..\\server.py", "/.",
     "/mesh/../monitor.js", "http://127.0.0.1/../server.py", "/monitor.js%00.html", "/page/", "*"],
)  # fmt: skip
def test_no_path_leads_out_of_the_page(path):
    async def test(server: Server, port: int, stage: Stage) -> None:
        status, _, body = await sent(port, asked(port, f"GET {path} HTTP/1.1", Host="127.0.0.1"))
        assert status in (400, 404) and b"import" not in body and b"root:" not in body

    served(test)


def test_a_request_may_come_a_byte_at_a_time():
    async def test(server: Server, port: int, stage: Stage) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in asked(port, Host="127.0.0.1"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()

    served(test)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_of_requests_fail(content):
    answer = refused_head(content)
    assert answer is None or answer.status_code in (400, 405, 431)


words = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)


@given(words, words, st.sampled_from(["127.0.0.1", "::1", "?"]))
def test_no_host_or_origin_makes_the_judge_fail(host, origin, reached):
    request = Request("/", Headers())
    try:
        request.headers["Host"], request.headers["Origin"] = host, origin
    except InvalidHeaderValue:  # websockets reads no such header
        return
    answer = Hosts().refusal(request, reached)
    assert answer is not None and answer.status_code in (400, 403)


def test_addresses_say_where_to_listen_and_names_by_what_to_be_asked():
    assert hosts([]) == ("127.0.0.1", [])
    assert hosts(["localhost"]) == ("127.0.0.1", [])
    assert hosts(["0.0.0.0", "show.example", "stage"]) == ("0.0.0.0", ["show.example", "stage"])
    assert hosts(["show.example"]) == ("127.0.0.1", ["show.example"])
    assert hosts(["[::1]"]) == ("::1", [])
    assert hosts(["0.0.0.0", "a", "10.1.2.3"]) == ("0.0.0.0", ["10.1.2.3", "a"])
    for wrong in (["http://show.example"], ["show.example:80"], ["a b"], [""]):
        with pytest.raises(UnderstudyError, match="--host"):
            hosts(wrong)
