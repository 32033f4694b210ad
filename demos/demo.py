"""The show: a pad script (or your own mocap) through stage, wire, listener and viewport.

    python demos/demo.py [--take YOUR.bvh] [--out out] [--seconds 20]

Everything it uses is a public command; copy from it what you need.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from understudy.runtime import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.processes import StageProcess, listen
from understudy.runtime.takes import bvh

HERE = Path(__file__).resolve().parent
SIZE = "960x540"


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
    if take is None:
        source: list[object] = ["--pad", HERE / "pads" / "demo.toml"]
    else:
        clip = bvh.read(take)  # a damaged file is named before anything starts
        seconds = min(seconds, len(clip.rotations) * clip.frame_time_s)
        source = ["--bvh", take]
    recorded, stage_stats, view_stats = out / "demo.bvh", out / "stage.json", out / "viewport.json"
    for stale in (recorded, stage_stats, view_stats):
        stale.unlink(missing_ok=True)

    words = [*source, "--record", recorded, "--stats", stage_stats]
    with StageProcess(*words, seconds=seconds) as stage:
        print(f"Playing {seconds:g} s.", flush=True)
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
    report(json.loads(stage_stats.read_text()), heard, json.loads(view_stats.read_text()))
    for name in ("demo.mp4", "demo.bvh", "contact-sheet.png"):
        if not (out / name).exists():
            raise UnderstudyError(f"{out / name} was not written; the lines above say why.")
        print(f"wrote {out / name}")


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
