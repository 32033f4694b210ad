"""Foley of a stage while it runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from understudy.bridge.subscriber import Subscriber
from understudy.runtime.core.event import STEP, Event
from understudy.runtime.core.pose import Frame

from .foley import Foley
from .senders import MidiSender, OscSender
from .sinks import DeviceSink, Handed, WavSink, now_s

POLL_S = 0.004
# An event that is further from now is of a clock that has nothing to do with ours.
BELIEVED_S = 5.0
# Of what a device's clock is off, so much is made good a block.
FOLLOWS = 0.01
# Events that are kept for a list: some hours of a stage.
MOST = 1 << 18

Sender = OscSender | MidiSender


class Live:
    """A stage is heard until `stop`.

    events  those that came; steps of those that were steps
    told    the events themselves, the last MOST of them
    """

    def __init__(
        self, stage: Subscriber, foley: Foley, senders: Sequence[Sender], offset_s: float = 0.0
    ) -> None:
        """offset_s: the stage's clock minus ours, where it runs on another machine."""
        self.stage, self.foley, self.senders, self.offset_s = stage, foley, senders, offset_s
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
        """Until it is stopped, or for so long; gives how many blocks a device waited for.

        With both, the file has what the device plays.
        """
        end_s = None if seconds is None else now_s() + seconds
        handed, sink, maker = None, None, None
        earlier_s = 0.0
        if device is not None:
            handed = Handed(self.foley.voices.stems)
            sink = DeviceSink(device or None, handed.take)
            earlier_s = sink.latency_s + handed.ahead_s
            maker = threading.Thread(target=self._make, args=(handed, wav), daemon=True)
            maker.start()
        try:
            while self._going and (end_s is None or now_s() < end_s):
                self.turn(earlier_s)
                if wav is not None and device is None:
                    for _ in range(wav.wanted(now_s())):
                        wav.write(self.foley.block())
        finally:
            self._going = False
            if sink is not None:
                sink.close()
            if maker is not None:
                maker.join(1.0)
        return handed.missed if handed is not None else 0

    def turn(self, earlier_s: float = 0.0) -> None:
        """Takes what came of the stage."""
        frame = self.stage.receive(POLL_S)
        with self._lock:
            happened = [self._here(event) for event in self.stage.happened()]
            if frame is not None:
                self.foley.frame(frame, frame.publish_ns * 1e-9 - self.offset_s)
            self.foley.happened(happened, earlier_s)
            self.events += len(happened)
            self.told += happened
            self.steps += sum(event.kind == STEP for event in happened)
        for sender in self.senders:
            for event in happened:
                sender.send(event, now_s())

    def _here(self, event: Event) -> Event:
        """The same on this machine's clock; now, where the clocks have nothing to do with each
        other and nobody compared them."""
        here_ns = event.time_ns - round(self.offset_s * 1e9)
        if abs(here_ns * 1e-9 - now_s()) > BELIEVED_S:
            here_ns = round(now_s() * 1e9)
        return replace(event, time_ns=here_ns)

    def _make(self, handed: Handed, wav: WavSink | None) -> None:
        """Blocks for a device, in a thread of their own; its clock is followed."""
        began = False
        while self._going:
            with self._lock:
                late_s = now_s() - self.foley.until_s
                # At first at once; then slowly, as one crystal drifts from another.
                self.foley.began_s += late_s if not began else FOLLOWS * late_s
                began = True
                block = self.foley.block()
            if wav is not None:
                wav.write(block)
            handed.give(block)
