"""The stage as the page sees it: the newest frame at the page's rate, and figures on the way."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

# A stage is called silent after this long without a frame.
SILENT_S = 0.5
FIGURES_S = 0.5
# Latencies are told of the last frames, so that an old hitch does not colour the whole day.
KEPT = 600
# Clocks of two machines have nothing to do with each other; a figure beyond this is no latency.
BELIEVED_NS = 30_000_000_000

Offer = Callable[[Frame | None, dict[str, Any]], None]


class Stream:
    """Reads every frame, so that loss is known, and offers the newest `rate_hz` times a second.

    offer(frame, about) is called on the stream's thread; frame None: nothing new has come. It must
    not wait. on_restart() is called when a stage begins anew.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        rate_hz: float,
        offer: Offer,
        on_restart: Callable[[], object] = lambda: None,
        control: Callable[[], ControlClient] | None = None,
        on_failure: Callable[[], object] = lambda: None,
    ) -> None:
        self._subscriber, self._period_s = subscriber, 1.0 / rate_hz
        self._offer, self._control = offer, control
        self._on_restart, self._on_failure = on_restart, on_failure
        self._ages_ms: deque[float] = deque(maxlen=KEPT)
        self._latencies_ms: deque[float] = deque(maxlen=KEPT)
        self._figures: dict[str, Any] = {}
        self._rate_since: tuple[int, int] | None = None
        self._rate_hz = 0.0
        self._heard_s = self._opened_s = time.monotonic()
        self._heard_any = False
        self._restarts = 0
        self._running = True
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def skeletons(self) -> dict[int, Skeleton]:
        """Skeletons that the stage has sent, by id."""
        return self._subscriber.skeletons

    def notice(self) -> str:
        """What to tell about the signal, or nothing."""
        if self._subscriber.trouble:  # it has no key, or the wrong one
            return self._subscriber.trouble
        silent_s = time.monotonic() - self._heard_s
        if self._heard_any and silent_s < SILENT_S:
            return ""
        if not self._heard_any:
            return f"No stage on {self._subscriber.address} yet: waiting"
        return f"No stage: silent for {silent_s:.0f} s, waiting for {self._subscriber.address}"

    def _run(self) -> None:
        try:
            self._follow()
        except BaseException as error:
            self.failure = error
            self._on_failure()

    def _follow(self) -> None:
        while self._subscriber.receive(0.0) is not None:
            pass  # what came while this program was starting says nothing about latency
        due_s = figures_s = time.monotonic()
        while self._running:
            frame = self._newest(0.1)
            now_s = time.monotonic()
            if now_s >= figures_s:
                self._figures, figures_s = self._measured(), now_s + FIGURES_S
                if frame is None and now_s - self._heard_s > SILENT_S:
                    self._offer(None, self._about())
            if frame is not None and now_s >= due_s - 0.1 * self._period_s:
                self._offer(frame, self._about())
                due_s = max(due_s + self._period_s, now_s)

    def _newest(self, wait_s: float) -> Frame | None:
        """The newest of the frames that have come, all of them counted."""
        newest = frame = self._subscriber.receive(wait_s)
        while frame is not None:
            newest = frame
            if not self._heard_any:
                self._compare_clocks()
            self._heard_s, self._heard_any = time.monotonic(), True
            self._measure(frame)
            frame = self._subscriber.receive(0.0)
        if self._subscriber.statistics.restarts != self._restarts:
            self._restarts = self._subscriber.statistics.restarts
            self._rate_since = None
            self._ages_ms.clear()
            self._latencies_ms.clear()
            self._compare_clocks()
            self._on_restart()
        return newest

    def _measure(self, frame: Frame) -> None:
        there_ns = frame.received_ns + self._subscriber.clock_offset_ns
        for kept, since_ns in (
            (self._ages_ms, frame.capture_ns),
            (self._latencies_ms, frame.publish_ns),
        ):
            if 0 <= there_ns - since_ns < BELIEVED_NS:
                kept.append((there_ns - since_ns) / 1e6)
        # What was published: a stage that skips ticks counts them in its sequence all the same.
        seen = self._subscriber.statistics
        now = (seen.frames + seen.lost, frame.publish_ns)
        if self._rate_since is None or now[1] < self._rate_since[1]:
            self._rate_since = now
        elif (passed_ns := now[1] - self._rate_since[1]) > 1_000_000_000:
            self._rate_hz = (now[0] - self._rate_since[0]) * 1e9 / passed_ns
            self._rate_since = now

    def _measured(self) -> dict[str, Any]:
        seen = self._subscriber.statistics
        return {
            "rate_hz": round(self._rate_hz, 2),
            "lost": seen.lost,
            "restarts": seen.restarts,
            "unreadable": seen.malformed + seen.other_version + seen.unresolved,
            "age_ms": _percentiles(self._ages_ms),
            "latency_ms": _percentiles(self._latencies_ms),
        }

    def _about(self) -> dict[str, Any]:
        return {"notice": self.notice(), "figures": self._figures}

    def _compare_clocks(self) -> None:
        """A stage on another machine has another clock; its offset makes ages mean something."""
        if self._control is not None:  # beside the stream: an answer may take its time
            threading.Thread(target=self._measure_clock, name="clock", daemon=True).start()

    def _measure_clock(self) -> None:
        assert self._control is not None
        try:
            with self._control() as client:
                clock = client.clock()
        except UnderstudyError:  # nobody answers there: on one machine nothing is missed
            return
        if abs(clock.offset_ns) > clock.error_ns + 1_000_000:
            self._subscriber.clock_offset_ns = clock.offset_ns

    def close(self) -> None:
        self._running = False
        if self._thread.is_alive():
            self._thread.join(5.0)


def _percentiles(values: deque[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p99 = np.percentile(np.fromiter(values, float), (50, 99))
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}
