"""liblo, an OSC library in C, as a peer: its tools hear our packets and we hear its.

Behind `make test-clients`, which installs them: apt install liblo-tools.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

import numpy as np
import pytest

from understudy.bridge.protocols import vmc
from understudy.bridge.protocols.vmc_packer import Packer
from understudy.runtime.core import rotation

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(
        not (shutil.which("oscdump") and shutil.which("oscsend")),
        reason="liblo-tools not installed",
    ),
]


def test_oscdump_reads_a_frame():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    turns = rotation.from_yaw(np.linspace(0.0, 1.0, len(vmc.BONES)))
    places = np.arange(3.0 * len(vmc.BONES)).reshape(-1, 3) / 8
    datagrams = Packer().pack(vmc.Performance(vmc.BONES, places, turns, time_s=1.5))
    dump = subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True)
    assert dump.stdout is not None
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            hello = vmc.message("/VMC/Ext/T", 0.0)
            # It says nothing when it has begun to listen: until it does, a closed port answers.
            mouth.connect(("127.0.0.1", port))
            until_s = time.monotonic() + 20.0
            while time.monotonic() < until_s:
                try:
                    mouth.send(hello)
                    mouth.send(hello)
                    break
                except ConnectionRefusedError:
                    continue
            for data in datagrams:
                mouth.send(data)
        bones = {}
        for line in dump.stdout:
            _, address, *rest = line.split()  # time, address, types, arguments
            said = rest[1:]
            if address == "/VMC/Ext/Bone/Pos":
                bones[said[0].strip('"')] = [float(v) for v in said[1:]]
            elif address == "/VMC/Ext/T" and float(said[0]) == 1.5:
                break
    finally:
        dump.terminate()
        dump.wait()
    assert set(bones) == set(vmc.BONES)
    i = vmc.BONES.index("LeftHand")
    x, y, z = places[i]
    assert bones["LeftHand"][:3] == pytest.approx([-x, y, z])
    assert bones["LeftHand"][3:] == pytest.approx([0.0, -turns[i][1], 0.0, turns[i][3]], abs=1e-6)


def test_oscsend_is_read():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(20)
        port = str(ears.getsockname()[1])
        pose = ["0.5", "1", "-2", "0", "0.6", "0", "0.8"]
        words = ["/VMC/Ext/Bone/Pos", "sfffffff", "Hips", *pose]
        subprocess.run(["oscsend", "127.0.0.1", port, *words], check=True)
        (said,) = vmc.decode(ears.recv(1024))
    assert said.arguments == ("Hips", *map(pytest.approx, map(float, pose)))
