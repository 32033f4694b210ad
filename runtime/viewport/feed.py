"""The stream as the viewport sees it: the newest frame, how old it is, how long it took."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from understudy.bridge import Subscriber
from understudy.runtime.core.clock import Histogram
from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame

# A stream is called silent after this long without a frame.
SILENT_S = 0.5
# Clocks of two machines have nothing to do with each other; a figure beyond this is not a latency.
BELIEVED_NS = 30_000_000_000


class Feed:
    """The newest frame of a stage, whether it runs, restarts, or is not there yet."""

    def __init__(self, address: str, key: Path | None = None) -> None:
        self.address = address
        self.subscriber = Subscriber(address, newest=True, key=key, events=True)
        self.frame: Frame | None = None
        self.received = self.shown = 0
        self.publish_to_receive, self.publish_to_present, self.capture_to_present = (
            Histogram() for _ in range(3)
        )
        self._opened_ns = time.monotonic_ns()
        self._heard_ns = 0
        self._shown_sequence: tuple[int, int] | None = None
        self._rate_since: tuple[int, int] | None = None
        self.rate_hz = 0.0

    def newest(self, timeout_s: float = 0.0) -> Frame | None:
        """The newest frame; the last one where none has come since."""
        frame = self.subscriber.receive(timeout_s)
        if frame is not None:
            self.frame = frame
            self.received += 1
            self._heard_ns = frame.received_ns
            _add(self.publish_to_receive, frame.received_ns - frame.publish_ns)
            self._measure_rate(frame)
        return self.frame

    def happened(self) -> list[Event]:
        """What happened since it was last asked."""
        return self.subscriber.happened()

    def _measure_rate(self, frame: Frame) -> None:
        """The stage's rate, by its own sequence numbers over the last second."""
        now = (frame.sequence, frame.publish_ns)
        if self._rate_since is None or now[0] <= self._rate_since[0]:
            self._rate_since = now
            return
        passed_ns = now[1] - self._rate_since[1]
        if passed_ns > 1_000_000_000:
            self.rate_hz = (now[0] - self._rate_since[0]) * 1e9 / passed_ns
            self._rate_since = now

    @property
    def is_new(self) -> bool:
        """Whether the newest frame has not been shown."""
        frame = self.frame
        return frame is not None and (frame.sequence, frame.publish_ns) != self._shown_sequence

    def presented(self, settled: bool = True) -> None:
        """To be called when the picture of the newest frame is out.

        settled: false while a mannequin is being made beside the pictures; such a picture is shown,
        but it says nothing about latency.
        """
        frame = self.frame
        if frame is None or not self.is_new:
            return
        now_ns = time.monotonic_ns()
        self._shown_sequence = (frame.sequence, frame.publish_ns)
        self.shown += 1
        if not settled:
            return
        _add(self.publish_to_present, now_ns - frame.publish_ns)
        if frame.capture_ns:
            _add(self.capture_to_present, now_ns - frame.capture_ns)

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame, or since the feed was opened."""
        return (time.monotonic_ns() - (self._heard_ns or self._opened_ns)) / 1e9

    def notice(self) -> str:
        """What to tell about the signal, or nothing."""
        if self.silent_s < SILENT_S:
            return ""
        if self.subscriber.trouble:
            return self.subscriber.trouble
        if self.frame is None:
            return f"Waiting for a stage on {self.address}"
        return f"No signal for {self.silent_s:.1f} s: waiting for {self.address}"

    def rows(self) -> list[tuple[str, str]]:
        """What the figures over the picture say of the stream."""
        frame = self.frame
        if frame is None:
            return []
        nominal = frame.rate_num / max(1, frame.rate_den)
        rows = [("stage", f"{self.rate_hz or nominal:.1f} Hz")]
        for key, name in (("late", "late ticks"), ("skipped", "skipped ticks")):
            if key in frame.stats:
                rows.append((name, f"{frame.stats[key]:.0f}"))
        if frame.stats.get("recording"):
            failed = frame.stats.get("recording_failed")
            rows.append(("recording", "FAILED: see the terminal" if failed else "yes"))
        if "tick_ms" in frame.stats:
            rows.append(("tick", f"{frame.stats['tick_ms']:.2f} ms"))
        if frame.timecode:
            rows.append(("timecode", frame.timecode))
        rows += [("", ""), ("latency, ms", "p50     p99")]
        for name, histogram in (
            ("publish to receive", self.publish_to_receive),
            ("publish to picture", self.publish_to_present),
            ("intent to picture", self.capture_to_present),
        ):
            if len(histogram):
                p50, p99 = histogram.percentile_ms(50), histogram.percentile_ms(99)
                rows.append((name, f"{p50:5.1f}  {p99:6.1f}"))
        return [*rows, ("", "")]

    def figures(self) -> dict[str, Any]:
        counted = self.subscriber.statistics
        return {
            "received": self.received,
            "passed_over": counted.passed_over,
            "malformed": counted.malformed,
            "restarts": counted.restarts,
            "publish_to_receive_ms": self.publish_to_receive.summary_ms(),
            "publish_to_present_ms": self.publish_to_present.summary_ms(),
            "capture_to_present_ms": self.capture_to_present.summary_ms(),
        }

    def close(self) -> None:
        self.subscriber.close()


def _add(histogram: Histogram, value_ns: int) -> None:
    if 0 <= value_ns < BELIEVED_NS:
        histogram.add_ns(value_ns)
