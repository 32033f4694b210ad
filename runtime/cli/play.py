"""`understudy play`: stage and viewport together, what a user starts."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.viewport import keymap

from .look_options import (
    LENS_NAMES,
    NAMES,
    aspect_of,
    check_lens,
    frame_options,
    lens_options,
    look_options,
    particle_options,
    particles_of,
)
from .session_options import add_sources, listed, raw_take, session_of

if TYPE_CHECKING:
    from understudy.runtime.core.processes import Watch
    from understudy.runtime.stage.session import Session, StageTable, ViewportTable

SUMMARY = "stage, viewport, gamepad or keyboard, and the stream: start here"
EXAMPLES = """understudy play
understudy play --session stage.toml
understudy play --bvh walk.bvh
understudy play --take takes/12A_T003.mcap
understudy play --to vmc://127.0.0.1:39539
understudy play --pad demos/pads/demo.toml --seconds 20 --headless --out out/frames"""

KEYS = (
    "WASD or arrows go, Shift runs, Ctrl or the right mouse button strafes, Space jumps, "
    "Alt+1 to 0 act, with Shift another ten, and Q mirrors them: "
) + ", ".join(does for button, does in ACTIONS.items() if button != "jump")
PAD = (
    "left stick goes, right trigger runs, left trigger strafes and the right stick faces; A jumps, "
    "B, X, Y, right bumper and the cross act, with Back or Start held others, pressing the right "
    "stick mirrors them"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    view = parser.add_argument_group(
        "viewport", f"In its window: {KEYS}; {keymap.line('; ')}. On a gamepad: {PAD}."
    )
    view.add_argument("--headless", action="store_true", help="no window; needs --out")
    view.add_argument("--out", type=Path, metavar="DIR", help="folder for the headless frames")
    view.add_argument("--size", metavar="WxH", help="(1280x720)")
    view.add_argument(
        "--camera", choices=("third", "first", "orbit", "fixed", "stage"), help="(third)"
    )
    view.add_argument(
        "--share", metavar="NAME", help="the viewport's camera is one on stage, for receivers"
    )
    view.add_argument(
        "--foley",
        nargs="?",
        const="",
        metavar="FILE.wav",
        help="steps, props and clothes are heard on this machine, or written to a file",
    )
    view.add_argument("--no-effect", action="store_true", help="start without the neural effect")
    look_options(parser)
    particle_options(parser)
    frame_options(parser)
    lens_options(parser)


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core import processes
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.stage import session as sessions

    if args.headless and args.out is None:
        raise UnderstudyError("--headless needs a folder for its frames: add --out DIR.")
    if listed(args):
        return 0
    session, _ = asked_for(args)
    view = session.viewport
    key = _key(session)
    show = args.headless or (view.show and processes.has_display())
    if view.show and not show:
        print(
            "play: no display, so no viewport; the stage streams all the same. "
            "Use --headless --out DIR for pictures.",
            file=sys.stderr,
        )
    # The stage keeps the session here as it goes; from here it is started again.
    state = sessions.state_file()
    sessions.save(session, state)
    company = Company(args, state, view, key, show)
    with stopping(company.stop):
        return company.run(session.stage.control)


def asked_for(args: argparse.Namespace) -> tuple[Session, Path | None]:
    """The session that the flags make; with a pad for the viewport where nobody else comes."""
    from understudy.runtime.sources import registry
    from understudy.runtime.viewport.lighting import Lighting

    session, file = session_of(args)
    if not args.raw and not registry.bring_subjects(registry.identify(session.source)):
        session.source.append({"from": "remote://"})
    session.contact.steps |= args.foley is not None
    view = session.viewport
    view.size, view.camera = args.size or view.size, args.camera or view.camera
    view.share, view.effect = args.share or view.share, view.effect and not args.no_effect
    aspect_of(args.aspect)
    view.aspect, view.guides = args.aspect or view.aspect, view.guides or args.guides
    for name in NAMES:
        setattr(view, name, getattr(args, name) or getattr(view, name))
    Lighting(**{name: getattr(view, name) for name in NAMES}).check()
    particles_of(args)
    for name in ("rain", "cold", "wind"):
        setattr(view, name, getattr(args, name) or getattr(view, name))
    view.emit = [*view.emit, *args.emit]
    check_lens(args)
    for name in LENS_NAMES:
        setattr(view, name, getattr(args, name) or getattr(view, name))
    view.settle(Path.cwd())
    return session, file


# A stage has ended by then, unless it makes a file of a take.
ENDS_S, PATIENCE_S = 5.0, 3600.0
SOUND_S = 60.0
WAITS = "play: the stage still writes what is made of a take; Ctrl-C leaves it to the recorder."


class Company:
    """Stage, viewport and foley as child processes: who dies is started again, and it is said."""

    def __init__(
        self,
        args: argparse.Namespace,
        state: Path,
        view: ViewportTable,
        key: Path | None,
        show: bool,
    ) -> None:
        self._args, self._state = args, state
        self._view, self._key, self._show = view, key, show
        self._asked = False
        self._began_s = time.monotonic()

    def stop(self) -> None:
        """Everything ends."""
        self._asked = True

    def run(self, control: str) -> int:
        """Until the user has enough, the time is over, or the stage ends by itself."""
        from understudy.runtime.core import processes
        from understudy.runtime.core.processes import Watch

        stage = Watch(lambda: processes.start("stage", *self._stage_words()))
        beside: dict[str, Watch] = {}
        try:
            if not _wait_until_ready(control, self._key, stage, lambda: self._asked):
                return 0 if self._asked else stage.child.wait()
            if self._show:
                beside["viewport"] = Watch(
                    lambda: processes.start("viewport", *self._viewport_words())
                )
            if self._args.foley is not None:
                beside["foley"] = Watch(lambda: processes.start("foley", *self._foley_words()))
            while not self._asked:
                code = stage.exit_code
                if code == 0:
                    return 0
                if code is not None and not self._again("stage", stage, code):
                    return max(code, 1)
                for name, watch in list(beside.items()):
                    if (code := watch.exit_code) is None:
                        continue
                    if name == "viewport" and code == 0:  # the user closed the window
                        return 0
                    if code == 0 or not self._again(name, watch, code):
                        del beside[name]
                time.sleep(0.05)
            return 0
        finally:
            children = {name: watch.child for name, watch in beside.items()}
            # The sound of hours takes its time to be written.
            processes.end([children.pop("foley")] if "foley" in children else [], SOUND_S)
            processes.end(children.values())
            self._end(stage.child)

    def _end(self, stage: subprocess.Popen[bytes]) -> None:
        """Asks the stage to end, and waits for what it makes of a take; not after Ctrl-C."""
        from understudy.runtime.core import processes

        if stage.poll() is None:
            processes.ask(stage)
        self._asked, asked_s, said = False, time.monotonic(), False
        while stage.poll() is None and not self._asked:
            time.sleep(0.02)
            waited_s = time.monotonic() - asked_s
            if waited_s > ENDS_S and not said:
                said = True
                print(WAITS, file=sys.stderr, flush=True)
            if waited_s > PATIENCE_S:
                break
        processes.end([stage])

    def _again(self, name: str, watch: Watch, code: int) -> bool:
        """Starts a child again that died; False when it keeps dying."""
        from understudy.runtime.core.processes import cause

        went_on = "the session goes on as it was" if name == "stage" else "the stream went on"
        if there := watch.restart():
            said = f"the {name} died ({cause(code)}); started it again; {went_on}."
        elif name == "stage":
            said = f"the stage keeps dying ({cause(code)}); try `understudy play --resume`."
        else:
            said = f"the {name} keeps dying; streaming goes on without it."
        print(f"play: {said}", file=sys.stderr, flush=True)
        return there

    def _stage_words(self) -> list[object]:
        """The stage's own command line: the session as it was kept, and what is left of the run."""
        args = self._args
        words: list[object] = ["--session", self._state, "--state", self._state]
        if args.raw:
            loop = self._loop()
            words = ["--take", raw_take(args), "--raw"]
            words += ["--publish", loop.publish, "--control", loop.control]
            words += ["--insecure"] * loop.insecure + ["--no-realtime"] * (not loop.realtime)
            words += [word for line in args.to for word in ("--to", line)]
            words += ["--outputs", args.outputs] if args.outputs is not None else []
        if args.seconds is not None:
            left_s = args.seconds - (time.monotonic() - self._began_s)
            words += ["--seconds", args.seconds if left_s > args.seconds - 1 else max(left_s, 0.1)]
        if args.record is not None:
            words += ["--record", _unused(args.record)]
        if args.stats is not None:
            words += ["--stats", args.stats]
        return words

    def _viewport_words(self) -> list[object]:
        """The viewport's own command line."""
        args, view = self._args, self._view
        loop = self._loop()
        words: list[object] = ["--connect", loop.publish, "--control", loop.control]
        words += ["--size", view.size, "--camera", view.camera]
        if args.headless:
            words += ["--headless", "--out", args.out]
        words += ["--guides"] * view.guides
        for name in ("set", "sky", "sun", "tone", "aspect", "focus"):
            if said := getattr(view, name):
                words += [f"--{name}", said]
        for name in ("exposure", "clouds", "fog", "wet", "rain", "cold"):
            if value := getattr(view, name):
                words.append(f"--{name}={value:g}")
        words += [f"--wind={view.wind}"] * bool(view.wind)
        words += [word for line in view.emit for word in ("--emit", line)]
        words += ["--lens"] * view.lens + ["--stop", view.stop, "--antialias", view.antialias]
        words += ["--shutter", view.shutter, "--handheld", view.handheld]
        if view.share:
            words += ["--share", view.share]
        if not view.effect:
            words.append("--no-effect")
        if self._key is not None:
            words += ["--key", self._key]
        return words

    def _foley_words(self) -> list[object]:
        """The command line of who makes the sounds."""
        words: list[object] = ["--connect", self._loop().publish]
        words += ["--wav", self._args.foley] if self._args.foley else ["--device"]
        words += ["--camera", self._view.share] if self._view.share else []
        return words + (["--key", self._key] if self._key is not None else [])

    def _loop(self) -> StageTable:
        from understudy.runtime.stage import session as sessions

        return sessions.load(self._state).stage


def _unused(take: Path) -> Path:
    """The take's path, or the next that nothing stands at: a second stage overwrites no take."""
    number, path = 1, take
    while path.exists():
        number += 1
        path = take.with_name(f"{take.stem}-{number}{take.suffix}")
    return path


def _key(session: Session) -> Path | None:
    """With which key the viewport comes to a stage that asks for one."""
    from understudy.bridge.security.keys import Keyring

    if session.stage.keys is None:
        return None
    keyring = Keyring(session.stage.keys or None)
    keyring.stage()
    return keyring.local


def _wait_until_ready(
    control: str, key: Path | None, stage: Watch, asked: Callable[[], bool]
) -> bool:
    """Waits for the stage's first answer; False if it ended or the user did not want to wait."""
    from understudy.bridge import ControlClient
    from understudy.runtime.core.errors import UnderstudyError

    while stage.exit_code is None and not asked():
        try:
            with ControlClient(control, timeout_s=0.25, key=key) as client:
                client.hello()
            return True
        except UnderstudyError:
            continue
    return False
