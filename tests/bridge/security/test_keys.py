"""Keys on real sockets: who is let in, who is not, and that nobody else notices."""

from __future__ import annotations

import contextlib
import os
import socket as tcp
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq.auth

from tests.bridge.things import small_frame
from understudy.bridge import ControlClient, ControlServer, Publisher, Subscriber
from understudy.bridge.security import access as connections
from understudy.bridge.security import keys
from understudy.bridge.security.access import AccessControl, ConnectionMonitor
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.processes import free_ports

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 20.0


class Show:
    """A publisher and a control socket behind one access, and a thread that is their loop."""

    def __init__(self, folder: Path, keyed: bool = True) -> None:
        self.ring = Keyring(folder / "keys")
        self.key = self.ring.new("tablet", folder)
        self.access = AccessControl(self.ring) if keyed else None
        self.publisher = Publisher(ANYWHERE, access=self.access)
        self.control = ControlServer(ANYWHERE, access=self.access)
        self.asked: list = []  # what the stage would do
        self._ending = threading.Event()
        self._loop = threading.Thread(target=self._run)
        self._loop.start()

    def _run(self) -> None:
        sequence = 0
        while not self._ending.wait(0.002):
            sequence += 1
            self.publisher.publish(small_frame(sequence))
            for request in self.control.poll():
                self.asked.append(request)
                self.control.reply(request, stats={}, style={})

    @property
    def monitors(self) -> dict[str, tuple[str, ConnectionMonitor]]:
        return {
            "publish": (self.publisher.address, self.publisher.connections),
            "control": (self.control.address, self.control.connections),
        }

    def close(self) -> None:
        self._ending.set()
        self._loop.join()
        self.publisher.close()
        self.control.close()
        if self.access is not None:
            self.access.close()


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    with contextlib.closing(Show(tmp_path)) as one:
        yield one


@pytest.fixture
def open_show(tmp_path: Path) -> Iterator[Show]:
    with contextlib.closing(Show(tmp_path, keyed=False)) as one:
        yield one


def until(what: Callable[[], object], turn: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        turn()
        threading.Event().wait(0.002)


@contextlib.contextmanager
def undisturbed(show: Show, key: object) -> Iterator[None]:
    """A sound subscriber beside what the block does, which loses nothing by it."""
    with Subscriber(show.publisher.address, key=key, timeout_s=PATIENCE_S) as sound:
        first = next(sound).sequence
        ending = threading.Event()
        heard = [first]

        def listen() -> None:
            while not ending.is_set():
                frame = sound.receive(0.1)
                if frame is not None:
                    heard.append(frame.sequence)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield
        finally:
            count = len(heard)
            until(lambda: len(heard) > count)  # it still hears
            ending.set()
            listener.join()
    assert heard == list(range(first, first + len(heard)))
    assert (sound.statistics.lost, sound.statistics.malformed) == (0, 0)


def refused(subscriber: Subscriber) -> str:
    """What a subscriber says that is not let in."""
    until(lambda: subscriber.trouble, lambda: subscriber.receive(0.05))
    assert subscriber.statistics.frames == 0
    return subscriber.trouble


def test_the_right_key_opens_both_sockets(show):
    with (
        Subscriber(show.publisher.address, key=show.key, timeout_s=PATIENCE_S) as every,
        Subscriber(show.publisher.address, key=show.key, newest=True, timeout_s=PATIENCE_S) as new,
        ControlClient(show.control.address, key=show.key) as client,
    ):
        assert next(every).subjects[0].name == next(new).subjects[0].name == "Ann 0"
        assert client.hello()["schema"] == 1
        assert (every.trouble, new.trouble, client.trouble) == ("", "", "")
    assert show.access.admitted == 4 and show.access.denied == 0


def test_the_stages_own_programs_have_a_key(show):
    with ControlClient(show.control.address, key=show.ring.local) as client:
        assert client.stats() == {}


@pytest.fixture
def strangers(show, tmp_path) -> dict[str, tuple[object, str, str]]:
    """Keys that open nothing: what the client is to say, and the stage to count."""
    server = show.access.key.public
    own, other = keys.read(show.key), keys.make("other")
    Keyring(tmp_path / "elsewhere").new("guest", tmp_path)
    show.ring.new("gone", tmp_path)
    show.ring.revoke("gone")
    return {
        "not let in": (keys.make("nobody", server), "does not let the key 'nobody' in", "not let"),
        "revoked": (tmp_path / "gone.key", "does not let the key 'gone' in", "not let in"),
        "another stage": (tmp_path / "guest.key", "another stage", "another stage"),
        "false secret": (
            keys.Key("false", own.public, other.secret, server),
            "another stage",
            "another stage",
        ),
        "none": (None, "--key", "key"),
    }


@pytest.mark.parametrize("who", ["not let in", "revoked", "another stage", "false secret", "none"])
def test_a_stranger_is_refused_on_both_sockets_told_why_and_counted(show, strangers, who):
    key, says, counted = strangers[who]
    with undisturbed(show, show.key):
        with Subscriber(show.publisher.address, key=key) as subscriber:
            assert says in refused(subscriber)
        with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
            with pytest.raises(UnderstudyError, match=says):
                client.hello()
        for _, one in show.monitors.values():
            until(lambda one=one: one.refused >= 1)
            assert all(counted in why for why in one.refusals), one.refusals
            assert one.news().startswith("refused connections: ")
            until(lambda one=one: one.news() == "")
    if who in ("not let in", "revoked"):
        name, address = show.access.last_denied[connections.UNLISTED]
        assert address == "127.0.0.1" and len(name.removesuffix("...")) == 6


def test_a_key_where_none_is_asked_for_is_told_so(open_show):
    with Subscriber(open_show.publisher.address, key=open_show.key) as subscriber:
        assert "has no keys" in refused(subscriber)
    until(lambda: open_show.publisher.connections.refused)


def test_who_is_let_in_later_comes_in_by_itself(show):
    late = keys.make("late", show.access.key.public)
    with Subscriber(show.publisher.address, key=late) as subscriber:
        assert "late" in refused(subscriber)
        show.ring.allow(keys.Key("late", late.public))
        assert subscriber.receive(PATIENCE_S) is not None
        assert subscriber.trouble == ""


def test_a_revoked_key_is_cut_off_while_it_listens(show, tmp_path):
    guest = show.ring.new("guest", tmp_path)
    with (
        Subscriber(show.publisher.address, key=guest, timeout_s=PATIENCE_S) as subscriber,
        ControlClient(show.control.address, key=guest, timeout_s=PATIENCE_S) as client,
        Subscriber(show.publisher.address, key=show.key, timeout_s=PATIENCE_S) as sound,
    ):
        next(subscriber), next(sound), client.hello()
        show.ring.revoke("guest")
        until(lambda: subscriber.trouble, lambda: subscriber.receive(0.05))
        assert "guest" in subscriber.trouble
        while subscriber.receive() is not None:  # what was under way
            pass
        assert subscriber.receive(0.5) is None
        with pytest.raises(UnderstudyError, match="guest"):
            client.hello()
        # Whoever came from the same machine is back at once.
        sequence = next(sound).sequence
        until(lambda: sound.receive(0.1).sequence > sequence + 300)
        assert sound.trouble == "" and sound.statistics.restarts == 0


def greeting(mechanism: bytes = b"NULL") -> bytes:
    start = b"\xff" + bytes(8) + b"\x7f\x03\x01"
    return start + mechanism.ljust(20, b"\0") + bytes(32)


def ready() -> bytes:
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"SUB"
    return b"\x04" + bytes([len(body)]) + body


HUGE = struct.pack(">Q", 2 << 30) + bytes(100)
GARBAGE = {
    "nothing": b"",
    "http": b"GET / HTTP/1.1\r\nHost: stage\r\nUser-Agent: " + b"x" * 300 + b"\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 500,
    "random": bytes(range(7, 200)),
    "half a greeting": greeting()[:20],
    "unknown mechanism": greeting(b"PLAIN"),
    "false greeting": b"\xff" + bytes(range(100)),
    "false command": greeting() + b"\x04\x0bgarbagegarb",
    "2 GB at once": b"\xff" + HUGE,
    "2 GB command": greeting() + b"\x06" + HUGE,
    "2 GB message": greeting() + ready() + b"\x02" + HUGE,
    "curve garbage": greeting(b"CURVE") + b"\x04\xc8\x05HELLO" + os.urandom(194),
}


def throw(address: str, content: bytes) -> None:
    """Sends bytes and hangs up, after the other side did or has had its time to.

    What looks like ZeroMQ of long ago is sent every frame, for as long as it cares to read.
    """
    with tcp.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(content)
            connection.settimeout(0.05)
            deadline = time.monotonic() + 0.2
            while connection.recv(4096) and time.monotonic() < deadline:
                pass


@pytest.mark.parametrize("keyed", [True, False], ids=["keys", "no keys"])
@pytest.mark.parametrize("at", ["publish", "control"])
def test_garbage_is_counted_and_changes_nothing_for_others(tmp_path, keyed, at):
    with contextlib.closing(Show(tmp_path, keyed)) as show:
        address, one = show.monitors[at]
        with undisturbed(show, show.key if keyed else None):
            for name, content in GARBAGE.items():
                before = one.refused
                throw(address, content)
                until(lambda before=before: one.refused > before)
                assert one.refused == before + 1, name
        key = show.key if keyed else None
        with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
            assert client.hello()["control"] == 1


class Tap:
    """A proxy that keeps what a client sends through it."""

    def __init__(self, port: int) -> None:
        self._listening = tcp.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.recorded: list[bytes] = []
        self._to = port
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                stage = tcp.create_connection(("127.0.0.1", self._to))
                number = len(self.recorded)
                self.recorded.append(b"")
                for one, other, keep in ((client, stage, number), (stage, client, None)):
                    words = (one, other, keep)
                    threading.Thread(target=self._carry, args=words, daemon=True).start()

    def _carry(self, one: tcp.socket, other: tcp.socket, keep: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if keep is not None:
                    self.recorded[keep] += data
                other.sendall(data)
            other.shutdown(tcp.SHUT_WR)

    def close(self) -> None:
        self._listening.close()


@pytest.mark.parametrize("at", ["publish", "control"])
def test_a_sound_session_that_is_sent_again_is_refused(show, at):
    """Recorded by somebody on the way, who may then send the very same bytes."""
    address, one = show.monitors[at]
    with contextlib.closing(Tap(int(address.rpartition(":")[2]))) as tap:
        through = f"tcp://127.0.0.1:{tap.port}"
        if at == "publish":
            with Subscriber(through, key=show.key, timeout_s=PATIENCE_S) as subscriber:
                assert [next(subscriber) for _ in range(20)]
        else:
            with ControlClient(through, key=show.key) as client:
                assert client.hello() and client.stats() == {}
    (recording,) = tap.recorded
    assert len(recording) > 500 and one.refused == 0
    subscriptions, requests = show.publisher.subscriptions, show.control.requests
    with undisturbed(show, show.key):
        subscriptions = show.publisher.subscriptions
        for _ in range(5):
            throw(address, recording)
        until(lambda: one.refused >= 5)
    assert set(one.refusals) == {connections.FALSE}
    assert show.publisher.subscriptions == subscriptions
    assert show.control.requests == requests


def test_beyond_this_machine_a_socket_asks_for_keys(tmp_path):
    for what in (Publisher, ControlServer):
        with pytest.raises(UnderstudyError, match="understudy keys new NAME"):
            what("tcp://0.0.0.0:*")
    ring = Keyring(tmp_path)
    ring.found()
    with AccessControl(ring) as access, Publisher("tcp://0.0.0.0:*", access=access) as publisher:
        assert publisher.address.startswith("tcp://0.0.0.0:")


def test_a_stage_without_keys_names_the_remedy(tmp_path):
    with pytest.raises(UnderstudyError, match="understudy keys new"):
        AccessControl(Keyring(tmp_path / "none"))


# Files.


def test_secret_files_are_their_owners_alone_and_are_what_zeromq_calls_certificates(tmp_path):
    ring = Keyring(tmp_path / "keys")
    path = ring.new("tablet", tmp_path)
    for secret in (path, ring.local, ring.folder / "stage.key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        key = keys.read(secret)
        assert zmq.auth.load_certificate(secret) == (key.public.encode(), key.secret.encode())
    assert keys.read(path).server == keys.read(ring.folder / "stage.pub").public
    assert keys.read(ring.folder / "stage.pub").secret == ""
    assert set(ring.allowed()) == {"local", "tablet"}
    assert keys.read(path).secret not in repr(keys.read(path))


def test_nothing_is_written_over_and_nothing_is_left_half(tmp_path, monkeypatch):
    ring = Keyring(tmp_path / "keys")
    path = ring.new("tablet", tmp_path)
    content = path.read_bytes()
    with pytest.raises(UnderstudyError, match="there already"):
        ring.new("tablet", tmp_path)
    with pytest.raises(UnderstudyError, match="not written over"):
        keys.write(path, "other", secret=True)
    assert path.read_bytes() == content
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(UnderstudyError, match="No space left"):
        keys.write(tmp_path / "new.key", "text", secret=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["keys", "tablet.key"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "x y", "stage", "local", "x" * 65])
def test_a_name_that_none_may_have_is_refused(tmp_path, name):
    with pytest.raises(UnderstudyError):
        Keyring(tmp_path / "keys").new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", os.urandom(300), b'public-key = "short"', b"x" * 10_000],
)
def test_a_file_that_is_no_key_is_one_sentence(tmp_path, content):
    path = tmp_path / "x.key"
    path.write_bytes(content)
    with pytest.raises(UnderstudyError, match="is no key"):
        Subscriber("tcp://127.0.0.1:9", key=path)
    with pytest.raises(UnderstudyError, match="cannot be read"):
        Subscriber("tcp://127.0.0.1:9", key=tmp_path / "none.key")


def test_half_a_key_does_not_connect(tmp_path):
    ring = Keyring(tmp_path / "keys")
    ring.found()
    with pytest.raises(UnderstudyError, match="lacks the secret half"):
        ControlClient("tcp://127.0.0.1:9", key=ring.folder / "allowed" / "local.pub")
    with pytest.raises(UnderstudyError, match="lacks the stage's public key"):
        ControlClient("tcp://127.0.0.1:9", key=ring.folder / "stage.key")


def test_a_damaged_file_on_the_list_lets_nobody_in(tmp_path):
    ring = Keyring(tmp_path / "keys")
    ring.new("tablet", tmp_path)
    before = ring.fingerprint()
    (ring.folder / "allowed" / "tablet.pub").write_bytes(b"\xff\xff")
    assert set(ring.allowed()) == {"local"}
    assert ring.fingerprint() != before


def test_a_client_that_knocks_and_is_left_alone_stops_nobody(show):
    """A pad with a wrong key in a program that goes on drawing: nobody turns its handshake."""
    with zmq.Context() as context:
        key = keys.make("nobody", keys.make("else").public)
        with ControlClient(show.control.address, key=key, context=context):
            until(lambda: show.control.connections.refused > 10)
            with Subscriber(show.publisher.address, key=show.key, context=context) as subscriber:
                assert subscriber.receive(PATIENCE_S) is not None


def test_a_port_that_nobody_listens_on_is_no_trouble():
    with Subscriber(f"tcp://127.0.0.1:{free_ports(1)[0]}") as subscriber:
        assert subscriber.receive(0.2) is None
        assert subscriber.trouble == ""
