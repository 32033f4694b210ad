"""How a pad is followed, from the poses alone: ours, motion matching, and the training motion.

Every row is measured by the same code on whatever moves the body; docs/control.md tells how.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.layout import STYLES
from understudy.runtime.sources.controls.random_pad import RandomPad

from . import gait, judges, trials
from .figure import Figure
from .gait import RATE_HZ, Likeness, Motion
from .judges import Values

# key: what it is, unit, limit and whether it is the most ("<=") or the least (">=") allowed.
ROWS: dict[str, tuple[str, str, float | None, str]] = {
    "skate": ("foot skate, scripts", "cm/s", 2.0, "<="),
    "skate_random": ("foot skate, random", "cm/s", 2.0, "<="),
    "stance": ("farthest move of a planted foot, scripts", "cm", 3.0, "<="),
    "stance_random": ("farthest move of a planted foot, random", "cm", 3.0, "<="),
    "stance_p99": ("the same, 99th percentile, random", "cm", None, ""),
    "support": ("slide of what carries the body, random", "cm/s", None, ""),
    "mann": ("MANN's skate, toes, random", "cm/frame", None, ""),
    "speed": ("speed after 1 s: worst error", "%", 10.0, "<="),
    "speed_mean": ("speed after 1 s: mean error", "%", None, ""),
    "fastest": ("fastest walk asked and held", "m/s", 2.0, ">="),
    "fastest_run": ("fastest run", "m/s", 3.5, ">="),
    "facing": ("facing after 1 s: worst error", "deg", 8.0, "<="),
    "crossed": ("feet past each other in a side step: most", "cm", 0.0, "<="),
    "spot": ("facing 1.5 s after a turn on the spot: worst", "deg", 8.0, "<="),
    "about_walk": ("180 at a walk: mean time", "s", 1.2, "<="),
    "about_walk_worst": ("180 at a walk: slowest of 8", "s", 1.2, "<="),
    "about_run": ("180 at a run: mean time", "s", None, ""),
    "start": ("idle to 1 m/s: mean time", "s", 0.6, "<="),
    "start_worst": ("idle to 1 m/s: slowest of 8", "s", 0.6, "<="),
    "stop_walk": ("walk to stand: mean time", "s", None, ""),
    "stop_run": ("run to stand: mean time", "s", None, ""),
    "path/circle 1.5 m": ("path error, circle 1.5 m", "cm", None, ""),
    "path/circle 2 m": ("path error, circle 2 m", "cm", None, ""),
    "path/circle 4 m": ("path error, circle 4 m", "cm", None, ""),
    "path/slalom": ("path error, slalom", "cm", None, ""),
    "path/running circle 4 m": ("path error, circle 4 m at a run", "cm", None, ""),
    "idle": ("idle: the head's sway", "cm", None, ""),
    "jump": ("jump: rise of the hips", "cm", 15.0, ">="),
    "action1": ("action 1: farthest joint from without", "cm", 20.0, ">="),
    "action2": ("action 2: farthest joint from without", "cm", 20.0, ">="),
    "back": ("standing still again after a button: slowest", "s", None, ""),
    "energy": ("energy -1 to 1: hands' speed, walking", "m/s", None, ""),
    "cadence": ("energy -1 to 1: cadence, walking", "%", 15.0, ">="),
    "crouch": ("crouch -1 to 1: hips' height, walking", "cm", None, ""),
    "style": ("steps of a style that go the wrong way", "of 8", 0.0, "<="),
    "frozen": ("frozen gait while moving is asked, random", "%", 0.0, "<="),
    "beyond": ("joint beyond the data's range, random", "deg", 0.0, "<="),
    "beyond_share": ("ticks with a joint beyond it", "%", None, ""),
    "nearest": ("nearest training pose, random", "cm", None, ""),
    "drift": ("the same: change over ten minutes", "cm", 0.2, "<="),
    "jerk": ("jerk over the data's at equal speed, random", "x", 1.3, "<="),
    "jerk_scripts": ("the same, scripts", "x", 1.3, "<="),
    "faults": ("bodies put back on their feet", "", 0.0, "<="),
    "memory": ("memory: network, or motion and features", "MB", 4.0, "<="),
    "tick": ("a tick of one body, mean", "ms", 1.0, "<="),
    "tick_p99": ("a tick of one body, 99th percentile", "ms", None, ""),
}
BUTTON_S = 2.0  # that a jump or an action takes
OWN_ROWS = ("jump", "action1", "action2", "back", "energy", "cadence", "crouch", "style")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="folders of BVH that it was trained on, to compare with",
    )
    parser.add_argument("--include", metavar="NAMES", help="of --data (what the card says)")
    parser.add_argument("--weights", type=Path, metavar="FILE.onnx", help="another motion network")
    parser.add_argument("--out", type=Path, metavar="DIR", help="plots and control.json go here")
    parser.add_argument("--minutes", type=float, metavar="N", help="of random input (10)")
    parser.add_argument("--seeds", type=int, metavar="N", help="of random input (16)")
    parser.add_argument("--only", metavar="WHO", help="of ours, matching, matching-mocap, data")
    parser.add_argument("--verbose", action="store_true", help="each trial, too")


def run(args: argparse.Namespace) -> int:
    if args.minutes is None:
        args.minutes = 1.0 if args.quick else 10.0
    if args.seeds is None:
        args.seeds = 4 if args.quick else 16
    if not 0.2 <= args.minutes <= 1000.0 or not 1 <= args.seeds <= 256:
        raise UnderstudyError(
            f"--minutes {args.minutes:g} with --seeds {args.seeds} cannot be run; "
            "give 0.2 to 1000 minutes and 1 to 256 seeds."
        )
    if args.out and not args.out.parent.is_dir():
        raise UnderstudyError(f"--out {args.out}: there is no folder {args.out.parent}; make it.")
    if args.out:
        writable(args.out / "control.json")
    report = measured(args, lambda text: print(text, file=sys.stderr, flush=True))
    if args.json:
        for figure in figures(report):
            print(json.dumps(figure), flush=True)
    else:
        print_table(report, args.verbose)
    if args.out:
        from . import control_plot

        args.out.mkdir(exist_ok=True)
        for path in control_plot.draw(report, args.out):
            print(f"wrote {path}", file=sys.stderr)
    return 0


def measure(quick: bool) -> list[Figure]:
    """Ours alone, for a run of all benches."""
    args = argparse.Namespace(
        data=None, include=None, weights=None, only="ours", quick=quick, seeds=4, minutes=1.0
    )
    values = measured(args, lambda _: None)["who"]["ours"]["values"]
    out = []
    for key, (name, unit, limit, sense) in ROWS.items():
        if key in values and np.isfinite(values[key]):
            target = f"{sense} {limit:g}" if limit is not None else ""
            met = meets(key, values[key])
            where = "from poses alone; 4 seeds, 1 min"
            out.append(Figure(f"control, {name}", values[key], unit, target, met, where))
    return out


def measured(args: argparse.Namespace, tell: Callable[[str], None]) -> dict[str, Any]:
    """The report: conditions, and for everybody who was measured the values of ROWS and traces."""
    from understudy.runtime.core import networks
    from understudy.runtime.performer.control.performer import Performer

    weights = args.weights or networks.WEIGHTS / "motion.onnx"
    wanted = args.only.split(",") if args.only else ["ours", "matching", "matching-mocap", "data"]
    who: dict[str, Any] = {}
    strips, likeness, usual = None, None, None
    if args.data is not None:
        strips = training_strips(args.data, weights, args.include)
        tell(f"data: {len(strips)} clips")
        both = [Motion(*(x[:, None] for x in world)) for world in worlds(strips)]
        likeness = Likeness(both + action_motions(args.data))
        usual = total(gait.jerk(m) for m in both)
        if "data" in wanted:
            who["data"] = {"values": of_data(both, usual), "traces": {}}
    makers: dict[str, Callable[[int], Any]] = {
        "ours": lambda count: Performer(count, args.weights, "cpu")
    }
    if strips is not None and {"matching", "matching-mocap"} & set(wanted):
        from understudy.models.matching.matching import Library

        for name, made in (("matching", True), ("matching-mocap", False)):
            if name in wanted:
                library = Library(strips, made)
                makers[name] = functools.partial(_matching, library)
    for name, make in makers.items():
        if name not in wanted:
            continue
        began = time.monotonic()
        values, traces, each = of_trials(make, usual)
        tell(f"{name}: scripts in {time.monotonic() - began:.0f} s")
        values |= of_random(make, args.seeds, args.minutes, likeness, usual, traces)
        tell(f"{name}: random input in {time.monotonic() - began:.0f} s")
        values |= cost(make, weights if name == "ours" else None)
        who[name] = {"values": values, "traces": traces, "trials": each}
    data = " ".join(map(str, args.data or ()))
    return {"minutes": args.minutes, "seeds": args.seeds, "data": data, "who": who}


def _matching(library: Any, count: int) -> Any:
    from understudy.models.matching.matching import Matching

    return Matching(count, library)


def training_strips(folders: Sequence[Path], weights: Path, include: str | None) -> list[Any]:
    """The strips of the clips that the weights' card names, without those held out."""
    from understudy.models.motion import data
    from understudy.runtime.core import networks

    training = networks.read_card(weights)["training"]
    leave = ",".join([training.get("exclude", ""), training.get("held_out", "")])
    return data.load(folders, include or training.get("include", "*"), leave)


def action_motions(folders: Sequence[Path]) -> list[Motion]:
    """The whole clips that jumps and actions were learned from, as they are and mirrored."""
    from understudy.models.motion import augment, data
    from understudy.runtime.core import networks

    path = networks.WEIGHTS / "actions.onnx"
    takes = networks.read_card(path).get("takes", []) if path.exists() else []
    names = sorted({str(take["clip"]) for take in takes})
    try:
        strips = data.load(folders, ",".join(names)) if names else []
    except UnderstudyError:  # another folder, which has none of them
        strips = []
    pairs = [data.world(p) for s in strips for p in (s, augment.mirror(s))]
    return [Motion(hips[:, None], rotations[:, None]) for hips, rotations in pairs]


def worlds(strips: list[Any]) -> list[tuple[Array, Array]]:
    """World hips and rotations of the sound parts of strips, as they are and mirrored."""
    from understudy.models.motion import augment, data, library

    parts = [part for s in strips for part in library.sound(s)]
    return [data.world(p) for part in parts for p in (part, augment.mirror(part))]


def total(pairs: Any) -> tuple[Array, Array]:
    """Sums of pairs of arrays."""
    first, second = zip(*pairs)
    return np.sum(first, axis=0), np.sum(second, axis=0)


def of_data(motions: list[Motion], usual: tuple[Array, Array]) -> Values:
    """The rows that can be told of motion that nobody asked for."""
    points = [gait.soles(m) for m in motions]
    on = [gait.planted(p) for p in points]
    moves = np.concatenate([gait.stance_movement(*pair) for pair in zip(points, on)])
    skate, planted = map(sum, zip(*(gait.skate(*pair) for pair in zip(points, on))))
    slide, low = map(sum, zip(*(gait.support_slide(p) for p in points)))
    frames = sum(len(m.hips) for m in motions)
    mann = sum(len(p) * gait.mann_skate(p).mean() for p in points) / frames
    return {
        "skate": skate / planted,
        "skate_random": skate / planted,
        "stance": float(moves.max()),
        "stance_random": float(moves.max()),
        "stance_p99": float(np.percentile(moves, 99)),
        "support": slide / low,
        "mann": float(mann),
        "jerk": 1.0,
        "jerk_scripts": 1.0,
        "beyond": 0.0,
        "memory": frames * (22 * 4 + 3 + 4) * 4 / 1e6,
    }


def of_trials(
    make: Callable[[int], Any], usual: tuple[Array, Array] | None
) -> tuple[Values, dict[str, Any], dict[str, Values]]:
    """Values of the scripted rows, traces for the plots, and what each trial measured."""
    todo = trials.all_trials()
    with make(len(todo)) as body:
        styled = hasattr(body, "style")  # motion matching has no styles, no jumps and no actions
        for i, trial in enumerate(todo):
            for trait, value in trial.about.get("style", {}).items() if styled else ():
                body.style[i, STYLES.index(trait)] = value
        ticks = round(trials.SECONDS * RATE_HZ)
        motion, asked, facing = trials.follow(body, [t.pad for t in todo], ticks)
    seen = judges.Seen(motion, asked, facing)
    values: Values = {}
    each: dict[str, Values] = {}
    for group, judge in judges.JUDGES.items():
        picked = [(i, t) for i, t in enumerate(todo) if t.name.split("/")[0].startswith(group)]
        for i, trial in picked:
            each[trial.name] = judge(seen, i, trial)
    judges.summarise(values, each)
    points = gait.soles(motion)
    on = gait.planted(points)
    for i, trial in enumerate(todo):
        sums = gait.skate(points[:, i : i + 1], on[:, i : i + 1])
        moves = gait.stance_movement(points[:, i : i + 1], on[:, i : i + 1])
        each.setdefault(trial.name, {})
        each[trial.name] |= {
            "skate": sums[0] / max(sums[1], 1),
            "stance": float(moves.max(initial=0.0)),
        }
    skate, count = gait.skate(points, on)
    values["skate"] = skate / max(count, 1)
    values["stance"] = max(row["stance"] for row in each.values())
    if usual is not None:
        values["jerk_scripts"] = gait.jerk_ratio(gait.jerk(motion), usual)[0]
    if not styled:
        values = {k: v for k, v in values.items() if k not in OWN_ROWS}
    return values, judges.traces_of(seen, todo), each


def of_random(
    make: Callable[[int], Any],
    seeds: int,
    minutes: float,
    likeness: Likeness | None,
    usual: tuple[Array, Array] | None,
    traces: dict[str, Any],
) -> Values:
    """Long random input: feet, frozen gaits, joints' range, likeness over time."""
    pads = [RandomPad(seed, minutes) for seed in range(seeds)]
    feed: list[trials.Pad] = [lambda t, _, pad=pad: pad.intent(t) for pad in pads]  # type: ignore[misc]
    part_s = min(30.0, 60.0 * minutes)
    sums = np.zeros(8)
    moves, mann, beyond, near, jerks = [], [], [], [], []
    with make(seeds) as body:
        for k in range(int(60.0 * minutes / part_s)):
            motion, asked, _ = trials.follow(body, feed, round(part_s * RATE_HZ), k * part_s)
            points = gait.soles(motion)
            on = gait.planted(points)
            moving = (np.linalg.norm(asked, axis=-1) > 0.4) & ~busy(pads, k * part_s, len(asked))
            sums[:6] += (
                *gait.skate(points, on),
                *gait.support_slide(points),
                *gait.frozen(motion, moving),
            )
            moves.append(gait.stance_movement(points, on))
            mann.append(gait.mann_skate(points).mean())
            jerks.append(gait.jerk(motion))
            if likeness is not None:
                over = likeness.beyond_deg(motion.part(slice(None, None, 3)))
                beyond.append((over.max((0, 1)), (over.max(-1) > 0.5).mean()))
                near.append(likeness.nearest_cm(motion.part(slice(0, None, 30))).mean())
        faults = getattr(body, "faults", 0)
    moved = np.concatenate(moves)
    values = {
        "skate_random": sums[0] / max(sums[1], 1),
        "support": sums[2] / max(sums[3], 1),
        "frozen": 100.0 * sums[4] / max(sums[5], 1),
        "stance_random": float(moved.max(initial=0.0)),
        "stance_p99": float(np.percentile(moved, 99)) if len(moved) else 0.0,
        "stance_over": 100.0 * float((moved > 3.0).mean()) if len(moved) else 0.0,
        "mann": float(np.mean(mann)),
        "faults": float(faults),
    }
    if likeness is not None:
        worst = np.max([b[0] for b in beyond], axis=0)
        traces["beyond_deg"] = worst
        values["beyond"] = float(worst.max())
        values["beyond_share"] = 100.0 * float(np.mean([b[1] for b in beyond]))
        values["nearest"] = float(np.mean(near))
        at = (np.arange(len(near)) + 0.5) * part_s / 60.0
        if minutes >= 5.0:  # of less, chance makes the slope
            values["drift"] = 10.0 * float(np.polyfit(at, near, 1)[0])
        traces["nearest"] = {"minutes": at, "cm": np.array(near)}
    if usual is not None:
        values["jerk"], traces["jerk_ratio"] = gait.jerk_ratio(total(jerks), usual)
    return values


def busy(pads: list[RandomPad], from_s: float, ticks: int) -> np.ndarray:
    """(T, N) where a jump or an action was asked less than BUTTON_S ago: no walk is, meanwhile."""
    at = from_s + np.arange(ticks)[:, None] / RATE_HZ
    out = np.zeros((ticks, len(pads)), bool)
    for i, pad in enumerate(pads):
        presses = [e.at_s for e in pad.events if e.buttons - {"run", "strafe"}]
        since = at - np.array(presses or [np.inf])
        out[:, i] = ((since >= 0.0) & (since < BUTTON_S)).any(1)
    return out


def cost(make: Callable[[int], Any], weights: Path | None) -> Values:
    """Milliseconds a tick of one body, and what has to be in memory for it."""
    with make(1) as body:
        spent = []
        stick = trials.way(0.0, trials.stick_for(1.2))
        pad = trials.script((0.0, stick, None, ""), (1.5, -stick, None, ""))
        for t in range(240):
            intent = pad(t / RATE_HZ, np.zeros(2))
            before = time.thread_time()  # others on the core do not count
            body.step([intent], 1.0 / RATE_HZ)
            spent.append(time.thread_time() - before)
        size = weights.stat().st_size if weights else body.nbytes
    # Of the quietest of five rounds, as in `bench performer`.
    ms = 1e3 * min(np.array_split(np.array(spent[20:]), 5), key=np.mean)
    return {
        "tick": float(ms.mean()),
        "tick_p99": float(np.percentile(ms, 99)),
        "memory": size / 1e6,
    }


def meets(key: str, value: float) -> bool | None:
    """Whether a value meets its row's limit; None where there is none."""
    _, _, limit, sense = ROWS[key]
    if limit is None:
        return None
    if key == "drift":
        return bool(abs(value) <= limit)
    # What never came (nan) missed its limit. A speed is reached that is held to one percent.
    return bool(value <= limit + 1e-9) if sense == "<=" else bool(value >= 0.99 * limit)


def figures(report: dict[str, Any]) -> list[dict[str, Any]]:
    """One object a row and a mover, for --json."""
    out = []
    for who, found in report["who"].items():
        for key, (name, unit, limit, sense) in ROWS.items():
            value = found["values"].get(key)
            if value is None:
                continue
            target = f"{sense} {limit:g}" if limit is not None else ""
            met = meets(key, value) if who == "ours" else None
            number = value if np.isfinite(value) else None
            out.append(
                {
                    "part": "control",
                    "who": who,
                    "key": key,
                    "name": name,
                    "value": number,
                    "unit": unit,
                    "target": target,
                    "met": met,
                }
            )
    return out


def print_table(report: dict[str, Any], verbose: bool) -> None:
    """Everybody beside everybody, with the limit and a mark where ours misses it."""
    names = list(report["who"])
    print(
        f"{report['seeds']} seeds of random input, {report['minutes']:g} minutes each"
        + (f"; data {report['data']}" if report["data"] else "; no --data, so no likeness to it")
    )
    print(f"{'':46}" + "".join(f"{name:>16}" for name in names) + "  limit")
    for key, (name, unit, limit, sense) in ROWS.items():
        values = [report["who"][n]["values"].get(key) for n in names]
        if all(v is None for v in values):
            continue
        cells = "".join(f"{'' if v is None else _short(v):>16}" for v in values)
        target = f"{sense} {limit:g}" if limit is not None else ""
        ours = report["who"].get("ours", {}).get("values", {}).get(key)
        mark = "MISSED" if ours is not None and meets(key, ours) is False else ""
        print(f"{name + (f', {unit}' if unit else ''):46}{cells}  {target:8} {mark}".rstrip())
    if not verbose:
        return
    for who in names:
        worst = report["who"][who].get("traces", {}).get("beyond_deg")
        if worst is not None:
            order = np.argsort(-worst)[:8]
            text = ", ".join(f"{PERFORMER.names[j]} {worst[j]:.0f}" for j in order)
            print(f"{who:16} degrees beyond the data: {text}")
        for trial, row in report["who"][who].get("trials", {}).items():
            print(f"{who:16} {trial:40} " + "  ".join(f"{k} {_short(v)}" for k, v in row.items()))


def _short(value: float) -> str:
    return "never" if np.isnan(value) else f"{value:.3g}"
