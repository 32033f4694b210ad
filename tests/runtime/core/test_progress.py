"""Progress in a log."""

from __future__ import annotations

from understudy.runtime.core.progress import told


def test_a_log_gets_a_line_at_first_every_ten_seconds_and_at_the_end(capsys):
    clock = iter(range(0, 1000, 4))
    items = told(range(2, 8), 8, "training", 2, lambda: "20 dB", lambda: float(next(clock)))
    assert list(items) == list(range(2, 8))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "training: 2 of 8"
    assert lines[1] == "training: 5 of 8 20 dB, 12 s left"
    assert lines[-1] == "training: 8 of 8 20 dB, 0 s left"
    assert len(lines) == 3
