"""ZeroMQ addresses: which of them stay on this machine, and what it means when one is refused."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket as tcp

import zmq

from understudy.runtime.core.errors import UnderstudyError

PUBLISH = "tcp://127.0.0.1:5570"
CONTROL = "tcp://127.0.0.1:5571"

_TCP = re.compile(r"tcp://(?P<host>\[[0-9a-fA-F:.%]+\]|[^:\[\]/]+):(?P<port>\d{1,5}|\*)")


def checked(address: str) -> str:
    """The address, `localhost` made a number; raises a sentence where it is no address."""
    if address.startswith(("ipc://", "inproc://")) and len(address.partition("://")[2]) > 0:
        return address
    match = _TCP.fullmatch(address)
    if match is None or (match["port"] != "*" and int(match["port"]) > 65535):
        raise UnderstudyError(f"{address!r} is not an address; write it like {PUBLISH}.")
    # Not every system resolves the name to the IPv4 loopback that the other side listens on.
    return address.replace("//localhost:", "//127.0.0.1:")


def is_local(address: str) -> bool:
    """Whether an address can be reached from this machine only."""
    match = _TCP.fullmatch(address)
    if match is None:
        return True
    try:
        return ipaddress.ip_address(match["host"].strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return match["host"] == "localhost"


def is_itself(source: str, bound: str) -> bool:
    """Whether who connects to `source` reaches `bound`, which listens on this machine."""
    ours, theirs = _TCP.fullmatch(bound), _TCP.fullmatch(checked(source))
    if ours is None or theirs is None:
        return checked(source) == bound
    if ours["port"] != theirs["port"]:
        return False
    host = theirs["host"].strip("[]")
    if ours["host"] not in ("0.0.0.0", "[::]"):
        return ours["host"].strip("[]") == host
    # Only an address of this machine can be listened on.
    family = tcp.AF_INET6 if ":" in host else tcp.AF_INET
    with tcp.socket(family, tcp.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def bind(socket: zmq.Socket, address: str, insecure: bool, what: str, keyed: bool = False) -> str:
    """Binds the socket; returns the address it got, with the port where `*` was asked for.

    Beyond this machine it asks for keys, or for the word of the user that none are wanted.
    """
    address = checked(address)
    if not (keyed or insecure or is_local(address)):
        raise UnderstudyError(
            f"{address} can be reached from other machines and the {what} was given no keys: make "
            "one with `understudy keys new NAME` and add --keys, or add --insecure if everyone on "
            "that network may listen and steer."
        )
    if address.startswith("tcp://["):
        socket.ipv6 = True
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        raise UnderstudyError(_refusal(address, what, error)) from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def connect(socket: zmq.Socket, address: str) -> None:
    """Connects the socket, now or whenever somebody listens there."""
    address = checked(address)
    if address.startswith("tcp://["):
        socket.ipv6 = True
    try:
        socket.connect(address)
    except zmq.ZMQError as error:
        raise UnderstudyError(f"Cannot connect to {address}: {error.strerror}.") from None


def notice_the_dead(socket: zmq.Socket) -> None:
    """Lets go of a peer that died without a word, after some 5 s; before bind or connect.

    TCP's own means. ZeroMQ's heartbeats abort the process (libzmq 4.3.5, out_event) when one falls
    due after a peer hung up while its messages were waiting to be read: anyone could end a stage.
    """
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = 2
    socket.tcp_keepalive_intvl = 1
    socket.tcp_keepalive_cnt = 3
    socket.setsockopt(zmq.TCP_MAXRT, 5000)


def _refusal(address: str, what: str, error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"The {what} cannot listen on {address}: another program does already; end it "
            f"(`understudy doctor` names it) or give another port."
        )
    if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
        return f"The {what} cannot listen on {address}: this machine has no such interface."
    if error.errno == errno.EACCES:
        return f"The {what} may not listen on {address}; take a port above 1023."
    return f"The {what} cannot listen on {address}: {error.strerror}."
