"""What a user of the C++ client takes away: the example, and a header that fits the schema."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.bridge.things import small_frame
from tests.clients.cpp.building import STRICT, compiled
from tests.clients.cpp.test_unreal_space import playing

pytestmark = pytest.mark.clients


def test_the_ten_lines_print_poses(root):
    listen = compiled(root / "demos" / "listen_ten_lines.cpp", *STRICT)
    with playing(small_frame()) as address:
        program = subprocess.Popen([str(listen), address], stdout=subprocess.PIPE, text=True)
        line = program.stdout.readline()
        program.kill()
        program.communicate()
    assert line == "01:00:00;02 Ann 0: +0.00 +0.12 +0.25 m, takeover\n"


def test_the_generated_header_is_that_of_the_schema(root, tmp_path):
    if shutil.which("flatc") is None:
        pytest.skip("no flatc: apt install flatbuffers-compiler")
    done = subprocess.run(
        [sys.executable, root / "bridge/clients/cpp/generate.py", "--out", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ours = root / "bridge/clients/cpp/include/understudy/understudy_generated.h"
    if f"FlatBuffers {_version(ours)}" not in done.stdout:
        pytest.skip(f"flatc is not {_version(ours)}, that of Debian 12's flatbuffers-compiler")
    assert (tmp_path / ours.name).read_text() == ours.read_text()


def _version(header) -> str:
    return re.search(r"written by flatc ([\d.]+) and", header.read_text())[1]


def test_headers_of_another_flatbuffers_are_refused_with_the_remedy(root, tmp_path):
    """As if the user's FlatBuffers were newer than the header that is checked in."""
    (tmp_path / "flatbuffers").mkdir()
    (tmp_path / "flatbuffers" / "base.h").write_text(
        "#define FLATBUFFERS_VERSION_MAJOR 25\n#define FLATBUFFERS_VERSION_MINOR 12\n"
    )
    header = root / "bridge/clients/cpp/include/understudy/understudy_generated.h"
    done = subprocess.run(
        ["g++", "-fsyntax-only", f"-I{tmp_path}", "-x", "c++", str(header)],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "run `python generate.py --flatc FLATC`" in done.stderr
