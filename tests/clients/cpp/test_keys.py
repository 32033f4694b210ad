"""The C++ client at a stage that asks for keys: let in, or told why not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.clients.cpp.building import SANITIZERS, STRICT, compiled
from understudy.bridge import ControlClient
from understudy.bridge.security import keys
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import processes

pytestmark = pytest.mark.clients

PATIENCE_S = 60


@pytest.fixture(scope="session")
def listens() -> Path:
    return compiled(Path(__file__).parent / "listens.cpp", *STRICT, *SANITIZERS)


class KeyedStage:
    """A live `understudy stage --keys`."""

    def __init__(self, folder: Path) -> None:
        self.ring = Keyring(folder / "keys")
        self.key = self.ring.new("engine", folder)
        pad = folder / "pad.toml"
        pad.write_text("rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\n")
        self.publish, self.control = (f"tcp://127.0.0.1:{port}" for port in processes.free_ports(2))
        words = ["--pad", pad, "--keys", self.ring.folder, "--no-realtime"]
        words += ["--publish", self.publish, "--control", self.control, "--seconds", 300]
        self.process = processes.start("stage", *words)
        with ControlClient(self.control, timeout_s=PATIENCE_S, key=self.key) as client:
            client.hello()

    def refused(self) -> int:
        with ControlClient(self.control, timeout_s=PATIENCE_S, key=self.ring.local) as client:
            return int(client.stats()["refused_connections"])

    def close(self) -> None:
        processes.end([self.process])


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    one = KeyedStage(tmp_path_factory.mktemp("keyed"))
    yield one
    one.close()


def run(listens: Path, line: str, frames: int = 1, seconds: float = 3.0) -> list[str]:
    done = subprocess.run(
        [listens, line, str(frames), str(seconds)], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == "", done.stderr  # the sanitizers
    assert done.returncode in (0, 1, 2)
    return done.stdout.splitlines()


def test_the_right_key_opens_the_stream_and_the_clock(keyed, listens):
    line = f'{keyed.publish} control={keyed.control} key_file="{keyed.key}"'
    (told,) = run(listens, line, 60, PATIENCE_S)
    assert told.startswith("60 frames, a clock")


@pytest.mark.parametrize("which", ["not let in", "another stage", "none"])
def test_a_wrong_key_gets_no_frame_and_a_sentence_and_is_counted(keyed, listens, tmp_path, which):
    Keyring(tmp_path / "elsewhere").new("guest", tmp_path)
    stranger = keys.make("stranger", keyed.ring.stage().public)
    keys.write(tmp_path / "stranger.key", stranger.text, secret=True)
    file, says = {
        "not let in": ("stranger.key", "does not let this key in"),
        "another stage": ("guest.key", "is for another stage"),
        "none": ("", "key_file=FILE"),
    }[which]
    before = keyed.refused()
    words = f" key_file={tmp_path / file}" if file else ""
    *told, last = run(listens, f"{keyed.publish} control={keyed.control}{words}")
    assert told and says in told[-1] and last.startswith("0 frames, ")
    assert says in last  # the status line says it too
    assert keyed.refused() > before


def test_who_is_let_in_while_it_waits_comes_in_by_itself(keyed, listens, tmp_path):
    late = keys.make("late", keyed.ring.stage().public)
    keys.write(tmp_path / "late.key", late.text, secret=True)
    line = f"{keyed.publish} control=none key_file={tmp_path / 'late.key'}"
    words = [listens, line, "30", str(PATIENCE_S)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        assert "does not let this key in" in program.stdout.readline()
        keyed.ring.allow(keys.Key("late", late.public))
        assert "30 frames" in program.stdout.read()
    assert program.returncode == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), ("hello", "is no key"), ('public-key = "x"', "is no key")],
)
def test_a_file_that_is_no_key_is_a_sentence(listens, tmp_path, content, says):
    path = tmp_path / "a key.key"
    if content is not None:
        path.write_text(content)
    (told,) = run(listens, f'tcp://127.0.0.1:9 key_file="{path}" control=none')
    assert says in told and told.endswith(".")
