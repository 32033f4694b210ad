"""Each protocol sent and heard through real sockets of this machine, the values side by side.

What a user runs when nothing shows up in the engine: if this works, then the codec, the sender and
the sockets do, and the fault lies in the network, the firewall or the receiver.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from understudy.bridge import Publisher, Subscriber
from understudy.bridge.protocols import (
    ProtocolError,
    freed,
    livelinkface,
    opentrackio,
    opentrackio_packet,
    rokoko,
)
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import ports
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.errors import UnderstudyError

from . import target
from .sender import KNOWN, Output
from .test_signal import VALUES, Values, frame

PROTOCOLS = (*KNOWN, "wire")
RATE_HZ = 60.0


@dataclass(slots=True)
class Heard:
    """What came of the frames that were sent.

    differing  names of values that did not come back as they went
    last       the last frame's values: name, sent, received
    """

    where: str
    sent: int = 0
    received: int = 0
    datagrams: int = 0
    bytes: int = 0
    unreadable: int = 0
    latency_ms: list[float] = field(default_factory=list)
    last: list[tuple[str, float | str, float | str]] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    reason: str = ""


def _feeder(protocol: str) -> Callable[[bytes], list[Any]]:
    """Takes a datagram, gives the messages that it completes: what a source does."""
    if protocol == "vmc":
        return Accumulator().feed
    if protocol == "opentrackio":
        joiner = opentrackio_packet.Reassembler()
        read = {
            opentrackio_packet.Encoding.JSON: opentrackio.from_json,
            opentrackio_packet.Encoding.CBOR: opentrackio.from_cbor,
        }

        def feed(data: bytes) -> list[Any]:
            whole = joiner.feed(data, time.monotonic())
            return [read[whole[0]](whole[1])] if whole else []

        return feed
    decode: dict[str, Callable[[bytes], Any]] = {
        "freed": freed.decode,
        "livelinkface": livelinkface.decode,
        "rokoko": rokoko.decode,
    }
    return lambda data: [decode[protocol](data)]


def run(
    protocol: str,
    port: int | None = None,
    frames: int = 60,
    options: Mapping[str, str] | None = None,
    multicast: bool = False,
    timeout_s: float = 1.0,
) -> Heard:
    """Sends frames of a protocol to this machine and hears them.

    port is the protocol's own where None, and any free one where 0; options are the output's;
    timeout_s is how long a frame is waited for.
    """
    options = dict(options or {})
    if protocol == "wire":
        return _wire(port, frames, timeout_s)
    port = KNOWN[protocol].PORT if port is None else port
    host = "multicast" if multicast else "127.0.0.1"
    # What is wrong with the options is said before a port is asked for.
    Output(target.parse(f"{protocol}://{host}:{port or 1}", KNOWN, options)).close()
    with _ears(protocol, port, options if multicast else None) as ears:
        port = ears.getsockname()[1]
        to = target.parse(f"{protocol}://{host}:{port}", KNOWN, options)
        output = Output(to)
        with contextlib.closing(output):
            heard = Heard(f"udp {output.address[0]}:{port}")
            _converse(output, ears, heard, frames, timeout_s)
    return heard


def send(
    protocol: str, host: str, port: int | None, frames: int, options: Mapping[str, str]
) -> Output:
    """Sends the same performer to a receiver elsewhere; the output tells how that went, closed."""
    line = f"{protocol}://{host}" + (f":{port}" if port else "")
    with contextlib.closing(Output(target.parse(line, KNOWN, options))) as output:
        # A tick that was skipped is a frame that goes later, not one that is missing.
        for number, _ in zip(range(frames), Clock(RATE_HZ).ticks()):
            output.offer(frame(number), number / RATE_HZ)
            output.send_due(number / RATE_HZ)
    return output


def _wire(port: int | None, frames: int, timeout_s: float) -> Heard:
    """The same over our own wire: a publisher and a subscriber."""
    port = 5570 if port is None else port
    if port and (who := ports.owner(port, "tcp")):
        raise UnderstudyError(
            f"Port {port} of the wire is taken by {who}; if that is your stage, listen to it with "
            "`understudy listen`, or try another port with --port 0."
        )
    with Publisher(f"tcp://127.0.0.1:{port or '*'}") as publisher:
        heard = Heard(publisher.address)
        with Subscriber(publisher.address) as subscriber:
            # A subscription takes a moment to reach the publisher; until then nobody is there.
            until_s = time.monotonic() + timeout_s
            while not heard.received and time.monotonic() < until_s:
                publisher.publish(frame(0))
                heard.received = subscriber.receive(0.02) is not None
            while subscriber.receive(0.02) is not None:
                pass
            for number in range(frames if heard.received else 0):
                one = frame(number)
                now_s = time.monotonic()
                publisher.publish(one)
                heard.sent += 1
                got = subscriber.receive(timeout_s)
                if got is None:
                    break
                heard.latency_ms.append(1e3 * (time.monotonic() - now_s))
                _compare(heard, VALUES["wire"](one), VALUES["wire"](got))
        heard.received = len(heard.latency_ms)
        heard.datagrams, heard.bytes = publisher.published, publisher.bytes
        if heard.received < frames:
            heard.reason = f"Nothing came on {heard.where} within {timeout_s:g} s."
    return heard


def _ears(protocol: str, port: int, group: dict[str, str] | None) -> socket.socket:
    """A socket that hears what a receiver of this protocol would."""
    ears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if group is None:
            ears.bind(("127.0.0.1", port))
        else:
            ears.bind(("", port))
            address = opentrackio_packet.GROUP.format(group.get("source", "1"))
            card = group.get("interface", "0.0.0.0")
            ears.setsockopt(
                socket.IPPROTO_IP,
                socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton(address) + socket.inet_aton(card),
            )
    except OSError as error:
        ears.close()
        raise UnderstudyError(_refusal(protocol, port, error, "udp")) from None
    return ears


def _refusal(protocol: str, port: int, error: OSError, kind: str) -> str:
    if error.errno == errno.EADDRINUSE:
        who = ports.owner(port, kind) or "another program"
        return (
            f"Port {port} of {protocol} is taken by {who}, so nothing else on this machine can "
            "hear it; end that program, or try another port with --port 0."
        )
    return f"Port {port} of {protocol} cannot be listened on: {error.strerror}."


def _converse(
    output: Output, ears: socket.socket, heard: Heard, frames: int, timeout_s: float
) -> None:
    """Sends a frame, waits for it, and so on; stops where nothing comes at all."""
    feed, values = _feeder(output.target.scheme), VALUES[output.target.scheme]
    # Of messages that come one by one nobody knows which is a frame's last, and the bones are
    # waited for; what stands behind them may be the frame's before.
    may_lag = not getattr(output.target.options, "bundle", True)
    before: Values = {}
    for number in range(frames):
        now_s = time.monotonic()
        one = frame(number)
        said = values(output.encoder.message(one, number / RATE_HZ))
        output.offer(one, number / RATE_HZ)
        output.send_due(number / RATE_HZ + output.target.options.delay_s)
        heard.sent += 1
        if output.reason:
            heard.reason = output.reason
            return
        got = _await(ears, feed, heard, now_s + timeout_s)
        if got is None and number == 0:
            before = said
            continue  # where a frame ends may have to be learned from the second one
        if got is None:
            heard.reason = f"Nothing came on {heard.where} within {timeout_s:g} s."
            return
        heard.received += 1
        heard.latency_ms.append(1e3 * (time.monotonic() - now_s))
        _compare(heard, said, values(got), before if may_lag else {})
        before = said


def _await(
    ears: socket.socket, feed: Callable[[bytes], list[Any]], heard: Heard, until_s: float
) -> Any:
    """The newest message that has come whole; None where none comes in time."""
    newest = None
    while True:
        # Once there is one, only what lies in the socket already is read.
        left_s = 0.0 if newest is not None else until_s - time.monotonic()
        ears.settimeout(max(0.0, left_s))
        try:
            data = ears.recv(65535)
        except (TimeoutError, BlockingIOError):
            return newest
        heard.datagrams += 1
        heard.bytes += len(data)
        try:
            whole = feed(data)
        except ProtocolError as error:
            heard.unreadable += 1
            heard.reason = str(error)
            continue
        newest = whole[-1] if whole else newest


def _compare(heard: Heard, said: Values, came: Values, before: Values | None = None) -> None:
    heard.last = [(name, value, came.get(name, "")) for name, value in said.items()]
    for name, sent, received in heard.last:
        late = before is not None and name in before and _same(before[name], received)
        if not _same(sent, received) and not late and name not in heard.differing:
            heard.differing.append(name)


def _same(sent: float | str, received: float | str) -> bool:
    if isinstance(sent, str) or isinstance(received, str):
        return sent == received
    return abs(sent - received) <= 1e-3 + 1e-6 * abs(sent)
