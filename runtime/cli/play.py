"""`understudy play`: stage and viewport together, what a user starts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from understudy.runtime.performer.control.layout import ACTIONS
from understudy.runtime.viewport import keymap

from .stage import add_sources, check_outputs

SUMMARY = "stage, viewport, gamepad or keyboard, and the stream: start here"
EXAMPLES = """understudy play
understudy play --bvh walk.bvh
understudy play --to vmc://127.0.0.1:39539
understudy play --pad demos/pads/demo.toml --seconds 20 --headless --out out/frames"""

KEYS = (
    "WASD or arrows go, Shift runs, Ctrl or the right mouse button strafes, Space jumps"
    + "".join(f", Alt+{button[-1]} {does}" for button, does in ACTIONS.items() if button != "jump")
)
BUTTONS = {"jump": "A", "action1": "B", "action2": "X", "action3": "Y", "action4": "right bumper"}
PAD = (
    "left stick goes, right trigger runs, left trigger strafes and the right stick faces"
    + "".join(f", {BUTTONS[button]} {does}" for button, does in ACTIONS.items())
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    view = parser.add_argument_group(
        "viewport", f"In its window: {KEYS}; {keymap.line('; ')}. On a gamepad: {PAD}."
    )
    view.add_argument("--headless", action="store_true", help="no window; needs --out")
    view.add_argument("--out", type=Path, metavar="DIR", help="folder for the headless frames")
    view.add_argument("--size", default="1280x720", metavar="WxH")
    view.add_argument(
        "--camera", choices=("third", "first", "orbit", "fixed", "stage"), default="third"
    )
    view.add_argument(
        "--share", metavar="NAME", help="the viewport's camera is one on stage, for receivers"
    )
    view.add_argument("--no-effect", action="store_true", help="start without the neural effect")


def run(args: argparse.Namespace) -> int:
    from threading import Event

    from understudy.runtime.core.signals import stopping

    asked = Event()
    with stopping(asked.set):
        return _play(args, asked.is_set)


def _play(args: argparse.Namespace, asked: Callable[[], bool]) -> int:
    """Keeps stage and viewport going until the user asked, the stage ends or the window does."""
    import sys
    import time

    from understudy.runtime.cli.send import listing
    from understudy.runtime.core import processes
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.sources import registry

    if args.headless and args.out is None:
        raise UnderstudyError("--headless needs a folder for its frames: add --out DIR.")
    if "list" in args.sources:
        print(registry.listing())
        return 0
    if "list" in args.to:
        print(listing())
        return 0
    check_outputs(args)
    registry.endpoints(args.sources, args.source_file)
    key = _key(args)
    show = args.headless or processes.has_display()
    if not show:
        print(
            "play: no display, so no viewport; the stage streams all the same. "
            "Use --headless --out DIR for pictures.",
            file=sys.stderr,
        )
    stage = processes.start("stage", *stage_words(args))
    watch: processes.Watch | None = None
    try:
        if not _wait_until_ready(args.control, key, stage, asked):
            return stage.poll() or 0
        if show:
            watch = processes.Watch(lambda: processes.start("viewport", *viewport_words(args)))
        while not asked() and stage.poll() is None:
            if watch is not None and (code := watch.exit_code) is not None:
                if code == 0:  # the user closed the window
                    break
                if watch.restart():
                    print(
                        f"play: the viewport died ({_cause(code)}); started it again; "
                        "the stream went on.",
                        file=sys.stderr,
                        flush=True,
                    )
                else:
                    print(
                        "play: the viewport keeps dying; streaming goes on without it.",
                        file=sys.stderr,
                        flush=True,
                    )
                    watch = None
            time.sleep(0.05)
        return stage.poll() or 0
    finally:
        processes.end([stage] + ([watch.child] if watch is not None else []))


def stage_words(args: argparse.Namespace) -> list[object]:
    """The stage's own command line out of play's."""
    words: list[object] = ["--rate", args.rate, "--copies", args.copies]
    words += ["--jitter", args.jitter, "--stop-after", args.stop_after]
    for name in ("pad", "bvh", "drop", "to"):
        for value in getattr(args, name):
            words += [f"--{name}", value]
    for value in args.sources:
        words += ["--from", value]
    if args.source_file is not None:
        words += ["--sources", args.source_file]
    for name in (
        "seconds",
        "timecode",
        "weights",
        "takeover_weights",
        "style",
        "publish",
        "control",
        "outputs",
        "record",
        "stats",
        "bvh_speed",
        "bvh_start",
        "bvh_stop",
    ):
        if (value := getattr(args, name)) is not None:
            words += ["--" + name.replace("_", "-"), value]
    for name in ("gamepad", "no_realtime", "insecure", "bvh_once", "no_takeover"):
        if getattr(args, name):
            words.append("--" + name.replace("_", "-"))
    if args.keys is not None:
        words += ["--keys", args.keys] if args.keys else ["--keys"]
    if not (args.gamepad or args.pad or args.bvh or _brings_subjects(args)):
        words.append("--remote")
    return words


def _brings_subjects(args: argparse.Namespace) -> bool:
    """Whether bodies or faces come over the network; cameras alone leave the stage to the pad."""
    from understudy.runtime.sources import registry

    named = registry.endpoints(args.sources, args.source_file)
    return any(one.scheme in ("vmc", "livelinkface") for one in named)


def viewport_words(args: argparse.Namespace) -> list[object]:
    """The viewport's own command line out of play's."""
    words: list[object] = ["--connect", args.publish, "--control", args.control]
    words += ["--size", args.size, "--camera", args.camera]
    if args.headless:
        words += ["--headless", "--out", args.out]
    if args.share:
        words += ["--share", args.share]
    if args.no_effect:
        words.append("--no-effect")
    if (key := _key(args)) is not None:
        words += ["--key", key]
    return words


def _key(args: argparse.Namespace) -> Path | None:
    """With which key the viewport comes to a stage that asks for one."""
    from understudy.bridge.security.keys import Keyring

    if args.keys is None:
        return None
    keyring = Keyring(args.keys or None)
    keyring.stage()
    return keyring.local


def _wait_until_ready(control: str, key: Path | None, stage, asked) -> bool:
    """Waits for the stage's first answer; False if it ended or the user did not want to wait."""
    from understudy.bridge import ControlClient
    from understudy.runtime.core.errors import UnderstudyError

    while stage.poll() is None and not asked():
        try:
            with ControlClient(control, timeout_s=0.25, key=key) as client:
                client.hello()
            return True
        except UnderstudyError:
            continue
    return False


def _cause(code: int) -> str:
    import signal

    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
