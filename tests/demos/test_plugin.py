"""The example plug-in, installed as a user would install it, on a stage."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FREE_PORTS


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory) -> dict[str, str]:
    """The environment of a machine that has the example, and a plug-in that is broken."""
    place, source = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("source") / "plugin"
    # A copy: a build leaves folders in its source.
    shutil.copytree(root / "demos" / "plugin", source)
    words = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q"]
    pip = [sys.executable, "-m", "pip", "install", *words]
    subprocess.run([*pip, "--target", place, source], check=True)
    about = place / "torn-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[understudy.outputs]\ntorn = no_such_module\n")
    return os.environ | {"PYTHONPATH": str(place)}


def start(environment: dict[str, str], *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_it_is_in_the_list_with_its_options(installed):
    out, err = start(installed, "stage", "--from", "list").communicate(timeout=120)
    assert "beacon://HOST:7410" in out
    assert "height" in out and "added to every beacon's height" in out
    assert err == ""


def test_a_stage_hears_sends_and_records_by_it(installed, pad, tmp_path):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as beacon:
        beacon.bind(("127.0.0.1", 0))
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", 0))
            there = other.getsockname()
        stats, take = tmp_path / "stats.json", tmp_path / "take.xyz"
        stage = start(
            installed,
            *("stage", "--pad", pad, "--from", f"beacon://127.0.0.1:{there[1]}?height=1"),
            *("--to", f"beacon://127.0.0.1:{beacon.getsockname()[1]}", *FREE_PORTS),
            *("--record", take, "--stats", stats, "--no-realtime"),
        )
        try:
            beacon.settimeout(100.0)
            for _ in range(20):  # each line that comes is answered by a good and by a bad one
                heard = beacon.recv(200).decode().split()
                beacon.sendto(b"cup 0.1 0.9 2.0", there)
                beacon.sendto(b"cup 0.1 0.9", there)
            stage.terminate()
            _, err = stage.communicate(timeout=100)
        finally:
            stage.kill()
    assert stage.returncode == 143, err
    assert heard[0] == "pad" and len(heard) == 4
    # The broken one is told once, by the stage and its outputs together, and costs nothing else.
    assert err.count("The output 'torn' of the package torn cannot be loaded") == 1, err
    (source,) = [s for s in json.loads(stats.read_text())["sources"] if s["name"] == "beacon"]
    assert source["frames"] > 0 and source["damaged"] > 0
    assert "needs three numbers" in source["fault"]
    rows = list(csv.DictReader(take.read_text().splitlines()))
    assert len(rows) >= 20 and abs(float(rows[0]["y_m"]) - 0.9) < 0.3
