"""The add-on in a Blender that is worked with: undo, files, switching off, rendering, restarts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import zmq

from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import processes
from understudy.runtime.core.processes import free_ports

from .conftest import PAD

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", ["undo", "clean", "render"])
def test_scene(stage, scene, name):
    """`scenes/NAME.py` has the claims and checks them, inside Blender."""
    assert scene(name, stage.publish).said == "done"


def test_a_stage_that_comes_back_is_followed_on_and_it_says_so(scene):
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    words = ["stage", "--pad", PAD, "--no-realtime", "--publish", publish, "--control", control]
    stage = processes.start(*words)
    try:
        running = scene("restart", publish)
        running.read("ready")
        stage.kill()
        stage.wait()
        running.read("silent")
        stage = processes.start(*words)
        said = running.said
    finally:
        processes.end([stage])
    assert "random-walk: LIVE" in said["live"]
    assert "22 of 22 bones" in said["live"]
    assert "shown" in said["live"]
    assert "The stage was restarted; the connection is back." in said["back"]
    assert said["rigs"] == [said["rig"]]


@pytest.fixture
def odd_publishers():
    """Addresses of a stage of schema version 2, and of something that is no stage."""
    context = zmq.Context()
    sockets, stop = [], threading.Event()
    for _ in range(2):
        socket = context.socket(zmq.PUB)
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        sockets.append((socket, f"tcp://127.0.0.1:{port}"))

    def publish() -> None:
        while not stop.wait(0.02):
            sockets[0][0].send(b"FRAM\2\0\0\0" + bytes(40))
            sockets[1][0].send(b"FRAM\1\0\0\0" + b"\xff" * 40)

    thread = threading.Thread(target=publish)
    thread.start()
    yield [address for _, address in sockets]
    stop.set()
    thread.join()
    context.destroy(linger=0)


def test_it_says_what_is_wrong(stage, scene, odd_publishers):
    nobody = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    said = scene("words", nobody, *odd_publishers, stage.publish).said
    assert "[Connect]" in said["idle"]
    assert "'stage:5570' is not an address; write it like tcp://" in said["no address"]
    assert "/nowhere/laptop.key cannot be read" in said["no key"]
    assert f"Nothing comes from {nobody}: start `understudy stage` there" in said["nobody"]
    assert "The stage speaks schema version 2, this add-on version 1" in said["version"]
    assert "is no stage's: is it its publish port?" in said["garbage"]
    assert "the collection 'Understudy' is excluded or hidden; show it." in said["hidden"]


def test_a_stage_with_keys_lets_in_who_has_one(scene, tmp_path):
    key = Keyring(tmp_path / "keys").new("blender", tmp_path)
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    words = ["--pad", PAD, "--no-realtime", "--keys", tmp_path / "keys"]
    stage = processes.start("stage", *words, "--publish", publish, "--control", control)
    try:
        said = scene("keyed", publish, key).said
    finally:
        processes.end([stage])
    assert "asks for a key: give a file under Key" in said["without"]
    assert "random-walk: LIVE" in said["with"]


def test_without_pyzmq_it_offers_to_install_it_and_goes_on(stage, scene):
    said = scene("without_pyzmq", stage.publish).said
    assert "Blender's Python has no pyzmq" in said["panel"]
    assert "[Install pyzmq]" in said["panel"]
    assert "[Connect]" not in said["panel"]
    assert "Blender's Python has no pyzmq" in said["connect"]
    assert "Blender may not go online" in said["offline"]
    assert "No matching distribution found for pyzmq" in said["failed"]
    python, *command = said["command"]
    assert Path(python).name.startswith("python")
    assert command[:3] == ["-m", "pip", "install"]
    assert command[command.index("--target") + 1] == said["folder"]
    assert command[-1] == "pyzmq"
    assert "[Connect]" in said["after"]
    assert Path(said["zmq"]).is_relative_to(said["folder"])
    assert said["bundled"].startswith("pip ")
