"""C++ programs of the tests, compiled once for one state of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

CORE = ROOT / "bridge" / "clients" / "cpp" / "include"
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZERS = (
    "-g",
    "-O1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
)
NEEDS = {
    "/usr/include/zmq.h": "libzmq3-dev",
    "/usr/include/zmq.hpp": "cppzmq-dev",
    "/usr/include/flatbuffers/flatbuffers.h": "libflatbuffers-dev",
}


def compiled(source: Path, *flags: str, includes: tuple[Path, ...] = ()) -> Path:
    """The program made of a source; skips where a tool is missing, fails on a warning."""
    if shutil.which("g++") is None:
        pytest.skip("no g++: apt install g++")
    for header, package in NEEDS.items():
        if not Path(header).exists():
            pytest.skip(f"no {Path(header).name}: apt install {package}")
    folders = (CORE, *includes)
    words = ["g++", *flags, *(f"-I{folder}" for folder in folders), str(source), "-lzmq"]
    key = hashlib.sha256(" ".join(words).encode())
    for folder in (*folders, source.parent):
        for file in sorted(folder.rglob("*.[hc]*")):
            if file.suffix in (".h", ".cpp"):
                key.update(file.read_bytes())
    program = ROOT / "build" / "clients" / f"{source.stem}-{key.hexdigest()[:12]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        unfinished = program.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*words, "-o", str(unfinished)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        os.replace(unfinished, program)
    return program
