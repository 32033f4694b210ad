"""A camera's timecode as the stage's: by OpenTrackIO, with the phase to its frame."""

from __future__ import annotations

import socket
import time

import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as packet
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import timecode_in
from understudy.runtime.sources.timecode_in import TimecodeIn


def sample(said: ot.Timecode | None, source: int = 1) -> bytes:
    timing = ot.Timing(sample_rate=ot.Rate(50, 1), timecode=said)
    whole = ot.Sample(ot.protocol(), source_number=source, timing=timing)
    (data,) = packet.encode(ot.to_json(whole), packet.Encoding.JSON, 1)
    return data


def heard(one: TimecodeIn, port: int, *datagrams: bytes, notice: str = "") -> list[str]:
    """The labels of ticks until there is one, or until a notice has these words."""
    began_s, labels = time.monotonic(), []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for data in datagrams:
            out.sendto(data, ("127.0.0.1", port))
    while time.monotonic() - began_s < 20.0:  # a thread hears, and it may be late
        labels.append(one.tick(time.monotonic() - began_s + 1e-3))
        if labels[-1] or (notice and notice in one.notice):
            break
    return labels


@pytest.mark.parametrize(
    ("stage", "rate", "label"),
    [("25", ot.Rate(25, 1), "10:00:00:03"), ("29.97df", ot.Rate(30000, 1001), "10:00:00;03")],
)
def test_a_cameras_label_is_the_stages_and_its_frame_has_a_phase(stage, rate, label):
    (port,) = free_udp_ports(1)
    one = TimecodeIn(f"opentrackio://127.0.0.1:{port}", stage)
    try:
        assert one.phase_ms is None
        labels = heard(one, port, sample(ot.Timecode(10, 0, 0, 3, rate)))
        assert labels[-1] == label and one.figures()["lock"] == "locked"
        assert one.ears.frame_s == 0.02 and 0.0 <= one.phase_ms < 20.0
    finally:
        one.close()


def test_a_camera_without_timecode_and_another_source_are_told():
    (port,) = free_udp_ports(1)
    one = TimecodeIn(f"opentrackio://127.0.0.1:{port}?source=3", "25")
    try:
        other = sample(ot.Timecode(1, 0, 0, 0, ot.Rate(25, 1)), source=4)
        told = "says no timecode"
        assert not any(heard(one, port, other, sample(None, source=3), notice=told))
        assert told in one.notice
    finally:
        one.close()


def test_a_rate_that_is_none_is_told():
    (port,) = free_udp_ports(1)
    one = TimecodeIn(f"opentrackio://127.0.0.1:{port}", "25")
    try:
        heard(one, port, sample(ot.Timecode(1, 0, 0, 0, ot.Rate(31, 1))), notice="31/1")
        assert "31/1" in one.notice
    finally:
        one.close()


def test_lines_are_checked_before_anything_opens():
    timecode_in.check("opentrackio://multicast?source=3")
    with pytest.raises(UnderstudyError, match="source"):
        timecode_in.check("opentrackio://multicast?source=900")
    with pytest.raises(UnderstudyError, match="opentrackio://multicast"):
        timecode_in.check("tape://")
