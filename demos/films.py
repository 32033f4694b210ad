"""Ten pad scripts and ten gaps beside the truth, as films and sheets to look at after a change.

    python demos/films.py --data mocap/cmu mocap/more --out out/films

Writes scripts/NAME.mp4 and gaps/NAME.mp4, each with a sheet of its moments, and index.txt, which
says what is what. The gaps are in takes that the networks have not learnt from; of other folders,
in ten of their takes. Without --data there are the scripts alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from understudy import demos
from understudy.demos import takeover
from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.sources.files.dropout import Drop
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose

SCRIPTS = (
    *("walk-circles", "slalom", "start-stop", "run", "strafe"),
    *("about-turns", "jumps", "style", "hands", "turn-in-place"),
)
# Takes that no network has learnt from, and what they are.
HELD_OUT = {
    "02_01": "a walk",
    "35_24": "a run",
    "13_39": "a jump",
    "10_06": "a kick at a ball",
    "16_12": "a walk that veers",
    "131_07": "walks up, jumps and stops",
    "03_01": "uneven ground",
    "14_31": "sits down and stands up",
    "salsa_15": "a dance",
    "13_09": "drinks",
}
GAP_S, LEAD_S, TAIL_S = 0.75, 1.2, 1.3
LEAST_S, KNOWN_S = 0.4, 0.5  # the shortest gap, and what must be known of a take besides
TAKES = 10
SIZE, FPS, SHEET_FPS = "480x480", 30, 2


def gap_of(clip: Clip) -> tuple[Clip, Drop]:
    """What is filmed of a take, about its middle, and what is lost of it."""
    rate = clip.rate_hz
    gap_s = min(GAP_S, clip.duration_s - KNOWN_S)
    if gap_s < LEAST_S:
        raise UnderstudyError(f"{clip.name} lasts {clip.duration_s:.2f} s, too short for a gap.")
    room_s = clip.duration_s - gap_s
    begin_s = min(max(0.5 * room_s, min(LEAD_S, 0.6 * room_s)), room_s)
    first = max(0, round((begin_s - LEAD_S) * rate))
    last = min(len(clip), round((begin_s + gap_s + TAIL_S) * rate))
    start_s = begin_s - first / rate
    return clip.cut(first, last), Drop(round(start_s, 3), round(start_s + gap_s, 3))


def chosen(folders: list[Path]) -> dict[str, Path]:
    """Ten takes of folders: those kept apart where they are, else some evenly over the names."""
    for folder in folders:
        if not folder.is_dir():
            raise UnderstudyError(f"{folder} is no folder; give one that holds BVH files.")
    files = sorted(p for folder in folders for p in folder.rglob("*.[bB][vV][hH]"))
    known = {p.stem: p for p in files if p.stem in HELD_OUT}
    if known:
        return {name: known[name] for name in HELD_OUT if name in known}
    if not files:
        raise UnderstudyError(f"{' and '.join(map(str, folders))} holds no BVH file.")
    some = np.linspace(0, len(files) - 1, min(TAKES, len(files))).astype(int)
    return {files[k].stem: files[k] for k in some}


def film_script(name: str, out: Path, film_too: bool) -> None:
    """One script, acted and filmed."""
    with tempfile.TemporaryDirectory() as folder:
        take = Path(folder) / f"{name}.bvh"
        _finish("perform", "--pad", demos.PADS / f"{name}.toml", "--out", take)
        film = (out if film_too else Path(folder)) / f"{name}.mp4"
        fps = FPS if film_too else SHEET_FPS
        words: list[object] = ["--out", film, "--size", SIZE, "--fps", fps]
        words += ["--contact-sheet", out / f"{name}.png", "--caption", "--quiet"]
        _finish("render", take, *words)


def film_gap(path: Path, out: Path, film_too: bool) -> None:
    """One take with a gap: what it was, what arrived, what went out."""
    clip, drop = gap_of(without_tpose(bvh.read(path)))
    with tempfile.TemporaryDirectory() as folder:
        take = Path(folder) / f"{path.stem}.bvh"
        bvh.write(take, clip)
        takeover.show(take, [drop], out, scale=1.0, film_too=film_too, name=path.stem)


def _finish(*words: object) -> None:
    """Runs a command of ours to its end."""
    child = processes.start(*words, stdout=subprocess.DEVNULL)
    try:
        if status := child.wait():
            raise Failure(f"`understudy {words[0]}` ended with status {status}; see above.")
    finally:
        processes.end([child])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("out/films"))
    parser.add_argument("--sheets", action="store_true", help="the sheets alone, much sooner")
    parser.add_argument("--only", default="", metavar="NAMES", help="of scripts and takes, commas")
    args = parser.parse_args()
    only = {name for name in args.only.split(",") if name}
    todo: list[tuple[Path, str, str, Callable[[Path, bool], None]]] = []
    try:
        for name in SCRIPTS:
            todo.append((args.out / "scripts", name, "a pad script", _script(name)))
        for name, path in chosen(args.data).items() if args.data else ():
            todo.append((args.out / "gaps", name, HELD_OUT.get(name, path.name), _gap(path)))
        if only - {name for _, name, _, _ in todo}:
            raise UnderstudyError(
                f"--only {args.only}: there are {', '.join(name for _, name, _, _ in todo)}."
            )
        rows = []
        for out, name, what, film in todo:
            rows.append(f"{out.name}/{name}  {what}")
            if only and name not in only:
                continue
            out.mkdir(parents=True, exist_ok=True)
            print(f"filming {out.name}/{name}: {what}", flush=True)
            film(out, not args.sheets)
        (args.out / "index.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    except UnderstudyError as error:
        print(f"films: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    print(f"wrote {args.out}")
    return 0


def _script(name: str) -> Callable[[Path, bool], None]:
    return lambda out, film_too: film_script(name, out, film_too)


def _gap(path: Path) -> Callable[[Path, bool], None]:
    return lambda out, film_too: film_gap(path, out, film_too)


if __name__ == "__main__":
    sys.exit(main())
