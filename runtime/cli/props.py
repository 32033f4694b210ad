"""`understudy props`: the simulation of a stage's props, in a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .finding import stage
from .keys import key_option

if TYPE_CHECKING:
    from understudy.bridge.requests import PropPlace
    from understudy.runtime.props.simulation import Simulation
    from understudy.runtime.props.surroundings import Ground
    from understudy.runtime.stage.session import Session

SUMMARY = "move a stage's props by physics; play and stage start it where a session has props"
EXAMPLES = """understudy play --prop 'crate=box?size=0.4,0.4,0.4&at=0,1&material=wood'
understudy props
understudy props --connect tcp://10.0.0.5:5570 --control tcp://10.0.0.5:5571
understudy props --take 12A_T003.mcap     # simulates a take's props once more, and compares"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--connect",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="the stage's stream; find: pick one of those that announce themselves",
    )
    add("--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS",
        help="the stage's side channel, which says what props there are")  # fmt: skip
    key_option(parser)
    add("--take", type=Path, metavar="TAKE", help="the frames of a take, instead of a stage's")
    add("--seconds", type=float, metavar="N", help="end after N seconds")
    add("--quiet", action="store_true", help="say only what is wrong")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.signals import stopping

    if args.seconds is not None and not args.seconds > 0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    _needs()
    if args.take is not None:
        return _again(args.take)
    from understudy.runtime.props import process

    args.connect, args.control = stage(args.connect, args.control)
    running = [True]

    def stop() -> None:
        running.clear()

    with stopping(stop):
        session = _session(args.control, args.key, lambda: bool(running))
        if session is None:
            return 0
        simulation = of_session(session)
        if not args.quiet:
            count = len(session.prop)
            print(f"props: {count} prop{'s' * (count != 1)}", flush=True)
        process.pump(
            simulation, args.connect, args.control, args.key, lambda: bool(running), args.seconds
        )
    figures = simulation.figures
    if not args.quiet:
        print(f"props: {figures.frames} frames, {figures.steps} steps, {figures.lost} put back")
    return 0


def _needs() -> None:
    """Says what is not installed."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.props.shapes import NEEDS

    try:
        import mujoco  # noqa: F401
    except ImportError:
        raise UnderstudyError(f"Props that move need MuJoCo: {NEEDS}.") from None


def of_session(session: Session) -> Simulation:
    """The simulation of a session's props, on its floor and in its set."""
    from understudy.runtime.props.simulation import Simulation

    return Simulation(session.prop, session.stage.rate_hz, ground(session))


def ground(session: Session) -> Ground:
    """What stands still on a session's stage."""
    from understudy.runtime.props import surroundings

    found = surroundings.Ground()
    if session.stage.floor:
        found = surroundings.of_floor(Path(session.stage.floor))
    if session.viewport.set:
        # Sets are drawn by the viewport, and read by what draws them.
        from understudy.runtime.viewport.sets import scenery

        body = scenery.load(session.viewport.set).body
        found.solids += surroundings.of_mesh(body.vertices(), body.mesh.triangles)
    return found


def _session(control: str, key: Path | None, running: Any) -> Session | None:
    """The session of the stage that answers there; None where it is not waited for any more."""
    from understudy.bridge import ControlClient
    from understudy.runtime.core import typed
    from understudy.runtime.core.errors import Failure
    from understudy.runtime.props import table
    from understudy.runtime.stage.session import Session

    while running():
        try:
            with ControlClient(control, key=key) as client:
                told = client.session()["session"]
        except Failure:  # it is not there yet
            continue
        session = typed.convert(told, Session, "the stage's session")
        table.check(session.prop, "the stage's session")
        return session
    return None


def _again(path: Path) -> int:
    """Simulates the props of a take once more, and says whether they are as they were."""
    from understudy.runtime.core.errors import Failure, UnderstudyError
    from understudy.runtime.props import process
    from understudy.runtime.stage.replay import session_of_take
    from understudy.runtime.takes.take_reader import TakeReader

    session = session_of_take(path)
    if not session.prop:
        raise UnderstudyError(f"{path} was recorded on a stage without [[prop]] tables.")
    sent = _sent(path)
    if not sent:
        raise UnderstudyError(f"{path} says nothing of where its props were reckoned to be.")
    read = (one[0] for one in TakeReader(path).frames() if isinstance(one, tuple))
    frames = (frame for frame in read if frame.sequence >= min(sent))  # before, nobody reckoned
    happened = list(TakeReader(path).happened())
    simulation, count, apart = of_session(session), 0, 0
    for frame, places in process.again(simulation, frames, happened):
        count += 1
        apart += frame.sequence in sent and sent[frame.sequence] != places
    print(f"props: {count} frames, {simulation.figures.steps} steps")
    if apart:
        raise Failure(
            f"At {apart} frames the props are not where the stage was told: the take began while "
            "they moved, or frames were lost."
        )
    return 0


def _sent(path: Path) -> dict[int, list[PropPlace]]:
    """Where a take's stage was told that the props are, by the frame that they were reckoned of."""
    from understudy.bridge.requests import Props
    from understudy.bridge.wire.envelope import SIZE
    from understudy.runtime.stage.inputs import DECODER
    from understudy.runtime.takes.take_file import INPUTS
    from understudy.runtime.takes.take_reader import TakeReader

    out: dict[int, list[PropPlace]] = {}
    for entry in TakeReader(path).entries():
        if entry.topic == INPUTS:
            for request in DECODER.decode(entry.data[SIZE:]).requests:
                if isinstance(request, Props):
                    out[request.sequence] = request.props
    return out
