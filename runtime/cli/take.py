"""`understudy take`: what is in takes, whether they are whole, and out of them into other files."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.runtime.core.errors import Failure, UnderstudyError

from . import take_process

if TYPE_CHECKING:
    from understudy.runtime.stage.replay import Compared
    from understudy.runtime.takes.take_reader import Contents

SUMMARY = "list, check, mend and export takes that a stage recorded (.mcap)"
EXAMPLES = """understudy take ls takes
understudy take info takes/12A_T003.mcap --json
understudy take verify takes/12A_T003.mcap
understudy take repair takes/12A_T003.mcap
understudy take process takes --out clean
understudy take export takes/12A_T003.mcap --to bvh --out out"""


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    json_help = "one JSON object"
    for name, said, place in (
        ("ls", "the takes of a folder", "FOLDER"),
        ("info", "everything that is in a take but its poses", "FILE"),
        ("verify", "read every byte; status 1 where the take is not whole", "FILE"),
        ("repair", "write what is whole into FILE-repaired.mcap", "FILE"),
        ("export", "a file a subject: BVH or CSV", "FILE"),
    ):
        sub = subs.add_parser(name, help=said, description=said)
        sub.add_argument("place", type=Path, metavar=place)
        sub.add_argument("--json", action="store_true", help=json_help)
        if name == "verify":
            sub.add_argument(
                "--solve",
                action="store_true",
                help="also solve its packets and pads again, and compare every pose",
            )
        if name == "export":
            sub.add_argument(
                "--to", required=True, metavar="SUFFIX", help="bvh, csv, or a plug-in's"
            )
            sub.add_argument("--out", type=Path, required=True, metavar="FOLDER")
            sub.add_argument(
                "--preroll", action="store_true", help="with the seconds before Record"
            )

    take_process.arguments(subs)


def run(args: argparse.Namespace) -> int:
    if args.what == "process":
        return take_process.run(args)
    return {"ls": _ls, "info": _info, "verify": _verify, "repair": _repair, "export": _export}[
        args.what
    ](args)


def _ls(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.take_reader import contents

    if not args.place.is_dir():
        raise UnderstudyError(f"{args.place} is no folder; give one with takes in it.")
    found: list[dict[str, Any]] = []
    for path in sorted(args.place.glob("*.mcap")):
        try:
            one = contents(path)
        except UnderstudyError as error:  # a file of others does not hide the takes
            found.append({"file": path.name, "error": str(error)})
            continue
        found.append(
            {
                "file": path.name,
                "seconds": one.seconds,
                "frames": one.frames,
                "subjects": list(one.subjects),
                "timecode": one.timecode,
                "lost": one.lost,
                "skipped": one.skipped,
                "complete": one.complete,
            }
        )
    if args.json:
        print(json.dumps(found))
        return 0
    for row in found:
        if "error" in row:
            print(f"{row['file']}: {row['error']}")
            continue
        whole = "" if row["complete"] else "  cut off: `understudy take repair`"
        print(
            f"{row['file']:<32} {row['seconds']:>8.2f} s  {row['timecode']}  "
            f"{', '.join(row['subjects'])}{whole}"
        )
    if not found:
        print(f"There are no takes (*.mcap) in {args.place}.")
    return 0


def _info(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.take_reader import contents

    one = contents(args.place)
    if args.json:
        print(json.dumps(asdict(one)))
        return 0
    print("\n".join(_lines(one)))
    return 0


def _lines(one: Contents) -> list[str]:
    lines = [
        f"{one.file}: {one.frames} frames, {one.seconds:.2f} s at {one.rate_hz:g} Hz, "
        f"from {one.timecode or 'no timecode'}",
        f"  {one.lost} frames lost, {one.skipped} ticks skipped by the stage",
    ]
    for name, states in one.subjects.items():
        lines.append(f"  {name}: {', '.join(f'{n} {state}' for state, n in states.items())}")
    lines += [f"  {name}: {value}" for name, value in one.facts.items()]
    return lines + [f"  {damage}" for damage in one.damage[:10]]


def _verify(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.take_reader import contents

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
    from understudy.runtime.takes.take_reader import repair

    written = repair(args.place)
    print(json.dumps({"written": str(written)}) if args.json else f"wrote {written}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from understudy.runtime.takes.take_export import export

    target = args.out / f"{args.place.stem}.{args.to}"
    files = export(args.place, target, args.preroll)
    if not files:
        raise UnderstudyError(f"{args.place} holds no subject that could be exported.")
    if args.json:
        print(json.dumps({"written": [str(file) for file in files]}))
    else:
        print("\n".join(f"wrote {file}" for file in files))
    return 0
