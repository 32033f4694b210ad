"""`understudy session`: one file for a stage."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "write, check and show a session: one file for a stage"
EXAMPLES = """understudy session new stage.toml      # a small one, with everything else as comments
understudy session check stage.toml
understudy session show stage.toml     # with all that is as usual
understudy play --session stage.toml"""

TEMPLATE = """# A stage: `understudy play --session {name}`. docs/session.md has every word.

[stage]
rate_hz = 60.0            # ticks a second
timecode = "24"           # 23.976, 24, 25, 29.97df, 30, 60 ...
# publish = "tcp://0.0.0.0:5570"    # beyond this machine: with keys
# control = "tcp://0.0.0.0:5571"
# keys = ""               # the folder of `understudy keys`; "" is the usual one

# Where motion comes from. `understudy stage --from list` has every protocol and its options.
[[source]]
as = "hand"
from = "remote://"        # the pad of the viewport, of the monitor, or a gamepad there

# [[source]]
# as = "suit"
# from = "vmc://0.0.0.0:39539"
#
# [[source]]
# as = "phone"
# from = "livelinkface://0.0.0.0:11111"
#
# [[source]]
# as = "walk"
# from = "bvh://walk.bvh"   # from this file's folder
# loop = true

# Who is on stage. Without any [[subject]] every source brings its own.
[[subject]]
name = "ann"
control = "hand"

# [[subject]]
# name = "bob"
# body = {{ from = "suit", delay_s = 0.05 }}
# face = "phone"
# at_m = [1.5, 0.0, 0.0]
# heading_deg = 90.0

# What stands about and moves by physics; docs/props.md has every word.
# [[prop]]
# name = "crate"
# shape = "box"             # sphere, cylinder, capsule, or a .glb file
# size_m = [0.4, 0.4, 0.4]
# at_m = [0.0, 1.5]

# Where poses go beside the wire. `--to list` has every protocol.
# [[output]]
# to = "vmc://127.0.0.1:39540"
# rate = 60

[viewport]
size = "1280x720"
camera = "third"          # third, first, orbit, fixed, stage

[slate]
project = ""
scene = "1"
shot = "A"
take = 1
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    for act, what in (
        ("new", "write a session to start from"),
        ("check", "say what is wrong with one, or what it makes"),
        ("show", "print one with everything that is as usual"),
    ):
        one = acts.add_parser(act, help=what, description=what)
        one.add_argument("file", type=Path, metavar="FILE.toml")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.cli.session_options import check_maps, check_outputs
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage import session as sessions

    path: Path = args.file
    if args.act == "new":
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(TEMPLATE.format(name=path.name))
        except FileExistsError:
            raise UnderstudyError(f"{path} is there already; name another file.") from None
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise UnderstudyError(f"{path} cannot be written: {cause}.") from None
        print(f"wrote {path}; start it with `understudy play --session {path}`")
        return 0
    session = sessions.load(path)
    check_maps(session, str(path))
    check_outputs(session, str(path))
    if args.act == "show":
        print(sessions.dumps(session, whole=True), end="")
        return 0
    subjects = ", ".join(s.name for s in session.subject) or "those that the sources bring"
    print(
        f"{path} is good: {len(session.source)} source(s), subjects: {subjects}, "
        f"{len(session.output)} output(s), {session.stage.rate_hz:g} Hz."
    )
    return 0
