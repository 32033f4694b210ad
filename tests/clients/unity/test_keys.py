"""The libzmq transport at a live stage that asks for keys: let in, or told why not."""

from __future__ import annotations

import time

import pytest

from understudy.bridge import ControlClient
from understudy.bridge.security import keys
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import processes

from .mono import Client, libzmq

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(libzmq() is None, reason="no libzmq: apt install libzmq5"),
]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A stage with --keys: its address, its keyring and the key of a guest."""
    folder = tmp_path_factory.mktemp("keyed")
    ring = Keyring(folder / "keys")
    guest = ring.new("unity", folder)
    pad = folder / "pad.toml"
    pad.write_text("rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\n")
    publish, control = (f"tcp://127.0.0.1:{port}" for port in processes.free_ports(2))
    words = ["--pad", pad, "--keys", ring.folder, "--publish", publish, "--control", control]
    process = processes.start("stage", *words, "--no-realtime", "--seconds", 300)
    with ControlClient(control, timeout_s=PATIENCE_S, key=guest) as one:
        one.hello()
    yield publish, ring, guest
    processes.end([process])


def trouble(client: Client) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while not (told := client.ask("trouble")):
        assert time.monotonic() < deadline
        assert client.ask("receive", 100) is None
    return told


@pytest.mark.parametrize("mode", ["every", "newest"])
def test_the_right_key_opens_the_stream(client: Client, keyed, mode):
    publish, _, guest = keyed
    client.ask("open", publish, mode, "libzmq", guest)
    for _ in range(30):
        frame = client.ask("receive", 20_000)
        assert len(frame["subjects"][0]["joints"]) == 22
    assert client.ask("trouble") == ""


def test_a_wrong_key_gets_no_frame_and_a_sentence(client: Client, keyed, tmp_path):
    publish, ring, _ = keyed
    Keyring(tmp_path / "elsewhere").new("guest", tmp_path)
    client.ask("open", publish, "every", "libzmq", tmp_path / "guest.key")
    assert "is for another stage" in trouble(client)
    client.ask("open", publish, "every", "libzmq")
    assert "key" in trouble(client)
    late = keys.make("late", ring.stage().public)
    keys.write(tmp_path / "late.key", late.text, secret=True)
    client.ask("open", publish, "newest", "libzmq", tmp_path / "late.key")
    assert "does not let this key in" in trouble(client)
    ring.allow(keys.Key("late", late.public))
    deadline = time.monotonic() + PATIENCE_S
    while client.ask("receive", 500) is None:
        assert time.monotonic() < deadline
    assert client.ask("trouble") == ""
