"""How cost grows: subjects on a stage, characters in a picture, subscribers of a stream."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution, processes
from understudy.runtime.core.errors import Failure

from .stage import SCRIPT, one_core, tick_ms
from .wire import ANYWHERE, cast

Series = dict[str, dict[int, float]]  # a line's name -> count -> what it costs
COUNTS = (1, 4, 16, 64, 256)
CHARACTERS = (1, 4, 16, 64)
SUBSCRIBERS = (1, 2, 4, 8, 16, 32)
# Distinct for colour-blind eyes (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73")
_LISTENER = """
import sys
from understudy.bridge import Subscriber
with Subscriber(sys.argv[1], timeout_s=10.0) as subscriber:
    for number, _ in enumerate(subscriber):
        if not number:
            print("there", flush=True)
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="PNG", help="draws it, cost against count, both logarithmic"
    )


def run(args: argparse.Namespace) -> int:
    if args.out is not None and args.out.suffix.lower() != ".png":
        raise Failure(f"{args.out} is no .png; the drawing is one.")
    panels = {
        "milliseconds a tick, one core": _ticks(args.quick),
        "milliseconds a picture of 960x540": _pictures(args.quick),
        "publisher's microseconds a frame, all threads": _subscribers(args.quick),
    }
    if args.json:
        print(json.dumps(panels))
    else:
        for title, lines in panels.items():
            print(title)
            for name, costs in lines.items():
                told = "  ".join(f"{count}: {cost:.3g}" for count, cost in costs.items())
                base = costs[min(costs)]
                print(f"  {name:<24} {told}   ({costs[max(costs)] / base:.1f} times the first)")
    if args.out is not None:
        draw(panels, args.out)
        print(f"wrote {args.out}", file=sys.stderr)
    return 0


def _ticks(quick: bool) -> Series:
    """Acted by the performer, mocap with nothing missing, mocap with all missing."""
    counts, ticks = COUNTS[:4] if quick else COUNTS, 60 if quick else 240
    lines: Series = {}
    with one_core(), tempfile.TemporaryDirectory() as folder:
        script, take = Path(folder) / "pad.toml", Path(folder) / "take.bvh"
        script.write_text(SCRIPT)
        seconds = (ticks + 30) / 60
        processes.start("perform", "--pad", script, "--seconds", seconds, "--out", take).wait()
        for name, source in (
            ("acted", f"pad://{script}"),
            ("mocap, whole", f"bvh://{take}"),
            ("mocap, missing", f"bvh://{take}?drop=0.2-1000"),
        ):
            lines[name] = {
                count: tick_ms(count, ticks, source, stop_after_s=1e3)[0].percentile_ms(50)
                for count in counts
            }
    return lines


def _pictures(quick: bool) -> Series:
    """Mannequins in rows of eight, 9 m away, shadow and contact shading on."""
    from understudy.runtime.viewport.camera import Camera, fov_of_lens
    from understudy.runtime.viewport.renderer import Options, Renderer

    from .viewport import crowd, median_ms

    renderer = Renderer(960, 540)
    camera = Camera(
        np.array([6.0, 3.0, 9.0]), np.array([0.0, 0.9, -3.0]), fov_of_lens(38.0), 960, 540
    )
    costs = {}
    for count in CHARACTERS:
        frame = crowd(count)

        def picture(frame: Any = frame) -> None:
            renderer.draw(frame, camera, Options())
            renderer.read()

        costs[count] = median_ms(picture, 5 if quick else 20)
    renderer.close()
    return {"characters": costs}


def _subscribers(quick: bool) -> Series:
    """One body of 60 joints at 120 Hz, to so many processes."""
    from understudy.bridge import Publisher

    frame, seconds = cast(1), 1.0 if quick else 4.0
    costs = {}
    for count in SUBSCRIBERS[:4] if quick else SUBSCRIBERS:
        with ExitStack() as stack:
            publisher = stack.enter_context(Publisher(ANYWHERE))
            peers = [
                subprocess.Popen(
                    [sys.executable, "-c", _LISTENER, publisher.address], stdout=subprocess.PIPE
                )
                for _ in range(count)
            ]
            stack.callback(processes.end, peers)
            _until_there(publisher, frame, peers)
            before_ns, sent, until_s = time.process_time_ns(), 0, time.monotonic() + seconds
            while time.monotonic() < until_s:
                frame.sequence += 1
                publisher.publish(frame)
                sent += 1
                time.sleep(1 / 120)
            costs[count] = (time.process_time_ns() - before_ns) / sent / 1e3
    return {"subscribers": costs}


def _until_there(publisher: Any, frame: Any, peers: list[subprocess.Popen]) -> None:
    """Sends until every listener has said that it hears."""
    import threading

    heard = [threading.Thread(target=peer.stdout.readline, daemon=True) for peer in peers]  # type: ignore[union-attr]
    for one in heard:
        one.start()
    until_s = time.monotonic() + 60.0
    while any(one.is_alive() for one in heard):
        if time.monotonic() > until_s:
            raise Failure("A listener did not hear the stream within 60 s.")
        publisher.publish(frame)
        time.sleep(0.02)


def draw(panels: dict[str, Series], path: Path) -> None:
    """A panel a kind of growth, as one PNG; what grows with the count is a straight line up."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib.figure import Figure
    except ImportError:
        raise Failure(distribution.lacking("matplotlib")) from None
    figure = Figure(figsize=(4.4 * len(panels), 3.8), layout="constrained")
    for ax, (title, lines) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for colour, (name, costs) in zip(COLOURS, lines.items()):
            ax.loglog(list(costs), list(costs.values()), "o-", ms=4, color=colour, label=name)
        first = list(next(iter(lines.values())).items())
        count, base = first[0]
        ax.loglog(
            [count, first[-1][0]], [base, base * first[-1][0]], ":", color="#b0b0b0",
            label="in proportion",
        )  # fmt: skip
        ax.set_xticks(list(next(iter(lines.values()))))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
        ax.set_title(title, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    os.replace(part, path)
