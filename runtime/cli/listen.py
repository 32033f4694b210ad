"""`understudy listen`: is the stream there, whole, and fresh?"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from .finding import stage
from .keys import key_option

if TYPE_CHECKING:
    from understudy.bridge import Subscriber
    from understudy.runtime.core.pose import Frame, Subject

SUMMARY = "print rate, loss, age and latency of a stream of poses"
EXAMPLES = """understudy listen
understudy listen tcp://127.0.0.1:5570 --seconds 10
understudy listen tcp://10.0.0.5:5570 --key tablet.key
understudy listen --seconds 10 --json > stream.json"""

FIRST_FRAME_S = 10.0
_NUMBERS = re.compile(r"[0-9.]+")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        nargs="?",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="where the stage publishes (tcp://127.0.0.1:5570); find: pick one of those that "
        "announce themselves",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="end after N seconds of frames (on Ctrl-C)"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end and nothing else"
    )
    parser.add_argument(
        "--control",
        metavar="ADDRESS",
        help="the stage's control address, to compare clocks with a stage on another machine",
    )
    key_option(parser)
    parser.add_argument(
        "--wait",
        type=float,
        default=FIRST_FRAME_S,
        metavar="S",
        help=f"how long to wait for the first frame ({FIRST_FRAME_S:g})",
    )


def run(args: argparse.Namespace) -> int:
    import json
    import logging
    import sys

    from understudy.bridge import ControlClient, Subscriber
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.signals import stopping

    args.address, _ = stage(args.address, "")
    if args.seconds is not None and not 0 < args.seconds < 1e9:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    if not 0 <= args.wait < 1e9:
        raise UnderstudyError(f"--wait is {args.wait:g}; it must be 0 or more.")
    offset_ns = 0
    if args.control:
        with ControlClient(args.control, key=args.key) as client:
            offset_ns = client.clock().offset_ns
    # What the subscriber has to say is said below, once.
    logging.getLogger("understudy.bridge").addHandler(logging.NullHandler())
    # Ctrl-C and SIGTERM end the listening, not the report.
    ears = Ears(live=not args.json)
    with (
        Subscriber(args.address, clock_offset_ns=offset_ns, key=args.key) as subscriber,
        stopping(ears.stop),
    ):
        ears.listen(subscriber, args.seconds, args.wait)
        heard = report(subscriber, ears)
    if not heard["frames"]:
        print(f"understudy listen: {silence(subscriber, args.wait)}", file=sys.stderr)
        return 1
    print(json.dumps(heard) if args.json else text(heard))
    return 0


class Ears:
    """Listens for a while, a line a second for people, and keeps what the report needs."""

    def __init__(self, live: bool) -> None:
        self.live = live
        self.first: Frame | None = None
        self.last: Frame | None = None
        self.heard: dict[str, Heard] = {}
        self._running = True

    def stop(self) -> None:
        self._running = False

    def listen(self, subscriber: Subscriber, seconds: float | None, wait_s: float) -> None:
        """Takes frames for `seconds` after the first, which may take `wait_s` to come."""
        import time

        end_s = time.monotonic() + wait_s
        counted, line_s = 0, 0.0
        while self._running and (now := time.monotonic()) < end_s:
            frame = subscriber.receive(min(0.1, end_s - now))
            if frame is None and subscriber.trouble and self.first is None:
                return  # it would not get better by waiting
            if frame is not None:
                if self.first is None:
                    self.first = frame
                    # Connecting and importing are over: from here on the stream is judged.
                    end_s = float("inf") if seconds is None else time.monotonic() + seconds
                    line_s = time.monotonic() + 1.0
                self.last = frame
                for subject in frame.subjects:
                    self.heard.setdefault(subject.name, Heard()).add(subject)
            if self.live and self.first is not None and time.monotonic() >= line_s:
                frames = subscriber.statistics.frames
                print(live_line(subscriber, self.last, frames - counted), flush=True)
                counted, line_s = frames, line_s + 1.0


class Heard:
    """What was heard of one subject: frames in each state, and the reasons with their state."""

    MOST_REASONS = 100

    def __init__(self) -> None:
        self.states: dict[str, int] = {}
        self.uncertainty_m = 0.0
        self._reasons: dict[str, tuple[str, str]] = {}

    def add(self, subject: Subject) -> None:
        name = subject.state.name
        self.states[name] = self.states.get(name, 0) + 1
        self.uncertainty_m = max(self.uncertainty_m, subject.uncertainty_m)
        if subject.reason:
            alike = _NUMBERS.sub("#", subject.reason)  # one that counts seconds is one reason
            if alike in self._reasons or len(self._reasons) < self.MOST_REASONS:
                self._reasons[alike] = subject.reason, name

    @property
    def reasons(self) -> dict[str, str]:
        """Reasons as they were last said, with the state that they were said with."""
        return dict(self._reasons.values())


def live_line(subscriber: Subscriber, frame: Frame | None, frames: int) -> str:
    """One second in one line."""
    seen = subscriber.statistics
    subjects = "" if frame is None else ", ".join(map(standing, frame.subjects[:4]))
    more = 0 if frame is None else len(frame.subjects) - 4
    restarts = f"restarts {seen.restarts}  " if seen.restarts else ""
    return (
        f"{frame.timecode if frame else '':<12} {frames:4d} frames/s  lost {seen.lost}  {restarts}"
        f"age {seen.age.percentile_ms(50):.2f} ms, p99 {seen.age.percentile_ms(99):.2f}  "
        f"{subjects}{f' and {more} more' if more > 0 else ''}"
    )


def standing(subject: Subject) -> str:
    """A subject in a few words: name, state, trust and reason."""
    from understudy.runtime.core.pose import trust

    words = f"{subject.name} {subject.state.name}"
    if expected := trust(subject.uncertainty_m, 1):
        words += f" {expected}"
    return f"{words} ({subject.reason})" if subject.reason else words


def least_sure(subject: Subject, count: int = 3) -> dict[str, float]:
    """The joints whose place is expected to be furthest off, metres."""
    each = subject.joint_uncertainty_m
    return {
        subject.skeleton.names[j]: round(float(each[j]), 4)
        for j in sorted(range(len(each)), key=lambda j: -each[j])[:count]
    }


def report(subscriber: Subscriber, ears: Ears) -> dict[str, Any]:
    """Everything that was heard, for machines."""
    seen, first, last = subscriber.statistics, ears.first, ears.last
    span_s = (last.received_ns - first.received_ns) / 1e9 if first and last else 0.0
    period_ms = seen.interval.percentile_ms(50)
    return {
        "address": subscriber.address,
        "seconds": round(span_s, 3),
        "frames": seen.frames,
        "lost": seen.lost,
        "malformed": seen.malformed,
        "other_version": seen.other_version,
        "unresolved": seen.unresolved,
        "restarts": seen.restarts,
        "rate_hz": round((seen.frames - 1) / span_s, 3) if span_s > 0 else 0.0,
        "age_ms": seen.age.summary_ms(),
        "latency_ms": seen.latency.summary_ms(),
        "interval_ms": seen.interval.summary_ms(),
        "jitter_ms": {
            # How far receptions stray from their usual distance, upwards.
            "p99": round(max(0.0, seen.interval.percentile_ms(99) - period_ms), 3),
            "max": round(max(0.0, seen.interval.maximum_ms - period_ms), 3),
        },
        "timecode": last.timecode if last else "",
        "subjects": [
            {
                "name": s.name,
                "state": s.state.name,
                "reason": s.reason,
                "uncertainty_m": round(s.uncertainty_m, 4),
                "least_sure_m": least_sure(s),
                "states": ears.heard[s.name].states,
                "reasons": ears.heard[s.name].reasons,
                "most_uncertainty_m": round(ears.heard[s.name].uncertainty_m, 4),
                "joints": len(s.skeleton),
                "skeleton": f"{s.skeleton.id:016x}",
            }
            for s in (last.subjects if last else [])
        ],
        "cameras": [camera.name for camera in last.cameras] if last else [],
        "props": [prop.name for prop in last.props] if last else [],
        "stats": dict(last.stats) if last else {},
    }


def text(heard: dict[str, Any]) -> str:
    """The report for people."""
    from understudy.runtime.core.pose import trust

    lines = [
        f"{heard['frames']} frames in {heard['seconds']:.1f} s, {heard['rate_hz']:.2f} Hz, "
        f"{heard['lost']} lost, {heard['malformed']} malformed, {heard['restarts']} restarts"
    ]
    for name, label in (
        ("age_ms", "age (capture to here)"),
        ("latency_ms", "latency (publish to here)"),
        ("interval_ms", "between frames"),
    ):
        p = heard[name]
        lines.append(
            f"{label:<26} p50 {p['p50']:8.3f} ms   p99 {p['p99']:8.3f} ms   max {p['max']:8.3f} ms"
        )
    for subject in heard["subjects"][:16]:
        why = f" ({subject['reason']})" if subject["reason"] else ""
        lines.append(f"{subject['name']:<26} {subject['state']}{why}, {subject['joints']} joints")
        if len(subject["states"]) > 1:
            shares = ", ".join(f"{count} {state}" for state, count in subject["states"].items())
            most = trust(subject["most_uncertainty_m"], 1).replace("±", "at most ±")
            lines.append(f"{'':<26} frames: {shares}{f', {most}' if most else ''}")
            lines += [f"{'':<26} {state}: {r}" for r, state in list(subject["reasons"].items())[:4]]
    if len(heard["subjects"]) > 16:
        lines.append(f"and {len(heard['subjects']) - 16} subjects more")
    if refused := heard["stats"].get("refused_connections"):
        lines.append(f"The stage turned away {refused:.0f} connections; it says whose.")
    if heard["age_ms"]["max"] > 60_000:
        lines.append("Ages beyond a minute: the stage's clock is another one; give --control.")
    return "\n".join(lines)


def silence(subscriber: Subscriber, wait_s: float) -> str:
    """Why nothing was heard, as far as it can be told."""
    seen, address = subscriber.statistics, subscriber.address
    if subscriber.trouble:
        return subscriber.trouble
    if seen.other_version:
        return (
            f"{address} speaks another schema version; install the same understudy on both sides."
        )
    if seen.malformed:
        return f"{seen.malformed} messages came from {address} and none was a frame of ours."
    if seen.unresolved:
        return f"{seen.unresolved} frames came from {address} and their skeletons never did."
    return (
        f"Nothing came from {address} within {wait_s:g} s; start a stage with `understudy stage` "
        "or give the address it publishes on."
    )
