"""`understudy align`: how much later one device is than another, by a clap that both saw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.core.pose import Frame, Subject

SUMMARY = "measure how much later one subject is than another, by a clap or a nod of both"
EXAMPLES = """understudy align suit gloves                  # of the stage that runs: clap now
understudy align ann phone --seconds 15       # nod: body and phone both see the head
understudy align take.mcap suit gloves        # of a take"""
PATIENCE_S = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="[TAKE.mcap] A B", help="two subjects' names")
    parser.add_argument(
        "--from", dest="address", default="tcp://127.0.0.1:5570", metavar="ADDRESS",
        help="the stage (tcp://127.0.0.1:5570)",
    )  # fmt: skip
    parser.add_argument("--key", type=Path, metavar="FILE", help="a key for that stage")
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="N", help="listen for so long (10)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    import json

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.takes import alignment

    words = list(args.words)
    take = Path(words.pop(0)) if len(words) == 3 else None
    if len(words) != 2 or words[0] == words[1]:
        raise UnderstudyError("Name two subjects, and before them a take where it is of one.")
    if not 2.0 <= args.seconds <= 600.0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must lie between 2 and 600.")
    if take is not None:
        rate_hz, ones, twos = _of_take(take, words)
    else:
        rate_hz, ones, twos = _of_stage(args, words)
    found, what = alignment.measured(ones, twos, rate_hz)
    one, two = words if found.later_s >= 0.0 else words[::-1]
    later_ms = 1e3 * abs(found.later_s)
    if args.json:
        print(
            json.dumps(
                {
                    "later": two, "than": one, "later_s": abs(found.later_s),
                    "alike": found.alike, "frames": len(ones), "by": what,
                }
            )
        )  # fmt: skip
        return 0
    print(f"{two} is {later_ms:.1f} ms later than {one} ({what}, alike to {found.alike:.2f} of 1)")
    print(f"show {one} later by it: delay_s = {abs(found.later_s):.4f} more, in its part of a")
    print("[[subject]], or with `--subject`")
    return 0


def _pair(frame: Frame, words: list[str]) -> tuple[Subject, Subject] | None:
    there = {one.name: one for one in frame.subjects}
    return (there[words[0]], there[words[1]]) if set(words) <= there.keys() else None


def _kept(
    pairs: list[tuple[int, tuple[Subject, Subject]]],
) -> tuple[list[Subject], list[Subject]]:
    """The longest stretch of which no frame was missed, and in which no skeleton changed."""
    best: list[tuple[Subject, Subject]] = []
    run: list[tuple[Subject, Subject]] = []
    last: tuple[int, int, int] | None = None
    for sequence, (one, two) in pairs:
        now = sequence, one.skeleton.id, two.skeleton.id
        if last is None or now != (last[0] + 1, *last[1:]):
            run = []
        run.append((one, two))
        best, last = max(best, run, key=len), now
    return [one for one, _ in best], [two for _, two in best]


def _of_stage(
    args: argparse.Namespace, words: list[str]
) -> tuple[float, list[Subject], list[Subject]]:
    import time

    from understudy.bridge import Subscriber
    from understudy.runtime.core.errors import UnderstudyError

    pairs: list[tuple[int, tuple[Subject, Subject]]] = []
    rate_hz = 60.0
    names: set[str] = set()
    with Subscriber(args.address, key=args.key, timeout_s=PATIENCE_S) as frames:
        until_s = None
        for frame in frames:
            now_s = time.monotonic()
            if until_s is None:
                until_s = now_s + args.seconds
                print(f"listens for {args.seconds:g} s: clap, nod or jump", flush=True)
            if now_s > until_s:
                break
            names |= {one.name for one in frame.subjects}
            rate_hz = frame.stats.get("rate_hz", rate_hz)
            if (pair := _pair(frame, words)) is not None:
                pairs.append((frame.sequence, pair))
    if not pairs:
        there = f"there are {', '.join(sorted(names))}" if names else "nobody is there"
        raise UnderstudyError(f"{' and '.join(words)} are not both on stage; {there}.")
    return rate_hz, *_kept(pairs)


def _of_take(path: Path, words: list[str]) -> tuple[float, list[Subject], list[Subject]]:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.takes.take_reader import TakeReader

    reader = TakeReader(path)
    pairs: list[tuple[int, tuple[Subject, Subject]]] = []
    names: set[str] = set()
    for said in reader.frames():
        if not isinstance(said, tuple):
            continue
        frame = said[0]
        names |= {one.name for one in frame.subjects}
        if (pair := _pair(frame, words)) is not None:
            pairs.append((frame.sequence, pair))
    if not pairs:
        raise UnderstudyError(
            f"{path} has not both of {' and '.join(words)}; it has {', '.join(sorted(names))}."
        )
    return reader.rate_hz, *_kept(pairs)
