"""Stages on the network, by mDNS (RFC 6762, RFC 6763). No bpy, and nothing but Python's own.

A question goes to the group from a port of ours; whoever has an answer sends it to that port.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from typing import NamedTuple

GROUP, PORT = "224.0.0.251", 5353
TYPE = "_understudy._tcp.local"
LOOK_S = 1.2
A, PTR, TXT, SRV = 1, 12, 16, 33
MOST_RECORDS, MOST_JUMPS = 256, 32


class Stage(NamedTuple):
    """A stage that was found; keys: whether it asks for one."""

    name: str
    address: str
    keys: bool


class Record(NamedTuple):
    """One answer: its name and kind, where its content begins in the message, and that content."""

    name: str
    kind: int
    at: int
    content: bytes


def question() -> bytes:
    """Who there is; answers to us alone, please."""
    words = b"".join(bytes([len(word)]) + word.encode() for word in TYPE.split("."))
    return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + words + b"\0" + struct.pack(">2H", PTR, 0x8001)


def records(data: bytes) -> list[Record]:
    """The answers in a message; what cannot be read ends them."""
    found: list[Record] = []
    with contextlib.suppress(struct.error, IndexError, ValueError):
        _, _, questions, *counts = struct.unpack_from(">6H", data)
        at = 12
        for _ in range(questions):
            _, at = _name(data, at)
            at += 4
        for _ in range(min(sum(counts), MOST_RECORDS)):
            name, at = _name(data, at)
            kind, _, _, size = struct.unpack_from(">2HIH", data, at)
            at += 10
            if at + size > len(data):
                break
            found.append(Record(name, kind, at, data[at : at + size]))
            at += size
    return found


def _name(data: bytes, at: int) -> tuple[str, int]:
    """A name, parts of which may stand elsewhere in the message, and where it ends."""
    words: list[str] = []
    end = 0
    for _ in range(MOST_JUMPS):
        size = data[at]
        if size >= 0xC0:
            end = end or at + 2
            at = (size & 0x3F) << 8 | data[at + 1]
            continue
        if not size:
            return ".".join(words), end or at + 1
        word = data[at + 1 : at + 1 + size]
        if len(word) < size:
            break
        words.append(word.decode("utf-8", "replace"))
        at += 1 + size
    raise ValueError("a name without an end")


def stages(messages: list[tuple[bytes, str]]) -> list[Stage]:
    """The stages that messages tell of, each with who sent it; of several addresses that one."""
    found: dict[str, Stage] = {}
    for data, host in messages:
        told = records(data)
        words = {one.name: _words(one.content) for one in told if one.kind == TXT}
        for one in told:
            if one.kind != SRV or len(one.content) < 6:
                continue
            (port,) = struct.unpack_from(">H", one.content, 4)
            said = words.get(one.name, {})
            if said.get("kind") == "stage" and port:
                label = one.name.removesuffix(f".{TYPE}")
                found[one.name] = Stage(label, f"tcp://{host}:{port}", bool(said.get("keys")))
    return sorted(found.values())


def _words(content: bytes) -> dict[str, str]:
    """The words of a TXT record."""
    found, at = {}, 0
    while at < len(content):
        size = content[at]
        name, _, value = content[at + 1 : at + 1 + size].partition(b"=")
        found[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        at += 1 + size
    return found


def cards() -> list[str]:
    """IPv4 addresses of this machine's network cards, as far as Python alone can tell."""
    found = {"0.0.0.0"}
    with contextlib.suppress(OSError):
        found.update(socket.gethostbyname_ex(socket.gethostname())[2])
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((GROUP, PORT))  # which sends nothing
        found.add(one.getsockname()[0])
    return sorted(found)


def look(seconds: float = LOOK_S) -> list[Stage]:
    """Who answers within so long, by every card."""
    heard: list[tuple[bytes, str]] = []
    with contextlib.ExitStack() as stack:
        ears = []
        for card in cards():
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):
                one.setblocking(False)
                if card != "0.0.0.0":
                    one.setsockopt(
                        socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(card)
                    )
                one.sendto(question(), (GROUP, PORT))
                ears.append(one)
        until_s = time.monotonic() + seconds
        while ears and (left_s := until_s - time.monotonic()) > 0.0:
            for one in select.select(ears, [], [], left_s)[0]:
                with contextlib.suppress(OSError):
                    data, peer = one.recvfrom(9000)
                    heard.append((data, peer[0]))
    return stages(heard)
