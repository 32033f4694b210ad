"""The show: a pad script, and mocap that fails, through stage, wire, listener and viewport.

    python demos/demo.py [--take YOUR.bvh] [--out out] [--seconds 20]

One figure is on a pad; one is moved by a take, played as if it came live, of which the signal is
lost twice: the whole body, then an arm. Without your own take the performer acts one first.
Everything it uses is a public command or a demo beside it; copy from it what you need.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from understudy.runtime.bench.processes import StageProcess, listen
from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import roles
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

HERE = Path(__file__).resolve().parent
SIZE = "960x540"
# Of a take, in seconds: when the whole body is lost, and when its left arm is; the film's end.
BODY_S, ARM_S, FILM_S = (2.4, 3.1), (4.6, 5.3), 6.6
ARM = ("left_upper_arm", "left_lower_arm", "left_hand")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--take", type=Path, help="a BVH file to play as the live source")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    try:
        show(args.take, args.out, args.seconds)
    except UnderstudyError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    return 0


def show(take: Path | None, out: Path, seconds: float) -> None:
    """Plays, listens and looks at the same time; then renders what was recorded."""
    out.mkdir(parents=True, exist_ok=True)
    recorded, stage_stats, view_stats = out / "demo.bvh", out / "stage.json", out / "viewport.json"
    for stale in (recorded, stage_stats, view_stats, out / "demo.mp4", out / "takeover.mp4"):
        stale.unlink(missing_ok=True)
    if take is None:
        take = out / "mocap.bvh"
        processes.start(
            *("perform", "--pad", HERE / "pads" / "slalom.toml", "--seconds", seconds),
            *("--out", take),
        ).wait()
    clip = bvh.read(take)  # a damaged file is named before anything starts
    drops = windows(clip)

    words: list[object] = ["--pad", HERE / "pads" / "demo.toml", "--bvh", take]
    words += [word for drop in drops for word in ("--drop", drop)]
    words += ["--record", recorded, "--stats", stage_stats]
    with StageProcess(*words, seconds=seconds) as stage:
        print(f"Playing {seconds:g} s; mocap fails at {' and '.join(drops)}.", flush=True)
        viewport = processes.start(
            "viewport",
            "--connect",
            stage.publish,
            "--control",
            stage.control,
            "--size",
            SIZE,
            "--seconds",
            seconds,
            "--stats",
            view_stats,
            *([] if processes.has_display() else ["--headless", "--out", out, "--discard"]),
        )
        try:
            heard = listen(stage.publish, max(1.0, seconds - 1.0))
            stage.process.wait(seconds + 30)
        except subprocess.TimeoutExpired:
            raise UnderstudyError("The stage did not end in time.") from None
        finally:
            processes.end([viewport])
    # Two were on stage and two takes were written: the film is of the one on the pad.
    os.replace(out / "demo-demo.bvh", recorded)

    print("Rendering what was recorded.", flush=True)
    processes.start(
        "render",
        recorded,
        "--out",
        out / "demo.mp4",
        "--size",
        SIZE,
        "--fps",
        30,
        "--contact-sheet",
        out / "contact-sheet.png",
    ).wait()
    print("Rendering what the mocap was, what arrived and what went out.", flush=True)
    subprocess.run(
        [sys.executable, HERE / "takeover.py", take, "--seconds", str(FILM_S), "--scale", "1"]
        + [word for drop in drops for word in ("--drop", drop)]
        + ["--out", out],
        check=False,
    )
    report(json.loads(stage_stats.read_text()), heard, json.loads(view_stats.read_text()))
    for name in (
        *("demo.mp4", "demo.bvh", "contact-sheet.png"),
        *("takeover.mp4", "takeover-sheet.png"),
    ):
        if not (out / name).exists():
            raise UnderstudyError(f"{out / name} was not written; the lines above say why.")
        print(f"wrote {out / name}")


def windows(clip: Clip) -> list[str]:
    """What is lost of a take: all of it for a while and then an arm, as far as it has them."""
    share = min(1.0, clip.duration_s / FILM_S)
    body, arm = ([round(share * t, 2) for t in span] for span in (BODY_S, ARM_S))
    out = [f"{body[0]}-{body[1]}"]
    joints = roles(clip.skeleton)
    if all(role in joints for role in ARM):
        names = ",".join(clip.skeleton.names[joints[role]] for role in ARM)
        out.append(f"{arm[0]}-{arm[1]}:{names}")
    return out


def report(stage: dict, heard: dict, seen: dict) -> None:
    """The short table."""
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
        trust = f", at most ±{100 * subject['most_uncertainty_m']:.1f} cm"
        rows.append((subject["name"], states + (trust if len(subject["states"]) > 1 else "")))
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


if __name__ == "__main__":
    sys.exit(main())
