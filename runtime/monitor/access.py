"""Who may record from the page: those that know the token, and no guessing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

from understudy.runtime.core.errors import UnderstudyError

SHORTEST_TOKEN = 8
LONGEST_TOKEN = 256
# Wrong tokens that one address may try in a while.
TRIES = 5
WHILE_S = 60.0
ADDRESSES_KEPT = 1024


def checked_token(text: str) -> str:
    """The token a user asked for, "auto" made a random one; raises a sentence where it is none."""
    if text == "auto":
        return secrets.token_urlsafe(12)
    if not SHORTEST_TOKEN <= len(text) <= LONGEST_TOKEN:
        raise UnderstudyError(
            f"--token has {len(text)} characters; give {SHORTEST_TOKEN} to {LONGEST_TOKEN}, or "
            "`--token auto` for a random one."
        )
    return text


class Access:
    """Judges tokens. Without one of its own it admits nobody.

    refused  wrong tokens so far, those that came too soon included
    """

    def __init__(self, token: str | None) -> None:
        self._digest = None if token is None else _digest(token)
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()
        self.refused = 0

    @property
    def possible(self) -> bool:
        """Whether anybody can be admitted at all."""
        return self._digest is not None

    def refusal(self, given: str, address: str, now_s: float) -> str:
        """ "" where the token is right, else a sentence. `address` is whose tries are counted."""
        if self._digest is None:
            return "This monitor is for watching only; start it with --token to record from here."
        wrong = [at_s for at_s in self._wrong.get(address, ()) if now_s - at_s < WHILE_S]
        if len(wrong) >= TRIES:
            self.refused += 1
            wait_s = WHILE_S - (now_s - wrong[0])
            return f"Too many wrong tokens from here; wait {max(1.0, wait_s):.0f} s."
        # Digests have one length, so the time says nothing about the token's.
        if hmac.compare_digest(self._digest, _digest(given)):
            self._wrong.pop(address, None)
            return ""
        self.refused += 1
        self._wrong[address] = [*wrong, now_s]
        self._wrong.move_to_end(address)
        if len(self._wrong) > ADDRESSES_KEPT:
            self._wrong.popitem(last=False)
        return "That is not the token of this monitor."


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
