"""The stream: newest frames at the page's rate, silence told, restarts noticed."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

from tests.bridge.things import small_frame
from understudy.bridge import Publisher, Subscriber
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame
from understudy.runtime.monitor.stream import Stream


class Watched:
    """A stream on a publisher; what it offers, as it comes."""

    def __init__(self, address: str, rate_hz: float = 60.0) -> None:
        self.offers: queue.Queue[tuple[Frame | None, dict]] = queue.Queue()
        self.restarted = threading.Event()
        self.subscriber = Subscriber(address)
        self.stream = Stream(
            self.subscriber, rate_hz, lambda *offer: self.offers.put(offer), self.restarted.set
        )
        self.stream.start()

    def until(self, holds: Callable[[Frame | None, dict], bool], do: Callable[[], None]) -> None:
        """Does something again and again until an offer is as wanted."""
        for _ in range(3000):
            do()
            try:
                if holds(*self.offers.get(timeout=0.02)):
                    return
            except queue.Empty:
                continue
        raise AssertionError("no offer was as wanted")

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.subscriber.close()


class Ticking:
    """A stage's sequence, as fast as it is asked for."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.number = publisher, 0

    def __call__(self) -> None:
        self.number += 1
        frame = small_frame(self.number)
        frame.capture_ns = frame.publish_ns = time.monotonic_ns()
        self.publisher.publish(frame)


def test_the_newest_frame_is_offered_and_what_was_passed_over_is_no_loss():
    with Publisher("tcp://127.0.0.1:*") as publisher, Watched(publisher.address, 5.0) as watched:
        tick = Ticking(publisher)
        seen: list[int] = []

        def enough(frame: Frame | None, about: dict) -> bool:
            if frame is not None:
                seen.append(frame.sequence)
            return len(seen) == 5 and bool(about["figures"])

        watched.until(enough, tick)
        assert seen == sorted(seen) and max(b - a for a, b in itertools.pairwise(seen)) > 1
        assert watched.subscriber.statistics.lost == 0
        watched.until(lambda frame, about: about["figures"].get("latency_ms") is not None, tick)


def test_silence_is_told_and_ends():
    with Publisher("tcp://127.0.0.1:*") as publisher, Watched(publisher.address) as watched:
        watched.until(lambda frame, about: "No stage on" in about["notice"], lambda: None)
        tick = Ticking(publisher)
        watched.until(lambda frame, about: frame is not None and not about["notice"], tick)
        watched.until(
            lambda frame, about: frame is None and "silent" in about["notice"], lambda: None
        )
        watched.until(lambda frame, about: frame is not None and not about["notice"], tick)


def again(address: str) -> Publisher:
    """A publisher where another was: its port is free a moment after it is closed."""
    end_s = time.monotonic() + 30.0
    while True:
        try:
            return Publisher(address)
        except UnderstudyError:
            assert time.monotonic() < end_s, "the port stays taken"


def test_a_stage_that_begins_anew_is_noticed_without_a_new_connection():
    first = Publisher("tcp://127.0.0.1:*")
    with Watched(first.address) as watched:
        watched.until(lambda frame, about: frame is not None, Ticking(first))
        first.close()
        with again(first.address) as second:
            watched.until(lambda frame, about: watched.restarted.is_set(), Ticking(second))


def test_a_failure_on_the_stream_is_no_silence():
    failed = threading.Event()

    def offer(frame: Frame | None, about: dict) -> None:
        raise RuntimeError("packing")

    with Subscriber("tcp://127.0.0.1:1") as subscriber:
        stream = Stream(subscriber, 30.0, offer, on_failure=failed.set)
        stream.start()
        assert failed.wait(30)
        stream.close()
    assert str(stream.failure) == "packing"
