"""`understudy demo`: a pad script and mocap that fails, on stage, heard, seen and filmed.

One figure is on a pad; one is moved by a take, played as if it came live, of which the signal is
lost twice: the whole body, then an arm. Without a take of the user's the performer acts one first.
Everything it uses is a public command or a demo; copy from it what you need.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.runtime.takes.clip import Clip

SUMMARY = "a 20 s performance and a takeover, as films, takes and a table: see it work"
EXAMPLES = """understudy demo
understudy demo --take your.bvh --out out"""

SIZE = "960x540"
# Of a take, in seconds: when the whole body is lost, and when its left arm is; the film's end.
BODY_S, ARM_S, FILM_S = (2.4, 3.1), (4.6, 5.3), 6.6
ARM = ("left_upper_arm", "left_lower_arm", "left_hand")
# What is shown at the end, in this order; the rest is kept beside it.
RESULTS = ("demo.mp4", "demo.bvh", "contact-sheet.png", "takeover.mp4", "takeover-sheet.png")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--take", type=Path, metavar="FILE.bvh", help="mocap of yours as the source that fails"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where the films go (out)"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, metavar="N", help="of the performance (20)"
    )


def run(args: argparse.Namespace) -> int:
    import os
    import shutil
    import tempfile

    from understudy.runtime.core.errors import Failure, UnderstudyError
    from understudy.runtime.core.files import writable
    from understudy.runtime.takes import bvh

    if not 5.0 <= args.seconds <= 3600.0:  # shorter, and a slow machine hears nothing of it
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it can be 5 to 3600.")
    if args.take is not None:
        bvh.read(args.take)  # a damaged file is named before anything is made
    writable(args.out / RESULTS[0])
    # What was made last time stays until all of the new is there.
    work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=args.out))
    try:
        show(args.take, work, args.seconds)
        if missing := [name for name in RESULTS if not (work / name).exists()]:
            raise Failure(f"{missing[0]} was not made; the lines above say why.")
        for path in sorted(work.iterdir()):
            os.replace(path, args.out / path.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name in RESULTS:
        print(f"made {args.out / name}")
    return 0


def show(take: Path | None, out: Path, seconds: float) -> None:
    """Plays, listens and looks at the same time; then renders what was recorded."""
    import json
    import os

    from understudy import demos
    from understudy.demos import takeover
    from understudy.runtime.bench.processes import StageProcess, listen
    from understudy.runtime.core import processes
    from understudy.runtime.core.errors import Failure
    from understudy.runtime.sources.files.dropout import parse_drop
    from understudy.runtime.takes import bvh
    from understudy.runtime.viewport import gl

    recorded, stage_stats, view_stats = out / "demo.bvh", out / "stage.json", out / "viewport.json"
    # A take is never overwritten; the demo's own of an earlier run go first.
    for old in (*out.glob("demo*.mcap"), *out.glob("demo*.bvh")):
        old.unlink()
    if take is None:
        take = out / "mocap.bvh"
        pad = demos.PADS / "slalom.toml"
        _finish("perform", "--pad", pad, "--seconds", seconds, "--out", take)
    drops = windows(bvh.read(take))

    words: list[object] = ["--pad", demos.PADS / "demo.toml", "--bvh", take]
    words += [word for drop in drops for word in ("--drop", drop)]
    words += ["--record", recorded, "--stats", stage_stats]
    with StageProcess(*words, seconds=seconds) as stage:
        print(f"Playing {seconds:g} s; mocap fails at {' and '.join(drops)}.", flush=True)
        watch: list[object] = ["--connect", stage.publish, "--control", stage.control]
        watch += ["--size", SIZE, "--seconds", seconds, "--stats", view_stats]
        watch += [] if processes.has_display() else ["--headless", "--discard"]
        viewport = processes.start("viewport", *watch)
        try:
            heard = listen(stage.publish, max(1.0, seconds - 1.0))
            stage.process.wait(seconds + 30)
            viewport.wait(30)
        except subprocess.TimeoutExpired:
            raise Failure("The stage or the viewport did not end in time.") from None
        finally:
            processes.end([viewport])
    for path, what in ((stage_stats, "stage"), (view_stats, "viewport")):
        if not path.exists():
            raise Failure(f"The {what} wrote no figures; the lines above say why.")
    # Two were on stage and two takes were written: the film is of the one on the pad.
    os.replace(out / "demo-demo.bvh", recorded)

    print("Rendering what was recorded.", flush=True)
    film: list[object] = ["--out", out / "demo.mp4", "--size", SIZE, "--fps", 30]
    film += ["--character", demos.PEOPLE / "ada.glb"]
    _finish("render", recorded, *film, "--contact-sheet", out / "contact-sheet.png")
    print("Rendering what the mocap was, what arrived and what went out.", flush=True)
    gl.spare_the_cores()
    takeover.show(take, [parse_drop(text) for text in drops], out, FILM_S, scale=1.0)
    report(
        json.loads(stage_stats.read_text("utf-8")), heard, json.loads(view_stats.read_text("utf-8"))
    )


def _finish(*words: object) -> None:
    """Runs a command of ours to its end."""
    from understudy.runtime.core import processes
    from understudy.runtime.core.errors import Failure

    child = processes.start(*words)
    try:
        if status := child.wait():
            raise Failure(f"`understudy {words[0]}` ended with status {status}; see above.")
    finally:
        processes.end([child])


def windows(clip: Clip) -> list[str]:
    """What is lost of a take: all of it for a while and then an arm, as far as it has them."""
    from understudy.runtime.core.humanoid import roles

    share = min(1.0, clip.duration_s / FILM_S)
    body, arm = ([round(share * t, 2) for t in span] for span in (BODY_S, ARM_S))
    out = [f"{body[0]}-{body[1]}"]
    joints = roles(clip.skeleton)
    if all(role in joints for role in ARM):
        names = ",".join(clip.skeleton.names[joints[role]] for role in ARM)
        out.append(f"{arm[0]}-{arm[1]}:{names}")
    return out


def report(stage: dict[str, Any], heard: dict[str, Any], seen: dict[str, Any]) -> None:
    """The short table."""
    from understudy.runtime.core.pose import trust

    ms = stage["ms"]
    rows = [
        ("ticks", f"{stage['ticks']} at {stage['rate_hz']:g} Hz, network on {stage['provider']}"),
        (
            "late, skipped",
            f"{stage['late']} late by over 1 ms, {stage['skipped']} skipped; "
            f"lateness p99 {stage['lateness_ms']['p99']:.2f} ms",
        ),
        (
            "received",
            f"{heard['frames']} frames at {heard['rate_hz']:.1f} Hz, {heard['lost']} lost",
        ),
        ("drawn", f"{seen['frames']} frames at {seen['rate_hz']:.1f} Hz on {seen['renderer']}"),
    ]
    for subject in heard["subjects"]:
        states = ", ".join(f"{count} {state}" for state, count in subject["states"].items())
        most = trust(subject["most_uncertainty_m"], 1).replace("±", "at most ±")
        rows.append((subject["name"], f"{states}, {most}" if most else states))
    print()
    for name, text in rows:
        print(f"  {name:<18}{text}")
    print(f"\n  {'ms':<18}{'p50':>8}{'p99':>8}{'max':>8}")
    lines = [
        (f"stage: {name}", ms[name])
        for name in ("sense", "perform", "solve", "record", "publish", "tick")
    ]
    lines += [
        ("intent to publish", ms["intent_to_publish"]),
        ("intent to receive", heard["age_ms"]),
        ("intent to picture", seen["capture_to_present_ms"]),
    ]
    for name, values in lines:
        print(f"  {name:<18}" + "".join(f"{values[k]:8.2f}" for k in ("p50", "p99", "max")))
    print()
