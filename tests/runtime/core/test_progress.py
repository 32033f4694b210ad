"""Progress in a log."""

from __future__ import annotations

import io
import sys

import pytest

from understudy.runtime.core import progress
from understudy.runtime.core.progress import loading, told


def test_a_log_gets_a_line_at_first_every_ten_seconds_and_at_the_end(capsys):
    clock = iter(range(0, 1000, 4))
    items = told(range(2, 8), 8, "training", 2, lambda: "20 dB", lambda: float(next(clock)))
    assert list(items) == list(range(2, 8))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "training: 2 of 8"
    assert lines[1] == "training: 5 of 8 20 dB, 12 s left"
    assert lines[-1] == "training: 8 of 8 20 dB, 0 s left"
    assert len(lines) == 3


@pytest.mark.parametrize("terminal, large", [(True, True), (True, False), (False, True)])
def test_a_large_file_has_bars_on_standard_error_where_that_is_a_terminal(
    tmp_path, monkeypatch, terminal, large
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    path = tmp_path / "hour.bvh"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(progress, "LARGE_BYTES", 100 if large else 101)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with loading(path) as bar:
        told_to = bar("reading")
        assert (told_to is not None) == (terminal and large)
        if told_to is not None:
            told_to(50, 100)
    assert ("reading hour.bvh" in sys.stderr.getvalue()) == (terminal and large)
