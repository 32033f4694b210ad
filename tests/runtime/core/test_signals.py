"""The exit status that a signal leaves."""

from __future__ import annotations

import signal

import pytest

from understudy.runtime.core import signals


@pytest.fixture(autouse=True)
def nothing_received():
    signals.forget()
    yield
    signals.forget()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_calls_what_stops_and_is_the_status_of_what_ended_well(number, status):
    called = []
    before = signal.getsignal(number)
    with signals.stopping(lambda: called.append(number)):
        signal.raise_signal(number)
    assert called == [number]
    assert signal.getsignal(number) is before
    assert signals.status(0) == status
    assert signals.status(2) == 2


def test_without_one_the_status_is_the_commands():
    assert [signals.status(code) for code in (0, 1, 2)] == [0, 1, 2]
