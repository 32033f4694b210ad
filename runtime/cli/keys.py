"""`understudy keys`: who may connect to this machine's stage."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "make keys, and say who may do what with the stage of this machine"
EXAMPLES = """understudy keys new tablet        # writes tablet.key, which may listen: copy it there
understudy keys new desk --may listen,steer,record
understudy keys may tablet listen steer        # a running stage follows within a second
understudy stage --keys --publish tcp://0.0.0.0:5570 --control tcp://0.0.0.0:5571
understudy listen tcp://10.0.0.5:5570 --key tablet.key        # on the tablet
understudy keys ls
understudy keys revoke tablet"""


def keys_option(parser: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """--keys, of programs that listen."""
    parser.add_argument(
        "--keys",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="encrypt, and let in only whom `understudy keys` made or allowed a key (folder: "
        "~/.understudy/keys)",
    )


def key_option(parser: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """--key, of programs that connect."""
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="for a stage that has --keys: the file that `understudy keys new` made there",
    )


def _folder_option(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--keys",
        metavar="FOLDER",
        default=default,
        help="the stage's folder of keys (UNDERSTUDY_KEYS, or ~/.understudy/keys)",
    )


def _may_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--may",
        action="append",
        metavar="RIGHT,...",
        help="what it may do: listen (frames, figures), steer (pads, styles, cameras, sources, "
        "subjects, the stage's end), record (takes), or all; listen alone where nothing is said; "
        "may be given again",
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    _folder_option(parser, None)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    new = acts.add_parser("new", help="make a key for a machine, and let it in")
    new.add_argument("name", metavar="NAME", help="of the machine, such as tablet")
    new.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="for NAME.key (this folder)"
    )
    new.add_argument(
        "--stage",
        type=Path,
        metavar="STAGE.pub",
        help="on the machine itself, so that its secret never travels: with the stage's stage.pub; "
        "makes NAME.pub too, for `understudy keys allow` at the stage",
    )
    _may_option(new)
    allow = acts.add_parser("allow", help="let in a key that was made elsewhere")
    allow.add_argument("file", type=Path, metavar="NAME.pub")
    _may_option(allow)
    may = acts.add_parser("may", help="say what a machine may do; a running stage follows at once")
    may.add_argument("name", metavar="NAME")
    may.add_argument(
        "rights", nargs="+", metavar="RIGHT", help="listen, steer, record, or all; those it has not"
        " been given here it loses",
    )  # fmt: skip
    listing = acts.add_parser("list", aliases=["ls"], help="who is let in, and what for")
    revoke = acts.add_parser("revoke", help="let a machine in no more, and cut it off")
    revoke.add_argument("name", metavar="NAME")
    for act in (new, allow, may, listing, revoke):  # before the act or after it
        _folder_option(act, argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from understudy.bridge.security import keys, rights
    from understudy.runtime.core.errors import UnderstudyError

    ring = keys.Keyring(args.keys or None)
    may = rights.USUAL
    if getattr(args, "may", None) is not None:
        may = rights.checked(args.may)
    match args.act:
        case "new" if args.stage is not None and args.may is not None:
            raise UnderstudyError(
                "What a key may do is said at the stage: give --may to `understudy keys allow "
                f"{args.name}.pub` there."
            )
        case "new" if args.stage is not None:
            _new_here(args.name, args.out, args.stage)
        case "new":
            first = not ring.exists
            path = ring.new(args.name, args.out, may)
            if first:
                print(f"The stage's own keys are in {ring.folder}.")
            print(f"{path}: copy it to {args.name}, which connects with --key {path.name}.")
            print("Whoever has that file is let in. The stage asks for keys with --keys.")
            _say(args.name, may)
        case "allow":
            key = keys.read(args.file)
            ring.found()
            ring.allow(key, may)
            print(f"{key.name} is let in.")
            _say(key.name, may)
        case "may":
            may = rights.checked(args.rights)
            ring.permit(args.name, may)
            _say(args.name, may)
        case "revoke":
            ring.revoke(args.name)
            print(f"{args.name} is let in no more.")
        case _:
            _list(ring)
    return 0


def _say(name: str, may: frozenset[str]) -> None:
    """What a key may do, and how that is changed."""
    from understudy.bridge.security import rights

    more = "" if may == rights.EVERYTHING else f"; more: understudy keys may {name} "
    more += ",".join(rights.RIGHTS) if more else ""
    print(f"{name} may {rights.text(may)}{more}")


def _new_here(name: str, out: Path, stage: Path) -> None:
    """A pair whose secret stays on this machine."""
    from understudy.bridge.security import keys

    key = keys.make(name, keys.read(stage).public)
    keys.write(out / f"{name}.key", key.text, secret=True)
    keys.write(out / f"{name}.pub", keys.Key(name, key.public).text, secret=False)
    print(f"{out / f'{name}.key'} stays here; connect with --key {name}.key.")
    print(f"At the stage: understudy keys allow {name}.pub --may listen")


def _list(ring) -> None:
    from understudy.bridge.security import rights

    if not ring.exists:
        print(f"There are no keys in {ring.folder}; `understudy keys new NAME` makes the first.")
        return
    print(f"{ring.folder}")
    print(f"  {ring.stage().public}  the stage's own, public: stage.pub")
    allowed, sentences = ring.listed()
    widest = max((len(name) for name in allowed), default=0)
    for name, key in allowed.items():
        whose = " (this user, this machine)" if name == "local" else ""
        print(f"  {key.public}  {name:{widest}}  may {rights.text(key.may)}{whose}")
    for sentence in sentences:
        print(sentence)
