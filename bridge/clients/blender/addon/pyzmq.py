"""pyzmq in Blender's Python: whether it is there, and the command that brings it. No zmq.

It goes into a folder of the add-on's own, which needs no administrator and outlives updates; a
build with wheels needs none of this, Blender installs them with the extension.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import bpy

from understudy.runtime.core.errors import UnderstudyError

PATIENCE_S = 180
MISSING = (
    "Blender's Python has no pyzmq, over which poses come. Press Install pyzmq (needs internet), "
    "or install the build of this add-on that has it inside."
)


def folder(create: bool = False) -> Path:
    """Where it is installed, apart for each Python."""
    tag = f"python{sys.version_info.major}.{sys.version_info.minor}"
    try:
        path = bpy.utils.extension_path_user(__package__, path=tag, create=create)
    except ValueError:  # not installed as an extension
        path = bpy.utils.user_resource("DATAFILES", path=f"understudy/{tag}", create=create)
    return Path(path)


def present() -> bool:
    """Whether zmq can be imported; finds it in our folder without a restart of Blender."""
    if "zmq" in sys.modules:
        return True
    path = str(folder())
    if Path(path).is_dir() and path not in sys.path:
        sys.path.append(path)  # behind Blender's own modules
    importlib.invalidate_caches()
    return importlib.util.find_spec("zmq") is not None


def command() -> list[str]:
    """Installs pyzmq with Blender's own Python, with the pip that this Python has or brings."""
    pip = ["-m", "pip"]
    if importlib.util.find_spec("pip") is None:
        import ensurepip

        bundled = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
        if not bundled:
            raise UnderstudyError("This Blender's Python has no pip: use the build with wheels.")
        pip = [str(bundled[-1] / "pip")]
    return [
        *(sys.executable, *pip, "install", "--upgrade", "--disable-pip-version-check"),
        *("--only-binary", ":all:", "--no-deps", "--timeout", "15", "--retries", "1"),
        *("--target", str(folder(create=True)), "pyzmq"),
    ]


def install() -> None:
    """Runs the command; raises UnderstudyError with pip's last word where it fails."""
    if not getattr(bpy.app, "online_access", True):
        raise UnderstudyError(
            "Blender may not go online: allow it in Preferences > System > Network, or use the "
            "build of this add-on that has pyzmq inside."
        )
    try:
        done = subprocess.run(command(), capture_output=True, text=True, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnderstudyError(f"pyzmq could not be installed: {error}.") from None
    if done.returncode or not present():
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = (lines or done.stderr.splitlines() or ["pip gave no reason"])[-1]
        raise UnderstudyError(f"pyzmq could not be installed: {why}")


def unregister() -> None:
    path = str(folder())
    if path in sys.path:
        sys.path.remove(path)
