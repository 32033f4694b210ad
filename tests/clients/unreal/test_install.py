"""install.py: a plugin that is whole, or a sentence and a project that is as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.cpp.building import NEEDS
from tests.conftest import ROOT, sentence

pytestmark = pytest.mark.clients

BASE = "#define FLATBUFFERS_VERSION_{} {}\n"


def install(project, *words: object) -> subprocess.CompletedProcess[str]:
    script = ROOT / "bridge" / "clients" / "unreal" / "install.py"
    return subprocess.run(
        [sys.executable, script, project, *map(str, words)], capture_output=True, text=True
    )


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "My Project"
    folder.mkdir()
    (folder / "My.uproject").write_text("{}")
    return folder


@pytest.fixture
def libraries(tmp_path):
    """A folder as vcpkg lays it out for Windows, with nothing in its files."""
    folder = tmp_path / "x64-windows-static-md"
    for name in ("zmq.h", "zmq.hpp", "flatbuffers/flatbuffers.h"):
        (folder / "include" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "include" / name).touch()
    (folder / "include" / "flatbuffers" / "base.h").write_text(
        "".join(BASE.format(*p) for p in zip(("MAJOR", "MINOR", "REVISION"), (2, 0, 8)))
    )
    (folder / "lib").mkdir()
    for name in ("libzmq-mt-s-4_3_5.lib", "libsodium.lib", "zlib.lib"):
        (folder / "lib" / name).touch()
    return folder


def test_on_debian_nothing_needs_to_be_said(project):
    for header, package in NEEDS.items():
        if not Path(header).exists():
            pytest.skip(f"apt install {package}")
    done = install(project, "--platform", "Linux")
    assert done.returncode == 0, done.stderr
    plugin = project / "Plugins" / "Understudy"
    assert json.loads((plugin / "Understudy.uplugin").read_text())["Modules"]
    include = plugin / "Source" / "ThirdParty" / "include"
    for name in ("understudy/understudy.h", "zmq.hpp", "flatbuffers/flatbuffers.h"):
        assert (include / name).is_file()
    lib = plugin / "Source" / "ThirdParty" / "lib" / "Linux"
    assert {file.name for file in lib.iterdir()} == {"libzmq.so", "libzmq.so.5"}


def test_vcpkg_for_windows_twice(project, libraries):
    for _ in range(2):
        done = install(project, "--libraries", libraries, "--platform", "Win64")
        assert done.returncode == 0, done.stderr
    lib = project / "Plugins" / "Understudy" / "Source" / "ThirdParty" / "lib" / "Win64"
    assert {file.name for file in lib.iterdir()} == {"libzmq-mt-s-4_3_5.lib", "libsodium.lib"}
    assert [folder.name for folder in (project / "Plugins").iterdir()] == ["Understudy"]


def test_what_is_missing_is_a_sentence_and_the_old_plugin_stays(project, libraries, tmp_path):
    assert "no Unreal project" in sentence(install(tmp_path))
    assert install(project, "--libraries", libraries, "--platform", "Win64").returncode == 0
    (libraries / "lib" / "libzmq-mt-s-4_3_5.lib").unlink()
    said = sentence(install(project, "--libraries", libraries, "--platform", "Win64"))
    assert "no ZeroMQ library for Win64" in said and "vcpkg install zeromq" in said
    (libraries / "include" / "zmq.hpp").unlink()
    assert "no include/zmq.hpp" in sentence(
        install(project, "--libraries", libraries, "--platform", "Win64")
    )
    assert (project / "Plugins" / "Understudy" / "Understudy.uplugin").is_file()
    assert [folder.name for folder in (project / "Plugins").iterdir()] == ["Understudy"]


def test_another_flatbuffers_needs_its_own_compiler(project, libraries):
    base = libraries / "include" / "flatbuffers" / "base.h"
    base.write_text(base.read_text().replace("MAJOR 2", "MAJOR 25"))
    words = ("--libraries", libraries, "--platform", "Win64", "--flatc", "no-such-flatc")
    assert "no-such-flatc" in sentence(install(project, *words))
    assert not (project / "Plugins" / "Understudy").exists()
