"""What a key may do: each right on each socket, changes while connected, files made by hand."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.security.test_keys import ANYWHERE, PATIENCE_S, Show, refused, undisturbed, until
from tests.bridge.test_relay import relaying
from understudy.bridge import ControlClient, ControlServer, Subscriber
from understudy.bridge.requests import AnyRequest, Go, LookAt, Style
from understudy.bridge.security import keys, rights
from understudy.bridge.security.access import RENEWAL_S, AccessControl
from understudy.bridge.security.keys import Keyring
from understudy.bridge.security.rights import EVERYTHING, LISTEN, RECORD, RIGHTS, STEER
from understudy.runtime.core.errors import UnderstudyError

SETS = [frozenset(c) for n in (1, 2, 3) for c in itertools.combinations(RIGHTS, n)]
# What a client may ask and wait for, and the right that it takes.
ASKED: dict[str, tuple[str, Callable[[ControlClient], object]]] = {
    "hello": ("", lambda client: client.hello()),
    "ping": ("", lambda client: client.ping()),
    "stats": (LISTEN, lambda client: client.stats()),
    "style, told": (LISTEN, lambda client: client._ask(Style())),
    "style": (STEER, lambda client: client._ask(Style(traits={"energy": 0.5}))),
    "go": (STEER, lambda client: client._ask(Go(at_m=[0.0, 4.0]))),
    "look_at": (STEER, lambda client: client._ask(LookAt(at=[0.0, 1.6, 4.0]))),
    "silence, told": (LISTEN, lambda client: client.silence()),
    "silence": (STEER, lambda client: client.silence("idle", 3.0)),
    "session": (LISTEN, lambda client: client.session()),
    "add_source": (STEER, lambda client: client.add_source("vmc://0.0.0.0")),
    "remove_source": (STEER, lambda client: client.remove_source("vmc")),
    "add_subject": (STEER, lambda client: client.add_subject(name="Ann", body="vmc")),
    "remove_subject": (STEER, lambda client: client.remove_subject("Ann")),
    "rename_subject": (STEER, lambda client: client.rename_subject("Ann", "Bo")),
    "place_subject": (STEER, lambda client: client.place_subject("Ann", (0, 0, 1))),
    "undo": (STEER, lambda client: client.undo()),
    "set_character": (STEER, lambda client: client.set_character("Ann", "knight.glb")),
    "set_profile": (STEER, lambda client: client.set_profile("Ann", arms=0.9)),
    "set_profile, told": (LISTEN, lambda client: client.set_profile("Ann")),
    "edit_person": (STEER, lambda client: client.edit_person("Ann", age=40)),
    "save_session": (STEER, lambda client: client.save_session("stage.toml")),
    "stop": (STEER, lambda client: client.stop()),
    "record": (RECORD, lambda client: client.record(True, "take.bvh", "12A")),
    "record's end": (RECORD, lambda client: client.record(False)),
}


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    with contextlib.closing(Show(tmp_path)) as one:
        yield one


def key_that_may(show: Show, folder: Path, may: frozenset[str], name: str = "guest") -> Path:
    return show.ring.new(name, folder, may)


@pytest.mark.parametrize("may", SETS, ids=rights.text)
def test_the_control_socket_does_what_a_key_may_and_refuses_the_rest(show, tmp_path, may):
    key = key_that_may(show, tmp_path, may)
    forbidden = 0
    with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
        assert client.hello()["may"] == [right for right in RIGHTS if right in may]
        for right, ask in ASKED.values():
            before = len(show.asked)
            if not right or right in may:
                ask(client)
            else:
                with pytest.raises(UnderstudyError) as refusal:
                    ask(client)
                said = str(refusal.value)
                assert said.startswith(f"The key 'guest' may {rights.text(may)}, and not {right}: ")
                assert "understudy keys may guest " in said
                assert len(show.asked) == before, "the stage was asked all the same"
                forbidden += 1
        assert client.hello()
    assert show.control.refused == forbidden == sum(show.control.forbidden.values())
    assert show.control.malformed == 0


@pytest.mark.parametrize("may", SETS, ids=rights.text)
def test_pads_and_cameras_come_from_keys_that_may_steer(show, tmp_path, may):
    key = key_that_may(show, tmp_path, may)
    with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
        client.hello()
        assert client.send_pad((0.0, 1.0))
        assert client.send_camera("mine", (0, 1, 2), (0, 0, 0, 1))
        until(lambda: len(show.asked) + sum(show.control.forbidden.values()) == 2)
        heard = [request.op for request in show.asked]
        assert heard == (["pad", "camera"] if STEER in may else [])
        if STEER not in may:  # who sends without waiting learns it all the same
            until(lambda: "'guest'" in client.refusal and "not steer" in client.refusal)
        assert bool(client.refusal) == (STEER not in may)
    assert sum(show.control.forbidden.values()) == (0 if STEER in may else 2)


@pytest.mark.parametrize("may", SETS, ids=rights.text)
def test_frames_go_to_keys_that_may_listen(show, tmp_path, may):
    key = key_that_may(show, tmp_path, may)
    with undisturbed(show, show.key), Subscriber(show.publisher.address, key=key) as subscriber:
        if LISTEN in may:
            assert subscriber.receive(PATIENCE_S) is not None
        else:
            said = refused(subscriber)
            assert said.startswith("The key 'guest' may not listen to the stage at tcp://")
            assert "understudy keys may" in said
            until(lambda: show.publisher.connections.refused)
            assert set(show.publisher.connections.refusals) == {"with a key that may not listen"}
            assert "(guest from 127.0.0.1)" in show.publisher.connections.news()


def test_every_request_says_what_it_takes_and_only_greetings_take_nothing():
    """A request that somebody adds and forgets to think about takes the right to steer."""
    free = {kind.__struct_config__.tag for kind in AnyRequest.__args__ if _right(kind) == ""}
    assert free == {"hello", "ping"}
    assert {_right(kind) for kind in AnyRequest.__args__} <= {"", *RIGHTS}


def _right(kind: type) -> str:
    asked = {"words": {"notes": "x"}, "profile": {"arms": 1.0}, "save": True, "person": {"age": 9}}
    return kind.right.fget(SimpleNamespace(traits={"energy": 0.5}, **asked))


def test_a_listed_key_that_may_nothing_comes_in_nowhere(show, tmp_path):
    key = key_that_may(show, tmp_path, frozenset({LISTEN}))
    path = show.ring.folder / "allowed" / "guest.pub"
    path.write_text(path.read_text().replace('may = "listen"', 'may = ""'))
    with Subscriber(show.publisher.address, key=key) as subscriber:
        assert "does not let the key 'guest' in" in refused(subscriber)
    with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
        with pytest.raises(UnderstudyError, match="does not let the key 'guest' in"):
            client.hello()


# While it is connected.


def test_a_right_that_is_given_or_taken_holds_within_a_second_and_nobody_connects_anew(
    show, tmp_path
):
    assert RENEWAL_S < 1.0
    key = key_that_may(show, tmp_path, frozenset({LISTEN}))
    with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
        client.hello()
        made = show.control.connections.made
        for may in (EVERYTHING, frozenset({STEER}), frozenset({RECORD}), frozenset({LISTEN})):
            show.ring.permit("guest", may)
            until(lambda may=may: client.hello()["may"] == [r for r in RIGHTS if r in may])
            for right, ask in ASKED.values():
                if not right or right in may:
                    ask(client)
                else:
                    with pytest.raises(UnderstudyError, match=f"and not {right}"):
                        ask(client)
        assert show.control.connections.made == made


def test_who_may_listen_no_more_is_cut_off_and_may_steer_on(show, tmp_path):
    key = key_that_may(show, tmp_path, frozenset({LISTEN, STEER}))
    with (
        Subscriber(show.publisher.address, key=key, timeout_s=PATIENCE_S) as subscriber,
        Subscriber(show.publisher.address, key=show.key, timeout_s=PATIENCE_S) as sound,
        ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client,
    ):
        next(subscriber), next(sound), client.hello()
        show.ring.permit("guest", frozenset({STEER}))
        until(lambda: subscriber.trouble, lambda: subscriber.receive(0.05))
        assert "may not listen" in subscriber.trouble
        while subscriber.receive() is not None:  # what was under way
            pass
        assert subscriber.receive(0.5) is None
        assert client._ask(Style(traits={"energy": 0.5})) is not None
        sequence = next(sound).sequence
        until(lambda: sound.receive(0.1).sequence > sequence + 300)
        assert sound.trouble == ""
        show.ring.permit("guest", frozenset({STEER, LISTEN}))
        assert subscriber.receive(PATIENCE_S) is not None, "it did not come back by itself"
        assert subscriber.trouble == ""


def test_a_key_that_is_revoked_and_made_anew_under_its_name_is_another(show, tmp_path):
    """What an old connection may is its key's, and not its name's."""
    old = key_that_may(show, tmp_path, frozenset({LISTEN}))
    public = keys.read(old).public
    show.ring.revoke("guest")
    old.rename(tmp_path / "old.key")
    key_that_may(show, tmp_path, EVERYTHING)
    until(lambda: not show.access.may(public))
    assert show.access.refusal(public, LISTEN) == "This key is let in no more."
    assert show.access.refusal("", LISTEN) and show.access.refusal("x" * 40, "")


def test_nobody_can_speak_with_another_key(show, tmp_path):
    """Whatever a message says of itself: its key is the connection's, as libzmq tells it."""
    key = keys.read(key_that_may(show, tmp_path, frozenset({LISTEN})))
    other = keys.read(show.ring.local).public
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.routing_id = other.encode()
        socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = (
            part.encode() for part in (key.server, key.public, key.secret)
        )
        socket.connect(show.control.address)
        forged = {"op": "stop", "number": 1, "key": other, "User-Id": other, "peer": [b"local"]}
        socket.send(msgspec.msgpack.encode(forged))
        assert socket.poll(PATIENCE_S * 1e3)
        assert "'guest' may listen" in msgspec.msgpack.decode(socket.recv())["error"]
    assert show.asked == []


def test_without_keys_everyone_may_do_all():
    with ControlServer(ANYWHERE) as server, ControlClient(server.address) as client:
        ended = threading.Event()

        def poll() -> None:
            while not ended.wait(0.001):
                for request in server.poll():
                    server.reply(request)

        loop = threading.Thread(target=poll)
        loop.start()
        try:
            assert client.hello()["may"] == list(RIGHTS)
            client.stop()
        finally:
            ended.set()
            loop.join()
        assert server.forbidden == {}


def test_what_is_forbidden_is_told_once_a_line(show, tmp_path):
    key = key_that_may(show, tmp_path, frozenset({LISTEN}))
    with ControlClient(show.control.address, key=key, timeout_s=PATIENCE_S) as client:
        for _ in range(3):
            with pytest.raises(UnderstudyError):
                client.stop()
    assert show.control.news() == "refused requests: 3 of guest, which may not steer"
    assert show.control.news() == ""


# Through a relay: its own list says who listens, the stage's says whether it does itself.


def test_a_relay_asks_for_the_right_to_listen_and_needs_it(tmp_path):
    ours = Keyring(tmp_path / "ours")
    with contextlib.closing(Show(tmp_path)) as show:
        own = key_that_may(show, tmp_path, frozenset({STEER, RECORD}), "relay")
        listener = ours.new("listener", tmp_path, frozenset({LISTEN}))
        desk = ours.new("desk", tmp_path, frozenset({STEER, RECORD}))
        with (
            AccessControl(ours) as access,
            relaying(show.publisher.address, key=own, access=access) as relay,
        ):
            until(lambda: "may not listen" in relay.trouble)
            show.ring.permit("relay", frozenset({LISTEN}))
            with Subscriber(relay.address, key=listener, timeout_s=PATIENCE_S) as subscriber:
                assert next(subscriber).subjects
                with Subscriber(relay.address, key=desk) as other:
                    assert "may not listen" in refused(other)
                ours.permit("desk", frozenset({LISTEN}))
                with Subscriber(relay.address, key=desk) as other:
                    assert other.receive(PATIENCE_S) is not None
            assert relay.connections.refusals.keys() == {"with a key that may not listen"}


# Files.


def entry(folder: Path, content: str, name: str = "guest") -> Keyring:
    """A keyring with one file on its list, written by hand."""
    ring = Keyring(folder / "keys")
    ring.found()
    public = keys.make(name).public
    path = ring.folder / "allowed" / f"{name}.pub"
    path.write_text(content.replace("KEY", public))
    return ring


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ('may = "listen"', {LISTEN}),
        ("may = listen", {LISTEN}),
        ("may=listen,steer", {LISTEN, STEER}),
        ("\tMAY = 'Listen; RECORD'  # since Tuesday", {LISTEN, RECORD}),
        ("may = steer listen record", EVERYTHING),
        ("may = all", EVERYTHING),
        ('may = ""', set()),
        ("may =", set()),
        ("may = nothing", set()),
        ('may = "listen, steer"\n    may = "steer, record"', {STEER}),
    ],
)
def test_rights_that_somebody_wrote_by_hand(tmp_path, line, may):
    ring = entry(tmp_path, f'metadata\n    {line}\ncurve\n    public-key = "KEY"\n')
    assert ring.allowed()["guest"].may == may
    assert ring.listed()[1] == []


@pytest.mark.parametrize("line", ["", "# may = listen\n", "maybe = listen\n", "x = may\n"])
def test_a_file_from_before_there_were_rights_may_do_all_and_that_is_said_once(tmp_path, line):
    ring = entry(tmp_path, f'{line}curve\n    public-key = "KEY"\n')
    assert ring.allowed()["guest"].may == EVERYTHING
    with AccessControl(ring) as access:
        (said,) = access.news()
        assert "guest is from before keys had rights and may do all" in said
        assert "understudy keys may guest" in said
        os.utime(ring.folder / "allowed" / "guest.pub")
        access.renew()
        assert access.news() == []
    ring.permit("guest", EVERYTHING)  # the user has spoken
    assert ring.listed()[1] == []


def test_the_own_key_of_an_old_folder_is_no_news(tmp_path):
    ring = Keyring(tmp_path / "keys")
    ring.found()
    path = ring.folder / "allowed" / "local.pub"
    path.write_text("".join(one for one in path.open() if "may" not in one))
    assert ring.listed()[1] == [] and ring.allowed()["local"].may == EVERYTHING
    ring.permit("local", frozenset({LISTEN}))
    assert ring.found() and ring.allowed()["local"].may == {LISTEN}


def test_a_word_that_is_no_right_gives_nothing_and_is_said(tmp_path):
    ring = entry(tmp_path, 'metadata\n    may = "listen, steeer"\ncurve\n    public-key = "KEY"\n')
    allowed, (said,) = ring.listed()
    assert allowed["guest"].may == {LISTEN}
    assert "'steeer' is no right" in said and "guest may listen" in said


@pytest.mark.parametrize(
    "content",
    ["", "may = all\n", 'may = "all"\npublic-key = "short"\n', "\0" * 500, "x" * 10_000],
)
def test_a_damaged_file_lets_nobody_in_and_is_said(tmp_path, content):
    ring = entry(tmp_path, content)
    allowed, (said,) = ring.listed()
    assert set(allowed) == {"local"}
    assert "guest.pub" in said and said.endswith("It lets nobody in.")
    with AccessControl(ring) as access:
        assert access.news() == [said]
    with pytest.raises(UnderstudyError, match="is no key"):
        ring.permit("guest", EVERYTHING)
    assert (ring.folder / "allowed" / "guest.pub").read_text() == content


def test_one_key_in_two_files_may_what_both_say(tmp_path):
    ring = entry(tmp_path, 'metadata\nmay = "listen, steer"\ncurve\npublic-key = "KEY"\n')
    path = ring.folder / "allowed" / "guest.pub"
    path.with_name("twin.pub").write_text(path.read_text().replace("steer", "record"))
    allowed, (said,) = ring.listed()
    assert allowed["guest"].may == allowed["twin"].may == {LISTEN}
    assert "guest and twin are one key" in said


def test_what_a_key_brings_along_says_nothing_of_its_rights(tmp_path):
    ring = Keyring(tmp_path / "keys")
    ring.found()
    key = keys.make("guest")
    brought = tmp_path / "guest.pub"
    brought.write_text(f'metadata\n    may = "all"\ncurve\n    public-key = "{key.public}"\n')
    ring.allow(keys.read(brought))
    assert ring.allowed()["guest"].may == {LISTEN}
    # Nor does the file with which it connects.
    path = ring.new("tablet", tmp_path)
    assert "may =" not in path.read_text()


def test_other_rights_leave_the_rest_of_a_file_as_it_was(tmp_path):
    before = (
        '# Jo\'s tablet, stage left\nmetadata\n    name = "Jo"\n    may = listen  # for now\n'
        '    bought = "2025"\ncurve\n    public-key = "KEY"\n# the end\n'
    )
    ring = entry(tmp_path, before)
    path = ring.folder / "allowed" / "guest.pub"
    public = ring.allowed()["guest"].public
    ring.permit("guest", frozenset({RECORD, STEER}))
    assert ring.allowed()["guest"].may == {STEER, RECORD}
    after = path.read_text()
    gone = "    may = listen  # for now\n"
    assert after.replace('    may = "steer, record"\n', "") == before.replace(gone, "").replace(
        "KEY", public
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert sorted(p.name for p in path.parent.iterdir()) == ["guest.pub", "local.pub"]
    with pytest.raises(UnderstudyError, match="nobody is not let in; let in: guest, local"):
        ring.permit("nobody", EVERYTHING)


def test_a_change_that_cannot_be_written_changes_nothing(tmp_path, monkeypatch):
    ring = entry(tmp_path, 'metadata\n    may = "listen"\ncurve\n    public-key = "KEY"\n')
    before = (ring.folder / "allowed" / "guest.pub").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(UnderstudyError, match="No space left"):
        ring.permit("guest", EVERYTHING)
    assert (ring.folder / "allowed" / "guest.pub").read_bytes() == before
    assert len(list((ring.folder / "allowed").iterdir())) == 2


@given(
    st.sets(st.sampled_from(sorted(RIGHTS))).map(frozenset),
    st.lists(
        st.sampled_from(["metadata", "curve", "# x", "    may = listen", 'name = "a"', ""]),
        max_size=8,
    ),
)
def test_rights_that_are_written_are_read(may, lines):
    assert rights.of_file(rights.into_file("\n".join(lines), may)) == (may, [])


@given(st.text(max_size=200))
def test_no_text_gives_a_right_that_it_does_not_name(content):
    may, _ = rights.of_file(content)
    assert may is None or all(right in content.lower() or "all" in content.lower() for right in may)


def test_rights_on_a_command_line():
    assert rights.checked(["listen,steer", "record"]) == EVERYTHING
    assert rights.checked(["all"]) == EVERYTHING
    for words in (["fly"], ["listen,", "stear"], [""], [","]):
        with pytest.raises(UnderstudyError, match=r"right"):
            rights.checked(words)
