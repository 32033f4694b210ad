"""Foley of a stage while it runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from understudy.bridge.subscriber import Subscriber
from understudy.runtime.core.event import STEP, Event
from understudy.runtime.core.pose import Frame

from .foley import Foley
from .senders import MidiSender, OscSender
from .sinks import DeviceSink, Handed, WavSink, now_s

POLL_S = 0.004
# Events that are kept for a list: some hours of a stage.
MOST = 1 << 18

Sender = OscSender | MidiSender


class Live:
    """A stage is heard until `stop`.

    events  those that came; steps of those that were steps
    told    the events themselves, the last MOST of them
    """

    def __init__(self, stage: Subscriber, foley: Foley, senders: Sequence[Sender]) -> None:
        self.stage, self.foley, self.senders = stage, foley, senders
        self.events = self.steps = 0
        self.told: deque[Event] = deque(maxlen=MOST)
        self._going = True
        self._lock = threading.Lock()

    def stop(self) -> None:
        """From any thread."""
        self._going = False

    def first(self, seconds: float | None) -> Frame | None:
        """The first frame of the stage; None where none came in time, or it was stopped."""
        end_s = None if seconds is None else now_s() + seconds
        while self._going and (end_s is None or now_s() < end_s):
            if (frame := self.stage.receive(0.05)) is not None:
                return frame
        return None

    def run(self, wav: WavSink | None, device: str | None, seconds: float | None) -> int:
        """Until it is stopped, or for so long; gives how many blocks a device waited for."""
        end_s = None if seconds is None else now_s() + seconds
        handed, sink, maker = None, None, None
        earlier_s = 0.0
        if device is not None:
            handed = Handed(self.foley.voices.stems)
            sink = DeviceSink(device or None, handed.take)
            earlier_s = sink.latency_s
            maker = threading.Thread(target=self._make, args=(handed,), daemon=True)
            maker.start()
        try:
            while self._going and (end_s is None or now_s() < end_s):
                frame = self.stage.receive(POLL_S)
                with self._lock:
                    happened = self.stage.happened()
                    if frame is not None:
                        self.foley.frame(frame, frame.publish_ns * 1e-9)
                    self.foley.happened(happened, earlier_s)
                    self.events += len(happened)
                    self.told += happened
                    self.steps += sum(event.kind == STEP for event in happened)
                for sender in self.senders:
                    for event in happened:
                        sender.send(event, now_s())
                if wav is not None:
                    for _ in range(wav.wanted(now_s())):
                        wav.write(self.foley.block())
        finally:
            self._going = False
            if sink is not None:
                sink.close()
            if maker is not None:
                maker.join(1.0)
        return handed.missed if handed is not None else 0

    def _make(self, handed: Handed) -> None:
        """Blocks for a device, in a thread of their own."""
        while self._going:
            with self._lock:
                block = self.foley.block()
            handed.give(block)
