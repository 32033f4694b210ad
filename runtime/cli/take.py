"""`understudy take`: finds takes, says what is in them, mends, cuts, notes and exports them."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.errors import Failure, UnderstudyError

from . import take_process
from .session_options import character_of

if TYPE_CHECKING:
    from understudy.runtime.stage.replay import Compared
    from understudy.runtime.takes.contents import Contents
    from understudy.runtime.takes.library import Row

SUMMARY = "find, check, mend, cut, note and export takes that a stage recorded (.mcap)"
EXAMPLES = """understudy take ls takes
understudy take ls takes --scene 12 --circled --since 2026-03-14 --with ann
understudy take info takes/12A_T003.mcap --json
understudy take note takes/12A_T003.mcap --notes 'ann looks the wrong way at the end'
understudy take circle takes/12A_T003.mcap
understudy take verify takes/12A_T003.mcap
understudy take repair takes/12A_T003.mcap
understudy take process takes --out clean
understudy take trim takes/12A_T003.mcap --in 10:31:04:12 --out 10:31:20:00
understudy take rm takes/12A_T002.mcap
understudy take export takes/12A_T003.mcap --to bvh --out out
understudy take export takes/12A_T003.mcap --to csv --subject ann --out out"""
# What each carries: docs/take.md.
FORMATS = "bvh, csv, glb, usd, fbx, otio, edl, wav, or a plug-in's"


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    json_help = "one JSON object"
    for name, said, place in (
        ("ls", "the takes of a folder, or those of them that fit", "FOLDER"),
        ("info", "everything that is in a take but its poses", "FILE"),
        ("verify", "read every byte; status 1 where the take is not whole", "FILE"),
        ("repair", "write what is whole into FILE-repaired.mcap", "FILE"),
        ("trim", "write a part of a take into a new one", "FILE"),
        ("note", "note something of a take; without words, say what is noted", "FILE"),
        ("circle", "circle a take: it is the one to be used", "FILE"),
        ("rm", "move a take into the folder .trash beside it", "FILE"),
        ("sheets", "draw the library's pictures of all takes that have none", "FOLDER"),
        ("export", "bodies, faces, cameras, props, markers and timecode as other files", "FILE"),
    ):
        sub = subs.add_parser(name, help=said, description=said)
        add = sub.add_argument
        if name == "export":
            add("places", type=Path, nargs="+", metavar="FILE",
                help="the take; where it went on in FILE-2.mcap, that too")  # fmt: skip
        else:
            add("place", type=Path, metavar=place)
        add("--json", action="store_true", help=json_help)
        if name == "ls":
            for word in ("project", "scene", "shot"):
                add(f"--{word}", default="", metavar="NAME", help=f"of this {word}")
            add("--take", type=int, metavar="N", help="of this number")
            add("--circled", action="store_true", help="circled ones")
            add("--text", default="", metavar="WORDS",
                help="with each of these words in slate, notes, subjects or file name")  # fmt: skip
            add("--since", metavar="DATE", help="begun on this day or later: 2026-03-14")
            add("--with", dest="subject", default="", metavar="NAME", help="with this subject")
        elif name == "trim":
            add("--in", dest="begin", default="", metavar="TIME",
                help="timecode, or seconds from Record on, of its first frame")  # fmt: skip
            add("--out", dest="end", default="", metavar="TIME",
                help="the same of the first frame that is left out (the take's end)")  # fmt: skip
            add("--to", type=Path, metavar="FILE", help="the new take (FILE-trimmed.mcap)")
        elif name == "note":
            for word in ("project", "scene", "shot", "description", "notes"):
                add(f"--{word}", metavar="TEXT", help=f'its {word}; "" takes it away')
            add("--take", type=int, metavar="N", help="its number")
        elif name == "circle":
            add("--off", action="store_true", help="take the circle away")
        elif name == "verify":
            add("--solve", action="store_true",
                help="also solve its packets and pads again, and compare every pose")  # fmt: skip
        elif name == "export":
            add("--to", required=True, metavar="SUFFIX", help=FORMATS)
            add("--out", type=Path, default=Path(), metavar="FOLDER", help="(.)")
            add("--subject", action="append", default=[], metavar="NAME",
                help="this one alone; may be given again")  # fmt: skip
            add("--preroll", action="store_true", help="with the seconds before Record")
            add("--character", action="append", default=[], metavar="[NAME=]FILE",
                help="in a .glb, the subject NAME, or everybody, wears this one instead of what "
                "the take says")  # fmt: skip
            add("--beside", action="store_true", help=argparse.SUPPRESS)  # of a recorder

    take_process.arguments(subs)


def run(args: argparse.Namespace) -> int:
    does = {"ls": _ls, "info": _info, "verify": _verify, "repair": _repair, "export": _export}
    does |= {
        "trim": _trim,
        "note": _note,
        "circle": _circle,
        "rm": _rm,
        "sheets": _sheets,
        "process": take_process.run,
    }
    return does[args.what](args)


def _ls(args: argparse.Namespace) -> int:
    import msgspec

    from understudy.runtime.takes.library import Library, Query, since

    query = Query(
        project=args.project,
        scene=args.scene,
        shot=args.shot,
        take=args.take,
        circled=args.circled,
        text=args.text,
        subject=args.subject,
        since_s=None if args.since is None else since(args.since),
    )
    with Library(args.place) as library:
        library.refresh()
        found = library.find(query)
    if args.json:
        print(msgspec.json.encode(found).decode())
        return 0
    for row in found:
        print(_row(row))
    if not found:
        fits = " that fit" if query != Query() else ""
        print(f"There are no takes{fits} (*.mcap) in {args.place}.")
    return 0


def _row(row: Row) -> str:
    """A take on a line: the circle, length, timecode, who is in it, and what is wrong."""
    circle = "\u25cf" if row.slate.circled else " "
    if not row.frames:
        why = "is being recorded" if row.recording else row.error or "no frames"
        return f"{circle} {row.file:<32} {why}"
    parts = [
        f"{circle} {row.file:<32} {row.seconds:>8.2f} s  {row.timecode_in}",
        ", ".join(row.subjects) or "nobody",
    ]
    if row.takeover:
        parts.append(f"takeover {row.takeover:.1%}")
    if row.worst_gap_s:
        parts.append(f"worst gap {row.worst_gap_s:.2f} s")
    if not row.complete:
        parts.append("cut off: `understudy take repair`")
    elif row.error:
        parts.append(row.error)
    return "  ".join(parts)


def _info(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.contents import contents

    one = contents(args.place)
    if args.json:
        print(json.dumps(asdict(one)))
        return 0
    print("\n".join(_lines(one)))
    return 0


def _lines(one: Contents) -> list[str]:
    lines = [
        f"{one.file}: {one.seconds:.2f} s from Record on at {one.rate_hz:g} Hz, "
        f"{one.timecode_in or 'no timecode'} to {one.timecode_out or 'no timecode'}",
        f"  {one.frames} frames, {one.preroll} of them from before Record",
        f"  {one.lost} frames lost, {one.skipped} ticks skipped by the stage, "
        f"worst gap {one.worst_gap_s:.3f} s, takeover {one.takeover:.1%}",
    ]
    for name, states in one.subjects.items():
        lines.append(f"  {name}: {', '.join(f'{n} {state}' for state, n in states.items())}")
    lines += [f"  sound {name}: {seconds:.2f} s" for name, seconds in one.sounds.items()]
    for event in one.events:
        if event.get("event") == "marker":
            lines.append(f"  marker at tick {event.get('sequence')}: {event.get('text', '')}")
    lines += [f"  {name}: {value}" for name, value in one.slate.items()]
    own = (f"  {k}: {v}" for k, v in one.facts.items() if not k.startswith("slate_"))
    return [*lines, *own] + [f"  {damage}" for damage in one.damage[:10]]


def _verify(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.contents import contents

    one = contents(args.place)
    whole = one.complete and not one.damage
    solved = _solved(args) if args.solve and one.frames else None
    if args.json:
        told = {"whole": whole, "frames": one.frames, "lost": one.lost, "damage": one.damage}
        if solved is not None:
            told["solve"] = {"poses": solved.subjects, "different": solved.different}
        print(json.dumps({"file": one.file, **told}))
    elif whole:
        print(f"{one.file} is whole: {one.frames} frames, {one.lost} lost.")
    if solved is not None and solved.first is not None:
        tick, name, off_m = solved.first
        raise Failure(
            f"{one.file}: {solved.different} of {solved.subjects} poses come out differently, "
            f"first of {name} at tick {tick}, by {1e3 * off_m:.3f} mm."
        )
    if solved is not None and not args.json:
        print(f"Solved again, {solved.subjects} poses come out as they were, to the bit.")
    if whole:
        return 0
    raise Failure(
        f"{one.file} is not whole: {' '.join(one.damage[:3])} {one.frames} frames can be read; "
        "`understudy take repair` writes them into a new file."
    )


def _solved(args: argparse.Namespace) -> Compared:
    from understudy.runtime.stage.replay import TakenInputs, solve_again

    if not TakenInputs(args.place).whole:
        print(
            f"{args.place}: the take began while its stage ran; what the networks had seen before "
            "is not in it, so poses may differ.",
            file=sys.stderr,
        )
    return solve_again(args.place)


def _repair(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.trim import repair

    written = repair(args.place)
    print(json.dumps({"written": str(written)}) if args.json else f"wrote {written}")
    return 0


def _trim(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.trim import trim

    written = trim(args.place, args.begin, args.end, args.to)
    print(json.dumps({"written": str(written)}) if args.json else f"wrote {written}")
    return 0


def _note(args: argparse.Namespace) -> int:
    from understudy.runtime.takes import slate

    words = {name: said for name in slate.WORDS if (said := getattr(args, name, None)) is not None}
    if words:
        slate.note(args.place, words)
    return _slate(args)


def _circle(args: argparse.Namespace) -> int:
    from understudy.runtime.takes import slate

    slate.note(args.place, {"circled": not args.off})
    return _slate(args)


def _slate(args: argparse.Namespace) -> int:
    """What the slate of a take is now."""
    from understudy.runtime.takes.contents import overview

    said = overview(args.place).slate
    if args.json:
        print(json.dumps({"file": str(args.place), "slate": said}))
        return 0
    print("\n".join(f"{name}: {value}" for name, value in said.items()) or "Nothing is noted.")
    return 0


def _sheets(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.sheet import make_all

    _step_back()
    made = make_all(args.place)
    print(json.dumps({"drawn": made}) if args.json else f"drew {made} sheets")
    return 0


# Work of the idle class that gets less of a core than this share, for so long, joins the others.
STARVED, PATIENCE_S = 0.05, 5.0


def _step_back() -> None:
    """Who plays does not wait for a picture or an export.

    A low priority alone is not enough: whoever wakes up waits until a slice of some milliseconds
    is over. What is of the idle class is set aside at once.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        threading.Thread(target=_not_starved, args=(os.getpid(),), daemon=True).start()


def _not_starved(pid: int) -> None:
    """On a machine whose cores are all busy the idle class would never be done."""
    while True:
        before_s = time.process_time()
        time.sleep(PATIENCE_S)
        if time.process_time() - before_s < STARVED * PATIENCE_S:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
            return


def _rm(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.library import remove

    moved = remove(args.place)
    said = f"moved to {moved}; it can be moved back, and takes up room until you delete it."
    print(json.dumps({"moved": str(moved)}) if args.json else said)
    return 0


def _export(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.take_export import export

    if args.beside:
        _step_back()
    first = args.places[0]
    target = args.out / f"{first.stem}.{args.to.removeprefix('.')}"
    characters = {name: Path(file) for name, file in map(character_of, args.character)}
    made = export(args.places, target, args.preroll, args.subject, characters)
    if not (made.files or args.beside):
        raise UnderstudyError(f"{first} holds no subject that could be exported.")
    if args.json:
        print(json.dumps({"written": [str(file) for file in made.files], "notes": made.notes}))
    else:
        print("\n".join([*(f"wrote {file}" for file in made.files), *made.notes]))
    return 0
