"""`understudy keys`, and a stage that asks for them, as a crew uses both."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from tests.bridge.security.test_keys import GARBAGE, throw
from tests.conftest import sentence
from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.security import keys
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError

PATIENCE_S = 60.0


def test_from_nothing_to_a_key_a_list_and_a_revocation(understudy, tmp_path):
    folder = tmp_path / "keys"

    def do(*words: object) -> str:
        done = understudy("keys", *words, "--keys", folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "understudy keys new" in do("list")
    assert "tablet.key" in do("new", "tablet", "--out", tmp_path)
    assert do("list").splitlines()[-1].endswith("  tablet  may listen")
    # A secret that never travels: the pair is made on the machine itself.
    do("new", "laptop", "--stage", folder / "stage.pub", "--out", tmp_path)
    assert "laptop" not in do("list")
    said = do("allow", tmp_path / "laptop.pub", "--may", "listen,record")
    assert "laptop is let in" in said and "laptop may listen, record" in said
    assert do("ls").splitlines()[-3].endswith("  laptop  may listen, record")
    assert "tablet may listen, steer\n" not in do("may", "tablet", "listen", "steer")
    assert do("ls").splitlines()[-1].endswith("  tablet  may listen, steer")
    assert set(Keyring(folder).allowed()) == {"local", "tablet", "laptop"}
    assert keys.read_for_stage(tmp_path / "laptop.key").server == Keyring(folder).stage().public
    assert "laptop is let in no more" in do("revoke", "laptop")
    assert set(Keyring(folder).allowed()) == {"local", "tablet"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("new", "../x"), "is no name for a key"),
        (("new", "stage"), "the stage's own"),
        (("revoke", "nobody"), "is not let in"),
        (("allow", "nothing.pub"), "cannot be read"),
        (("new", "tablet", "--may", "fly"), "'fly' is no right"),
        (("new", "tablet", "--may", "listen,", "--may", "steeer"), "'steeer' is no right"),
        (("new", "tablet", "--may", ""), "No right is named"),
        (("new", "tablet", "--stage", "x.pub", "--may", "listen"), "understudy keys allow"),
        (("may", "nobody", "listen"), "nobody is not let in"),
        (("may", "../x", "listen"), "is no name for a key"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(understudy, tmp_path, words, says):
    assert says in sentence(understudy("keys", "--keys", tmp_path, *words))
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_is_what_was_said_and_listening_where_nothing_was(understudy, tmp_path):
    for name, words, may in (
        ("watcher", (), "may listen;"),
        ("desk", ("--may", "record,steer"), "may steer, record;"),
        ("both", ("--may", "listen", "--may", "steer"), "may listen, steer;"),
        ("chief", ("--may", "all"), "may listen, steer, record\n"),
    ):
        done = understudy("keys", "--keys", tmp_path, "new", name, "--out", tmp_path, *words)
        assert f"{name} {may}" in done.stdout, done.stdout + done.stderr


def test_a_stage_beyond_this_machine_names_the_remedy(understudy):
    done = understudy("stage", "--publish", "tcp://0.0.0.0:5599", "--remote")
    assert "understudy keys new NAME" in sentence(done) and "--keys" in done.stderr


def test_a_stage_with_keys_and_none_made_names_the_remedy(understudy, tmp_path):
    for command, source in (("stage", "--remote"), ("play", "--gamepad")):
        done = understudy(command, source, "--keys", tmp_path / "none")
        lines = [line for line in done.stderr.splitlines() if "keys" in line]
        assert done.returncode == 2 and "understudy keys new" in lines[-1]


class KeyedStage:
    """`understudy stage --keys`, and what it says on stderr."""

    def __init__(self, folder, pad) -> None:
        self.ring = Keyring(folder / "keys")
        self.key = self.ring.new("tablet", folder)
        old = self.ring.new("old", folder)  # made before there were rights
        listed = self.ring.folder / "allowed" / "old.pub"
        listed.write_text("".join(line for line in listed.open() if "may" not in line))
        self.old = old
        self.publish, self.control = (f"tcp://127.0.0.1:{port}" for port in processes.free_ports(2))
        words = ["stage", "--pad", pad, "--keys", self.ring.folder, "--no-realtime"]
        words += ["--publish", self.publish, "--control", self.control, "--seconds", 120]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self._reader.start()
        with ControlClient(self.control, timeout_s=PATIENCE_S, key=self.key) as client:
            client.hello()

    def close(self) -> None:
        processes.end([self.process])
        self._reader.join()


@pytest.fixture
def keyed(tmp_path, pad):
    one = KeyedStage(tmp_path, pad)
    yield one
    one.close()


def test_a_live_stage_lets_in_its_keys_and_counts_and_says_who_else_knocked(keyed, understudy):
    stranger = keys.make("stranger", keyed.ring.stage().public)
    with ControlClient(keyed.control, key=keyed.key) as client:
        assert client.stats()["refused_connections"] == 0
        for address in (keyed.publish, keyed.control):
            throw(address, GARBAGE["http"])
        with Subscriber(keyed.publish, key=stranger) as subscriber:
            while not subscriber.trouble:
                assert subscriber.receive(0.1) is None
        while (figures := client.stats())["refused_connections"] < 3:
            pass
    assert sum(figures["refusals"]["control"].values()) == 1
    assert figures["refusals"]["publish"]["with a key that is not let in"] >= 1
    heard = understudy("listen", keyed.publish, "--key", keyed.key, "--seconds", 2, "--json")
    assert json.loads(heard.stdout)["lost"] == 0
    assert json.loads(heard.stdout)["stats"]["refused_connections"] >= 3
    keyed.close()
    assert any("not let in" in line and "127.0.0.1" in line for line in keyed.said)
    assert any(keyed.control in line and "spoke no ZeroMQ" in line for line in keyed.said)


def test_rights_hold_on_a_live_stage_and_change_while_it_runs(keyed, understudy):
    def permit(*rights: str) -> None:
        done = understudy("keys", "--keys", keyed.ring.folder, "may", "tablet", *rights)
        assert done.returncode == 0, done.stderr

    with ControlClient(keyed.control, timeout_s=PATIENCE_S, key=keyed.key) as client:
        with pytest.raises(UnderstudyError, match="'tablet' may listen, and not steer"):
            client.style("", energy=0.5)
        permit("listen", "steer")
        while "steer" not in client.hello()["may"]:
            pass
        assert client.style("", energy=0.5)
        with pytest.raises(UnderstudyError, match="and not record"):
            client.record(True, "never.bvh")
        permit("record")
        while client.hello()["may"] != ["record"]:
            pass
        with pytest.raises(UnderstudyError, match="and not listen"):
            client.stats()
    done = understudy("listen", keyed.publish, "--key", keyed.key)
    assert "may not listen" in sentence(done)
    with ControlClient(keyed.control, timeout_s=PATIENCE_S, key=keyed.old) as client:
        assert client.hello()["may"] == ["listen", "steer", "record"]
        assert sum(client.stats()["control_forbidden"].values()) == 3
        client.stop()
    keyed.process.wait(PATIENCE_S)
    keyed.close()
    assert len([line for line in keyed.said if "old is from before keys had rights" in line]) == 1
    assert any("of tablet, which may not steer" in line for line in keyed.said)
    assert not any("Traceback" in line for line in keyed.said)


def test_listen_says_at_once_why_it_is_not_let_in(keyed, understudy, tmp_path):
    stranger = keys.make("stranger", keyed.ring.stage().public)
    keys.write(tmp_path / "stranger.key", stranger.text, secret=True)
    done = understudy("listen", keyed.publish, "--key", tmp_path / "stranger.key")
    assert "does not let the key 'stranger' in" in sentence(done)
    assert "--key" in sentence(understudy("listen", keyed.publish))
