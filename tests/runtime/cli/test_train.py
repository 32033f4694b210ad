"""`understudy train`, as far as it needs no torch."""

from __future__ import annotations

import signal
import sys
from types import SimpleNamespace

import pytest

from understudy.runtime.cli.main import main


def interrupted(args: object) -> int:
    signal.raise_signal(signal.SIGINT)
    raise AssertionError("Ctrl-C did nothing")


@pytest.mark.parametrize("network", ["motion", "takeover"])
def test_ctrl_c_says_how_to_go_on(monkeypatch, tmp_path, capsys, network):
    module = f"understudy.models.{network}.train"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(run=interrupted))
    words = ["train", network, "--data", str(tmp_path), "--out", str(tmp_path)]
    assert main(words) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "understudy train: stopped by Ctrl-C. There was no checkpoint yet: begin again."
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.touch()
    assert main(words) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{checkpoint} is kept: the same command with --resume" in line


def test_the_effect_goes_on_by_the_same_command(monkeypatch, tmp_path, capsys):
    module = "understudy.models.contact.train"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(run=interrupted))
    assert main(["train", "effect", "--work", str(tmp_path)]) == 130
    assert f"kept in {tmp_path}: the same command goes on" in capsys.readouterr().err
