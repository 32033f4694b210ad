"""A connecting socket's handshake: with which key, and why it is not let in."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import zmq

from understudy.bridge.security import address as addresses

from .access import NOT_HERE, SocketMonitor
from .keys import Key, read_for_stage

# Told in so many words that it is not let in, libzmq gives up for good; we do not.
AGAIN_S = 1.0
# With a wrong stage's key libzmq goes on knocking, and at the usual 50 ms that is a nuisance.
KEYED_RECONNECT_MS = 200
# A stage that ends breaks off greetings too; one that does it time after time means it.
PATIENCE = 2

_FINAL = (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_FAILED = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, *_FINAL)
_HEARD = (
    zmq.EVENT_CONNECT_DELAYED
    | zmq.EVENT_CONNECT_RETRIED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)


class Handshake:
    """Connects a socket, and says in `trouble` why the stage does not let it in; "" otherwise.

    `poll` it often, from the socket's thread. failures counts greetings that failed in a row.
    """

    def __init__(self, socket: zmq.Socket, address: str, key: Key | str | Path | None) -> None:
        self.trouble = ""
        self.address = addresses.checked(address)
        self._key = key if isinstance(key, Key) or key is None else read_for_stage(key)
        self._socket = socket
        self.failures = 0
        self.greeted = False  # whether the other side has let it in, at least once
        self.connected = False  # and is there now; all that came of one that is gone can be read
        self._again_s = float("inf")
        if self._key is not None:
            socket.curve_serverkey = self._key.server.encode()
            socket.curve_publickey = self._key.public.encode()
            socket.curve_secretkey = self._key.secret.encode()
            socket.reconnect_ivl = KEYED_RECONNECT_MS
        self._monitor = SocketMonitor(
            socket, _HEARD, kept=0
        )  # a program that never turns it stops no other
        try:
            addresses.connect(socket, self.address)
        except BaseException:
            self.close()
            raise

    @property
    def events(self) -> zmq.Socket:
        """Readable when there is something to poll for."""
        return self._monitor.socket

    @property
    def wait_s(self) -> float:
        """How long it may be left alone."""
        return max(0.0, self._again_s - time.monotonic())

    def poll(self) -> str:
        """Reads what happened, knocks again in time; returns the trouble."""
        while (told := self._monitor.next()) is not None:
            event, value = told
            if event == zmq.EVENT_DISCONNECTED:  # of one that was refused, too
                self.connected = False
                continue
            self._again_s = float("inf")
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.failures, self.trouble, self.greeted, self.connected = 0, "", True, True
            elif event in _FAILED:
                self.failures += 1
                self.trouble = self._why(event, value) or self.trouble
                if event in _FINAL:
                    self._again_s = time.monotonic() + AGAIN_S
        if time.monotonic() >= self._again_s:
            self._again_s = float("inf")
            with contextlib.suppress(zmq.ZMQError):  # it may have forgotten the address itself
                self._socket.disconnect(self.address)
            addresses.connect(self._socket, self.address)
        return self.trouble

    def _why(self, event: int, value: int) -> str:
        where, key = self.address, self._key
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH and key is not None:
            if value == NOT_HERE:
                return (
                    f"The key {key.name!r} may not listen to the stage at {where}; on its machine, "
                    "`understudy keys list` shows who may what, and `understudy keys may NAME "
                    "listen` lets one."
                )
            return (
                f"The stage at {where} does not let the key {key.name!r} in; on its machine, "
                "`understudy keys list` shows who is let in and `understudy keys new` makes a key."
            )
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            if key is None:
                return (
                    f"The stage at {where} asks for a key: give --key FILE, made with "
                    "`understudy keys new NAME` on its machine."
                )
            return f"The stage at {where} has no keys: leave out --key, or start it with --keys."
        if self.failures < PATIENCE:
            return ""
        if key is None:
            return (
                f"Whatever listens on {where} breaks off the greeting: it is no stage of ours, or "
                "asks for a key (--key FILE)."
            )
        return (
            f"The key {key.name!r} is for another stage than the one at {where}, or that one's own "
            "key is new: make one with `understudy keys new NAME` on its machine."
        )

    def close(self) -> None:
        """Before the socket itself closes."""
        self._monitor.close()
