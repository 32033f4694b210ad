"""The package's core under mono: compiled once, driven over stdin and stdout."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest
import zmq

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bridge" / "clients" / "unity"
HERE = Path(__file__).resolve().parent
ANSWER_S = 60.0


def compile_cs(target: Path, *sources: Path, options: tuple[str, ...] = ()) -> None:
    """Compiles with mono's mcs, which reads C# 7: what it takes, Unity's C# 9 takes."""
    if shutil.which("mcs") is None or shutil.which("mono") is None:
        pytest.skip("no mono compiler: apt install mono-mcs mono-runtime")
    kind = "exe" if target.suffix == ".exe" else "library"
    done = subprocess.run(
        [
            *("mcs", "-langversion:7", "-warn:4", "-warnaserror", "-nologo", f"-target:{kind}"),
            *(*options, f"-out:{target}", *map(str, sources)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def core_sources() -> list[Path]:
    return sorted((PACKAGE / "Runtime" / "Core").glob("*.cs"))


def libzmq() -> Path | None:
    """The libzmq that pyzmq brings, or the system's."""
    beside = Path(zmq.__file__).resolve().parents[1] / "pyzmq.libs"
    found = sorted(beside.glob("libzmq*.so*"))
    found += sorted(Path("/usr/lib").glob("*/libzmq.so.5"))
    return found[0] if found else None


def build_harness(folder: Path) -> Path:
    """The package's three assemblies, each with what its asmdef lets it see, and the harness.

    UnityEngine and UnityEditor are stand-ins: that the components compile and run with them says
    something about our own code and nothing about Unity.
    """

    def build(name: str, *sources: Path, sees: tuple[str, ...] = (), define: str = "") -> None:
        options = [f"-r:{folder / other}.dll" for other in sees]
        options += [f"-d:{define}"] if define else []
        compile_cs(folder / name, *sources, options=tuple(options))

    engine, core = ("UnityEngine",), ("Understudy.Core",)
    components = sorted((PACKAGE / "Runtime" / "Components").glob("*.cs"))
    build("Understudy.Core.dll", *core_sources())
    build("UnityEngine.dll", HERE / "stubs" / "UnityEngine.cs")
    build("UnityEditor.dll", HERE / "stubs" / "UnityEditor.cs", sees=engine)
    for version in ("UNITY_2021_3", "UNITY_2022_2_OR_NEWER;UNITY_2023_1_OR_NEWER"):
        build("Understudy.dll", *components, sees=core + engine, define=version)
    editors = sorted((PACKAGE / "Editor").glob("*.cs"))
    everything = core + engine + ("Understudy",)
    build("Understudy.Editor.dll", *editors, sees=(*everything, "UnityEditor"))
    build("harness.exe", *sorted(HERE.glob("*.cs")), sees=everything)
    exe = folder / "harness.exe"
    library = libzmq()
    if library is not None:  # Unity finds it in Plugins, mono by this map
        (folder / "Understudy.Core.dll.config").write_text(
            f'<configuration><dllmap dll="libzmq" target="{library}"/></configuration>\n'
        )
    return exe


class Client:
    """A mono process; `ask` sends it a command and gives its answer."""

    def __init__(self, exe: Path) -> None:
        self._process = subprocess.Popen(
            ["mono", str(exe)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client died"
        answer = json.loads(line, object_hook=_arrays)
        assert not (isinstance(answer, dict) and "exception" in answer), answer["exception"]
        return answer

    def ask(self, *words: object) -> Any:
        self.send(*words)
        return self.answer()

    def open(self, address: str, mode: str = "every", transport: str = "managed") -> None:
        self.ask("open", address, mode, transport)

    def decode(self, message: bytes) -> Any:
        return self.ask("decode", base64.b64encode(message).decode() or "=")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(ANSWER_S) == 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._process.kill()
            self._process.wait()


_ARRAYS = {
    "positions": 3,
    "rotations": 4,
    "position": 0,
    "rotation": 0,
    "trajectory": 4,
    "contact_weights": 0,
    "curves": 0,
    "stat_values": 0,
    "lens": 0,
    "travel": 0,
    "facing": 0,
    "uncertainty_m": 0,
    "numbers": 0,
}


def _arrays(found: dict[str, Any]) -> dict[str, Any]:
    """Turns the harness's arrays, a letter for the type and base64, into numpy's."""
    for key, columns in _ARRAYS.items():
        text = found.get(key)
        if isinstance(text, str):
            values = np.frombuffer(base64.b64decode(text[1:]), "<f8" if text[0] == "d" else "<f4")
            found[key] = values.reshape(-1, columns) if columns else values
    return found


def raw(*numbers: Any) -> str:
    """Numbers for a command, float32 in base64."""
    flat = np.concatenate([np.asarray(n, "<f4").ravel() for n in numbers])
    return base64.b64encode(flat.tobytes()).decode() or "="
