"""What is wrong with a source that hears nobody, or cannot be read, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from understudy.bridge.protocols.recognition import recognised
from understudy.runtime.core import ports

from .endpoint import LOOPBACK, Endpoint

EVERY = ("0.0.0.0", "::")


def hint(endpoint: Endpoint, figures: Mapping[str, Any], unread: bytes = b"") -> str:
    """One clause for people, "" where all is well: wrong card, another protocol, two senders.

    figures are a source's own; unread is the last datagram that could not be read.
    """
    if "datagrams" not in figures:
        return ""
    if not figures["datagrams"]:
        return _unheard(endpoint)
    if figures.get("damaged") and not figures.get("frames"):
        return _unread(endpoint, unread)
    if figures.get("others") and len(figures.get("senders", ())) and _two(figures):
        return "two senders: end one of them, or send each to a port of its own"
    return ""


def _two(figures: Mapping[str, Any]) -> bool:
    return "is not followed" in str(figures.get("notice", ""))


def _unheard(endpoint: Endpoint) -> str:
    """By which card it listens, where that may be the wrong one."""
    place = f"{endpoint.scheme}://0.0.0.0:{endpoint.port}"
    if endpoint.host == LOOPBACK:
        return f"it hears this machine alone; {place} hears others too"
    if endpoint.host in EVERY or endpoint.host == "multicast":
        return ""
    others = [address for _, address in ports.cards() if address not in (endpoint.host, LOOPBACK)]
    if not others:
        return ""
    return f"it hears the card {endpoint.host} alone, not {', '.join(others)}; {place} hears all"


def _unread(endpoint: Endpoint, unread: bytes) -> str:
    """What it is that comes."""
    scheme, words = recognised(unread)
    if not scheme:
        return "what comes is of no protocol that we know: is it another program's port?"
    if scheme == endpoint.scheme or (scheme, endpoint.scheme) == ("ifacialmocap", "facemotion3d"):
        return f"it is {words}, in a version or a setting that is not read"
    return f"what comes is {words}: listen with {scheme}://, or send it to another port"
