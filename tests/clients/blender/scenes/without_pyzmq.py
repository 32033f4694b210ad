"""A Blender without pyzmq gets it from the button, and goes on.  without_pyzmq.py ADDRESS"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import bpy
import house
from sidebar import drawn

SITE = next(Path(path) for path in sys.path if path.endswith("site-packages"))


def hide(*names: str) -> None:
    """Puts a folder in the place of site-packages that lacks what has these names."""
    without = Path(tempfile.mkdtemp())
    for entry in SITE.iterdir():
        if not entry.name.startswith(names):
            (without / entry.name).symlink_to(entry)
    kept = [p for p in sys.path if not p.endswith("site-packages") and "site-less" not in p]
    sys.path[:] = [*kept, str(without)]


def refusal() -> str:
    try:
        bpy.ops.understudy.install_pyzmq()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("it was not refused")


def main(address: str) -> None:
    hide("zmq", "pyzmq")
    house.install()
    pyzmq = house.module("pyzmq")
    said = {"panel": drawn(), "offline": refusal()}
    try:
        bpy.ops.understudy.connect()
    except RuntimeError as error:
        said["connect"] = str(error)
    bpy.context.preferences.system.use_online_access = True

    commands = []

    def no_internet(command, **_: object) -> SimpleNamespace:
        commands.append(command)
        lines = "WARNING: slow\nERROR: No matching distribution found for pyzmq\n"
        return SimpleNamespace(returncode=1, stderr=lines)

    def pip(command, **_: object) -> SimpleNamespace:
        target = Path(command[command.index("--target") + 1])
        for name in ("zmq", "pyzmq.libs"):
            shutil.copytree(SITE / name, target / name)
        return SimpleNamespace(returncode=0, stderr="")

    pyzmq.subprocess = SimpleNamespace(run=no_internet, TimeoutExpired=TimeoutError)
    said["failed"] = refusal()
    said["command"] = commands[0]
    pyzmq.subprocess.run = pip
    assert bpy.ops.understudy.install_pyzmq() == {"FINISHED"}
    said["after"] = drawn()
    bpy.context.scene.understudy.address = address
    assert bpy.ops.understudy.connect() == {"FINISHED"}
    house.first_frame(house.module("session").current)
    import zmq

    said["zmq"], said["folder"] = zmq.__file__, str(pyzmq.folder())

    hide("zmq", "pyzmq", "pip")
    command = pyzmq.command()
    asked = [*command[: command.index("install")], "--version"]
    said["bundled"] = subprocess.run(asked, capture_output=True, text=True).stdout
    house.finish(said)


main(*house.WORDS)
